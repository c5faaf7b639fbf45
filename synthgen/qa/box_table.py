"""The box table and the frame table, the same for every source of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, I64
from synthgen.qa.profile import View
from synthgen.qa.tables import CLASSES, Table

# Half a quarter turn: along means heading within 45 degrees of the view.
_QUARTER: Final = np.pi / 2
# Files round differently, and a classifier would see it.
DECIMALS: Final = 2


@dataclass(frozen=True, eq=False, slots=True)
class RawBoxes:
    """N boxes before any statistic.

    Attributes:
        frame: (N,) int64 row of the frame list.
        category: (N,) int64 index into `CLASSES`.
        track: (N,) int64, unique over the data set, -1 without a track.
        centre_m: (N, 3) in the camera's place, x along the view, y left, z up; NaN without a box.
        size_lwh_m: (N, 3).
        yaw_rad: (N,).
        xyxy_px: (N, 4) clipped to the view.
        truncated: (N,) level 0 to 2, NaN where unknown.
        occluded: (N,) level 0 to 2, NaN where unknown.
    """

    frame: I64
    category: I64
    track: I64
    centre_m: F64
    size_lwh_m: F64
    yaw_rad: F64
    xyxy_px: F64
    truncated: F64
    occluded: F64

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.frame)

    def rows(self, chosen: np.ndarray) -> RawBoxes:
        """The chosen boxes."""
        return RawBoxes(*(getattr(self, name)[chosen] for name in self.__slots__))


def box_table(
    raw: RawBoxes, frame_sequence: I64, sequences: tuple[str, ...], view: View | None
) -> Table:
    """One row a box.

    Args:
        raw: The boxes.
        frame_sequence: (F,) sequence of each frame.
        sequences: Names of the sequences.
        view: Camera that the pixels belong to, or None without pixels.
    """
    ahead, left, up = raw.centre_m.T
    length, width, height = raw.size_lwh_m.T
    x_min, y_min, x_max, y_max = raw.xyxy_px.T
    centre_x = view.centre_x_px if view else 0.0
    centre_y = view.centre_y_px if view else 0.0
    columns = {
        "frame": raw.frame.astype(np.float64),
        "track": np.where(raw.track < 0, np.nan, raw.track),
        "category": raw.category.astype(np.float64),
        "length_m": length,
        "width_m": width,
        "height_m": height,
        "ahead_m": ahead,
        "left_m": left,
        "bottom_m": up - height / 2,
        "range_m": np.hypot(ahead, left),
        "azimuth_rad": np.arctan2(left, ahead),
        "yaw_rad": _wrapped(raw.yaw_rad),
        "yaw_sin": np.sin(raw.yaw_rad),
        "yaw_cos": np.cos(raw.yaw_rad),
        "heading": heading_of(raw.yaw_rad).astype(np.float64),
        "box_w_px": x_max - x_min,
        "box_h_px": y_max - y_min,
        "box_x_px": (x_min + x_max) / 2 - centre_x,
        "box_y_px": (y_min + y_max) / 2 - centre_y,
        "truncated": raw.truncated,
        "occluded": raw.occluded,
    }
    columns["heading"][np.isnan(raw.yaw_rad)] = np.nan
    for name in [n for n in columns if n.endswith("_m")]:
        columns[name] = np.round(columns[name], DECIMALS)
    counts = np.bincount(raw.frame, minlength=len(frame_sequence))
    columns["frame_count"] = counts[raw.frame].astype(np.float64)
    return Table(frame_sequence[raw.frame], sequences, columns)


def frame_table(boxes: Table, frame_sequence: I64) -> Table:
    """One row a frame, empty ones too: objects, and objects of each class."""
    frame = boxes["frame"].astype(np.int64)
    category = boxes["category"].astype(np.int64)
    columns = {"count": np.bincount(frame, minlength=len(frame_sequence)).astype(np.float64)}
    for number, name in enumerate(CLASSES):
        found = np.bincount(frame[category == number], minlength=len(frame_sequence))
        columns[f"count_{name}"] = found.astype(np.float64)
    return Table(frame_sequence, boxes.sequences, columns)


def heading_of(yaw_rad: F64) -> I64:
    """Index into `HEADINGS`: along, oncoming or crossing, by the nearest quarter."""
    folded = np.abs(_wrapped(np.nan_to_num(yaw_rad)))
    along, oncoming = folded < _QUARTER / 2, folded > 1.5 * _QUARTER
    return np.where(along, 0, np.where(oncoming, 1, 2)).astype(np.int64)


def _wrapped(angle_rad: F64) -> F64:
    wrapped: F64 = np.remainder(angle_rad + np.pi, 2 * np.pi) - np.pi
    return wrapped
