"""Road, paint on it, pavement, grass and soil, in lanes (numba).

Every pattern is averaged over the footprint of the pixel, so nothing flickers with distance.
"""

import numpy as np

from synthgen.simserver.render.coats import by_map, paint, shade_by, towards
from synthgen.simserver.render.fields import (
    FBM,
    PUDDLES,
    WET,
    WHITE,
    band,
    layer,
    mix,
    ramp,
    stripes,
    uniform,
)
from synthgen.simserver.render.hits import EARTH, KERBS, LAWN, PAVING, ROAD
from synthgen.simserver.render.lanes import (
    EIGHT,
    F0,
    GLOSS,
    LAYER_1,
    LAYER_2,
    LAYER_3,
    LAYER_4,
    NZ,
    PX,
    PY,
    WIDTH,
    WORD,
    WRAP,
    whole,
    word_of,
)
from synthgen.simserver.render.packets import poured, single
from synthgen.simserver.scene import Material

ASPHALT = np.int32(Material.ASPHALT)
LANE_PAINT_WHITE = np.int32(Material.LANE_PAINT_WHITE)
LANE_PAINT_YELLOW = np.int32(Material.LANE_PAINT_YELLOW)
GRASS = np.int32(Material.GRASS)
SOIL = np.int32(Material.SOIL)


@poured
def grounds(tex, env, h, ends):
    """Surfaces of all families of ground, which come first."""
    road(tex, h, np.uint64(0), np.uint64(ends[ROAD]))
    paving(tex, h, np.uint64(ends[ROAD]), np.uint64(ends[PAVING]))
    kerbs(tex, h, np.uint64(ends[PAVING]), np.uint64(ends[KERBS]))
    lawn(tex, h, np.uint64(ends[KERBS]), np.uint64(ends[LAWN]))
    earth(tex, h, np.uint64(ends[LAWN]), np.uint64(ends[EARTH]))
    if env[WET] > 0.0:
        wetten(tex, env[WET], env[PUDDLES], h, np.uint64(ends[EARTH]))


@single
def broad_and_grain(tex, h, first, last):
    """Two layers that all ground has."""
    by_map(h, first, last)
    layer(tex, FBM, h, first, last, 9.0, 0.0, 0.0, LAYER_1)
    layer(tex, WHITE, h, first, last, 55.0, 0.0, 0.0, LAYER_2)


@single
def road(tex, h, first, last):
    """Asphalt with cracks, and worn paint on it."""
    if first == last:
        return
    broad_and_grain(tex, h, first, last)
    layer(tex, FBM, h, first, last, 1.7, 91.0, 0.0, LAYER_3)
    layer(tex, FBM, h, first, last, 21.0, 40.0, 17.0, LAYER_4)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            m = np.int32(word_of(h[WORD + k]) & np.int32(255))
            w = h[WIDTH + k]
            broad, grain, wide = h[LAYER_1 + k], h[LAYER_2 + k], h[LAYER_3 + k]
            tone = (1.0 + 0.5 * broad + 0.36 * grain) * (1.0 + 0.7 * wide)
            crack = 1.0 - 0.6 * band(h[LAYER_4 + k], -0.004, 0.004, 0.012 + w * 0.35)
            tone *= crack if w < 0.12 and wide > 0.02 else 1.0
            worn = 0.9 - 0.75 * ramp(0.06, 0.28, broad + 0.25 * grain)
            worn = 0.0 if m == ASPHALT else worn
            white = m == LANE_PAINT_WHITE
            red, green, blue = (
                (0.62 if white else 0.60),
                (0.62 if white else 0.40),
                (0.6 if white else 0.07),
            )
            paint(h, k, 0.088 * tone, 0.088 * tone, 0.089 * tone, 0.03, 0.0)
            towards(h, k, red, green, blue, worn)


@single
def paving(tex, h, first, last):
    """Slabs of 0.6 m."""
    if first == last:
        return
    broad_and_grain(tex, h, first, last)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            x, y, w = h[PX + k], h[PY + k], h[WIDTH + k]
            joint = max(stripes(x, 0.6, 0.012, w), stripes(y, 0.6, 0.012, w))
            slab = uniform(whole(x / 0.6), whole(y / 0.6)) - 0.5
            tone = (1.0 + 0.4 * h[LAYER_1 + k] + 0.25 * h[LAYER_2 + k]) * (1.0 - 0.55 * joint)
            tone *= 1.0 + 0.16 * slab * ramp(0.9, 0.2, w)
            paint(h, k, 0.27 * tone, 0.263 * tone, 0.25 * tone, 0.03, 0.0)


@single
def kerbs(tex, h, first, last):
    """Stones of 1 m."""
    if first == last:
        return
    broad_and_grain(tex, h, first, last)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            joint = stripes(h[PX + k] + h[PY + k], 1.0, 0.012, h[WIDTH + k])
            tone = (1.0 + 0.35 * h[LAYER_1 + k] + 0.3 * h[LAYER_2 + k]) * (1.0 - 0.5 * joint)
            paint(h, k, 0.33 * tone, 0.325 * tone, 0.315 * tone, 0.03, 0.0)


@single
def lawn(tex, h, first, last):
    """Grass in tufts, dry in places."""
    if first == last:
        return
    broad_and_grain(tex, h, first, last)
    layer(tex, WHITE, h, first, last, 14.0, 0.0, 0.0, LAYER_3)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            tone = (1.0 + 0.7 * h[LAYER_3 + k]) * (1.0 + 0.7 * h[LAYER_2 + k])
            dry = ramp(-0.15, 0.25, h[LAYER_1 + k])
            red, green = mix(0.052, 0.105, dry) * tone, mix(0.082, 0.092, dry) * tone
            paint(h, k, red, green, 0.03 * tone, 0.0, 0.0)
            h[WRAP + k] = 0.3


@single
def earth(tex, h, first, last):
    """Soil and gravel."""
    if first == last:
        return
    broad_and_grain(tex, h, first, last)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            soil = np.int32(word_of(h[WORD + k]) & np.int32(255)) == SOIL
            tone = 1.0 + 0.6 * h[LAYER_1 + k] + 0.8 * h[LAYER_2 + k]
            red, green, blue = (
                (0.17 if soil else 0.27),
                (0.125 if soil else 0.26),
                (0.085 if soil else 0.24),
            )
            paint(h, k, red * tone, green * tone, blue * tone, 0.0, 0.0)


@single
def wetten(tex, wet, puddles, h, last):
    """Rain darkens the ground; where it stands, the ground mirrors."""
    by_map(h, np.uint64(0), last)
    layer(tex, FBM, h, np.uint64(0), last, 22.0, 12.0, 70.0, LAYER_1)
    for s in range(np.uint64(0), last, EIGHT):
        for k in range(s, s + EIGHT):
            m = np.int32(word_of(h[WORD + k]) & np.int32(255))
            level = h[NZ + k] > 0.6 and m != GRASS
            low = 0.5 + h[LAYER_1 + k] + 0.30 * puddles
            pool = ramp(0.66, 0.74, low) * min(1.0, puddles * 4.0)
            dark = (1.0 - 0.42 * wet) * (1.0 - 0.35 * pool)
            smooth = wet * (0.45 if m <= LANE_PAINT_YELLOW else 0.22)
            shade_by(h, k, dark if level else 1.0)
            h[F0 + k] = mix(0.03, 0.045, pool) if level else h[F0 + k]
            h[GLOSS + k] = max(smooth, pool) if level else h[GLOSS + k]
