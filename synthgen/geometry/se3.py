"""Rigid transforms between right-handed frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synthgen.geometry.arrays import F64, frozen_array
from synthgen.geometry.rotations import (
    quat_from_rotation,
    rotation_about_z,
    rotation_from_quat,
    yaw_of,
)


@dataclass(frozen=True, eq=False, slots=True)
class SE3:
    """Rigid transform, always held in a variable named `dst_from_src`.

    `ego_from_lidar.apply(points_lidar_m)` gives the same points in the ego frame,
    and `world_from_ego @ ego_from_lidar` is `world_from_lidar`.

    Attributes:
        rotation: (3, 3) float64, rotates vectors of frame src into frame dst.
        translation_m: (3,) float64, origin of src seen in dst, metres.
    """

    rotation: F64
    translation_m: F64

    def __post_init__(self) -> None:
        """Check both arrays and make them read-only."""
        set_field = object.__setattr__
        set_field(self, "rotation", frozen_array("rotation", self.rotation, (3, 3), np.float64))
        set_field(
            self,
            "translation_m",
            frozen_array("translation_m", self.translation_m, (3,), np.float64),
        )

    @staticmethod
    def identity() -> SE3:
        """The transform that changes nothing."""
        return SE3(np.eye(3), np.zeros(3))

    @staticmethod
    def from_quat(quat_wxyz: ArrayLike, translation_m: ArrayLike) -> SE3:
        """Transform of a quaternion (4,) and a translation (3,), metres."""
        quat = frozen_array("quat_wxyz", quat_wxyz, (4,), np.float64)
        return SE3(rotation_from_quat(quat), np.asarray(translation_m, dtype=np.float64))

    @staticmethod
    def from_yaw(yaw_rad: float, translation_m: ArrayLike) -> SE3:
        """Transform that turns by `yaw_rad` about z, then moves by `translation_m` (3,)."""
        return SE3(rotation_about_z(yaw_rad), np.asarray(translation_m, dtype=np.float64))

    @property
    def quat_wxyz(self) -> F64:
        """The rotation as a unit quaternion (4,), w >= 0."""
        return quat_from_rotation(self.rotation)

    @property
    def yaw_rad(self) -> float:
        """Heading of the src x axis in the dst xy plane."""
        return float(yaw_of(self.rotation))

    def apply(self, points_m: F64) -> F64:
        """Take points (..., 3), metres, from frame src to frame dst."""
        return np.asarray(np.einsum("...j,ij->...i", points_m, self.rotation) + self.translation_m)

    def rotate(self, vectors: F64) -> F64:
        """Turn vectors (..., 3) from frame src to frame dst, without moving them."""
        return np.asarray(vectors @ self.rotation.T)

    def inverse(self) -> SE3:
        """Return `src_from_dst`."""
        return SE3(self.rotation.T, -self.rotation.T @ self.translation_m)

    def __matmul__(self, right: SE3) -> SE3:
        """Chain: `a_from_b @ b_from_c` is `a_from_c`."""
        return SE3(
            self.rotation @ right.rotation,
            self.rotation @ right.translation_m + self.translation_m,
        )
