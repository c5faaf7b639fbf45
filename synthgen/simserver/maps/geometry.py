"""Points of roads and lanes from their OpenDRIVE records, vectorised over s."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.road_records import Cubics, Geometry, LaneSection, Road

F64 = NDArray[np.float64]

# A chord may leave its curve by this much.
CHORD_TOLERANCE_M = 0.008
MIN_STEP_M, MAX_STEP_M = 0.5, 2.0


def plan_at(road: Road, s: F64) -> tuple[F64, F64, F64]:
    """x, y (OpenDRIVE axes) and heading in radians of the reference line at s."""
    s = np.asarray(s, dtype=np.float64)
    starts = np.array([g.s for g in road.geometries])
    piece = np.clip(np.searchsorted(starts, s + 1e-9, side="right") - 1, 0, None)
    x, y, heading = np.empty_like(s), np.empty_like(s), np.empty_like(s)
    for i in dict.fromkeys(piece.tolist()):
        here = piece == i
        x[here], y[here], heading[here] = _geometry_at(road.geometries[i], s[here] - starts[i])
    return x, y, heading


def _geometry_at(g: Geometry, ds: F64) -> tuple[F64, F64, F64]:
    u, v, turn = _LOCAL[g.kind](g, ds)
    cos, sin = np.cos(g.heading), np.sin(g.heading)
    return g.x + u * cos - v * sin, g.y + u * sin + v * cos, g.heading + turn


def _line(g: Geometry, ds: F64) -> tuple[F64, F64, F64]:
    return ds, np.zeros_like(ds), np.zeros_like(ds)


def _arc(g: Geometry, ds: F64) -> tuple[F64, F64, F64]:
    k = g.params[0]
    if abs(k) < 1e-9:
        return _line(g, ds)
    return np.sin(k * ds) / k, (1.0 - np.cos(k * ds)) / k, k * ds


def _spiral(g: Geometry, ds: F64) -> tuple[F64, F64, F64]:
    # Here and not at the top: most towns have no spirals, and scipy takes half a second.
    from scipy.special import fresnel

    k0, k1 = g.params
    rate = (k1 - k0) / g.length if g.length > 0.0 else 0.0
    if abs(rate) < 1e-12:
        return _arc(Geometry(g.s, 0.0, 0.0, 0.0, g.length, "arc", (k0,)), ds)
    # heading(s) = k0 s + rate s^2 / 2 is a clothoid that passes its point of no curvature at
    # -k0 / rate; Fresnel integrals from there (Abramowitz and Stegun 7.3).
    scale = np.sqrt(np.pi / abs(rate))
    origin = k0 / rate
    sine0, cosine0 = fresnel(origin / scale)
    sine, cosine = fresnel((ds + origin) / scale)
    along = (cosine - cosine0) * scale
    across = (sine - sine0) * scale * np.sign(rate)
    turn0 = -0.5 * k0 * origin
    cos, sin = np.cos(turn0), np.sin(turn0)
    return (along * cos - across * sin, along * sin + across * cos, k0 * ds + 0.5 * rate * ds * ds)


def _poly3(g: Geometry, ds: F64) -> tuple[F64, F64, F64]:
    a, b, c, d = g.params
    u_fine = np.linspace(0.0, g.length, max(16, int(g.length * 4)) + 1)
    v_fine = a + u_fine * (b + u_fine * (c + u_fine * d))
    u = np.interp(ds, _arc_length(u_fine, v_fine), u_fine)
    return u, a + u * (b + u * (c + u * d)), np.arctan(b + u * (2 * c + 3 * d * u))


def _param_poly3(g: Geometry, ds: F64) -> tuple[F64, F64, F64]:
    """As the `carla` client reads it: s is the length along the curve, whatever p's range is."""
    *coef, is_arc_length = g.params
    (au, bu, cu, du), (av, bv, cv, dv) = coef[:4], coef[4:]
    p_fine = np.linspace(0.0, g.length if is_arc_length else 1.0, max(64, int(g.length * 8)) + 1)
    u_fine = au + p_fine * (bu + p_fine * (cu + p_fine * du))
    v_fine = av + p_fine * (bv + p_fine * (cv + p_fine * dv))
    along = _arc_length(u_fine, v_fine)
    p = np.interp(ds / max(g.length, 1e-9), along / max(along[-1], 1e-9), p_fine)
    turn = np.arctan2(bv + p * (2 * cv + 3 * dv * p), bu + p * (2 * cu + 3 * du * p))
    return au + p * (bu + p * (cu + p * du)), av + p * (bv + p * (cv + p * dv)), turn


def _arc_length(x: F64, y: F64) -> F64:
    return np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])


_LOCAL = {
    "line": _line,
    "arc": _arc,
    "spiral": _spiral,
    "poly3": _poly3,
    "paramPoly3": _param_poly3,
}


def road_points(road: Road, s: F64, t: F64, dz: F64 | float = 0.0) -> F64:
    """Points at (s, t) in CARLA's map frame, `dz` above the road's surface.

    Args:
        road: Road.
        s: (...,) along the reference line.
        t: (...,) to the left of it.
        dz: (...,) or a number, metres.

    Returns:
        (..., 3) float64.
    """
    s, t = np.broadcast_arrays(np.asarray(s, dtype=np.float64), np.asarray(t, dtype=np.float64))
    x, y, heading = plan_at(road, s.ravel())
    shape = s.shape
    x, y, heading = x.reshape(shape), y.reshape(shape), heading.reshape(shape)
    # Superelevation is left out as the `carla` client does: its lanes, and with them the labels'
    # map and every place that a scenario takes from it, are level across the road.
    z = road.elevation(s) + dz
    px, py = x - t * np.sin(heading), y + t * np.cos(heading)
    return np.stack([px, -py, np.broadcast_to(z, px.shape)], axis=-1)


