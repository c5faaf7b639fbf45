"""Reads nuScenes, real or exported, as `LabelledFrame`s: one for each sample.

Boxes are in the ego frame (rear axle) of the moment when the LiDAR measured. nuScenes has no 2D
boxes, and its visibility is a bin of four: `occluded` is None. Track numbers count the instances
of a scene in the order in which they appear.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from exporters.foreign_files import expected_content, size_wh, sound_pose
from exporters.formats import format_names
from synthgen.datatypes.labelled_frame import OTHER, LabelledBoxes, LabelledFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64
from synthgen.geometry.se3 import SE3

Row = dict[str, Any]

LIDAR: Final = "LIDAR_TOP"
_HALF_PIXEL: Final = 0.5  # from the centre of the first pixel to its corner
_TABLES: Final = (
    *("category", "instance", "sensor", "calibrated_sensor", "ego_pose", "scene", "sample"),
    *("sample_data", "sample_annotation"),
)


def read_nuscenes(
    root: Path, version: str = "v1.0-trainval", camera: str = "CAM_FRONT"
) -> Iterator[LabelledFrame]:
    """All samples, scene by scene, in order of time.

    Args:
        root: Folder with `<version>/`, `samples/`.
        version: E.g. `v1.0-mini`.
        camera: Whose image and intrinsics each frame has; None where a sample lacks it.

    Raises:
        DatasetError: A table is missing, unreadable or contradicts another.
    """
    folder = root / version
    tables = {name: _table(folder / f"{name}.json") for name in _TABLES}
    with expected_content(folder, "records that fit together"):
        yield from _Reader(root, tables, camera).frames()


def _table(path: Path) -> dict[str, Row]:
    try:
        rows: list[Row] = json.loads(path.read_bytes())
        table = {row["token"]: row for row in rows}
        if len(table) < len(rows):
            raise ValueError(f"{len(rows)} rows have {len(table)} different tokens")
        return table
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise DatasetError(f"{path}: expected a table of nuScenes: {err}") from err


@dataclass(frozen=True, eq=False, slots=True)
class _Reader:
    root: Path
    tables: Mapping[str, Mapping[str, Row]]
    camera: str

    def frames(self) -> Iterator[LabelledFrame]:
        annotations: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.tables["sample_annotation"].values():
            if row["sample_token"] not in self.tables["sample"]:
                raise DatasetError(
                    f"{self.root}: sample_annotation {row['token']}: its sample is in no table"
                )
            annotations[row["sample_token"]].append(row)
        data = self._key_data()
        for scene in self.tables["scene"].values():
            numbers: dict[str, int] = {}
            token, index = scene["first_sample_token"], 0
            first_us = self.tables["sample"][token]["timestamp"]
            while token:
                if index >= len(self.tables["sample"]):
                    raise DatasetError(f"{self.root}: samples of {scene['name']} go in a circle")
                sample = self.tables["sample"][token]
                rows = annotations[token]
                for row in rows:
                    numbers.setdefault(row["instance_token"], len(numbers) + 1)
                since_us = sample["timestamp"] - first_us
                yield self._frame(scene["name"], index, since_us, data[token], rows, numbers)
                token, index = sample["next"], index + 1

    def _key_data(self) -> dict[str, dict[str, Row]]:
        """Sample token -> channel -> row of sample_data."""
        found: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        for row in self.tables["sample_data"].values():
            if row["is_key_frame"]:
                sensor = self.tables["calibrated_sensor"][row["calibrated_sensor_token"]]
                channel = self.tables["sensor"][sensor["sensor_token"]]["channel"]
                found[row["sample_token"]][channel] = row
        return found

    def _frame(
        self,
        scene: str,
        index: int,
        since_us: int,
        data: Mapping[str, Row],
        rows: list[Row],
        numbers: Mapping[str, int],
    ) -> LabelledFrame:
        lidar, image = data.get(LIDAR), data.get(self.camera)
        if lidar is None:
            raise DatasetError(f"{self.root}: {scene}: sample {index} has no {LIDAR} key frame")
        global_from_ego = self._global_from_ego(lidar)
        return LabelledFrame(
            sequence=scene,
            frame_index=index,
            timestamp_ns=since_us * 1000,
            image=self._file(image) if image else None,
            image_size_wh=size_wh(image["width"], image["height"]) if image else None,
            camera_matrix=self._camera_matrix(image) if image else None,
            camera_from_boxes=self._sensor_from_global(image) @ global_from_ego if image else None,
            lidar=self._file(lidar),
            lidar_from_boxes=self._sensor_from_global(lidar) @ global_from_ego,
            box_frame="ego",
            boxes=self._boxes(rows, global_from_ego.inverse(), numbers),
            world_from_boxes=global_from_ego,
        )

    def _file(self, data: Row) -> Path | None:
        """The file of a measurement, or None where only the tables are at hand."""
        path = self.root / str(data["filename"])
        return path if path.is_file() else None

    def _boxes(
        self, rows: list[Row], ego_from_global: SE3, numbers: Mapping[str, int]
    ) -> LabelledBoxes:
        names = format_names("nuscenes")
        native = [self._category(row) for row in rows]
        poses = [ego_from_global @ _pose(row) for row in rows]
        sizes = np.array([row["size"] for row in rows], dtype=np.float64).reshape(-1, 3)
        return LabelledBoxes(
            category=np.array([names.category_of(name) or OTHER for name in native], np.str_),
            native_category=np.array(native, np.str_),
            track_id=np.array([numbers[row["instance_token"]] for row in rows], np.int64),
            xyxy_px=None,
            truncated=None,
            occluded=None,
            centre_m=np.array([pose.translation_m for pose in poses]).reshape(-1, 3),
            size_lwh_m=sizes[:, [1, 0, 2]],
            yaw_rad=np.array([pose.yaw_rad for pose in poses], np.float64),
            lidar_points=np.array([row["num_lidar_pts"] for row in rows], np.int64),
        )

    def _category(self, row: Row) -> str:
        instance = self.tables["instance"][row["instance_token"]]
        return str(self.tables["category"][instance["category_token"]]["name"])

    def _global_from_ego(self, data: Row) -> SE3:
        return self._sound_pose("ego_pose", data["ego_pose_token"])

    def _sensor_from_global(self, data: Row) -> SE3:
        ego_from_sensor = self._sound_pose("calibrated_sensor", data["calibrated_sensor_token"])
        return (self._global_from_ego(data) @ ego_from_sensor).inverse()

    def _sound_pose(self, table: str, token: str) -> SE3:
        return sound_pose(_pose(self.tables[table][token]), f"{self.root}: {table} {token}")

    def _camera_matrix(self, data: Row) -> F64:
        sensor = self.tables["calibrated_sensor"][data["calibrated_sensor_token"]]
        matrix = np.array(sensor["camera_intrinsic"], dtype=np.float64)
        matrix[:2, 2] += _HALF_PIXEL
        return matrix


def _pose(row: Row) -> SE3:
    return SE3.from_quat(row["rotation"], row["translation"])
