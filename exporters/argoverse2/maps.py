"""The vector map and the ground height of an Argoverse 2 log.

Everything within 200 m of the ego's way, in the city frame, heights kept. Lanes become
`lane_segments` with both edges, their markings and their neighbours; crosswalks two edges along the
way that people walk; drivable areas are polygons without holes: a lane's surface, or a junction
without its pavements. Ids are dense numbers in the order of the map. The ground height is that of
the nearest lane point, every 30 cm.

Cannot express: traffic lights, stop lines, speed limits, pavements, parking lanes as such.

Source: av2 0.3.6, av2/map/map_api.py, lane_segment.py, pedestrian_crossing.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.spatial import cKDTree
from shapely import LineString, Polygon
from shapely.ops import split

from exporters.road_areas import (
    ROAD_KINDS,
    drivable_parts,
    lane_surfaces,
    polygons_of,
    ring_polygons,
)
from synthgen.datatypes.road_map import Area, Lane, RoadMap
from synthgen.geometry.arrays import F32, F64

Row = dict[str, Any]

_REACH_M: Final = 200.0
_RASTER_PER_M: Final = 1 / 0.3  # av2's ONLINE_RASTER_RESOLUTION_SCALE
_MARKS: Final = {
    ("solid", "white"): "SOLID_WHITE",
    ("solid", "yellow"): "SOLID_YELLOW",
    ("solid", "blue"): "SOLID_BLUE",
    ("broken", "white"): "DASHED_WHITE",
    ("broken", "yellow"): "DASHED_YELLOW",
    ("solidsolid", "white"): "DOUBLE_SOLID_WHITE",
    ("solidsolid", "yellow"): "DOUBLE_SOLID_YELLOW",
    ("brokenbroken", "white"): "DOUBLE_DASH_WHITE",
    ("brokenbroken", "yellow"): "DOUBLE_DASH_YELLOW",
    ("solidbroken", "white"): "SOLID_DASH_WHITE",
    ("solidbroken", "yellow"): "SOLID_DASH_YELLOW",
    ("brokensolid", "white"): "DASH_SOLID_WHITE",
    ("brokensolid", "yellow"): "DASH_SOLID_YELLOW",
}


def nearby(road_map: RoadMap, way_m: F64) -> RoadMap:
    """The lanes and areas that come within reach of the ego's way (N, 3)."""
    low, high = way_m[:, :2].min(axis=0) - _REACH_M, way_m[:, :2].max(axis=0) + _REACH_M

    def is_near(line_m: F32) -> bool:
        flat = line_m[:, :2]
        return bool(
            len(flat) and (flat.max(axis=0) >= low).all() and (flat.min(axis=0) <= high).all()
        )

    lanes = tuple(lane for lane in road_map.lanes if is_near(lane.center_m))
    return RoadMap(lanes, tuple(area for area in road_map.areas if is_near(area.polygon_m)))


def map_document(road_map: RoadMap) -> dict[str, Any]:
    """The JSON document of a log's map."""
    ground = Ground(road_map)
    lanes = [
        e for e in road_map.lanes if e.kind in ROAD_KINDS and min(len(e.left_m), len(e.right_m)) > 1
    ]
    numbers = {lane.lane_id: number for number, lane in enumerate(lanes, start=1)}
    first = len(numbers) + 1
    crossings = [area for area in road_map.areas if area.kind == "crosswalk"]
    rows = [_crossing(number, area) for number, area in enumerate(crossings, start=first)]
    parts = [
        p
        for whole in drivable_parts(road_map, lane_surfaces(road_map.lanes))
        for p in without_holes(whole)
    ]
    areas = [
        {"id": number, "area_boundary": ground.points(np.array(polygon.exterior.coords)[:-1])}
        for number, polygon in enumerate(parts, start=first + len(rows))
    ]
    return {
        "lane_segments": {str(numbers[e.lane_id]): _lane(e, numbers) for e in lanes},
        "pedestrian_crossings": {str(row["id"]): row for row in rows},
        "drivable_areas": {str(row["id"]): row for row in areas},
    }


