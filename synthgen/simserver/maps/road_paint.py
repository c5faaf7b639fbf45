"""Stop lines, lane arrows and words on the road, from the file or from its connections."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.crosswalks import object_outline, place_local
from synthgen.simserver.maps.decals import RoadLevel, add_quads
from synthgen.simserver.maps.geometry import SectionGrid, plan_at
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.road_records import Road, RoadNetwork, RoadObject
from synthgen.simserver.maps.spawn import lane_pose
from synthgen.simserver.maps.surfaces import DRIVING_KINDS
from synthgen.simserver.maps.townmap import Approach, Pose, Signal

F64 = NDArray[np.float64]

_STOP_LINE_M = 0.45
_TURN_RAD = np.radians(35.0)
_ARROW_BEFORE_END_M = (14.0, 34.0)
# Quads of glyphs in metres: forward, to the right.
_STEM = ((0.0, -0.1), (2.7, -0.1), (2.7, 0.1), (0.0, 0.1))
_AHEAD = ((2.7, -0.42), (4.0, 0.0), (4.0, 0.0), (2.7, 0.42))
_SHORT_STEM = ((0.0, -0.1), (1.9, -0.1), (1.9, 0.1), (0.0, 0.1))
_RIGHT_BAR = ((1.6, 0.1), (1.9, 0.1), (2.3, 0.55), (2.0, 0.55))
_RIGHT_HEAD = ((1.55, 0.55), (2.75, 0.55), (2.45, 1.2), (2.45, 1.2))
_SEGMENTS = {
    "S": ((0, 0, 1, 0), (1, 0, 1, 1), (0, 1, 1, 1), (0, 1, 0, 2), (0, 2, 1, 2)),
    "T": ((0.5, 0, 0.5, 2), (0, 2, 1, 2)),
    "O": ((0, 0, 1, 0), (0, 2, 1, 2), (0, 0, 0, 2), (1, 0, 1, 2)),
    "P": ((0, 0, 0, 2), (0, 2, 1, 2), (0, 1, 1, 1), (1, 1, 1, 2)),
}


def paint_roads(
    builder: MeshBuilder,
    network: RoadNetwork,
    grids: list[SectionGrid],
    level: RoadLevel,
    signals: tuple[Signal, ...],
) -> None:
    """Paint what objects of the file name; what it never names, where traffic rules ask for it."""
    items = [(road, o) for road in network.roads.values() for o in road.objects]
    names = {_kind(o) for _, o in items}
    quads: list[F64] = []
    for road, item in items:
        quads += _object_quads(road, item)
    if "line" not in names:
        for signal in signals:
            if signal.type_id in ("traffic.traffic_light", "traffic.stop"):
                quads += [_stop_line(a) for a in signal.approaches]
            elif signal.type_id == "traffic.yield":
                quads += [q for a in signal.approaches for q in _yield_line(a)]
    if "arrow" not in names:
        quads += _turn_arrows(network, grids)
    on_road = [q for q in quads if level.is_road(q.mean(axis=0, keepdims=True))[0]]
    add_quads(builder, level, on_road, [q - q.min(axis=0) for q in on_road])


def _kind(item: RoadObject) -> str:
    if item.name.startswith("StopLine"):
        return "line"
    return "arrow" if "Arrow" in item.name else item.name


def _object_quads(road: Road, item: RoadObject) -> list[F64]:
    kind = _kind(item)
    if kind == "line":
        half = item.length / 2
        local = [[-half, -0.2, 0], [half, -0.2, 0], [half, 0.2, 0], [-half, 0.2, 0]]
        return [place_local(road, item, np.array(local))[:, :2]]
    if kind == "arrow":
        glyph = _glyph({"L": {"left"}, "R": {"right"}}.get(item.name[-1:], {"ahead"}))
        return _place_object(road, item, [q - [1.8, 0.0] for q in glyph])
    if item.name == "Stencil_STOP":
        return _place_object(road, item, _word("STOP"))
    if item.kind == "roadMark" and (outline := object_outline(road, item)) is not None:
        return [outline[[0, 1, 2, 3], :2]] if len(outline) == 4 else []
    return []


def _place_object(road: Road, item: RoadObject, quads: list[F64]) -> list[F64]:
    """Glyph quads (forward, right) in an object's frame, whose v points left."""
    return [
        place_local(road, item, np.column_stack([q[:, 0], -q[:, 1], np.zeros(len(q))]))[:, :2]
        for q in quads
    ]


