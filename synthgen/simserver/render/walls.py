"""Walls, windows, shops and roofs, in lanes (numba): patterns of surface coordinates."""

import math

import numpy as np
from numpy.typing import NDArray

from synthgen.kernels import shared
from synthgen.simserver.render.coats import by_surface, glow, paint, shade_by, towards
from synthgen.simserver.render.fields import (
    FBM,
    NIGHT,
    WHITE,
    band,
    bits,
    layer,
    mix,
    ramp,
    sample,
    stripes,
    uniform,
)
from synthgen.simserver.render.hits import BRICKED, EARTH, PLAIN, PLASTERED, SHOPS
from synthgen.simserver.render.lanes import (
    AX,
    AY,
    EIGHT,
    F0,
    GLOSS,
    LAYER_1,
    LAYER_2,
    LAYER_3,
    NOISE,
    VARIANT,
    WIDTH,
    WORD,
    U,
    V,
    copy_row,
    whole,
    word_of,
)
from synthgen.simserver.render.packets import poured, single
from synthgen.simserver.scene import Material

BRICK = np.int32(Material.BRICK)
ROOF = np.int32(Material.ROOF)

DOT_M = np.float32(0.044)
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


@poured
def walls(tex, env, h, ends):
    """Surfaces of all families of walls and roofs."""
    bricked(tex, env[NIGHT], h, np.uint64(ends[EARTH]), np.uint64(ends[BRICKED]))
    plastered(tex, env[NIGHT], h, np.uint64(ends[BRICKED]), np.uint64(ends[PLASTERED]))
    shops(tex, env[NIGHT], h, np.uint64(ends[PLASTERED]), np.uint64(ends[SHOPS]))
    plain(tex, h, np.uint64(ends[SHOPS]), np.uint64(ends[PLAIN]))


@shared
@single
def bricked(tex, night, h, first, last):
    """Running bond of 215 x 65 mm bricks with 10 mm joints; windows if it is a facade's."""
    if first == last:
        return
    by_surface(h, first, last)
    layer(tex, FBM, h, first, last, 11.0, 0.0, 0.0, LAYER_1)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            u, v, w = h[U + k], h[V + k], h[WIDTH + k]
            n = word_of(h[VARIANT + k])
            tone = uniform(n, 2)
            wall = np.int32(word_of(h[WORD + k]) & np.int32(255)) == BRICK
            red = mix(0.22, 0.36, tone) if wall else mix(0.24, 0.36, tone)
            green = mix(0.09, 0.17, tone) if wall else mix(0.10, 0.17, tone)
            blue = 0.08 if wall else 0.075 + 0.05 * uniform(n, 3)
            course = whole(v / 0.075)
            u += 0.1125 * np.float32(np.int32(course & np.int32(1)))
            joint = max(stripes(v, 0.075, 0.010, w), stripes(u, 0.225, 0.010, w))
            one = uniform(whole(u / 0.225), course) - 0.5
            tone = (1.0 + 0.5 * one * ramp(0.25, 0.05, w)) * (1.0 + 0.5 * h[LAYER_1 + k])
            paint(h, k, red * tone, green * tone, blue * tone, 0.02, 0.0)
            towards(h, k, 0.42, 0.40, 0.37, 0.85 * joint)
    windows(night, h, first, last)


@shared
@single
def plastered(tex, night, h, first, last):
    """A rendered wall in a style drawn from the building's variant, with windows."""
    if first == last:
        return
    stains(tex, h, first, last)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            u, v, w = h[U + k], h[V + k], h[WIDTH + k]
            n = word_of(h[VARIANT + k])
            tone, hue = uniform(n, 2), uniform(n, 3)
            base = 1.0 + 0.3 * h[LAYER_1 + k] + 0.12 * h[LAYER_2 + k] + 0.12 * h[LAYER_3 + k]
            base *= mix(0.2, 0.62, tone)
            # Plates of concrete have joints.
            storey, bay = 2.9 + 0.7 * uniform(n, 4), 1.9 + 1.9 * uniform(n, 6)
            joint = max(stripes(u, bay, 0.02, w), stripes(v, storey, 0.03, w))
            base *= 1.0 - 0.4 * joint if uniform(n, 1) > 0.8 else 1.0
            red, green = base * mix(1.0, 1.12, hue), base * mix(0.96, 1.0, hue)
            paint(h, k, red, green, base * mix(0.98, 0.74, hue), 0.02, 0.0)
    windows(night, h, first, last)


