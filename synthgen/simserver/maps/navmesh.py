"""Walkable polygons from sidewalks, crosswalks and roads."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.detour import Area, NavPolygon, detour_bytes
from synthgen.simserver.maps.geometry import MAX_STEP_M, SectionGrid
from synthgen.simserver.maps.surfaces import Strip
from synthgen.simserver.maps.townmap import SurfaceKind

F64 = NDArray[np.float64]

_STEP_M = 4.0
# Stations closer than this become one.
_SNAP_M = 0.6
# A crosswalk looks this far for its sidewalk; its ends are at least so wide.
_REACH_M = 5.0
_MIN_CROSSING_M = 1.0
# Between kerb and carriageway pedestrians step down within this distance.
_RAMP_M = 0.4


@dataclass(eq=False, slots=True)
class _Section:
    """Walkways of one lane section, the stations they need, stretches crossed from kerb to kerb."""

    grid: SectionGrid
    walkways: list[Strip]
    needed: list[tuple[float, float]] = field(default_factory=list)
    crossed: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class _Landing:
    """Where a crosswalk meets a sidewalk: a stretch of the kerb."""

    section: _Section
    strip: Strip
    span: tuple[float, float]


class _Kerbs:
    """Finds the kerb that a crosswalk's end meets."""

    def __init__(self, sections: list[_Section]) -> None:
        self._walkways = [(section, strip) for section in sections for strip in section.walkways]
        lines = [_kerb(strip)[:, :2] for _, strip in self._walkways]
        self._owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
        self._points_m = np.concatenate([np.zeros((0, 2)), *lines])

    def nearest(self, point: F64) -> tuple[float, _Section, Strip] | None:
        """Distance and walkway of the nearest kerb in reach."""
        # Kerb points lie at most MAX_STEP_M apart.
        gap_m = np.linalg.norm(self._points_m - point[:2], axis=1)
        close = gap_m <= _REACH_M + MAX_STEP_M
        best: tuple[float, _Section, Strip] | None = None
        for i in np.unique(self._owner[close]):
            section, strip = self._walkways[i]
            miss = _project(_kerb(strip), strip.grid.s, point)[1]
            if miss < _REACH_M and (best is None or miss < best[0]):
                best = (miss, section, strip)
        return best


def navmesh_bytes(strips: list[Strip], crosswalks: tuple[F64, ...]) -> bytes:
    """A Detour tile set of sidewalks, crosswalks that touch them, and the roads between."""
    sections = _sections(strips)
    kerbs = _Kerbs(sections)
    crossings = [c for polygon in crosswalks if (c := _crossing(polygon, kerbs)) is not None]
    paved: dict[int, list[Strip]] = {}
    for strip in strips:
        paved.setdefault(id(strip.grid), []).append(strip)
    polygons: list[NavPolygon] = []
    for section in sections:
        stations = _stations(section)
        for walkway in section.walkways:
            rows = _at(walkway, stations)
            polygons += _quads(Area.SIDEWALK, *rows)
        if not section.grid.road.in_junction:
            polygons += _carriageway(section, paved[id(section.grid)], stations)
    for first, second in crossings:
        polygons += _crossing_polygons(first, second)
    return detour_bytes(polygons)


def _sections(strips: list[Strip]) -> list[_Section]:
    found: dict[int, _Section] = {}
    for strip in strips:
        if strip.style.kind is SurfaceKind.SIDEWALK and strip.keep.all():
            section = found.setdefault(id(strip.grid), _Section(strip.grid, []))
            section.walkways.append(strip)
    return list(found.values())


def _kerb(strip: Strip) -> F64:
    """The edge towards the road."""
    return strip.right_m if strip.lane_id > 0 else strip.left_m


def _crossing(polygon: F64, kerbs: _Kerbs) -> tuple[_Landing, _Landing] | None:
    corners = polygon
    if len(polygon) != 4:
        box = cv2.boxPoints(cv2.minAreaRect(polygon[:, :2].astype(np.float32)))
        corners = np.column_stack([box, np.full(4, polygon[:, 2].mean())])
    best: tuple[float, tuple[_Landing, _Landing]] | None = None
    for k in (0, 1):
        one = _landing(corners[[k, k + 1]], kerbs)
        two = _landing(corners[[k + 2, (k + 3) % 4]], kerbs)
        if one is None or two is None:
            continue
        miss = one[0] + two[0]
        if best is None or miss < best[0]:
            best = (miss, (one[1], two[1]))
    if best is None:
        return None
    first, second = best[1]
    if first.strip is second.strip:
        return None
    first.section.needed.append(first.span)
    second.section.needed.append(second.span)
    if first.section is second.section and np.allclose(first.span, second.span, atol=0.05):
        first.section.crossed.append(first.span)
    return first, second


