"""The vector map of a town as nuScenes' map expansion, version 1.3: `maps/expansion/<town>.json`.

Coordinates are global (`MapFrame`), flat: heights are lost. From our lanes and areas:
lanes outside junctions are `lane`, those within `lane_connector`; the lanes of one direction of a
road section are a `road_block`, those of both a `road_segment`, and a junction is a segment with
`is_intersection`; `drivable_area` is all that cars drive or park on, pavements cut out;
pavements are `walkway`, parking lanes `carpark_area`. The line between two lanes of one direction
is a `lane_divider`, that between the directions a `road_divider`. Stop lines become areas of half
a metre. A traffic light stands where the clip says; its line points at the stop line it governs.

nuScenes' divider types have no plain broken line: broken is `DOUBLE_DASHED_WHITE`, yellow lines
but a single solid one lose their colour, kerbs and others are `NIL`.

Cannot express: speed limits, heights, which light governs which lane (it governs stop lines).

Source: nuscenes-devkit 1.2.0, nuscenes/map_expansion/map_api.py; the released maps, version 1.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from shapely import Point, Polygon

from exporters.nuscenes.arclines import arcline_paths
from exporters.nuscenes.map_frame import MapFrame
from exporters.nuscenes.tokens import token
from exporters.road_areas import (
    ROAD_KINDS,
    Surfaces,
    by_section,
    drivable_polygons,
    is_opposed,
    joined,
    lane_surfaces,
    ring_polygons,
    thin_line,
)
from synthgen.datatypes.road_map import Area, Lane, RoadMap
from synthgen.geometry.arrays import F32, F64

Row = dict[str, Any]

VERSION: Final = "1.3"
_LAYERS: Final = (
    *("polygon", "line", "node", "drivable_area", "road_segment", "road_block", "lane"),
    *("ped_crossing", "walkway", "stop_line", "carpark_area", "road_divider", "lane_divider"),
    *("traffic_light", "lane_connector"),
)
_SEGMENT_TYPES: Final = {
    ("solid", "white"): "SINGLE_SOLID_WHITE",
    ("solid", "yellow"): "SINGLE_SOLID_YELLOW",
    ("solidsolid", "white"): "DOUBLE_SOLID_WHITE",
    ("solidsolid", "yellow"): "DOUBLE_SOLID_WHITE",
    ("broken", "white"): "DOUBLE_DASHED_WHITE",
    ("broken", "yellow"): "DOUBLE_DASHED_WHITE",
    ("brokenbroken", "white"): "DOUBLE_DASHED_WHITE",
}
_STOP_LINE_M: Final = 0.5
_LIGHT_ARROW_M: Final = 3.0
_NEAR_M: Final = 5.0  # a crosswalk belongs to the road segment that is at most so far away


def map_document(
    location: str,
    road_map: RoadMap,
    frame: MapFrame,
    lights: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """The JSON document of one town.

    Args:
        location: Its name.
        road_map: Lanes and areas, world frame.
        frame: Of the town.
        lights: Signal id -> position x, y, z in the world.
    """
    build = _MapBuilder(location, frame)
    surfaces = lane_surfaces(road_map.lanes)
    lanes = [e for e in road_map.lanes if e.kind in ROAD_KINDS and surfaces[e.lane_id]]
    _add_surfaces(build, road_map, surfaces)
    segments = _add_sections(build, lanes, surfaces)
    segments += _add_junctions(build, road_map.areas)
    _add_lanes(build, lanes, surfaces)
    _add_dividers(build, lanes)
    _add_crossings(build, road_map.areas, segments)
    _add_lights_and_stop_lines(build, road_map, lights)
    connectivity = _connectivity(build, lanes)
    origin = np.array(frame.origin_xy_m)
    arclines = {
        build.token("lane", e.lane_id): arcline_paths(e.center_m[:, :2] - origin) for e in lanes
    }
    return {
        "version": VERSION,
        **build.layers,
        "connectivity": connectivity,
        "arcline_path_3": arclines,
        "canvas_edge": list(frame.size_xy_m),
    }


class _MapBuilder:
    """Collects layers; every node, line and polygon gets a token of its own."""

    def __init__(self, location: str, frame: MapFrame) -> None:
        self.layers: dict[str, list[Row]] = {name: [] for name in _LAYERS}
        self._location = location
        counted = ("node", "line", "polygon")
        self._starts = {kind: token(kind, location)[:24] for kind in counted}
        self._origin = np.array(frame.origin_xy_m)

    def token(self, kind: str, *parts: object) -> str:
        """Token of an element of this town."""
        return token(kind, self._location, *parts)

    def add(self, layer: str, row: Row) -> str:
        """Append a row; returns its token."""
        self.layers[layer].append(row)
        return str(row["token"])

    def nodes(self, points_m: F32 | F64) -> list[str]:
        """Tokens of new nodes at points (P, 2 or more columns) of the world."""
        moved = np.asarray(points_m[:, :2], dtype=np.float64) - self._origin
        return [
            self.add("node", {"token": self._next("node"), "x": float(x), "y": float(y)})
            for x, y in moved
        ]

    def polygon(self, polygon: Polygon) -> str:
        """Token of a new polygon (world)."""
        holes = [
            {"node_tokens": self.nodes(np.array(ring.coords)[:-1])} for ring in polygon.interiors
        ]
        ring = self.nodes(np.array(polygon.exterior.coords)[:-1])
        row = {"token": self._next("polygon"), "exterior_node_tokens": ring, "holes": holes}
        return self.add("polygon", row)

    def line(self, points_m: F32 | F64) -> str:
        """Token of a new line (P, 2 or more columns) of the world."""
        row = {"token": self._next("line"), "node_tokens": self.nodes(points_m)}
        return self.add("line", row)

    def areas(self, layer: str, name: str, polygons: Iterable[Polygon], extra: Row) -> list[str]:
        """Tokens of new rows of a polygon layer, one for each polygon."""
        return [
            self.add(
                layer,
                {
                    "token": self.token(layer, name, number) if number else self.token(layer, name),
                    "polygon_token": self.polygon(polygon),
                    **extra,
                },
            )
            for number, polygon in enumerate(polygons)
        ]

    def _next(self, kind: str) -> str:
        """Token of the next element of a layer that is only counted."""
        return f"{self._starts[kind]}{len(self.layers[kind]):08x}"


def _add_surfaces(build: _MapBuilder, road_map: RoadMap, surfaces: Surfaces) -> None:
    for number, polygon in enumerate(drivable_polygons(road_map, surfaces)):
        row = {
            "token": build.token("drivable_area", number),
            "polygon_tokens": [build.polygon(polygon)],
        }
        build.add("drivable_area", row)
    for lane in road_map.lanes:
        if lane.kind == "sidewalk":
            build.areas("walkway", lane.lane_id, surfaces[lane.lane_id], {})
        elif lane.kind == "parking":
            extra = {"orientation": "", "road_block_token": ""}
            build.areas("carpark_area", lane.lane_id, surfaces[lane.lane_id], extra)


_Segments = list[tuple[str, Polygon]]


def _add_sections(build: _MapBuilder, lanes: Sequence[Lane], surfaces: Surfaces) -> _Segments:
    """Road segments and road blocks of everything outside junctions."""
    segments: _Segments = []
    outside = [lane for lane in lanes if lane.junction_id is None]
    for (road, section), members in by_section(outside).items():
        whole = joined(p for lane in members for p in surfaces[lane.lane_id])
        extra = {"is_intersection": False, "drivable_area_token": ""}
        tokens = build.areas("road_segment", f"{road}:{section}", whole, extra)
        segments += list(zip(tokens, whole, strict=True))
        for sign in (-1, 1):
            same = [lane for lane in members if lane.lane * sign > 0]
            block = joined(p for lane in same for p in surfaces[lane.lane_id])
            if not block:
                continue
            ends = _edges(build, same)
            ends["road_segment_token"] = tokens[0] if tokens else ""
            build.areas("road_block", f"{road}:{section}:{sign}", block, ends)
    return segments


def _edges(build: _MapBuilder, lanes: Sequence[Lane]) -> Row:
    """The lines across the start and the end of neighbouring lanes of one direction."""
    ordered = sorted(lanes, key=lambda lane: abs(lane.lane))
    left, right = ordered[0].left_m, ordered[-1].right_m
    return {
        "from_edge_line_token": build.line(np.stack([left[0], right[0]])),
        "to_edge_line_token": build.line(np.stack([left[-1], right[-1]])),
    }


def _add_junctions(build: _MapBuilder, areas: Sequence[Area]) -> _Segments:
    segments: _Segments = []
    for area in areas:
        if area.kind == "junction":
            polygons = ring_polygons(area.polygon_m)
            extra = {"is_intersection": True, "drivable_area_token": ""}
            tokens = build.areas("road_segment", area.area_id, polygons, extra)
            segments += list(zip(tokens, polygons, strict=True))
    return segments


def _add_lanes(build: _MapBuilder, lanes: Sequence[Lane], surfaces: Surfaces) -> None:
    for lane in lanes:
        # Only the largest piece keeps the token that connectivity and centre lines go by.
        pieces = sorted(surfaces[lane.lane_id], key=lambda polygon: -polygon.area)[:1]
        if not pieces:
            continue
        row = {
            "token": build.token("lane", lane.lane_id),
            "polygon_token": build.polygon(pieces[0]),
        }
        if lane.junction_id is not None:
            build.add("lane_connector", row)
            continue
        sides = {
            "left_lane_divider_segments": (
                lane.left_m,
                lane.left_marking,
                lane.left_marking_colour,
            ),
            "right_lane_divider_segments": (
                lane.right_m,
                lane.right_marking,
                lane.right_marking_colour,
            ),
        }
        segments = {name: _divider_segments(build, *side) for name, side in sides.items()}
        build.add("lane", row | {"lane_type": "CAR"} | _edges(build, [lane]) | segments)


def _divider_segments(
    build: _MapBuilder, edge_m: F32, marking: str, colour: str
) -> list[dict[str, str]]:
    kind = _SEGMENT_TYPES.get((marking, colour), "NIL")
    return [{"node_token": node, "segment_type": kind} for node in build.nodes(thin_line(edge_m))]


def _add_dividers(build: _MapBuilder, lanes: Sequence[Lane]) -> None:
    outside = [lane for lane in lanes if lane.junction_id is None]
    for (road, section), members in by_section(outside).items():
        segment = build.token("road_segment", f"{road}:{section}")
        for lane in members:
            line = thin_line(lane.left_m)
            if lane.left_lane_id is not None:
                row = {"token": build.token("lane_divider", lane.lane_id)}
                row["line_token"] = build.line(line)
                kinds = _divider_segments(
                    build, lane.left_m, lane.left_marking, lane.left_marking_colour
                )
                build.add("lane_divider", row | {"lane_divider_segments": kinds})
            elif lane.lane < 0 and is_opposed(lane, members):
                row = {"token": build.token("road_divider", lane.lane_id)}
                row |= {"line_token": build.line(line), "road_segment_token": segment}
                build.add("road_divider", row)


def _add_crossings(build: _MapBuilder, areas: Sequence[Area], segments: _Segments) -> None:
    for area in areas:
        if area.kind == "crosswalk":
            polygons = ring_polygons(area.polygon_m)
            extra = {"road_segment_token": _nearest(segments, area.polygon_m)}
            build.areas("ped_crossing", area.area_id, polygons, extra)


def _nearest(segments: _Segments, polygon_m: F32) -> str:
    middle = Point(polygon_m[:, :2].mean(axis=0).tolist())
    away = [(polygon.distance(middle), name) for name, polygon in segments]
    distance, name = min(away, default=(np.inf, ""))
    return name if distance <= _NEAR_M else ""


def _add_lights_and_stop_lines(
    build: _MapBuilder, road_map: RoadMap, lights: Mapping[str, Sequence[float]]
) -> None:
    stop_lines = [a for a in road_map.areas if a.kind == "stop_line" and len(a.polygon_m) >= 2]
    middles = {a.signal_id: a.polygon_m[:, :2].mean(axis=0) for a in stop_lines if a.signal_id}
    for signal_id, position in sorted(lights.items()):
        build.add("traffic_light", _light_row(build, signal_id, position, middles.get(signal_id)))
    for area in stop_lines:
        governed = [area.signal_id] if area.signal_id in lights else []
        extra = {
            "stop_line_type": "TRAFFIC_LIGHT" if governed else "STOP_SIGN",
            "ped_crossing_tokens": [],
            "traffic_light_tokens": [build.token("traffic_light", name) for name in governed],
            "road_block_token": "",
        }
        build.areas("stop_line", area.area_id, _widened(area.polygon_m), extra)


def _light_row(
    build: _MapBuilder, signal_id: str, position: Sequence[float], stop_line: F64 | None
) -> Row:
    base = np.array(position[:2])
    toward = np.zeros(2) if stop_line is None else stop_line - base
    length = float(np.linalg.norm(toward))
    arrow = toward / length * _LIGHT_ARROW_M if length > 0 else np.array([_LIGHT_ARROW_M, 0.0])
    colours = ("RED", "YELLOW", "GREEN")
    items = [
        {
            "color": colour,
            "shape": "CIRCLE",
            "rel_pos": {"tx": 0.0, "ty": 0.0, "tz": 0.3 * (1 - k), "rx": 0.0, "ry": 0.0, "rz": 0.0},
            "to_road_block_tokens": [],
        }
        for k, colour in enumerate(colours)
    ]
    moved = base - build._origin
    pose = {"tx": float(moved[0]), "ty": float(moved[1]), "tz": float(position[2])}
    return {
        "token": build.token("traffic_light", signal_id),
        "line_token": build.line(np.stack([base, base + arrow])),
        "traffic_light_type": "VERTICAL",
        "from_road_block_token": "",
        "items": items,
        "pose": pose | {"rx": 0.0, "ry": 0.0, "rz": float(np.arctan2(arrow[1], arrow[0]))},
    }


def _widened(line_m: F32) -> list[Polygon]:
    """A stop line of two points as an area; one of more points as it is."""
    if len(line_m) > 2:
        return ring_polygons(line_m)
    start, end = (point[:2].astype(np.float64) for point in line_m)
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    aside = np.array([-along[1], along[0]]) * _STOP_LINE_M / 2
    return ring_polygons(np.stack([start - aside, end - aside, end + aside, start + aside]))


def _connectivity(build: _MapBuilder, lanes: Sequence[Lane]) -> dict[str, Row]:
    known = {lane.lane_id for lane in lanes}
    return {
        build.token("lane", lane.lane_id): {
            "incoming": [build.token("lane", e) for e in lane.predecessors if e in known],
            "outgoing": [build.token("lane", e) for e in lane.successors if e in known],
        }
        for lane in lanes
    }
