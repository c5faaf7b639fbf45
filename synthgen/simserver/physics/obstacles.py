"""What does not move: the ground as a height field, and the map's boxes in a uniform grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Ground(Protocol):
    """A height field: `maps.GroundGrid`, or `flat_ground`.

    Node (row, col) lies at `origin_m + cell_m * (col, row)`; beyond the grid its edge goes on.
    """

    @property
    def origin_m(self) -> F64:
        """(2,) float64 x and y of node (0, 0)."""

    @property
    def cell_m(self) -> float:
        """Distance of two nodes."""

    @property
    def z_m(self) -> F32:
        """(H, W) float32 heights, at least 2 by 2; NaN where there is no ground."""

    @property
    def decks_m(self) -> F32 | None:
        """(K, H, W) float32 heights of bridge decks from below, NaN elsewhere; None without any."""


@dataclass(frozen=True, eq=False, slots=True)
class HeightField:
    """A `Ground` of its own. Attributes as there."""

    origin_m: F64
    cell_m: float
    z_m: F32
    decks_m: F32 | None = None


def flat_ground(z_m: float = 0.0) -> HeightField:
    """Level ground without end."""
    return HeightField(np.zeros(2), 1.0, np.full((2, 2), z_m, np.float32))


class StaticBoxes:
    """Upright boxes that stop vehicles and walkers.

    Args:
        center_m: (n, 3) box centres.
        half_m: (n, 3) half sizes along the box's own axes.
        yaw_rad: (n,) yaw, clockwise seen from above.
    """

    CELL_M = 8.0

    def __init__(self, center_m: F64, half_m: F64, yaw_rad: F64) -> None:
        center = np.asarray(center_m, np.float64).reshape(-1, 3)
        half = np.asarray(half_m, np.float64).reshape(-1, 3)
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        reach = np.column_stack(
            [
                half[:, 0] * np.abs(cos) + half[:, 1] * np.abs(sin),
                half[:, 0] * np.abs(sin) + half[:, 1] * np.abs(cos),
            ]
        )
        low, high = center[:, :2] - reach, center[:, :2] + reach
        # Columns: centre, half sizes, cosine, sine, lowest x and y, highest x and y.
        self.boxes: F64 = np.ascontiguousarray(np.column_stack([center, half, cos, sin, low, high]))
        self.enabled = np.ones(len(center), np.uint8)
        self._build_grid(low, high)

    @classmethod
    def none(cls) -> StaticBoxes:
        """No boxes at all."""
        return cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """Boxes, which are enabled, and the grid, as the kernels take them."""
        grid = (self.cell_start, self.cell_items, self.origin, self.grid)
        return (self.boxes, self.enabled, *grid)

    def set_enabled(self, indices: Iterable[int], enabled: bool) -> None:
        """Take boxes out of the collisions, or put them back."""
        for index in indices:
            self.enabled[index] = enabled

    def meeting(self, low: F64, high: F64) -> NDArray[np.intp]:
        """Indices of the enabled boxes whose bounds meet a rectangle of the x-y plane."""
        meets = (self.boxes[:, 8:10] <= high).all(axis=1) & (self.boxes[:, 10:12] >= low).all(
            axis=1
        )
        return np.flatnonzero(meets & (self.enabled != 0))

    def _build_grid(self, low: F64, high: F64) -> None:
        """Lists of the boxes in each cell, cell after cell."""
        count = len(low)
        self.origin: F64 = low.min(axis=0) if count else np.zeros(2)
        span = high.max(axis=0) - self.origin if count else np.zeros(2)
        columns, rows = (int(length // self.CELL_M) + 1 for length in span)
        first = ((low - self.origin) // self.CELL_M).astype(np.int64)
        last = ((high - self.origin) // self.CELL_M).astype(np.int64)
        members: list[list[int]] = [[] for _ in range(columns * rows)]
        for index in range(count):
            for row in range(first[index, 1], last[index, 1] + 1):
                for column in range(first[index, 0], last[index, 0] + 1):
                    members[row * columns + column].append(index)
        self.grid: F64 = np.array([self.CELL_M, columns, rows])
        self.cell_start = np.cumsum([0, *map(len, members)], dtype=np.int32)
        self.cell_items = np.array([i for cell in members for i in cell], np.int32)
