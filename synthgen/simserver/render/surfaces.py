"""What each material looks like at a point: colour, glow, mirror (numba).

Every pattern is averaged over the footprint of the pixel, so nothing flickers with distance.
Colours are linear.
"""

import math

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render.fields import (
    FBM,
    NIGHT,
    PUDDLES,
    WET,
    WHITE,
    band,
    bits,
    mix,
    noise,
    ramp,
    stripes,
    uniform,
)
from synthgen.simserver.render.hits import (
    LIGHTS,
    MATERIAL,
    NZ,
    PALETTE,
    PX,
    PY,
    PZ,
    TAG,
    VARIANT,
    WIDTH,
    U,
    V,
)
from synthgen.simserver.render.packets import fast
from synthgen.simserver.scene import LIT_GREEN, LIT_RED, LIT_STREET, LIT_YELLOW, Material, Tag

# Columns of a surface.
R, G, B, GLOW_R, GLOW_G, GLOW_B, F0, GLOSS, WRAP = range(9)
SURFACE_COLUMNS = 9

ASPHALT = int(Material.ASPHALT)
LANE_PAINT_WHITE = int(Material.LANE_PAINT_WHITE)
LANE_PAINT_YELLOW = int(Material.LANE_PAINT_YELLOW)
SIDEWALK = int(Material.SIDEWALK)
KERB = int(Material.KERB)
GRASS = int(Material.GRASS)
SOIL = int(Material.SOIL)
CONCRETE = int(Material.CONCRETE)
BRICK = int(Material.BRICK)
FACADE = int(Material.FACADE)
SHOPFRONT = int(Material.SHOPFRONT)
ROOF = int(Material.ROOF)
WINDOW = int(Material.WINDOW)
FOLIAGE = int(Material.FOLIAGE)
BARK = int(Material.BARK)
METAL = int(Material.METAL)
WOOD = int(Material.WOOD)
PLASTIC = int(Material.PLASTIC)
RUBBER = int(Material.RUBBER)
RIM = int(Material.RIM)
CHROME = int(Material.CHROME)
GLASS = int(Material.GLASS)
SKIN = int(Material.SKIN)
HAIR = int(Material.HAIR)
CLOTH = int(Material.CLOTH)
PLATE = int(Material.PLATE)
SIGN_FACE = int(Material.SIGN_FACE)
WATER = int(Material.WATER)
GRAVEL = int(Material.GRAVEL)
HEADLAMP = int(Material.HEADLAMP)
TAIL_LAMP = int(Material.TAIL_LAMP)
BRAKE_LAMP = int(Material.BRAKE_LAMP)
INDICATOR_LEFT = int(Material.INDICATOR_LEFT)
INDICATOR_RIGHT = int(Material.INDICATOR_RIGHT)
REVERSE_LAMP = int(Material.REVERSE_LAMP)
FOG_LAMP = int(Material.FOG_LAMP)
BEACON = int(Material.BEACON)
STREET_LAMP = int(Material.STREET_LAMP)
BULB_RED = int(Material.BULB_RED)
BULB_YELLOW = int(Material.BULB_YELLOW)
BULB_GREEN = int(Material.BULB_GREEN)
PAINT_0 = int(Material.PAINT_0)
PEDESTRIANS, RIDER = int(Tag.PEDESTRIANS), int(Tag.RIDER)
FIRST_VEHICLE, LAST_VEHICLE = int(Tag.CAR), int(Tag.BICYCLE)


DOT_M = 0.044
"""Side of one dot of a shop's letters."""


def _letters(rows: str) -> NDArray[np.int64]:
    """(26,) the dots of each letter: bit 5 * row + column, rows from below."""
    words = [line.split() for line in reversed(rows.split("\n")) if line.strip()]
    return np.array(
        [
            sum(
                1 << (5 * row + column)
                for row, line in enumerate(words)
                for column, dot in enumerate(line[k])
                if dot == "#"
            )
            for k in range(26)
        ],
        np.int64,
    )


