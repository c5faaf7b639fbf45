"""KITTI's `oxts` lines: the ego car's pose and motion as its inertial unit would tell them.

The unit is the ego frame (x forward, y left, z up). Latitude and longitude are such that KITTI's
own Mercator projection gives the car's path in the world frame, relative to its first pose, to the
millimetre; yaw is 0 along the world's x axis, taken for east. Accelerations are what an
accelerometer measures: gravity is in them.

Source: KITTI raw development kit, dataformat.txt and convertOxtsToPose.m.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from synthgen.datatypes.frames import FrameRecord
from synthgen.geometry.arrays import F64

EARTH_RADIUS_M: Final = 6378137.0  # as convertOxtsToPose.m has it
GRAVITY_MPS2: Final = 9.81
# Not measured: accuracies, navigation state, satellites and modes.
_QUALITY: Final = "0.01 0.01 4 10 4 4 0"
_ORIGIN_LATITUDE_DEG: Final = 0.0


def oxts_lines(frames: Sequence[FrameRecord]) -> Iterator[str]:
    """One line of 30 numbers for each frame."""
    scale = math.cos(math.radians(_ORIGIN_LATITUDE_DEG))
    for frame in frames:
        pose = frame.world_from_ego
        x_m, y_m, z_m = (pose.translation_m - frames[0].world_from_ego.translation_m).tolist()
        longitude = math.degrees(x_m / (EARTH_RADIUS_M * scale))
        latitude = math.degrees(2 * math.atan(math.exp(y_m / (EARTH_RADIUS_M * scale)))) - 90
        rotation = pose.rotation
        roll = math.atan2(rotation[2, 1], rotation[2, 2])
        pitch = math.asin(max(-1.0, min(1.0, -rotation[2, 0])))
        velocity, acceleration = frame.velocity_mps, frame.acceleration_mps2
        gravity = np.array([0.0, 0.0, GRAVITY_MPS2])
        numbers = [
            *(z_m, roll, pitch, pose.yaw_rad),
            *(velocity[1], velocity[0], *_level(pose.yaw_rad, velocity)),
            *(rotation.T @ (acceleration + gravity)),
            *_level(pose.yaw_rad, acceleration + gravity),
            *frame.angular_velocity_radps,
            *_level(pose.yaw_rad, rotation @ frame.angular_velocity_radps),
        ]
        text = " ".join(f"{number:.9f}" for number in numbers)
        yield f"{latitude:.14f} {longitude:.14f} {text} {_QUALITY}\n"


def _level(yaw_rad: float, vector: F64) -> tuple[float, float, float]:
    """A world vector along forward, left and up of the level frame with the car's heading."""
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return cos * vector[0] + sin * vector[1], cos * vector[1] - sin * vector[0], vector[2]
