from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.kitti.labels import calibration_rows, label, occlusion_level, upright_corners
from exporters.kitti_object.writer import label_line
from synthgen.datatypes.calibration import CameraModel, MountedSensor
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.rotations import rotation_about_z
from synthgen.geometry.se3 import SE3

REAL = Path(__file__).parents[4] / "shared/data/kitti_object/training"
BOX2D = {
    "track_id": 5,
    "amodal_clipped_x_min_px": 100.0,
    "amodal_clipped_y_min_px": 50.0,
    "amodal_clipped_x_max_px": 200.0,
    "amodal_clipped_y_max_px": 150.0,
    "truncated_fraction": 0.0,
    "occluded_fraction": 0.2,
}
CAMERA = PinholeCamera.from_fov(800, 450, np.pi / 2)
# Camera axes of a forward-left-up frame: x right, y down, z ahead.
CAMERA_FROM_FLU = SE3(np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]]), np.zeros(3))


def fields(yaw_left_rad: float) -> list[str]:
    flu_from_box = SE3(rotation_about_z(yaw_left_rad), np.array([20.0, -4.0, 0.0]))
    camera_from_box = CAMERA_FROM_FLU @ flu_from_box
    return label_line(
        label("Car", BOX2D, CAMERA, camera_from_box, np.array([4.0, 1.8, 1.5]))
    ).split()


def test_size_is_height_width_length_and_location_the_bottom_centre() -> None:
    row = fields(0.0)
    assert [float(v) for v in row[8:11]] == [1.5, 1.8, 4.0]
    assert [float(v) for v in row[11:14]] == pytest.approx([4.0, 0.75, 20.0])


@pytest.mark.parametrize("yaw_left_rad", [0.0, 0.3, -1.2, 2.5])
def test_rotation_y_is_minus_yaw_minus_a_quarter_turn(yaw_left_rad: Any) -> None:
    # docs/formats.md, A0: ry = -yaw_flu_cam - pi/2.
    expected = (-yaw_left_rad - np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
    assert float(fields(yaw_left_rad)[14]) == pytest.approx(expected, abs=1e-4)


def test_alpha_is_rotation_y_less_the_bearing() -> None:
    row = fields(0.3)
    bearing = np.arctan2(float(row[11]), float(row[13]))
    assert float(row[3]) == pytest.approx(float(row[14]) - bearing, abs=1e-4)


def test_image_box_is_that_of_the_cuboid_up_to_the_last_pixel() -> None:
    # 20 m ahead, 4 m right, facing ahead: the rear face is 18 m away and spans 3.1 to 4.9 m right,
    # 0.75 m up and down; the right edge is seen there, the left one at the front, 22 m away.
    # Focal length 400 px: 400 + 400 * 3.1 / 22, 225 - 400 * 0.75 / 18, … less the last pixel.
    expected = [400 + 400 * 3.1 / 22, 225 - 400 * 0.75 / 18]
    expected += [400 + 400 * 4.9 / 18 - 1, 225 + 400 * 0.75 / 18 - 1]
    assert [float(v) for v in fields(0.0)[4:8]] == pytest.approx(expected, abs=1e-5)


def test_box_that_reaches_behind_the_camera_keeps_the_clips_image_box() -> None:
    flu_from_box = SE3(rotation_about_z(0.0), np.array([1.0, -2.0, 0.0]))
    found = label("Car", BOX2D, CAMERA, CAMERA_FROM_FLU @ flu_from_box, np.array([4.0, 1.8, 1.5]))
    assert found.numbers[1:5] == (100, 50, 199, 149)


def test_corners_are_those_of_the_development_kit() -> None:
    # computeBox3D.m: R = [cos 0 sin; 0 1 0; -sin 0 cos], corners x = +-l/2, y = 0, -h, z = +-w/2.
    bottom_m, (length, width, height), turn = np.array([4.0, 0.75, 20.0]), (4.0, 1.8, 1.5), 0.7
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    expected = [
        tuple((rotation @ [a * length / 2, -c * height, b * width / 2] + bottom_m).round(9))
        for a in (-1, 1)
        for b in (-1, 1)
        for c in (0, 1)
    ]
    found = upright_corners(bottom_m, np.array([length, width, height]), turn)
    assert sorted(map(tuple, found.round(9))) == sorted(expected)


def test_calibration_takes_points_from_the_car_to_the_lidar_and_on_to_the_camera() -> None:
    # The camera looks ahead from (1.5, 0, 1.4), the LiDAR sits at (0, 0, 2) of the car.
    flu_from_camera = CAMERA_FROM_FLU.inverse().rotation
    camera = MountedSensor(
        "cam", "front", "camera", SE3(flu_from_camera, np.array([1.5, 0.0, 1.4])),
        camera=CameraModel(CAMERA, ("rgb",)),
    )  # fmt: skip
    lidar = MountedSensor("top", "top", "lidar", SE3.from_yaw(0.0, [0.0, 0.0, 2.0]))
    rows = calibration_rows(camera, lidar)
    # 10 m ahead of the LiDAR and 1 m left: 8.5 m before the camera, 1 m left, 0.6 m above.
    np.testing.assert_allclose(rows["velo_to_cam"] @ [10, 1, 0, 1], [-1.0, -0.6, 8.5], atol=1e-12)
    np.testing.assert_allclose(rows["imu_to_velo"] @ [0, 0, 0, 1], [0, 0, -2], atol=1e-12)


@pytest.mark.parametrize(("share", "level"), [(0.0, 0), (0.09, 0), (0.1, 1), (0.5, 2), (1.0, 2)])
def test_occlusion_levels(share: Any, level: Any) -> None:
    assert occlusion_level(share) == level


@pytest.mark.skipif(not REAL.is_dir(), reason="real KITTI frames are not here")
def test_rotation_y_of_a_real_box_gives_its_real_image_box() -> None:
    # Geometry as label_row assumes it, applied to KITTI's own frame 000001 car, must give KITTI's
    # own 2D box: the convention is theirs, not ours.
    row = next(
        line.split()
        for line in (REAL / "label_2/000001.txt").read_text().splitlines()
        if line.startswith("Car")
    )
    p2 = next(
        line
        for line in (REAL / "calib/000001.txt").read_text().splitlines()
        if line.startswith("P2")
    )
    projection = np.array(p2.split()[1:], dtype=np.float64).reshape(3, 4)
    height, width, length = (float(v) for v in row[8:11])
    location = np.array([float(v) for v in row[11:14]])
    ry = float(row[14])
    heading, side = np.array([np.cos(ry), 0, -np.sin(ry)]), np.array([np.sin(ry), 0, np.cos(ry)])
    corners = [
        location + a * length / 2 * heading + b * width / 2 * side + c * np.array([0, -height, 0])
        for a in (-1, 1)
        for b in (-1, 1)
        for c in (0, 1)
    ]
    homogeneous = np.column_stack([corners, np.ones(8)]) @ projection.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    found = [*pixels.min(axis=0), *pixels.max(axis=0)]
    np.testing.assert_allclose(found, [float(v) for v in row[4:8]], atol=3)
