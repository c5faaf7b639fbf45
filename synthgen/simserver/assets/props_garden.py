"""Props of parks and gardens: furniture, pots, playground, kennel, bales."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.props_road import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    YELLOW,
    Rng,
    Size,
)
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
from synthgen.simserver.scene import Material as Mat


def _legs(length: float, width: float, high: float, radius: float, material: Mat) -> list[Shape]:
    return [
        cylinder(radius, high, material, sides=8).moved(sx * length / 2, sy * width / 2, high / 2)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]


def _leafy(at: Size, radius: float, rng: Rng, count: int = 70) -> Shape:
    """A ball of leaves for pots."""
    away = rng.normal(size=(count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    core = ellipsoid((radius * 0.7,) * 3, Mat.FOLIAGE, at, rings=5)
    cards = [
        box((radius * 0.38, radius * 0.3, 0.003), Mat.FOLIAGE)
        .turned("x", float(rng.uniform(0, 180)))
        .turned("z", float(rng.uniform(0, 360)))
        .moved(*(np.array(at) + d * radius * rng.uniform(0.7, 1.0)))
        for d in away
    ]
    return join([core, *cards])


def pot(size: Size, rng: Rng) -> Shape:
    """A round pot with a plant."""
    r, h = size[0] / 2, size[2]
    line = [
        (0, 0),
        (0.6 * r, 0),
        (0.82 * r, 0.5 * h),
        (0.88 * r, 0.5 * h),
        (0.88 * r, 0.58 * h),
        (0.76 * r, 0.58 * h),
    ]
    soil = lathe([(0.76 * r, 0.54 * h), (0, 0.54 * h)], Mat.SOIL, sides=18)
    plant = _leafy((0, 0, 0.7 * h), 0.32 * h, rng)
    return join([lathe(line, Mat.BRICK, sides=18), soil, plant])


def flower_box(size: Size, rng: Rng) -> Shape:
    """A long planter with a row of plants, along its longer side."""
    length, width, height = size
    parts = [
        slab((-length / 2, -width / 2, 0), (length / 2, width / 2, height * 0.5), Mat.WOOD),
        slab(
            (-length * 0.47, -width * 0.42, height * 0.49),
            (length * 0.47, width * 0.42, height * 0.52),
            Mat.SOIL,
        ),
    ]
    count = max(2, round(length / width))
    for x in (np.arange(count) + 0.5) / count - 0.5:
        parts.append(
            _leafy((x * length * 0.9, 0, height * 0.7), min(width * 0.42, height * 0.3), rng, 40)
        )
    return join(parts)


def flower_bed(size: Size, rng: Rng) -> Shape:
    """A low strip of ground cover."""
    length, width, height = size
    parts = [slab((-length / 2, -width / 2, 0), (length / 2, width / 2, height * 0.3), Mat.SOIL)]
    for x in np.arange(-length / 2 + 0.15, length / 2 - 0.1, 0.4):
        for y in (-width * 0.25, width * 0.25):
            at = (float(x), float(y), height * 0.5)
            parts.append(_leafy(at, height * 0.45, rng, 11))
    return join(parts)


def tree_tub(size: Size, rng: Rng) -> Shape:
    """A wide round concrete tub with shrubs."""
    r, h = size[0] / 2, size[2]
    wall = lathe([(0, 0), (0.8 * r, 0), (r, 0.55 * h), (0.9 * r, 0.55 * h)], Mat.CONCRETE, sides=24)
    soil = lathe([(0.9 * r, 0.5 * h), (0, 0.5 * h)], Mat.SOIL, sides=24)
    shrubs = [
        _leafy((0.5 * r * np.cos(a), 0.5 * r * np.sin(a), 0.66 * h), 0.34 * h, rng, 40)
        for a in np.linspace(0, 5.2, 5)
    ]
    return join([wall, soil, *shrubs, _leafy((0, 0, 0.72 * h), 0.28 * h, rng, 40)])


def chair(size: Size, rng: Rng) -> Shape:
    """A stackable plastic chair, its back at -x."""
    del rng
    length, width, height = size
    seat = height * 0.42
    parts = [rounded_box((length * 0.82, width * 0.84, 0.04), 0.015, WHITE).moved(z=seat)]
    for y in (-width * 0.42, width * 0.42):
        parts.append(
            tube(
                [
                    (length * 0.45, y * 1.1, 0),
                    (length * 0.38, y, seat),
                    (length * 0.3, y * 1.1, seat * 1.45),
                    (-length * 0.36, y * 1.1, seat * 1.5),
                ],
                0.022,
                WHITE,
                sides=6,
            )
        )
        parts.append(
            tube(
                [
                    (-length * 0.48, y * 1.1, 0),
                    (-length * 0.38, y, seat),
                    (-length * 0.48, y * 0.9, height * 0.97),
                ],
                0.022,
                WHITE,
                sides=6,
            )
        )
    for z in np.linspace(seat * 1.2, height * 0.95, 5):
        x = -length * (0.38 + 0.1 * (z - seat) / (height - seat))
        parts.append(box((0.02, width * 0.8, height * 0.07), WHITE, (x, 0, z)))
    return join(parts)


def parasol_table(size: Size, rng: Rng) -> Shape:
    """A round table under a parasol."""
    del rng
    r, h = size[0] / 2, size[2]
    top = cylinder(r * 0.42, 0.03, WHITE, sides=24).moved(z=0.73)
    pole = cylinder(0.022, h * 0.97, WHITE, sides=8).moved(z=h * 0.485)
    shade = lathe([(r, h * 0.80), (r * 0.55, h * 0.91), (0, h)], RED, sides=8)
    valance = lathe([(r, h * 0.77), (r, h * 0.80)], RED, sides=8)
    under = lathe([(0, h * 0.975), (r * 0.99, h * 0.79)], WHITE, sides=8).flipped()
    foot = cylinder(r * 0.24, 0.06, Mat.CONCRETE, sides=16).moved(z=0.03)
    return join([top, pole, shade, valance, under.flipped(), foot])


def picnic_table(size: Size, rng: Rng) -> Shape:
    """A wooden table with two fixed benches along x."""
    del rng
    length, width, height = size
    parts = [
        box((length * 0.98, width * 0.13, 0.045), Mat.WOOD, (0, y * width, height - 0.023))
        for y in (-0.145, 0.0, 0.145)
    ]
    for side in (-1, 1):
        parts += [
            box(
                (length * 0.98, width * 0.11, 0.045), Mat.WOOD, (0, side * y * width, height * 0.56)
            )
            for y in (0.33, 0.445)
        ]
    for x in (-length * 0.34, length * 0.34):
        for side in (-1, 1):
            leg = tube(
                [(x, side * width * 0.36, 0), (x, side * width * 0.12, height - 0.05)],
                0.04,
                Mat.WOOD,
                sides=4,
            )
            parts.append(leg)
        parts.append(box((0.06, width, 0.09), Mat.WOOD, (x, 0, height * 0.5)))
    return join(parts)


def slide(size: Size, rng: Rng) -> Shape:
    """A playground slide along y, the ladder at -y."""
    del rng
    length, width, height = size
    top_y, deck = -width * 0.22, height * 0.68
    t = np.linspace(0, 1, 10)
    run = np.column_stack(
        [np.zeros(10), top_y + t * (width / 2 - top_y), deck * (1 - t) ** 1.4 + 0.16]
    )
    parts = [tube(run, np.tile([length * 0.34, 0.03], (10, 1)), Mat.METAL, sides=8)]
    for x in (-length * 0.36, length * 0.36):
        parts.append(tube(run + np.array([x, 0, 0.09]), 0.035, RED, sides=6))
        parts.append(
            tube(
                [
                    (x, -width / 2, 0),
                    (x, top_y - 0.2, deck + 0.2),
                    (x, top_y, height),
                    (x, top_y + 0.3, deck + 0.1),
                ],
                0.03,
                YELLOW,
                sides=6,
            )
        )
        parts.append(tube([(x, top_y, 0), (x, top_y, deck)], 0.03, YELLOW, sides=6))
    foot, head = np.array([0, -width / 2, 0.0]), np.array([0, top_y - 0.2, deck])
    for share in np.linspace(0.12, 0.95, 7):
        at = foot + share * (head - foot)
        parts.append(box((length * 0.72, 0.08, 0.03), BLUE, at))
    parts.append(box((length * 0.8, 0.5, 0.04), BLUE, (0, top_y + 0.05, deck + 0.06)))
    return join(parts)


def swing(size: Size, rng: Rng) -> Shape:
    """A frame along x with two seats on chains."""
    del rng
    length, width, height = size
    parts = [
        tube([(-length / 2, 0, height - 0.06), (length / 2, 0, height - 0.06)], 0.055, RED, sides=8)
    ]
    for x in (-length * 0.46, length * 0.46):
        for y in (-width / 2, width / 2):
            parts.append(tube([(x, y, 0), (x, 0, height - 0.06)], 0.045, BLUE, sides=8))
        parts.append(
            tube([(x, -width * 0.25, height / 2), (x, width * 0.25, height / 2)], 0.03, BLUE)
        )
    for x in (-length * 0.2, length * 0.2):
        for side in (-0.2, 0.2):
            parts.append(
                tube(
                    [(x + side, 0, height - 0.08), (x + side, 0.04, 0.5)], 0.008, Mat.METAL, sides=4
                )
            )
        parts.append(box((0.46, 0.18, 0.035), Mat.RUBBER, (x, 0.04, 0.49)))
    return join(parts)


def swing_couch(size: Size, rng: Rng) -> Shape:
    """A hanging garden couch along y under a canopy, facing +x."""
    del rng
    length, width, height = size
    parts = []
    for y in (-width * 0.46, width * 0.46):
        for x in (-length / 2, length / 2):
            parts.append(tube([(x, y, 0), (0, y, height * 0.92)], 0.03, Mat.METAL, sides=6))
        parts.append(
            tube([(-length * 0.1, y, height * 0.9), (-length * 0.1, y * 0.9, 0.5)], 0.01, Mat.METAL)
        )
    parts.append(rounded_box((length * 0.46, width * 0.84, 0.14), 0.05, GREEN).moved(0.02, 0, 0.52))
    back = rounded_box((0.14, width * 0.84, 0.56), 0.05, GREEN).turned("y", -14)
    parts.append(back.moved(-length * 0.26, 0, 0.84))
    roof = extrude([(length * 0.42, 0), (0, height * 0.1), (-length * 0.42, 0)], width, GREEN)
    roof = roof.turned("x", 90).fitted(
        (-length * 0.42, -width / 2, height * 0.9), (length * 0.42, width / 2, height)
    )
    return join([*parts, roof])


def trampoline(size: Size, rng: Rng) -> Shape:
    """A round trampoline inside a safety net's posts."""
    del rng
    r, h = size[0] / 2, size[2]
    mat_ = cylinder(r * 0.84, 0.02, BLACK, sides=28).moved(z=0.88)
    pad = lathe(
        [(r * 0.82, 0.86), (r * 0.97, 0.86), (r * 0.97, 0.92), (r * 0.82, 0.92)], BLUE, sides=28
    )
    turn = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    posts = [
        tube(
            [
                (r * 0.97 * np.cos(a), r * 0.97 * np.sin(a), 0),
                (r * 0.97 * np.cos(a), r * 0.97 * np.sin(a), h),
            ],
            0.03,
            Mat.METAL,
            sides=6,
        )
        for a in turn
    ]
    ring = np.linspace(0, 2 * np.pi, 29)
    hoops = [
        tube(
            np.column_stack([r * 0.97 * np.cos(ring), r * 0.97 * np.sin(ring), np.full(29, z)]),
            0.012,
            BLACK,
            sides=4,
            capped=False,
        )
        for z in np.linspace(1.1, h - 0.05, 5)
    ]
    return join([mat_, pad, *posts, *hoops])


