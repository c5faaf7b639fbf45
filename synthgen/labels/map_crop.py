"""The vector map around the ego at one capture, with stable ids and the lights' states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from synthgen.datatypes.road_map import Lane, RoadMap, SignalChange
from synthgen.geometry.arrays import F32, F64, frozen_array
from synthgen.geometry.polygon import clip_to_rectangle
from synthgen.geometry.se3 import SE3

ElementKind = Literal["centerline", "divider", "boundary", "crosswalk", "stop_line", "light"]
_DRIVING: Final = ("driving", "bidirectional", "entry", "exit", "onRamp", "offRamp")


@dataclass(frozen=True, eq=False, slots=True)
class MapElement:
    """One piece of the map.

    Attributes:
        element_id: The same in every frame and clip of the map, e.g. `12:0:-1/left#0`; the
            number after `#` counts the pieces that the crop leaves of one line.
        kind: What it is.
        points_ego_m: (N, 3) float64, ego frame: a line, the corners of an area, or one point.
        attributes: Marking and colour of a divider, state of a light, lane of a centre line.
    """

    element_id: str
    kind: ElementKind
    points_ego_m: F64
    attributes: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check the points and make them read-only."""
        points = frozen_array("points_ego_m", self.points_ego_m, (None, 3), np.float64)
        object.__setattr__(self, "points_ego_m", points)


def map_crop(
    road_map: RoadMap,
    signals: Sequence[SignalChange],
    *,
    tick: int,
    world_from_ego: SE3,
    half_side_m: float = 50.0,
) -> tuple[MapElement, ...]:
    """Everything of the map within a square around the ego, by kind and id.

    Args:
        road_map: Lanes and areas of the clip.
        signals: Changes of its traffic lights, in order.
        tick: Simulation step of the capture; lights show what they showed then.
        world_from_ego: The ego at that time.
        half_side_m: Half the side of the square, which is aligned with the ego.
    """
    ego_from_world = world_from_ego.inverse()
    elements: list[MapElement] = []
    for lane in road_map.lanes:
        if lane.kind in _DRIVING:
            elements += _of_lane(lane, ego_from_world, half_side_m)
    for area in road_map.areas:
        corners = ego_from_world.apply(area.polygon_m.astype(np.float64))
        if area.kind == "crosswalk":
            inside = _cut_area(corners, half_side_m)
            if len(inside) > 2:
                elements.append(MapElement(area.area_id, "crosswalk", inside, {}))
        elif area.kind == "stop_line":
            light = {} if area.signal_id is None else {"signal_id": area.signal_id}
            elements += _pieces(area.area_id, "stop_line", corners, light, half_side_m)
    elements += _lights(signals, tick, ego_from_world, half_side_m)
    return tuple(sorted(elements, key=lambda item: (item.kind, item.element_id)))


def _of_lane(lane: Lane, ego_from_world: SE3, half_side_m: float) -> list[MapElement]:
    """Centre line, marked edges and, without a neighbour, the road's right edge."""
    speed = {} if lane.speed_limit_mps is None else {"speed_limit_mps": f"{lane.speed_limit_mps}"}
    about = {"lane_id": lane.lane_id, **speed}
    lines: list[tuple[str, ElementKind, F32, dict[str, str]]]
    lines = [("center", "centerline", lane.center_m, about)]
    for side, line, marking, colour in (
        ("left", lane.left_m, lane.left_marking, lane.left_marking_colour),
        ("right", lane.right_m, lane.right_marking, lane.right_marking_colour),
    ):
        if marking.lower() != "none":
            lines.append((side, "divider", line, {"marking": marking, "colour": colour}))
    if lane.right_lane_id is None:
        lines.append(("edge", "boundary", lane.right_m, {}))
    return [
        piece
        for name, kind, line, attributes in lines
        for piece in _pieces(
            f"{lane.lane_id}/{name}",
            kind,
            ego_from_world.apply(line.astype(np.float64)),
            attributes,
            half_side_m,
        )
    ]


def _lights(
    signals: Sequence[SignalChange], tick: int, ego_from_world: SE3, half_side_m: float
) -> list[MapElement]:
    now: dict[str, SignalChange] = {}
    for change in signals:
        if change.tick <= tick:
            now[change.signal_id] = change
    found = []
    for signal_id, change in now.items():
        at = ego_from_world.apply(change.position_m)[None]
        if np.abs(at[0, :2]).max() <= half_side_m:
            found.append(MapElement(signal_id, "light", at, {"state": change.state}))
    return found


def _pieces(
    name: str, kind: ElementKind, line: F64, attributes: Mapping[str, str], half_side_m: float
) -> list[MapElement]:
    """The parts of a line (N, 3) within the square, in its direction."""
    parts: list[list[F64]] = []
    for a, b in pairwise(line):
        span = _span_inside(a, b, half_side_m)
        if span is None:
            continue
        start, end = a + span[0] * (b - a), a + span[1] * (b - a)
        if parts and span[0] == 0.0 and np.array_equal(parts[-1][-1], start):
            parts[-1].append(end)
        else:
            parts.append([start, end])
    return [
        MapElement(f"{name}#{number}", kind, np.array(points), attributes)
        for number, points in enumerate(parts)
    ]


def _span_inside(a: F64, b: F64, half_side_m: float) -> tuple[float, float] | None:
    """Share of the segment at which it enters and leaves the square, None if it misses it.

    Source: Liang and Barsky 1984, "A new concept and method for line clipping".
    """
    enter, leave = 0.0, 1.0
    for axis in range(2):
        for sign in (-1.0, 1.0):
            beyond_a = sign * a[axis] - half_side_m
            beyond_b = sign * b[axis] - half_side_m
            if beyond_a > 0 and beyond_b > 0:
                return None
            if beyond_a > 0:
                enter = max(enter, beyond_a / (beyond_a - beyond_b))
            elif beyond_b > 0:
                leave = min(leave, beyond_a / (beyond_a - beyond_b))
    return (enter, leave) if enter < leave else None


def _cut_area(corners: F64, half_side_m: float) -> F64:
    """The part (M, 3) of a convex area within the square, at the area's mean height."""
    side = 2 * half_side_m
    inside = clip_to_rectangle(corners[:, :2] + half_side_m, side, side) - half_side_m
    return np.column_stack([inside, np.full(len(inside), corners[:, 2].mean())])
