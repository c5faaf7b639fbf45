"""Props of roadworks, accidents and rubbish: cones, barriers, warnings, debris, bins, boxes."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.glyphs import text
from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    cylinder,
    ellipsoid,
    extrude,
    grid,
    join,
    lathe,
    make,
    rounded_box,
    slab,
    tube,
)
from synthgen.simserver.assets.signs import sign_face
from synthgen.simserver.assets.street import bench, litter_bin
from synthgen.simserver.scene import Material as Mat

Size = tuple[float, float, float]
Rng = np.random.Generator
WHITE, RED, BLACK, BLUE, YELLOW, ORANGE, GREEN, GREY = (Mat(Mat.PAINT_0 + k) for k in range(8))


def cone(size: Size, rng: Rng) -> Shape:
    """A traffic cone with two reflecting bands."""
    del rng
    height, foot = size[2], size[0] / 2
    r0, r1, base = foot * 0.72, foot * 0.13, height * 0.045
    levels = [0.0, 0.34, 0.52, 0.66, 0.80, 1.0]
    colors = [ORANGE, WHITE, ORANGE, WHITE, ORANGE]
    parts = [rounded_box((2 * foot, 2 * foot, base), base * 0.4, ORANGE).moved(z=base / 2)]
    for low, high, color in zip(levels[:-1], levels[1:], colors, strict=True):
        ring = [(r0 + (r1 - r0) * t, base + t * (height - base)) for t in (low, high)]
        parts.append(lathe(ring, color, sides=24))
    cap = [(r1, height), (r1 * 0.6, height), (r1 * 0.6, height * 0.97), (0, height * 0.97)]
    return join([*parts, lathe(cap, ORANGE, sides=24)])


def post_cone(size: Size, rng: Rng) -> Shape:
    """A slim guide post on a rubber foot."""
    del rng
    height, foot = size[2], size[0]
    base = rounded_box((foot, size[1], 0.09), 0.03, BLACK).moved(z=0.045)
    r = size[1] * 0.22
    parts = [base]
    for k, (low, high) in enumerate(
        [(0.06, 0.4), (0.4, 0.52), (0.52, 0.66), (0.66, 0.78), (0.78, 1)]
    ):
        ring = [(r * (1 - 0.35 * t), t * height) for t in (low, high)]
        parts.append(lathe(ring, ORANGE if k % 2 == 0 else WHITE, sides=18))
    return join([*parts, lathe([(r * 0.65, height), (0, height)], ORANGE, sides=18)])


def striped_barrier(size: Size, rng: Rng) -> Shape:
    """Two striped boards on A-frames with a warning lamp; along x."""
    del rng
    length, width, height = size
    parts = []
    for x in (-length * 0.42, length * 0.42):
        for side in (-1, 1):
            leg = [(x, side * width * 0.46, 0.02), (x, side * 0.03, height * 0.86)]
            parts.append(tube(leg, 0.022, GREY, sides=5))
        parts.append(box((0.05, width, 0.04), BLACK, (x, 0, 0.02)))
    for z in (height * 0.74, height * 0.40):
        parts.append(_striped_board(length, 0.20, 0.036, z))
    for x in (-length * 0.38, length * 0.38):
        lamp = cylinder(0.055, 0.04, Mat.BULB_YELLOW, sides=12, axis="y").moved(x, 0, height - 0.06)
        parts += [lamp, box((0.05, 0.05, 0.1), YELLOW, (x, 0, height - 0.13))]
    return join(parts)


def _striped_board(length: float, high: float, thick: float, z: float) -> Shape:
    """A board along x with slanted red and white stripes on both faces."""
    board = box((length, thick, high), WHITE, (0, 0, z))
    step = high * 1.1
    stripes = []
    for start in np.arange(-length / 2, length / 2 - step, step * 2):
        low, lean = start, high
        corners = np.array(
            [
                (low, -high / 2),
                (low + step, -high / 2),
                (low + step + lean, high / 2),
                (low + lean, high / 2),
            ]
        )
        corners[:, 0] = np.clip(corners[:, 0], -length / 2, length / 2)
        front = np.column_stack([corners[:, 0], np.full(4, thick / 2 + 0.003), corners[:, 1] + z])
        quad = make(front, [(0, 2, 1), (0, 3, 2)], RED)
        stripes += [quad, quad.turned("z", 180)]
    return join([board, *stripes])


def warning_triangle_board(size: Size, rng: Rng) -> Shape:
    """A triangular warning sign on a folding stand, the face along +x."""
    del rng
    face = sign_face("roadworks").scaled(1, 1.25, 1.25)
    return _on_stand(face, size)


def accident_board(size: Size, rng: Rng) -> Shape:
    """A triangular accident sign on a folding stand, the face along +x."""
    del rng
    return _on_stand(sign_face("warning").scaled(1, 1.25, 1.25), size)


def _on_stand(face: Shape, size: Size) -> Shape:
    length, width, height = size
    z = height - float(face.bounds_m()[1, 2])
    x = 0.0
    parts = [face.moved(x, 0, z)]
    for sx, sy in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        foot = (sx * length * 0.46, sy * width * 0.44, 0.015)
        parts.append(tube([foot, (0.0, sy * 0.12, z - 0.35)], 0.018, GREY, sides=5))
    return join([*parts, tube([(0, 0, z - 0.4), (0.02, 0, height - 0.1)], 0.02, GREY, sides=5)])


def arrow_trailer(size: Size, rng: Rng) -> Shape:
    """A trailer with a lamp arrow board that faces -x, where traffic comes from."""
    del rng
    length, width, height = size
    bed = rounded_box((length * 0.62, width * 0.6, 0.34), 0.04, YELLOW).moved(0.1, 0, 0.62)
    bar = tube([(length * 0.3, 0, 0.5), (length / 2, 0, 0.46)], 0.04, GREY, sides=6)
    wheels = [
        lathe(
            [(0, -0.09), (0.31, -0.09), (0.31, 0.09), (0, 0.09)], Mat.RUBBER, sides=20, axis="y"
        ).moved(0.05, s * width * 0.36, 0.31)
        for s in (-1, 1)
    ]
    legs = [
        tube(
            [
                (sx * length * 0.25, sy * width * 0.28, 0.02),
                (sx * length * 0.25, sy * width * 0.28, 0.6),
            ],
            0.03,
            GREY,
            sides=5,
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    low = 1.25
    board = slab((-0.1, -width / 2, low), (0.0, width / 2, height), BLACK)
    mast = [slab((0.0, y - 0.05, 0.7), (0.09, y + 0.05, height - 0.2), GREY) for y in (-0.5, 0.5)]
    lamps = []
    middle = (low + height) / 2
    reach = width * 0.38
    spots = [(y, 0.0) for y in np.linspace(-reach, reach, 7)]
    spots += [(reach - d, s * d) for d in (0.22, 0.44, 0.66) for s in (-1, 1)]
    for y, z in spots:
        lamp = lathe([(0.085, 0.02), (0.06, 0.045), (0, 0.05)], Mat.BULB_YELLOW, sides=12, axis="x")
        lamps.append(lamp.turned("z", 180).moved(-0.09, y, middle + z))
    chevrons = _striped_board(width * 0.9, 0.2, 0.03, 0.95).turned("z", 90).moved(x=-length * 0.24)
    return join([bed, bar, *wheels, *legs, board, *mast, *lamps, chevrons])


def plank(size: Size, rng: Rng) -> Shape:
    """A ribbed steel plate that covers a trench."""
    del rng
    length, width, height = size
    sheet = slab((-length / 2, -width / 2, 0), (length / 2, width / 2, height * 0.6), Mat.METAL)
    ribs = [
        box((0.10, 0.02, height * 0.5), Mat.METAL, (x, y, height * 0.72)).turned("z", 0.0)
        for x in np.arange(-length / 2 + 0.12, length / 2 - 0.1, 0.2)
        for y in np.arange(-width / 2 + 0.12, width / 2 - 0.1, 0.2)
    ]
    return join([sheet, *ribs])


def tile_shard(size: Size, rng: Rng) -> Shape:
    """A broken piece of a tile."""
    turn = np.sort(rng.uniform(0, 2 * np.pi, 7))
    reach = rng.uniform(0.6, 1.0, 7)
    ring = np.column_stack([np.cos(turn) * reach, np.sin(turn) * reach])
    return extrude(ring, max(size[2], 0.006), Mat.BRICK)


def debris(size: Size, rng: Rng) -> Shape:
    """Soil, stones and splinters strewn over the ground."""
    length, width, height = size
    parts = []
    for k in range(46):
        at = rng.uniform(-0.5, 0.5, 2) * (length, width) * 0.92
        big = float(rng.uniform(0.02, 0.11)) * (1.6 if k % 9 == 0 else 1.0)
        material = (Mat.SOIL, Mat.GRAVEL, Mat.CONCRETE, Mat.WOOD, Mat.SOIL)[k % 5]
        if material is Mat.WOOD:
            stick = box((big * 4, big * 0.5, big * 0.4), material).turned(
                "z", float(rng.uniform(0, 180))
            )
            parts.append(stick.moved(at[0], at[1], big * 0.25))
            continue
        lump = ellipsoid((big, big * 0.8, big * 0.55), material, rings=4)
        jitter = 1 + rng.normal(scale=0.12, size=lump.vertices_m.shape)
        stone = Shape(lump.vertices_m * jitter, lump.triangles, lump.material, lump.tag)
        parts.append(stone.moved(at[0], at[1], big * 0.3))
    heap = ellipsoid((length * 0.34, width * 0.32, height * 0.55), Mat.SOIL, rings=6)
    crumbly = heap.vertices_m * (1 + rng.normal(scale=0.05, size=heap.vertices_m.shape))
    parts.append(Shape(crumbly, heap.triangles, heap.material, heap.tag))
    whole = join(parts)
    flat = whole.vertices_m.copy()
    flat[:, 2] = np.maximum(flat[:, 2], 0)
    return Shape(flat, whole.triangles, whole.material, whole.tag)


def barrel(size: Size, rng: Rng) -> Shape:
    """A steel drum with two ribs."""
    del rng
    r, h = size[0] / 2, size[2]
    line = [(0, 0.02 * h), (0.93 * r, 0.02 * h), (0.97 * r, 0), (0.97 * r, 0.02 * h)]
    for z in (0.33, 0.66):
        line += [(0.95 * r, (z - 0.02) * h), (r, z * h), (0.95 * r, (z + 0.02) * h)]
    line += [
        (0.97 * r, 0.98 * h),
        (0.97 * r, h),
        (0.93 * r, h),
        (0.93 * r, 0.98 * h),
        (0, 0.98 * h),
    ]
    return lathe(line, BLUE, sides=24)


def wheelie_bin(size: Size, rng: Rng) -> Shape:
    """A two-wheeled household bin, its handle behind (-x)."""
    del rng
    length, width, height = size
    low = np.array([(-0.32, -0.36), (0.34, -0.36), (0.34, 0.36), (-0.32, 0.36)]) * (length, width)
    high = np.array([(-0.42, -0.46), (0.46, -0.46), (0.46, 0.46), (-0.42, 0.46)]) * (length, width)
    body = _frustum(low, 0.05, high, height * 0.88, GREEN)
    lid = rounded_box((length * 0.96, width, height * 0.1), 0.03, GREEN).moved(
        0.0, 0, height * 0.94
    )
    grip = tube(
        [
            (-length * 0.47, -width * 0.35, height * 0.9),
            (-length * 0.5, -width * 0.3, height * 0.92),
            (-length * 0.5, width * 0.3, height * 0.92),
            (-length * 0.47, width * 0.35, height * 0.9),
        ],
        0.018,
        BLACK,
        sides=6,
    )
    wheels = [
        cylinder(0.1, 0.05, Mat.RUBBER, sides=16, axis="y").moved(
            -length * 0.3, s * width * 0.4, 0.1
        )
        for s in (-1, 1)
    ]
    return join([body, lid, grip, *wheels])


def _frustum(low: np.ndarray, z0: float, high: np.ndarray, z1: float, material: Mat) -> Shape:
    """A solid between two anticlockwise quadrilaterals."""
    points = np.vstack(
        [np.column_stack([low, np.full(4, z0)]), np.column_stack([high, np.full(4, z1)])]
    )
    faces = [(0, 2, 1), (0, 3, 2), (4, 5, 6), (4, 6, 7)]
    for k in range(4):
        n = (k + 1) % 4
        faces += [(k, n, n + 4), (k, n + 4, k + 4)]
    return make(points, faces, material)


def skip_container(size: Size, rng: Rng) -> Shape:
    """A four-wheeled communal refuse container with a round lid."""
    del rng
    length, width, height = size
    low = np.array([(-0.42, -0.36), (0.42, -0.36), (0.42, 0.36), (-0.42, 0.36)]) * (length, width)
    high = np.array([(-0.48, -0.46), (0.48, -0.46), (0.48, 0.46), (-0.48, 0.46)]) * (length, width)
    body = _frustum(low, 0.18, high, height * 0.74, GREEN)
    turn = np.radians(np.linspace(0, 180, 10))
    arch = np.column_stack([width * 0.5 * np.cos(turn), height * 0.26 * np.sin(turn)])
    lid = extrude(arch, length, GREEN).turned("x", 90).turned("z", 90)
    lid = lid.fitted((-length / 2, -width / 2, height * 0.74), (length / 2, width / 2, height))
    rim = box((length, width * 0.98, 0.05), BLACK, (0, 0, height * 0.74))
    wheels = [
        cylinder(0.09, 0.05, Mat.RUBBER, sides=14, axis="y").moved(
            sx * length * 0.36, sy * width * 0.3, 0.09
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    ribs = [
        box((0.05, width * 0.9, height * 0.5), GREEN, (x * length, 0, height * 0.45))
        for x in (-0.3, 0.0, 0.3)
    ]
    return join([body, lid, rim, *wheels, *ribs])


def bottle_bank(size: Size, rng: Rng) -> Shape:
    """A rounded recycling bank with port holes towards +x."""
    del rng
    length, width, height = size
    body = rounded_box((length * 0.94, width * 0.96, height * 0.94), 0.35, GREEN, steps=4)
    body = body.moved(z=height * 0.53)
    foot = box((length * 0.8, width * 0.8, 0.12), BLACK, (0, 0, 0.06))
    ports = []
    for y in (-width * 0.22, width * 0.22):
        ring = lathe(
            [(0.17, 0), (0.17, 0.05), (0.12, 0.05), (0.12, 0.0)], BLACK, sides=18, axis="x"
        )
        hole = lathe([(0.12, 0.02), (0, 0.02)], BLACK, sides=18, axis="x")
        ports += [part.moved(length * 0.45, y, height * 0.72) for part in (ring, hole)]
    label = box((0.02, width * 0.4, height * 0.16), WHITE, (length * 0.468, 0, height * 0.42))
    eye = tube(
        [(0, -0.15, height * 0.96), (0, 0, height), (0, 0.15, height * 0.96)], 0.03, Mat.METAL
    )
    return join([body, foot, *ports, label, eye])


def cloth_bank(size: Size, rng: Rng) -> Shape:
    """A steel clothes bank with a chute towards +x."""
    del rng
    length, width, height = size
    body = rounded_box((length * 0.92, width, height * 0.96), 0.06, YELLOW).moved(
        -length * 0.03, 0, height * 0.52
    )
    chute = _frustum(
        np.array([(0.36, -0.3), (0.5, -0.3), (0.5, 0.3), (0.36, 0.3)]) * (length, width),
        height * 0.66,
        np.array([(0.36, -0.3), (0.43, -0.3), (0.43, 0.3), (0.36, 0.3)]) * (length, width),
        height * 0.86,
        Mat.METAL,
    )
    sign = box((0.02, width * 0.6, height * 0.3), WHITE, (length * 0.432, 0, height * 0.36))
    foot = box((length * 0.86, width * 0.94, 0.08), BLACK, (-length * 0.03, 0, 0.04))
    return join([body, chute, sign, foot])


def carton(size: Size, rng: Rng) -> Shape:
    """A closed cardboard box with tape, its corners a little crushed."""
    length, width, height = size
    body = box((length, width, height), Mat.WOOD, (0, 0, height / 2))
    dent = body.vertices_m * (1 + rng.uniform(-0.03, 0.0, body.vertices_m.shape))
    tape = slab(
        (-length * 0.07, -width * 0.49, height * 0.97), (length * 0.07, width * 0.49, height), WHITE
    )
    flap = slab((-length * 0.49, -0.004, height * 0.98), (length * 0.49, 0.004, height), BLACK)
    label = slab(
        (length * 0.48, -width * 0.2, height * 0.5),
        (length * 0.5, width * 0.16, height * 0.76),
        WHITE,
    )
    return join([Shape(dent, body.triangles, body.material, body.tag), tape, flap, label])


def flat_carton(size: Size, rng: Rng) -> Shape:
    """A cardboard box run flat, with creased flaps."""
    length, width, height = size
    nx, ny = 9, 5
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, nx), np.linspace(-0.5, 0.5, ny), indexing="ij")
    z = np.abs(np.sin(x * 7.0 + rng.uniform(0, 3))) * np.abs(np.cos(y * 4.0 + rng.uniform(0, 3)))
    top = np.stack([x * length, y * width, 0.2 * height + 0.8 * height * z / z.max()], axis=2)
    sheet = grid(top, Mat.WOOD)
    under = sheet.moved(z=-0.004).flipped()
    whole = join([sheet, under])
    flat = whole.vertices_m.copy()
    flat[:, 2] = np.maximum(flat[:, 2], 0)
    return Shape(flat, whole.triangles, whole.material, whole.tag)


def refuse_sack(size: Size, rng: Rng) -> Shape:
    """A knotted plastic sack."""
    length, width, height = size
    sack = ellipsoid((length / 2, width / 2, height * 0.42), BLACK, (0, 0, height * 0.38), rings=10)
    folds = 1 + 0.07 * np.sin(9 * np.arctan2(sack.vertices_m[:, 1], sack.vertices_m[:, 0]))[:, None]
    points = sack.vertices_m * np.concatenate([folds, folds, np.ones_like(folds)], axis=1)
    points[:, 2] = np.maximum(points[:, 2] + rng.normal(scale=0.004, size=len(points)), 0)
    knot = lathe([(0.05, height * 0.76), (0.018, height * 0.84), (0.07, height)], BLACK, sides=10)
    return join([Shape(points, sack.triangles, sack.material, sack.tag), knot])


def can(size: Size, rng: Rng) -> Shape:
    """A drinks can."""
    del rng
    r, h = size[0] / 2, size[2]
    metal = lathe([(0, 0.03 * h), (0.7 * r, 0), (r, 0.07 * h)], Mat.METAL, sides=18)
    body = lathe([(r, 0.07 * h), (r, 0.9 * h)], RED, sides=18)
    top = lathe(
        [(r, 0.9 * h), (0.8 * r, h), (0.74 * r, 0.98 * h), (0, 0.97 * h)], Mat.METAL, sides=18
    )
    return join([metal, body, top])


def crushed_can(size: Size, rng: Rng) -> Shape:
    """A dented drinks can or cup."""
    whole = can(size, rng)
    wave = (
        1
        + 0.14
        * np.sin(
            3 * np.arctan2(whole.vertices_m[:, 1], whole.vertices_m[:, 0])
            + 60 * whole.vertices_m[:, 2] / size[2] / 10
        )[:, None]
    )
    points = whole.vertices_m * np.concatenate([wave, 1 / wave, np.ones_like(wave)], axis=1)
    return Shape(points, whole.triangles, whole.material, whole.tag)


def bottle(size: Size, rng: Rng) -> Shape:
    """A bottle that lies along x."""
    del rng
    r, h = size[1] / 2, size[0]
    line = [(0, 0), (r, 0), (r, 0.62 * h), (0.4 * r, 0.8 * h), (0.4 * r, h), (0, h)]
    return lathe(line, Mat.GLASS, sides=14, axis="x").moved(-h / 2, 0, r)


def crown_cap(size: Size, rng: Rng) -> Shape:
    """A flat lid or bottle cap."""
    del rng
    return cylinder(size[0] / 2, size[2], RED, sides=16).moved(z=size[2] / 2)


def paper_tray(size: Size, rng: Rng) -> Shape:
    """A greasy pizza box or tray, half open."""
    length, width, height = size
    low = slab((-length / 2, -width / 2, 0), (length / 2, width / 2, height * 0.4), WHITE)
    lid = box((length, width, height * 0.15), WHITE).turned("y", float(rng.uniform(-10, -5)))
    return join([low, lid.moved(0, 0, height * 0.8)])


def litter_patch(size: Size, rng: Rng) -> Shape:
    """A pallet-wide patch of rubbish: bags, cans, boards."""
    length, width, height = size
    parts = [slab((-length / 2, -width / 2, 0), (length / 2, width / 2, height * 0.12), Mat.WOOD)]
    for k in range(26):
        x, y = rng.uniform(-0.44, 0.44, 2) * (length, width)
        turn = float(rng.uniform(0, 180))
        if k % 4 == 0:
            piece = refuse_sack((0.34, 0.3, height * 0.95), rng)
        elif k % 4 == 1:
            piece = carton((0.26, 0.2, height * 0.6), rng)
        elif k % 4 == 2:
            piece = box((0.6, 0.12, 0.03), Mat.WOOD, (0, 0, height * 0.3))
        else:
            piece = can((0.07, 0.07, 0.12), rng)
        parts.append(piece.turned("z", turn).moved(x, y, height * 0.05))
    return join(parts)


def round_bin(size: Size, rng: Rng) -> Shape:
    """A litter bin."""
    del rng
    return litter_bin(size)


def open_bin(size: Size, rng: Rng) -> Shape:
    """A dark litter bin without a lid."""
    del rng
    return litter_bin(size, lid=False, material=Mat.PLASTIC)


def square_bin(size: Size, rng: Rng) -> Shape:
    """A square steel bin with a slot towards +x and a flat roof."""
    del rng
    length, width, height = size
    body = rounded_box((length * 0.9, width * 0.9, height * 0.8), 0.03, GREY).moved(z=height * 0.44)
    roof = rounded_box((length, width, height * 0.1), 0.03, Mat.METAL).moved(z=height * 0.95)
    slot = box((0.02, width * 0.6, height * 0.12), BLACK, (length * 0.45, 0, height * 0.74))
    foot = box((length * 0.8, width * 0.8, 0.05), BLACK, (0, 0, 0.025))
    neck = box((length * 0.7, width * 0.7, height * 0.1), Mat.METAL, (0, 0, height * 0.86))
    return join([body, roof, slot, foot, neck])


def long_bench(size: Size, rng: Rng) -> Shape:
    """A bench along x whose back is at -y."""
    del rng
    return bench((size[1], size[0], size[2]), back=True).turned("z", 90)


def flat_bench(size: Size, rng: Rng) -> Shape:
    """A bench without a back along x."""
    del rng
    return bench((size[1], size[0], size[2]), back=False).turned("z", 90)


def calibrator(size: Size, rng: Rng) -> Shape:
    """A calibration board: a strip of grey and coloured fields."""
    del rng
    length, width, height = size
    board = box((length, width, height * 0.4), BLACK, (0, 0, height * 0.2))
    colors = (WHITE, GREY, BLACK, RED, GREEN, BLUE, YELLOW, ORANGE)
    fields = [
        slab(
            (-length / 2 + (k + 0.1) * length / 8, y0 * width, height * 0.39),
            (-length / 2 + (k + 0.9) * length / 8, y1 * width, height),
            color,
        )
        for row, (y0, y1) in enumerate(((-0.45, -0.03), (0.03, 0.45)))
        for k, color in enumerate(colors[row:] + colors[:row])
    ]
    return join([board, *fields])


def crate(size: Size, rng: Rng) -> Shape:
    """A plain wooden crate with edge boards."""
    del rng
    half = np.array(size) / 2
    core = box(np.array(size) * 0.96, Mat.WOOD, (0, 0, half[2]))
    edges = []
    for axis in range(3):
        for a in (-1, 1):
            for b in (-1, 1):
                other = [k for k in range(3) if k != axis]
                bar = np.full(3, 0.08) * np.min(size)
                bar[axis] = size[axis]
                at = np.zeros(3)
                at[other[0]] = a * (half[other[0]] - bar[other[0]] / 2)
                at[other[1]] = b * (half[other[1]] - bar[other[1]] / 2)
                edges.append(box(bar, Mat.WOOD, at + np.array([0, 0, half[2]])))
    return join([core, *edges])


def words_on(words: str, height: float, material: Mat, at: Size) -> Shape:
    """Lettering that faces +x at a place."""
    return text(words, height, material).moved(*at)