# fmt: off
LETTERS = _letters("""
.###. ####. .#### ####. ##### ##### .#### #...# .###. ..### #...# #.... #...# #...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####
#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #..#. #.... ##.## ##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#
#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.# #.#.# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.
##### ####. #.... #...# ####. ####. #..## ##### ..#.. ...#. ##... #.... #.#.# #.#.# #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..
#...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...# #..## #...# #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#...
#...# #...# #.... #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...# #...# #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #....
#...# ####. .#### ####. ##### #.... .#### #...# .###. .##.. #...# ##### #...# #...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. #####
""")  # noqa: E501 (a picture)
# fmt: on
VOWELS = np.array([ord(c) - 65 for c in "AEIOU"], np.int64)
CONSONANTS = np.array([ord(c) - 65 for c in "BDFGKLMNPRSTVZ"], np.int64)


@fast
def paint(out, r, g, b, f0, gloss):
    """Write a surface that does not glow."""
    out[R] = r
    out[G] = g
    out[B] = b
    out[GLOW_R] = 0.0
    out[GLOW_G] = 0.0
    out[GLOW_B] = 0.0
    out[F0] = f0
    out[GLOSS] = gloss
    out[WRAP] = 0.0


@fast
def shade_by(out, k):
    """Darken or brighten."""
    out[R] *= k
    out[G] *= k
    out[B] *= k


@fast
def towards(out, r, g, b, share):
    """Blend the colour towards another."""
    out[R] = mix(out[R], r, share)
    out[G] = mix(out[G], g, share)
    out[B] = mix(out[B], b, share)


@fast
def glow(out, r, g, b):
    """Add light of its own."""
    out[GLOW_R] += r
    out[GLOW_G] += g
    out[GLOW_B] += b


@fast
def ground(m, hit, env, tex, out):  # noqa: C901, PLR0915 (one branch for each material)
    """Road, paint on it, pavement, grass, soil: by position on the map."""
    x = hit[PX]
    y = hit[PY]
    w = hit[WIDTH]
    broad = noise(tex, FBM, x * 9.0, y * 9.0, w * 9.0) - 0.5
    grain = noise(tex, WHITE, x * 55.0, y * 55.0, w * 55.0) - 0.5
    if m <= LANE_PAINT_YELLOW:
        k = 1.0 + 0.5 * broad + 0.36 * grain
        wide = noise(tex, FBM, x * 1.7 + 91.0, y * 1.7, w * 1.7) - 0.5
        k *= 1.0 + 0.7 * wide
        paint(out, 0.088 * k, 0.088 * k, 0.089 * k, 0.03, 0.0)
        if w < 0.12 and wide > 0.02:
            crack = noise(tex, FBM, x * 21.0 + 40.0, y * 21.0 + 17.0, w * 21.0) - 0.5
            shade_by(out, 1.0 - 0.6 * band(crack, -0.004, 0.004, 0.012 + w * 0.35))
        if m != ASPHALT:
            worn = 0.9 - 0.75 * ramp(0.56, 0.78, broad + 0.5 + 0.25 * grain)
            if m == LANE_PAINT_WHITE:
                towards(out, 0.62, 0.62, 0.6, worn)
            else:
                towards(out, 0.60, 0.40, 0.07, worn)
    elif m == SIDEWALK:
        joint = max(stripes(x, 0.6, 0.012, w), stripes(y, 0.6, 0.012, w))
        slab = uniform(math.floor(x / 0.6), math.floor(y / 0.6)) - 0.5
        k = (1.0 + 0.4 * broad + 0.25 * grain) * (1.0 - 0.55 * joint)
        k *= 1.0 + 0.16 * slab * ramp(0.9, 0.2, w)
        paint(out, 0.27 * k, 0.263 * k, 0.25 * k, 0.03, 0.0)
    elif m == KERB:
        k = (1.0 + 0.35 * broad + 0.3 * grain) * (1.0 - 0.5 * stripes(x + y, 1.0, 0.012, w))
        paint(out, 0.33 * k, 0.325 * k, 0.315 * k, 0.03, 0.0)
    elif m == GRASS:
        tuft = noise(tex, WHITE, x * 14.0, y * 14.0, w * 14.0) - 0.5
        k = (1.0 + 0.7 * tuft) * (1.0 + 0.7 * grain)
        dry = ramp(0.35, 0.75, 0.5 + broad)
        paint(out, mix(0.052, 0.105, dry) * k, mix(0.082, 0.092, dry) * k, 0.03 * k, 0.0, 0.0)
        out[WRAP] = 0.3
    elif m == WATER:
        paint(out, 0.012, 0.022, 0.025, 0.03, 1.0)
    else:
        k = 1.0 + 0.6 * broad + 0.8 * grain
        if m == SOIL:
            paint(out, 0.17 * k, 0.125 * k, 0.085 * k, 0.0, 0.0)
        else:
            paint(out, 0.27 * k, 0.26 * k, 0.24 * k, 0.0, 0.0)
    if hit[NZ] > 0.6:
        wetten(m, x, y, w, env, tex, out)


