"""The rig as mounted, in the terms of `calibration.json`."""

from __future__ import annotations

import math

import numpy as np

from sensors.rig import Camera, EventCamera, Lidar, Radar, Rig, Sensor
from synthgen.datatypes.calibration import (
    Calibration,
    CameraModel,
    LidarModel,
    MountedSensor,
    RadarModel,
)
from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.geometry.camera import FisheyeCamera, PinholeCamera
from synthgen.geometry.se3 import SE3


def calibration_of(
    rig: Rig, ego_blueprint: str, rear_axle_x_m: float, settings: CaptureSettings
) -> Calibration:
    """The calibration of a rig on an ego car whose rear axle is at `rear_axle_x_m`."""
    axle = SE3(np.eye(3), np.array([-rear_axle_x_m, 0.0, 0.0]))
    capture_hz = 1.0 / (settings.tick_s * settings.period_ticks)
    return Calibration(
        rig=rig.name,
        ego_blueprint=ego_blueprint,
        rear_axle_from_ego=axle,
        sensors=tuple(_mounted(sensor, capture_hz) for sensor in rig.sensors),
    )


def _mounted(sensor: Sensor, capture_hz: float) -> MountedSensor:
    ego_from_sensor = sensor.mount.ego_from_mount
    camera = lidar = radar = None
    match sensor:
        case Camera():
            ego_from_sensor = sensor.ego_from_camera
            camera = _camera(sensor)
        case EventCamera():
            ego_from_sensor = sensor.ego_from_camera
            size = (sensor.width_px, sensor.height_px)
            camera = CameraModel(PinholeCamera.from_fov(*size, sensor.horizontal_fov_rad), ())
        case Lidar():
            lidar = LidarModel(
                channels=sensor.channels,
                range_m=sensor.range_m,
                rotation_hz=capture_hz,
                upper_rad=math.radians(sensor.upper_fov_deg),
                lower_rad=math.radians(sensor.lower_fov_deg),
                points_per_second=round(sensor.points_per_sweep * capture_hz),
            )
        case Radar():
            radar = RadarModel(
                range_m=sensor.range_m,
                horizontal_fov_rad=math.radians(sensor.horizontal_fov_deg),
                vertical_fov_rad=math.radians(sensor.vertical_fov_deg),
                points_per_second=sensor.points_per_second,
            )
    return MountedSensor(
        name=sensor.name,
        role=sensor.role,
        modality=sensor.modality,
        ego_from_sensor=ego_from_sensor,
        camera=camera,
        lidar=lidar,
        radar=radar,
    )


def _camera(sensor: Camera) -> CameraModel:
    size = (sensor.width_px, sensor.height_px)
    focal_px = sensor.focal_length_px
    focus = (focal_px, focal_px, sensor.width_px / 2, sensor.height_px / 2)
    fisheye = None
    if sensor.lens.model != "pinhole":
        fisheye = FisheyeCamera(*size, *focus, sensor.lens.coefficients)
    return CameraModel(PinholeCamera(*size, *focus), sensor.channels, fisheye)
