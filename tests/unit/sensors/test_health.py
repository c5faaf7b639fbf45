from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensors.carla_adapter.health import SensorHealth
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.errors import SensorFault
from synthgen.geometry.se3 import SE3

PICTURE = np.random.default_rng(1).integers(0, 255, (90, 160, 3), dtype=np.uint8)
# A lampless street under clouds: a few levels of noise, as the darkest clips of the library have.
NIGHT = np.random.default_rng(2).integers(0, 6, (90, 160, 3), dtype=np.uint8)


def frame(rgb: Any, index: int = 0, *, x_m: float = 0.0, name: str = "CAM_BACK") -> CameraFrame:
    pose = SE3(np.eye(3), np.array([x_m, 0.0, 0.0]))
    return CameraFrame(
        name=name, frame_index=index, timestamp_ns=index, world_from_camera=pose, rgb=rgb
    )


def sweep(points: Any, intensity: Any) -> LidarSweep:
    count = len(points)
    return LidarSweep(
        name="LIDAR_TOP",
        frame_index=3,
        timestamp_ns=0,
        world_from_lidar=SE3(np.eye(3), np.zeros(3)),
        points_m=np.array(points, dtype=np.float32).reshape(-1, 3),
        intensity=np.array(intensity, dtype=np.float32),
        ring=np.zeros(count, dtype=np.uint16),
        time_offset_ns=np.zeros(count, dtype=np.int32),
    )


@pytest.mark.parametrize(
    ("level", "fault"),
    [(0, "CAM_BACK: the image is black"), (255, "CAM_BACK: the image is blown out")],
)
def test_even_image_is_a_fault_of_its_camera(level: Any, fault: Any) -> None:
    with pytest.raises(SensorFault, match=fault):
        SensorHealth().check_camera(frame(np.full_like(PICTURE, level)))


@pytest.mark.parametrize("picture", [PICTURE, NIGHT])
def test_pictures_of_day_and_night_pass(picture: Any) -> None:
    SensorHealth().check_camera(frame(picture))


def test_repeated_image_of_a_moving_camera_is_frozen() -> None:
    health = SensorHealth()
    health.check_camera(frame(PICTURE, 0))
    with pytest.raises(SensorFault, match="frame 1: CAM_BACK: the image is frozen"):
        health.check_camera(frame(PICTURE.copy(), 1, x_m=0.5))


def test_repeated_image_of_a_standing_camera_is_no_fault() -> None:
    health = SensorHealth()
    health.check_camera(frame(PICTURE, 0))
    health.check_camera(frame(PICTURE.copy(), 1))


def test_one_differing_pixel_is_another_image() -> None:
    health = SensorHealth()
    health.check_camera(frame(PICTURE, 0))
    other = PICTURE.copy()
    other[3, 5] ^= 1
    health.check_camera(frame(other, 1, x_m=0.5))


def test_two_cameras_with_one_image_are_a_fault() -> None:
    health = SensorHealth()
    health.check_camera(frame(PICTURE, name="CAM_FRONT"))
    with pytest.raises(SensorFault, match="CAM_BACK: the image is the one of CAM_FRONT"):
        health.check_camera(frame(PICTURE.copy()))


def test_sweep_without_intensity_is_a_fault_of_its_lidar() -> None:
    with pytest.raises(SensorFault, match="frame 3: LIDAR_TOP: all 2 intensities are zero"):
        SensorHealth().check_lidar(sweep([[1, 0, 0], [2, 0, 0]], [0, 0]))


def test_empty_sweep_is_a_fault_of_its_lidar() -> None:
    with pytest.raises(SensorFault, match="LIDAR_TOP: the sweep is empty"):
        SensorHealth().check_lidar(sweep([], []))


def test_sweep_with_one_bright_point_passes() -> None:
    SensorHealth().check_lidar(sweep([[1, 0, 0], [2, 0, 0]], [0, 0.4]))
