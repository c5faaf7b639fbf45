"""Where scenery may stand: street sides, free land, and what kind of town this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.ground import SURFACE_RANK, Heights, Raster
from synthgen.simserver.maps.road_records import RoadNetwork
from synthgen.simserver.maps.surfaces import DRIVING_KINDS, Strip
from synthgen.simserver.maps.townmap import GroundGrid, SurfaceKind

F64 = NDArray[np.float64]

_CITY_LANES = 2.3


class Character(Enum):
    """What stands along a street."""

    CITY = "city"
    TOWN = "town"
    MOTORWAY = "motorway"


@dataclass(frozen=True, eq=False, slots=True)
class StreetSide:
    """One side of a road, walked with the land to the right (CARLA's +y for heading +x).

    Attributes:
        strip: The outermost paved lane.
        line_m: (n, 3) its outer edge.
        kerb_m: (n, 3) its inner edge.
        in_junction: Whether it belongs to a connecting road.
        character: What stands along it.
        distance_m: (n,) distance walked along the outer edge.
    """

    strip: Strip
    line_m: F64
    kerb_m: F64
    in_junction: bool
    character: Character
    distance_m: F64 = field(init=False)

    def __post_init__(self) -> None:
        steps = np.linalg.norm(np.diff(self.line_m[:, :2], axis=0), axis=1)
        object.__setattr__(self, "distance_m", np.concatenate([[0.0], np.cumsum(steps)]))

    @property
    def has_walk(self) -> bool:
        """Whether its outermost lane is a sidewalk."""
        return self.strip.style.kind is SurfaceKind.SIDEWALK

    @property
    def walk_m(self) -> float:
        """Width of the sidewalk, 0 without one."""
        return float(self.strip.width_m.min()) if self.has_walk else 0.0

    def at(self, line_m: F64, distance_m: float) -> F64:
        """(3,) point of one of its lines; beyond the ends it goes straight on."""
        d = self.distance_m
        point = np.array([np.interp(distance_m, d, line_m[:, k]) for k in range(3)])
        beyond = distance_m - min(max(distance_m, 0.0), float(d[-1]))
        if beyond:
            a, b = (line_m[0], line_m[1]) if beyond < 0 else (line_m[-2], line_m[-1])
            point += beyond * (b - a) / max(float(np.linalg.norm(b - a)), 1e-6)
        return point

    def frame(self, distance_m: float) -> tuple[F64, F64, F64]:
        """Kerb point, unit vector along the walk and unit vector away from the road, (2,)."""
        a, b = self.at(self.line_m, distance_m - 0.5), self.at(self.line_m, distance_m + 0.5)
        along = (b - a)[:2] / max(float(np.linalg.norm((b - a)[:2])), 1e-6)
        return self.at(self.kerb_m, distance_m), along, np.array([-along[1], along[0]])


def street_sides(network: RoadNetwork, strips: list[Strip]) -> list[StreetSide]:
    """Both sides of every paved section, in the order of the file."""
    sections: dict[int, list[Strip]] = {}
    for strip in strips:
        sections.setdefault(id(strip.grid), []).append(strip)
    city = _mean_lanes(network) > _CITY_LANES
    sides = []
    for members in sections.values():
        character = _character(members, city)
        ordered = sorted(members, key=lambda s: s.grid.column(s.lane_id))
        for strip, is_left in ((ordered[0], True), (ordered[-1], False)):
            # A connecting road lies inside its junction, save where its kerb goes round it.
            if strip.grid.road.in_junction and strip.style.kind is not SurfaceKind.SIDEWALK:
                continue
            if not strip.keep.all() or (strip.lane_id > 0) != is_left:
                continue
            outer, inner = (
                (strip.left_m[::-1], strip.right_m[::-1])
                if is_left
                else (strip.right_m, strip.left_m)
            )
            sides.append(StreetSide(strip, outer, inner, strip.grid.road.in_junction, character))
    return sides


def _mean_lanes(network: RoadNetwork) -> float:
    """Driving lanes of the roads outside junctions, weighted by length."""
    lanes = length = 0.0
    for road in network.roads.values():
        for section in () if road.in_junction else road.sections:
            count = sum(1 for lane in section.lanes.values() if lane.kind in DRIVING_KINDS)
            lanes += count * (section.s1 - section.s0)
            length += section.s1 - section.s0
    return lanes / length if length else 0.0


def _character(members: list[Strip], city: bool) -> Character:
    has_walk = any(s.style.kind is SurfaceKind.SIDEWALK for s in members)
    lanes = sum(1 for s in members if s.is_driving)
    if members[0].grid.road.kind == "motorway" or (lanes >= 3 and not has_walk):
        return Character.MOTORWAY
    return Character.CITY if city and has_walk else Character.TOWN


class Land:
    """Free land, on a grid of about half a metre; what is built on is taken."""

    def __init__(self, raster: Raster, heights: Heights, ground: GroundGrid) -> None:
        self.ground = ground
        self._step = max(1, round(0.5 / raster.cell_m))
        self._cell = raster.cell_m * self._step
        self._origin = raster.origin_m
        paved = cv2.dilate((heights.rank > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
        self._distance_m = cv2.distanceTransform(
            1 - paved[:: self._step, :: self._step], cv2.DIST_L2, 3
        ) * np.float32(self._cell)
        self._taken = np.ascontiguousarray(paved[:: self._step, :: self._step])
        driven = heights.rank >= SURFACE_RANK[SurfaceKind.PARKING]
        self._raster, self._driven = raster, driven | np.isfinite(heights.decks_m).any(axis=0)

    @property
    def bounds_m(self) -> tuple[F64, F64]:
        """Lowest and highest x and y of the grid."""
        return self._origin, self._origin + np.array(self._taken.shape[::-1]) * self._cell

    def is_free(self, polygon_m: F64) -> bool:
        """Whether a convex polygon lies on free land inside the grid."""
        cells, low, window = self._window(polygon_m)
        rows, cols = self._taken.shape
        high = low + window.shape[::-1]
        if low.min() < 0 or high[0] > cols or high[1] > rows:
            return False
        cv2.fillConvexPoly(window, cells, 1)
        part = self._taken[low[1] : high[1], low[0] : high[0]]
        return not bool((part & window).any())

    def take(self, polygon_m: F64) -> None:
        """Mark a convex polygon as built on."""
        cells = np.floor((polygon_m[:, :2] - self._origin) / self._cell).astype(np.int32)
        cv2.fillConvexPoly(self._taken, cells, 1)

    def _window(
        self, polygon_m: F64
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
        cells = np.floor((polygon_m[:, :2] - self._origin) / self._cell).astype(np.int32)
        low = cells.min(axis=0)
        size = cells.max(axis=0) - low + 1
        return cells - low, low, np.zeros((size[1], size[0]), np.uint8)

    def is_driven(self, xy_m: F64) -> bool:
        """Whether a carriageway of any road lies at or above a point."""
        return bool(self._driven[self._raster.nodes(xy_m)])

    def near_road(self, xy_m: F64, reach_m: float) -> NDArray[np.bool_]:
        """Which of (N, 2) points lie within reach of a paved surface."""
        col, row = np.floor((xy_m - self._origin) / self._cell).astype(np.int64).T
        rows, cols = self._taken.shape
        inside = self._distance_m[np.clip(row, 0, rows - 1), np.clip(col, 0, cols - 1)]
        return np.asarray(inside < reach_m)

    def height(self, xy_m: F64) -> F64:
        """Ground height at (N, 2) points."""
        return self.ground.height_m(xy_m)


_ANGLES = np.arange(8) * np.pi / 4
_OCTAGON = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def disc(center_m: F64, radius_m: float) -> F64:
    """Octagon around a point."""
    return center_m[:2] + radius_m * _OCTAGON
