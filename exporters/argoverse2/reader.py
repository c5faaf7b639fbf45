"""Reads the Argoverse 2 sensor dataset, real or exported, as `LabelledFrame`s: one for each sweep.

Boxes are in the ego frame (rear axle) of the sweep's timestamp, as in the files. The image is the
one of the camera nearest in time, and `camera_from_boxes` takes the car's motion between into
account. Track numbers count the objects of a log in the order in which they appear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import feather

from exporters.foreign_files import expected_content, sound_pose
from exporters.formats import format_names
from synthgen.datatypes.labelled_frame import OTHER, LabelledBoxes, LabelledFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, I64
from synthgen.geometry.se3 import SE3

Row = dict[str, Any]

_HALF_PIXEL: Final = 0.5  # from the centre of the first pixel to its corner
_FARTHEST_IMAGE_NS: Final = 50_000_000


def read_argoverse2(root: Path, camera: str = "ring_front_center") -> Iterator[LabelledFrame]:
    """All sweeps of all logs below a folder, log by log, in order of time.

    Args:
        root: Folder of a log, of a split, or of splits.
        camera: Whose image and intrinsics each frame has; None where there is none within 50 ms.

    Raises:
        DatasetError: A table is missing or unreadable.
    """
    logs = sorted(path.parent for path in root.rglob("annotations.feather"))
    if not logs:
        raise DatasetError(f"{root}: expected logs (annotations.feather), found none")
    for log in logs:
        with expected_content(log, "a log of Argoverse 2"):
            yield from _Log.open(log, camera).frames()


@dataclass(frozen=True, eq=False, slots=True)
class _Log:
    folder: Path
    camera: str
    extrinsics: dict[str, SE3]
    intrinsics: dict[str, Row]
    city_from_ego: dict[int, SE3]
    image_times: np.ndarray
    boxes: dict[int, list[Row]]
    numbers: dict[str, int]

    @staticmethod
    def open(folder: Path, camera: str) -> _Log:
        """The tables of a log."""
        boxes: dict[int, list[Row]] = {}
        numbers: dict[str, int] = {}
        for row in _rows(folder / "annotations.feather"):
            boxes.setdefault(row["timestamp_ns"], []).append(row)
        for time in sorted(boxes):
            for row in boxes[time]:
                numbers.setdefault(row["track_uuid"], len(numbers) + 1)
        sensors = _rows(folder / "calibration/egovehicle_SE3_sensor.feather")
        lenses = _rows(folder / "calibration/intrinsics.feather")
        places = _rows(folder / "city_SE3_egovehicle.feather")
        images = _times(folder / f"sensors/cameras/{camera}", "*.jpg")
        return _Log(
            folder,
            camera,
            {
                row["sensor_name"]: sound_pose(_pose(row), f"{folder}: {row['sensor_name']}")
                for row in sensors
            },
            {row["sensor_name"]: row for row in lenses},
            {
                r["timestamp_ns"]: sound_pose(_pose(r), f"{folder}: ego at {r['timestamp_ns']}")
                for r in places
            },
            np.array(images, dtype=np.int64),
            boxes,
            numbers,
        )

    def frames(self) -> Iterator[LabelledFrame]:
        """One for each sweep."""
        sweeps = _times(self.folder / "sensors/lidar", "*.feather")
        if sweeps and self.boxes and not self.boxes.keys() & set(sweeps):
            raise DatasetError(
                f"{self.folder}: no annotation has the time of a sweep (annotations from "
                f"{min(self.boxes)}, sweeps from {sweeps[0]}); both are expected in nanoseconds"
            )
        for index, time in enumerate(sweeps or sorted(self.boxes)):
            sweep = self.folder / f"sensors/lidar/{time}.feather"
            image_time = self._image_time(time)
            is_seen = image_time is not None and self.camera in self.intrinsics
            lens = self.intrinsics[self.camera] if is_seen else None
            yield LabelledFrame(
                sequence=self.folder.name,
                frame_index=index,
                timestamp_ns=time - (sweeps or sorted(self.boxes))[0],
                image=self.folder / f"sensors/cameras/{self.camera}/{image_time}.jpg"
                if is_seen
                else None,
                image_size_wh=(lens["width_px"], lens["height_px"]) if lens else None,
                camera_matrix=_matrix(lens) if lens else None,
                camera_from_boxes=self._camera_from_boxes(time, image_time),
                lidar=sweep if sweep.is_file() else None,
                lidar_from_boxes=SE3.identity() if sweep.is_file() else None,
                box_frame="ego",
                boxes=self._boxes(self.boxes.get(time, [])),
                world_from_boxes=self.city_from_ego.get(time),
            )

    def _image_time(self, time: int) -> int | None:
        if not len(self.image_times):
            return None
        nearest = int(self.image_times[np.argmin(np.abs(self.image_times - time))])
        return nearest if abs(nearest - time) <= _FARTHEST_IMAGE_NS else None

    def _camera_from_boxes(self, time: int, image_time: int | None) -> SE3 | None:
        poses = self.city_from_ego
        if self.camera not in self.extrinsics or image_time not in poses or time not in poses:
            return None
        city_from_camera = poses[image_time] @ self.extrinsics[self.camera]
        return city_from_camera.inverse() @ poses[time]

    def _boxes(self, rows: list[Row]) -> LabelledBoxes:
        names = format_names("argoverse2")
        native = [row["category"] for row in rows]
        poses = [_pose(row) for row in rows]
        sizes = [[row["length_m"], row["width_m"], row["height_m"]] for row in rows]
        return LabelledBoxes(
            category=np.array([names.category_of(name) or OTHER for name in native], np.str_),
            native_category=np.array(native, np.str_),
            track_id=np.array([self.numbers[row["track_uuid"]] for row in rows], np.int64),
            xyxy_px=None,
            truncated=None,
            occluded=None,
            centre_m=np.array([pose.translation_m for pose in poses]).reshape(-1, 3),
            size_lwh_m=np.array(sizes, dtype=np.float64).reshape(-1, 3),
            yaw_rad=np.array([pose.yaw_rad for pose in poses], np.float64),
            lidar_points=_counts(rows),
        )


def _counts(rows: list[Row]) -> I64 | None:
    """Points in each box, or None where a log does not count them."""
    if not all("num_interior_pts" in row for row in rows):
        return None
    return np.array([row["num_interior_pts"] for row in rows], np.int64)


def _times(folder: Path, pattern: str) -> list[int]:
    """Timestamps by which files are named, ascending; other files are passed over."""
    return sorted(int(path.stem) for path in folder.glob(pattern) if path.stem.isdecimal())


def _rows(path: Path) -> list[Row]:
    try:
        rows: list[Row] = feather.read_table(str(path)).to_pylist()
    except (OSError, pa.ArrowException) as err:
        raise DatasetError(f"{path}: cannot read: {err}") from err
    return rows


def _pose(row: Row) -> SE3:
    quat = [row[name] for name in ("qw", "qx", "qy", "qz")]
    return SE3.from_quat(quat, [row[name] for name in ("tx_m", "ty_m", "tz_m")])


def _matrix(lens: Row) -> F64:
    return np.array(
        [
            [lens["fx_px"], 0.0, lens["cx_px"] + _HALF_PIXEL],
            [0.0, lens["fy_px"], lens["cy_px"] + _HALF_PIXEL],
            [0.0, 0.0, 1.0],
        ]
    )
