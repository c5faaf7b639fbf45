"""How a surface is written to the lanes: its colour, glow and mirror (numba).

Colours are linear.
"""

from synthgen.simserver.render.fields import mix
from synthgen.simserver.render.lanes import (
    AX,
    AY,
    F0,
    GLOSS,
    GLOW_B,
    GLOW_G,
    GLOW_R,
    PX,
    PY,
    WRAP,
    B,
    G,
    R,
    U,
    V,
    copy_row,
)
from synthgen.simserver.render.packets import poured


@poured
def paint(h, k, r, g, b, f0, gloss):
    """Write a surface that does not glow."""
    h[R + k] = r
    h[G + k] = g
    h[B + k] = b
    h[GLOW_R + k] = 0.0
    h[GLOW_G + k] = 0.0
    h[GLOW_B + k] = 0.0
    h[F0 + k] = f0
    h[GLOSS + k] = gloss
    h[WRAP + k] = 0.0


@poured
def shade_by(h, k, share):
    """Darken or brighten."""
    h[R + k] *= share
    h[G + k] *= share
    h[B + k] *= share


@poured
def towards(h, k, r, g, b, share):
    """Blend the colour towards another."""
    h[R + k] = mix(h[R + k], r, share)
    h[G + k] = mix(h[G + k], g, share)
    h[B + k] = mix(h[B + k], b, share)


@poured
def glow(h, k, r, g, b):
    """Add light of its own."""
    h[GLOW_R + k] += r
    h[GLOW_G + k] += g
    h[GLOW_B + k] += b


@poured
def by_map(h, first, last):
    """Look up noise by the place on the map."""
    copy_row(h, AX, PX, first, last)
    copy_row(h, AY, PY, first, last)


@poured
def by_surface(h, first, last):
    """Look up noise by surface coordinates."""
    copy_row(h, AX, U, first, last)
    copy_row(h, AY, V, first, last)
