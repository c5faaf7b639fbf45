"""What one event camera saw between two captures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import I8, I64, U16, frozen_array
from synthgen.geometry.se3 import SE3

_KINDS: Final[dict[str, type[np.generic]]] = {
    "x_px": np.uint16,
    "y_px": np.uint16,
    "time_offset_ns": np.int64,
    "polarity": np.int8,
}


@dataclass(frozen=True, eq=False, slots=True)
class PixelEvents:
    """Brightness changes since the capture before, by time.

    Attributes:
        name: Name of the event camera.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time of the capture.
        world_from_camera: Pose of the optical frame at that time.
        x_px: (N,) uint16, column.
        y_px: (N,) uint16, row.
        time_offset_ns: (N,) int64, at most 0: before the timestamp.
        polarity: (N,) int8, 1 where it became brighter, -1 where darker.
    """

    name: str
    frame_index: int
    timestamp_ns: int
    world_from_camera: SE3
    x_px: U16
    y_px: U16
    time_offset_ns: I64
    polarity: I8

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        for name, dtype in _KINDS.items():
            array = frozen_array(name, getattr(self, name), (None,), dtype)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Number of events."""
        return len(self.x_px)
