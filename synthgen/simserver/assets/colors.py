"""Palettes: linear RGB of the eight paints of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from synthgen.simserver.scene import F32


def linear(srgb: ArrayLike) -> F32:
    """Linear RGB of sRGB values from 0 to 255 (IEC 61966-2-1)."""
    c = np.asarray(srgb, np.float64) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


# Signs, street furniture and props share one palette, so that maps can merge them.
WHITE, RED, BLACK, BLUE, YELLOW, ORANGE, GREEN, GREY = range(8)
SCENERY_PALETTE: F32 = linear([
    (238, 238, 236), (190, 22, 30), (22, 22, 24), (12, 78, 150),
    (246, 190, 22), (240, 92, 16), (34, 92, 58), (128, 130, 132),
])  # fmt: skip


def paint_of(attribute: str | None, otherwise: tuple[int, int, int]) -> F32:
    """Linear RGB of a `color` attribute ("r,g,b" in sRGB), or of a default.

    A text that is not three numbers from 0 to 255 counts as absent: CARLA's server takes any
    text here and paints the car in its default.
    """
    try:
        values = [float(v) for v in (attribute or "").split(",")]
    except ValueError:
        values = []
    if len(values) != 3 or not all(0 <= v <= 255 for v in values):
        return linear(otherwise)
    return linear(values)


def palette(*srgb: tuple[int, int, int]) -> F32:
    """An (8, 3) palette from up to eight sRGB colours, the rest as in `SCENERY_PALETTE`."""
    out = SCENERY_PALETTE.copy()
    if srgb:
        out[: len(srgb)] = linear(srgb)
    return out
