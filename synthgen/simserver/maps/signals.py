"""Traffic lights and signs: which lanes obey them, where they stand, who switches together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.conflicts import conflict_points
from synthgen.simserver.maps.geometry import SectionGrid, plan_at, road_points
from synthgen.simserver.maps.raster import BRIDGE_CLEARANCE_M
from synthgen.simserver.maps.road_records import Road, RoadLink, RoadNetwork, RoadSignal
from synthgen.simserver.maps.spawn import lane_centre, lane_pose
from synthgen.simserver.maps.surfaces import DRIVING_KINDS
from synthgen.simserver.maps.townmap import Approach, GroundGrid, Pose, Signal, SurfaceKind

F64 = NDArray[np.float64]

_STOP_TYPES = {"206": "traffic.stop", "205": "traffic.yield"}
_SPEED_TYPE = "274"
# Speed signs of CARLA's blueprint library, km/h.
_SPEEDS_KMH = (30, 40, 50, 60, 90, 100, 110, 120, 130)
HEAD_HEIGHT_M, ARM_M, SIGN_HEIGHT_M = 5.2, 3.6, 2.2
# Stop lines lie this far before a crosswalk, or before the end of the lane.
_BEFORE_CROSSWALK_M, _BEFORE_END_M = 1.2, 1.0
_CROSSWALK_SEARCH_M = 14.0
# A signal farther than this from the end of its road holds where it stands.
_NEAR_END_M = 40.0
_TRIGGER_LENGTH_M = 4.0
_MAX_STEP_ASIDE_M = 16.0
_ON_ROAD = (SurfaceKind.ROAD, SurfaceKind.PARKING, SurfaceKind.SHOULDER)


@dataclass(eq=False, slots=True)
class _Found:
    """Everything the file says about one signal id."""

    road: Road
    record: RoadSignal
    uses: list[tuple[Road, RoadSignal]] = field(default_factory=list)


class _Lanes:
    """Finds the sampled section of a road's lane."""

    def __init__(self, grids: list[SectionGrid]) -> None:
        self._by_road: dict[str, list[SectionGrid]] = {}
        for grid in grids:
            self._by_road.setdefault(grid.road.road_id, []).append(grid)

    def at(self, road_id: str, s: float) -> SectionGrid | None:
        """Section of a road at s."""
        grids = self._by_road.get(road_id, [])
        inside = [g for g in grids if g.s[0] - 1e-6 <= s <= g.s[-1] + 1e-6]
        return inside[0] if inside else (grids[-1] if grids else None)


def town_signals(
    network: RoadNetwork,
    grids: list[SectionGrid],
    ground: GroundGrid,
    crosswalks: tuple[F64, ...],
) -> tuple[Signal, ...]:
    """One signal for each light, stop, yield and speed sign of the file, in its order."""
    lanes = _Lanes(grids)
    signals = []
    for found in _collect(network):
        type_id = _type_of(found.record)
        if type_id is None:
            continue
        approaches = _approaches(found, network, lanes, crosswalks)
        signal = _signal(found, type_id, approaches, network, ground)
        if type_id in _STOP_TYPES.values():
            signal = replace(signal, conflicts=conflict_points(network, grids, approaches))
        signals.append(signal)
    signals += _speed_objects(network, lanes, ground)
    return tuple(_with_phases(signals, network))


def _collect(network: RoadNetwork) -> list[_Found]:
    found: dict[str, _Found] = {}
    for road in network.roads.values():
        for record in road.signals:
            if not record.is_reference and record.signal_id not in found:
                found[record.signal_id] = _Found(road, record)
    for road in network.roads.values():
        for record in road.signals:
            known = found.get(record.signal_id)
            if known is not None:
                known.uses.append((road, record))
    return list(found.values())


def _type_of(record: RoadSignal) -> str | None:
    if record.is_dynamic:
        # 1000001 and its kin are the light signals of OpenDRIVE's own country code.
        return "traffic.traffic_light" if record.kind.startswith("10000") else None
    if record.kind == _SPEED_TYPE:
        value = record.value if record.value > 0.0 else _number_in(record.subtype)
        return None if value <= 0.0 else _speed_id(value)
    return _STOP_TYPES.get(record.kind)


def _number_in(text: str) -> float:
    digits = "".join(c for c in text if c.isdigit())
    return float(digits) if digits else 0.0


def _speed_id(kmh: float) -> str:
    nearest = min(_SPEEDS_KMH, key=lambda v: abs(v - kmh))
    return f"traffic.speed_limit.{nearest}"


