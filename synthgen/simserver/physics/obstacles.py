"""What does not move: the ground as a height field, and the map's boxes in a uniform grid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class HeightField:
    """Ground height on a regular grid.

    Attributes:
        z_m: (H, W) float32, row along y, column along x; NaN where there is no ground.
        origin_x_m: x of column 0.
        origin_y_m: y of row 0.
        cell_m: Distance of neighbouring samples.
    """

    z_m: F32
    origin_x_m: float
    origin_y_m: float
    cell_m: float


def flat_ground(half_m: float = 2000.0, z_m: float = 0.0) -> HeightField:
    """A level square around the origin."""
    return HeightField(np.full((2, 2), z_m, np.float32), -half_m, -half_m, 2.0 * half_m)


class StaticBoxes:
    """Oriented boxes (about the vertical) that stop vehicles and walkers.

    Args:
        center_m: (n, 3) box centres.
        half_m: (n, 3) half sizes.
        yaw_deg: (n,) yaw, degrees.
    """

    CELL_M = 8.0

    def __init__(self, center_m: F64, half_m: F64, yaw_deg: F64) -> None:
        self.boxes = np.ascontiguousarray(
            np.column_stack(
                [
                    np.asarray(center_m, np.float64).reshape(-1, 3),
                    np.asarray(half_m, np.float64).reshape(-1, 3),
                    np.cos(np.radians(np.asarray(yaw_deg, np.float64))),
                    np.sin(np.radians(np.asarray(yaw_deg, np.float64))),
                ]
            )
        )
        self.enabled = np.ones(len(self.boxes), np.uint8)
        self._build_grid()

    @classmethod
    def none(cls) -> StaticBoxes:
        """No boxes at all."""
        return cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))

    def __len__(self) -> int:
        return len(self.boxes)

    def set_enabled(self, indices: Iterable[int], enabled: bool) -> None:
        """Take boxes out of the collisions, or put them back."""
        for index in indices:
            self.enabled[index] = enabled

    def bounds_m(self) -> tuple[F64, F64]:
        """((n, 2), (n, 2)) lowest and highest x, y of each box."""
        cos, sin = np.abs(self.boxes[:, 6]), np.abs(self.boxes[:, 7])
        reach = np.column_stack(
            [
                self.boxes[:, 3] * cos + self.boxes[:, 4] * sin,
                self.boxes[:, 3] * sin + self.boxes[:, 4] * cos,
            ]
        )
        return self.boxes[:, :2] - reach, self.boxes[:, :2] + reach

    def _build_grid(self) -> None:
        low, high = self.bounds_m()
        count = len(self.boxes)
        self.origin = low.min(axis=0) if count else np.zeros(2)
        span = high.max(axis=0) - self.origin if count else np.zeros(2)
        self.columns = int(span[0] // self.CELL_M) + 1
        self.rows = int(span[1] // self.CELL_M) + 1
        first = ((low - self.origin) // self.CELL_M).astype(np.int64)
        last = ((high - self.origin) // self.CELL_M).astype(np.int64)
        members: list[list[int]] = [[] for _ in range(self.columns * self.rows)]
        for index in range(count):
            for cell in self._cells(first[index], last[index]):
                members[cell].append(index)
        self.cell_start = np.cumsum([0, *map(len, members)], dtype=np.int32)
        self.cell_items = np.array([i for cell in members for i in cell], np.int32)

    def _cells(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> Iterator[int]:
        for row in range(int(first[1]), int(last[1]) + 1):
            for column in range(int(first[0]), int(last[0]) + 1):
                yield row * self.columns + column

    def near(self, low: tuple[float, float], high: tuple[float, float]) -> list[int]:
        """Sorted indices of the boxes whose grid cells meet a rectangle."""
        first = [math.floor((low[k] - self.origin[k]) / self.CELL_M) for k in range(2)]
        last = [math.floor((high[k] - self.origin[k]) / self.CELL_M) for k in range(2)]
        found: set[int] = set()
        for row in range(max(first[1], 0), min(last[1], self.rows - 1) + 1):
            for column in range(max(first[0], 0), min(last[0], self.columns - 1) + 1):
                cell = row * self.columns + column
                found.update(
                    int(i)
                    for i in self.cell_items[self.cell_start[cell] : self.cell_start[cell + 1]]
                )
        return sorted(found)