def road_yaw_deg(road: Road, s: float) -> float:
    """CARLA yaw of the reference line's direction at s."""
    return float(-np.degrees(plan_at(road, np.array([s]))[2][0]))


@dataclass(frozen=True, eq=False, slots=True)
class SectionGrid:
    """A lane section sampled along s: lane boundaries from left to right.

    Attributes:
        road: Its road.
        index: Number of the section in the road.
        section: Its records.
        s: (n,) stations.
        lane_ids: (m,) ids from left to right, lane 0 left out.
        t: (n, m + 1) boundaries, the k-th lane between columns k and k + 1.
        points: (n, m + 1, 3) boundaries in CARLA's map frame, at road height.
        center_column: Column of the reference line's lane 0.
        across: (n, 3) unit vectors from the right edge to the left one.
    """

    road: Road
    index: int
    section: LaneSection
    s: F64
    lane_ids: tuple[int, ...]
    t: F64
    points: F64
    center_column: int
    across: F64 = field(init=False)

    def __post_init__(self) -> None:
        across = self.points[:, 0] - self.points[:, -1]
        length = np.linalg.norm(across, axis=1, keepdims=True)
        object.__setattr__(self, "across", across / np.maximum(length, 1e-6))

    def column(self, lane_id: int) -> int:
        """Place of a lane from left to right."""
        return self.lane_ids.index(lane_id)


def section_boundaries(road: Road, section: LaneSection, s: F64) -> tuple[tuple[int, ...], F64]:
    """Lane ids from left to right and the boundaries between them, (n, lanes + 1)."""
    left = sorted(i for i in section.lanes if i > 0)
    right = sorted((i for i in section.lanes if i < 0), reverse=True)
    center = road.lane_offset(s)
    ds = s - section.s0

    def outward(ids: list[int], sign: float) -> list[F64]:
        edges, edge = [], np.zeros_like(s)
        for lane_id in ids:
            lane = section.lanes[lane_id]
            if lane.border is not None:
                edge = np.maximum(edge, sign * lane.border(ds))
            else:
                edge = edge + np.maximum(lane.width(ds), 0.0)
            edges.append(center + sign * edge)
        return edges

    columns = [*outward(left, 1.0)[::-1], center, *outward(right, -1.0)]
    return (*left[::-1], *right), np.stack(columns, axis=1)


def sample_sections(road: Road, extra: F64 | None = None) -> list[SectionGrid]:
    """Every lane section of a road at stations fine enough for its curvature."""
    fixed = _breakpoints(road)
    grids = []
    for index, section in enumerate(road.sections):
        s = _stations(road, section, fixed if extra is None else np.append(fixed, extra))
        ids, t = section_boundaries(road, section, s)
        points = road_points(road, np.broadcast_to(s[:, None], t.shape), t)
        center = sum(1 for i in ids if i > 0)
        grids.append(SectionGrid(road, index, section, s, ids, t, points, center))
    return grids


def _breakpoints(road: Road) -> F64:
    fixed = [g.s for g in road.geometries]
    profiles: list[Cubics] = [road.elevation, road.lane_offset]
    fixed += [float(s) for p in profiles for s in p.start]
    for section in road.sections:
        for lane in section.lanes.values():
            fixed += [section.s0 + float(s) for s in lane.width.start]
            fixed += [section.s0 + m.s_offset_m for m in lane.marks]
    return np.array(fixed)


def _stations(road: Road, section: LaneSection, fixed: F64) -> F64:
    inner = fixed[(fixed > section.s0 + 0.05) & (fixed < section.s1 - 0.05)]
    inner = np.unique(np.round(inner, 4))
    # Breakpoints closer than a hand's width add slivers, not shape.
    kept = [section.s0]
    for s in inner:
        if s - kept[-1] > 0.1:
            kept.append(float(s))
    kept.append(section.s1)
    steps_m = _steps_m(road, kept)
    pieces = [
        np.linspace(a, b, max(1, int(np.ceil((b - a) / step_m))) + 1)[:-1]
        for (a, b), step_m in zip(itertools.pairwise(kept), steps_m, strict=True)
    ]
    return np.concatenate([*pieces, [section.s1]])


def _steps_m(road: Road, kept: list[float]) -> list[float]:
    """Longest chord that stays within tolerance at the road's edge, between each two stations."""
    ends = list(itertools.pairwise(kept))
    probes = [np.linspace(a, b, max(3, min(9, int((b - a) / 2.0) + 3))) for a, b in ends]
    # All at once: calls, not numbers, are what takes the time.
    s = np.concatenate(probes)
    _, _, heading = plan_at(road, s)
    z = road.elevation(s)
    steps_m, first = [], 0
    for (a, b), probe in zip(ends, probes, strict=True):
        here = slice(first, first + len(probe))
        first += len(probe)
        ds = (b - a) / (len(probe) - 1)
        turns, rises = np.diff(heading[here]), np.diff(z[here])
        turn = np.abs(turns).max()
        if turn > np.pi:
            # A full turn more is the same heading.
            turn = np.abs((turns + np.pi) % (2 * np.pi) - np.pi).max()
        bend = np.abs(np.diff(rises)).max() / ds**2
        step_m = float(np.sqrt(8.0 * CHORD_TOLERANCE_M / max(turn / ds, bend, 1e-6)))
        steps_m.append(min(max(step_m, MIN_STEP_M), MAX_STEP_M))
    return steps_m
