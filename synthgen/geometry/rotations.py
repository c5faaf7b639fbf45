"""Rotation matrices, unit quaternions (w, x, y, z) and yaw angles, one or many at a time."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.arrays import F64


def rotation_from_quat(quat_wxyz: F64) -> F64:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4), which need not have unit length.

    Those of a quaternion without any length are NaN.

    Source: Diebel 2006, "Representing Attitude", eq. 125 transposed (vectors, not axes, turn).
    """
    quat = np.asarray(quat_wxyz, dtype=np.float64)
    length = np.linalg.norm(quat, axis=-1, keepdims=True)
    quat = quat / np.where(length > 0, length, np.nan)
    w, x, y, z = np.moveaxis(quat, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quat_from_rotation(rotation: F64) -> F64:
    """Unit quaternions (..., 4), w >= 0, of rotation matrices (..., 3, 3).

    Source: Bar-Itzhack 2000, "New method for extracting the quaternion from a rotation matrix":
    the four candidates below are the same quaternion; the longest is the best conditioned.
    """
    m = np.asarray(rotation, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    xy, xz, yz = (
        m[..., 0, 1] + m[..., 1, 0],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 2] + m[..., 2, 1],
    )
    candidates = np.stack(
        [
            np.stack([1 + xx + yy + zz, wx, wy, wz], axis=-1),
            np.stack([wx, 1 + xx - yy - zz, xy, xz], axis=-1),
            np.stack([wy, xy, 1 - xx + yy - zz, yz], axis=-1),
            np.stack([wz, xz, yz, 1 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    lengths = np.linalg.norm(candidates, axis=-1)
    best = np.argmax(lengths, axis=-1)[..., None, None]
    quat = np.take_along_axis(candidates, best, axis=-2)[..., 0, :]
    quat = quat / np.linalg.norm(quat, axis=-1, keepdims=True)
    return np.asarray(np.where(quat[..., :1] < 0, -quat, quat))


def rotation_about_z(yaw_rad: float) -> F64:
    """Rotation matrix (3, 3) that turns x towards y by `yaw_rad`."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def yaw_of(rotation: F64) -> F64:
    """Heading (...) of the turned x axis in the xy plane, radians in (-pi, pi]."""
    return np.asarray(np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0]))


def wrap_angle(angle_rad: F64) -> F64:
    """The same angles in [-pi, pi)."""
    return np.asarray((np.asarray(angle_rad) + np.pi) % (2 * np.pi) - np.pi)
