"""Convex polygons in the plane, exact.

Written with plain loops over arrays, so that `synthgen.labels` compiles the very same functions.
"""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F64


def convex_hull(points: F64) -> F64:
    """Corners (M, 2) of the convex hull of points (N, 2), positive turn, none superfluous.

    Source: Andrew 1979, "Another efficient algorithm for convex hulls in two dimensions".
    """
    count = len(points)
    order = np.argsort(points[:, 1], kind="mergesort")
    order = order[np.argsort(points[order, 0], kind="mergesort")]
    hull = np.empty((2 * count, 2))
    size = 0
    keep = 1  # corners that may not be dropped again
    for step in range(2 * count - 1):  # lower chain left to right, then the upper one back
        point = points[order[step if step < count else 2 * count - 2 - step]]
        if step == count:
            keep = size
        while size > keep:
            a, b = hull[size - 2], hull[size - 1]
            turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
            if turn > 0.0:
                break
            size -= 1
        hull[size] = point
        size += 1
    return hull[: max(size - 1, 1)].copy()


def polygon_area(polygon: F64) -> float:
    """Area of a simple polygon (M, 2), positive for positive turn (shoelace formula)."""
    total = 0.0
    count = len(polygon)
    for index in range(count):
        after = (index + 1) % count
        # Relative to the first corner, so that far-away polygons lose no digits.
        x0 = polygon[index, 0] - polygon[0, 0]
        y0 = polygon[index, 1] - polygon[0, 1]
        x1 = polygon[after, 0] - polygon[0, 0]
        y1 = polygon[after, 1] - polygon[0, 1]
        total += x0 * y1 - x1 * y0
    return total / 2.0


def clip_to_rectangle(polygon: F64, width: float, height: float) -> F64:
    """The part (M, 2) of a convex polygon within [0, width] x [0, height]; M may be 0.

    Source: Sutherland and Hodgman 1974, "Reentrant polygon clipping".
    """
    current = polygon
    for side in range(4):
        axis = side % 2
        limit = 0.0 if side < 2 else (width if axis == 0 else height)
        sign = 1.0 if side < 2 else -1.0
        count = len(current)
        clipped = np.empty((count + 4, 2))
        size = 0
        for index in range(count):
            a, b = current[index - 1], current[index]
            inside_a = sign * (a[axis] - limit)
            inside_b = sign * (b[axis] - limit)
            if (inside_a < 0.0) != (inside_b < 0.0):
                share = inside_a / (inside_a - inside_b)
                clipped[size] = a + share * (b - a)
                clipped[size, axis] = limit
                size += 1
            if inside_b >= 0.0:
                clipped[size] = b
                size += 1
        current = clipped[:size].copy()
    return current