@single
def stains(tex, h, first, last):
    """Three layers of noise on a wall, each building's moved by texels of its own."""
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            shift = np.float32(np.int32(word_of(h[VARIANT + k]) & np.int32(255)))
            h[AX + k] = h[U + k] + shift * (1.0 / 6.0)
            h[AY + k] = h[V + k]
    layer(tex, FBM, h, first, last, 6.0, 0.0, 0.0, LAYER_1)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            shift = np.float32(np.int32(word_of(h[VARIANT + k]) & np.int32(255)))
            h[AX + k] = h[U + k] + shift * 0.2
    sample(tex, WHITE, h, first, last, 5.0, 0.7, 5.0, 0.0, 0.0)
    copy_row(h, LAYER_2, NOISE, first, last)
    by_surface(h, first, last)
    layer(tex, WHITE, h, first, last, 40.0, 0.0, 0.0, LAYER_3)


@single
def windows(night, h, first, last):
    """Rows of windows in a facade: frames, ledges, glass with a room behind."""
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            u, v, w = h[U + k], h[V + k], h[WIDTH + k]
            n = word_of(h[VARIANT + k])
            style = uniform(n, 1)
            there = 0.0 if np.int32(word_of(h[WORD + k]) & np.int32(255)) == BRICK else 1.0
            storey, bay = 2.9 + 0.7 * uniform(n, 4), 1.9 + 1.9 * uniform(n, 6)
            wide = bay * mix(0.42, 0.7, uniform(n, 8))
            sill = 0.85 if style < 0.8 else 0.35
            high = 1.45 if style < 0.8 else storey - 0.75
            su = u + 0.5 * wide - 0.5 * bay
            sv = v - sill
            glass = there * stripes(su, bay, wide, w) * stripes(sv, storey, high, w)
            frame = stripes(su + 0.07, bay, wide + 0.14, w)
            frame *= there * stripes(sv + 0.07, storey, high + 0.14, w)
            towards(h, k, 0.62, 0.61, 0.58, 0.8 * max(0.0, frame - glass))
            ledge = stripes(su + 0.12, bay, wide + 0.24, w) * stripes(sv + 0.14, storey, 0.08, w)
            shade_by(h, k, 1.0 - there * 0.3 * stripes(sv + 0.24, storey, 0.09, w) * ledge)
            cell = whole(su / bay) * np.int32(131) + whole(sv / storey) + n * np.int32(7919)
            pane(np.int32(cell), night, h, k, glass)
            mullion = stripes(su - 0.5 * wide + 0.03, bay, 0.06, w)
            towards(h, k, 0.6, 0.59, 0.57, glass * mullion)


@poured
def pane(cell, night, h, k, share):
    """Window glass in front of a room, over `share` of the pixel."""
    room = uniform(cell, 77)
    shade = 0.015 + 0.05 * room * room
    towards(h, k, shade, shade * 1.04, shade * 1.1, share)
    blind = 0.55 * share if uniform(cell, 31) > 0.62 else 0.0
    towards(h, k, 0.34 + 0.2 * room, 0.33 + 0.18 * room, 0.29 + 0.16 * room, blind)
    h[F0 + k] = mix(h[F0 + k], 0.085, share)
    h[GLOSS + k] = mix(h[GLOSS + k], 0.95, share)
    e = share * night * (0.02 + 0.07 * room) if uniform(cell, 5) < 0.28 else 0.0
    cool = uniform(cell, 9)
    glow(h, k, e, e * mix(0.66, 0.9, cool), e * mix(0.32, 0.85, cool))


@single
def single_pane(cell, night, h, k, share):
    """One hit's pane, where hits go one by one."""
    pane(cell, night, h, k, share)


@single
def letter(word, place):
    """Letter 0 to 25 of a made-up name: consonants and vowels in turn."""
    n = np.int64(bits(word + 41, place))
    if (place + word) & 1:
        return VOWELS[n % len(VOWELS)]
    return CONSONANTS[n % len(CONSONANTS)]


