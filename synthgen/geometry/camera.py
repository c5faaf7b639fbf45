"""Camera models: from points in the camera frame to pixels and back.

Pixel (0, 0) is the top-left corner of the image, so the centre of the pixel in column c and
row r is (c + 0.5, r + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from synthgen.errors import InternalError
from synthgen.geometry.arrays import F64


class Camera(Protocol):
    """What every camera model can do."""

    @property
    def width_px(self) -> int:
        """Columns of the image."""

    @property
    def height_px(self) -> int:
        """Rows of the image."""

    def project(self, points_camera_m: F64) -> F64:
        """Pixel positions (..., 2) of points (..., 3), metres, camera frame, z > 0."""

    def rays(self, xy_px: F64) -> F64:
        """Directions (..., 3), z = 1, camera frame, of pixel positions (..., 2)."""


@dataclass(frozen=True, slots=True)
class PinholeCamera:
    """Ideal perspective camera.

    Attributes:
        width_px: Columns of the image.
        height_px: Rows of the image.
        fx_px: Focal length along x, pixels.
        fy_px: Focal length along y, pixels.
        cx_px: Column of the optical axis, corner coordinates (the middle is width / 2).
        cy_px: Row of the optical axis, corner coordinates.
    """

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float

    def __post_init__(self) -> None:
        """Refuse sizes and focal lengths that are not positive."""
        if min(self.width_px, self.height_px) < 1 or min(self.fx_px, self.fy_px) <= 0:
            raise InternalError(f"camera: expected positive size and focal length, got {self}")

    @staticmethod
    def from_fov(width_px: int, height_px: int, horizontal_fov_rad: float) -> PinholeCamera:
        """Camera with square pixels and the optical axis in the middle of the image."""
        focal_px = width_px / (2.0 * np.tan(horizontal_fov_rad / 2.0))
        return PinholeCamera(
            width_px, height_px, float(focal_px), float(focal_px), width_px / 2, height_px / 2
        )

    @property
    def matrix(self) -> F64:
        """The intrinsic matrix (3, 3), pixels."""
        return np.array(
            [[self.fx_px, 0.0, self.cx_px], [0.0, self.fy_px, self.cy_px], [0.0, 0.0, 1.0]]
        )

    def project(self, points_camera_m: F64) -> F64:
        """Pixel positions (..., 2) of points (..., 3), metres, camera frame, z > 0."""
        x, y, z = np.moveaxis(np.asarray(points_camera_m, dtype=np.float64), -1, 0)
        return np.stack([self.fx_px * x / z + self.cx_px, self.fy_px * y / z + self.cy_px], -1)

    def rays(self, xy_px: F64) -> F64:
        """Directions (..., 3), z = 1, camera frame, of pixel positions (..., 2)."""
        x, y = np.moveaxis(np.asarray(xy_px, dtype=np.float64), -1, 0)
        return np.stack(
            [(x - self.cx_px) / self.fx_px, (y - self.cy_px) / self.fy_px, np.ones_like(x)], -1
        )
