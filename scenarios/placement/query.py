"""Placement queries: the sites of a map that a scenario's `where` asks for, and a fair choice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain as chain_tests

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from scenarios.placement.junctions import junction_sites
from scenarios.placement.map_index import MapIndex
from scenarios.placement.sites import (
    AHEAD_M,
    BACK_M,
    Band,
    Site,
    Test,
    Way,
    bands_along,
    chain,
    edge_kinds,
    lane_length,
    section_lanes,
    way_along,
)
from scenarios.spec import Comparison, RoadQuery
from synthgen.errors import ConfigError

F64 = NDArray[np.float64]
SPACING_M = 4.0
AHEAD_SHARE = 0.25
CROSSWALK_REACH_M, CROSSWALK_ASIDE_M = 30.0, 9.0
CARRIAGEWAY = ("driving", "bidirectional", "parking", "shoulder")
# Who parks where no strip is made for it has two wheels on the kerb's edge, short of the posts
# that stand half a metre behind it.
KERB_BAND_M, ON_KERB_M = 2.0, 0.2


@dataclass(frozen=True, slots=True)
class Needs:
    """What the scenario's actors need beside the query: lanes by name, and clear way ahead."""

    lanes: frozenset[str] = frozenset()
    approach_m: float = 60.0
    ahead_m: float = 40.0


def find_sites(index: MapIndex, query: RoadQuery, needs: Needs) -> list[Site]:
    """All sites of a map that a query accepts.

    Raises:
        ConfigError: There is none; the message names the query and the nearest miss.
    """
    if query.maps != "any" and index.name not in query.maps:
        raise ConfigError(f"where: maps is {', '.join(query.maps)}, not {index.name}")
    for used in range(len(query.fallback) + 1):
        # What the query asks for comes first; each fallback is tried only if nothing is found.
        narrowed = query.model_copy(update={"fallback": query.fallback[:used]})
        # Tests are made one by one, the first that fails ends them: most places fail early.
        tried = _tried(index, narrowed, needs, everywhere=False)
        sites = [site for site, tests in tried if all(test.holds for test in tests)]
        if sites:
            return sites
    tried = _tried(index, narrowed, needs, everywhere=True)
    raise ConfigError(_nearest_miss(index, query, [(site, list(tests)) for site, tests in tried]))


def _tried(
    index: MapIndex, query: RoadQuery, needs: Needs, *, everywhere: bool
) -> Iterator[tuple[Site, Iterator[Test]]]:
    """Every place of the query's kind, with the tests that it has to stand.

    Unless `everywhere`, without the places of lanes that are not what is asked for.
    """
    if query.kind != "junction":
        yield from _road_sites(index, query, needs, everywhere=everywhere)
        return
    for site, tests in junction_sites(index, query, needs.approach_m, everywhere=everywhere):
        yield site, chain_tests(tests, _named_lane_tests(site, query, needs))


def _named_lane_tests(site: Site, query: RoadQuery, needs: Needs) -> Iterator[Test]:
    """A test for every strip that the actors name."""
    for name in sorted(needs.lanes):
        yield Test(f"lane {name}", _has_lane(site, query, name), "no such strip")


def crosswalk_station(index: MapIndex, site: Site) -> float:
    """Station along the ego's way of the crosswalk nearest to the site that lies across it.

    Raises:
        ConfigError: There is none within 30 m.
    """
    found = []
    near = np.flatnonzero(np.abs(site.ego.stations) <= CROSSWALK_REACH_M)
    way = site.ego.points[near, :2]
    for outline in index.crosswalks:
        distance = np.hypot(*(way - outline[:, :2].mean(axis=0)).T)
        if len(distance) and distance.min() < CROSSWALK_ASIDE_M:
            found.append(float(site.ego.stations[near[int(np.argmin(distance))]]))
    if not found:
        place = index.text("lane_id", site.lane)
        raise ConfigError(f"where: lane {place} has no crosswalk within {CROSSWALK_REACH_M:.0f} m")
    return min(found, key=abs)


