"""Areas of a road map as valid polygons, for formats that hold vector maps.

Everything is flat (x, y) in the world frame; lane edges run in driving direction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from shapely import Polygon, make_valid, set_precision, simplify, unary_union
from shapely.geometry.base import BaseGeometry

from synthgen.datatypes.road_map import Lane, RoadMap
from synthgen.geometry.arrays import F32, F64

ROAD_KINDS: Final = ("driving", "bidirectional", "entry", "exit", "onRamp", "offRamp")
SURFACE_KINDS: Final = (*ROAD_KINDS, "parking", "biking", "shoulder", "stop")
_TOLERANCE_M: Final = 0.02  # of simplified lines
_JOIN_M: Final = 0.01  # gaps between lane polygons of one road that are closed
_LEAST_M2: Final = 0.01
_GRID_M: Final = 0.001


def flat_line(points_m: F32 | F64) -> F64:
    """A polyline (P, 2) without height and without points that repeat."""
    line = np.asarray(points_m[:, :2], dtype=np.float64)
    moved = np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6
    return np.asarray(line[np.concatenate([[True], moved])] if len(line) else line)


def thin_line(points_m: F32 | F64) -> F64:
    """The same polyline (P, 2) with the fewest points that keep it within 2 cm."""
    line = flat_line(points_m)
    return np.asarray(line[_kept(line)] if len(line) > 2 else line)


def _kept(line: F64) -> np.ndarray:
    """Mask (P,) of the points that Douglas and Peucker keep."""
    keep = np.zeros(len(line), dtype=np.bool_)
    keep[[0, -1]] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away_m = _distance_to_chord(line[first + 1 : last], line[first], line[last])
        farthest = int(np.argmax(away_m))
        if away_m[farthest] > _TOLERANCE_M:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def _distance_to_chord(points: F64, start: F64, end: F64) -> F64:
    step = end - start
    share = np.clip((points - start) @ step / max(float(step @ step), 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[:, None] * step, axis=1))


def lane_polygons(lane: Lane) -> list[Polygon]:
    """The surface of a lane: one polygon as a rule, more where its edges cross."""
    return between(lane.left_m, lane.right_m)


def between(left_m: F32 | F64, right_m: F32 | F64) -> list[Polygon]:
    """Valid polygons between two edges that run the same way."""
    ring = np.concatenate([thin_line(left_m), thin_line(right_m)[::-1]])
    return ring_polygons(ring)


def ring_polygons(ring_m: F32 | F64) -> list[Polygon]:
    """Valid polygons of a ring (P, 2 or more columns); none where it has no area."""
    ring = flat_line(ring_m)
    return polygons_of(make_valid(Polygon(ring))) if len(ring) >= 3 else []


def drivable_parts(road_map: RoadMap) -> list[Polygon]:
    """All that cars drive or park on: surfaces of lanes, junctions without their pavements."""
    junctions = [
        polygon
        for area in road_map.areas
        if area.kind == "junction"
        for polygon in ring_polygons(area.polygon_m)
    ]
    pavements = unary_union(_surfaces(road_map.lanes, ("sidewalk",)))
    inner = [part for whole in junctions for part in polygons_of(whole.difference(pavements))]
    return [*_surfaces(road_map.lanes, SURFACE_KINDS), *inner]


def drivable_polygons(road_map: RoadMap) -> list[Polygon]:
    """The same, put together where parts touch."""
    return joined(drivable_parts(road_map))


def _surfaces(lanes: Iterable[Lane], kinds: tuple[str, ...]) -> list[Polygon]:
    return [polygon for lane in lanes if lane.kind in kinds for polygon in lane_polygons(lane)]


def joined(polygons: Iterable[Polygon]) -> list[Polygon]:
    """Polygons that touch, put together; slivers between them are closed."""
    grown = unary_union([polygon.buffer(_JOIN_M, join_style="mitre") for polygon in polygons])
    shrunk = grown.buffer(-_JOIN_M, join_style="mitre")
    # Snapped to millimetres, a polygon stays valid when a format moves its coordinates.
    return polygons_of(set_precision(make_valid(simplify(shrunk, _TOLERANCE_M)), _GRID_M))


def polygons_of(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons of any geometry, without those of no area."""
    if isinstance(geometry, Polygon):
        return [geometry] if geometry.area > _LEAST_M2 else []
    parts = getattr(geometry, "geoms", ())
    return [polygon for part in parts for polygon in polygons_of(part)]


def by_section(lanes: Sequence[Lane]) -> dict[tuple[int, int], list[Lane]]:
    """Lanes by road and section, in the order of the map."""
    sections: defaultdict[tuple[int, int], list[Lane]] = defaultdict(list)
    for lane in lanes:
        sections[lane.road_id, lane.section].append(lane)
    return dict(sections)


def is_opposed(lane: Lane, section: Sequence[Lane]) -> bool:
    """True where traffic of the same road runs against this lane."""
    return any(other.lane * lane.lane < 0 for other in section if other.kind in ROAD_KINDS)
