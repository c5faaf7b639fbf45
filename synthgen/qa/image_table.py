"""The image table: thirteen named statistics a frame, and patches for the sliced distance.

No pretrained network is used, and none of these numbers is FID. Both sides are brought to one
width and through one JPEG coder first: block edges alone would tell two data sets apart.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from synthgen.geometry.arrays import F64, U8

WIDTH_PX: Final = 512
JPEG_QUALITY: Final = 90
PATCH_PX: Final = 7
PATCHES: Final = 128
SCALES: Final = 3
_EDGES: Final = np.geomspace(0.01, 0.4, 20)
FREQUENCIES: Final = np.sqrt(_EDGES[:-1] * _EDGES[1:])  # cycles a pixel
STATISTICS: Final = (
    "luminance", "contrast", "clipped_low", "clipped_high", "saturation", "warmth", "greenness",
    "sharpness", "noise", "power_slope", "edge_share", "entropy", "sky_ground",
)  # fmt: skip


def prepared(rgb: U8) -> U8:
    """The image at the common width, through the common coder."""
    height = max(round(rgb.shape[0] * WIDTH_PX / rgb.shape[1]), 16)
    small = cv2.resize(rgb, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)


def statistics(rgb: U8) -> F64:
    """(13,) the statistics of a prepared image, in the order of `STATISTICS`."""
    image = rgb.astype(np.float64) / 255
    grey = image @ np.array([0.299, 0.587, 0.114])
    top, low = image.max(axis=2), image.min(axis=2)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F)
    edges_x, edges_y = (cv2.Sobel(grey, cv2.CV_64F, *d) for d in ((1, 0), (0, 1)))
    counts = np.bincount((grey * 255).astype(np.int64).ravel(), minlength=256) / grey.size
    third = grey.shape[0] // 3
    return np.array(
        [
            grey.mean(),
            grey.std(),
            np.mean(grey < 0.02),
            np.mean(grey > 0.98),
            np.mean((top - low) / np.maximum(top, 1e-6)),
            np.mean(image[..., 0] - image[..., 2]),
            np.mean(image[..., 1] - (image[..., 0] + image[..., 2]) / 2),
            np.log(laplacian.var() + 1e-9),
            # The median absolute response of flat regions is noise (Immerkaer 1996).
            np.median(np.abs(laplacian)) / 0.6745 / np.sqrt(20),
            _power_slope(grey),
            np.mean(np.hypot(edges_x, edges_y) > 0.4),
            -np.sum(counts[counts > 0] * np.log2(counts[counts > 0])),
            grey[:third].mean() - grey[-third:].mean(),
        ]
    )


def power_spectrum(rgb: U8) -> F64:
    """(19,) log10 of the mean power of a prepared image at `FREQUENCIES`."""
    grey = rgb.astype(np.float64) / 255 @ np.array([0.299, 0.587, 0.114])
    return np.asarray(np.log10(_power(grey) + 1e-12))


def _power_slope(grey: F64) -> float:
    """Slope of log power over log frequency; natural images have about -2.

    Source: van der Schaaf and van Hateren, Vision Research 36 (1996) 2759.
    """
    return float(np.polyfit(np.log(FREQUENCIES), np.log(_power(grey) + 1e-12), 1)[0])


def _power(grey: F64) -> F64:
    """(19,) mean power of the frequencies between two edges."""
    window = np.outer(np.hanning(grey.shape[0]), np.hanning(grey.shape[1]))
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * window)) ** 2
    frequency = np.hypot(
        np.fft.fftfreq(grey.shape[0])[:, None], np.fft.rfftfreq(grey.shape[1])[None]
    )
    place = np.digitize(frequency, _EDGES)
    return np.array([power[place == i].mean() for i in range(1, len(_EDGES))])


def patches(rgb: U8, rng: np.random.Generator) -> list[F64]:
    """Patches (N, 49) of each level of a Laplacian pyramid, the finest first.

    Source: the pyramid of Burt and Adelson 1983; patches of it compared by Karras et al. 2018.
    """
    level = (rgb.astype(np.float64) / 255) @ np.array([0.299, 0.587, 0.114])
    found: list[F64] = []
    for _ in range(SCALES):
        smaller = cv2.pyrDown(level)
        band = level - cv2.pyrUp(smaller, dstsize=(level.shape[1], level.shape[0]))
        rows = rng.integers(0, band.shape[0] - PATCH_PX, PATCHES)
        columns = rng.integers(0, band.shape[1] - PATCH_PX, PATCHES)
        windows = np.lib.stride_tricks.sliding_window_view(band, (PATCH_PX, PATCH_PX))
        found.append(windows[rows, columns].reshape(PATCHES, -1))
        level = smaller
    return found
