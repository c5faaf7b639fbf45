"""Points in boxes, for formats that count them by geometry and not by the points' own ids."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F32, F64, I64
from synthgen.geometry.cuboid import Cuboids


def points_in_boxes(boxes: Cuboids, points_m: F32 | F64) -> I64:
    """Number of points (M, 3) within each box (N,), all in one frame, faces included."""
    counts = np.zeros(len(boxes), dtype=np.int64)
    slices = _slice_of(points_m[:, 0])
    # Small integers are sorted by radix, which takes a tenth of the time.
    order = np.argsort(slices, kind="stable")
    slices, y_m = slices[order], points_m[order, 1]
    reach_m = np.linalg.norm(boxes.size_lwh_m, axis=1) / 2
    x_m = boxes.center_m[:, 0]
    first = np.searchsorted(slices, _slice_of(x_m - reach_m))
    last = np.searchsorted(slices, _slice_of(x_m + reach_m), side="right")
    for index in range(len(boxes)):
        aside_m = np.abs(y_m[first[index] : last[index]] - boxes.center_m[index, 1])
        near = order[first[index] + np.flatnonzero(aside_m <= reach_m[index])]
        if len(near):
            offset_m = points_m[near].astype(np.float64) - boxes.center_m[index]
            own_m = np.abs(offset_m @ boxes.rotation[index])
            counts[index] = (own_m <= boxes.size_lwh_m[index] / 2).all(axis=1).sum()
    return counts


def _slice_of(x_m: F32 | F64) -> np.ndarray:
    """Number (N,) of the decimetre that holds each place along x."""
    return np.floor(x_m * 10.0).clip(-(2**15), 2**15 - 1).astype(np.int16)
