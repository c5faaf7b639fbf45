"""The rig survives its JSON form, and faults are named."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.calibration import (
    Calibration,
    CameraModel,
    LidarModel,
    MountedSensor,
    RadarModel,
)
from synthgen.errors import DatasetError
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3


def make_calibration() -> Calibration:
    camera = CameraModel(PinholeCamera(800, 450, 400.0, 400.0, 400.0, 225.0), ("rgb", "depth"))
    pose = SE3.from_quat([0.5, -0.5, 0.5, -0.5], [1.5, 0.0, 1.6])
    return Calibration(
        rig="front",
        ego_blueprint="vehicle.lincoln.mkz_2020",
        rear_axle_from_ego=SE3.from_yaw(0.0, [1.4, 0.0, 0.0]),
        sensors=(
            MountedSensor("cam_front", "front", "camera", pose, camera=camera),
            MountedSensor(
                "lidar_top",
                "top",
                "lidar",
                SE3.from_yaw(0.0, [0.0, 0.0, 1.9]),
                lidar=LidarModel(32, 100.0, 10.0, 0.17, -0.52, 600000),
            ),
            MountedSensor(
                "radar", "front", "radar", SE3.identity(), radar=RadarModel(100.0, 0.5, 0.2, 1500)
            ),
            MountedSensor("imu", "imu", "imu", SE3.identity()),
        ),
    )


def test_calibration_survives_json() -> None:
    calibration = make_calibration()
    again = Calibration.from_json(calibration.to_json())
    assert again.to_json() == calibration.to_json()
    np.testing.assert_allclose(
        again.sensor("cam_front").ego_from_sensor.rotation,
        calibration.sensor("cam_front").ego_from_sensor.rotation,
    )


def test_sensors_of_one_modality() -> None:
    assert [sensor.name for sensor in make_calibration().of_modality("lidar")] == ["lidar_top"]


def test_unknown_sensor_names_those_there_are() -> None:
    with pytest.raises(DatasetError, match=r"expected one of cam_front, .*, got cam_rear"):
        make_calibration().sensor("cam_rear")


def test_unknown_field_is_named_with_its_file() -> None:
    text = make_calibration().to_json().replace('"rig"', '"rigg"')
    with pytest.raises(DatasetError, match=r"^a/calibration\.json: rig"):
        Calibration.from_json(text, origin="a/calibration.json")
