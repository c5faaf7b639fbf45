"""Small functions of position that surfaces and sky are made of (numba)."""

import math

import numpy as np

from synthgen.simserver.render.packets import fast

WHITE, FBM = 0, 1
_SIZE = 256
_TEXELS = _SIZE * _SIZE

# Columns of the environment (float64).
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


@fast
def bits(x, y):
    """32 hashed bits of two integers."""
    n = (x * 374761393 + y * 668265263) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 16)) * 2246822519) & 0xFFFFFFFF
    return n ^ (n >> 13)


@fast
def uniform(x, y):
    """Hashed number in 0..1 of two integers."""
    return (bits(x, y) >> 8) * (1.0 / 16777216.0)


@fast
def noise(textures, kind, x, y, width):
    """Noise at (x, y), in texels, averaged over `width` texels."""
    # The exponents of float32 numbers: of the width, and of the power of two that scales it.
    level = min(max((int(np.float32(width).view(np.int32)) >> 23) - 126, 0), 7)
    scale = np.int32((127 - level) << 23).view(np.float32)
    x = x * scale - 0.5
    y = y * scale - 0.5
    fx = math.floor(x)
    fy = math.floor(y)
    mask = (_SIZE >> level) - 1
    start = (_TEXELS - (_TEXELS >> (2 * level))) * 4 // 3
    a = int(fx) & mask
    b = (a + 1) & mask
    c = start + (int(fy) & mask) * (mask + 1)
    d = start + ((int(fy) + 1) & mask) * (mask + 1)
    x -= fx
    y -= fy
    top = textures[kind, c + a] + (textures[kind, c + b] - textures[kind, c + a]) * x
    bottom = textures[kind, d + a] + (textures[kind, d + b] - textures[kind, d + a]) * x
    return top + (bottom - top) * y


@fast
def stripes(x, period, thick, width):
    """Mean over `width` of stripes [0, thick) that repeat with a period."""
    width = max(width, 1e-4)
    lo = x - 0.5 * width
    hi = x + 0.5 * width
    n = math.floor(lo / period)
    m = math.floor(hi / period)
    covered = (m - n) * thick + min(hi - m * period, thick) - min(lo - n * period, thick)
    return covered / width


@fast
def band(x, low, high, width):
    """Mean over `width` of the band [low, high)."""
    width = max(width, 1e-4)
    return max(0.0, min(high, x + 0.5 * width) - max(low, x - 0.5 * width)) / width


@fast
def ramp(low, high, x):
    """Smooth step from 0 at low to 1 at high."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@fast
def mix(a, b, t):
    """A at t = 0, b at t = 1."""
    return a + (b - a) * t


@fast
def decay(x):
    """exp(-x) for x >= 0, to 1e-6 below 1 and 0.2 % at 20; four times faster than libm's."""
    y = max(1.0 - x * (1.0 / 64.0) * (1.0 - x * (1.0 / 128.0) * (1.0 - x * (1.0 / 192.0))), 0.0)
    y *= y
    y *= y
    y *= y
    y *= y
    y *= y
    return y * y


@fast
def turn(y, x):
    """Azimuth over one turn, in 0..1, to 1e-5 of a turn (a polynomial: the same everywhere)."""
    ax = abs(x)
    ay = abs(y)
    q = min(ax, ay) / max(max(ax, ay), 1e-20)
    s = q * q
    # Abramowitz and Stegun 4.4.49, over 2 pi.
    r = q * (0.9998660 + s * (-0.3302995 + s * (0.1801410 + s * (-0.0851330 + s * 0.0208351))))
    r *= 0.15915494309
    if ay > ax:
        r = 0.25 - r
    if x < 0.0:
        r = 0.5 - r
    if y < 0.0:
        r = 1.0 - r
    return r


@fast
def sky(table, dx, dy, dz):
    """Radiance from a direction, without the sun's disc."""
    v = math.sqrt(abs(dz))
    y = (0.5 - 0.5 * v if dz >= 0.0 else 0.5 + 0.5 * v) * 256.0 - 0.5
    x = turn(dy, dx) * 1024.0 - 0.5
    fx = math.floor(x)
    fy = min(max(math.floor(y), 0.0), 254.0)
    a = int(fx) & 1023
    b = (a + 1) & 1023
    c = int(fy)
    x -= fx
    y = min(max(y - fy, 0.0), 1.0)
    p = (1.0 - x) * (1.0 - y)
    q = x * (1.0 - y)
    r = (1.0 - x) * y
    s = x * y
    return (
        table[c, a, 0] * p + table[c, b, 0] * q + table[c + 1, a, 0] * r + table[c + 1, b, 0] * s,
        table[c, a, 1] * p + table[c, b, 1] * q + table[c + 1, a, 1] * r + table[c + 1, b, 1] * s,
        table[c, a, 2] * p + table[c, b, 2] * q + table[c + 1, a, 2] * r + table[c + 1, b, 2] * s,
    )


@fast
def clarity(env, z0, dz, distance):
    """Share of light that passes the fog from height z0 along a ray."""
    fog = env[FOG]
    through = max(distance - env[FOG_START], 0.0)
    falloff = env[FOG_FALLOFF]
    if falloff > 0.0:
        a = falloff * z0
        b = falloff * dz * distance
        thin = decay(max(a, 0.0))
        if abs(b) > 1e-4:
            thin *= (1.0 - math.exp(-b)) / b
        fog *= max(thin, 0.0)
    return decay(fog * through)


@fast
def veil(env, dx, dy):
    """Colour of fog in a direction."""
    c = (dx * env[VEIL_AXIS] + dy * env[VEIL_AXIS + 1]) / math.sqrt(dx * dx + dy * dy + 1e-9)
    return (
        env[VEIL] + env[VEIL_SUN] * c,
        env[VEIL + 1] + env[VEIL_SUN + 1] * c,
        env[VEIL + 2] + env[VEIL_SUN + 2] * c,
    )
