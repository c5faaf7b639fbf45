"""Places on a map where an encounter can happen: the ego's way there and what lies beside it.

A site's own coordinates: `s` metres along the ego's path (0 at the conflict), `t` metres to its
left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenarios.placement.map_index import MapIndex

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BACK_M = 170.0
AHEAD_M = 150.0
STRAIGHT_RAD = 0.44


@dataclass(frozen=True, eq=False, slots=True)
class Way:
    """A path (n, 4: x, y, z, yaw) at 1 m steps with stations (n,), 0 at the conflict point."""

    points: F64
    stations: F64

    def at(self, s: float | F64, t: float | F64 = 0.0) -> F64:
        """Points (..., 4) at `s` along and `t` left of the path; straight on beyond its ends."""
        s = np.asarray(s, dtype=np.float64)
        inside = np.minimum(np.maximum(s, self.stations[0]), self.stations[-1])
        place = inside - self.stations[0]
        before = np.minimum(place.astype(np.int64), len(self.stations) - 2)
        share = (place - before)[..., None]
        found: F64 = self.points[before] * (1.0 - share) + self.points[before + 1] * share
        c, sn = np.cos(found[..., 3]), np.sin(found[..., 3])
        over = s - inside
        found[..., 0] += over * c - t * sn
        found[..., 1] += over * sn + t * c
        return found

    def yaw_at(self, s: F64) -> F64:
        """Heading (...,) at stations; that of the nearest end beyond the path."""
        return np.asarray(np.interp(s, self.stations, self.points[:, 3]))

    @property
    def back_m(self) -> float:
        """Length before the conflict point."""
        return -float(self.stations[0])

    @property
    def ahead_m(self) -> float:
        """Length after the conflict point."""
        return float(self.stations[-1])


@dataclass(frozen=True, slots=True)
class Band:
    """A strip beside the ego's path: centre `t_m` (left positive) and width."""

    t_m: float
    width_m: float
    kind: str

    @property
    def right_m(self) -> float:
        """T of its right edge."""
        return self.t_m - self.width_m / 2

    @property
    def left_m(self) -> float:
        """T of its left edge."""
        return self.t_m + self.width_m / 2


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """One place: the ego's way, the other party's way if it has one, strips, signals."""

    road: int
    lane: int
    station_m: float
    ego: Way
    bands: dict[str, Band]
    lane_width_m: float
    speed_limit_mps: float
    other: Way | None = None
    stop_line_s: float = 0.0
    exit_s: float = 0.0
    other_stop_line_s: float = 0.0
    ego_signal: str = ""
    other_signal: str = ""
    features: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Test:
    """One condition of a query at one candidate: its name, whether it holds, what was found.

    `lack` says how far it is from holding, 1 for the farthest and for what knows no degrees.
    """

    name: str
    holds: bool
    found: str
    lack: float = 1.0


def chain(index: MapIndex, lane: int, *, forward: bool, length_m: float) -> list[int]:
    """Lanes that follow `lane` (or lead to it), the straightest at each fork, for `length_m`."""
    links = index.successors if forward else index.predecessors
    found: dict[int, None] = {}
    covered = 0.0
    current = lane
    while covered < length_m:
        options = [o for o in links.get(current, ()) if o not in found and o != lane]
        if not options:
            break
        current = min(options, key=lambda o: (abs(turn_of(index, o)), o))
        found[current] = None
        covered += lane_length(index, current)
    return list(found)


@lru_cache(maxsize=65536)
def turn_of(index: MapIndex, lane: int) -> float:
    """Heading change over a lane, radians, left positive."""
    yaw = index.lane_points(lane)[:, 3]
    return float(np.unwrap(yaw)[-1] - yaw[0])


@lru_cache(maxsize=65536)
def lane_length(index: MapIndex, lane: int) -> float:
    """Length of a lane's centre line, metres."""
    steps = np.diff(index.lane_points(lane)[:, :2], axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def way_along(index: MapIndex, lanes: list[int], conflict_xy: F64 | None = None) -> Way:
    """The path along lanes in driving order; station 0 at its point nearest to `conflict_xy`."""
    raw = np.concatenate([index.lane_points(lane)[:, :4] for lane in lanes])
    step = np.hypot(*np.diff(raw[:, :2], axis=0).T)
    keep = np.concatenate([[True], step > 0.05])
    raw = raw[keep]
    station = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(raw[:, :2], axis=0).T))])
    raw[:, 3] = np.unwrap(raw[:, 3])
    zero = 0.0 if conflict_xy is None else _nearest_station(raw, station, conflict_xy)
    low, high = max(-BACK_M, -zero), min(AHEAD_M, station[-1] - zero)
    stations = np.arange(np.ceil(low), np.floor(high) + 1.0)
    columns = [np.interp(stations + zero, station, column) for column in raw.T]
    return Way(np.stack(columns, axis=1), stations)


