"""Distances from polylines, compiled by numba."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.kernels import kernel


@kernel(nogil=True)
def distances(points: F64, line: F64) -> F64:
    """Distances (N,) from points (N, 2) to a polyline (M, 2) of at least one segment."""
    found = np.empty(len(points))
    for n in range(len(points)):
        nearest = np.inf
        for m in range(len(line) - 1):
            step_x, step_y = line[m + 1, 0] - line[m, 0], line[m + 1, 1] - line[m, 1]
            from_x, from_y = points[n, 0] - line[m, 0], points[n, 1] - line[m, 1]
            share = (from_x * step_x + from_y * step_y) / max(
                step_x * step_x + step_y * step_y, 1e-12
            )
            share = min(max(share, 0.0), 1.0)
            gap_x = points[n, 0] - (line[m, 0] + share * step_x)
            gap_y = points[n, 1] - (line[m, 1] + share * step_y)
            nearest = min(nearest, gap_x * gap_x + gap_y * gap_y)
        found[n] = np.sqrt(nearest)
    return found