def _approaches(
    found: _Found, network: RoadNetwork, lanes: _Lanes, crosswalks: tuple[F64, ...]
) -> tuple[Approach, ...]:
    uses = found.uses
    # A signal beside references only marks the post; a validity of lane 0 alone says so too.
    if any(record.is_reference for _, record in uses):
        uses = [u for u in uses if u[1].is_reference or _valid_lanes(u[1])]
    result: dict[tuple[str, int, int], Approach] = {}
    for road, record in uses:
        grid = lanes.at(road.road_id, record.s)
        if grid is None:
            continue
        for lane_id in _lanes_of(record, grid):
            target = _incoming(network, lanes, road, grid, lane_id, record.s)
            if target is None:
                continue
            approach = _approach(*target, crosswalks)
            result.setdefault((approach.road_id, approach.section, approach.lane_id), approach)
    return tuple(result.values())


def _valid_lanes(record: RoadSignal) -> set[int]:
    return {
        lane
        for low, high in record.lanes
        for lane in range(min(low, high), max(low, high) + 1)
        if lane != 0
    }


def _lanes_of(record: RoadSignal, grid: SectionGrid) -> list[int]:
    driving = [i for i in grid.lane_ids if grid.section.lanes[i].kind in DRIVING_KINDS]
    valid = _valid_lanes(record)
    if valid:
        return [i for i in driving if i in valid]
    if abs(record.t) > 0.5:
        return [i for i in driving if (i < 0) == (record.t < 0)]
    return [i for i in driving if grid.road.goes_with_s(i) == (record.orientation == "+")]


def _incoming(
    network: RoadNetwork, lanes: _Lanes, road: Road, grid: SectionGrid, lane_id: int, s: float
) -> tuple[SectionGrid, int, float] | None:
    """Section, lane and s of the place where traffic on this lane meets the signal."""
    forward = road.goes_with_s(lane_id)
    if not road.in_junction:
        end = road.length if forward else 0.0
        at = end if abs(end - s) < _NEAR_END_M else s
        section = lanes.at(road.road_id, at)
        known = section is not None and lane_id in section.lane_ids
        return (section, lane_id, at) if section is not None and known else None
    link = road.predecessor if forward else road.successor
    lane = grid.section.lanes[lane_id]
    before = lane.predecessor if forward else lane.successor
    if link is None or link.kind != "road" or before is None:
        return None
    return _end_of_road(network, lanes, link, before)


def _end_of_road(
    network: RoadNetwork, lanes: _Lanes, link: RoadLink, lane_id: int
) -> tuple[SectionGrid, int, float] | None:
    road = network.roads.get(link.element_id)
    if road is None:
        return None
    at = road.length if link.contact == "end" else 0.0
    grid = lanes.at(road.road_id, at)
    return (grid, lane_id, at) if grid is not None and lane_id in grid.lane_ids else None


def _approach(grid: SectionGrid, lane_id: int, at: float, crosswalks: tuple[F64, ...]) -> Approach:
    backward = -1.0 if grid.road.goes_with_s(lane_id) else 1.0
    gap = _BEFORE_END_M
    end = lane_pose(grid, lane_id, at).location_m[:2]
    near = [p for p in crosswalks if np.hypot(*(p.mean(axis=0)[:2] - end)) < _NEAR_END_M]
    back = np.arange(0.0, _CROSSWALK_SEARCH_M, 0.25)
    back = back[(at + backward * back >= grid.s[0]) & (at + backward * back <= grid.s[-1])]
    for polygon in near:
        shape = polygon[:, :2].astype(np.float32)
        for k, (x, y, _) in enumerate(lane_centre(grid, lane_id, at + backward * back)):
            if cv2.pointPolygonTest(shape, (float(x), float(y)), False) >= 0:
                gap = max(gap, float(back[k]) + _BEFORE_CROSSWALK_M)
    s = float(np.clip(at + backward * gap, grid.s[0], grid.s[-1]))
    column = grid.column(lane_id)
    width = np.linalg.norm(grid.points[:, column] - grid.points[:, column + 1], axis=1)
    half = float(np.interp(s, grid.s, width)) / 2
    return Approach(grid.road.road_id, grid.index, lane_id, lane_pose(grid, lane_id, s), half)


def _signal(
    found: _Found,
    type_id: str,
    approaches: tuple[Approach, ...],
    network: RoadNetwork,
    ground: GroundGrid,
) -> Signal:
    road, record = found.road, found.record
    heading = plan_at(road, np.array([record.s]))[2][0] + record.h_offset
    traffic_yaw = _mean_yaw(approaches) if approaches else float(-np.degrees(heading))
    place = road_points(road, np.array([record.s]), np.array([record.t]))[0]
    is_light = type_id == "traffic.traffic_light"
    pose = _post(place, traffic_yaw, ground)
    center, extent = _trigger(pose, approaches)
    return Signal(
        signal_id=record.signal_id,
        type_id=type_id,
        pose=pose,
        trigger_center_m=center,
        trigger_extent_m=extent,
        head_height_m=HEAD_HEIGHT_M if is_light else SIGN_HEIGHT_M,
        arm_m=ARM_M if is_light else 0.0,
        group=_junction_of(road, approaches, network) if is_light else "",
        approaches=approaches,
        value=_number_in(type_id),
    )


