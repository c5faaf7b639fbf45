"""Numba kernels that draw triangles into the ground grid."""

# Loops are written out: numba compiles them, numpy would allocate per triangle.
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthgen.kernels import helper, kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

# Surfaces this far apart at one place are a bridge and the road below it.
BRIDGE_CLEARANCE_M = 2.5


@helper()
def _span(a: float, b: float, c: float, origin: float, cell: float, count: int) -> tuple[int, int]:
    low = int(np.ceil((min(a, b, c) - origin) / cell - 1e-9))
    high = int(np.floor((max(a, b, c) - origin) / cell + 1e-9))
    return max(low, 0), min(high, count - 1)


@kernel()
def draw_heights(
    triangles: F64,
    ranks: U8,
    kinds: U8,
    origin: F64,
    cell: float,
    z: F32,
    rank: U8,
    kind: U8,
    decks: F32,
) -> bool:
    """Write height, rank and kind of each triangle at the grid nodes it covers.

    Where two surfaces meet, the higher rank stays; where they are a bridge's clearance apart,
    the lowest one stays in `z` and those above it go to `decks`, NaN where there is none, from
    below. False if some place has more decks than fit.
    """
    rows, cols = z.shape
    fits = True
    for n in range(triangles.shape[0]):
        ax, ay, az = triangles[n, 0]
        bx, by, bz = triangles[n, 1]
        cx, cy, cz = triangles[n, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-9:
            continue
        row0, row1 = _span(ay, by, cy, origin[1], cell, rows)
        col0, col1 = _span(ax, bx, cx, origin[0], cell, cols)
        for i in range(row0, row1 + 1):
            y = origin[1] + i * cell
            for j in range(col0, col1 + 1):
                x = origin[0] + j * cell
                v = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
                w = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
                if v < -1e-6 or w < -1e-6 or v + w > 1.000001:
                    continue
                height = az + v * (bz - az) + w * (cz - az)
                if rank[i, j] == 0:
                    z[i, j], rank[i, j], kind[i, j] = height, ranks[n], kinds[n]
                elif height > z[i, j] + BRIDGE_CLEARANCE_M:
                    fits = _add_deck(decks[:, i, j], height) and fits
                elif height < z[i, j] - BRIDGE_CLEARANCE_M:
                    fits = _add_deck(decks[:, i, j], z[i, j]) and fits
                    z[i, j], rank[i, j], kind[i, j] = height, ranks[n], kinds[n]
                elif ranks[n] > rank[i, j]:
                    z[i, j], rank[i, j], kind[i, j] = height, ranks[n], kinds[n]
    return fits


@helper()
def _add_deck(decks: F32, height: float) -> bool:
    """Put a height among those of the decks at one place; False if there are too many."""
    for k in range(decks.shape[0]):
        if np.isnan(decks[k]):
            decks[k] = height
            return True
        if abs(decks[k] - height) <= BRIDGE_CLEARANCE_M:
            decks[k] = max(decks[k], height)
            return True
        if height < decks[k]:
            decks[k], height = height, decks[k]
    return False


@kernel()
def count_owners(
    triangles: F64, owners: I32, origin: F64, cell: float, count: I32, last: I32
) -> None:
    """Count how many owners cover each node; the triangles come sorted by owner."""
    rows, cols = count.shape
    for n in range(triangles.shape[0]):
        ax, ay = triangles[n, 0, 0], triangles[n, 0, 1]
        bx, by = triangles[n, 1, 0], triangles[n, 1, 1]
        cx, cy = triangles[n, 2, 0], triangles[n, 2, 1]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-9:
            continue
        row0, row1 = _span(ay, by, cy, origin[1], cell, rows)
        col0, col1 = _span(ax, bx, cx, origin[0], cell, cols)
        for i in range(row0, row1 + 1):
            y = origin[1] + i * cell
            for j in range(col0, col1 + 1):
                x = origin[0] + j * cell
                v = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
                w = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
                if v >= -1e-6 and w >= -1e-6 and v + w <= 1.000001 and last[i, j] != owners[n]:
                    last[i, j] = owners[n]
                    count[i, j] += 1
