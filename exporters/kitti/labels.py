"""KITTI object rows from our records.

Frames: the rectified camera frame is our camera frame (x right, y down, z ahead), `R0_rect` is
the identity, `velodyne` is our lidar frame. Sizes are h, w, l; the location is the centre of the
box's bottom face; `rotation_y` turns about the camera's y axis, 0 where the object faces the
camera's x. The 2D box is the amodal one clipped to the image. Pixel indices are 0-based, so the
right edge is x_max - 1. KITTI's boxes neither roll nor pitch, while ours do on slopes and under a
braking camera: the location is moved across the view by the centimetres that make the upright
box's image meet the 2D box.

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
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3

Row = Mapping[str, Any]

# Thresholds of the occlusion levels: KITTI names them "partly" and "largely"; the shares are ours.
_PARTLY = 0.1
_LARGELY = 0.5
_NEAR_M = 0.5
_LOCATION_STEPS = 3


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


def label_row(
    kind: str, box2d: Row, camera: PinholeCamera, camera_from_box: SE3, size_lwh_m: F64
) -> str:
    """One line of a label file.

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
    bottom = _location(camera, Cuboid(camera_from_box, size_lwh_m), rotation_y)
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


def _location(camera: PinholeCamera, cuboid: Cuboid, rotation_y: float) -> F64:
    """(3,) bottom centre of the upright box that stands where the cuboid is seen."""
    height = float(cuboid.size_lwh_m[2])
    bottom: F64 = cuboid.frame_from_box.translation_m + np.array([0.0, height / 2, 0.0])
    if cuboid.corners_m[:, 2].min() < _NEAR_M:
        return bottom
    seen_px = _middle(camera, cuboid.corners_m)
    for _ in range(_LOCATION_STEPS):
        corners = upright_corners(bottom, cuboid.size_lwh_m, rotation_y)
        right_px, down_px = seen_px - _middle(camera, corners)
        near_m = corners[:, 2].min()
        move = [right_px * near_m / camera.fx_px, down_px * near_m / camera.fy_px, 0.0]
        bottom = bottom + np.array(move)
    return bottom


def _middle(camera: PinholeCamera, corners_m: F64) -> F64:
    """(2,) middle of the corners' image box, pixels."""
    pixels = camera.project(corners_m)
    middle: F64 = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
    return middle


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


def _wrap(angle_rad: float) -> float:
    return math.remainder(angle_rad, 2 * math.pi)
