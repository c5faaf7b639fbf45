"""From shapes to the meshes the renderer takes: creased smooth normals, one vertex per corner."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.shapes import F64, Shape
from synthgen.simserver.scene import Mesh, Tag

CREASE_DEG = 34.0


def to_mesh(shape: Shape, tag: Tag, *, crease_deg: float = CREASE_DEG) -> Mesh:
    """The shape as a mesh with normals that are smooth except across sharp edges.

    Args:
        shape: Triangles; those tagged `Tag.NONE` get `tag`.
        tag: Tag of the model.
        crease_deg: Faces that meet at a larger angle keep a crisp edge.
    """
    corners = shape.triangles.reshape(-1)
    normal = _corner_normals(shape, crease_deg)
    # Positions to 10 um and normals to 1e-3 decide whether two corners share a vertex.
    key = np.column_stack([
        np.round(shape.vertices_m[corners] * 1e5), np.round(normal * 1e3)
    ]).astype(np.int32)  # fmt: skip
    _, first, inverse = np.unique(
        np.ascontiguousarray(key).view([("", np.int32)] * 6).ravel(),
        return_index=True,
        return_inverse=True,
    )
    return Mesh(
        vertices_m=shape.vertices_m[corners[first]].astype(np.float32),
        triangles=inverse.reshape(-1, 3).astype(np.int32),
        material=shape.material,
        tag=np.where(shape.tag == Tag.NONE, np.uint8(tag), shape.tag).astype(np.uint8),
        normals=normal[first].astype(np.float32),
    )


def _corner_normals(shape: Shape, crease_deg: float) -> F64:
    """(3T, 3) unit normal of each triangle corner: the area-weighted mean of its soft faces."""
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    length = np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-20)
    unit = area / length
    corners = shape.triangles.reshape(-1)
    place = np.round(shape.vertices_m[corners] * 1e5).astype(np.int64)
    # One number per position: 21 bits an axis hold +-10 m at 10 um.
    code = (place + (1 << 20)) @ np.array([1 << 42, 1 << 21, 1])
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    counts = np.diff(np.append(starts, len(order)))
    # All ordered pairs of corners that share a position.
    per_corner = np.repeat(counts, counts)
    left = np.repeat(np.arange(len(order)), per_corner)
    first_of = np.repeat(np.repeat(starts, counts), per_corner)
    offset = np.arange(len(left)) - np.repeat(np.cumsum(per_corner) - per_corner, per_corner)
    mine, other = order[left] // 3, order[first_of + offset] // 3
    soft = np.einsum("ij,ij->i", unit[mine], unit[other]) > np.cos(np.radians(crease_deg))
    total = np.zeros((len(order), 3))
    weight = area[other] * soft[:, None]
    for axis in range(3):
        total[:, axis] = np.bincount(order[left], weight[:, axis], minlength=len(order))
    size = np.linalg.norm(total, axis=1, keepdims=True)
    face = np.repeat(unit, 3, axis=0)
    return np.asarray(np.where(size > 1e-12, total / np.maximum(size, 1e-20), face), np.float64)
