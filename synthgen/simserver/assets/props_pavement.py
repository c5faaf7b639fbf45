"""Props of pavements: bollards, kiosks, posters, machines, shelters, a fountain."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.props_road import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    WHITE,
    YELLOW,
    Rng,
    Size,
    words_on,
)
from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    cylinder,
    join,
    lathe,
    rounded_box,
    slab,
    tube,
)
from synthgen.simserver.assets.street import bus_shelter, mailbox
from synthgen.simserver.scene import Material as Mat


def chain_barrier(size: Size, rng: Rng) -> Shape:
    """Two bollards along x with a sagging chain."""
    length, width, height = size
    post = bollard((width, width, height), rng)
    t = np.linspace(-1, 1, 13)
    half = length / 2 - width / 2
    sag = np.column_stack([t * half, np.zeros(13), height * (0.62 + 0.2 * t**2)])
    chain = tube(sag, 0.014, Mat.METAL, sides=5)
    return join([post.moved(x=-half), post.moved(x=half), chain])


def bollard(size: Size, rng: Rng) -> Shape:
    """A cast-iron bollard."""
    del rng
    r, h = size[0] / 2, size[2]
    line = [
        (0, 0),
        (r, 0),
        (r, 0.06 * h),
        (0.62 * r, 0.12 * h),
        (0.5 * r, 0.78 * h),
        (0.72 * r, 0.8 * h),
        (0.72 * r, 0.84 * h),
        (0.5 * r, 0.87 * h),
        (0.58 * r, 0.93 * h),
        (0.3 * r, h),
        (0, h),
    ]
    return lathe(line, BLACK, sides=16)


def food_cart(size: Size, rng: Rng) -> Shape:
    """A snack stall along y, its hatch towards +x, under a striped awning."""
    del rng
    length, width, height = size
    low, high = 0.5, height * 0.74
    body = [
        slab(
            (-length * 0.42, -width * 0.46, low), (length * 0.3, width * 0.46, height * 0.38), RED
        ),
        slab(
            (-length * 0.42, -width * 0.46, height * 0.38),
            (-length * 0.36, width * 0.46, high),
            WHITE,
        ),
        *(
            slab(
                (-length * 0.42, s * width * 0.46 - 0.05, height * 0.38),
                (length * 0.3, s * width * 0.46 + 0.05, high),
                WHITE,
            )
            for s in (-1, 1)
        ),
        slab(
            (-length * 0.46, -width * 0.48, high), (length * 0.34, width * 0.48, high + 0.12), WHITE
        ),
        slab(
            (length * 0.26, -width * 0.44, height * 0.37),
            (length * 0.44, width * 0.44, height * 0.39),
            Mat.METAL,
        ),
        slab(
            (-length * 0.35, -width * 0.44, height * 0.4),
            (-length * 0.2, width * 0.44, high),
            BLACK,
        ),
    ]
    stripes = []
    count = 12
    for k in range(count):
        y0 = -width / 2 + k * width / count
        color = RED if k % 2 else WHITE
        flap = slab((0, y0, 0), (length * 0.3, y0 + width / count, 0.03), color).turned("y", 22)
        stripes.append(flap.moved(length * 0.26, 0, high + 0.05))
    board = slab((-0.05, -width * 0.3, high + 0.12), (0.05, width * 0.3, height), YELLOW)
    label = words_on("HOT", (height - high) * 0.45, RED, (0.06, 0, (high + 0.12 + height) / 2))
    wheels = [
        cylinder(0.3, 0.14, Mat.RUBBER, sides=18, axis="y").moved(x, s * width * 0.4, 0.3)
        for x in (-length * 0.2, length * 0.15)
        for s in (-1, 1)
    ]
    bar = tube([(-length * 0.1, width * 0.46, 0.5), (-length * 0.1, width / 2, 0.4)], 0.05, GREY)
    return join([*body, *stripes, board, label, *wheels, bar])


def kiosk(size: Size, rng: Rng) -> Shape:
    """An advertising column or newspaper kiosk with a cupola."""
    del rng
    r, h = size[0] / 2, size[2]
    foot = lathe([(0, 0), (0.86 * r, 0), (0.86 * r, 0.08 * h), (0.78 * r, 0.1 * h)], BLACK, sides=8)
    wall = lathe([(0.78 * r, 0.1 * h), (0.78 * r, 0.74 * h)], GREEN, sides=8)
    eaves = lathe(
        [
            (0.78 * r, 0.74 * h),
            (r, 0.76 * h),
            (r, 0.79 * h),
            (0.6 * r, 0.9 * h),
            (0.2 * r, 0.94 * h),
            (0.06 * r, h),
            (0, h),
        ],
        BLACK,
        sides=8,
    )
    posters = [
        box(
            (0.02, 0.5 * r, 0.42 * h), (WHITE, YELLOW, BLUE, RED)[k % 4], (0.725 * r, 0, 0.44 * h)
        ).turned("z", k * 45.0 + 22.5)
        for k in range(8)
    ]
    return join([foot, wall, eaves, *posters])


def fountain(size: Size, rng: Rng) -> Shape:
    """A three-tier stone fountain with water in its basins."""
    del rng
    r, h = size[0] / 2, size[2]
    basin = [
        (0, 0),
        (r, 0),
        (r, 0.10 * h),
        (0.94 * r, 0.12 * h),
        (0.90 * r, 0.10 * h),
        (0.90 * r, 0.04 * h),
    ]
    parts = [
        lathe(basin, Mat.CONCRETE, sides=32),
        lathe([(0.9 * r, 0.085 * h), (0, 0.085 * h)], Mat.WATER, sides=32),
    ]
    column = [
        (0.22 * r, 0.08 * h),
        (0.12 * r, 0.2 * h),
        (0.14 * r, 0.34 * h),
        (0.07 * r, 0.45 * h),
        (0.08 * r, 0.62 * h),
        (0.04 * r, 0.78 * h),
        (0.05 * r, 0.9 * h),
        (0, h),
    ]
    parts.append(lathe(column, Mat.CONCRETE, sides=20))
    for z, reach in ((0.40, 0.48), (0.68, 0.27)):
        bowl = [
            (0.08 * r, (z - 0.06) * h),
            (0.7 * reach * r, (z - 0.03) * h),
            (reach * r, (z + 0.02) * h),
            (0.93 * reach * r, (z + 0.02) * h),
            (0.9 * reach * r, z * h),
        ]
        parts.append(lathe(bowl, Mat.CONCRETE, sides=28))
        parts.append(
            lathe([(0.92 * reach * r, (z + 0.012) * h), (0, (z + 0.012) * h)], Mat.WATER, sides=28)
        )
    return join(parts)


def map_table(size: Size, rng: Rng) -> Shape:
    """A slanted map board along x that faces +y."""
    del rng
    length, width, height = size
    legs = [
        box((0.07, 0.07, height * 0.8), Mat.METAL, (x, 0, height * 0.4))
        for x in (-length * 0.4, length * 0.4)
    ]
    board = box((length, width * 1.1, 0.05), Mat.METAL).turned("x", -38).moved(0, 0, height * 0.8)
    sheet = box((length * 0.92, width, 0.02), GREEN).turned("x", -38).moved(0, 0.02, height * 0.83)
    river = (
        box((length * 0.9, width * 0.12, 0.022), BLUE)
        .turned("x", -38)
        .moved(0, 0.03, height * 0.835)
    )
    return join([*legs, board, sheet, river])


def poster_case(size: Size, rng: Rng) -> Shape:
    """A lit advertising case along x with a poster on both sides."""
    length, width, height = size
    foot = slab(
        (-length * 0.4, -width * 0.35, 0), (length * 0.4, width * 0.35, height * 0.14), GREY
    )
    case = rounded_box((length, width, height * 0.88), 0.04, GREY).moved(z=height * 0.56)
    parts = [foot, case]
    colors = (BLUE, RED, YELLOW, GREEN, ORANGE)
    for side in (-1, 1):
        a, b = (colors[int(k)] for k in rng.choice(5, 2, replace=False))
        y = side * width / 2
        parts.append(box((length * 0.86, 0.012, height * 0.76), a, (0, y, height * 0.56)))
        parts.append(box((length * 0.6, 0.016, height * 0.3), b, (0, y, height * 0.64)))
        parts.append(box((length * 0.7, 0.016, height * 0.06), WHITE, (0, y, height * 0.32)))
    return join(parts)


def street_name(size: Size, rng: Rng) -> Shape:
    """A board on one or two posts along x, lettered on both sides."""
    del rng
    length, width, height = size
    high = min(0.28 * height, 0.5 * length)
    wide = length > 2
    posts = [
        cylinder(width * 0.3, height, Mat.METAL, sides=8).moved(x, 0, height / 2)
        for x in ((-length * 0.32, length * 0.32) if wide else (0.0,))
    ]
    board = box((length, width * 0.5, high), BLUE, (0, 0, height - high / 2))
    rim = box((length * 0.96, width * 0.56, high * 0.9), WHITE, (0, 0, height - high / 2))
    field = box((length * 0.93, width * 0.62, high * 0.8), BLUE, (0, 0, height - high / 2))
    size_of = min(high * 0.42, length / 6)
    label = words_on("BLISS", size_of, WHITE, (width * 0.33, 0, height - high / 2))
    sides = [label.turned("z", 90), label.turned("z", -90)]
    return join([*posts, board, rim, field, *sides])


def shelter_along_x(size: Size, rng: Rng) -> Shape:
    """A bus shelter along x, open towards +y."""
    del rng
    return bus_shelter((size[1], size[0], size[2])).turned("z", 90)


def shelter_along_y(size: Size, rng: Rng) -> Shape:
    """A bus shelter along y, open towards +x."""
    del rng
    return bus_shelter(size)


def cash_machine(size: Size, rng: Rng) -> Shape:
    """A free-standing cash machine that faces +x."""
    del rng
    length, width, height = size
    body = rounded_box((length * 0.86, width * 0.92, height * 0.86), 0.05, BLUE).moved(
        -length * 0.05, 0, height * 0.43
    )
    head = rounded_box((length, width, height * 0.16), 0.03, WHITE).moved(z=height * 0.92)
    screen = box((0.03, width * 0.44, height * 0.13), BLACK, (length * 0.385, 0, height * 0.62))
    shelf = box((0.16, width * 0.7, 0.03), Mat.METAL, (length * 0.4, 0, height * 0.5))
    keys = box((0.05, width * 0.2, 0.02), Mat.METAL, (length * 0.42, -0.06, height * 0.515))
    label = words_on("ATM", height * 0.09, BLUE, (length / 2 + 0.004, 0, height * 0.92))
    return join([body, head, screen, shelf, keys, label])


def post_box(size: Size, rng: Rng) -> Shape:
    """A street letter box that faces +x."""
    del rng
    return mailbox(size)


def drinking_fountain(size: Size, rng: Rng) -> Shape:
    """A cast drinking fountain; the bowl stands out along +y."""
    del rng
    length, width, height = size
    column = lathe(
        [
            (0, 0),
            (0.5 * length, 0),
            (0.3 * length, 0.1 * height),
            (0.3 * length, 0.85 * height),
            (0.42 * length, 0.88 * height),
            (0.2 * length, height),
            (0, height),
        ],
        GREEN,
        sides=14,
    )
    column = column.moved(0, -width * 0.25, 0)
    bowl = lathe(
        [
            (0.1 * length, 0.55 * height),
            (0.46 * length, 0.66 * height),
            (0.38 * length, 0.66 * height),
            (0, 0.6 * height),
        ],
        GREEN,
        sides=16,
    ).moved(0, width * 0.22, 0)
    tap = tube(
        [(0, -width * 0.2, 0.75 * height), (0, width * 0.15, 0.75 * height)], 0.02, Mat.CHROME
    )
    stand = tube([(0, width * 0.22, 0), (0, width * 0.22, 0.58 * height)], 0.04, GREEN)
    return join([column, bowl, tap, stand])


def vending_machine(size: Size, rng: Rng) -> Shape:
    """A vending machine that faces +x."""
    length, width, height = size
    body = rounded_box((length * 0.97, width, height), 0.04, RED).moved(
        -length * 0.015, 0, height / 2
    )
    front = length / 2 - 0.02
    glass = box((0.02, width * 0.6, height * 0.62), BLACK, (front, width * 0.12, height * 0.6))
    cans = [
        box(
            (0.016, 0.06, height * 0.07),
            (RED, BLUE, YELLOW, GREEN, WHITE)[int(rng.integers(5))],
            (front + 0.006, width * (-0.13 + 0.1 * k), height * (0.36 + 0.1 * row)),
        )
        for row in range(6)
        for k in range(6)
    ]
    panel = box((0.03, width * 0.14, height * 0.3), GREY, (front, -width * 0.34, height * 0.58))
    tray = box((0.03, width * 0.5, height * 0.12), BLACK, (front, width * 0.1, height * 0.14))
    return join([body, glass, *cans, panel, tray])


def shop(size: Size, rng: Rng) -> Shape:
    """A one-storey shop whose windows look along +x."""
    del rng
    length, width, height = size
    body = slab(
        (-length / 2, -width / 2, 0), (length / 2 - 0.1, width / 2, height * 0.92), Mat.CONCRETE
    )
    roof = slab((-length / 2, -width / 2, height * 0.92), (length / 2, width / 2, height), GREY)
    x = length / 2 - 0.1
    panes = [
        slab((x - 0.02, y0 * width, 0.5), (x + 0.03, y1 * width, 2.4), Mat.GLASS)
        for y0, y1 in ((-0.46, -0.1), (0.16, 0.46))
    ]
    door = slab((x - 0.02, -0.06 * width, 0.02), (x + 0.04, 0.12 * width, 2.3), Mat.GLASS)
    board = slab((x, -width * 0.46, 2.55), (x + 0.08, width * 0.46, 3.1), RED)
    label = words_on("SHOP", 0.36, WHITE, (x + 0.09, 0, 2.82))
    return join([body, roof, *panes, door, board, label])
