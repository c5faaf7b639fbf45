"""Refuse what CARLA's client cannot read, before a client tries.

Each rule is a fault on which `carla.Map` of client 0.9.16 kills its process, raises without a
place or computes NaN; the server would build all of these towns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from synthgen.simserver.maps.road_records import Cubics, Lane, LaneSection, Road, RoadNetwork


def first_fault(network: RoadNetwork) -> str | None:
    """The first fault of a file in words that name its place, or None."""
    return next(_faults(network), None)


def _faults(network: RoadNetwork) -> Iterator[str]:
    signals = {s.signal_id for r in network.roads.values() for s in r.signals if not s.is_reference}
    for road in network.roads.values():
        for fault in (*_profile_faults(road), *_link_faults(road, network.roads)):
            yield f"road {road.road_id}: {fault}"
        for signal in road.signals:
            if signal.is_reference and signal.signal_id not in signals:
                yield f"road {road.road_id}: <signalReference> to no signal: {signal.signal_id!r}"
    for junction in network.junctions.values():
        for connection in junction.connections:
            if connection.connecting not in network.roads:
                yield (
                    f"junction {junction.junction_id}: expected a connectingRoad of the file, "
                    f"found {connection.connecting!r} (direct junctions are unknown to CARLA)"
                )


def _profile_faults(road: Road) -> Iterator[str]:
    if road.geometries[0].s > 0.0:
        yield f"expected the first <geometry> at s = 0, found {road.geometries[0].s:g}"
    for geometry in road.geometries:
        place, bend = f"geometry at {geometry.s:g}: ", set(geometry.params)
        if (geometry.kind, bend) == ("arc", {0.0}):
            yield f"{place}expected a <line>, found an <arc> of curvature 0"
        if geometry.kind == "spiral" and len(bend) == 1:
            yield f"{place}expected an <arc>, found a <spiral> of one curvature"
    yield from _late(road.elevation, "<elevation> at s")
    yield from _late(road.lane_offset, "<laneOffset> at s")
    for section in road.sections:
        place = f"lane section at {section.s0:g}: "
        left, right = _first_missing(section, 1), _first_missing(section, -1)
        for lane in section.lanes.values():
            missing = left if lane.lane_id > 0 else right
            if lane.kind == "driving" and abs(lane.lane_id) > abs(missing):
                yield f"{place}lane {lane.lane_id}: expected a lane {missing} inside it"
            if lane.lane_id:
                for fault in _late(lane.width, "<width> at sOffset"):
                    yield f"{place}lane {lane.lane_id}: {fault}"


def _first_missing(section: LaneSection, step: int) -> int:
    """The first id that no lane has, from 0 outwards."""
    lane_id = 0
    while lane_id in section.lanes:
        lane_id += step
    return lane_id


def _late(pieces: Cubics, what: str) -> Iterator[str]:
    if len(pieces.start) and pieces.start[0] > 0.0:
        yield f"expected the first {what} = 0, found {pieces.start[0]:g}"


def _link_faults(road: Road, roads: dict[str, Road]) -> Iterator[str]:
    """Lanes that go on, in the direction of their ids, as a lane that is not there."""
    for here, ahead in pairwise(road.sections):
        yield from _dangling(here.lanes.values(), "successor", ahead)
        yield from _dangling(ahead.lanes.values(), "predecessor", here)
    for key, link, end in (
        ("successor", road.successor, road.sections[-1]),
        ("predecessor", road.predecessor, road.sections[0]),
    ):
        if link is not None and link.kind == "road" and link.element_id in roads:
            sections = roads[link.element_id].sections
            ahead = sections[-1] if link.contact == "end" else sections[0]
            yield from _dangling(end.lanes.values(), key, ahead)


def _dangling(lanes: Iterable[Lane], key: str, ahead: LaneSection) -> Iterator[str]:
    for lane in lanes:
        follows = (lane.lane_id < 0) == (key == "successor")
        target = lane.successor if key == "successor" else lane.predecessor
        if follows and lane.lane_id and target is not None and target not in ahead.lanes:
            there = sorted(ahead.lanes)
            yield f"lane {lane.lane_id}: expected its {key} among the lanes {there}, found {target}"
