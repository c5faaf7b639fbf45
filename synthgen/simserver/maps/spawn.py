"""Spawn points for vehicles, and sidewalks as the world sees them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.geometry import SectionGrid
from synthgen.simserver.maps.surfaces import Strip
from synthgen.simserver.maps.townmap import Pose, Sidewalk, SurfaceKind

F64 = NDArray[np.float64]

_LIFT_M = 0.5
# The one lane type on which the `carla` client and its Traffic Manager drive.
_CLIENT_KIND = "driving"
_TOWN_GAP_M, _MOTORWAY_GAP_M = 12.0, 30.0
# Clear of crosswalks and stop lines.
_END_GAP_M = 9.0
# A lane narrower than this is still growing or ending.
_MIN_WIDTH_M = 2.4
# Two points of one lane lie at least a long car apart; less aside, they share a lane.
_MIN_AHEAD_M, _MIN_ASIDE_M = 8.0, 2.4


def spawn_points(strips: list[Strip]) -> tuple[Pose, ...]:
    """Places on the centre of driving lanes outside junctions, heading along the traffic."""
    points: list[Pose] = []
    taken = np.zeros((0, 2))
    for strip in strips:
        kind = strip.grid.section.lanes[strip.lane_id].kind
        if kind != _CLIENT_KIND or strip.grid.road.in_junction:
            continue
        for pose in _along(strip):
            place = np.array(pose.location_m[:2])
            yaw = np.radians(pose.yaw_deg)
            ahead = np.abs((taken - place) @ (np.cos(yaw), np.sin(yaw)))
            aside = np.abs((taken - place) @ (-np.sin(yaw), np.cos(yaw)))
            if not np.any((ahead < _MIN_AHEAD_M) & (aside < _MIN_ASIDE_M)):
                taken = np.concatenate([taken, place[None]])
                points.append(pose)
    return tuple(points)


def _along(strip: Strip) -> list[Pose]:
    grid = strip.grid
    gap = _MOTORWAY_GAP_M if grid.road.kind == "motorway" else _TOWN_GAP_M
    first, last = (
        max(grid.section.s0, _END_GAP_M),
        min(grid.section.s1, grid.road.length - _END_GAP_M),
    )
    if last < first:
        first = last = (grid.section.s0 + grid.section.s1) / 2
    count = max(1, int((last - first) // gap) + 1)
    stations = np.linspace(first, last, count) if count > 1 else np.array([(first + last) / 2])
    return [
        lane_pose(grid, strip.lane_id, s, _LIFT_M)
        for s in stations
        if np.interp(s, grid.s, strip.width_m) >= _MIN_WIDTH_M
    ]


def lane_centre(grid: SectionGrid, lane_id: int, s: F64) -> F64:
    """(len(s), 3) points on the centre of a lane."""
    column = grid.column(lane_id)
    centre = (grid.points[:, column] + grid.points[:, column + 1]) / 2
    return np.stack([np.interp(s, grid.s, centre[:, k]) for k in range(3)], axis=1)


def lane_pose(grid: SectionGrid, lane_id: int, s: float, lift_m: float = 0.0) -> Pose:
    """Centre of a lane at s, heading along its traffic."""
    step = min(0.5, (grid.s[-1] - grid.s[0]) / 2)
    stations = np.array([s, max(s - step, grid.s[0]), min(s + step, grid.s[-1])])
    (x, y, z), before, after = lane_centre(grid, lane_id, stations).tolist()
    sign = 1.0 if grid.road.goes_with_s(lane_id) else -1.0
    dx, dy, dz = (sign * (b - a) for a, b in zip(before, after, strict=True))
    yaw, pitch = math.degrees(math.atan2(dy, dx)), math.degrees(math.atan2(dz, math.hypot(dx, dy)))
    return Pose((x, y, z + lift_m), (pitch, yaw, 0.0))


def sidewalks(strips: list[Strip]) -> tuple[Sidewalk, ...]:
    """Every kept sidewalk strip as a centre line with widths."""
    return tuple(
        Sidewalk(s.grid.road.road_id, s.lane_id, (s.left_m + s.right_m) / 2, s.width_m)
        for s in strips
        if s.style.kind is SurfaceKind.SIDEWALK and s.keep.all()
    )
