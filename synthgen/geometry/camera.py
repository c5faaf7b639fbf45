"""Camera models: from points in the camera frame to pixels and back.

Pixel (0, 0) is the top-left corner of the image, so the centre of the pixel in column c and
row r is (c + 0.5, r + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from synthgen.errors import InternalError
from synthgen.geometry.arrays import F64, Bool

# Straight behind, all directions across are one: nothing is projected from there.
_WIDEST_RAD: Final = 3.0
_BEYOND_IMAGE_RAD: Final = 0.3  # what is cut there is cut far enough outside the image


class Camera(Protocol):
    """What every camera model can do."""

    @property
    def width_px(self) -> int:
        """Columns of the image."""

    @property
    def height_px(self) -> int:
        """Rows of the image."""

    def project(self, points_camera_m: F64) -> F64:
        """Pixel positions (..., 2) of points (..., 3), metres, camera frame, in the lens's view."""

    def depths(self, points_camera_m: F64) -> F64:
        """What a depth image holds (...) of points (..., 3), metres: z, or for a fisheye range."""

    def sees(self, points_camera_m: F64, near_m: float) -> Bool:
        """Which points (..., 3) project to somewhere: not nearer than that, not behind the lens."""

    def rays(self, xy_px: F64) -> F64:
        """Directions (..., 3), camera frame, of pixel positions (..., 2).

        Times the pixel's stored depth they are the point seen: z = 1 for a pinhole, whose depth is
        along the optical axis, unit length for a fisheye, whose depth is along the ray.
        """


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

    def depths(self, points_camera_m: F64) -> F64:
        """Depths (...) along the optical axis of points (..., 3)."""
        return np.asarray(points_camera_m[..., 2])

    def sees(self, points_camera_m: F64, near_m: float) -> Bool:
        """Which points (..., 3) lie beyond the plane `near_m` ahead."""
        return np.asarray(points_camera_m[..., 2] > near_m)

    def rays(self, xy_px: F64) -> F64:
        """Directions (..., 3), z = 1, camera frame, of pixel positions (..., 2)."""
        x, y = np.moveaxis(np.asarray(xy_px, dtype=np.float64), -1, 0)
        return np.stack(
            [(x - self.cx_px) / self.fx_px, (y - self.cy_px) / self.fy_px, np.ones_like(x)], -1
        )


@dataclass(frozen=True, slots=True)
class FisheyeCamera:
    """Fisheye after Kannala and Brandt; without coefficients it is equidistant, r = f theta.

    The distance from the image's middle of a ray at the angle theta off the optical axis is
    f theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8): OpenCV's fisheye model.

    Attributes:
        width_px: Columns of the image.
        height_px: Rows of the image.
        fx_px: Focal length along x, pixels.
        fy_px: Focal length along y, pixels.
        cx_px: Column of the optical axis, corner coordinates.
        cy_px: Row of the optical axis, corner coordinates.
        coefficients: k1 to k4, or none.
    """

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes and focal lengths that are not positive."""
        if min(self.width_px, self.height_px) < 1 or min(self.fx_px, self.fy_px) <= 0:
            raise InternalError(f"camera: expected positive size and focal length, got {self}")

    @property
    def four_coefficients(self) -> tuple[float, ...]:
        """k1 to k4, zeros where the lens has none: what OpenCV's fisheye functions take."""
        return (*self.coefficients, 0.0, 0.0, 0.0, 0.0)[:4]

    def project(self, points_camera_m: F64) -> F64:
        """Pixel positions (..., 2) of points (..., 3), metres, camera frame, not the origin."""
        x, y, z = np.moveaxis(np.asarray(points_camera_m, dtype=np.float64), -1, 0)
        across = np.hypot(x, y)
        stretch = self._distorted(np.arctan2(across, z)) / np.maximum(across, 1e-12)
        return np.stack(
            [self.fx_px * stretch * x + self.cx_px, self.fy_px * stretch * y + self.cy_px], -1
        )

    @property
    def widest_rad(self) -> float:
        """Greatest angle off the optical axis that is projected: a little beyond the image's."""
        corners_px = np.array([[x, y] for x in (0, self.width_px) for y in (0, self.height_px)])
        z = self.rays(corners_px)[:, 2].min()
        wanted_rad = min(float(np.arccos(z)) + _BEYOND_IMAGE_RAD, _WIDEST_RAD)
        angle_rad = np.linspace(0.0, wanted_rad, 1001)
        falls = np.flatnonzero(np.diff(self._distorted(angle_rad)) <= 0)  # rays turn inwards
        return float(angle_rad[falls[0]]) if len(falls) else wanted_rad

    def depths(self, points_camera_m: F64) -> F64:
        """Distances (...) of points (..., 3), which a fisheye's depth image holds."""
        return np.asarray(np.linalg.norm(points_camera_m, axis=-1))

    def sees(self, points_camera_m: F64, near_m: float) -> Bool:
        """Which points (..., 3) are farther than `near_m` and within the lens's widest angle."""
        is_within = self.angles_rad(points_camera_m) <= self.widest_rad
        return is_within & (self.depths(points_camera_m) > near_m)

    def angles_rad(self, points_camera_m: F64) -> F64:
        """Angles (...) off the optical axis of points (..., 3)."""
        across = np.hypot(points_camera_m[..., 0], points_camera_m[..., 1])
        return np.asarray(np.arctan2(across, points_camera_m[..., 2]))

    def rays(self, xy_px: F64) -> F64:
        """Unit directions (..., 3), camera frame, of pixel positions (..., 2)."""
        x, y = np.moveaxis(np.asarray(xy_px, dtype=np.float64), -1, 0)
        right, down = (x - self.cx_px) / self.fx_px, (y - self.cy_px) / self.fy_px
        ring = np.hypot(right, down)
        angle = self._undistorted(ring)
        side = np.sin(angle) / np.maximum(ring, 1e-12)
        return np.stack([right * side, down * side, np.cos(angle)], -1)

    def _distorted(self, angle_rad: F64) -> F64:
        square = angle_rad * angle_rad
        series = sum((k * square**n for n, k in enumerate(self.coefficients, 1)), np.ones(()))
        return np.asarray(angle_rad * series)

    def _undistorted(self, ring: F64) -> F64:
        """The angle that `_distorted` maps to a distance, by Newton's method."""
        angle = np.minimum(ring, np.pi)
        if not self.coefficients:
            return angle
        for _ in range(20):
            square = angle * angle
            slope = 1.0 + sum(
                (2 * n + 1) * k * square**n for n, k in enumerate(self.coefficients, 1)
            )
            step = (self._distorted(angle) - ring) / np.maximum(slope, 0.05)
            angle = np.clip(angle - step, 0.0, np.pi)
        return np.asarray(angle)


Lens = PinholeCamera | FisheyeCamera
"""A camera's true lens."""