@fast
def wetten(m, x, y, w, env, tex, out):
    """Rain darkens the ground; where it stands, the ground mirrors."""
    wet = env[WET]
    if wet <= 0.0 or m in (GRASS, WATER):
        return
    low = noise(tex, FBM, x * 22.0 + 12.0, y * 22.0 + 70.0, w * 22.0)
    pool = ramp(0.66, 0.74, low + 0.30 * env[PUDDLES]) * min(1.0, env[PUDDLES] * 4.0)
    shade_by(out, (1.0 - 0.42 * wet) * (1.0 - 0.35 * pool))
    out[F0] = mix(0.03, 0.045, pool)
    smooth = 0.45 if m <= LANE_PAINT_YELLOW else 0.22
    out[GLOSS] = max(wet * smooth, pool)


@fast
def brickwork(hit, tex, out, r, g, b):
    """Running bond of 215 x 65 mm bricks with 10 mm joints."""
    u = hit[U]
    v = hit[V]
    w = hit[WIDTH]
    course = math.floor(v / 0.075)
    shift = 0.1125 if int(course) & 1 else 0.0
    joint = max(stripes(v, 0.075, 0.010, w), stripes(u + shift, 0.225, 0.010, w))
    one = uniform(math.floor((u + shift) / 0.225), int(course)) - 0.5
    k = 1.0 + 0.5 * one * ramp(0.25, 0.05, w)
    k *= 1.0 + 0.5 * (noise(tex, FBM, u * 11.0, v * 11.0, w * 11.0) - 0.5)
    paint(out, r * k, g * k, b * k, 0.02, 0.0)
    towards(out, 0.42, 0.40, 0.37, 0.85 * joint)


@fast
def pane(cell, hit, env, out, share):
    """Window glass in front of a room, over `share` of the pixel."""
    room = uniform(cell, 77)
    shade = 0.015 + 0.05 * room * room
    towards(out, shade, shade * 1.04, shade * 1.1, share)
    blind = uniform(cell, 31)
    if blind > 0.62:
        towards(out, 0.34 + 0.2 * room, 0.33 + 0.18 * room, 0.29 + 0.16 * room, 0.55 * share)
    out[F0] = mix(out[F0], 0.085, share)
    out[GLOSS] = mix(out[GLOSS], 0.95, share)
    if env[NIGHT] > 0.0 and uniform(cell, 5) < 0.28:
        e = share * env[NIGHT] * (0.02 + 0.07 * room)
        cool = uniform(cell, 9)
        glow(out, e, e * mix(0.66, 0.9, cool), e * mix(0.32, 0.85, cool))