def choose_site(sites: list[Site], rng: np.random.Generator) -> Site:
    """A site, every road equally likely, so that long roads do not rule."""
    roads = sorted({site.road for site in sites})
    road = roads[int(rng.integers(len(roads)))]
    there = [site for site in sites if site.road == road]
    return there[int(rng.integers(len(there)))]


def _written(value: object) -> str:
    """A part of a query as its author wrote it, but in SI units."""
    if isinstance(value, BaseModel):
        if isinstance(value, Comparison):
            return f"{value.op} {value.value:g}"
        parts = ((name, getattr(value, name)) for name in sorted(value.model_fields_set))
        return f"{{{', '.join(f'{name}: {_written(part)}' for name, part in parts)}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(_written(part) for part in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _nearest_miss(index: MapIndex, query: RoadQuery, found: list[tuple[Site, list[Test]]]) -> str:
    asked = ", ".join(
        f"{name}: {_written(getattr(query, name))}"
        for name in sorted(query.model_fields_set - {"maps"})
    )
    head = f"where: {index.name} has no site for {{{asked}}}"
    if not found:
        return f"{head}; the map has no {query.kind} to try"
    failed = [(site, [test for test in tests if not test.holds]) for site, tests in found]
    site, missed = min(failed, key=lambda f: (len(f[1]), sum(test.lack for test in f[1])))
    missing = "; ".join(f"{test.name} (found {test.found})" for test in missed)
    place = f"lane {index.text('lane_id', site.lane)} at {site.station_m:.0f} m"
    return f"{head}; nearest miss: {place} fails {missing}"


def _road_sites(
    index: MapIndex, query: RoadQuery, needs: Needs, *, everywhere: bool
) -> Iterator[tuple[Site, Iterator[Test]]]:
    for lane in _open_lanes(index):
        shared = _lane_tests(index, query, lane)
        if everywhere or all(test.holds for test in shared):
            corridor, sites = _candidates(index, lane)
            for site in sites:
                yield site, chain_tests(shared, _place_tests(index, query, needs, site, corridor))


@lru_cache(maxsize=16)
def _open_lanes(index: MapIndex) -> list[int]:
    """The driving lanes outside junctions."""
    is_open = (index.tables["kind"] == "driving") & (index.tables["junction"] == -1)
    return [int(lane) for lane in np.flatnonzero(is_open)]


@lru_cache(maxsize=65536)
def _candidates(index: MapIndex, lane: int) -> tuple[Corridor, list[Site]]:
    """Every place on a lane, whatever is asked; found once a map."""
    before = chain(index, lane, forward=False, length_m=BACK_M)[::-1]
    after = chain(index, lane, forward=True, length_m=AHEAD_M)
    whole = way_along_lanes(index, [*before, lane, *after], lane)
    stations = np.arange(2.0, whole.lane_end, SPACING_M)
    count = len(whole.road_stations)
    shares = stations / max(whole.lane_end, 1e-6) * (count - 1)
    bands = bands_along(index, lane, np.interp(shares, np.arange(count), whole.road_stations))
    places = zip(stations.tolist(), bands, strict=True)
    return whole, [_site_at(index, lane, whole, s, strips) for s, strips in places]


@dataclass(frozen=True, eq=False, slots=True)
class Corridor:
    """A way with station 0 at the start of its own lane; `in_junction` (n,) bool by point."""

    way: Way
    in_junction: NDArray[np.bool_]
    road_stations: F64
    lane_end: float


def way_along_lanes(index: MapIndex, lanes: list[int], own: int) -> Corridor:
    """The corridor through `lanes` with its zero where lane `own` begins."""
    start = index.lane_points(own)[0, :2]
    way = way_along(index, lanes, start)
    inside = np.zeros(len(way.stations), dtype=bool)
    at = 0.0
    for lane in lanes:
        if lane == own:
            break
        at -= lane_length(index, lane)
    for lane in lanes:
        length = lane_length(index, lane)
        if index.number("junction", lane) >= 0:
            inside |= (way.stations >= at) & (way.stations <= at + length)
        at += length
    return Corridor(way, inside, index.lane_points(own)[:, 5], lane_length(index, own))


