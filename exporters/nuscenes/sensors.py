"""nuScenes channels of a rig, and where their sensors sit.

Frames: nuScenes' `ego` is the middle of the rear axle on the ground; ours is the actor origin, so
poses pass through `rear_axle_from_ego`. Cameras are optical frames in both (x right, y down, z
ahead). nuScenes' LiDAR frame is x right, y ahead, z up: ours is turned by as many quarters as
bring it there, and points change axes without losing a digit. Radars are x ahead, y left in both.
nuScenes puts the centre of the first pixel at (0, 0), we its corner: the principal point moves by
half a pixel.

Channels come from modality and role: a camera of role `rear_left` is `CAM_BACK_LEFT`. nuScenes
knows one LiDAR, `LIDAR_TOP`; others become `LIDAR_<ROLE>`. IMU and GNSS have no channel.

Cannot express: label twins of a camera (depth, semantic, instance), beam tables, fields of view.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from exporters.nuscenes.tokens import token
from synthgen.datatypes.calibration import Calibration, MountedSensor
from synthgen.geometry.arrays import F32
from synthgen.geometry.se3 import SE3

Row = dict[str, Any]

HALF_PIXEL: Final = 0.5
_PREFIX: Final = {"camera": "CAM", "lidar": "LIDAR", "radar": "RADAR"}

_LIDAR_YAW_RAD: Final = -math.pi / 2  # of nuScenes' LIDAR_TOP in the ego frame


@dataclass(frozen=True, eq=False, slots=True)
class Channel:
    """A sensor under its nuScenes name.

    Attributes:
        name: E.g. `CAM_FRONT`.
        sensor: Our sensor.
        sensor_from_ego: From nuScenes' ego frame to our sensor frame.
        ego_from_channel: Pose of its nuScenes frame in nuScenes' ego frame (rear axle).
        quarter_turns: How often its nuScenes frame is our sensor frame turned by a quarter to the
            right about z.
    """

    name: str
    sensor: MountedSensor
    sensor_from_ego: SE3
    ego_from_channel: SE3
    quarter_turns: int = 0

    @property
    def channel_from_sensor(self) -> SE3:
        """From our sensor frame to the nuScenes frame, digits exact."""
        axes = np.eye(3)
        for _ in range(self.quarter_turns):
            axes = _QUARTER @ axes
        return SE3(axes, np.zeros(3))

    def points_m(self, points_sensor_m: F32) -> F32:
        """Points (N, 3) float32 of our sensor frame in the nuScenes frame, digits exact."""
        x, y, z = points_sensor_m.T
        for _ in range(self.quarter_turns):
            x, y = -y, x
        return np.stack([x, y, z], axis=1)


_QUARTER: Final = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def channels_of(calibration: Calibration) -> tuple[Channel, ...]:
    """The cameras with images, LiDARs and radars of a rig, in its order, names unique."""
    found: list[Channel] = []
    for sensor in calibration.sensors:
        if sensor.modality not in _PREFIX:
            continue
        if sensor.camera is not None and "rgb" not in sensor.camera.channels:
            continue
        name = _unique(_channel_name(sensor), {channel.name for channel in found})
        turns = 0
        if sensor.modality == "lidar":
            turns = round((sensor.ego_from_sensor.yaw_rad - _LIDAR_YAW_RAD) / (math.pi / 2)) % 4
        axle_from_sensor = calibration.rear_axle_from_ego @ sensor.ego_from_sensor
        sensor_frame = Channel(name, sensor, axle_from_sensor.inverse(), axle_from_sensor, turns)
        pose = axle_from_sensor @ sensor_frame.channel_from_sensor.inverse()
        found.append(replace(sensor_frame, ego_from_channel=pose))
    return tuple(found)


def reference_lidar(channels: Iterable[Channel]) -> Channel:
    """The LiDAR that times samples and is labelled point by point: `LIDAR_TOP`, else the first."""
    lidars = [channel for channel in channels if channel.sensor.modality == "lidar"]
    return next((c for c in lidars if c.name == "LIDAR_TOP"), lidars[0])


def _channel_name(sensor: MountedSensor) -> str:
    role = re.sub(r"[^A-Z0-9]+", "_", sensor.role.upper().replace("REAR", "BACK"))
    return f"{_PREFIX[sensor.modality]}_{role}"


def _unique(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def sensor_row(channel: Channel) -> Row:
    """A row of `sensor`: shared by all clips that have the channel."""
    return {
        "token": token("sensor", channel.name),
        "channel": channel.name,
        "modality": channel.sensor.modality,
    }


def calibrated_sensor_row(clip_id: str, channel: Channel) -> Row:
    """A row of `calibrated_sensor`: extrinsics in the ego frame, intrinsics of cameras."""
    intrinsic: list[list[float]] = []
    if channel.sensor.camera is not None:
        matrix = channel.sensor.camera.camera.matrix
        matrix[:2, 2] -= HALF_PIXEL
        intrinsic = matrix.tolist()
    return {
        "token": token("calibrated_sensor", clip_id, channel.name),
        "sensor_token": token("sensor", channel.name),
        "translation": channel.ego_from_channel.translation_m.tolist(),
        "rotation": channel.ego_from_channel.quat_wxyz.tolist(),
        "camera_intrinsic": intrinsic,
    }
