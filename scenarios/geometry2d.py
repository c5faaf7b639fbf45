"""Boxes in the plane: swept time to collision, gaps, lines of sight. All arrays broadcast.

A box is (x, y, yaw, length, width) of its centre, right-handed, metres and radians.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# An open front door as a square box: half of it sticks out of the car, its middle ahead of the
# car's.
DOOR_M = 0.9
DOOR_FORWARD_M = 0.3
DOOR_S = 0.6
Bool = NDArray[np.bool_]


def _axes(a: F64, b: F64) -> Iterator[tuple[F64, F64, F64]]:
    """The four separating axes of two boxes, and both boxes' half shadows on each, added up."""
    ca, sa, cb, sb = np.cos(a[..., 2]), np.sin(a[..., 2]), np.cos(b[..., 2]), np.sin(b[..., 2])
    along, across = np.abs(ca * cb + sa * sb), np.abs(sa * cb - ca * sb)
    (la, wa), (lb, wb) = (np.moveaxis(box[..., 3:], -1, 0) / 2 for box in (a, b))
    yield ca, sa, la + along * lb + across * wb
    yield -sa, ca, wa + across * lb + along * wb
    yield cb, sb, lb + along * la + across * wa
    yield -sb, cb, wb + across * la + along * wa


def time_to_collision(a: F64, b: F64, velocity_a: F64, velocity_b: F64) -> F64:
    """Seconds until two boxes touch if both keep their velocity and heading; inf if never.

    Exact for boxes that do not turn: separating axes swept by the relative velocity (Minkowski
    sum).

    Args:
        a: (..., 5) boxes.
        b: (..., 5) boxes.
        velocity_a: (..., 2) metres per second.
        velocity_b: (..., 2) metres per second.
    """
    delta = b[..., :2] - a[..., :2]
    relative = velocity_b - velocity_a
    shape = np.broadcast_shapes(delta.shape[:-1], relative.shape[:-1])
    enter, leave = np.full(shape, 0.0), np.full(shape, np.inf)
    for ax, ay, reach in _axes(a, b):
        distance = delta[..., 0] * ax + delta[..., 1] * ay
        speed = relative[..., 0] * ax + relative[..., 1] * ay
        still = np.abs(speed) < 1e-9
        safe = np.where(still, 1.0, speed)
        first, second = (-reach - distance) / safe, (reach - distance) / safe
        low, high = np.minimum(first, second), np.maximum(first, second)
        apart = still & (np.abs(distance) > reach)
        enter = np.where(still, np.where(apart, np.inf, enter), np.maximum(enter, low))
        leave = np.where(still, leave, np.minimum(leave, high))
    result: F64 = np.where(enter <= leave, enter, np.inf)
    return result


def gap(a: F64, b: F64) -> F64:
    """Clearance of two boxes along their best separating axis; negative where they overlap.

    A lower bound of the Euclidean distance, exact when sides face each other.
    """
    delta = b[..., :2] - a[..., :2]
    best: F64 = np.full(delta.shape[:-1], -np.inf)
    for ax, ay, reach in _axes(a, b):
        best = np.maximum(best, np.abs(delta[..., 0] * ax + delta[..., 1] * ay) - reach)
    return best


def door_box(car: F64, door: str) -> F64:
    """(..., 5) the box of a car's open door, standing out from its side."""
    side = 1.0 if door.endswith("left") else -1.0
    ahead = DOOR_FORWARD_M if door.startswith("front") else -DOOR_FORWARD_M - 0.5
    c, s = np.cos(car[..., 2]), np.sin(car[..., 2])
    out = side * (car[..., 4] / 2 + DOOR_M / 2)
    x = car[..., 0] + ahead * c - out * s
    y = car[..., 1] + ahead * s + out * c
    size = np.full_like(x, DOOR_M)
    return np.stack([x, y, car[..., 2], size, size], axis=-1)


def sight_is_blocked(eye: F64, target: F64, box: F64) -> Bool:
    """Whether the line from `eye` (..., 2) to `target` (..., 2) passes through `box` (..., 5)."""
    c, s = np.cos(box[..., 2]), np.sin(box[..., 2])

    def local(point: F64) -> tuple[F64, F64]:
        x, y = point[..., 0] - box[..., 0], point[..., 1] - box[..., 1]
        return x * c + y * s, -x * s + y * c

    (x0, y0), (x1, y1) = local(eye), local(target)
    enter: F64 = np.zeros(np.broadcast_shapes(x0.shape, x1.shape))
    leave: F64 = np.ones(enter.shape)
    for start, end, half in ((x0, x1, box[..., 3] / 2), (y0, y1, box[..., 4] / 2)):
        step = end - start
        safe = np.where(np.abs(step) < 1e-9, 1e-9, step)
        first, second = (-half - start) / safe, (half - start) / safe
        enter = np.maximum(enter, np.minimum(first, second))
        leave = np.minimum(leave, np.maximum(first, second))
    return np.asarray(enter < leave)
