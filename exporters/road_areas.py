"""Areas of a road map as valid polygons, for formats that hold vector maps.

Everything is flat (x, y) in the world frame; lane edges run in driving direction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from shapely import LineString, Polygon, make_valid, set_precision, simplify, unary_union
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
    if len(line) < 3:
        return line
    return np.array(LineString(line).simplify(_TOLERANCE_M, preserve_topology=False).coords)


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


Surfaces = Mapping[str, Sequence[Polygon]]
"""Lane id -> polygons of its surface."""


def lane_surfaces(lanes: Iterable[Lane]) -> Surfaces:
    """The surface of each lane, made once."""
    return {lane.lane_id: lane_polygons(lane) for lane in lanes}


def drivable_parts(road_map: RoadMap, surfaces: Surfaces) -> list[Polygon]:
    """All that cars drive or park on: surfaces of lanes, junctions without their pavements."""
    junctions = [
        polygon
        for area in road_map.areas
        if area.kind == "junction"
        for polygon in ring_polygons(area.polygon_m)
    ]
    pavements = unary_union(_of_kinds(road_map.lanes, surfaces, ("sidewalk",)))
    inner = [part for whole in junctions for part in polygons_of(whole.difference(pavements))]
    return [*_of_kinds(road_map.lanes, surfaces, SURFACE_KINDS), *inner]


def drivable_polygons(road_map: RoadMap, surfaces: Surfaces) -> list[Polygon]:
    """The same, put together where parts touch."""
    return joined(drivable_parts(road_map, surfaces))


def _of_kinds(lanes: Iterable[Lane], surfaces: Surfaces, kinds: tuple[str, ...]) -> list[Polygon]:
    return [part for lane in lanes if lane.kind in kinds for part in surfaces[lane.lane_id]]


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
