"""Numbers that tell real pictures and sweeps from rendered ones.

Images: docs on each key below. Noise after Donoho and Johnstone 1994 (median of the finest
diagonal wavelet band over 0.6745), colourfulness after Hasler and Suesstrunk 2003, power
slope by a log-log fit of the radial spectrum (natural images: about -2, Field 1987).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


def image_statistics(rgb: U8) -> dict[str, float]:
    """Thirteen statistics of an (H, W, 3) RGB image."""
    pixels = rgb.astype(np.float64) / 255.0
    luma = pixels @ np.array([0.2126, 0.7152, 0.0722])
    high, low = pixels.max(axis=-1), pixels.min(axis=-1)
    across, down = np.diff(luma, axis=1), np.diff(luma, axis=0)
    laplacian = (
        4.0 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    )
    shares = np.histogram(luma, 64, (0.0, 1.0))[0] / luma.size
    shares = shares[shares > 0]
    return {
        "luminance": float(luma.mean()),
        "contrast": float(luma.std()),
        "clipped_high": float((luma > 0.98).mean()),
        "clipped_low": float((luma < 0.02).mean()),
        "saturation": float(np.mean((high - low) / np.maximum(high, 1e-6))),
        "warmth": float((pixels[..., 0] - pixels[..., 2]).mean()),
        "colourfulness": _colourfulness(pixels),
        "sharpness": float(np.abs(laplacian).mean()),
        "noise": _noise(luma),
        "power_slope": _power_slope(luma),
        "grid_8px": _grid(across, down),
        "edge_density": float((np.abs(across) > 0.1).mean() + (np.abs(down) > 0.1).mean()),
        "entropy_bits": float(-(shares * np.log2(shares)).sum()),
    }


def _colourfulness(pixels: F64) -> float:
    red_green = pixels[..., 0] - pixels[..., 1]
    yellow_blue = 0.5 * (pixels[..., 0] + pixels[..., 1]) - pixels[..., 2]
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def _noise(luma: F64) -> float:
    even = luma[: luma.shape[0] // 2 * 2, : luma.shape[1] // 2 * 2]
    diagonal = even[::2, ::2] - even[::2, 1::2] - even[1::2, ::2] + even[1::2, 1::2]
    return float(np.median(np.abs(diagonal / 2.0)) / 0.6745)


def _power_slope(luma: F64) -> float:
    side = min(luma.shape) // 2 * 2
    left = (luma.shape[1] - side) // 2
    square = luma[:side, left : left + side]
    window = np.hanning(side)
    power = np.abs(np.fft.fft2((square - square.mean()) * window * window[:, None])) ** 2
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]) * side
    ring = np.rint(radius).astype(int)
    total = np.bincount(ring.ravel(), power.ravel())
    mean = total / np.maximum(np.bincount(ring.ravel()), 1)
    chosen = np.arange(4, side // 4)
    slope, _ = np.polyfit(np.log(chosen), np.log(mean[chosen] + 1e-12), 1)
    return float(slope)


def _grid(across: F64, down: F64) -> float:
    """Excess of steps at 8-pixel borders, as JPEG leaves them."""
    columns, rows = np.abs(across).mean(axis=0), np.abs(down).mean(axis=1)
    on = np.concatenate([columns[7::8], rows[7::8]]).mean()
    return float(on / np.concatenate([columns, rows]).mean() - 1.0)


def sweep_statistics(xyz_m: F64, intensity: F64) -> dict[str, float]:
    """Statistics of one sweep in the sensor's frame (z up, about 1.73 m above the road)."""
    distance = np.linalg.norm(xyz_m, axis=1)
    flat = np.hypot(xyz_m[:, 0], xyz_m[:, 1])
    ground = (flat > 4.0) & (flat < 15.0) & (np.abs(xyz_m[:, 2] + 1.73) < 0.35)
    near = xyz_m[ground]
    design = np.column_stack([near[:, :2], np.ones(len(near))])
    plane, *_ = np.linalg.lstsq(design, near[:, 2], rcond=None)
    residual = near[:, 2] - design @ plane
    azimuth = np.arctan2(xyz_m[:, 1], xyz_m[:, 0])
    sectors = np.histogram(azimuth, 360, (-np.pi, np.pi))[0]
    return {
        "points": float(len(xyz_m)),
        "range_median_m": float(np.median(distance)),
        "range_p90_m": float(np.percentile(distance, 90)),
        "share_nearer_15m": float((distance < 15.0).mean()),
        "ground_residual_m": float(1.4826 * np.median(np.abs(residual - np.median(residual)))),
        "ground_share": float(ground.mean()),
        "intensity_mean": float(intensity.mean()),
        "intensity_std": float(intensity.std()),
        "sector_cv": float(sectors.std() / sectors.mean()),
    }
