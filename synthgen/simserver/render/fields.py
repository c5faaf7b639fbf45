"""Small functions of position that surfaces and sky are made of (numba)."""

import numpy as np

from synthgen.simserver.render.lanes import (
    ABOVE,
    AX,
    AY,
    DX,
    DY,
    DZ,
    EIGHT,
    NOISE,
    RIGHT,
    TEXEL,
    TEXEL_ABOVE,
    WIDTH,
    as_lane,
    copy_row,
    exponential,
    word_of,
)
from synthgen.simserver.render.packets import poured, single

# Where the chains of white and of fractal noise begin among the texels.
WHITE, FBM = np.int32(0), np.int32(87380)
_SIZE = np.int32(256)
_TEXELS = np.int32(_SIZE * _SIZE)
_ONE = np.int32(1)

# Columns of the environment (float32).
SUN = 0  # 3: direction towards it
SUNLIGHT = 3  # 3: irradiance over pi
AMBIENT = 6  # 12: constant, x, y, z
FOG = 18  # extinction per metre
FOG_START = 19
FOG_FALLOFF = 20
NIGHT = 21
WET = 22
PUDDLES = 23
DISC = 24
VEIL = 25  # 3: fog's colour
VEIL_SUN = 28  # 3: fog's colour, share that follows the sun's azimuth
VEIL_AXIS = 31  # 2: the sun's azimuth
GRID = 33  # 4: light cells' origin x, y, 1 / size, cells a side
SHADE_GRID = 37  # 4: the same of the cells of bodies on the ground
RAIN = 41
WIND = 42
ENV_COLUMNS = 44


@poured
def bits(x, y):
    """32 hashed bits of two integers."""
    n = np.uint32(np.uint32(x) * np.uint32(374761393) + np.uint32(y) * np.uint32(668265263))
    n = np.uint32((n ^ np.uint32(n >> np.uint32(13))) * np.uint32(1274126177))
    n = np.uint32((n ^ np.uint32(n >> np.uint32(16))) * np.uint32(2246822519))
    return np.uint32(n ^ np.uint32(n >> np.uint32(13)))


@poured
def uniform(x, y):
    """Hashed number in 0..1 of two integers, a multiple of 2^-24."""
    return np.float32(np.int32(bits(x, y) >> np.uint32(8))) * (1.0 / 16777216.0)


