"""Reads the KITTI object benchmark, real or exported, as `LabelledFrame`s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from exporters.foreign_files import plain_files
from exporters.kitti.label_files import (
    boxes_of_rows,
    png_size_wh,
    read_calibration,
    read_rows,
    training_folder,
)
from synthgen.datatypes.labelled_frame import LabelledFrame
from synthgen.errors import DatasetError


def read_kitti_object(root: Path, faults: list[str] | None = None) -> Iterator[LabelledFrame]:
    """The frames that have labels, by name; the benchmark has no order in time.

    Args:
        root: Folder with `training/` or itself the one with `label_2/` and `calib/`; `image_2/` and
            `velodyne/` may be absent.
        faults: Where to note a frame that cannot be read, and go on; None raises.

    Raises:
        DatasetError: A file is missing or is not of the format.
    """
    folder = training_folder(root, "label_2")
    for path in plain_files(folder / "label_2", "*.txt"):
        try:
            yield _frame(folder, path)
        except DatasetError as err:
            if faults is None:
                raise
            faults.append(str(err))


def _frame(folder: Path, path: Path) -> LabelledFrame:
    words, numbers = read_rows(path, first_number=1)
    calibration = read_calibration(folder / "calib" / path.name)
    image = folder / f"image_2/{path.stem}.png"
    lidar = folder / f"velodyne/{path.stem}.bin"
    return LabelledFrame(
        sequence=path.stem,
        frame_index=int(path.stem) if path.stem.isdecimal() else 0,
        timestamp_ns=None,
        image=image if image.is_file() else None,
        image_size_wh=png_size_wh(image) if image.is_file() else None,
        camera_matrix=calibration.camera_matrix,
        camera_from_boxes=calibration.camera_from_boxes,
        lidar=lidar if lidar.is_file() else None,
        lidar_from_boxes=calibration.lidar_from_boxes,
        box_frame="camera_flu",
        boxes=boxes_of_rows(
            [word[0] for word in words], numbers, track_id=None, truncated_kind="fraction"
        ),
    )