def _mean_yaw(approaches: Iterable[Approach]) -> float:
    yaw = np.radians([a.pose.yaw_deg for a in approaches])
    return float(np.degrees(np.arctan2(np.sin(yaw).mean(), np.cos(yaw).mean())))


def _post(place: F64, traffic_yaw_deg: float, ground: GroundGrid) -> Pose:
    """Foot of the post, moved across the traffic until it leaves the road."""
    right = np.radians(traffic_yaw_deg + 90.0)
    aside = np.array([np.cos(right), np.sin(right)])
    xy = place[:2]
    for step in np.arange(0.25, _MAX_STEP_ASIDE_M, 0.25):
        if ground(xy[None])[2][0] not in _ON_ROAD:
            break
        # Right first, then left: a post of a light over the road may belong to either side.
        tries = [place[:2] + sign * step * aside for sign in (1.0, -1.0)]
        kinds = ground(np.array(tries))[2]
        free = [k not in _ON_ROAD for k in kinds]
        if any(free):
            k = free.index(True)
            xy = tries[k] + (1.0, -1.0)[k] * 0.5 * aside
            break
    z = float(ground(xy[None])[0][0])
    if place[2] - z > BRIDGE_CLEARANCE_M:
        # Beside a bridge the ground is that of the road below.
        z = float(place[2])
    yaw = (traffic_yaw_deg + 90.0 + 180.0) % 360.0 - 180.0
    return Pose((float(xy[0]), float(xy[1]), z), (0.0, yaw, 0.0))


def _trigger(pose: Pose, approaches: tuple[Approach, ...]) -> tuple[F64, F64]:
    """Box on the approach lanes before the stop line, in the actor's frame."""
    if not approaches:
        return np.array([0.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0])
    corners = []
    for approach in approaches:
        yaw = np.radians(approach.pose.yaw_deg)
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        right = np.array([-ahead[1], ahead[0]])
        at = np.array(approach.pose.location_m[:2])
        corners += [
            at - ahead * back + right * side * approach.half_width_m * 0.9
            for back in (0.0, _TRIGGER_LENGTH_M)
            for side in (-1.0, 1.0)
        ]
    yaw = np.radians(pose.yaw_deg)
    axes = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
    local = (np.array(corners) - pose.location_m[:2]) @ axes.T
    low, high = local.min(axis=0), local.max(axis=0)
    level = float(np.mean([a.pose.location_m[2] for a in approaches])) - pose.location_m[2]
    return (
        np.array([*((low + high) / 2), level + 1.0]),
        np.array([*((high - low) / 2), 1.0]),
    )


def _junction_of(road: Road, approaches: tuple[Approach, ...], network: RoadNetwork) -> str:
    for approach in approaches:
        lane_road = network.roads[approach.road_id]
        with_s = lane_road.goes_with_s(approach.lane_id)
        link = lane_road.successor if with_s else lane_road.predecessor
        if link is not None and link.kind == "junction":
            return link.element_id
    return road.junction if road.in_junction else ""


def _with_phases(signals: list[Signal], network: RoadNetwork) -> list[Signal]:
    """Number the turns of each junction: by controller, else by direction of the traffic."""
    controller_of = {
        signal: number
        for number, members in enumerate(network.controllers.values())
        for signal in members
    }
    directions: dict[str, list[float]] = {}
    result = []
    for signal in signals:
        if signal.type_id != "traffic.traffic_light":
            result.append(signal)
            continue
        if signal.signal_id in controller_of:
            phase = controller_of[signal.signal_id]
        else:
            axes = directions.setdefault(signal.group, [])
            phase = len(network.controllers) + _axis_number(axes, signal.pose.yaw_deg)
        result.append(replace(signal, phase=phase))
    return result


def _axis_number(axes: list[float], yaw_deg: float) -> int:
    for number, known in enumerate(axes):
        if abs((yaw_deg - known + 90.0) % 180.0 - 90.0) < 35.0:
            return number
    axes.append(yaw_deg)
    return len(axes) - 1


def _speed_objects(network: RoadNetwork, lanes: _Lanes, ground: GroundGrid) -> list[Signal]:
    """Speed signs that a file lists as objects named `Speed_30`."""
    signals = []
    for road in network.roads.values():
        for item in road.objects:
            grid = lanes.at(road.road_id, item.s)
            if not item.name.startswith("Speed_") or grid is None:
                continue
            record = RoadSignal(
                item.object_id,
                _SPEED_TYPE,
                "",
                item.name,
                _number_in(item.name),
                item.s,
                item.t,
                "+",
                0.0,
                False,
                (),
                False,
            )
            approaches = tuple(_approach(grid, i, item.s, ()) for i in _lanes_of(record, grid))
            type_id = _speed_id(record.value)
            signals.append(_signal(_Found(road, record), type_id, approaches, network, ground))
    return signals