@fast
def facade(hit, code, env, tex, out):
    """A wall with rows of windows, in a style drawn from the building's variant."""
    n = code[VARIANT]
    u = hit[U]
    v = hit[V]
    w = hit[WIDTH]
    style = uniform(n, 1)
    tone = uniform(n, 2)
    hue = uniform(n, 3)
    storey = 2.9 + 0.7 * uniform(n, 4)
    bay = 1.9 + 1.9 * uniform(n, 6)
    if style < 0.3:
        brickwork(hit, tex, out, mix(0.24, 0.36, tone), mix(0.10, 0.17, tone), 0.075 + 0.05 * hue)
    else:
        stain = noise(tex, FBM, u * 6.0 + n, v * 6.0, w * 6.0) - 0.5
        drip = noise(tex, WHITE, u * 5.0 + n, v * 0.7, w * 5.0) - 0.5
        fine = noise(tex, WHITE, u * 40.0, v * 40.0, w * 40.0) - 0.5
        k = 1.0 + 0.3 * stain + 0.12 * drip + 0.12 * fine
        base = mix(0.2, 0.62, tone) * k
        paint(
            out,
            base * mix(1.0, 1.12, hue),
            base * mix(0.96, 1.0, hue),
            base * mix(0.98, 0.74, hue),
            0.02,
            0.0,
        )
        if style > 0.8:
            k = max(stripes(u, bay, 0.02, w), stripes(v, storey, 0.03, w))
            shade_by(out, 1.0 - 0.4 * k)
    wide = bay * mix(0.42, 0.7, uniform(n, 8))
    sill = 0.85 if style < 0.8 else 0.35
    high = 1.45 if style < 0.8 else storey - 0.75
    su = u + 0.5 * wide - 0.5 * bay
    sv = v - sill
    glass = stripes(su, bay, wide, w) * stripes(sv, storey, high, w)
    frame = stripes(su + 0.07, bay, wide + 0.14, w) * stripes(sv + 0.07, storey, high + 0.14, w)
    towards(out, 0.62, 0.61, 0.58, 0.8 * max(0.0, frame - glass))
    ledge = stripes(su + 0.12, bay, wide + 0.24, w) * stripes(sv + 0.14, storey, 0.08, w)
    shade_by(out, 1.0 - 0.3 * stripes(sv + 0.24, storey, 0.09, w) * ledge)
    if glass > 0.0:
        cell = math.floor(su / bay) * 131 + math.floor(sv / storey) + n * 7919
        pane(cell, hit, env, out, glass)
        mullion = stripes(su - 0.5 * wide + 0.03, bay, 0.06, w)
        towards(out, 0.6, 0.59, 0.57, glass * mullion)


@fast
def letter(word, place):
    """Letter 0 to 25 of a made-up name: consonants and vowels in turn."""
    n = bits(word + 41, place)
    if (place + word) & 1:
        return int(VOWELS[n % len(VOWELS)])
    return int(CONSONANTS[n % len(CONSONANTS)])


@fast
def lettering(u, v, word, length, w):
    """Coverage by a name of so many letters, 0.3 m high, that begins at (0, 0) and runs along u.

    Each letter is 5 x 7 dots; a pixel takes the mean of the dots that it covers.
    """
    if w > 0.3:
        return 0.4 * band(v, 0.0, 7.0 * DOT_M, w) * band(u, 0.0, length * 6.0 * DOT_M, w)
    width = max(w, 1e-3) / DOT_M
    left, low = u / DOT_M - 0.5 * width, v / DOT_M - 0.5 * width
    ink = 0.0
    for row in range(max(math.floor(low), 0), min(math.floor(low + width), 6) + 1):
        high = min(row + 1.0, low + width) - max(row, low)
        last = min(math.floor(left + width), 6 * length - 1)
        for column in range(max(math.floor(left), 0), last + 1):
            place = column // 6
            dot = column - 6 * place
            if dot < 5 and (LETTERS[letter(word, place)] >> (5 * row + dot)) & 1:
                ink += high * (min(column + 1.0, left + width) - max(column, left))
    return ink / (width * width)


