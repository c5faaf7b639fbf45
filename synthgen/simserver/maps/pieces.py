"""The town's surfaces cut into pieces: roads, sidewalks, paint, crosswalks, land, guard rails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import TownMap
from synthgen.simserver.scene import Tag

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# CARLA cuts the roads that it makes from OpenDRIVE into lengths of this order.
TILE_M = 50.0
# Paint so far outside a crosswalk's rectangle still belongs to it.
_PAINT_ROOM_M = 0.15
# What CARLA's towns call such pieces; programs look for these words.
_KINDS = {
    Tag.ROADS: "Road_Road",
    Tag.SIDEWALKS: "Road_Sidewalk",
    Tag.ROAD_LINES: "Road_Marking",
    Tag.TERRAIN: "Road_Terrain",
    Tag.GROUND: "Road_Ground",
    Tag.RAIL_TRACK: "Road_RailTrack",
    Tag.GUARD_RAIL: "Road_GuardRail",
}
_CROSSWALK = "Road_Crosswalk"


@dataclass(frozen=True, eq=False, slots=True)
class SurfacePieces:
    """All that belongs to no object: a piece for each tag and square of the map, and crosswalks.

    Attributes:
        name: P unique names, like `Road_Sidewalk_Town01_7_SM_0`.
        tag: (P,) int64 semantic tags.
        center_m: (P, 3) float64 centres of the boxes, map frame.
        half_m: (P, 3) float64 half sizes along the boxes' own axes.
        yaw_deg: (P,) float64 directions of the boxes; 0 but for crosswalks.
        of_triangle: (T,) int64 piece of each triangle of the mesh, -1 for those of objects.
    """

    name: tuple[str, ...]
    tag: I64
    center_m: F64
    half_m: F64
    yaw_deg: F64
    of_triangle: I64


@lru_cache(maxsize=1)
def surface_pieces(town: TownMap) -> SurfacePieces:
    """The pieces of a town; a triangle belongs where its middle lies."""
    mesh = town.static
    free = np.flatnonzero(mesh.object_index == 0)
    corners = mesh.vertices_m[mesh.triangles[free]].astype(np.float64)
    middle = corners[:, :, :2].mean(axis=1)
    tags = mesh.tag[free].astype(np.int64)
    rectangles = [cv2.minAreaRect(p[:, :2].astype(np.float32)) for p in town.crosswalks]
    crosswalk = np.full(len(free), -1, np.int64)
    is_paint = tags == Tag.ROAD_LINES
    crosswalk[is_paint] = _crosswalk_at(rectangles, middle[is_paint])
    square = np.floor(middle / TILE_M).astype(np.int64)
    square -= square.min(axis=0, initial=0)
    square[crosswalk >= 0] = 0
    shape = (256, len(rectangles) + 1, *(square.max(axis=0, initial=0) + 1))
    key = np.ravel_multi_index((tags, crosswalk + 1, *square.T), shape)
    keys, piece = np.unique(key, return_inverse=True)
    tag, number = (part.astype(np.int64) for part in np.unravel_index(keys, shape)[:2])
    order = np.argsort(piece, kind="stable")
    first = np.searchsorted(piece[order], np.arange(len(keys)))
    low = np.minimum.reduceat(corners.min(axis=1)[order], first)
    high = np.maximum.reduceat(corners.max(axis=1)[order], first)
    center, half, yaw = (low + high) / 2, (high - low) / 2, np.zeros(len(keys))
    for k in np.flatnonzero(number > 0):
        (x, y), (length, width), turn = rectangles[number[k] - 1]
        center[k, :2], half[k, :2], yaw[k] = (x, y), (length / 2, width / 2), turn
    of_triangle = np.full(len(mesh.triangles), -1, np.int64)
    of_triangle[free] = piece
    names = _names(town.name, tag.tolist(), (number > 0).tolist())
    return SurfacePieces(names, tag, center, half, yaw, of_triangle)


def _crosswalk_at(
    rectangles: Sequence[tuple[Sequence[float], Sequence[float], float]], points_m: F64
) -> I64:
    """(N,) number of the crosswalk that each point lies on, or -1."""
    found = np.full(len(points_m), -1, np.int64)
    for number, (middle, size, turn_deg) in enumerate(rectangles):
        turn = np.radians(turn_deg)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        local = np.abs((points_m - np.asarray(middle)) @ axes.T)
        found[(local < np.asarray(size) / 2 + _PAINT_ROOM_M).all(axis=1)] = number
    return found


def _names(town: str, tags: list[int], are_crosswalks: list[bool]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    names = []
    for tag, is_crosswalk in zip(tags, are_crosswalks, strict=True):
        kind = _CROSSWALK if is_crosswalk else _KINDS.get(Tag(tag), f"Road_{Tag(tag).name.title()}")
        number = counts[kind] = counts.get(kind, 0) + 1
        names.append(f"{kind}_{town}_{number}_SM_0")
    return tuple(names)
