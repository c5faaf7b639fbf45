"""Sites in junctions: the ego's turn, who crosses its way, and where."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.placement.map_index import MapIndex
from scenarios.placement.sites import (
    AHEAD_M,
    BACK_M,
    Site,
    Test,
    Way,
    bands_at,
    chain,
    turn_of,
    way_along,
)
from scenarios.spec import JunctionQuery, RoadQuery

F64 = NDArray[np.float64]

STRAIGHT_RAD = 0.5
TURN_MIN_RAD = 0.9
CROSSWALK_AFTER_M = 5.0
# How far from the lane's middle one rides who keeps to its edge.
EDGE_M = 2.1
_CONTROL = {"light": "traffic_light", "stop": "stop", "yield": "yield", "none": "none"}


def direction_of(index: MapIndex, lane: int) -> str:
    """`left`, `right`, `straight` or `other` by the heading change over a connecting lane."""
    turn = turn_of(index, lane)
    if abs(turn) < STRAIGHT_RAD:
        return "straight"
    if TURN_MIN_RAD < abs(turn) < 2.4:
        return "left" if turn > 0 else "right"
    return "other"


def intersection(a: F64, b: F64) -> F64 | None:
    """First point along polyline `a` (n, 2) at which it meets polyline `b` (m, 2), or None."""
    p, r = a[:-1, None], np.diff(a, axis=0)[:, None]
    q, s = b[None, :-1], np.diff(b, axis=0)[None]
    cross = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        d = q - p
        u = (d[..., 0] * s[..., 1] - d[..., 1] * s[..., 0]) / cross
        v = (d[..., 0] * r[..., 1] - d[..., 1] * r[..., 0]) / cross
    hit = (np.abs(cross) > 1e-9) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    if not hit.any():
        return None
    i, j = np.argwhere(hit)[0]
    point: F64 = a[i] + u[i, j] * (a[i + 1] - a[i])
    return point


def junction_sites(
    index: MapIndex, query: RoadQuery, approach_m: float, *, everywhere: bool
) -> list[tuple[Site, list[Test]]]:
    """Every way of the ego through a junction paired with every way that crosses it, tested.

    Unless `everywhere`, without the ways that do not turn, or are not controlled, as asked for.
    """
    wanted = query.junction
    assert wanted is not None
    found = []
    for lanes in _connecting(index):
        arms = _arms(index, lanes)
        for lane in lanes:
            tests = _way_tests(index, wanted, lane, arms)
            if not everywhere and not all(test.holds for test in tests):
                continue
            partners = _partners(index, lanes, lane, wanted)
            tests.append(Test("conflict", bool(partners), "no way crosses"))
            for partner, point in partners or [(None, _middle(index, lane))]:
                site = _site(index, lane, partner, point)
                fits = Test(
                    "approach", site.ego.back_m >= min(approach_m, 50.0), f"{site.ego.back_m:.0f} m"
                )
                found.append((site, [*tests, fits]))
    return sorted(found, key=lambda pair: pair[0].lane)


def _connecting(index: MapIndex) -> list[list[int]]:
    """The driving lanes inside of each junction."""
    junctions: dict[int, list[int]] = {}
    for lane in range(len(index.first) - 1):
        junction = index.number("junction", lane)
        if junction >= 0 and index.text("kind", lane) == "driving":
            junctions.setdefault(junction, []).append(lane)
    return list(junctions.values())


def _way_tests(index: MapIndex, wanted: JunctionQuery, lane: int, arms: int) -> list[Test]:
    turn, control = direction_of(index, lane), _CONTROL[index.text("control", lane)]
    tests = [
        Test("ego_turn", turn == wanted.ego_turn, turn),
        Test("control", wanted.control in ("any", control), control),
    ]
    if wanted.arms is not None:
        tests.append(Test("arms", wanted.arms.holds(arms), str(arms)))
    return tests


def _arms(index: MapIndex, lanes: list[int]) -> int:
    roads = set()
    for lane in lanes:
        around = (*index.predecessors.get(lane, ()), *index.successors.get(lane, ()))
        roads |= {index.number("road", other) for other in around}
    return len(roads)


def _middle(index: MapIndex, lane: int) -> F64:
    points = index.lane_points(lane)
    return points[len(points) // 2, :2]


def _partners(
    index: MapIndex, lanes: list[int], lane: int, wanted: JunctionQuery
) -> list[tuple[int | None, F64]]:
    if wanted.conflict == "none":
        return [(None, _middle(index, lane))]
    points = index.lane_points(lane)
    if wanted.conflict == "exit_crosswalk":
        end = points[-1]
        ahead = CROSSWALK_AFTER_M * np.array([np.cos(end[3]), np.sin(end[3])])
        return [(None, end[:2] + ahead)]
    found: list[tuple[int | None, F64]] = []
    for other in lanes:
        if other == lane:
            continue
        straight_only = wanted.conflict in ("oncoming_straight", "same_straight")
        if straight_only and direction_of(index, other) != "straight":
            continue
        if not _comes_from(wanted.conflict, points[0, 3], index.lane_points(other)[0, 3]):
            continue
        theirs = index.lane_points(other)[:, :2]
        if wanted.conflict == "same_straight":
            theirs = _near_edge(index, other, points[-1])
        point = intersection(points[:, :2], theirs)
        if point is not None:
            found.append((other, point))
    straight = [p for p in found if p[0] is not None and direction_of(index, p[0]) == "straight"]
    return straight or found


def _near_edge(index: MapIndex, lane: int, ego_end: F64) -> F64:
    """(n, 2) the line a cyclist rides near the edge of a lane, on the side the ego turns to."""
    points = index.lane_points(lane)
    side = points[-1, :2] - ego_end[:2]
    left = np.array([-np.sin(points[-1, 3]), np.cos(points[-1, 3])])
    shift = -np.sign(side @ left) * EDGE_M
    normal = np.stack([-np.sin(points[:, 3]), np.cos(points[:, 3])], axis=1)
    edge: F64 = points[:, :2] + shift * normal
    return edge


def _comes_from(conflict: str, ego_yaw: float, other_yaw: float) -> bool:
    delta = (other_yaw - ego_yaw + np.pi) % (2 * np.pi) - np.pi
    if conflict == "oncoming_straight":
        return bool(abs(delta) > 2.4)
    if conflict == "same_straight":
        return bool(abs(delta) < 0.5)
    if conflict == "from_side":
        return bool(abs(abs(delta) - np.pi / 2) < 0.7)
    # What comes from the left moves to the right, -90 degrees from the ego's heading.
    aim = -np.pi / 2 if conflict == "from_left" else np.pi / 2
    return bool(abs(delta - aim) < 0.7)


def _site(index: MapIndex, lane: int, partner: int | None, point: F64) -> Site:
    ego = _through(index, lane, point)
    other = None if partner is None else _through(index, partner, point)
    lead_in = next(iter(index.predecessors.get(lane, ())), lane)
    lead_out = next(iter(index.successors.get(lane, ())), lane)
    reference = lead_out if partner is None else lead_in
    station = float(index.lane_points(reference)[len(index.lane_points(reference)) // 2, 5])
    bands = bands_at(index, reference, station)
    start = index.lane_points(lane)[0, :2]
    end = index.lane_points(lane)[-1, :2]
    return Site(
        road=index.number("road", lane),
        lane=lane,
        station_m=0.0,
        ego=ego,
        bands=bands,
        lane_width_m=bands["ego"].width_m,
        speed_limit_mps=float(index.tables["speed_limit_mps"][lead_in]),
        other=other,
        stop_line_s=_station_of(ego.points, ego.stations, start),
        exit_s=_station_of(ego.points, ego.stations, end),
        other_stop_line_s=0.0
        if other is None or partner is None
        else _station_of(other.points, other.stations, index.lane_points(partner)[0, :2]),
        ego_signal=index.text("signal", lane),
        other_signal="" if partner is None else index.text("signal", partner),
    )


def _through(index: MapIndex, lane: int, point: F64) -> Way:
    before = chain(index, lane, forward=False, length_m=BACK_M)[::-1]
    after = chain(index, lane, forward=True, length_m=AHEAD_M)
    return way_along(index, [*before, lane, *after], point)


def _station_of(points: F64, stations: F64, xy: F64) -> float:
    return float(stations[int(np.argmin(np.hypot(*(points[:, :2] - xy).T)))])
