"""What each material looks like where it was met: colour, glow, mirror (numba)."""

import numpy as np

from synthgen.simserver.render.coats import by_surface, paint
from synthgen.simserver.render.fields import FBM, NIGHT, WHITE, mix, sample, uniform
from synthgen.simserver.render.grounds import grounds
from synthgen.simserver.render.hits import BARKS, BOARDS, LEAVES, PLAIN, THINGS
from synthgen.simserver.render.lanes import (
    AX,
    AY,
    EIGHT,
    LAYER_1,
    NOISE,
    PX,
    PY,
    PZ,
    VARIANT,
    WRAP,
    copy_row,
    word_of,
)
from synthgen.simserver.render.packets import poured, single
from synthgen.simserver.render.things import things
from synthgen.simserver.render.walls import walls


@poured
def surfaces(world, q):
    """Surfaces of all hits of a queue, family by family.

    Each family's lanes may run into the next one's, whose surfaces are written later.
    """
    tex, env, h, ends = world.textures, world.env, q.lanes, q.starts
    grounds(tex, env, h, ends)
    walls(tex, env, h, ends)
    leaves(tex, h, np.uint64(ends[PLAIN]), np.uint64(ends[LEAVES]))
    barks(tex, h, np.uint64(ends[LEAVES]), np.uint64(ends[BARKS]))
    boards(tex, h, np.uint64(ends[BARKS]), np.uint64(ends[BOARDS]))
    first, last = np.uint64(ends[BOARDS]), np.uint64(ends[THINGS])
    things(env[NIGHT], world.slots, world.palette, h, first, last)


@single
def leaves(tex, h, first, last):
    """Foliage: single leaves and clumps of them, in space."""
    if first == last:
        return
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            h[AX + k] = h[PX + k] * 11.0 + h[PZ + k] * 7.0
            h[AY + k] = h[PY + k] * 11.0 - h[PZ + k] * 6.0
    sample(tex, WHITE, h, first, last, 1.0, 1.0, 13.0, 0.0, 0.0)
    copy_row(h, LAYER_1, NOISE, first, last)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            h[AX + k] = h[PX + k] * 26.0 + h[PZ + k] * 16.0
            h[AY + k] = h[PY + k] * 26.0 - h[PZ + k] * 14.0
    sample(tex, FBM, h, first, last, 1.0, 1.0, 32.0, 0.0, 0.0)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            n = word_of(h[VARIANT + k])
            tone = max(0.15, 1.0 + 1.3 * h[LAYER_1 + k] + 1.5 * h[NOISE + k])
            red, green = mix(0.04, 0.10, uniform(n, 1)), mix(0.068, 0.105, uniform(n, 2))
            paint(h, k, red * tone, green * tone, 0.03 * tone, 0.0, 0.0)
            h[WRAP + k] = 0.55


@single
def barks(tex, h, first, last):
    """Trunks and twigs: ridges along them."""
    if first == last:
        return
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            h[AX + k] = h[PX + k] + h[PY + k]
            h[AY + k] = h[PZ + k]
    sample(tex, WHITE, h, first, last, 24.0, 5.0, 24.0, 0.0, 0.0)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            tone = 1.0 + 0.9 * h[NOISE + k]
            paint(h, k, 0.115 * tone, 0.085 * tone, 0.06 * tone, 0.0, 0.0)


@single
def boards(tex, h, first, last):
    """Wood with its grain along u."""
    if first == last:
        return
    by_surface(h, first, last)
    sample(tex, WHITE, h, first, last, 4.0, 40.0, 40.0, 0.0, 0.0)
    for s in range(first, last, EIGHT):
        for k in range(s, s + EIGHT):
            tone = 1.0 + 0.7 * h[NOISE + k]
            paint(h, k, 0.30 * tone, 0.19 * tone, 0.10 * tone, 0.02, 0.05)
