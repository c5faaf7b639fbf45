"""Where each pixel looks: ray directions of the lens models.

Formulas: OpenCV, "Camera calibration and 3D reconstruction" (brown) and "Fisheye camera model"
(kannala_brandt); equidistant is r = f theta.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from synthgen.simserver.render import frames
from synthgen.simserver.render.records import F32, F64
from synthgen.simserver.render.specs import CameraSpec

# So many that the numbers stay in the processor's cache.
_ROWS_AT_ONCE = 16
_MODELS = {
    "pinhole": frames.PINHOLE,
    "brown": frames.BROWN,
    "equidistant": frames.EQUIDISTANT,
    "kannala_brandt": frames.KANNALA_BRANDT,
}


@lru_cache(maxsize=32)
def optics(
    width: int, height: int, fov_deg: float, lens: str, coefficients: tuple[float, ...]
) -> tuple[F32, F64]:
    """Ray table and lens row of a camera.

    Returns:
        (H, W, 3) float32 unit vectors through the pixels' centres (x forward, y right, z up),
        and (LENS_COLUMNS,) float64.

    Raises:
        ValueError: The lens has no such model.
    """
    if lens not in _MODELS:
        raise ValueError(f"lens: expected one of {', '.join(_MODELS)}, got {lens!r}")
    k = np.zeros(5)
    k[: len(coefficients)] = coefficients
    focal = focal_px(width, fov_deg, lens, k)
    a: F64 = np.asarray((np.arange(width) + 0.5 - width / 2) / focal, np.float64)
    b: F64 = np.asarray((np.arange(height) + 0.5 - height / 2) / focal, np.float64)
    directions: F32 = np.empty((height, width, 3), np.float32)
    for first in range(0, height, _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        directions[rows] = _directions(lens, k, a, b[rows])
    row = np.zeros(frames.LENS_COLUMNS)
    row[frames.SPREAD] = 1.0 / focal
    row[frames.FOCAL] = focal
    row[frames.CENTRE_X], row[frames.CENTRE_Y] = width / 2, height / 2
    row[frames.MODEL] = _MODELS[lens]
    row[frames.K1 : frames.K1 + 5] = k
    return directions, row


def _directions(lens: str, k: F64, a: F64, b: F64) -> F64:
    """(rows, columns, 3) unit vectors through the pixels at `a` right and `b` below the middle."""
    across, down = np.meshgrid(a, b)
    if lens in ("pinhole", "brown"):
        if lens == "brown":
            across, down = _undistort_brown(across, down, k)
        directions = np.stack([np.ones_like(across), across, -down], axis=-1)
    else:
        ring = np.hypot(across, down)
        angle = _undistort_fisheye(ring, k) if lens == "kannala_brandt" else ring
        angle = np.minimum(angle, np.pi)
        side = np.sin(angle) / np.maximum(ring, 1e-12)
        directions = np.stack([np.cos(angle), across * side, -down * side], axis=-1)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return directions


def optics_of(spec: CameraSpec) -> tuple[F32, F32, F64]:
    """Ray table, the same by tiles (`aims`), and lens row of a camera."""
    key = (spec.width, spec.height, spec.fov_deg, spec.lens, spec.lens_coefficients)
    directions, lens = optics(*key)
    return directions, aims(*key), lens


@lru_cache(maxsize=32)
def aims(
    width: int, height: int, fov_deg: float, lens: str, coefficients: tuple[float, ...]
) -> F32:
    """(tiles, packets, 3, LANES) float32: `optics` in the order in which tiles trace it.

    Pixels of a tile that lie beyond the image take the direction at its edge.
    """
    directions, _ = optics(width, height, fov_deg, lens, coefficients)
    beyond = ((0, -height % frames.TILE_HEIGHT), (0, -width % frames.TILE_WIDTH), (0, 0))
    whole = np.pad(directions, beyond, "edge")
    down, across = whole.shape[0] // frames.TILE_HEIGHT, whole.shape[1] // frames.TILE_WIDTH
    # Tiles of 8 x 8 hold 4 x 2 packets, packets 2 x 4 pixels.
    parts = whole.reshape(down, 4, 2, across, 2, 4, 3).transpose(0, 3, 1, 4, 6, 2, 5)
    return np.ascontiguousarray(parts).reshape(down * across, 8, 3, 8)


def focal_px(width: int, fov_deg: float, lens: str, k: F64) -> float:
    """Focal length at which the ray fov/2 off the axis meets the left edge.

    A Brown lens keeps the focal length of the pinhole of the same field of view.
    """
    half = np.deg2rad(fov_deg) / 2.0
    if lens in ("pinhole", "brown"):
        return float(width / 2 / np.tan(half))
    s = half * half
    stretch = 1.0 + s * (k[0] + s * (k[1] + s * (k[2] + s * k[3])))
    return float(width / 2 / (half * (stretch if lens == "kannala_brandt" else 1.0)))


def _undistort_brown(a: F64, b: F64, k: F64) -> tuple[F64, F64]:
    """Fixed-point inverse of Brown's distortion, as OpenCV's undistortPoints does it."""
    x, y = a.copy(), b.copy()
    for _ in range(20):
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
        x_shift = 2.0 * k[2] * x * y + k[3] * (r2 + 2.0 * x * x)
        y_shift = k[2] * (r2 + 2.0 * y * y) + 2.0 * k[3] * x * y
        x, y = (a - x_shift) / radial, (b - y_shift) / radial
    return x, y


def _undistort_fisheye(ring: F64, k: F64) -> F64:
    """Newton's inverse of theta (1 + k1 theta^2 + ...)."""
    angle = np.minimum(ring, np.pi)
    for _ in range(12):
        s = angle * angle
        value = angle * (1.0 + s * (k[0] + s * (k[1] + s * (k[2] + s * k[3]))))
        slope = 1.0 + s * (3 * k[0] + s * (5 * k[1] + s * (7 * k[2] + s * 9 * k[3])))
        angle = np.clip(angle - (value - ring) / np.maximum(slope, 0.05), 0.0, np.pi)
    return angle
