"""Rotations and transforms in CARLA's left-handed axes, degrees on the outside.

Source: Unreal's FRotationMatrix; yaw turns x towards y, pitch lifts x, roll turns z towards
-y... the matrix below is checked against `carla.Transform.get_matrix` in the tests.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.wire.structs import Rotation, Transform, Vector3D

F64 = NDArray[np.float64]


def matrix_of(pose: Transform) -> F64:
    """The pose as a (3, 4) matrix, parent from child."""
    (x, y, z), (pitch, yaw, roll) = pose
    cp, sp = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    cy, sy = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    cr, sr = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    return np.array(
        (
            (cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr, x),
            (cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr, y),
            (sp, -cp * sr, cp * cr, z),
        )
    )


def pose_of(matrix: F64) -> Transform:
    """The inverse of `matrix_of`."""
    sp = min(1.0, max(-1.0, float(matrix[2, 0])))
    pitch = math.asin(sp)
    if abs(sp) < 1.0 - 1e-9:
        yaw = math.atan2(matrix[1, 0], matrix[0, 0])
        roll = math.atan2(-matrix[2, 1], matrix[2, 2])
    else:  # looking straight up or down: all turn is yaw
        yaw = math.atan2(-matrix[0, 1], matrix[1, 1])
        roll = 0.0
    location = Vector3D(*(float(v) for v in matrix[:, 3]))
    return Transform(location, Rotation(math.degrees(pitch), math.degrees(yaw), math.degrees(roll)))


def compose(parent: Transform, relative: Transform) -> Transform:
    """The world pose of a child from its parent's world pose and its own relative one."""
    outer, inner = matrix_of(parent), matrix_of(relative)
    result = np.empty((3, 4))
    result[:, :3] = outer[:, :3] @ inner[:, :3]
    result[:, 3] = outer[:, :3] @ inner[:, 3] + outer[:, 3]
    return pose_of(result)


def to_world(pose: Transform, point: Vector3D) -> Vector3D:
    """A point of the child's frame in the parent's."""
    matrix = matrix_of(pose)
    return Vector3D(*(matrix[:, :3] @ np.array(point) + matrix[:, 3]).tolist())


def forward(rotation: Rotation) -> Vector3D:
    """Unit vector along the rotated x axis."""
    pitch, yaw = math.radians(rotation.pitch), math.radians(rotation.yaw)
    return Vector3D(
        math.cos(pitch) * math.cos(yaw), math.cos(pitch) * math.sin(yaw), math.sin(pitch)
    )


# A spring arm's camera closes the gap to its place by this rate, 1/s (Unreal's lag speed).
SPRING_RATE = 10.0


def relative_to(parent: Transform, world: Transform) -> Transform:
    """The pose relative to a parent of something posed in the world."""
    outer, inner = matrix_of(parent), matrix_of(world)
    result = np.empty((3, 4))
    result[:, :3] = outer[:, :3].T @ inner[:, :3]
    result[:, 3] = outer[:, :3].T @ (inner[:, 3] - outer[:, 3])
    return pose_of(result)


def follow(
    parent: Transform,
    relative: Transform,
    present: Transform,
    *,
    is_sprung: bool,
    delta_s: float,
) -> Transform:
    """Where an attached actor is next.

    A rigid one is where its parent puts it. One on a spring arm ignores its parent's pitch and
    roll and closes in on its place.
    """
    if not is_sprung:
        return compose(parent, relative)
    level = Transform(parent.location, Rotation(0.0, parent.rotation.yaw, 0.0))
    target = compose(level, relative)
    share = min(1.0, SPRING_RATE * delta_s)
    location = Vector3D(
        *(a + (b - a) * share for a, b in zip(present.location, target.location, strict=True))
    )
    return Transform(location, target.rotation)
