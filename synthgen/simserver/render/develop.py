"""From linear light to CARLA's BGRA bytes: exposure, tone curve, noise (numba and numpy)."""

import math
from functools import cache

import numpy as np

from synthgen.simserver.render import fields
from synthgen.simserver.render.blur import boxed
from synthgen.simserver.render.fields import bits, uniform
from synthgen.simserver.render.packets import fast, making_kernel, poured, single
from synthgen.simserver.render.records import F32, F64
from synthgen.simserver.render.specs import CameraSpec

# Tones are looked up by the exponent and eight bits of the mantissa, from 2^-17 to 2^5.
TONE_SHIFT = 15
FIRST_TONE = (127 - 17) << 23
TONES = 22 << 8
# The tone curve pales colours; cameras put them back.
SATURATION = np.float32(1.18)
# An exposure of 1 suits this mean light; noon streets are near it.
_KEY = 0.13
# The eye's and the sensor's limits: nights stay dark.
_DARKEST, _BRIGHTEST = 0.2, 6.5


def exposure_of(picture: F32, spec: CameraSpec) -> float:
    """Factor on linear light.

    `histogram` meters the log mean of the frame itself, so a frame depends on no other one;
    CARLA's exposure_min_bright and exposure_max_bright are not used. `manual` is calibrated so
    that CARLA's defaults (iso 100, 1/200 s, f/1.4) suit noon.
    """
    if spec.exposure_mode == "manual":
        photographic = spec.iso / 100.0 * 200.0 / spec.shutter_speed * (1.4 / spec.fstop) ** 2
        return float(0.55 * photographic * 2.0**spec.exposure_compensation)
    light = picture[::8, ::8] @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    mean = float(np.exp(np.mean(np.log(np.clip(light, 1e-4, 6.0)))))
    factor = min(max(_KEY / mean**0.9, _DARKEST), _BRIGHTEST)
    return float(factor * 2.0**spec.exposure_compensation)


def white_balance(env: F32) -> F64:
    """(3,) gains that take half of the daylight's colour out, as cameras do."""
    sun = env[fields.SUNLIGHT : fields.SUNLIGHT + 3] * max(float(env[fields.SUN + 2]), 0.15)
    sky = env[fields.AMBIENT : fields.AMBIENT + 3] + env[fields.AMBIENT + 9 : fields.AMBIENT + 12]
    white = sun + sky + 1e-4
    return np.asarray((white.mean() / white) ** 0.5, np.float64)


@cache
def tone_curve(gamma: float) -> F32:
    """(TONES,) output 0..1, by the leading bits of exposed light as float32.

    Source: Narkowicz 2015, "ACES filmic tone mapping curve"; then 1 / gamma.
    """
    words = (np.arange(TONES, dtype=np.int32) << TONE_SHIFT) + FIRST_TONE
    x = words.view(np.float32).astype(np.float64)
    curve = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0)
    curve[0] = 0.0
    return np.asarray(curve ** (1.0 / gamma), np.float32)


def bloom_of(picture: F32, gains: F64, intensity: float) -> F32:
    """(h, w, 3) float32 light that the lens scatters, a quarter of the size; empty for none.

    What is brighter than white spreads over three radii.
    """
    small = np.ascontiguousarray(picture[1::4, 1::4]) * gains.astype(np.float32)
    bright = np.clip(small - 1.2, 0.0, 12.0)
    if intensity <= 0.0 or not bright.any():
        return np.zeros((0, 0, 3), np.float32)
    spread = np.zeros_like(bright)
    for radius, weight in ((1, 0.5), (4, 0.3), (12, 0.2)):
        spread += np.float32(weight) * boxed(boxed(bright, radius), radius)
    return np.asarray(spread * np.float32(0.35 * intensity), np.float32)


@fast
def streaks(seed, y, x, rain, slant, scale):
    """Share of a pixel that falling drops cover: three layers of hashed streaks."""
    cover = 0.0
    for layer in range(3):
        wide = (1.0 + 0.8 * layer) * scale
        high = (22.0 + 26.0 * layer) * scale
        u = (x + y * slant) / wide
        column = math.floor(u)
        v = y / high + 97.0 * uniform(seed + layer, column)
        row = math.floor(v)
        key = bits(seed + 31 * layer + column, row)
        if (key & 1023) < rain * (34.0 - 7.0 * layer):
            t = v - row
            across = 1.0 - abs(2.0 * (u - column) - 1.0)
            cover = max(cover, 4.0 * t * (1.0 - t) * across * (0.12 + 0.07 * layer))
    return cover