@fast
def shopfront(hit, code, env, tex, out):
    """Ground floor: glazing between piers, a door, a lettered band above."""
    n = code[VARIANT]
    u = hit[U]
    v = hit[V]
    w = hit[WIDTH]
    shop = math.floor(u / 6.0) + n * 31
    a = uniform(shop, 1)
    b = uniform(shop, 2)
    k = 1.0 + 0.25 * (noise(tex, FBM, u * 9.0, v * 9.0, w * 9.0) - 0.5)
    paint(out, 0.24 * k, 0.235 * k, 0.23 * k, 0.03, 0.1)
    board = band(v, 2.75, 3.45, w) * stripes(u - 0.25, 6.0, 5.5, w)
    towards(out, mix(0.03, 0.5, a), mix(0.04, 0.3, b), mix(0.25, 0.05, a), board)
    length = 5 + bits(shop, 5) % 6
    start = 3.0 - 3.0 * DOT_M * length
    letters = board * lettering(u - 6.0 * math.floor(u / 6.0) - start, v - 2.94, shop, length, w)
    towards(out, 0.75, 0.73, 0.66, letters)
    glass = stripes(u - 0.35, 6.0, 5.3, w) * band(v, 0.45, 2.6, w)
    pane(shop, hit, env, out, glass)
    towards(out, 0.05, 0.05, 0.05, glass * stripes(u - 0.35, 1.77, 0.07, w))
    door = stripes(u - 4.4, 6.0, 1.0, w) * band(v, 0.0, 2.3, w)
    towards(out, mix(0.02, 0.2, b), 0.06, mix(0.1, 0.03, a), 0.8 * door)
    if env[NIGHT] > 0.0:
        goods = 0.25 + 1.5 * noise(tex, FBM, u * 21.0 + n, v * 13.0, w * 21.0)
        goods *= 1.0 - 0.45 * stripes(v - 0.05, 0.5, 0.04, w)
        e = env[NIGHT] * (0.022 * glass * goods * (0.5 + v) + 0.1 * letters) * (0.4 + a)
        glow(out, e, e * 0.86, e * 0.66)


@fast
def masonry(m, hit, code, env, tex, out):
    """Walls, roofs and the like: by surface coordinates."""
    if m == FACADE:
        facade(hit, code, env, tex, out)
    elif m == SHOPFRONT:
        shopfront(hit, code, env, tex, out)
    elif m == BRICK:
        tone = uniform(code[VARIANT], 2)
        brickwork(hit, tex, out, mix(0.22, 0.36, tone), mix(0.09, 0.17, tone), 0.08)
    elif m == WINDOW:
        paint(out, 0.05, 0.05, 0.05, 0.05, 0.5)
        cell = math.floor(hit[U] / 1.5) * 131 + math.floor(hit[V] / 1.7)
        pane(cell + code[VARIANT] * 7919, hit, env, out, 1.0)
    else:
        u = hit[U]
        v = hit[V]
        w = hit[WIDTH]
        k = 1.0 + 0.5 * (noise(tex, FBM, u * 9.0, v * 9.0, w * 9.0) - 0.5)
        k *= 1.0 + 0.2 * (noise(tex, WHITE, u * 50.0, v * 50.0, w * 50.0) - 0.5)
        if m == ROOF:
            tone = uniform(code[VARIANT], 11)
            paint(out, mix(0.14, 0.32, tone) * k, mix(0.14, 0.16, tone) * k, 0.13 * k, 0.02, 0.0)
        else:
            paint(out, 0.40 * k, 0.39 * k, 0.37 * k, 0.02, 0.0)


