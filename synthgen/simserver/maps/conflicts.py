"""Where the traffic drives that a stop or yield sign makes others wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.geometry import SectionGrid
from synthgen.simserver.maps.road_records import RoadNetwork
from synthgen.simserver.maps.spawn import lane_centre
from synthgen.simserver.maps.surfaces import DRIVING_KINDS
from synthgen.simserver.maps.townmap import Approach

F64 = NDArray[np.float64]

_STEP_M = 1.0
# Two lanes whose centres come this near are in each other's way.
_NEAR_M = 2.5


@dataclass(frozen=True, eq=False, slots=True)
class _Path:
    """A lane through a junction: the road it comes from, and (N, 3) x, y, direction in radians."""

    origin: str
    points: F64


def conflict_points(
    network: RoadNetwork, grids: list[SectionGrid], approaches: tuple[Approach, ...]
) -> F64:
    """(N, 3) x, y and direction (radians) along the ways that cross those of the approaches."""
    found = []
    for junction in sorted({j for a in approaches if (j := _junction_after(network, a))}):
        paths = list(_paths(network, grids, junction))
        own_roads = {approach.road_id for approach in approaches}
        own = [path.points for path in paths if path.origin in own_roads]
        if own:
            ways = np.concatenate(own)[:, :2]
            others = (path.points for path in paths if path.origin not in own_roads)
            found += [points for points in others if _meet(points[:, :2], ways)]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _junction_after(network: RoadNetwork, approach: Approach) -> str:
    road = network.roads[approach.road_id]
    link = road.successor if road.goes_with_s(approach.lane_id) else road.predecessor
    return link.element_id if link is not None and link.kind == "junction" else ""


def _paths(network: RoadNetwork, grids: list[SectionGrid], junction: str) -> Iterator[_Path]:
    for grid in grids:
        road = grid.road
        if road.junction != junction:
            continue
        for lane_id in grid.lane_ids:
            with_s = road.goes_with_s(lane_id)
            link = road.predecessor if with_s else road.successor
            if grid.section.lanes[lane_id].kind not in DRIVING_KINDS or link is None:
                continue
            first, last = float(grid.s[0]), float(grid.s[-1])
            stations = np.linspace(first, last, max(2, int((last - first) / _STEP_M) + 1))
            centre = lane_centre(grid, lane_id, stations)[:, :2][:: 1 if with_s else -1]
            ahead = np.gradient(centre, axis=0)
            yaw = np.arctan2(ahead[:, 1], ahead[:, 0])
            yield _Path(link.element_id, np.column_stack([centre, yaw]))


def _meet(first: F64, second: F64) -> bool:
    gaps = np.linalg.norm(first[:, None] - second[None], axis=2)
    return bool(gaps.min() < _NEAR_M)
