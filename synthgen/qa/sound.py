"""Takes out of labels what cannot be: broken boxes, frames out of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synthgen.datatypes.labelled_frame import IGNORE, LabelledBoxes, LabelledFrame
from synthgen.geometry.arrays import F64, Bool

_FARTHEST_M: Final = 10_000.0  # from the platform; no sensor of a car sees a tenth of it
_STEP_S: Final = (0.001, 60.0)  # between frames of one drive


@dataclass(frozen=True, slots=True)
class BrokenBox:
    """A label whose numbers are no box.

    Attributes:
        sequence: Name of the sequence.
        frame_index: Of the frame.
        track: Track id, or None.
        category: As the file says.
        reason: What is wrong with it.
    """

    sequence: str
    frame_index: int
    track: int | None
    category: str
    reason: str


def without_broken(
    frames: Sequence[LabelledFrame],
) -> tuple[tuple[LabelledFrame, ...], tuple[BrokenBox, ...]]:
    """The frames with sound boxes only, and what was taken out."""
    kept: list[LabelledFrame] = []
    broken: list[BrokenBox] = []
    for frame in frames:
        reasons = _reasons(frame.boxes)
        bad = reasons != ""
        if bad.any():
            broken += _named(frame, reasons)
            frame = replace(frame, boxes=_taken(frame.boxes, ~bad))
        kept.append(frame)
    return tuple(kept), tuple(broken)


def sound_sequences(
    path: Path, frames: Sequence[LabelledFrame], problems: list[str]
) -> list[LabelledFrame]:
    """The frames of sequences whose times, cameras and tracks can be; a line for each other.

    Args:
        path: Of the data set, for the message.
        frames: By sequence.
        problems: Takes the lines.
    """
    kept: list[LabelledFrame] = []
    for name, group in groupby(frames, key=lambda frame: frame.sequence):
        own = list(group)
        fault = _fault_in_time(own) or _fault_in_camera(own) or _fault_in_tracks(own)
        if fault:
            problems.append(f"{path}: {name}: {fault}; left out")
        else:
            kept += own
    return kept


def summary(broken: Sequence[BrokenBox], boxes: int) -> str:
    """One line on all broken boxes of a set.

    Args:
        broken: At least one.
        boxes: How many the set has without them.
    """
    first = broken[0]
    return (
        f"{len(broken)} of {len(broken) + boxes} labels are no boxes and left out; the first: "
        f"{first.sequence} frame {first.frame_index}, {first.category}: {first.reason}"
    )


def _fault_in_time(frames: Sequence[LabelledFrame]) -> str:
    stamps = [frame.timestamp_ns for frame in frames]
    times_s = np.array([stamp for stamp in stamps if stamp is not None], dtype=np.float64) * 1e-9
    steps_s = np.diff(times_s)
    if not len(steps_s):
        return ""
    backwards = int((steps_s <= 0).sum())
    if backwards:
        return f"expected times that grow from frame to frame, {backwards} of {len(steps_s)} do not"
    usual_s = float(np.median(steps_s))
    if not _STEP_S[0] <= usual_s <= _STEP_S[1]:
        return (
            f"expected frames {_STEP_S[0]:g} s to {_STEP_S[1]:g} s apart, found {usual_s:.3g} s; "
            "are the timestamps in the format's unit?"
        )
    return ""


def _fault_in_camera(frames: Sequence[LabelledFrame]) -> str:
    for frame in frames:
        matrix = frame.camera_matrix
        if matrix is None:
            continue
        if not np.isfinite(matrix).all() or min(matrix[0, 0], matrix[1, 1]) <= 0:
            return (
                "expected focal lengths above nought, found "
                f"{matrix[0, 0]:g} and {matrix[1, 1]:g} px (a mirrored image?)"
            )
    return ""


def _fault_in_tracks(frames: Sequence[LabelledFrame]) -> str:
    """An object is at one place at a time; regions to ignore and detections have no number."""
    for frame in frames:
        track_id = frame.boxes.track_id
        if track_id is None:
            continue
        named = track_id[(track_id >= 0) & (frame.boxes.category != IGNORE)]
        numbers, counts = np.unique(named, return_counts=True)
        if (counts > 1).any():
            first = numbers[counts > 1][0]
            return (
                f"expected a track once a frame, found {first} twice in frame {frame.frame_index}"
            )
    return ""


def cuboid_faults(centre_m: F64, size_lwh_m: F64, yaw_rad: F64) -> NDArray[np.str_]:
    """(N,) what is wrong with each cuboid, empty where nothing is.

    Args:
        centre_m: (N, 3) from the platform.
        size_lwh_m: (N, 3).
        yaw_rad: (N,).
    """
    numbers = np.column_stack([centre_m, size_lwh_m, yaw_rad])
    reasons = np.full(len(numbers), "", dtype="<U60")
    reasons[(size_lwh_m <= 0).any(axis=1)] = "a side is not longer than nought"
    far = (np.abs(centre_m) > _FARTHEST_M).any(axis=1)
    reasons[far] = f"farther away than {_FARTHEST_M / 1000:g} km"
    reasons[~np.isfinite(numbers).all(axis=1)] = "a number of it is NaN or infinite"
    return reasons


def _reasons(boxes: LabelledBoxes) -> NDArray[np.str_]:
    """(N,) what is wrong with each box, empty where nothing is."""
    numbers = np.column_stack([boxes.centre_m, boxes.size_lwh_m, boxes.yaw_rad])
    reasons = cuboid_faults(boxes.centre_m, boxes.size_lwh_m, boxes.yaw_rad)
    is_flat = np.isnan(numbers).all(axis=1)
    reasons[is_flat] = np.where(_is_no_rectangle(boxes), "its image box has no area", "")[is_flat]
    reasons[boxes.category == IGNORE] = ""
    return reasons


def _is_no_rectangle(boxes: LabelledBoxes) -> Bool:
    if boxes.xyxy_px is None:
        return np.zeros(len(boxes), dtype=np.bool_)
    size = boxes.xyxy_px[:, 2:] - boxes.xyxy_px[:, :2]
    return np.asarray(~((size > 0) & np.isfinite(size)).all(axis=1))


def _named(frame: LabelledFrame, reasons: NDArray[np.str_]) -> Iterator[BrokenBox]:
    boxes = frame.boxes
    for row in np.flatnonzero(reasons != "").tolist():
        track = None if boxes.track_id is None else int(boxes.track_id[row])
        yield BrokenBox(
            frame.sequence, frame.frame_index, track, str(boxes.native_category[row]),
            str(reasons[row]),
        )  # fmt: skip


def _taken(boxes: LabelledBoxes, rows: Bool) -> LabelledBoxes:
    columns: dict[str, Any] = {
        field.name: value[rows]
        for field in fields(boxes)
        if isinstance(value := getattr(boxes, field.name), np.ndarray)
    }
    return replace(boxes, **columns)
