"""What is near each place on the ground: lamps, and bodies that shade it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.simserver.render.records import F64, I32, I64


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Square cells over the ground plan, each with a short list.

    Attributes:
        cells: (side * side, room) int32 rows of a table, strongest first, -1 behind the last.
        frame: x and y of the corner, cells per metre, cells a side.
    """

    cells: I32
    frame: tuple[float, float, float, float]


def grid_of(xy_m: F64, reach_m: F64, strength: F64, *, room: int, cell_m: float) -> Grid:
    """Enter each thing into the cells that its circle may touch.

    Args:
        xy_m: (N, 2) places.
        reach_m: (N,) radii.
        strength: (N,) of things in one cell, the strongest are kept.
        room: Things a cell holds.
        cell_m: Least size of a cell; more where 192 cells a side do not cover all.
    """
    if len(xy_m) == 0:
        return Grid(np.full((1, room), -1, np.int32), (0.0, 0.0, 1e-9, 1.0))
    low = (xy_m - reach_m[:, None]).min(axis=0)
    span = float(((xy_m + reach_m[:, None]).max(axis=0) - low).max())
    size = max(cell_m, span / 192.0)
    side = int(span / size) + 1
    thing, cell, score = _entries(xy_m - low, reach_m, strength, size, side)
    # By cell, then strongest first; equal ones by their number.
    order = np.lexsort((thing, -score, cell))
    thing, cell = thing[order], cell[order]
    first = np.searchsorted(cell, cell)
    rank = np.arange(len(cell)) - first
    cells: I32 = np.full((side * side, room), -1, np.int32)
    kept = rank < room
    cells[cell[kept], rank[kept]] = thing[kept]
    return Grid(cells, (float(low[0]), float(low[1]), 1.0 / size, float(side)))


def _entries(
    xy_m: F64, reach_m: F64, strength: F64, size: float, side: int
) -> tuple[I64, I64, F64]:
    """(thing, cell, score) of every cell within the square about each thing."""
    first = np.clip((xy_m - reach_m[:, None]) // size, 0, side - 1).astype(np.int64)
    last = np.clip((xy_m + reach_m[:, None]) // size, 0, side - 1).astype(np.int64)
    across = last - first + 1
    count = across.prod(axis=1)
    thing = np.repeat(np.arange(len(xy_m)), count)
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    column = first[thing, 0] + within % across[thing, 0]
    row = first[thing, 1] + within // across[thing, 0]
    centre = (np.stack([column, row], axis=-1) + 0.5) * size
    far2 = ((centre - xy_m[thing]) ** 2).sum(axis=1)
    return thing, row * side + column, strength[thing] / (far2 + size * size)
