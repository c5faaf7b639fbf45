"""Crosswalk stripes on the road, following its height."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.ground import Raster
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.scene import Material, Tag

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

DECAL_LIFT_M = 0.006
_STRIPE_M, _STRIPE_PERIOD_M = 0.5, 1.0
_PIECE_M = 0.75


class RoadLevel:
    """Height of the carriageway at any point, kerbs taken away."""

    def __init__(self, raster: Raster, z_m: F32, is_road: NDArray[np.bool_]) -> None:
        self._raster, self._z, self._is_road = raster, z_m, is_road

    def lift(self, xy_m: F64) -> F64:
        """(N, 3) points on the road, lifted as paint is."""
        index = (xy_m - self._raster.origin_m) / self._raster.cell_m
        x, y = index.astype(np.float32).T
        z = cv2.remap(self._z, x[None], y[None], cv2.INTER_LINEAR)[0]
        return np.column_stack([xy_m, z.astype(np.float64) + DECAL_LIFT_M])

    def is_road(self, xy_m: F64) -> NDArray[np.bool_]:
        """Whether points lie on the carriageway, gutters included."""
        return self._is_road[self._raster.nodes(xy_m)]


def add_crosswalk(builder: MeshBuilder, level: RoadLevel, polygon_m: F64) -> None:
    """Paint the stripes of a crosswalk, along the traffic, where there is road."""
    center, axes, size = _long_box(polygon_m)
    count = int(size[0] // _STRIPE_PERIOD_M)
    first = -(count * _STRIPE_PERIOD_M - _STRIPE_M) / 2
    corners, uvs = [], []
    rows = max(1, int(np.ceil(size[1] / _PIECE_M)))
    across = np.linspace(-size[1] / 2, size[1] / 2, rows + 1)
    for k in range(count + 1):
        u = first + k * _STRIPE_PERIOD_M - _STRIPE_M / 2
        for v0, v1 in itertools.pairwise(across):
            local = np.array([[u, v0], [u + _STRIPE_M, v0], [u + _STRIPE_M, v1], [u, v1]])
            quad = center + local @ axes
            if level.is_road(quad).all() and _inside(polygon_m, quad):
                corners.append(quad)
                uvs.append(local)
    add_quads(builder, level, corners, uvs)


def add_quads(builder: MeshBuilder, level: RoadLevel, corners: list[F64], uvs: list[F64]) -> None:
    """Paint quads given as (4, 2) corners, any winding."""
    if not corners:
        return
    quads = np.array(corners)
    ab, ac = quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 0]
    flipped = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0
    quads[flipped] = quads[flipped][:, ::-1]
    points = level.lift(quads.reshape(-1, 2))
    first = 4 * np.arange(len(quads))[:, None, None]
    triangles = (first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    uv = np.array(uvs)
    uv[flipped] = uv[flipped][:, ::-1]
    look = (Material.LANE_PAINT_WHITE, Tag.ROAD_LINES)
    builder.add(points, triangles, look, uv_m=uv.reshape(-1, 2))


def _long_box(polygon_m: F64) -> tuple[F64, F64, F64]:
    """Centre, axes (rows: long, short) and size of the smallest box around a polygon."""
    (cx, cy), _, _ = box = cv2.minAreaRect(polygon_m[:, :2].astype(np.float32))
    corners = cv2.boxPoints(box).astype(np.float64)
    edges = np.array([corners[1] - corners[0], corners[2] - corners[1]])
    length = np.linalg.norm(edges, axis=1)
    order = np.argsort(-length)
    axes = edges[order] / np.maximum(length[order], 1e-9)[:, None]
    return np.array([cx, cy]), axes, length[order]


def _inside(polygon_m: F64, points: F64) -> bool:
    shape = polygon_m[:, :2].astype(np.float32)
    return all(cv2.pointPolygonTest(shape, (float(x), float(y)), True) > -0.15 for x, y in points)
