"""What is hung on a car body: mirrors, handles, plates, light bars, rails, spare wheels."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.glyphs import text
from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    fan,
    grid,
    join,
    lathe,
    rounded_box,
    tube,
)
from synthgen.simserver.assets.shell import Shell
from synthgen.simserver.scene import Material


def mirrors(shell: Shell, width: float, *, tall: bool = False) -> Shape:
    """Door mirrors that reach exactly to the overall width of the car."""
    half = shell.size.length / 2
    glass = shell.form.glass or (0.0, shell.form.screen[0])
    x = max(glass) * half - (0.16 if not tall else 0.02)
    z = float(shell.belt_z(x)) + (0.09 if not tall else 0.22)
    inner = float(shell.glass_y(x, z))
    outer = width / 2
    size = (0.13, min(max(outer - inner - 0.03, 0.07), 0.24), 0.15 if not tall else 0.34)
    middle = outer - size[1] / 2
    hull = rounded_box(size, 0.05, Material.PAINT_0 if not tall else Material.PLASTIC)
    hull = hull.fitted(
        (x - size[0] / 2, outer - size[1], z - size[2] / 2),
        (x + size[0] / 2, outer, z + size[2] / 2),
    )
    face = box(
        (0.006, size[1] * 0.84, size[2] * 0.76), Material.CHROME, (x - size[0] / 2, middle, z)
    )
    foot = float(shell.belt_z(x)) + 0.02
    stalk = tube(
        [(x + 0.03, inner - 0.03, foot), (x, middle - 0.02, z - size[2] * 0.3)],
        0.022, Material.PLASTIC, sides=6,
    )  # fmt: skip
    signal = box((0.03, size[1] * 0.5, 0.02), Material.INDICATOR_RIGHT,
                 (x + size[0] / 2 - 0.012, middle + 0.01, z))  # fmt: skip
    return join([hull, face, stalk, signal]).both_sides()


def handles(shell: Shell) -> dict[str, Shape]:
    """Right-hand handles by door (`f`, `r`), just ahead of the gap behind it."""
    half = shell.size.length / 2
    parts = {}
    for name, u in zip("fr", sorted(shell.form.doors, reverse=True)[1:], strict=False):
        x = u * half + 0.14
        low, high = float(shell.bottom_z(x)), float(shell.belt_z(x))
        z = low + 0.84 * (high - low)
        y = float(shell.flank_y(x, z))
        parts[name] = rounded_box((0.17, 0.03, 0.028), 0.012, Material.PAINT_0, (x, y, z))
    return parts


def plates(shell: Shell, *, front: float = 0.3, rear: float = 0.62) -> Shape:
    """Number plates on nose and tail, at height fractions of the flank."""
    parts = []
    for end, flank in ((1, front), (-1, rear)):
        z = shell.end_z(end, flank)
        outer = min(abs(shell.end_x(end, flank)) + 0.012, shell.size.length / 2)
        parts.append(box((0.03, 0.52, 0.112), Material.PLATE, (end * (outer - 0.015), 0, z)))
    return join(parts)


def brake_light(shell: Shell) -> Shape:
    """The third brake light, above the rear screen."""
    half = shell.size.length / 2
    x = shell.form.rear_screen[1] * half - 0.03
    z = float(shell.roof_z(x)) - 0.02
    return box((0.05, 0.3, 0.03), Material.BRAKE_LAMP, (x, 0, z))


def wipers(shell: Shell) -> Shape:
    """Two wipers at rest along the foot of the screen."""
    half = shell.size.length / 2
    foot, head = (u * half for u in shell.form.screen)
    x = np.array([foot - 0.02, foot + 0.06 * (head - foot), foot + 0.09 * (head - foot)])
    z = shell.roof_z(x) + 0.012
    parts = []
    for y in (-0.30, 0.22):
        line = np.column_stack([x, [y - 0.28, y, y + 0.26], z])
        parts.append(tube(line, 0.009, Material.PLASTIC, sides=4))
    return join(parts)


def roof_rails(shell: Shell, top: float) -> Shape:
    """Bars along the roof that reach a given height."""
    half = shell.size.length / 2
    x = np.linspace(shell.form.rear_screen[1] * half + 0.1, shell.form.screen[1] * half - 0.25, 6)
    y = np.array([float(shell.glass_y(v, shell.roof_z(v))) - 0.05 for v in x])
    z = np.minimum(shell.roof_z(x) + 0.03, top - 0.018)
    z[[0, -1]] -= 0.07
    rail = tube(np.column_stack([x, y, z]), 0.018, Material.PLASTIC, sides=6)
    rail = rail.fitted(rail.bounds_m()[0], (*rail.bounds_m()[1][:2], top))
    return rail.both_sides()


def light_bar(x: float, z: float, top: float, width: float, colors: tuple[Material, ...]) -> Shape:
    """A beacon bar across the roof from height `z` to `top`; colours from left to right."""
    height = top - z
    base = box((0.26, width, height * 0.3), Material.PLASTIC, (x, 0, z + height * 0.15))
    step = width / len(colors)
    domes = [
        rounded_box(
            (0.28, step * 0.96, height * 0.7), height * 0.25, color,
            (x, -width / 2 + (k + 0.5) * step, z + height * 0.65),
        )
        for k, color in enumerate(colors)
    ]  # fmt: skip
    return join([base, *domes])


def taxi_sign(x: float, z: float, top: float) -> Shape:
    """A lit roof sign across the roof."""
    body = rounded_box((0.16, 0.5, top - z), 0.03, Material.PAINT_1).moved(x, 0, (z + top) / 2)
    stripe = box((0.164, 0.4, 0.03), Material.PAINT_2, (x, 0, (z + top) / 2))
    return join([body, stripe])


def spare_wheel(radius: float, width: float) -> Shape:
    """A spare wheel that faces to the rear, centred on the origin."""
    tread = [(0.0, -width / 2), (radius * 0.93, -width / 2), (radius, -width * 0.3),
             (radius, width * 0.3), (radius * 0.93, width / 2), (0.0, width / 2)]  # fmt: skip
    tyre = lathe(tread, Material.RUBBER, sides=20, axis="x")
    cover = lathe([(radius * 0.62, -width * 0.51), (0, -width * 0.56)], Material.PLASTIC,
                  sides=20, axis="x").flipped()  # fmt: skip
    return join([tyre, cover])


def round_lamp(x: float, y: float, z: float, radius: float, material: Material) -> Shape:
    """A round lamp with a bright ring that faces forward."""
    ring = lathe([(radius * 1.18, 0), (radius * 1.18, 0.03), (radius, 0.04)], Material.CHROME,
                 sides=16, axis="x")  # fmt: skip
    lens = lathe([(radius, 0.035), (radius * 0.7, 0.055), (0, 0.065)], material, sides=16, axis="x")
    return join([ring, lens]).moved(x, y, z)


def bull_bar(shell: Shell, depth: float) -> Shape:
    """A push bumper that stands out before the nose by a depth."""
    x = shell.size.length / 2
    parts = []
    for y in (-0.3, 0.3):
        parts.append(box((0.05, 0.06, 0.42), Material.PLASTIC, (x + depth - 0.025, y, 0.55)))
        parts.append(
            box((depth + 0.1, 0.04, 0.06), Material.PLASTIC, (x + depth / 2 - 0.07, y, 0.45))
        )
    for z in (0.45, 0.62):
        parts.append(box((0.05, 0.9, 0.05), Material.PLASTIC, (x + depth - 0.025, 0, z)))
    return join(parts)


def lettering(
    words: str, height: float, material: Material, at: tuple[float, float, float]
) -> Shape:
    """Words on a right-hand flank at a place, to be read from outside."""
    return text(words, height, material).turned("z", 90).moved(*at)


def both_flanks(shape: Shape) -> Shape:
    """A right-hand lettering and the same on the left, turned rather than mirrored.

    The left one stands as far from the nose as the right one.
    """
    middle = float(shape.bounds_m()[:, 0].mean())
    left = shape.moved(x=-middle).turned("z", 180).moved(x=middle)
    return join([shape, left])


def tail_pane(
    shell: Shell, across: tuple[float, float], up: tuple[float, float], material: Material
) -> Shape:
    """A flat pane on the upright part of the tail.

    Args:
        shell: The body.
        across: From and to, metres from the middle, on the right-hand side.
        up: From and to, heights in metres.
        material: Of the pane.
    """
    half = shell.size.length / 2
    x = np.linspace(-half, -half * 0.8, 400)
    roof = shell.roof_z(x)
    # The tail rises monotonically, so the first place as high as z is its surface.
    low, high = (float(x[np.argmax(roof >= z)]) - 0.012 for z in up)
    corners = [(low, across[0], up[0]), (low, across[1], up[0]),
               (high, across[1], up[1]), (high, across[0], up[1])]  # fmt: skip
    face = fan(corners, material).flipped()
    edge = np.array([*corners, corners[0]])
    rim = grid(np.stack([edge, edge + np.array([0.05, 0, 0])]), Material.PLASTIC)
    return join([face, rim])
