"""KITTI object rows from our records.

Frames: the rectified camera frame is our camera frame (x right, y down, z ahead), `R0_rect` is
the identity, `velodyne` is our lidar frame. Sizes are h, w, l; the location is the centre of the
box's bottom face; `rotation_y` turns about the camera's y axis, 0 where the object faces the
camera's x. The 2D box is the amodal one clipped to the image. Pixel indices are 0-based, so the
right edge is x_max - 1.

Cannot express: mask, track, who occludes, roll and pitch, classes other than its eight.

Source: KITTI object development kit, readme.txt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3

Row = Mapping[str, Any]

# Thresholds of the occlusion levels: KITTI names them "partly" and "largely"; the shares are ours.
_PARTLY = 0.1
_LARGELY = 0.5


def calibration_text(camera: PinholeCamera, camera_from_lidar: SE3) -> str:
    """The seven lines of a calib file: one camera, so P0 to P3 are equal and have no offset."""
    projection = np.hstack([camera.matrix, np.zeros((3, 1))])
    rows = [(f"P{k}", projection) for k in range(4)]
    velo = np.hstack([camera_from_lidar.rotation, camera_from_lidar.translation_m[:, None]])
    imu = np.hstack([np.eye(3), np.zeros((3, 1))])
    rows += [("R0_rect", np.eye(3)), ("Tr_velo_to_cam", velo), ("Tr_imu_to_velo", imu)]
    return "".join(f"{name}: {_numbers(matrix)}\n" for name, matrix in rows)


def _numbers(matrix: F64) -> str:
    return " ".join(f"{value:.12e}" for value in matrix.ravel())


def label_row(kind: str, box2d: Row, camera_from_box: SE3, size_lwh_m: F64) -> str:
    """One line of a label file.

    Args:
        kind: KITTI class.
        box2d: Row of boxes2d.
        camera_from_box: Pose of the box (centre, x along its length) in the camera frame.
        size_lwh_m: (3,) length, width, height.
    """
    length, width, height = size_lwh_m.tolist()
    bottom = camera_from_box.apply(np.array([0.0, 0.0, -height / 2]))
    heading = camera_from_box.rotation[:, 0]
    rotation_y = math.atan2(-heading[2], heading[0])
    alpha = _wrap(rotation_y - math.atan2(bottom[0], bottom[2]))
    left, top, right, low = (
        box2d[f"amodal_clipped_{edge}_px"] for edge in ("x_min", "y_min", "x_max", "y_max")
    )
    numbers = [alpha, left, top, right - 1, low - 1, height, width, length, *bottom, rotation_y]
    return " ".join(
        [
            kind,
            f"{box2d['truncated_fraction']:.2f}",
            str(occlusion_level(box2d["occluded_fraction"])),
            *(f"{value:.4f}" for value in numbers),
        ]
    )


def occlusion_level(occluded_fraction: float) -> int:
    """KITTI's 0 fully visible, 1 partly, 2 largely occluded."""
    return int(occluded_fraction >= _PARTLY) + int(occluded_fraction >= _LARGELY)


def _wrap(angle_rad: float) -> float:
    return math.remainder(angle_rad, 2 * math.pi)
