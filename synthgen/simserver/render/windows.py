"""Which beams of a LiDAR can meet a thing at all.

Most beams meet the map alone. Beams go in batches, and each batch as each thing has a window:
the azimuths and elevations, in the sensor's frame, beyond which nothing of it lies. Batches of
which the window meets no thing's are not traced against things.
"""

from __future__ import annotations

import numpy as np

from synthgen.simserver.render.records import F32, F64

# Rows of a table of windows (float32, radians).
AZIMUTH, HALF_WIDTH, LOW, HIGH = range(4)
TURN_RAD = np.float32(2.0 * np.pi)
_SLACK_RAD = 1e-3
"""Added on all sides of a thing's window; rounding in float32 errs by a thousandth of it."""


def windows_of(aims: F32, batch: int) -> F32:
    """(4, channels, batches) float32 windows of the batches.

    Args:
        aims: (3, channels, columns) float32 unit vectors, at least one column.
        batch: Beams in a batch; the last one of a channel may have fewer.
    """
    x, y, z = aims.astype(np.float64)
    azimuth, elevation = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
    starts = np.arange(0, aims.shape[2], batch)
    first = azimuth[:, starts]
    past = azimuth - np.repeat(first, batch, axis=1)[:, : aims.shape[2]]
    past = (past + np.pi) % (2.0 * np.pi) - np.pi
    left = np.minimum.reduceat(past, starts, axis=1)
    right = np.maximum.reduceat(past, starts, axis=1)
    rows = (
        first + 0.5 * (left + right),
        0.5 * (right - left),
        np.minimum.reduceat(elevation, starts, axis=1),
        np.maximum.reduceat(elevation, starts, axis=1),
    )
    return np.array(rows, np.float32)


def windows_on(boxes_m: F64, map_from_sensor: F32, range_m: float) -> F32:
    """(4, B) float32 windows of the boxes within range, each seen as the upright cylinder about it.

    Args:
        boxes_m: (A, 2, 3) centre and half the size, along the map's axes.
        map_from_sensor: (3, 4) float32 pose.
        range_m: How far the sensor sees.
    """
    axes = map_from_sensor[:, :3].astype(np.float64)
    x, y, z = axes.T @ (boxes_m[:, 0] - map_from_sensor[:, 3]).T
    half_x, half_y, half_z = np.abs(axes.T) @ boxes_m[:, 1].T
    level, radius = np.hypot(x, y), np.hypot(half_x, half_y)
    reached = level - radius <= range_m
    azimuth, level, radius = np.arctan2(y, x)[reached], level[reached], radius[reached]
    bottom, top = (z - half_z)[reached], (z + half_z)[reached]
    outside = level > radius
    near, far = np.where(outside, level - radius, 0.0), level + radius
    half_width = np.arcsin(np.minimum(radius / (level + 1e-9), 1.0)) + _SLACK_RAD
    rows = (
        azimuth,
        np.where(outside, half_width, np.pi),
        np.arctan2(bottom, np.where(bottom < 0.0, near, far)) - _SLACK_RAD,
        np.arctan2(top, np.where(top > 0.0, near, far)) + _SLACK_RAD,
    )
    return np.array(rows, np.float32)


def everywhere() -> F32:
    """(4, 1) float32: a window that all others meet."""
    return np.array([[0.0], [np.pi], [-np.pi], [np.pi]], np.float32)
