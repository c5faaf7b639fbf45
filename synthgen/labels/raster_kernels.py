"""Filling polygons and lines into bird's-eye rasters, compiled by numba.

Positions are (row, column) in cells; cell (r, c) covers [r, r + 1) x [c, c + 1) and belongs to a
polygon if its centre does.
"""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F64, I64, U16
from synthgen.kernels import helper, kernel


@kernel(nogil=True)
def fill_polygons(
    raster: U16, points: F64, first: I64, chosen: I64, value: U16, cells_from: F64, is_mask: bool
) -> None:
    """Fill simple polygons, later ones over earlier ones.

    Args:
        raster: (R, C) uint16, changed in place.
        points: (P, 2) corners of all polygons, in any plane frame.
        first: (N + 1,) corners of polygon k are `first[k]` to `first[k + 1]`.
        chosen: (K,) which polygons to fill.
        value: (N,) what to write.
        cells_from: (2, 3) takes the frame of the points to rows and columns.
        is_mask: True sets the bits of `value`, False replaces the cell.
    """
    rows, columns = raster.shape
    longest = 0
    for k in chosen:
        longest = max(longest, first[k + 1] - first[k])
    crossing = np.empty((rows, longest))
    count = np.zeros(rows, dtype=np.int64)
    for k in chosen:
        low, high = _crossings(points[first[k] : first[k + 1]], cells_from, crossing, count)
        for row in range(low, high):
            for pair in range(0, count[row] - 1, 2):
                left = max(0, int(np.ceil(min(crossing[row, pair], columns + 1.0) - 0.5)))
                right = int(np.ceil(max(crossing[row, pair + 1], -1.0) - 0.5)) - 1
                for column in range(left, min(columns - 1, right) + 1):
                    if is_mask:
                        raster[row, column] |= value[k]
                    else:
                        raster[row, column] = value[k]
            count[row] = 0


@helper(nogil=True)
def _crossings(polygon: F64, cells_from: F64, crossing: F64, count: I64) -> tuple[int, int]:
    """Columns at which the middle of every row crosses the polygon, ascending.

    Args:
        polygon: (M, 2) corners.
        cells_from: (2, 3) takes them to rows and columns.
        crossing: (R, >= M) the answer.
        count: (R,) how many there are in each row; 0 before.

    Returns:
        First row with a crossing and the row after the last.
    """
    rows = len(count)
    low, high = rows, 0
    row0, column0 = _in_cells(cells_from, polygon[-1])
    for index in range(len(polygon)):
        row1, column1 = _in_cells(cells_from, polygon[index])
        top, bottom = min(row0, row1), max(row0, row1)
        first = int(np.ceil(max(top, 0.0) - 0.5))
        last = int(np.ceil(min(bottom, float(rows)) - 0.5)) - 1
        for row in range(first, last + 1):
            column = column0 + (row + 0.5 - row0) / (row1 - row0) * (column1 - column0)
            place = count[row]
            while place > 0 and crossing[row, place - 1] > column:
                crossing[row, place] = crossing[row, place - 1]
                place -= 1
            crossing[row, place] = column
            count[row] += 1
        if last >= first:
            low, high = min(low, first), max(high, last + 1)
        row0, column0 = row1, column1
    return low, high


@helper(nogil=True, inline="always")
def _in_cells(cells_from: F64, point: F64) -> tuple[float, float]:
    row = cells_from[0, 0] * point[0] + cells_from[0, 1] * point[1] + cells_from[0, 2]
    column = cells_from[1, 0] * point[0] + cells_from[1, 1] * point[1] + cells_from[1, 2]
    return row, column


@kernel(nogil=True)
def mark_points(
    raster: U16, points: F64, first: I64, chosen: I64, value: U16, cells_from: F64
) -> None:
    """Set bits in the cells that the points of chosen lines lie in; see `fill_polygons`."""
    rows, columns = raster.shape
    for k in chosen:
        for index in range(first[k], first[k + 1]):
            row, column = _in_cells(cells_from, points[index])
            if 0.0 <= row < rows and 0.0 <= column < columns:
                raster[int(row), int(column)] |= value[k]