def pergola(size: Size, rng: Rng) -> Shape:
    """A timber pergola."""
    del rng
    length, width, height = size
    posts = _legs(length * 0.8, width * 0.8, height - 0.3, 0.09, Mat.WOOD)
    beams = [
        box((length, 0.1, 0.16), Mat.WOOD, (0, y, height - 0.24))
        for y in (-width * 0.4, width * 0.4)
    ]
    rafters = [
        box((0.07, width, 0.14), Mat.WOOD, (x, 0, height - 0.08))
        for x in np.linspace(-length * 0.46, length * 0.46, 12)
    ]
    braces = [
        tube(
            [
                (sx * length * 0.4, sy * width * 0.4, height - 0.9),
                (sx * length * 0.26, sy * width * 0.4, height - 0.3),
            ],
            0.05,
            Mat.WOOD,
            sides=4,
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    return join([*posts, *beams, *rafters, *braces])


def barbecue(size: Size, rng: Rng) -> Shape:
    """A kettle trolley with a side shelf along x."""
    del rng
    length, width, height = size
    kettle = ellipsoid(
        (length * 0.3, width * 0.46, height * 0.17), BLACK, (-length * 0.12, 0, height * 0.72)
    )
    rim = cylinder(width * 0.48, 0.02, Mat.CHROME, sides=24).moved(-length * 0.12, 0, height * 0.72)
    legs = _legs(length * 0.5, width * 0.7, height * 0.62, 0.018, Mat.METAL)
    shelf = box((length * 0.3, width * 0.7, 0.03), Mat.WOOD, (length * 0.34, 0, height * 0.66))
    low = box((length * 0.6, width * 0.7, 0.02), Mat.METAL, (0, 0, height * 0.2))
    flue = cylinder(0.03, height * 0.14, Mat.METAL).moved(-length * 0.12, 0, height * 0.93)
    wheel = cylinder(0.08, 0.04, Mat.RUBBER, sides=16, axis="y").moved(
        -length * 0.25, width * 0.38, 0.08
    )
    return join([kettle, rim, *legs, shelf, low, flue, wheel.both_sides()])


def clothes_line(size: Size, rng: Rng) -> Shape:
    """Two T posts along x with lines and washing."""
    length, width, height = size
    parts = []
    for x in (-length * 0.48, length * 0.48):
        parts.append(tube([(x, 0, 0), (x, 0, height)], 0.04, Mat.METAL, sides=8))
        parts.append(box((0.05, width, 0.05), Mat.METAL, (x, 0, height - 0.03)))
    for y in (-width * 0.4, 0.0, width * 0.4):
        parts.append(
            tube(
                [(-length * 0.48, y, height - 0.03), (length * 0.48, y, height - 0.05)],
                0.006,
                WHITE,
                sides=3,
            )
        )
        for x in np.arange(-length * 0.4, length * 0.38, 0.75):
            if rng.random() < 0.6:
                color = (WHITE, BLUE, RED, YELLOW, GREEN)[int(rng.integers(5))]
                high = float(rng.uniform(0.4, 0.95))
                parts.append(
                    slab(
                        (x, y - 0.006, height - 0.04 - high),
                        (x + 0.55, y + 0.006, height - 0.04),
                        color,
                    )
                )
    return join(parts)


def dog_house(size: Size, rng: Rng) -> Shape:
    """A kennel with its door towards +x."""
    del rng
    length, width, height = size
    body = slab(
        (-length * 0.44, -width * 0.4, 0), (length * 0.44, width * 0.4, height * 0.6), Mat.WOOD
    )
    gable = extrude(
        [(width * 0.4, 0), (0, height * 0.36), (-width * 0.4, 0)], length * 0.86, Mat.WOOD
    )
    gable = gable.turned("x", 90).turned("z", 90)
    gable = gable.fitted(
        (-length * 0.43, -width * 0.4, height * 0.6), (length * 0.43, width * 0.4, height * 0.96)
    )
    roof = []
    for side in (-1, 1):
        panel = box((length, width * 0.66, 0.04), RED).turned("x", -side * 34.0)
        roof.append(panel.moved(0, side * width * 0.26, height * 0.78))
    door = slab(
        (length * 0.43, -width * 0.17, 0.05), (length * 0.45, width * 0.17, height * 0.44), BLACK
    )
    return join([body, gable, *roof, door])


def gnome(size: Size, rng: Rng) -> Shape:
    """A garden gnome that looks along +x."""
    del rng
    r, h = size[0] / 2, size[2]
    coat = lathe(
        [
            (0, 0.04 * h),
            (0.86 * r, 0.04 * h),
            (0.8 * r, 0.25 * h),
            (0.4 * r, 0.5 * h),
            (0, 0.5 * h),
        ],
        BLUE,
        sides=16,
    )
    shoes = ellipsoid(
        (0.45 * r, 0.25 * r, 0.05 * h), BLACK, (0.4 * r, 0.32 * r, 0.05 * h)
    ).both_sides()
    head = ellipsoid((0.42 * r, 0.42 * r, 0.13 * h), Mat.SKIN, (0, 0, 0.57 * h))
    beard = ellipsoid((0.3 * r, 0.4 * r, 0.14 * h), WHITE, (0.2 * r, 0, 0.47 * h))
    nose = ellipsoid((0.09 * r, 0.09 * r, 0.03 * h), Mat.SKIN, (0.44 * r, 0, 0.58 * h))
    hat = lathe([(0.5 * r, 0.62 * h), (0.36 * r, 0.75 * h), (0.0, h)], RED, sides=16)
    arms = tube(
        [(0, 0.42 * r, 0.44 * h), (0.25 * r, 0.62 * r, 0.32 * h), (0.5 * r, 0.3 * r, 0.3 * h)],
        0.14 * r,
        BLUE,
        sides=6,
    ).both_sides()
    return join([coat, shoes, head, beard, nose, hat, arms])


def watering_can(size: Size, rng: Rng) -> Shape:
    """A small watering can along y."""
    del rng
    length, width, height = size
    body = cylinder(length * 0.5, height * 0.62, GREEN, sides=16).moved(
        0, -width * 0.12, height * 0.31
    )
    spout = tube(
        [(0, width * 0.02, height * 0.2), (0, width * 0.48, height * 0.62)], length * 0.1, GREEN
    )
    grip = tube(
        [
            (0, -width * 0.34, height * 0.2),
            (0, -width * 0.48, height * 0.5),
            (0, -width * 0.2, height * 0.98),
            (0, 0.05 * width, height * 0.62),
        ],
        length * 0.07,
        GREEN,
    )
    return join([body, spout, grip])


def hay_bale(size: Size, rng: Rng) -> Shape:
    """A round bale that lies on its side, its axis along y."""
    r, w = size[2] / 2, size[1]
    turn = [
        (0, -w / 2),
        (0.93 * r, -w / 2),
        (r, -0.42 * w),
        (0.99 * r, 0),
        (r, 0.42 * w),
        (0.93 * r, w / 2),
        (0, w / 2),
    ]
    bale = lathe(turn, Mat.PAINT_4, sides=28, axis="y")
    rough = bale.vertices_m * (1 + rng.normal(scale=0.006, size=(len(bale.vertices_m), 1)))
    bands = [
        lathe([(r * 1.004, y), (r * 1.004, y + 0.02)], WHITE, sides=28, axis="y")
        for y in (-0.3 * w, 0.0, 0.3 * w)
    ]
    return join([Shape(rough, bale.triangles, bale.material, bale.tag), *bands]).moved(z=r)


def garden_lamp(size: Size, rng: Rng) -> Shape:
    """A low lantern."""
    del rng
    r, h = size[0] / 2, size[2]
    foot = lathe(
        [(0, 0), (0.7 * r, 0), (0.25 * r, 0.12 * h), (0.18 * r, 0.55 * h), (0, 0.55 * h)], BLACK
    )
    glass = lathe([(0.42 * r, 0.55 * h), (0.62 * r, 0.82 * h)], Mat.STREET_LAMP, sides=8)
    roof = lathe([(0, 0.82 * h), (r, 0.82 * h), (0.2 * r, 0.96 * h), (0, h)], BLACK, sides=8)
    return join([foot, glass, roof])
