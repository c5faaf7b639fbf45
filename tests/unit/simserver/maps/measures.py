"""Areas and heights of meshes, for tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.build import lay_ground
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.townmap import GroundGrid
from synthgen.simserver.scene import Mesh, Tag

F64 = NDArray[np.float64]


def bare_town(text: str) -> tuple[Mesh, GroundGrid]:
    """Roads and land of a text, without scenery."""
    builder = MeshBuilder()
    work = lay_ground(builder, "tiny", text, np.random.default_rng(0))
    return builder.build(), work.ground


def corners(mesh: Mesh, tag: Tag) -> F64:
    """(T, 3, 3) corners of the triangles of one tag."""
    chosen: F64 = mesh.vertices_m[mesh.triangles[mesh.tag == tag]].astype(np.float64)
    return chosen


def crosses(triangles: F64) -> F64:
    """(T, 3) normals, twice as long as the area."""
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def top_area_m2(mesh: Mesh, tag: Tag) -> float:
    """Area, seen from above, of the triangles of one tag that face up."""
    up = crosses(corners(mesh, tag))[:, 2]
    return float(up[up > 0].sum() / 2)
