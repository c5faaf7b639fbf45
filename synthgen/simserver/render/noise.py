"""Noise pictures, made once from fixed seeds: the grain of every procedural surface."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.scene import F32, I32

F64 = NDArray[np.float64]

SIZE = 256
LEVELS = 8
"""Halvings of the picture that kernels may look up: 256, 128, ... 2 texels a side."""


@cache
def white() -> F32:
    """(SIZE, SIZE) float32, independent and uniform in 0..1."""
    return np.random.default_rng(20260104).random((SIZE, SIZE), np.float32)


@cache
def fbm() -> F32:
    """(SIZE, SIZE) float32 in 0..1 with mean 0.5, tiling, spectrum of amplitude 1 / f^1.3."""
    rng = np.random.default_rng(20260105)
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None, :]) * SIZE
    amplitude = np.where(frequency > 0.0, 1.0 / np.maximum(frequency, 1.0) ** 1.3, 0.0)
    picture = np.fft.ifft2(np.fft.fft2(rng.standard_normal((SIZE, SIZE))) * amplitude).real
    return np.clip(0.5 + picture / picture.std() * 0.17, 0.0, 1.0).astype(np.float32)


def mipmaps(picture: F32) -> F32:
    """All levels of a picture, each the 2x2 mean of the one before, row-major in one array."""
    levels, level = [], picture
    for _ in range(LEVELS):
        levels.append(level.ravel())
        side = level.shape[0] // 2
        level = level.reshape(side, 2, side, 2).mean(axis=(1, 3))
    return np.concatenate(levels).astype(np.float32)


@cache
def textures() -> I32:
    """Mip chains that the kernels sample: white noise, then fractal noise.

    Each word holds a texel and its right neighbour, 16 bits each: a look-up reads two words.
    """
    return np.concatenate([_paired(white()), _paired(fbm())])


def _paired(picture: F32) -> I32:
    words, first = [], 0
    chain = np.rint(mipmaps(picture).astype(np.float64) * 65535.0).astype(np.uint32)
    for level in range(LEVELS):
        side = SIZE >> level
        texels = chain[first : first + side * side].reshape(side, side)
        words.append((texels | np.roll(texels, -1, axis=1) << 16).ravel())
        first += side * side
    return np.concatenate(words).view(np.int32)


def tiled_fbm(u: F64, v: F64) -> F64:
    """Fractal noise at (u, v), one tile per unit, bilinear."""
    picture = fbm().astype(np.float64)
    x, y = u * SIZE, v * SIZE
    ix, iy = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = x - ix, y - iy
    a, b = ix % SIZE, (ix + 1) % SIZE
    c, d = iy % SIZE, (iy + 1) % SIZE
    top = picture[c, a] * (1.0 - fx) + picture[c, b] * fx
    bottom = picture[d, a] * (1.0 - fx) + picture[d, b] * fx
    return np.asarray(top * (1.0 - fy) + bottom * fy, np.float64)