def _landing(edge: F64, kerbs: _Kerbs) -> tuple[float, _Landing] | None:
    best = kerbs.nearest(edge.mean(axis=0))
    if best is None:
        return None
    miss, section, strip = best
    kerb, s = _kerb(strip), strip.grid.s
    a, b = sorted(_project(kerb, s, corner)[0] for corner in edge)
    if b - a < _MIN_CROSSING_M:
        centre = np.clip((a + b) / 2, s[0] + _MIN_CROSSING_M / 2, s[-1] - _MIN_CROSSING_M / 2)
        a, b = centre - _MIN_CROSSING_M / 2, centre + _MIN_CROSSING_M / 2
    a = s[0] if a - s[0] < _SNAP_M else a
    b = s[-1] if s[-1] - b < _SNAP_M else b
    if a < s[0] or b > s[-1] or b - a < 0.5:
        return None
    for other in section.needed:
        if a < other[1] + _SNAP_M and other[0] - _SNAP_M < b:
            return (miss, _Landing(section, strip, other))
    return miss, _Landing(section, strip, (float(a), float(b)))


def _project(line: F64, s: F64, point: F64) -> tuple[float, float]:
    """Station of the nearest point of a polyline, and its distance in the plane."""
    a, b = line[:-1, :2], line[1:, :2]
    along = b - a
    share = ((point[:2] - a) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-9)
    share = np.clip(share, 0.0, 1.0)
    miss = np.linalg.norm(a + share[:, None] * along - point[:2], axis=1)
    k = int(miss.argmin())
    return float(s[k] + share[k] * (s[k + 1] - s[k])), float(miss[k])


def _stations(section: _Section) -> F64:
    s0, s1 = float(section.grid.s[0]), float(section.grid.s[-1])
    fixed = sorted({s0, s1, *(v for span in section.needed for v in span)})
    stations = [s0]
    for a, b in itertools.pairwise(fixed):
        is_crossing = any(a >= lo - 1e-6 and b <= hi + 1e-6 for lo, hi in section.needed)
        count = 1 if is_crossing else max(1, round((b - a) / _STEP_M))
        stations += list(np.linspace(a, b, count + 1)[1:])
    return np.array(stations)


def _at(strip: Strip, s: F64) -> tuple[F64, F64]:
    return _interp(s, strip.grid.s, strip.left_m), _interp(s, strip.grid.s, strip.right_m)


def _interp(s: F64, stations: F64, line: F64) -> F64:
    return np.stack([np.interp(s, stations, line[:, k]) for k in range(3)], axis=1)


def _quads(
    area: Area, left: F64, right: F64, keep: NDArray[np.bool_] | None = None
) -> list[NavPolygon]:
    return [
        NavPolygon(area, np.stack([left[i], left[i + 1], right[i + 1], right[i]]))
        for i in range(len(left) - 1)
        if keep is None or keep[i]
    ]


def _carriageway(section: _Section, paved: list[Strip], s: F64) -> list[NavPolygon]:
    """Road from kerb to kerb, stepping down next to each; open sides end with the pavement."""
    flat = [p for p in paved if p.style.height_m <= 0.0]
    if not flat:
        return []
    grid = section.grid
    columns = [grid.column(p.lane_id) for p in flat]
    left_edge, right_edge = (grid.points[:, c] for c in (min(columns), max(columns) + 1))
    left, right = _interp(s, grid.s, left_edge), _interp(s, grid.s, right_edge)
    width = np.maximum(np.linalg.norm(left - right, axis=1, keepdims=True), 1e-6)
    share = np.minimum(_RAMP_M / width, 0.3)
    inner_left, inner_right = left + share * (right - left), right + share * (left - right)
    middle = (s[:-1] + s[1:]) / 2
    # Where a crosswalk lies, its own polygons take the road's place.
    keep = np.array([not any(a < m < b for a, b in section.crossed) for m in middle])
    polygons = _quads(Area.ROAD, inner_left, inner_right, keep)
    for walkway in section.walkways:
        kerb = _interp(s, grid.s, _kerb(walkway))
        if np.linalg.norm((kerb - left)[:, :2], axis=1).max() < 0.05:
            polygons += _quads(Area.ROAD, kerb, inner_left, keep)
        elif np.linalg.norm((kerb - right)[:, :2], axis=1).max() < 0.05:
            polygons += _quads(Area.ROAD, inner_right, kerb, keep)
    return polygons


def _crossing_polygons(first: _Landing, second: _Landing) -> list[NavPolygon]:
    a, b = (_interp(np.array(m.span), m.strip.grid.s, _kerb(m.strip)) for m in (first, second))
    if np.linalg.norm(a[0] - b[0]) + np.linalg.norm(a[1] - b[1]) > (
        np.linalg.norm(a[0] - b[1]) + np.linalg.norm(a[1] - b[0])
    ):
        b = b[::-1]
    length = np.linalg.norm(b - a, axis=1, keepdims=True)
    if length.min() < 3 * _RAMP_M:
        return [NavPolygon(Area.CROSSWALK, np.stack([a[0], b[0], b[1], a[1]]))]
    toward = (b - a) / length * _RAMP_M
    drop_a, drop_b = (np.array([0.0, 0.0, m.strip.style.height_m]) for m in (first, second))
    low_a, low_b = a + toward - drop_a, b - toward - drop_b
    rows = [a, low_a, low_b, b]
    return [
        NavPolygon(Area.CROSSWALK, np.stack([p[0], q[0], q[1], p[1]]))
        for p, q in itertools.pairwise(rows)
    ]
