"""Box filters of pictures (numba)."""

import numpy as np

from synthgen.kernels import kernel
from synthgen.simserver.render.records import F32

# Sums in the order they are written in, so that every machine gets the same bytes.
exact = kernel(nogil=True, error_model="numpy")


def boxed(picture: F32, radius: int) -> F32:
    """Box filter of 2 * radius + 1 pixels down and across, edges repeated.

    Args:
        picture: (h, w, 3) float32.
        radius: Pixels on each side of the middle one.
    """
    height, width, channels = picture.shape
    out = np.empty((height, width * channels), np.float32)
    _down(picture.reshape(height, width * channels), radius, out)
    _across(out, radius, channels)
    return out.reshape(picture.shape)


@exact
def _down(rows: F32, radius: int, out: F32) -> None:
    """Means of 2 * radius + 1 rows: differences of running totals."""
    height, width = rows.shape
    size = 2 * radius + 1
    totals = np.zeros((height + size, width), np.float64)
    for i in range(height + size):
        row = min(max(i - radius - 1, 0), height - 1)
        before = max(i - 1, 0)
        for k in range(width):
            totals[i, k] = totals[before, k] + rows[row, k]
    for i in range(height):
        for k in range(width):
            out[i, k] = (totals[i + size, k] - totals[i, k]) / size


@exact
def _across(rows: F32, radius: int, channels: int) -> None:
    """Means of 2 * radius + 1 pixels of each row, in place."""
    height, width = rows.shape[0], rows.shape[1] // channels
    size = 2 * radius + 1
    totals = np.zeros((width + size, channels), np.float64)
    for i in range(height):
        for k in range(width + size):
            column = min(max(k - radius - 1, 0), width - 1)
            for c in range(channels):
                before = totals[k - 1, c] if k > 0 else 0.0
                totals[k, c] = before + rows[i, column * channels + c]
        for k in range(width):
            for c in range(channels):
                rows[i, k * channels + c] = (totals[k + size, c] - totals[k, c]) / size
