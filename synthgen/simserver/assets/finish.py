"""From shapes to the meshes the renderer takes: creased smooth normals, one vertex per corner."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.shapes import F64, I64, Shape, drop_slivers
from synthgen.simserver.scene import F32, Material, Mesh, Tag

CREASE_DEG = 34.0


def to_mesh(shape: Shape, tag: Tag, *, crease_deg: float = CREASE_DEG) -> Mesh:
    """The shape as a mesh with normals that are smooth except across sharp edges.

    Args:
        shape: Triangles; those tagged `Tag.NONE` get `tag`.
        tag: Tag of the model.
        crease_deg: Faces that meet at a larger angle keep a crisp edge.
    """
    shape = drop_slivers(shape)
    corners = shape.triangles.reshape(-1)
    place = _place_codes(shape)
    normal = _corner_normals(shape, place, crease_deg)
    # Corners of one place and one normal (to 1e-3) share a vertex.
    way = np.round(normal * 1e3).astype(np.int64) @ np.array([1 << 22, 1 << 11, 1])
    _, first, inverse = np.unique(
        place * np.int64(0x9E3779B97F4A7C1) ^ way, return_index=True, return_inverse=True
    )
    return Mesh(
        vertices_m=shape.vertices_m[corners[first]].astype(np.float32),
        triangles=inverse.reshape(-1, 3).astype(np.int32),
        material=shape.material,
        tag=np.where(shape.tag == Tag.NONE, np.uint8(tag), shape.tag).astype(np.uint8),
        normals=normal[first].astype(np.float32),
        uv_m=_surface_coordinates(shape, corners[first], normal[first]),
    )


def _surface_coordinates(shape: Shape, corners: I64, normal: F64) -> F32:
    """(V, 2) metres along the surface: the two axes that it faces least, upright one last.

    Number plates count from their middle.
    """
    at = shape.vertices_m[corners]
    faces = np.abs(normal).argmax(axis=1)
    u = np.where(faces == 0, at[:, 1], at[:, 0])
    v = np.where(faces == 2, at[:, 1], at[:, 2])
    is_plate = shape.material == Material.PLATE
    if is_plate.any():
        plates = np.isin(corners, shape.triangles[is_plate])
        for end in (at[:, 0] > 0, at[:, 0] <= 0):
            z = at[plates & end, 2]
            if len(z):
                v[plates & end & (faces == 0)] -= (z.min() + z.max()) / 2
    return np.stack([u, v], axis=1).astype(np.float32)


def _place_codes(shape: Shape) -> I64:
    """(3T,) one number for the position of each triangle corner, to 10 um.

    21 bits an axis hold +-10 m.
    """
    grid = np.round(shape.vertices_m * 1e5).astype(np.int64) + (1 << 20)
    codes = grid @ np.array([1 << 42, 1 << 21, 1])
    return np.asarray(codes[shape.triangles.reshape(-1)], np.int64)


def _corner_normals(shape: Shape, place: I64, crease_deg: float) -> F64:
    """(3T, 3) unit normal of each triangle corner: the area-weighted mean of its soft faces."""
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    length = np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-20)
    unit = area / length
    order = np.argsort(place)
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    counts = np.diff(np.append(starts, len(order)))
    # All ordered pairs of corners that share a position.
    per_corner = np.repeat(counts, counts)
    corner = np.repeat(np.arange(len(order)), per_corner)
    first = np.repeat(starts, counts) - (np.cumsum(per_corner) - per_corner)
    partner = np.repeat(first, per_corner) + np.arange(len(corner))
    face = order // 3
    mine, other = face[corner], face[partner]
    soft = (unit[mine] * unit[other]).sum(axis=1) > np.cos(np.radians(crease_deg))
    corner, other = order[corner[soft]], other[soft]
    total = np.stack(
        [np.bincount(corner, area[other, k], minlength=len(order)) for k in range(3)], axis=1
    )
    size = np.linalg.norm(total, axis=1, keepdims=True)
    flat = np.repeat(unit, 3, axis=0)
    return np.asarray(np.where(size > 1e-12, total / np.maximum(size, 1e-20), flat), np.float64)
