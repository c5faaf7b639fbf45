"""One labelled frame of any data set, ours or a real one, in one common record.

Readers of the formats yield it, and QA compares data sets by it. Fields that a format does not
have are None (a whole column) or NaN (one box of a column); nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry.arrays import F64, I64, frozen_array
from synthgen.geometry.se3 import SE3

IGNORE: Final = "ignore"  # category of a region that holds objects which nobody labelled
OTHER: Final = "other"  # category of an object whose class has no equal among ours

BoxFrame = Literal["ego", "lidar", "camera_flu"]
Scale = Literal["level", "fraction"]


@dataclass(frozen=True, eq=False, slots=True)
class LabelledBoxes:
    """N labelled objects as columns.

    Attributes:
        category: (N,) str, of our taxonomy, or `IGNORE` or `OTHER`.
        native_category: (N,) str, as the file says.
        track_id: (N,) int64, or None where the format has no tracks; -1 for a region to ignore.
        xyxy_px: (N, 4) float64 x_min, y_min, x_max, y_max, corner coordinates (the right edge of
            pixel column c is c + 1); NaN where an object has no image box. None without images.
        truncated: (N,) float64, as the file says: a share 0..1, or KITTI tracking's levels 0, 1, 2
            (see `truncated_kind`); NaN where unknown.
        truncated_kind: What the numbers of `truncated` are.
        occluded: (N,) float64, a level (KITTI's 0 visible, 1 partly, 2 largely, 3 unknown) or a
            fraction, see `occluded_kind`; NaN where unknown.
        occluded_kind: What the numbers of `occluded` are.
        centre_m: (N, 3) float64, centre of the box in `LabelledFrame.box_frame`; NaN without one.
        size_lwh_m: (N, 3) float64 full length, width, height; NaN without a box.
        yaw_rad: (N,) float64, heading about the frame's z axis, 0 along x; NaN without a box.
        score: (N,) float64 of a detector, or None for labels.
        lidar_points: (N,) int64 points within each box, or None where the format has no count.
    """

    category: NDArray[np.str_]
    native_category: NDArray[np.str_]
    track_id: I64 | None
    xyxy_px: F64 | None
    truncated: F64 | None
    occluded: F64 | None
    centre_m: F64
    size_lwh_m: F64
    yaw_rad: F64
    truncated_kind: Scale = "fraction"
    occluded_kind: Scale = "level"
    score: F64 | None = None
    lidar_points: I64 | None = None

    def __post_init__(self) -> None:
        """Check the columns and make them read-only."""
        count = len(self.category)
        shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "category": ((), np.str_),
            "native_category": ((), np.str_),
            "track_id": ((), np.int64),
            "xyxy_px": ((4,), np.float64),
            "truncated": ((), np.float64),
            "occluded": ((), np.float64),
            "centre_m": ((3,), np.float64),
            "size_lwh_m": ((3,), np.float64),
            "yaw_rad": ((), np.float64),
            "score": ((), np.float64),
            "lidar_points": ((), np.int64),
        }
        for name, (shape, dtype) in shapes.items():
            value = getattr(self, name)
            if value is not None:
                array = frozen_array(name, value, (count, *shape), dtype)
                object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.category)


@dataclass(frozen=True, eq=False, slots=True)
class LabelledFrame:
    """One frame with its labels.

    Attributes:
        sequence: Name of the recording; frames of one sequence follow each other in time.
        frame_index: Number within the sequence (or the file's number where there are no sequences).
        timestamp_ns: Time since the start of the sequence, or None.
        image: File of the image that `xyxy_px` belongs to, or None.
        image_size_wh: Its columns and rows, or None where unknown.
        camera_matrix: (3, 3) float64 intrinsics, pixels, or None.
        camera_from_boxes: From `box_frame` to the optical frame of that camera (x right, y down,
            z ahead), or None.
        lidar: File of the sweep, or None.
        lidar_from_boxes: From `box_frame` to the frame of the sweep's points, or None.
        box_frame: Frame of the 3D boxes, always x forward, y left, z up: `ego`, `lidar`, or
            `camera_flu`, the camera's own origin with its axes renamed (x = optical z, y = minus
            optical x, z = minus optical y).
        boxes: The labels.
        world_from_boxes: From `box_frame` to a frame that does not move, or None where the format
            does not tell how the platform moves.
    """

    sequence: str
    frame_index: int
    timestamp_ns: int | None
    image: Path | None
    image_size_wh: tuple[int, int] | None
    camera_matrix: F64 | None
    camera_from_boxes: SE3 | None
    lidar: Path | None
    lidar_from_boxes: SE3 | None
    box_frame: BoxFrame
    boxes: LabelledBoxes
    world_from_boxes: SE3 | None = None

    def __post_init__(self) -> None:
        """Check the intrinsics and make them read-only."""
        if self.camera_matrix is not None:
            matrix = frozen_array("camera_matrix", self.camera_matrix, (3, 3), np.float64)
            object.__setattr__(self, "camera_matrix", matrix)
