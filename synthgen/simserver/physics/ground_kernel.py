"""Height queries on the ground, for the kernels."""

import math

from synthgen.simserver.physics.compiled import fast

# A surface more than this above a body's feet is not its ground: the body is under the map.
REACH_M = 1.0
NO_GROUND = -1e30


@fast
def _bilinear(z, x, y):
    rows, columns = z.shape
    x = min(max(x, 0.0), columns - 1.000001)
    y = min(max(y, 0.0), rows - 1.000001)
    column, row = int(x), int(y)
    u, v = x - column, y - row
    low = z[row, column] * (1.0 - u) + z[row, column + 1] * u
    high = z[row + 1, column] * (1.0 - u) + z[row + 1, column + 1] * u
    return low * (1.0 - v) + high * v


@fast
def ground_height(ground, x, y, foot_z):
    """Height of the ground under a point, NO_GROUND where there is none.

    `ground` is the height field, that of the bridge decks (of shape (0, 0) in a map without
    any), x and y of their corner, and cells per metre. Beyond the grid its edge goes on.
    """
    z, upper, origin_x, origin_y, per_cell = ground
    gx, gy = (x - origin_x) * per_cell, (y - origin_y) * per_cell
    if upper.shape[0] > 0:
        deck = _bilinear(upper, gx, gy)
        if math.isfinite(deck) and deck - foot_z < REACH_M:
            return deck
    height = _bilinear(z, gx, gy)
    if not math.isfinite(height) or height - foot_z > REACH_M:
        return NO_GROUND
    return height