@fast
def plant(m, hit, code, tex, out):
    """Leaves and bark."""
    x = hit[PX]
    y = hit[PY]
    z = hit[PZ]
    w = hit[WIDTH]
    n = code[VARIANT]
    if m == FOLIAGE:
        leaf = noise(tex, WHITE, x * 11.0 + z * 7.0, y * 11.0 - z * 6.0, w * 13.0) - 0.5
        clump = noise(tex, FBM, x * 26.0 + z * 16.0, y * 26.0 - z * 14.0, w * 32.0) - 0.5
        k = max(0.15, 1.0 + 1.3 * leaf + 1.5 * clump)
        a = uniform(n, 1)
        b = uniform(n, 2)
        paint(out, mix(0.04, 0.10, a) * k, mix(0.068, 0.105, b) * k, 0.03 * k, 0.0, 0.0)
        out[WRAP] = 0.55
    else:
        ridge = noise(tex, WHITE, (x + y) * 24.0, z * 5.0, w * 24.0) - 0.5
        k = 1.0 + 0.9 * ridge
        paint(out, 0.115 * k, 0.085 * k, 0.06 * k, 0.0, 0.0)


@fast
def thing(m, hit, code, tex, out):  # noqa: C901 (one branch for each material)
    """Parts of vehicles, people and street furniture."""
    n = code[VARIANT]
    if m == GLASS:
        paint(out, 0.012, 0.014, 0.015, 0.06, 1.0)
    elif m == CHROME:
        paint(out, 0.35, 0.35, 0.36, 0.6, 0.9)
    elif m == RIM:
        paint(out, 0.42, 0.42, 0.43, 0.3, 0.5)
    elif m == METAL:
        k = 0.9 + 0.2 * uniform(n, 3)
        paint(out, 0.30 * k, 0.31 * k, 0.32 * k, 0.10, 0.25)
    elif m == RUBBER:
        paint(out, 0.022, 0.022, 0.023, 0.03, 0.08)
    elif m == PLASTIC:
        paint(out, 0.035, 0.035, 0.037, 0.04, 0.2)
    elif m == WOOD:
        k = 1.0 + 0.7 * (noise(tex, WHITE, hit[U] * 4.0, hit[V] * 40.0, hit[WIDTH] * 40.0) - 0.5)
        paint(out, 0.30 * k, 0.19 * k, 0.10 * k, 0.02, 0.05)
    elif m == SKIN:
        a = uniform(n, 21)
        paint(out, mix(0.16, 0.60, a), mix(0.085, 0.38, a), mix(0.05, 0.27, a), 0.028, 0.05)
        out[WRAP] = 0.25
    elif m == HAIR:
        a = uniform(n, 22)
        paint(out, mix(0.012, 0.22, a * a), mix(0.009, 0.14, a * a), 0.02, 0.04, 0.1)
    elif m == CLOTH:
        a = uniform(n, 23)
        b = uniform(n, 24)
        c = uniform(n, 25)
        paint(out, mix(0.03, 0.5, a * a), mix(0.03, 0.45, b * b), mix(0.03, 0.5, c * c), 0.0, 0.0)
        out[WRAP] = 0.2
    elif m == PLATE:
        plate(hit, n, out)
    elif m == SIGN_FACE:
        paint(out, 0.75, 0.75, 0.74, 0.04, 0.1)
    else:
        paint(out, 0.35, 0.35, 0.34, 0.02, 0.0)


@fast
def plate(hit, n, out):
    """A number plate: dark characters on white, by surface coordinates in metres."""
    paint(out, 0.72, 0.72, 0.70, 0.04, 0.2)
    w = hit[WIDTH]
    cell = uniform(math.floor(hit[U] / 0.015), math.floor(hit[V] / 0.02) + n)
    ink = stripes(hit[U], 0.065, 0.045, w) * (0.8 if cell > 0.45 else 0.15)
    towards(out, 0.02, 0.02, 0.03, ink * band(abs(hit[V]), 0.0, 0.035, w))