@single
def lettering(u, v, word, length, w):
    """Coverage by a name of so many letters, 0.3 m high, that begins at (0, 0) and runs along u.

    Each letter is 5 x 7 dots; a pixel takes the mean of the dots that it covers.
    """
    if w > 0.3:
        return (
            0.4 * band(v, 0.0, 7.0 * DOT_M, w) * band(u, 0.0, np.float32(length) * 6.0 * DOT_M, w)
        )
    width = max(w, 1e-3) / DOT_M
    left, low = u / DOT_M - 0.5 * width, v / DOT_M - 0.5 * width
    ink = np.float32(0.0)
    for row in range(max(math.floor(low), 0), min(math.floor(low + width), 6) + 1):
        y = np.float32(row)
        high = min(y + 1.0, low + width) - max(y, low)
        last = min(math.floor(left + width), 6 * length - 1)
        for column in range(max(math.floor(left), 0), last + 1):
            place = column // 6
            dot = column - 6 * place
            if dot < 5 and (LETTERS[letter(word, place)] >> (5 * row + dot)) & 1:
                x = np.float32(column)
                ink += high * (min(x + 1.0, left + width) - max(x, left))
    return ink / (width * width)


@shared
@single
def shops(tex, night, h, first, last):
    """Ground floor: glazing between piers, a door, a lettered band above."""
    if first == last:
        return
    by_surface(h, first, last)
    layer(tex, FBM, h, first, last, 9.0, 0.0, 0.0, LAYER_1)
    if night > 0.0:
        for s in range(first, last, EIGHT):
            for k in range(s, s + EIGHT):
                shift = np.float32(np.int32(word_of(h[VARIANT + k]) & np.int32(255)))
                h[AX + k] = h[U + k] + shift * (1.0 / 21.0)
        sample(tex, FBM, h, first, last, 21.0, 13.0, 21.0, 0.0, 0.0)
    for k in range(first, last):
        shop(night, h, k)


@single
def shop(night, h, k):
    """One hit on a shop's front."""
    n = np.int64(word_of(h[VARIANT + k]))
    u, v, w = h[U + k], h[V + k], h[WIDTH + k]
    number = np.int64(np.floor(u / 6.0))
    name = number + n * 31
    a = uniform(name, 1)
    b = uniform(name, 2)
    tone = 1.0 + 0.25 * h[LAYER_1 + k]
    paint(h, k, 0.24 * tone, 0.235 * tone, 0.23 * tone, 0.03, 0.1)
    board = band(v, 2.75, 3.45, w) * stripes(u - 0.25, 6.0, 5.5, w)
    towards(h, k, mix(0.03, 0.5, a), mix(0.04, 0.3, b), mix(0.25, 0.05, a), board)
    length = 5 + np.int64(bits(name, 5)) % 6
    start = 3.0 - 3.0 * DOT_M * np.float32(length)
    letters = np.float32(0.0)
    if board > 0.0:
        letters = board * lettering(u - 6.0 * np.float32(number) - start, v - 2.94, name, length, w)
    towards(h, k, 0.75, 0.73, 0.66, letters)
    glass = stripes(u - 0.35, 6.0, 5.3, w) * band(v, 0.45, 2.6, w)
    single_pane(name, night, h, k, glass)
    towards(h, k, 0.05, 0.05, 0.05, glass * stripes(u - 0.35, 1.77, 0.07, w))
    door = stripes(u - 4.4, 6.0, 1.0, w) * band(v, 0.0, 2.3, w)
    towards(h, k, mix(0.02, 0.2, b), 0.06, mix(0.1, 0.03, a), 0.8 * door)
    if night > 0.0:
        goods = 1.0 + 1.5 * h[NOISE + k]
        goods *= 1.0 - 0.45 * stripes(v - 0.05, 0.5, 0.04, w)
        e = night * (0.022 * glass * goods * (0.5 + v) + 0.1 * letters) * (0.4 + a)
        glow(h, k, e, e * 0.86, e * 0.66)


@shared
@single
def plain(tex, h, first, last):
    """Concrete and roofs."""
    if first == last:
        return
    by_surface(h, first, last)
    layer(tex, FBM, h, first, last, 9.0, 0.0, 0.0, LAYER_1)
    layer(tex, WHITE, h, first, last, 50.0, 0.0, 0.0, LAYER_2)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            roof = np.int32(word_of(h[WORD + k]) & np.int32(255)) == ROOF
            tone = uniform(word_of(h[VARIANT + k]), 11)
            grain = (1.0 + 0.5 * h[LAYER_1 + k]) * (1.0 + 0.2 * h[LAYER_2 + k])
            red = mix(0.14, 0.32, tone) if roof else 0.40
            green = mix(0.14, 0.16, tone) if roof else 0.39
            paint(h, k, red * grain, green * grain, (0.13 if roof else 0.37) * grain, 0.02, 0.0)