def _place(pose: Pose, quads: list[F64]) -> list[F64]:
    """Glyph quads (forward, right) on the map."""
    yaw = np.radians(pose.yaw_deg)
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    return [q @ turn.T + pose.location_m[:2] for q in quads]


def _stop_line(approach: Approach) -> F64:
    half = approach.half_width_m - 0.1
    quad = np.array([[-_STOP_LINE_M, -half], [0.0, -half], [0.0, half], [-_STOP_LINE_M, half]])
    return _place(approach.pose, [quad])[0]


def _yield_line(approach: Approach) -> list[F64]:
    """A row of triangles that point at the driver."""
    half = approach.half_width_m - 0.2
    starts = np.arange(-half, half - 0.3, 0.65)
    return _place(
        approach.pose,
        [
            np.array([[0.0, v], [0.0, v + 0.45], [-0.6, v + 0.225], [-0.6, v + 0.225]])
            for v in starts
        ],
    )


def _glyph(turns: set[str]) -> list[F64]:
    parts = []
    if "ahead" in turns:
        parts += [_STEM, _AHEAD]
    else:
        parts += [_SHORT_STEM]
    quads = [np.array(p) for p in parts]
    side = [np.array(p) for p in (_RIGHT_BAR, _RIGHT_HEAD)]
    if "right" in turns:
        quads += side
    if "left" in turns:
        quads += [q * [1.0, -1.0] for q in side]
    return quads


def _word(text: str) -> list[F64]:
    """Letters of strokes, 2.2 m high, read by a driver who comes along forward."""
    quads, pen = [], 0.07
    for place, letter in enumerate(text):
        x0 = (place - len(text) / 2) * 0.62 + 0.06
        for a, b, c, d in _SEGMENTS[letter]:
            right, up = np.array([a, c]) * 0.42 + x0, np.array([b, d]) * 1.1 - 1.1
            quads.append(
                np.array(
                    [
                        [up[0] - pen, right[0] - pen],
                        [up[1] + pen, right[0] - pen],
                        [up[1] + pen, right[1] + pen],
                        [up[0] - pen, right[1] + pen],
                    ]
                )
            )
    return quads


def _turn_arrows(network: RoadNetwork, grids: list[SectionGrid]) -> list[F64]:
    """Arrows on lanes that come to a junction beside another lane of their direction."""
    turns = _turns_by_lane(network)
    quads: list[F64] = []
    for grid in grids:
        if grid.road.in_junction or grid.road.kind == "motorway":
            continue
        driving = [i for i in grid.lane_ids if grid.section.lanes[i].kind in DRIVING_KINDS]
        for lane_id in driving:
            forward = grid.road.goes_with_s(lane_id)
            at_end = grid.section.s1 >= grid.road.length - 1e-6
            if sum(grid.road.goes_with_s(i) == forward for i in driving) < 2 or (
                not at_end if forward else grid.section.s0 > 1e-6
            ):
                continue
            ways = turns.get((grid.road.road_id, "end" if forward else "start", lane_id))
            if not ways:
                continue
            for back in _ARROW_BEFORE_END_M:
                s = grid.s[-1] - back if forward else grid.s[0] + back
                if grid.s[0] <= s <= grid.s[-1]:
                    quads += _place(lane_pose(grid, lane_id, float(s)), _glyph(ways))
    return quads


def _turns_by_lane(network: RoadNetwork) -> dict[tuple[str, str, int], set[str]]:
    """For each (road, end, lane) that enters a junction the ways it goes on."""
    turns: dict[tuple[str, str, int], set[str]] = {}
    for road in network.roads.values():
        if not road.in_junction:
            continue
        heading = plan_at(road, np.array([0.0, road.length]))[2]
        bend = float((heading[1] - heading[0] + np.pi) % (2 * np.pi) - np.pi)
        for section, is_entry in ((road.sections[0], True), (road.sections[-1], False)):
            for lane in section.lanes.values():
                forward = road.goes_with_s(lane.lane_id)
                link = road.predecessor if forward else road.successor
                before = lane.predecessor if forward else lane.successor
                if forward != is_entry or lane.kind not in DRIVING_KINDS:
                    continue
                if link is None or before is None:
                    continue
                angle = bend if forward else -bend
                way = "ahead" if abs(angle) < _TURN_RAD else "left" if angle > 0 else "right"
                turns.setdefault((link.element_id, link.contact, before), set()).add(way)
    return turns
