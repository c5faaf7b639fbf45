"""Props that people carry: bags, cases, carts, helmets, a ball."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.props_road import (
    BLACK,
    BLUE,
    RED,
    WHITE,
    Rng,
    Size,
)
from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    cylinder,
    ellipsoid,
    extrude,
    fan,
    grid,
    join,
    lathe,
    rounded_box,
    tube,
)
from synthgen.simserver.scene import Material as Mat


def carrier_bag(size: Size, rng: Rng) -> Shape:
    """A soft bag with two handles."""
    length, width, height = size
    low, high = height * 0.02, height * 0.7
    rings = []
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    for z, wide in ((low, 0.9), (height * 0.3, 1.0), (high, 0.82)):
        r = 1 + 0.06 * np.sin(5 * turn + float(rng.uniform(0, 6)))
        rings.append(
            np.column_stack(
                [
                    length / 2 * wide * r * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.5,
                    width / 2 * wide * r * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.5,
                    np.full(16, z),
                ]
            )
        )
    wall = grid(np.array(rings), WHITE, closed=True).flipped()
    body = join([wall, fan(rings[0], WHITE).flipped(), fan(rings[-1], BLACK)])
    grips = [
        tube(
            [
                (-length * 0.2, y, high),
                (-length * 0.12, y, height * 0.98),
                (length * 0.12, y, height * 0.98),
                (length * 0.2, y, high),
            ],
            0.008,
            WHITE,
            sides=4,
        )
        for y in (-width * 0.3, width * 0.3)
    ]
    return join([body, *grips])


def handbag(size: Size, rng: Rng) -> Shape:
    """A purse with a strap, its broad side towards x."""
    del rng
    length, width, height = size
    body = rounded_box((length, width, height * 0.5), length * 0.3, RED).moved(z=height * 0.25)
    flap = rounded_box((length * 1.02, width * 0.98, height * 0.24), length * 0.3, RED).moved(
        z=height * 0.38
    )
    clasp = box(
        (length * 0.1, width * 0.12, height * 0.05), Mat.CHROME, (length * 0.5, 0, height * 0.3)
    )
    strap = tube(
        [
            (0, -width * 0.44, height * 0.46),
            (0, -width * 0.3, height * 0.86),
            (0, 0, height * 0.99),
            (0, width * 0.3, height * 0.86),
            (0, width * 0.44, height * 0.46),
        ],
        0.009,
        RED,
    )
    return join([body, flap, clasp, strap])


def shopping_cart(size: Size, rng: Rng) -> Shape:
    """A wire shopping cart along y, the handle at -y."""
    del rng
    length, width, height = size
    low, top = height * 0.42, height * 0.86
    wires = []
    for t in np.linspace(0, 1, 6):
        z = low + t * (top - low)
        reach, wide = 0.36 + 0.10 * t, 0.34 + 0.08 * t
        x, y = wide * length, reach * width
        loop = [
            (-x, -y * 0.8, z),
            (x, -y * 0.8, z),
            (x * 0.85, y, z),
            (-x * 0.85, y, z),
            (-x, -y * 0.8, z),
        ]
        wires.append(tube(loop, 0.007, Mat.CHROME, sides=4))
    for s in np.linspace(-1, 1, 9):
        for x0, x1 in ((-0.34, -0.42), (0.34, 0.42)):
            wires.append(
                tube(
                    [(x0 * length, s * 0.3 * width, low), (x1 * length, s * 0.36 * width, top)],
                    0.005,
                    Mat.CHROME,
                    sides=3,
                )
            )
        wires.append(
            tube(
                [(s * 0.33 * length, -0.3 * width, low), (s * 0.33 * length, 0.36 * width, low)],
                0.005,
                Mat.CHROME,
                sides=3,
            )
        )
        wires.append(
            tube(
                [(s * 0.3 * length, 0.36 * width, low), (s * 0.36 * length, 0.46 * width, top)],
                0.005,
                Mat.CHROME,
                sides=3,
            )
        )
    grip = tube(
        [
            (-length * 0.46, -width * 0.48, height * 0.97),
            (length * 0.46, -width * 0.48, height * 0.97),
        ],
        0.02,
        RED,
        sides=8,
    )
    frame = [
        tube(
            [
                (s * length * 0.46, -width * 0.48, height * 0.96),
                (s * length * 0.42, -width * 0.32, top),
                (s * length * 0.36, -width * 0.3, 0.16),
                (s * length * 0.3, width * 0.42, 0.14),
            ],
            0.013,
            Mat.CHROME,
            sides=5,
        )
        for s in (-1, 1)
    ]
    wheels = [
        cylinder(0.06, 0.03, Mat.RUBBER, sides=12, axis="x").moved(s * length * f, y * width, 0.06)
        for s in (-1, 1)
        for f, y in ((0.38, -0.3), (0.3, 0.42))
    ]
    return join([*wires, grip, *frame, *wheels])


def shopping_trolley(size: Size, rng: Rng) -> Shape:
    """A two-wheeled fabric trolley."""
    del rng
    length, width, height = size
    sack = rounded_box((length * 0.62, width * 0.9, height * 0.62), 0.05, RED).moved(
        length * 0.08, 0, height * 0.42
    )
    flap = rounded_box((length * 0.66, width * 0.94, height * 0.08), 0.03, BLACK).moved(
        length * 0.08, 0, height * 0.73
    )
    bars = [
        tube(
            [(-length * 0.26, y, 0.08), (-length * 0.3, y, height * 0.9)], 0.011, Mat.METAL, sides=5
        )
        for y in (-width * 0.3, width * 0.3)
    ]
    grip = tube(
        [
            (-length * 0.3, -width * 0.32, height * 0.9),
            (-length * 0.46, -width * 0.2, height * 0.98),
            (-length * 0.46, width * 0.2, height * 0.98),
            (-length * 0.3, width * 0.32, height * 0.9),
        ],
        0.014,
        BLACK,
    )
    wheels = cylinder(0.09, 0.03, Mat.RUBBER, sides=14, axis="y").moved(
        -length * 0.26, width * 0.44, 0.09
    )
    foot = box((0.05, width * 0.5, 0.1), BLACK, (length * 0.3, 0, 0.05))
    return join([sack, flap, *bars, grip, wheels.both_sides(), foot])


def case(size: Size, rng: Rng) -> Shape:
    """A briefcase that stands along x."""
    del rng
    length, width, height = size
    body = rounded_box((length, width, height * 0.82), 0.03, BLACK).moved(z=height * 0.41)
    seam = box((length * 1.002, width * 0.06, height * 0.83), Mat.CHROME, (0, 0, height * 0.412))
    grip = tube(
        [
            (-length * 0.14, 0, height * 0.8),
            (-length * 0.12, 0, height * 0.97),
            (length * 0.12, 0, height * 0.97),
            (length * 0.14, 0, height * 0.8),
        ],
        0.016,
        BLACK,
    )
    locks = [
        box((0.05, width * 1.02, 0.03), Mat.CHROME, (x, 0, height * 0.72))
        for x in (-length * 0.3, length * 0.3)
    ]
    return join([body, seam, grip, *locks])


def guitar_case(size: Size, rng: Rng) -> Shape:
    """A guitar case that stands on its edge along x."""
    del rng
    length, width, height = size
    turn = np.linspace(0, 2 * np.pi, 44, endpoint=False)
    x = -np.cos(turn)
    shape = np.interp(
        x, [-1, -0.75, -0.4, -0.18, 0.1, 0.3, 0.45, 1], [0.55, 1, 0.86, 0.66, 0.78, 0.5, 0.3, 0.32]
    )
    half = np.sign(np.sin(turn)) * np.sqrt(np.abs(np.sin(turn))) * shape * height / 2
    ring = np.column_stack([x * length / 2, half])[::-1]
    return extrude(ring, width, BLACK).turned("x", 90).moved(y=width / 2, z=height / 2)


def suitcase(size: Size, rng: Rng) -> Shape:
    """A rolling suitcase with its handle drawn out."""
    del rng
    length, width, height = size
    body = rounded_box((length, width * 0.94, height * 0.6), 0.06, BLUE).moved(z=height * 0.34)
    ribs = [
        box((0.02, width, height * 0.56), BLUE, (x * length, 0, height * 0.34))
        for x in (-0.3, -0.1, 0.1, 0.3)
    ]
    pulls = [
        tube([(x, 0, height * 0.62), (x, 0, height * 0.98)], 0.009, Mat.METAL)
        for x in (-length * 0.16, length * 0.16)
    ]
    grip = box((length * 0.36, 0.03, 0.03), BLACK, (0, 0, height * 0.985))
    wheels = [
        cylinder(0.03, 0.025, Mat.RUBBER, axis="y").moved(
            sx * length * 0.4, sy * width * 0.35, 0.03
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    return join([body, *ribs, *pulls, grip, *wheels])


def helmet(size: Size, rng: Rng) -> Shape:
    """A bicycle or motorcycle helmet that lies on the ground, its front along +y."""
    del rng
    length, width, height = size
    dome = ellipsoid((length / 2, width / 2, height * 0.6), RED, (0, 0, height * 0.4), rings=12)
    keep = dome.vertices_m[dome.triangles][:, :, 2].max(axis=1) > height * 0.05
    rim = lathe([(length * 0.5, 0), (length * 0.5, height * 0.12)], BLACK, sides=20).scaled(
        1, width / length, 1
    )
    vents = [
        box((length * 0.06, width * 0.5, height * 0.06), BLACK, (x, 0, height * 0.94))
        for x in (-length * 0.14, 0.0, length * 0.14)
    ]
    return join([dome.where(keep), rim, *vents])


def full_helmet(size: Size, rng: Rng) -> Shape:
    """A full-face motorcycle helmet, its visor along +y."""
    del rng
    length, width, height = size
    shell = ellipsoid((length / 2, width / 2, height / 2), RED, (0, 0, height / 2), rings=12)
    visor = ellipsoid(
        (length * 0.46, width * 0.3, height * 0.2),
        Mat.GLASS,
        (0, width * 0.24, height * 0.58),
        rings=8,
    )
    chin = ellipsoid(
        (length * 0.42, width * 0.3, height * 0.16), RED, (0, width * 0.2, height * 0.2), rings=8
    )
    return join([shell, visor, chin])


def phone(size: Size, rng: Rng) -> Shape:
    """A mobile phone that stands on its short edge."""
    del rng
    length, width, height = size
    body = box((length, width, height), BLACK, (0, 0, height / 2))
    glass = box((length * 0.9, width * 1.05, height * 0.84), Mat.GLASS, (0, 0, height / 2))
    return join([body, glass])


def ball(size: Size, rng: Rng) -> Shape:
    """A football: white with dark patches."""
    del rng
    r = size[2] / 2
    whole = ellipsoid((r, r, r), WHITE, (0, 0, r), rings=14)
    middle = whole.vertices_m[whole.triangles].mean(axis=1) - (0, 0, r)
    golden = (1 + np.sqrt(5)) / 2
    spots = np.array([(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)], float)
    spots = np.concatenate([spots, spots[:, [1, 2, 0]], spots[:, [2, 0, 1]]])
    spots /= np.linalg.norm(spots, axis=1, keepdims=True)
    near = (middle @ spots.T).max(axis=1) / np.linalg.norm(middle, axis=1) > 0.925
    material = np.where(near, np.uint8(BLACK), np.uint8(WHITE)).astype(np.uint8)
    return Shape(whole.vertices_m, whole.triangles, material, whole.tag)