def _lane(lane: Lane, numbers: Mapping[str, int]) -> Row:
    return {
        "id": numbers[lane.lane_id],
        "is_intersection": lane.junction_id is not None,
        "lane_type": "VEHICLE",
        "left_lane_boundary": _points(lane.left_m),
        "left_lane_mark_type": _mark(lane.left_marking, lane.left_marking_colour),
        "right_lane_boundary": _points(lane.right_m),
        "right_lane_mark_type": _mark(lane.right_marking, lane.right_marking_colour),
        "predecessors": [numbers[e] for e in lane.predecessors if e in numbers],
        "successors": [numbers[e] for e in lane.successors if e in numbers],
        "left_neighbor_id": numbers.get(lane.left_lane_id or ""),
        "right_neighbor_id": numbers.get(lane.right_lane_id or ""),
    }


def _mark(marking: str, colour: str) -> str:
    return "NONE" if marking == "none" else _MARKS.get((marking, colour), "UNKNOWN")


def _crossing(number: int, area: Area) -> Row:
    """The two longer sides of a crosswalk, both in one direction."""
    corners = np.asarray(area.polygon_m, dtype=np.float64)
    if len(corners) != 4:
        flat = np.array(ring_polygons(corners)[0].minimum_rotated_rectangle.exterior.coords)[:4]
        corners = np.column_stack([flat, np.full(4, corners[:, 2].mean())])
    if np.linalg.norm(corners[1] - corners[0]) < np.linalg.norm(corners[2] - corners[1]):
        corners = np.roll(corners, -1, axis=0)
    return {
        "id": number,
        "edge1": _points(corners[[0, 1]]),
        "edge2": _points(corners[[3, 2]]),
    }


def without_holes(polygon: Polygon) -> list[Polygon]:
    """The polygon cut through its holes until none is left."""
    if not polygon.interiors:
        return [polygon]
    x = Polygon(polygon.interiors[0]).centroid.x
    _, low, _, high = polygon.bounds
    cut = split(polygon, LineString([(x, low - 1), (x, high + 1)]))
    return [part for piece in polygons_of(cut) for part in without_holes(piece)]


class Ground:
    """Heights of the ground: those of the nearest lane point."""

    def __init__(self, road_map: RoadMap) -> None:
        lines = [line for e in road_map.lanes for line in (e.center_m, e.left_m, e.right_m)]
        points = np.concatenate([np.zeros((0, 3)), *(line.astype(np.float64) for line in lines)])
        self._points = points if len(points) else np.zeros((1, 3))
        self._tree = cKDTree(self._points[:, :2])

    def heights(self, xy_m: F64) -> F64:
        """Heights (N,) at points (N, 2)."""
        return np.asarray(self._points[self._tree.query(xy_m)[1], 2])

    def points(self, xy_m: F64) -> list[dict[str, float]]:
        """Points (N, 2) with their heights, as the map's JSON has them."""
        return _points(np.column_stack([xy_m, self.heights(xy_m)]))

    def raster(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Heights (rows, columns) float16, and the Sim(2) from city to raster coordinates."""
        low = np.floor(self._points[:, :2].min(axis=0))
        extent = np.ceil(self._points[:, :2].max(axis=0)) - low + 1
        columns, rows = np.ceil(extent * _RASTER_PER_M).astype(int).tolist()
        x = (np.arange(columns) + 0.5) / _RASTER_PER_M + low[0]
        y = (np.arange(rows) + 0.5) / _RASTER_PER_M + low[1]
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        heights = self.heights(grid).reshape(rows, columns).astype(np.float16)
        move = {"R": [1.0, 0.0, 0.0, 1.0], "t": (-low).tolist(), "s": _RASTER_PER_M}
        return heights, move


def _points(points_m: F32 | F64 | Sequence[Sequence[float]]) -> list[dict[str, float]]:
    return [{"x": x, "y": y, "z": z} for x, y, z in np.asarray(points_m, dtype=np.float64).tolist()]
