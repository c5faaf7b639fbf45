"""A batch of hits as rows of numbers side by side, and arithmetic on them (numba).

One flat float32 array holds what is known of a batch: a row of ROOM numbers for each quantity,
hit k's at `h[ROW + k]`. The rows lie at fixed distances, so the compiler sees that they do not
overlap and computes eight hits with one instruction. Loops go in steps of EIGHT and may run past
their last hit, into numbers that are computed later or never used. Indices are unsigned, since
signed ones would be tested for negative values. Integers lie there as their bits.
"""

from collections.abc import Iterator

import numpy as np

from synthgen.simserver.render.embree import LANES
from synthgen.simserver.render.packets import poured

BATCH = 64
EIGHT = np.uint64(LANES)
ROOM = BATCH + LANES


def _rows() -> Iterator[np.uint64]:
    """Where rows start, one after the other."""
    row = 0
    while True:
        yield np.uint64(row * ROOM)
        row += 1


_next = _rows()

# The ray: its length, origin, direction, time; barycentric coordinates of the hit.
T, OX, OY, OZ, DX, DY, DZ, TIME, BARY_U, BARY_V = (next(_next) for _ in range(10))
# Integers: the triangle's code word, instance id, look, row of the slot table.
WORD, INSTANCE, VARIANT, SLOT = (next(_next) for _ in range(4))
# Packed normals and texture coordinates of the three corners.
CORNER_A, CORNER_B, CORNER_C = (next(_next) for _ in range(3))
UV_A, UV_B, UV_C, VV_A, VV_B, VV_C = (next(_next) for _ in range(6))
# The hit: position, normal for light, geometric normal; position and normal in the part's frame.
PX, PY, PZ, NX, NY, NZ, GX, GY, GZ = (next(_next) for _ in range(9))
LX, LY, LZ, HX, HY, HZ = (next(_next) for _ in range(6))
# Surface coordinates and the pixel's width on the surface.
U, V, WIDTH, COS = (next(_next) for _ in range(4))
# The surface.
R, G, B, GLOW_R, GLOW_G, GLOW_B, F0, GLOSS, WRAP = (next(_next) for _ in range(9))
# Light received; where further rays start.
SUN_SHARE, SUN_SEEN, OPEN, LAMP_R, LAMP_G, LAMP_B = (next(_next) for _ in range(6))
KEY_R, KEY_G, KEY_B, MIRROR, MIRROR_R, MIRROR_G, MIRROR_B = (next(_next) for _ in range(7))
START_X, START_Y, START_Z = (next(_next) for _ in range(3))
# Light that leaves for the eye: all of it, the sky's part, the sun's part.
LIGHT_R, LIGHT_G, LIGHT_B = (next(_next) for _ in range(3))
SKY_R, SKY_G, SKY_B, SUN_R, SUN_G, SUN_B = (next(_next) for _ in range(6))
# Noise: where it is looked up, what is found; between its passes texels and weights.
AX, AY, NOISE = (next(_next) for _ in range(3))
TEXEL, TEXEL_ABOVE, RIGHT, ABOVE = (next(_next) for _ in range(4))
# Layers of a material, while it is mixed.
LAYER_1, LAYER_2, LAYER_3, LAYER_4 = (next(_next) for _ in range(4))
LANE_NUMBERS = int(next(_next))


@poured
def word_of(x):
    """The bits of a float32 as int32."""
    return np.float32(x).view(np.int32)


@poured
def as_lane(word):
    """An int32's bits as float32."""
    return np.int32(word).view(np.float32)


@poured
def whole(x):
    """The next lower whole number, as int32."""
    return np.int32(np.floor(x))


@poured
def copy_row(h, target, source, first, last):
    """Copy one row to another."""
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            h[target + k] = h[source + k]


@poured
def fill_row(h, target, value, first, last):
    """Set a row to one number."""
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            h[target + k] = value


@poured
def exponential(x):
    """exp(x) to 7e-6, by a power of two and a polynomial: the same on every processor."""
    y = min(max(x * 1.4426950409, -126.0), 126.0)
    n = np.floor(y + 0.5)
    f = (y - n) * 0.6931471806
    p = 1.0 + f * (1.0 + f * (0.5 + f * (0.16666667 + f * (0.041666667 + f * 0.0083333333))))
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@poured
def logarithm(x):
    """log(x) of a positive number to 1e-7, by its exponent and a series."""
    word = np.float32(x).view(np.int32)
    # Mantissas from 0.707 to 1.414 (0x3F3504F3 is the first): the series is short, and exact at 1.
    n = np.int32(np.int32(word - np.int32(0x3F3504F3)) >> np.int32(23))
    m = np.int32(word - np.int32(n << np.int32(23))).view(np.float32)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    series = 2.0 * s * (1.0 + q * (0.33333333 + q * (0.2 + q * 0.14285714)))
    return np.float32(n) * 0.6931471806 + series
