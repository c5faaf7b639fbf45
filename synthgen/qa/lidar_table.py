"""The LiDAR table: statistics of a sweep that noise, drop-out and placement move."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, Bool

STATISTICS: Final = (
    "points", "range_median_m", "range_p90_m", "near_share", "elevation_sd_rad", "empty_share",
    "gap_length", "ground_noise_m", "intensity_mean", "intensity_sd", "intensity_range",
)  # fmt: skip
_AHEAD_RAD: Final = np.pi / 4


def statistics(points_m: F64, intensity: F64) -> F64:
    """The statistics of a sweep, in the order of `STATISTICS`; of the quarter turn ahead.

    Args:
        points_m: (N, 3) LiDAR frame, x forward.
        intensity: (N,) 0 to 1.
    """
    ahead = np.abs(np.arctan2(points_m[:, 1], points_m[:, 0])) < _AHEAD_RAD
    points, power = points_m[ahead], intensity[ahead]
    distance = np.linalg.norm(points, axis=1)
    keep = distance > 1.0
    points, power, distance = points[keep], power[keep], distance[keep]
    if len(points) < 100:
        return np.full(len(STATISTICS), np.nan)
    elevation = np.arcsin(points[:, 2] / distance)
    empty, gap = _holes(points)
    spread = power.std() > 1e-9
    return np.array(
        [
            len(points),
            np.median(distance),
            np.quantile(distance, 0.9),
            np.mean(distance < 10),
            elevation.std(),
            empty,
            gap,
            _ground_noise(points),
            power.mean(),
            power.std(),
            np.corrcoef(power, distance)[0, 1] if spread else 0.0,
        ]
    )


def range_image_cells(points_m: F64, columns: int = 90) -> Bool:
    """(24, columns) cells with a return: elevation from -0.4 rad to 0, the quarter turn ahead."""
    distance = np.linalg.norm(points_m, axis=1)
    points_m, distance = points_m[distance > 1.0], distance[distance > 1.0]
    azimuth = np.arctan2(points_m[:, 1], points_m[:, 0])
    elevation = np.arcsin(points_m[:, 2] / distance)
    rows = np.floor((elevation + 0.4) / 0.4 * 24).astype(np.int64)
    place = np.floor((azimuth + _AHEAD_RAD) / (2 * _AHEAD_RAD) * columns).astype(np.int64)
    seen = np.zeros((24, columns), dtype=np.bool_)
    inside = (rows >= 0) & (rows < 24) & (place >= 0) & (place < columns)
    seen[rows[inside], place[inside]] = True
    return seen


def _holes(points_m: F64) -> tuple[float, float]:
    """Share of empty cells of the range image below the horizon, and their mean run length."""
    seen = range_image_cells(points_m, 180)
    used = seen[seen.any(axis=1)]
    starts = int(np.sum(~used[:, 1:] & used[:, :-1]) + np.sum(~used[:, 0]))
    empty = int(np.sum(~used))
    return empty / max(used.size, 1), empty / max(starts, 1)


def _ground_noise(points: F64) -> float:
    """Median distance from a plane through the lowest points ahead of the car."""
    near = points[(points[:, 0] > 5) & (points[:, 0] < 20) & (np.abs(points[:, 1]) < 3)]
    low = near[near[:, 2] < np.quantile(near[:, 2], 0.5)] if len(near) > 50 else near
    if len(low) < 20:
        return float("nan")
    plane = np.column_stack([low[:, :2], np.ones(len(low))])
    off = low[:, 2] - plane @ np.linalg.lstsq(plane, low[:, 2], rcond=None)[0]
    return float(np.median(np.abs(off)) / 0.6745)
