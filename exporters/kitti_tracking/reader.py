"""Reads the KITTI tracking benchmark, real or exported, as `LabelledFrame`s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from exporters.foreign_files import plain_files
from exporters.kitti.label_files import (
    KittiCalibration,
    boxes_of_rows,
    png_size_wh,
    read_calibration,
    read_rows,
    training_folder,
)
from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.errors import DatasetError

_LAST_FRAME = 999_999  # Files are named after it, in six digits.
KITTI_HZ = 10.0  # Geiger et al. 2013, "Vision meets robotics: the KITTI dataset", section II


def read_kitti_tracking(
    root: Path, frame_hz: float | None = KITTI_HZ, faults: list[str] | None = None
) -> Iterator[LabelledFrame]:
    """All frames of all sequences, in order, empty ones too.

    Args:
        root: Folder with `training/` or itself the one with `label_02/` and `calib/`; `image_02/`
            and `velodyne/` may be absent.
        frame_hz: Frames per second, for the timestamps that the format lacks; None leaves them out.
        faults: Where to note a sequence that cannot be read, and go on; None raises.

    Raises:
        DatasetError: A file is missing or is not of the format.
    """
    folder = training_folder(root, "label_02")
    for path in plain_files(folder / "label_02", "*.txt"):
        try:
            yield from _read_sequence(folder, path.stem, frame_hz)
        except DatasetError as err:
            if faults is None:
                raise
            faults.append(str(err))


def _read_sequence(folder: Path, sequence: str, frame_hz: float | None) -> Iterator[LabelledFrame]:
    path = folder / f"label_02/{sequence}.txt"
    words, numbers = read_rows(path, first_number=3)
    try:
        frame_of_row = np.array([int(word[0]) for word in words], dtype=np.int64)
        track_id = np.array([int(word[1]) for word in words], dtype=np.int64)
    except (ValueError, OverflowError) as err:
        raise DatasetError(f"{path}: expected a frame and a track number: {err}") from err
    if len(frame_of_row) and not 0 <= frame_of_row.min() <= frame_of_row.max() <= _LAST_FRAME:
        raise DatasetError(
            f"{path}: expected frames 0 to {_LAST_FRAME}, "
            f"found {frame_of_row.min()} to {frame_of_row.max()}"
        )
    kinds = np.array([word[2] for word in words], dtype=np.str_)
    calibration = read_calibration(folder / f"calib/{sequence}.txt")
    for frame_index in range(_frame_count(folder, sequence, frame_of_row.max(initial=-1))):
        rows = np.flatnonzero(frame_of_row == frame_index)
        boxes = boxes_of_rows(
            kinds[rows].tolist(), numbers[rows], track_id=track_id[rows], truncated_kind="level"
        )
        time_ns = None if frame_hz is None else round(frame_index * 1e9 / frame_hz)
        yield _frame(folder, sequence, frame_index, time_ns, calibration, boxes)


def _frame_count(folder: Path, sequence: str, last_labelled: int) -> int:
    """Frames of a sequence: as many as any of its folders has, or as the labels need."""
    files = [len(list((folder / name / sequence).glob("*"))) for name in ("image_02", "velodyne")]
    return max(*files, int(last_labelled) + 1)


def _frame(
    folder: Path,
    sequence: str,
    frame_index: int,
    timestamp_ns: int | None,
    calibration: KittiCalibration,
    boxes: LabelledBoxes,
) -> LabelledFrame:
    image = folder / f"image_02/{sequence}/{frame_index:06d}.png"
    lidar = folder / f"velodyne/{sequence}/{frame_index:06d}.bin"
    return LabelledFrame(
        sequence=sequence,
        frame_index=frame_index,
        timestamp_ns=timestamp_ns,
        image=image if image.is_file() else None,
        image_size_wh=png_size_wh(image) if image.is_file() else None,
        camera_matrix=calibration.camera_matrix,
        camera_from_boxes=calibration.camera_from_boxes,
        lidar=lidar if lidar.is_file() else None,
        lidar_from_boxes=calibration.lidar_from_boxes,
        box_frame="camera_flu",
        boxes=boxes,
    )
