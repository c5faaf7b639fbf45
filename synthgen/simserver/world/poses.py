"""Rotations and transforms in CARLA's left-handed axes, degrees on the outside.

Source: Unreal's FRotationMatrix; yaw turns x towards y, pitch lifts x, roll turns z towards
-y... the matrix below is checked against `carla.Transform.get_matrix` in the tests.
"""

from __future__ import annotations

import math
from typing import Any

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


def transforms_of(matrices: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """`pose_of` of many, as the wire carries them: (n, 6) float32 of (n, 3, 4) matrices."""
    m = matrices.astype(np.float64)
    sp = np.clip(m[:, 2, 0], -1.0, 1.0)
    is_steep = np.abs(sp) >= 1.0 - 1e-9
    yaw = np.where(
        is_steep, np.arctan2(-m[:, 0, 1], m[:, 1, 1]), np.arctan2(m[:, 1, 0], m[:, 0, 0])
    )
    roll = np.where(is_steep, 0.0, np.arctan2(-m[:, 2, 1], m[:, 2, 2]))
    angles = np.degrees(np.stack([np.arcsin(sp), yaw, roll], axis=1))
    return np.concatenate([m[:, :, 3], angles], axis=1).astype(np.float32)


def matrices_of(transforms: NDArray[np.float32]) -> F64:
    """`matrix_of` of many: (n, 3, 4) of (n, 6) x, y, z, pitch, yaw, roll."""
    angles = np.radians(transforms[:, 3:].astype(np.float64))
    (sp, sy, sr), (cp, cy, cr) = np.sin(angles).T, np.cos(angles).T
    out = np.empty((len(transforms), 3, 4))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = (
        cp * cy,
        cy * sp * sr - sy * cr,
        -cy * sp * cr - sy * sr,
    )
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = (
        cp * sy,
        sy * sp * sr + cy * cr,
        -sy * sp * cr + cy * sr,
    )
    out[:, 2, 0], out[:, 2, 1], out[:, 2, 2] = sp, -cp * sr, cp * cr
    out[:, :, 3] = transforms[:, :3]
    return out


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