def _site_at(
    index: MapIndex, lane: int, corridor: Corridor, station: float, bands: dict[str, Band]
) -> Site:
    return Site(
        road=index.number("road", lane),
        lane=lane,
        station_m=station,
        ego=Way(corridor.way.points, corridor.way.stations - station),
        bands=bands,
        lane_width_m=bands["ego"].width_m,
        speed_limit_mps=float(index.tables["speed_limit_mps"][lane]),
    )


def _lane_tests(index: MapIndex, query: RoadQuery, lane: int) -> list[Test]:
    lanes = section_lanes(index, lane)
    sign = index.number("lane", lane) < 0
    driving = [i for i in lanes if index.text("kind", i) == "driving"]
    same = sum((index.number("lane", i) < 0) == sign for i in driving)
    opposite = len(driving) - same
    tests = []
    if query.lanes_same_direction is not None:
        tests.append(
            Test("lanes_same_direction", query.lanes_same_direction.holds(same), str(same))
        )
    if query.lanes_opposite is not None:
        tests.append(Test("lanes_opposite", query.lanes_opposite.holds(opposite), str(opposite)))
    if query.speed_limit is not None:
        limit = float(index.tables["speed_limit_mps"][lane])
        holds = limit == 0.0 or query.speed_limit.holds(limit)
        tests.append(Test("speed_limit", holds, f"{limit * 3.6:.0f} km/h"))
    for edge, side, word in ((query.edge_right, -1, "right"), (query.edge_left, 1, "left")):
        if edge:
            tests.append(_edge_test(index, query, lane, side, edge, word))
    return tests


def _edge_test(
    index: MapIndex, query: RoadQuery, lane: int, side: int, edge: tuple[str, ...], word: str
) -> Test:
    kinds = edge_kinds(index, lane, side)
    options: dict[str, set[str]] = {kind: {kind} for kind in edge}
    for fallback in query.fallback:
        wanted, instead = fallback.split("->")
        options.setdefault(wanted, {wanted}).add(instead)
    position = 0
    for kind in edge:
        accepted = options[kind]
        ahead = [i for i in range(position, len(kinds)) if kinds[i] in accepted]
        if ahead:
            position = ahead[0] + 1
        elif "curb_lane" not in accepted:
            return Test(f"edge_{word}", False, ", ".join(kinds) or "nothing")
    return Test(f"edge_{word}", True, ", ".join(kinds))


def _place_tests(
    index: MapIndex, query: RoadQuery, needs: Needs, site: Site, corridor: Corridor
) -> Iterator[Test]:
    length = _fixed(query.length_min, 50.0)
    # Stations are whole metres.
    begin, count = int(site.ego.stations[0]), len(site.ego.stations)
    first = math.ceil(-(1 - AHEAD_SHARE) * length) - begin
    stop = math.floor(AHEAD_SHARE * length) + 1 - begin
    window = slice(min(max(first, 0), count), min(max(stop, 0), count))
    covered = float(window.stop - window.start) - 1.0
    back, ahead = site.ego.back_m, site.ego.ahead_m
    yield Test(
        "length_min", covered >= length - 2.0, f"{covered:.0f} m", 1.0 - covered / max(length, 1.0)
    )
    yield Test("approach", back >= min(needs.approach_m, 60.0), f"{back:.0f} m")
    yield Test("way ahead", ahead >= needs.ahead_m, f"{ahead:.0f} m")
    inside = corridor.in_junction[window]
    is_free = not inside.any()
    free = len(inside) if is_free else _longest_run(~inside)
    yield Test(
        "junction-free",
        is_free,
        f"{free} m of {length:.0f} m",
        1.0 - free / max(length, 1.0),
    )
    if query.edge_right:
        yield Test("kerb lane", "right" not in site.bands, "a lane to the right")
    yield from _named_lane_tests(site, query, needs)
    yaw = site.ego.points[window, 3]
    bend = float(yaw.max() - yaw.min()) if len(yaw) else 0.0
    most = _fixed(query.heading_change_max, 0.35)
    if query.kind == "straight":
        yield Test("straight", bend <= most, f"{np.rad2deg(bend):.0f} deg")
    if query.kind == "curve":
        yield Test("curve", bend > most, f"{np.rad2deg(bend):.0f} deg")
    if query.kind == "merge":
        after = index.successors.get(site.lane, ())
        merging = any(len(index.predecessors.get(a, ())) > 1 for a in after)
        yield Test("merge", merging, "no lane joins")
    yield from _distance_tests(index, query, site, corridor)


