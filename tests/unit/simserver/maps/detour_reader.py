"""Read a Detour tile set, after recastnavigation's DetourNavMesh.h; for tests."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AREA_NAMES = {1: "sidewalk", 2: "crosswalk", 3: "road"}


@dataclass(frozen=True)
class Face:
    """A polygon: its area, (K, 3) corners (x, y, z of CARLA) and the face behind each edge."""

    area: str
    corners_m: NDArray[np.float64]
    neighbours: list[int]


def read_faces(data: bytes) -> list[Face]:
    """Polygons of a set of one tile; raises where a size does not add up."""
    magic, version, tiles = struct.unpack_from("<3i", data, 0)
    assert (magic, version, tiles) == (0x4D534554, 1, 1)
    reference, size = struct.unpack_from("<Ii", data, 40)
    assert reference != 0
    tile = data[48:]
    assert len(tile) == size
    header = struct.unpack_from("<5iI9i", tile, 0)
    assert header[:2] == (0x444E4156, 7)
    polys, verts, links, details, _, triangles = header[6:12]
    assert details == polys
    points = np.frombuffer(tile, "<f4", 3 * verts, 100).reshape(-1, 3).astype(float)
    at = 100 + 12 * verts
    assert at + 32 * polys + 12 * links + 12 * details + 4 * triangles == len(tile)
    faces = []
    for k in range(polys):
        row = struct.unpack_from("<I6H6HHBB", tile, at + 32 * k)
        count = row[14]
        corners = points[list(row[1 : 1 + count])][:, [0, 2, 1]]
        faces.append(Face(AREA_NAMES[row[15]], corners, [n - 1 for n in row[7 : 7 + count]]))
    return faces