def _nearest_station(raw: F64, station: F64, xy: F64) -> float:
    delta = np.hypot(*(raw[:, :2] - xy).T)
    i = int(np.argmin(delta))
    along = np.array([np.cos(raw[i, 3]), np.sin(raw[i, 3])])
    return float(station[i] + np.dot(xy - raw[i, :2], along))


@lru_cache(maxsize=65536)
def section_lanes(index: MapIndex, lane: int) -> list[int]:
    """All lanes of the lane's road section, from its right to its left as one drives."""
    same = np.flatnonzero(
        (index.tables["road"] == index.tables["road"][lane])
        & (index.tables["section"] == index.tables["section"][lane])
    )
    sign = -1 if index.number("lane", lane) < 0 else 1
    return sorted((int(i) for i in same), key=lambda i: -sign * index.number("lane", i))


@lru_cache(maxsize=65536)
def _widths(index: MapIndex, lane: int) -> tuple[F64, F64]:
    """Ascending stations of a lane's road, and its width there."""
    points = index.lane_points(lane)
    order = np.argsort(points[:, 5])
    return points[order, 5], points[order, 4]


def edge_kinds(index: MapIndex, lane: int, side: int) -> list[str]:
    """Kinds of the lanes beyond the driving lanes on one side (1 left, -1 right), outward.

    In the words of queries, where OpenDRIVE's `biking` is `bike`.
    """
    lanes = section_lanes(index, lane)
    at = lanes.index(lane)
    outward = lanes[at + 1 :] if side > 0 else lanes[:at][::-1]
    kinds = [index.text("kind", i) for i in outward]
    while kinds and kinds[0] in ("driving", "bidirectional"):
        kinds.pop(0)
    return ["bike" if kind == "biking" else kind for kind in kinds]


def bands_at(index: MapIndex, lane: int, road_station: float) -> dict[str, Band]:
    """Strips beside a lane at a station, by the names that `at.lane` uses."""
    return bands_along(index, lane, np.array([road_station]))[0]


def bands_along(index: MapIndex, lane: int, road_stations: F64) -> list[dict[str, Band]]:
    """`bands_at` each of (n,) stations of the lane's road."""
    lanes = section_lanes(index, lane)
    at = lanes.index(lane)
    widths = {i: np.interp(road_stations, *_widths(index, i)).tolist() for i in lanes}
    beside = [
        (side, [(i, index.text("kind", i), _is_opposite(index, lane, i)) for i in outward])
        for side, outward in ((-1, lanes[:at][::-1]), (1, lanes[at + 1 :]))
    ]
    found = []
    for k in range(len(road_stations)):
        half = widths[lane][k] / 2
        bands = {"ego": Band(0.0, 2 * half, "driving")}
        for side, outward in beside:
            edge = half
            for i, kind, is_opposite in outward:
                width = widths[i][k]
                _name_band(bands, Band(side * (edge + width / 2), width, kind), side, is_opposite)
                edge += width
        found.append(bands)
    return found


def _is_opposite(index: MapIndex, a: int, b: int) -> bool:
    return (index.number("lane", a) < 0) != (index.number("lane", b) < 0)


def _name_band(bands: dict[str, Band], band: Band, side: int, opposite: bool) -> None:
    word = "right" if side < 0 else "left"
    if band.kind in ("driving", "bidirectional"):
        name = "opposite" if opposite else word
    elif band.kind in ("parking", "shoulder", "sidewalk"):
        name = f"{band.kind}_{word}"
    else:
        return
    if name == f"shoulder_{word}" and name in bands:
        # Adjoining shoulders are one strip.
        old = bands[name]
        outer = band.right_m if side < 0 else band.left_m
        inner = old.left_m if side < 0 else old.right_m
        bands[name] = Band((outer + inner) / 2, abs(outer - inner), "shoulder")
    elif name not in bands:
        bands[name] = band
