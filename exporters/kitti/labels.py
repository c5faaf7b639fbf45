"""KITTI's labels and calibration from our records.

Frames: the rectified camera frame is our camera frame (x right, y down, z ahead), `R0_rect` is
the identity, `velodyne` is our lidar frame, the IMU is the ego frame. Sizes are h, w, l; the
location is the centre of the box's bottom face; `rotation_y` turns about the camera's y axis, 0
where the object faces the camera's x. KITTI's boxes neither roll nor pitch: the centre is kept
exactly, and the 2D box is the image of the upright box as it is written, clipped to the image, so a
label agrees with itself; where the camera pitches under braking that is up to a few pixels off the
outline. A box that reaches behind the camera gets the clip's amodal box. Pixel indices are 0-based,
so the right edge is x_max - 1. Truncation and occlusion are the clip's. Labelled is what has a
visible pixel in the camera.

Cannot express: mask, who occludes, roll and pitch, classes other than its eight.

Source: KITTI object and tracking development kits, readme.txt.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exporters.export_clip import ExportClip
from exporters.kitti.sensors import pinhole
from synthgen.datatypes.calibration import MountedSensor
from synthgen.geometry.arrays import F64
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.store.rows import pose_of_row

Row = Mapping[str, Any]

# Thresholds of the occlusion levels: KITTI names them "partly" and "largely"; the shares are ours.
_PARTLY = 0.1
_LARGELY = 0.5
_NEAR_M = 0.5


@dataclass(frozen=True, slots=True)
class KittiLabel:
    """One object in one image.

    Attributes:
        kind: KITTI class.
        track_id: The clip's.
        truncated_fraction: Share of the object outside the image.
        occluded: KITTI's level 0 to 2.
        numbers: alpha, 2D box (left, top, right, bottom), h, w, l, x, y, z, rotation_y.
    """

    kind: str
    track_id: int
    truncated_fraction: float
    occluded: int
    numbers: tuple[float, ...]

    @property
    def numbers_text(self) -> str:
        """The columns from alpha on."""
        return " ".join(f"{value:.6f}" for value in self.numbers)


def labels_of_clip(clip: ExportClip, camera: MountedSensor) -> Mapping[int, Sequence[KittiLabel]]:
    """The labels of one camera by frame index, in the order of the clip's rows."""
    boxes3d = {(row["frame_index"], row["track_id"]): row for row in clip.rows("boxes3d")}
    camera_from_ego = camera.ego_from_sensor.inverse()
    labels: defaultdict[int, list[KittiLabel]] = defaultdict(list)
    for row in clip.rows("boxes2d"):
        box3d = boxes3d.get((row["frame_index"], row["track_id"]))
        if row["camera"] != camera.name or row["visible_px"] == 0 or box3d is None:
            continue
        kind = clip.word(row["category"])
        if kind is not None:
            camera_from_box = camera_from_ego @ pose_of_row("ego_from_box", box3d)
            size = np.array([box3d["length_m"], box3d["width_m"], box3d["height_m"]])
            labels[row["frame_index"]].append(
                label(kind, row, pinhole(camera), camera_from_box, size)
            )
    return labels


def label(
    kind: str, box2d: Row, camera: PinholeCamera, camera_from_box: SE3, size_lwh_m: F64
) -> KittiLabel:
    """The label of one object.

    Args:
        kind: KITTI class.
        box2d: Row of boxes2d.
        camera: Intrinsics of the image.
        camera_from_box: Pose of the box (centre, x along its length) in the camera frame.
        size_lwh_m: (3,) length, width, height.
    """
    length, width, height = size_lwh_m.tolist()
    heading = camera_from_box.rotation[:, 0]
    rotation_y = math.atan2(-heading[2], heading[0])
    bottom = camera_from_box.translation_m + np.array([0.0, height / 2, 0.0])
    alpha = math.remainder(rotation_y - math.atan2(bottom[0], bottom[2]), 2 * math.pi)
    left, top, right, low = _image_box(
        box2d, camera, upright_corners(bottom, size_lwh_m, rotation_y)
    )
    return KittiLabel(
        kind=kind,
        track_id=box2d["track_id"],
        truncated_fraction=box2d["truncated_fraction"],
        occluded=occlusion_level(box2d["occluded_fraction"]),
        numbers=(
            *(alpha, left, top, right - 1, low - 1),
            *(height, width, length, *bottom.tolist(), rotation_y),
        ),
    )


def _image_box(box2d: Row, camera: PinholeCamera, corners_m: F64) -> tuple[float, ...]:
    """Left, top, right, bottom of the corners' image within the picture, corner coordinates."""
    if corners_m[:, 2].min() < _NEAR_M:
        edges = ("x_min", "y_min", "x_max", "y_max")
        return tuple(box2d[f"amodal_clipped_{edge}_px"] for edge in edges)
    pixels = np.clip(camera.project(corners_m), 0, [camera.width_px, camera.height_px])
    return (*pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist())


def upright_corners(bottom_m: F64, size_lwh_m: F64, rotation_y: float) -> F64:
    """(8, 3) corners of a KITTI box in the camera frame."""
    length, width, height = size_lwh_m.tolist()
    ahead = np.array([math.cos(rotation_y), 0.0, -math.sin(rotation_y)]) * length / 2
    aside = np.array([math.sin(rotation_y), 0.0, math.cos(rotation_y)]) * width / 2
    up = np.array([0.0, -height, 0.0])
    return np.array(
        [
            bottom_m + a * ahead + b * aside + c * up
            for a in (-1, 1)
            for b in (-1, 1)
            for c in (0, 1)
        ]
    )


def occlusion_level(occluded_fraction: float) -> int:
    """KITTI's 0 fully visible, 1 partly, 2 largely occluded."""
    return int(occluded_fraction >= _PARTLY) + int(occluded_fraction >= _LARGELY)


def calibration_rows(camera: MountedSensor, lidar: MountedSensor) -> dict[str, F64]:
    """What a calibration file says: one camera, so its four projections are equal, no offset.

    Returns:
        `P` (3, 4), `R` (3, 3), `velo_to_cam` and `imu_to_velo` (3, 4).
    """
    camera_from_lidar = camera.ego_from_sensor.inverse() @ lidar.ego_from_sensor
    return {
        "P": np.hstack([pinhole(camera).matrix, np.zeros((3, 1))]),
        "R": np.eye(3),
        "velo_to_cam": matrix_3x4(camera_from_lidar),
        "imu_to_velo": matrix_3x4(lidar.ego_from_sensor.inverse()),
    }


def matrix_3x4(pose: SE3) -> F64:
    """(3, 4) rotation and translation side by side."""
    return np.hstack([pose.rotation, pose.translation_m[:, None]])


def numbers_text(values: F64) -> str:
    """Numbers as KITTI's calibration files write them."""
    return " ".join(f"{value:.12e}" for value in np.ravel(values))
