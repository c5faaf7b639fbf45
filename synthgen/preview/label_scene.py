"""One frame of a clip with its labels at hand, and how pictures write and colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from synthgen.datatypes.calibration import Modality, MountedSensor
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import U8
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.preview.palette import TEXT, Colour
from synthgen.store.clip_reader import ClipReader

Row = Mapping[str, Any]


class Scene:
    """One frame of one clip, with its labels at hand."""

    def __init__(self, clip: ClipReader, version: str | None) -> None:
        self.clip, self.version = clip, version
        self.sensor = self.first("camera")
        self.index = self._telling_frame()
        self.frame = clip.frames[self.index]
        images = clip.camera_frames(self.sensor.name)
        self.image = next(image for image in images if image.frame_index == self.frame.frame_index)

    def first(self, modality: Modality) -> MountedSensor:
        """The rig's first sensor of a kind.

        Raises:
            DatasetError: It has none.
        """
        sensors = self.clip.calibration.of_modality(modality)
        if not sensors:
            raise DatasetError(f"{self.clip.folder}: no {modality} to picture")
        return sensors[0]

    def rows(self, table: str) -> list[Row]:
        """All rows of a label table."""
        rows: list[Row] = self.clip.label_table(table, self.version).to_pylist()
        return rows

    def here(self, table: str) -> list[Row]:
        """The rows of this frame, and of its camera where there are several."""
        return [
            row
            for row in self.rows(table)
            if row["frame_index"] == self.frame.frame_index
            and row.get("camera", self.sensor.name) == self.sensor.name
        ]

    @property
    def bgr(self) -> U8:
        """The picture in OpenCV's order."""
        if self.image.rgb is None:
            raise DatasetError(f"{self.clip.folder}: camera {self.sensor.name} has no rgb")
        return np.ascontiguousarray(self.image.rgb[..., ::-1])

    @property
    def camera(self) -> PinholeCamera:
        """Intrinsics of the pictured camera."""
        assert self.sensor.camera is not None, "chosen among cameras"
        return self.sensor.camera.camera

    def _telling_frame(self) -> int:
        """The capture in which most joints are seen, hidden boxes breaking ties."""
        score = np.zeros(len(self.clip.frames))
        place = {frame.frame_index: k for k, frame in enumerate(self.clip.frames)}
        for row in self.rows("keypoints"):
            score[place[row["frame_index"]]] += row["visibility"].count(2)
        for row in self.rows("boxes2d"):
            score[place[row["frame_index"]]] += 2.0 * (0.1 < row["occluded_fraction"] < 0.9)
        return int(score.argmax())


def bgr(colour: Colour) -> tuple[int, int, int]:
    """The colour in OpenCV's order."""
    return colour[2], colour[1], colour[0]


def cuboid_of_row(row: Row) -> Cuboid:
    """The box of a row of table boxes3d, ego frame."""
    pose = SE3.from_quat(
        [row[f"ego_from_box_q{part}"] for part in "wxyz"],
        [row[f"ego_from_box_{axis}_m"] for axis in "xyz"],
    )
    return Cuboid(pose, np.array([row["length_m"], row["width_m"], row["height_m"]]))


def write_text(image: U8, text: str, at: Sequence[int]) -> None:
    """Text on a dark strip."""
    left, low = max(2, int(at[0])), max(12, int(at[1]))
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 1)
    strip = image[low - height - 2 : low + below, left - 1 : left + width + 1]
    strip[:] = strip // 4
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(image, text, (left, low), font, 0.38, bgr(TEXT), 1, cv2.LINE_AA)
