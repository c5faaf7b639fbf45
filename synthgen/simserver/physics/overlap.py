"""Whether upright boxes overlap: for spawning, where numba may not be loaded yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box: centre, half sizes, cosine and sine of the yaw."""

    center_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    cos: float
    sin: float

    @classmethod
    def placed(
        cls,
        location: Sequence[float],
        yaw_deg: float,
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
    ) -> Box:
        """The bounding box of an actor that stands at a pose."""
        cos, sin = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
        ahead, right, up = box_center_m
        center = (
            location[0] + ahead * cos - right * sin,
            location[1] + ahead * sin + right * cos,
            location[2] + up,
        )
        return cls(center, (box_extent_m[0], box_extent_m[1], box_extent_m[2]), cos, sin)

    def bounds_m(self) -> tuple[F64, F64]:
        """Lowest and highest x, y."""
        cos, sin = abs(self.cos), abs(self.sin)
        reach = np.array(
            [
                self.half_m[0] * cos + self.half_m[1] * sin,
                self.half_m[0] * sin + self.half_m[1] * cos,
            ]
        )
        center = np.array(self.center_m[:2])
        return center - reach, center + reach


def boxes_of(records: NDArray[np.void]) -> F64:
    """(n, 8) centre, half sizes, cosine and sine of the yaw of every record's box."""
    yaw = np.radians(records["yaw"])
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.column_stack(
        [
            records["x"] + records["box_x"] * cos - records["box_y"] * sin,
            records["y"] + records["box_x"] * sin + records["box_y"] * cos,
            records["z"] + records["box_z"],
            records["half_x"],
            records["half_y"],
            records["half_z"],
            cos,
            sin,
        ]
    )


def overlapping(box: Box, others: F64) -> NDArray[np.bool_]:
    """(n,) which of (n, 8) others (see `boxes_of`) a box overlaps: separating axes."""
    dx, dy = others[:, 0] - box.center_m[0], others[:, 1] - box.center_m[1]
    cos, sin = others[:, 6], others[:, 7]
    meets = np.abs(others[:, 2] - box.center_m[2]) < others[:, 5] + box.half_m[2]
    zeros = np.zeros(len(others))
    for axis_x, axis_y in (
        (zeros + box.cos, zeros + box.sin),
        (zeros - box.sin, zeros + box.cos),
        (cos, sin),
        (-sin, cos),
    ):
        own = box.half_m[0] * np.abs(box.cos * axis_x + box.sin * axis_y) + box.half_m[1] * np.abs(
            -box.sin * axis_x + box.cos * axis_y
        )
        theirs = others[:, 3] * np.abs(cos * axis_x + sin * axis_y) + others[:, 4] * np.abs(
            -sin * axis_x + cos * axis_y
        )
        meets &= np.abs(dx * axis_x + dy * axis_y) < own + theirs
    return meets
