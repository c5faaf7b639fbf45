"""CARLA's left-handed degrees to right-handed radians, and back: one flip, once.

With S = diag(1, -1, 1): R_right = S R_carla S = Rz(-yaw) Ry(-pitch) Rx(roll) and t = (x, -y, z).
Checked against `carla.Transform.get_matrix()` in the tests.
"""

from __future__ import annotations

import math

import carla
import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.geometry.se3 import SE3


def pose_from_carla(transform: carla.Transform) -> SE3:
    """The right-handed `world_from_x` of a CARLA transform."""
    rotation = transform.rotation
    yaw, pitch, roll = (
        math.radians(angle) for angle in (-rotation.yaw, -rotation.pitch, rotation.roll)
    )
    return SE3(rotation_zyx(yaw, pitch, roll), vector_from_carla(transform.location))


def pose_to_carla(pose: SE3) -> carla.Transform:
    """The CARLA transform of a right-handed pose."""
    rotation = pose.rotation
    pitch = math.asin(max(-1.0, min(1.0, -float(rotation[2, 0]))))
    yaw = math.atan2(rotation[1, 0], rotation[0, 0])
    roll = math.atan2(rotation[2, 1], rotation[2, 2])
    return carla.Transform(
        location_to_carla(pose.translation_m),
        carla.Rotation(pitch=-math.degrees(pitch), yaw=-math.degrees(yaw), roll=math.degrees(roll)),
    )


def rotation_zyx(yaw_rad: float, pitch_rad: float, roll_rad: float) -> F64:
    """(3, 3) rotation Rz(yaw) Ry(pitch) Rx(roll), right-handed."""
    cy, sy = math.cos(yaw_rad), math.sin(yaw_rad)
    cp, sp = math.cos(pitch_rad), math.sin(pitch_rad)
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def vector_from_carla(vector: carla.Vector3D) -> F64:
    """(3,) right-handed vector of a CARLA location, velocity or acceleration."""
    return np.array([vector.x, -vector.y, vector.z])


def location_to_carla(point_m: F64) -> carla.Location:
    """CARLA location of a right-handed point."""
    return carla.Location(x=float(point_m[0]), y=-float(point_m[1]), z=float(point_m[2]))


def vector_to_carla(vector: F64) -> carla.Vector3D:
    """CARLA vector of a right-handed vector."""
    return carla.Vector3D(x=float(vector[0]), y=-float(vector[1]), z=float(vector[2]))


def spin_from_carla(spin_degps: carla.Vector3D) -> F64:
    """(3,) rad/s of CARLA's angular velocity in deg/s: a pseudo-vector, so x and z flip."""
    return np.radians([-spin_degps.x, spin_degps.y, -spin_degps.z])


def spin_to_carla(spin_radps: F64) -> carla.Vector3D:
    """CARLA's angular velocity in deg/s of a right-handed one."""
    x, y, z = np.degrees(spin_radps).tolist()
    return carla.Vector3D(x=-x, y=y, z=-z)