def _longest_run(mask: NDArray[np.bool_]) -> int:
    """Most entries in a row that are true."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def _fixed(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _has_lane(site: Site, query: RoadQuery, name: str) -> bool:
    bands = site.bands
    if name.startswith("parking_"):
        return parking_band(site, query, name.removeprefix("parking_")) is not None
    if name.startswith("kerb_"):
        return True
    if name.startswith("sidewalk_") and name not in bands:
        word = name.removeprefix("sidewalk_")
        return "sidewalk->shoulder" in query.fallback and f"shoulder_{word}" in bands
    return name in bands or name in ("ego", "crosswalk")


def parking_band(site: Site, query: RoadQuery, word: str) -> Band | None:
    """Where a parked vehicle stands on that side: parking lane, shoulder, or at the kerb."""
    found = site.bands.get(f"parking_{word}")
    if found is not None:
        return found
    shoulder = site.bands.get(f"shoulder_{word}")
    if "parking->shoulder" in query.fallback and shoulder and shoulder.width_m >= 1.8:
        return shoulder
    if "parking->curb_lane" in query.fallback:
        side = -1.0 if word == "right" else 1.0
        edge = carriageway_edge(site.bands.values(), side)
        return Band(side * (edge + ON_KERB_M - KERB_BAND_M / 2), KERB_BAND_M, "kerb")
    return None


def carriageway_edge(bands: Iterable[Band], side: float) -> float:
    """Distance from the ego lane's middle to the kerb on a side (1 left, -1 right)."""
    road = [b for b in bands if b.kind in CARRIAGEWAY and b.t_m * side >= 0]
    return max(abs(b.t_m) + b.width_m / 2 for b in road)


def _distance_tests(
    index: MapIndex, query: RoadQuery, site: Site, corridor: Corridor
) -> Iterator[Test]:
    near, far = query.crosswalk_within, query.crosswalk_absent_within
    if near is not None or far is not None:
        nearest = _crosswalk_distance(index, site)
        found = f"{nearest:.0f} m"
        if isinstance(near, int | float):
            yield Test("crosswalk_within", nearest <= near, found)
        if isinstance(far, int | float):
            yield Test("crosswalk_absent_within", nearest >= far, found)
    clear = query.junction_absent_within
    if isinstance(clear, int | float):
        s = site.ego.stations[corridor.in_junction]
        junction = float(np.abs(s).min()) if len(s) else float("inf")
        yield Test("junction_absent_within", junction >= clear, f"{junction:.0f} m")


def _crosswalk_distance(index: MapIndex, site: Site) -> float:
    """Distance of the site to the middle of the nearest crosswalk."""
    centres = _crosswalk_centres(index)
    x, y = site.ego.at(0.0)[:2]
    return float(np.hypot(centres[:, 0] - x, centres[:, 1] - y).min(initial=np.inf))


@lru_cache(maxsize=16)
def _crosswalk_centres(index: MapIndex) -> F64:
    """(n, 2) middles of the map's crosswalks."""
    middles = [outline[:, :2].mean(axis=0) for outline in index.crosswalks]
    return np.array(middles, dtype=np.float64).reshape(-1, 2)
