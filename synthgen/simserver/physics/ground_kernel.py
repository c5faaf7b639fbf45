"""Height queries on the ground, for the kernels."""

import math

from numba import njit

# A surface more than this above a body's feet is not its ground: the body is under the map.
REACH_M = 1.0
NO_GROUND = -1e30


@njit(nogil=True, error_model="numpy")
def _bilinear(z, x, y):
    rows, columns = z.shape
    x = min(max(x, 0.0), columns - 1.000001)
    y = min(max(y, 0.0), rows - 1.000001)
    column, row = int(x), int(y)
    u, v = x - column, y - row
    low = z[row, column] * (1.0 - u) + z[row, column + 1] * u
    high = z[row + 1, column] * (1.0 - u) + z[row + 1, column + 1] * u
    return low * (1.0 - v) + high * v


@njit(nogil=True, error_model="numpy")
def ground_height(z, upper, origin_x, origin_y, per_cell, x, y, foot_z):
    """Height of the ground under a point, NO_GROUND where there is none.

    `upper` is the height of bridge decks, of shape (0, 0) in a map without any. Beyond the grid
    its edge goes on.
    """
    gx, gy = (x - origin_x) * per_cell, (y - origin_y) * per_cell
    if upper.shape[0] > 0:
        deck = _bilinear(upper, gx, gy)
        if math.isfinite(deck) and deck - foot_z < REACH_M:
            return deck
    height = _bilinear(z, gx, gy)
    if not math.isfinite(height) or height - foot_z > REACH_M:
        return NO_GROUND
    return height