@fast
def body_paint(m, code, palette, out):
    """Lacquer of a vehicle; duller on other things; on people, cloth."""
    n = code[PALETTE]
    k = m - PAINT_0
    paint(out, palette[n, k, 0], palette[n, k, 1], palette[n, k, 2], 0.05, 1.0)
    tag = code[TAG]
    if tag < FIRST_VEHICLE or tag > LAST_VEHICLE:
        out[GLOSS] = 0.3
    if tag in (PEDESTRIANS, RIDER):
        out[F0] = 0.0
        out[GLOSS] = 0.0
        out[WRAP] = 0.2


@fast
def lamp(m, code, env, out):
    """Lamps: a tinted lens by day, a glow when their bit is set."""
    lit = code[LIGHTS]
    night = env[NIGHT]
    if m == HEADLAMP:
        paint(out, 0.55, 0.56, 0.58, 0.10, 0.9)
        e = 7.0 if lit & 4 else (5.0 if lit & 2 else (1.2 if lit & 1 else 0.0))
        glow(out, e, e * 0.95, e * 0.85)
    elif m in (FOG_LAMP, REVERSE_LAMP):
        paint(out, 0.55, 0.55, 0.55, 0.08, 0.9)
        e = 2.5 if lit & (0x80 if m == FOG_LAMP else 0x40) else 0.0
        glow(out, e, e * 0.96, e * 0.88)
    elif m in (TAIL_LAMP, BRAKE_LAMP):
        paint(out, 0.28, 0.012, 0.012, 0.07, 0.9)
        e = 2.6 if lit & 8 else 0.0
        if lit & 7 and e == 0.0:
            e = 0.7 if m == TAIL_LAMP else 0.25
        glow(out, e, e * 0.045, e * 0.03)
    elif m in (INDICATOR_LEFT, INDICATOR_RIGHT):
        paint(out, 0.45, 0.16, 0.02, 0.07, 0.9)
        e = 2.8 if lit & (0x20 if m == INDICATOR_LEFT else 0x10) else 0.0
        glow(out, e, e * 0.42, e * 0.02)
    elif m == BEACON:
        paint(out, 0.03, 0.06, 0.4, 0.07, 0.9)
        e = 4.0 if lit & 0x600 else 0.0
        glow(out, e * 0.08, e * 0.2, e)
    elif m == STREET_LAMP:
        paint(out, 0.6, 0.6, 0.58, 0.05, 0.3)
        e = 6.0 * max(night, 1.0 if lit & LIT_STREET else 0.0)
        glow(out, e, e * 0.8, e * 0.55)
    else:
        bulb(m, lit, out)


@fast
def bulb(m, lit, out):
    """A traffic light's lens."""
    if m == BULB_RED:
        paint(out, 0.10, 0.01, 0.01, 0.05, 0.5)
        e = 4.5 if lit & LIT_RED else 0.0
        glow(out, e, e * 0.06, e * 0.04)
    elif m == BULB_YELLOW:
        paint(out, 0.10, 0.06, 0.01, 0.05, 0.5)
        e = 4.0 if lit & LIT_YELLOW else 0.0
        glow(out, e, e * 0.5, e * 0.03)
    else:
        paint(out, 0.01, 0.08, 0.05, 0.05, 0.5)
        e = 3.6 if lit & LIT_GREEN else 0.0
        glow(out, e * 0.08, e, e * 0.55)


@fast
def surface(hit, code, env, tex, palette, out):
    """Look up the material's surface at a hit."""
    m = code[MATERIAL]
    if m >= PAINT_0:
        body_paint(m, code, palette, out)
    elif m <= SOIL or m in (GRAVEL, WATER):
        ground(m, hit, env, tex, out)
    elif m <= WINDOW:
        masonry(m, hit, code, env, tex, out)
    elif m <= BARK:
        plant(m, hit, code, tex, out)
    elif m >= HEADLAMP:
        lamp(m, code, env, out)
    else:
        thing(m, hit, code, tex, out)
