"""Filling polygons and lines into bird's-eye rasters, compiled by numba.

Positions are (row, column) in cells; cell (r, c) covers [r, r + 1) x [c, c + 1) and belongs to a
polygon if its centre does.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from synthgen.geometry.arrays import F64, I64, U16


@njit(cache=True, nogil=True)
def fill_polygons(raster: U16, corners: F64, first: I64, value: U16, is_mask: bool) -> None:
    """Fill simple polygons, later ones over earlier ones.

    Args:
        raster: (R, C) uint16, changed in place.
        corners: (P, 2) row and column of all polygons' corners.
        first: (N + 1,) corners of polygon k are `first[k]` to `first[k + 1]`.
        value: (N,) what to write.
        is_mask: True sets the bits of `value`, False replaces the cell.
    """
    rows, columns = raster.shape
    crossing = np.empty(len(corners) + 1)
    for k in range(len(first) - 1):
        own = corners[first[k] : first[k + 1]]
        if len(own) < 3:
            continue
        top = max(0, int(np.floor(own[:, 0].min())))
        bottom = min(rows - 1, int(np.ceil(own[:, 0].max())))
        for row in range(top, bottom + 1):
            count = _crossings(own, row + 0.5, crossing)
            for pair in range(0, count - 1, 2):
                left = max(0, int(np.ceil(min(crossing[pair], columns + 1.0) - 0.5)))
                right = min(columns - 1, int(np.ceil(max(crossing[pair + 1], -1.0) - 0.5)) - 1)
                for column in range(left, right + 1):
                    if is_mask:
                        raster[row, column] |= value[k]
                    else:
                        raster[row, column] = value[k]


@njit(cache=True, nogil=True)
def _crossings(polygon: F64, row: float, crossing: F64) -> int:
    """Columns at which the line `row` crosses the polygon, ascending, into `crossing`."""
    count = 0
    for index in range(len(polygon)):
        row0, column0 = polygon[index - 1]
        row1, column1 = polygon[index]
        if (row0 <= row) == (row1 <= row):
            continue
        column = column0 + (row - row0) / (row1 - row0) * (column1 - column0)
        place = count
        while place > 0 and crossing[place - 1] > column:
            crossing[place] = crossing[place - 1]
            place -= 1
        crossing[place] = column
        count += 1
    return count


@njit(cache=True, nogil=True)
def mark_points(raster: U16, points: F64, value: U16) -> None:
    """Set the bits `value[k]` in the cell of each point (N, 2) that lies in the raster."""
    rows, columns = raster.shape
    for k in range(len(points)):
        row, column = np.floor(points[k, 0]), np.floor(points[k, 1])
        if 0 <= row < rows and 0 <= column < columns:
            raster[int(row), int(column)] |= value[k]
