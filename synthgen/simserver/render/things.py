"""Parts of vehicles, people and street furniture: a coat each, and light of lamps (numba)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render.coats import glow, paint, shade_by, towards
from synthgen.simserver.render.fields import band, mix, stripes, uniform
from synthgen.simserver.render.hits import SLOT_LIGHTS, SLOT_PALETTE
from synthgen.simserver.render.lanes import (
    F0,
    GLOSS,
    SLOT,
    VARIANT,
    WIDTH,
    WORD,
    WRAP,
    U,
    V,
    whole,
    word_of,
)
from synthgen.simserver.render.packets import single
from synthgen.simserver.render.walls import single_pane
from synthgen.simserver.scene import LIT_GREEN, LIT_RED, LIT_STREET, LIT_YELLOW, Material, Tag

WINDOW = int(Material.WINDOW)
METAL = int(Material.METAL)
SKIN = int(Material.SKIN)
LIPS = int(Material.LIPS)
EYE = int(Material.EYE)
HAIR = int(Material.HAIR)
CLOTH = int(Material.CLOTH)
PLATE = int(Material.PLATE)
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

_OTHERWISE = (0.35, 0.35, 0.34, 0.02, 0.0)
# Red, green, blue, share mirrored head-on, gloss. Skin, hair and cloth are mixed below.
_COATS: Mapping[Material, tuple[float, float, float, float, float]] = {
    Material.WINDOW: (0.05, 0.05, 0.05, 0.05, 0.5),
    Material.WATER: (0.012, 0.022, 0.025, 0.03, 1.0),
    Material.GLASS: (0.012, 0.014, 0.015, 0.06, 1.0),
    Material.CHROME: (0.35, 0.35, 0.36, 0.6, 0.9),
    Material.RIM: (0.22, 0.22, 0.23, 0.28, 0.5),
    Material.METAL: (0.30, 0.31, 0.32, 0.10, 0.25),
    Material.RUBBER: (0.022, 0.022, 0.023, 0.03, 0.08),
    Material.PLASTIC: (0.035, 0.035, 0.037, 0.04, 0.2),
    Material.PLATE: (0.72, 0.72, 0.70, 0.04, 0.2),
    Material.EYE: (0.55, 0.53, 0.50, 0.04, 0.6),
    Material.SIGN_FACE: (0.75, 0.75, 0.74, 0.04, 0.1),
    Material.HEADLAMP: (0.55, 0.56, 0.58, 0.10, 0.9),
    Material.FOG_LAMP: (0.55, 0.55, 0.55, 0.08, 0.9),
    Material.REVERSE_LAMP: (0.55, 0.55, 0.55, 0.08, 0.9),
    Material.TAIL_LAMP: (0.28, 0.012, 0.012, 0.07, 0.9),
    Material.BRAKE_LAMP: (0.28, 0.012, 0.012, 0.07, 0.9),
    Material.INDICATOR_LEFT: (0.45, 0.16, 0.02, 0.07, 0.9),
    Material.INDICATOR_RIGHT: (0.45, 0.16, 0.02, 0.07, 0.9),
    Material.BEACON: (0.03, 0.06, 0.4, 0.07, 0.9),
    Material.STREET_LAMP: (0.6, 0.6, 0.58, 0.05, 0.3),
    Material.BULB_RED: (0.10, 0.01, 0.01, 0.05, 0.5),
    Material.BULB_YELLOW: (0.10, 0.06, 0.01, 0.05, 0.5),
    Material.BULB_GREEN: (0.01, 0.08, 0.05, 0.05, 0.5),
}


def _coats() -> NDArray[np.float32]:
    """(64, 5) the coat of each material."""
    table = np.full((64, 5), _OTHERWISE, np.float32)
    for material, coat in _COATS.items():
        table[material] = coat
    return table


COATS = _coats()


@single
def things(env_night, slots, palette, h, first, last):
    """Surfaces of what belongs to no family."""
    for k in range(first, last):
        word = word_of(h[WORD + k])
        m = word & 255
        slot = word_of(h[SLOT + k])
        if m >= PAINT_0:
            body_paint(m - PAINT_0, (word >> 8) & 255, palette, slots[slot, SLOT_PALETTE], h, k)
            continue
        paint(h, k, COATS[m, 0], COATS[m, 1], COATS[m, 2], COATS[m, 3], COATS[m, 4])
        if HEADLAMP <= m < EYE:
            lamp(m, slots[slot, SLOT_LIGHTS], env_night, h, k)
        else:
            vary(m, env_night, h, k)


@single
def vary(m, night, h, k):
    """What differs between things of one material."""
    n = word_of(h[VARIANT + k])
    if m == METAL:
        shade_by(h, k, 0.9 + 0.2 * uniform(n, 3))
    elif m == WINDOW:
        cell = whole(h[U + k] / 1.5) * 131 + whole(h[V + k] / 1.7) + n * 7919
        single_pane(cell, night, h, k, np.float32(1.0))
    elif m in (SKIN, LIPS):
        a = uniform(n, 21)
        paint(h, k, mix(0.07, 0.56, a), mix(0.036, 0.34, a), mix(0.022, 0.235, a), 0.028, 0.25)
        h[WRAP + k] = 0.25
        if m == LIPS:
            towards(h, k, 0.22, 0.04, 0.04, 0.45)
            shade_by(h, k, 0.85)
    elif m == HAIR:
        # Fair hair goes with fair skin.
        a = uniform(n, 22) * uniform(n, 21)
        paint(h, k, mix(0.012, 0.24, a), mix(0.008, 0.135, a), mix(0.006, 0.05, a), 0.04, 0.2)
    elif m == CLOTH:
        a, b, c = uniform(n, 23), uniform(n, 24), uniform(n, 25)
        paint(h, k, mix(0.03, 0.5, a * a), mix(0.03, 0.45, b * b), mix(0.03, 0.5, c * c), 0.0, 0.0)
        h[WRAP + k] = 0.2
    elif m == PLATE:
        plate(h, k, n)


@single
def plate(h, k, n):
    """A number plate: dark characters on white, by surface coordinates in metres."""
    u, v, w = h[U + k], h[V + k], h[WIDTH + k]
    cell = uniform(whole(u / 0.015), whole(v / 0.02) + n)
    ink = stripes(u, 0.065, 0.045, w) * (0.8 if cell > 0.45 else 0.15)
    towards(h, k, 0.02, 0.02, 0.03, ink * band(abs(v), 0.0, 0.035, w))


@single
def body_paint(colour, tag, palette, row, h, k):
    """Lacquer of a vehicle; duller on other things; on people, cloth."""
    paint(
        h, k, palette[row, colour, 0], palette[row, colour, 1], palette[row, colour, 2], 0.05, 1.0
    )
    if tag < FIRST_VEHICLE or tag > LAST_VEHICLE:
        h[GLOSS + k] = 0.3
    if tag in (PEDESTRIANS, RIDER):
        h[F0 + k] = 0.0
        h[GLOSS + k] = 0.0
        h[WRAP + k] = 0.2


@single
def lamp(m, lit, night, h, k):  # noqa: C901 (one branch for each material)
    """The light of a lamp whose bit is set."""
    if m == HEADLAMP:
        e = 7.0 if lit & 4 else (5.0 if lit & 2 else (1.2 if lit & 1 else 0.0))
        glow(h, k, e, e * 0.95, e * 0.85)
    elif m in (FOG_LAMP, REVERSE_LAMP):
        e = 2.5 if lit & (0x80 if m == FOG_LAMP else 0x40) else 0.0
        glow(h, k, e, e * 0.96, e * 0.88)
    elif m in (TAIL_LAMP, BRAKE_LAMP):
        e = 2.6 if lit & 8 else 0.0
        if lit & 7 and e == 0.0:
            e = 0.7 if m == TAIL_LAMP else 0.25
        glow(h, k, e, e * 0.045, e * 0.03)
    elif m in (INDICATOR_LEFT, INDICATOR_RIGHT):
        e = 2.8 if lit & (0x20 if m == INDICATOR_LEFT else 0x10) else 0.0
        glow(h, k, e, e * 0.42, e * 0.02)
    elif m == BEACON:
        e = 4.0 if lit & 0x600 else 0.0
        glow(h, k, e * 0.08, e * 0.2, e)
    elif m == STREET_LAMP:
        e = 6.0 * max(night, 1.0 if lit & LIT_STREET else 0.0)
        glow(h, k, e, e * 0.8, e * 0.55)
    elif m == BULB_RED:
        e = 4.5 if lit & LIT_RED else 0.0
        glow(h, k, e, e * 0.06, e * 0.04)
    elif m == BULB_YELLOW:
        e = 4.0 if lit & LIT_YELLOW else 0.0
        glow(h, k, e, e * 0.5, e * 0.03)
    elif m == BULB_GREEN:
        e = 3.6 if lit & LIT_GREEN else 0.0
        glow(h, k, e * 0.08, e, e * 0.55)