@fast
def spread_light(bloom, y, x, c):
    """Bloom at a pixel, bilinear."""
    v = min(max((y - 1.0) * 0.25, 0.0), bloom.shape[0] - 1.001)
    u = min(max((x - 1.0) * 0.25, 0.0), bloom.shape[1] - 1.001)
    a, b = int(v), int(u)
    v -= a
    u -= b
    top = bloom[a, b, c] * (1.0 - u) + bloom[a, b + 1, c] * u
    return top * (1.0 - v) + (bloom[a + 1, b, c] * (1.0 - u) + bloom[a + 1, b + 1, c] * u) * v


@single
def expose(picture, bloom, gains, y, row):
    """Exposed light of a row, with its colours deepened and what the lens scatters."""
    red, green, blue = gains[0], gains[1], gains[2]
    for x in range(picture.shape[1]):
        r = picture[y, x, 0] * red
        g = picture[y, x, 1] * green
        b = picture[y, x, 2] * blue
        grey = 0.2126 * r + 0.7152 * g + 0.0722 * b
        row[3 * x] = grey + SATURATION * (r - grey)
        row[3 * x + 1] = grey + SATURATION * (g - grey)
        row[3 * x + 2] = grey + SATURATION * (b - grey)
    if bloom.shape[0] > 1 and bloom.shape[1] > 1:
        for x in range(picture.shape[1]):
            for c in range(3):
                row[3 * x + c] += spread_light(bloom, y, x, c)


@single
def tone(curve, row):
    """Replace exposed light by the tone curve's values."""
    words = row.view(np.int32)
    for i in range(len(row)):
        # Deepened colours may be below zero; bits of a sign would run over.
        above = np.int32(max(words[i], np.int32(FIRST_TONE)) - np.int32(FIRST_TONE))
        words[i] = min(np.int32(above >> np.int32(TONE_SHIFT)), np.int32(TONES - 1))
    for i in range(len(row)):
        row[i] = curve[words[i]]


@making_kernel
def develop_rows(picture, bloom, curve, gains, weather, noise, seed, out, first_row, last_row):
    """Rows of BGRA words from linear light; noise grows with light.

    `weather` is rain 0..1, the slant of its streaks, and their scale.
    """
    row = np.empty(3 * picture.shape[1], np.float32)
    for y in range(first_row, last_row):
        expose(picture, bloom, gains, y, row)
        tone(curve, row)
        if weather[0] > 0.0:
            draw_rain(row, weather, seed, y)
        grain(row, np.float32(noise), seed, out, y)


@single
def draw_rain(row, weather, seed, y):
    """Streaks over a row of tones."""
    rain, slant, scale = weather[0], weather[1], weather[2]
    for x in range(len(row) // 3):
        wet = streaks(seed, y, x, rain, slant, scale)
        for c in range(3):
            row[3 * x + c] += wet * (0.8 - row[3 * x + c])


@single
def grain(row, noise, seed, out, y):
    """A row of words from tones, with the sensor's noise."""
    for x in range(out.shape[1]):
        # The sum of two uniform numbers is close enough to a normal one.
        n = np.int32(bits(seed + x, y))
        luma = 1.84 * ((share(n, 0, 255) + share(n, 8, 255)) * (1.0 / 255.0) - 1.0)
        r, g, b = row[3 * x], row[3 * x + 1], row[3 * x + 2]
        r += noise * (luma + 1.13 * (share(n, 16, 31) * (1.0 / 15.5) - 1.0)) * (0.5 + r)
        g += noise * (luma + 1.13 * (share(n, 21, 31) * (1.0 / 15.5) - 1.0)) * (0.5 + g)
        b += noise * (luma + 1.13 * (share(n, 26, 31) * (1.0 / 15.5) - 1.0)) * (0.5 + b)
        high = np.uint32(np.uint32(0xFF00) | level(r))
        low = np.uint32(np.uint32(level(g) << np.uint32(8)) | level(b))
        out[y, x] = np.uint32(np.uint32(high << np.uint32(16)) | low)


@poured
def share(word, shift, mask):
    """Some bits of a word as a number."""
    return np.float32(np.int32(np.int32(word >> np.int32(shift)) & np.int32(mask)))


@poured
def level(tone):
    """A tone as a byte."""
    return np.uint32(np.int32(min(max(tone, 0.0), 1.0) * 255.0 + 0.5))
