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

    `ground` is the height field, those of the bridge decks above it (of shape (0, 0, 0) in a map
    without any), x and y of their corner, and cells per metre. Beyond the grid its edge goes on.
    """
    z, decks, origin_x, origin_y, per_cell = ground
    gx, gy = (x - origin_x) * per_cell, (y - origin_y) * per_cell
    if decks.shape[0] > 0:
        return _height_on_a_level(z, decks, gx, gy, foot_z)
    height = _bilinear(z, gx, gy)
    if not math.isfinite(height) or height - foot_z > REACH_M:
        return NO_GROUND
    return height


@fast
def _height_on_a_level(z, decks, x, y, foot_z):
    """Bilinear height of the highest surface within reach of the feet at each node of a cell.

    A surface may be a deck at one node and the lowest of all at the next, where the road below
    it ends; a node without any surface within reach does not count.
    """
    rows, columns = z.shape
    x = min(max(x, 0.0), columns - 1.000001)
    y = min(max(y, 0.0), rows - 1.000001)
    column, row = int(x), int(y)
    u, v = x - column, y - row
    height = weight = 0.0
    for corner in range(4):
        i, j = corner // 2, corner % 2
        share = (v if i else 1.0 - v) * (u if j else 1.0 - u)
        level = z[row + i, column + j]
        for deck in range(decks.shape[0]):
            # The lowest comes first, and NaN, which is no deck, compares as false.
            if decks[deck, row + i, column + j] - foot_z < REACH_M:
                level = decks[deck, row + i, column + j]
        if math.isfinite(level) and level - foot_z <= REACH_M:
            height += share * level
            weight += share
    return height / weight if weight > 0.0 else NO_GROUND
