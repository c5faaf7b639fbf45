"""Street furniture: lamps, benches, bins, stops, hydrants, mailboxes; fronts look along +x."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    cylinder,
    ellipsoid,
    extrude,
    join,
    lathe,
    rounded_box,
    slab,
    tube,
)
from synthgen.simserver.assets.signs import sign_face
from synthgen.simserver.scene import Material as Mat
from synthgen.simserver.scene import Tag

Box = tuple[float, float, float]
LAMP_HEIGHT_M, LAMP_ARM_M = 7.8, 1.6


def street_lamp() -> Shape:
    """A lamp post whose arm reaches 1.6 m along +x, the light 7.8 m up."""
    top = LAMP_HEIGHT_M
    post = tube(
        [(0, 0, 0), (0, 0, 1.2), (0, 0, top - 0.7)],
        np.array([0.105, 0.085, 0.055]),
        Mat.METAL,
        sides=12,
    )
    turn = np.radians(np.linspace(180, 95, 8))
    bend = np.column_stack(
        [0.75 + 0.75 * np.cos(turn), np.zeros(8), top - 0.72 + 0.78 * np.sin(turn)]
    )
    arm = tube(np.vstack([bend, [(LAMP_ARM_M - 0.25, 0, top + 0.09)]]), 0.04, Mat.METAL, sides=8)
    hood = ellipsoid((0.38, 0.15, 0.07), Mat.METAL, (LAMP_ARM_M, 0, top + 0.06), rings=8)
    lens = ellipsoid(
        (0.27, 0.11, 0.05), Mat.STREET_LAMP, (LAMP_ARM_M + 0.02, 0, top + 0.01), rings=8
    )
    base = cylinder(0.17, 0.12, Mat.METAL, sides=14).moved(z=0.06)
    door = box((0.03, 0.1, 0.34), Mat.PLASTIC, (0.085, 0, 0.7))
    return join([post, arm, hood, lens, base, door]).tagged(Tag.POLES)


def bench(size: Box, *, back: bool = True) -> Shape:
    """A slatted bench along y that faces +x."""
    length, width, height = size
    seat = 0.5 * height if back else height * 0.94
    parts = []
    for y in (-0.36, 0.36):
        y *= width
        frame = [
            tube([(length * 0.40, y, 0.0), (length * 0.38, y, seat)], 0.025, Mat.METAL, sides=6),
            tube([(-length * 0.45, y, 0.0), (-length * 0.28, y, seat)], 0.025, Mat.METAL, sides=6),
            tube(
                [(-length * 0.3, y, seat - 0.03), (length * 0.42, y, seat - 0.03)],
                0.022,
                Mat.METAL,
                sides=6,
            ),
        ]
        if back:
            frame.append(
                tube(
                    [(-length * 0.28, y, seat), (-length * 0.44, y, height)],
                    0.024,
                    Mat.METAL,
                    sides=6,
                )
            )
        parts += frame
    for x in np.linspace(-0.24, 0.42, 5):
        parts.append(box((length * 0.13, width, 0.035), Mat.WOOD, (x * length, 0, seat)))
    if back:
        for share in (0.3, 0.58, 0.86):
            x = -length * (0.28 + 0.16 * share) + 0.02
            z = seat + share * (height - seat)
            slat = box((0.03, width, 0.10), Mat.WOOD).turned("y", -12).moved(x, 0, z)
            parts.append(slat)
    return join(parts)


def litter_bin(size: Box, *, lid: bool = True, material: Mat = Mat.METAL) -> Shape:
    """A round litter bin with a slotted body."""
    length, width, height = size
    r = width / 2
    body = lathe(
        [(0, 0.03), (r * 0.86, 0.03), (r * 0.94, height * 0.8), (r * 0.9, height * 0.8)],
        material,
        sides=18,
    )
    rim = lathe(
        [
            (r * 0.94, height * 0.76),
            (r, height * 0.78),
            (r, height * 0.83),
            (r * 0.9, height * 0.83),
        ],
        Mat.METAL,
        sides=18,
    )
    parts = [body, rim, cylinder(r * 0.7, 0.05, Mat.PLASTIC, sides=14).moved(z=0.025)]
    slats = [
        box((0.02, r * 0.12, height * 0.66), Mat.PLASTIC, (r * 0.92, 0, height * 0.42)).turned(
            "z", a
        )
        for a in range(0, 360, 30)
    ]
    parts += slats
    if lid:
        dome = lathe(
            [(r * 0.98, height * 0.9), (r * 0.8, height * 0.96), (0, height)], Mat.METAL, sides=18
        )
        posts = [
            cylinder(0.018, height * 0.14, Mat.METAL, sides=6).moved(
                r * 0.8 * np.cos(a), r * 0.8 * np.sin(a), height * 0.85
            )
            for a in np.arange(0.4, 6.2, np.pi / 2)
        ]
        under = lathe(
            [(0, height * 0.9), (r * 0.98, height * 0.9)], Mat.PLASTIC, sides=18
        ).flipped()
        parts += [dome, under, *posts]
    return join(parts).scaled(length / width, 1.0, 1.0)


def hydrant() -> Shape:
    """A fire hydrant with two side outlets and one in front."""
    body = lathe(
        [
            (0, 0),
            (0.15, 0.0),
            (0.15, 0.05),
            (0.10, 0.07),
            (0.10, 0.52),
            (0.14, 0.54),
            (0.14, 0.60),
            (0.105, 0.66),
            (0.05, 0.72),
            (0.03, 0.80),
            (0, 0.80),
        ],
        Mat.PAINT_1,
        sides=16,
    )
    side = join(
        [
            cylinder(0.055, 0.10, Mat.PAINT_1, sides=10, axis="y").moved(0, 0.12, 0.42),
            cylinder(0.04, 0.04, Mat.METAL, sides=8, axis="y").moved(0, 0.16, 0.42),
        ]
    )
    front = join(
        [
            cylinder(0.07, 0.12, Mat.PAINT_1, sides=12, axis="x").moved(0.11, 0, 0.36),
            cylinder(0.05, 0.02, Mat.METAL, sides=8, axis="x").moved(0.17, 0, 0.36),
        ]
    )
    return join([body, side.both_sides(), front])


def mailbox(size: Box, paint: Mat = Mat.PAINT_4) -> Shape:
    """A pillar box with a round top, a slot and a plate in front."""
    length, width, height = size
    legs = [
        cylinder(0.025, height * 0.22, Mat.METAL, sides=6).moved(
            sx * length * 0.36, sy * width * 0.36, height * 0.11
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    turn = np.radians(np.linspace(0, 180, 12))
    arch = np.column_stack([length / 2 * np.cos(turn), height * (0.76 + 0.24 * np.sin(turn))])
    outline = np.vstack([[(length / 2, height * 0.2)], arch, [(-length / 2, height * 0.2)]])
    shell = extrude(outline, width, paint).turned("x", 90).moved(y=width / 2)
    slot = box(
        (0.02, width * 0.62, height * 0.04), Mat.PLASTIC, (length / 2 - 0.004, 0, height * 0.7)
    )
    label = box(
        (0.012, width * 0.5, height * 0.16), Mat.PAINT_0, (length / 2 - 0.004, 0, height * 0.46)
    )
    return join([*legs, shell, slot, label])


def bus_shelter(size: Box) -> Shape:
    """A glazed shelter along y, open towards +x, with a bench and a stop sign."""
    length, width, height = size
    low, high = -length / 2 + 0.06, length / 2 - 0.30
    posts = [
        slab((x - 0.03, y - 0.03, 0), (x + 0.03, y + 0.03, height - 0.12), Mat.METAL)
        for x in (low + 0.03, high - 0.25)
        for y in (-width / 2 + 0.12, 0.0, width / 2 - 0.12)
        if not (x > 0 and y == 0)
    ]
    roof = rounded_box((length - 0.02, width, 0.10), 0.04, Mat.METAL).moved(0, 0, height - 0.06)
    roof = roof.fitted((-length / 2, -width / 2, height - 0.11), (length / 2, width / 2, height))
    back = [
        slab((low + 0.015, y0, 0.25), (low + 0.03, y1, height - 0.3), Mat.GLASS)
        for y0, y1 in ((-width / 2 + 0.16, -0.04), (0.04, width / 2 - 0.16))
    ]
    side = slab(
        (low + 0.08, -width / 2 + 0.11, 0.25),
        (high - 0.3, -width / 2 + 0.13, height - 0.3),
        Mat.GLASS,
    )
    poster = slab(
        (low + 0.1, width / 2 - 0.18, 0.3),
        (high - 0.32, width / 2 - 0.06, height - 0.32),
        Mat.PAINT_3,
    )
    sheet = slab(
        (low + 0.16, width / 2 - 0.185, 0.45),
        (high - 0.38, width / 2 - 0.055, height - 0.47),
        Mat.PAINT_0,
    )
    seat = box((0.35, width * 0.5, 0.05), Mat.WOOD, (low + 0.28, -0.1, 0.48))
    legs = [box((0.05, 0.05, 0.46), Mat.METAL, (low + 0.25, y, 0.23)) for y in (-0.7, 0.5)]
    face = (
        sign_face("bus_stop").scaled(1, 0.8, 0.8).moved(high - 0.3, width / 2 - 0.4, height - 0.42)
    )
    return join([*posts, roof, *back, side, poster, sheet, seat, *legs, face])


_SIZES: Mapping[str, Box] = {
    "bench": (0.70, 1.70, 0.84),
    "bin": (0.54, 0.54, 1.0),
    "bus_stop": (1.70, 4.0, 2.5),
    "mailbox": (0.50, 0.60, 1.30),
}
STREET: Mapping[str, Callable[[], Shape]] = {
    "street_lamp": street_lamp,
    "bench": lambda: bench(_SIZES["bench"]),
    "bin": lambda: litter_bin(_SIZES["bin"]),
    "bus_stop": lambda: bus_shelter(_SIZES["bus_stop"]),
    "hydrant": hydrant,
    "mailbox": lambda: mailbox(_SIZES["mailbox"]),
}
