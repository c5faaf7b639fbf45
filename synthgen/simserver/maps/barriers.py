"""Guard rails along motorways, fences along gardens."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.objects import ObjectList
from synthgen.simserver.maps.sites import Character, Land, StreetSide, disc
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

_OFFSET_M, _POST_SPACING_M, _BOX_M = 1.0, 4.0, 8.0
# A W-beam: height and reach towards the road of each fold.
_BEAM = ((0.45, 0.0), (0.53, 0.08), (0.60, 0.02), (0.67, 0.08), (0.75, 0.0))


def add_guard_rails(
    builder: MeshBuilder, objects: ObjectList, land: Land, sides: list[StreetSide]
) -> None:
    """A steel beam on posts along every motorway edge that no other road leaves from."""
    for side in sides:
        if side.character is not Character.MOTORWAY or side.in_junction:
            continue
        length = float(side.distance_m[-1])
        stations = np.arange(0.0, length + 0.01, 2.0)
        if len(stations) < 3:
            continue
        line = np.array([_foot(side, float(at)) for at in stations])
        free = np.array([land.is_free(disc(p, 0.1)) for p in line])
        line[:, 2] = land.height(line[:, :2])
        _beam(builder, side, line, stations, free[:-1] & free[1:])
        _posts(builder, line, free)
        _boxes(objects, line, free)


def _foot(side: StreetSide, at: float) -> F64:
    away = side.frame(at)[2]
    edge = side.at(side.line_m, at)
    return np.array([*(edge[:2] + away * _OFFSET_M), edge[2]])


def _beam(
    builder: MeshBuilder, side: StreetSide, line: F64, at: F64, keep: NDArray[np.bool_]
) -> None:
    away = np.array([side.frame(float(s))[2] for s in at])
    look = (Material.METAL, Tag.GUARD_RAIL)
    folds = [
        line + np.column_stack([-reach * away, np.full(len(line), height)])
        for height, reach in _BEAM
    ]
    for low, high in pairwise(folds):
        builder.add_strip(low, high, look, keep=keep)
        behind = np.column_stack([0.02 * away, np.zeros(len(line))])
        builder.add_strip(high + behind, low + behind, look, keep=keep)


def _posts(builder: MeshBuilder, line: F64, free: NDArray[np.bool_]) -> None:
    stride = max(1, round(_POST_SPACING_M / 2.0))
    h = 0.05
    for p in line[::stride][free[::stride]]:
        ring = p + np.array([[-h, -h, -0.3], [h, -h, -0.3], [h, h, -0.3], [-h, h, -0.3]])
        corners = np.concatenate([ring, ring + np.array([0.0, 0.0, 1.0])])
        faces = [
            [0, 1, 5],
            [0, 5, 4],
            [1, 2, 6],
            [1, 6, 5],
            [2, 3, 7],
            [2, 7, 6],
            [3, 0, 4],
            [3, 4, 7],
            [4, 5, 6],
            [4, 6, 7],
        ]
        builder.add(corners, faces, (Material.METAL, Tag.GUARD_RAIL))


def _boxes(objects: ObjectList, line: F64, free: NDArray[np.bool_]) -> None:
    stride = max(1, round(_BOX_M / 2.0))
    for k in range(0, len(line) - 1, stride):
        j = min(k + stride, len(line) - 1)
        if not free[k : j + 1].all():
            continue
        a, b = line[k], line[j]
        span = b - a
        extent = np.array([float(np.hypot(*span[:2])) / 2, 0.12, 0.45])
        center = (a + b) / 2 + [0.0, 0.0, 0.4]
        objects.add_barrier(center, extent, float(np.arctan2(span[1], span[0])))