@single
def sample(textures, kind, h, first, last, across, up, width, shift, lift):
    """Noise, less its mean of 0.5, into the row NOISE.

    (AX, AY) times `across` and `up` are texels, which `shift` and `lift` move; the mean is over
    WIDTH times `width` of them.
    """
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            # The exponents of float32 numbers: of the width, and of the power of two that scales.
            exponent = np.int32(word_of(h[WIDTH + k] * width) >> np.int32(23))
            level = np.int32(min(max(np.int32(exponent - np.int32(126)), np.int32(0)), np.int32(7)))
            scale = as_lane(np.int32(np.int32(127) - level) << np.int32(23))
            x = (h[AX + k] * across + shift) * scale - 0.5
            y = (h[AY + k] * up + lift) * scale - 0.5
            fx = np.floor(x)
            fy = np.floor(y)
            side = np.int32(_SIZE >> level)
            mask = np.int32(side - _ONE)
            finer = np.int32(np.int32(_TEXELS - np.int32(side * side)) * np.int32(4))
            start = np.int32(kind + np.int32(finer // np.int32(3)))
            column = np.int32(start + np.int32(np.int32(fx) & mask))
            row = np.int32(fy)
            h[TEXEL + k] = as_lane(column + np.int32(np.int32(row & mask) * side))
            row = np.int32(np.int32(row + _ONE) & mask)
            h[TEXEL_ABOVE + k] = as_lane(column + np.int32(row * side))
            h[RIGHT + k] = x - fx
            h[ABOVE + k] = y - fy
    for k in range(first, last):
        h[TEXEL + k] = as_lane(textures[word_of(h[TEXEL + k])])
        h[TEXEL_ABOVE + k] = as_lane(textures[word_of(h[TEXEL_ABOVE + k])])
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            x = h[RIGHT + k]
            low = between(word_of(h[TEXEL + k]), x)
            h[NOISE + k] = (
                low + (between(word_of(h[TEXEL_ABOVE + k]), x) - low) * h[ABOVE + k] - 0.5
            )


@poured
def between(pair, share):
    """Between the two 16-bit halves of a word, as numbers from 0 to 1."""
    left = np.float32(np.int32(pair & np.int32(0xFFFF)))
    right = np.float32(np.int32(np.int32(pair >> np.int32(16)) & np.int32(0xFFFF)))
    return (left + (right - left) * share) * (1.0 / 65535.0)


@poured
def layer(textures, kind, h, first, last, scale, shift, lift, row):
    """Noise of one scale into a row of the caller's."""
    sample(textures, kind, h, first, last, scale, scale, scale, shift, lift)
    copy_row(h, row, NOISE, first, last)


@poured
def stripes(x, period, thick, width):
    """Mean over `width` of stripes [0, thick) that repeat with a period."""
    width = max(width, 1e-4)
    x = x - np.floor(x / period) * period
    lo = x - 0.5 * width
    hi = x + 0.5 * width
    n = np.floor(lo / period)
    m = np.floor(hi / period)
    covered = (m - n) * thick + min(hi - m * period, thick) - min(lo - n * period, thick)
    return covered / width


@poured
def band(x, low, high, width):
    """Mean over `width` of the band [low, high)."""
    width = max(width, 1e-4)
    return max(0.0, min(high, x + 0.5 * width) - max(low, x - 0.5 * width)) / width


@poured
def ramp(low, high, x):
    """Smooth step from 0 at low to 1 at high."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@poured
def mix(a, b, t):
    """A at t = 0, b at t = 1."""
    return a + (b - a) * t


@poured
def decay(x):
    """exp(-x) for x >= 0, to 1e-6 below 1 and 0.2 % at 20; four times faster than libm's."""
    y = max(1.0 - x * (1.0 / 64.0) * (1.0 - x * (1.0 / 128.0) * (1.0 - x * (1.0 / 192.0))), 0.0)
    y *= y
    y *= y
    y *= y
    y *= y
    y *= y
    return y * y


@poured
def turn(y, x):
    """Azimuth over one turn, in 0..1, to 1e-5 of a turn (a polynomial: the same everywhere)."""
    ax = abs(x)
    ay = abs(y)
    q = min(ax, ay) / max(max(ax, ay), 1e-20)
    s = q * q
    # Abramowitz and Stegun 4.4.49, over 2 pi.
    r = q * (0.9998660 + s * (-0.3302995 + s * (0.1801410 + s * (-0.0851330 + s * 0.0208351))))
    r *= 0.15915494309
    r = 0.25 - r if ay > ax else r
    r = 0.5 - r if x < 0.0 else r
    return 1.0 - r if y < 0.0 else r


@single
def sky(table, h, first, last, red, green, blue):
    """Radiance from the rays' directions, without the sun's disc, into three rows."""
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            dz = h[DZ + k]
            v = 0.5 * np.sqrt(abs(dz))
            y = min(max((0.5 - v if dz >= 0.0 else 0.5 + v) * 256.0 - 0.5, 0.0), 254.999)
            x = turn(h[DY + k], h[DX + k]) * 1024.0 - 0.5
            fx = np.floor(x)
            fy = np.floor(y)
            column = np.int32(np.int32(fx) & np.int32(1023))
            row = np.int32(np.int32(fy) * np.int32(1024))
            h[TEXEL + k] = as_lane(row + column)
            h[TEXEL_ABOVE + k] = as_lane(row + np.int32(np.int32(column + _ONE) & np.int32(1023)))
            h[RIGHT + k] = x - fx
            h[ABOVE + k] = y - fy
    for k in range(first, last):
        x, y = h[RIGHT + k], h[ABOVE + k]
        p, q = (1.0 - x) * (1.0 - y), x * (1.0 - y)
        r, t = (1.0 - x) * y, x * y
        a, b = word_of(h[TEXEL + k]), word_of(h[TEXEL_ABOVE + k])
        c, d = a + 1024, b + 1024
        h[red + k] = table[a, 0] * p + table[b, 0] * q + table[c, 0] * r + table[d, 0] * t
        h[green + k] = table[a, 1] * p + table[b, 1] * q + table[c, 1] * r + table[d, 1] * t
        h[blue + k] = table[a, 2] * p + table[b, 2] * q + table[c, 2] * r + table[d, 2] * t


@poured
def clarity(fog_per_m, start, falloff, z0, dz, distance):
    """Share of light that passes the fog from height z0 along a ray."""
    rise = falloff * dz * distance
    thin = decay(max(falloff * z0, 0.0))
    even = abs(rise) <= 1e-4
    rise = 1.0 if even else rise
    thin *= 1.0 if even else (1.0 - exponential(-rise)) / rise
    return decay(fog_per_m * max(thin, 0.0) * max(distance - start, 0.0))
