"""Motorcycles, the scooter and bicycles, each with its rider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from synthgen.simserver.assets.colors import palette
from synthgen.simserver.assets.cycles import CRANK_M, Point, TwoWheeler, is_bicycle
from synthgen.simserver.assets.riders import Rider
from synthgen.simserver.assets.shapes import (
    F64,
    Shape,
    box,
    cylinder,
    ellipsoid,
    join,
    lathe,
    rounded_box,
    tube,
)
from synthgen.simserver.assets.wheels import cycle_wheel
from synthgen.simserver.scene import F32, Tag
from synthgen.simserver.scene import Material as Mat


@dataclass(frozen=True, slots=True)
class BuiltTwoWheeler:
    """Shapes by part name with pivots, and what the pose needs."""

    shapes: Mapping[str, Shape]
    pivots_m: Mapping[str, Point]
    palette: F32


def build_two_wheeler(spec: TwoWheeler, size: Point) -> BuiltTwoWheeler:
    """Machine and rider whose bounding box has a given length, width and height."""
    length, width, height = size
    radius, tyre = spec.wheel_m
    guard = 0.03 if spec.kind in {"bicycle", "city_bicycle", "scooter"} else 0.0
    front, rear = length / 2 - radius, -length / 2 + radius + guard
    tag = Tag.BICYCLE if is_bicycle(spec.kind) else Tag.MOTORCYCLE
    spec = replace(spec, grip=(spec.grip[0], width / 2 - 0.055, spec.grip[2]))
    head = _steering_head(spec, front)
    builder = {"cruiser": _cruiser, "sport": _sport, "scooter": _scooter}.get(spec.kind, _bicycle)
    body = builder(spec, front, rear, width)
    fork = _fork(spec, front, head, width)
    wheel = cycle_wheel(
        radius, tyre, 20 if is_bicycle(spec.kind) else 6, 0.02 if is_bicycle(spec.kind) else 0.05
    )
    shapes = {
        "body": body.tagged(tag),
        "fork": fork.moved(*(-np.array(head))).tagged(tag),
        "wheel_f": wheel.tagged(tag),
        "wheel_r": wheel.tagged(tag),
    }
    pivots: dict[str, Point] = {
        "body": (0.0, 0.0, 0.0),
        "fork": head,
        "wheel_f": (front, 0.0, radius),
        "wheel_r": (rear, 0.0, radius),
    }
    if is_bicycle(spec.kind):
        x, half, z = spec.foot
        shapes["crank"] = _crank(half).tagged(tag)
        pivots["crank"] = (x, 0.0, z)
    rider = Rider(spec, height)
    for name, (shape, pivot) in rider.parts().items():
        shapes[name] = shape.tagged(Tag.RIDER)
        pivots[name] = pivot
    return BuiltTwoWheeler(shapes, pivots, _colors(spec))


def _colors(spec: TwoWheeler) -> F32:
    """Paints 0, 1, 2 dress the rider, 4 is the helmet, 5 the machine's lacquer, 6 soles."""
    helmet = (235, 235, 232) if spec.kind == "sport" else (40, 42, 46)
    return palette(*spec.rider, (50, 50, 54), helmet, spec.color, (208, 206, 200))


LACQUER = Mat.PAINT_5


# -- machines ------------------------------------------------------------------------------------


def _steering_head(spec: TwoWheeler, front: float) -> Point:
    """Where the fork turns: above and behind the front axle, below the grips."""
    rake = 0.12 if is_bicycle(spec.kind) else 0.22
    z = spec.grip[2] - (0.12 if is_bicycle(spec.kind) else 0.16)
    return (front - rake, 0.0, z)


def _bar(a: Point, b: Point, radius: float, material: Mat, sides: int = 8) -> Shape:
    return tube([a, b], radius, material, sides=sides)


def _fork(spec: TwoWheeler, front: float, head: Point, width: float) -> Shape:
    """Legs, handlebar, grips and lamp; everything that steers except the wheel."""
    radius, tyre = spec.wheel_m
    bike = is_bicycle(spec.kind)
    leg = 0.011 if bike else 0.026
    y = tyre / 2 + (0.018 if bike else 0.045)
    crown = (head[0] + 0.02, 0.0, radius * 2 + 0.03 if bike else head[2] - 0.1)
    parts = [
        join(
            [
                _bar((front, y, radius), (crown[0], y, crown[2]), leg, Mat.METAL),
                _bar((crown[0], y, crown[2]), (head[0], y * 0.5, head[2]), leg, Mat.METAL),
            ]
        ).both_sides(),
        _bar((crown[0], 0, crown[2]), head, 0.017 if bike else 0.03, Mat.METAL),
    ]
    gx, gy, gz = spec.grip
    tip = width / 2
    bar = tube(
        [
            (head[0], 0, gz - 0.02),
            (head[0] + 0.01, gy * 0.45, gz),
            (gx, gy, gz),
            (gx - 0.01, tip, gz),
        ],
        0.013,
        Mat.METAL if not bike else Mat.CHROME,
        sides=8,
    )
    grip = tube([(gx, gy - 0.06, gz), (gx - 0.01, tip, gz)], 0.019, Mat.RUBBER, sides=8)
    lever = _bar(
        (gx + 0.05, gy - 0.08, gz - 0.01), (gx + 0.06, tip - 0.03, gz - 0.02), 0.006, Mat.METAL
    )
    parts += [join([bar, grip, lever]).both_sides(), _bar(head, (head[0], 0, gz), 0.016, Mat.METAL)]
    if bike:
        lamp = ellipsoid((0.035, 0.03, 0.03), Mat.HEADLAMP, (head[0] + 0.07, 0, head[2] + 0.02))
        return join([*parts, lamp])
    guard = _mudguard(front, radius, tyre, 35, 150)
    mirror = rounded_box((0.025, 0.13, 0.085), 0.012, Mat.PLASTIC).moved(
        gx + 0.02, min(gy + 0.02, tip - 0.068), gz + 0.16
    )
    stem = _bar((gx, gy - 0.08, gz), (gx + 0.02, min(gy, tip - 0.1), gz + 0.14), 0.007, Mat.METAL)
    turn = ellipsoid(
        (0.028, 0.03, 0.02), Mat.INDICATOR_RIGHT, (head[0] + 0.06, 0.19, head[2] - 0.02)
    )
    parts += [guard, join([mirror, stem, turn]).both_sides()]
    if spec.kind == "cruiser":
        lamp = ellipsoid((0.09, 0.09, 0.09), Mat.CHROME, (head[0] + 0.11, 0, head[2] - 0.02))
        lens = ellipsoid((0.03, 0.08, 0.08), Mat.HEADLAMP, (head[0] + 0.185, 0, head[2] - 0.02))
        parts += [lamp, lens]
    if spec.kind == "scooter":
        shield = ellipsoid((0.14, 0.12, 0.13), LACQUER, (head[0] + 0.02, 0, gz - 0.03))
        lens = ellipsoid((0.03, 0.07, 0.07), Mat.HEADLAMP, (head[0] + 0.15, 0, gz - 0.03))
        parts += [shield, lens]
    return join(parts)


def _arc(x: float, z: float, radius: float, start: float, stop: float) -> F64:
    turn = np.radians(np.linspace(start, stop, 12))
    return np.column_stack([x + radius * np.cos(turn), np.zeros(12), z + radius * np.sin(turn)])


def _mudguard(x: float, radius: float, tyre: float, start: float, stop: float) -> Shape:
    """A curved sheet over a wheel."""
    path = _arc(x, radius, radius + 0.022, start, stop)
    return tube(path, np.tile([tyre * 0.62, 0.008], (len(path), 1)), LACQUER, sides=8)


def _crank(half: float) -> Shape:
    """Chainwheel, arms and pedals around the crank's axle."""
    wheel = lathe(
        [(0, 0.035), (0.095, 0.035), (0.095, 0.041), (0, 0.041)], Mat.METAL, sides=20, axis="y"
    )
    axle = cylinder(0.02, 0.11, Mat.METAL, axis="y")
    parts = [wheel, axle]
    for sign in (1, -1):
        arm = _bar((0, sign * 0.055, 0), (sign * CRANK_M, sign * 0.06, 0), 0.011, Mat.METAL)
        pedal = box((0.09, 0.09, 0.022), Mat.PLASTIC, (sign * CRANK_M, sign * (half + 0.02), 0))
        parts += [arm, pedal]
    return join(parts)


def _bicycle(spec: TwoWheeler, front: float, rear: float, width: float) -> Shape:
    del width
    radius, tyre = spec.wheel_m
    head = _steering_head(spec, front)
    crank = (spec.foot[0], 0.0, spec.foot[2])
    seat = (spec.seat[0], 0.0, spec.seat[1])
    low_head = (head[0] + 0.02, 0.0, radius * 2 + 0.07)
    top = (seat[0] + 0.25 * (crank[0] - seat[0]), 0.0, seat[2] + 0.25 * (crank[2] - seat[2]))
    thick = 0.019 if spec.kind != "road_bicycle" else 0.016
    step_through = spec.kind == "city_bicycle"
    top_end = (crank[0] * 0.5 + seat[0] * 0.5, 0.0, 0.55) if step_through else top
    bars = [
        _bar(crank, (seat[0], 0, seat[2] - 0.04), thick, LACQUER),
        _bar(low_head, crank, thick * 1.1, LACQUER),
        _bar((head[0] + 0.005, 0, head[2] - 0.03), top_end, thick, LACQUER),
        _bar(low_head, (head[0], 0, head[2] + 0.01), thick * 1.15, LACQUER),
        join(
            [
                _bar((rear, 0.06, radius), (crank[0], 0.03, crank[2]), 0.009, LACQUER),
                _bar((rear, 0.06, radius), (top[0], 0.02, top[2]), 0.008, LACQUER),
            ]
        ).both_sides(),
    ]
    saddle = ellipsoid(
        (0.13, 0.075 if step_through else 0.062, 0.035), Mat.PLASTIC, (seat[0] - 0.02, 0, seat[2])
    )
    lamp = ellipsoid(
        (0.014, 0.022, 0.022),
        Mat.TAIL_LAMP,
        (
            rear - 0.02 if step_through else seat[0] - 0.13,
            0,
            radius * 2 + 0.06 if step_through else seat[2] - 0.08,
        ),
    )
    chain = [
        tube(
            [(rear, 0.038, radius + s * 0.035), (crank[0], 0.038, crank[2] + s * 0.09)],
            0.005,
            Mat.METAL,
            sides=4,
        )
        for s in (-1, 1)
    ]
    parts = [*bars, saddle, lamp, *chain]
    if spec.kind != "road_bicycle":
        parts += [_mudguard(rear, radius, max(tyre, 0.05), 20, 170)]
    if step_through:
        rack = box((0.36, 0.13, 0.014), Mat.METAL, (rear + 0.04, 0, radius * 2 + 0.06))
        stay = _bar((rear, 0.065, radius), (rear, 0.06, radius * 2 + 0.06), 0.007, Mat.METAL)
        parts += [rack, stay.both_sides()]
    return join(parts)


def _engine(x: float, z: float, tall: float, wide: float) -> list[Shape]:
    block = rounded_box((0.40, wide, tall * 0.6), 0.05, Mat.METAL).moved(x, 0, z)
    parts = [block]
    for k, tilt in enumerate((-24.0, 24.0)):
        fins = [
            cylinder(0.085 if j % 2 else 0.1, 0.03, Mat.METAL, sides=10).moved(z=0.03 * j)
            for j in range(6)
        ]
        parts.append(join(fins).turned("y", tilt).moved(x + (0.09 if k else -0.09), 0, z + 0.1))
    cover = cylinder(0.1, wide + 0.06, Mat.CHROME, sides=16, axis="y").moved(x - 0.06, 0, z - 0.02)
    return [*parts, cover]


def _tail(spec: TwoWheeler, x: float, z: float) -> list[Shape]:
    """Tail and brake lamp, indicators and plate."""
    del spec
    return [
        box((0.03, 0.11, 0.022), Mat.TAIL_LAMP, (x, 0, z + 0.012)),
        box((0.03, 0.11, 0.03), Mat.BRAKE_LAMP, (x, 0, z - 0.016)),
        ellipsoid((0.025, 0.03, 0.018), Mat.INDICATOR_RIGHT, (x + 0.03, 0.14, z)).both_sides(),
        box((0.012, 0.19, 0.13), Mat.PLATE, (x - 0.012, 0, z - 0.14)),
        box((0.05, 0.03, 0.16), Mat.PLASTIC, (x + 0.02, 0, z - 0.08)),
    ]


def _cruiser(spec: TwoWheeler, front: float, rear: float, width: float) -> Shape:
    del width
    radius, tyre = spec.wheel_m
    seat_x, seat_z = spec.seat
    head = _steering_head(spec, front)
    parts = _engine(0.05, 0.42, 0.5, 0.26)
    frame = [
        tube(
            [
                (head[0], 0, head[2] - 0.05),
                (0.35, 0.1, 0.30),
                (-0.2, 0.12, 0.24),
                (rear, 0.1, radius),
            ],
            0.022,
            Mat.PLASTIC,
            sides=6,
        ).both_sides(),
        tube(
            [
                (head[0], 0, head[2] - 0.02),
                (0.0, 0, 0.74),
                (seat_x - 0.1, 0, seat_z - 0.08),
                (rear, 0, radius * 2 + 0.04),
            ],
            0.03,
            Mat.PLASTIC,
            sides=6,
        ),
    ]
    tank = ellipsoid((0.30, 0.145, 0.125), LACQUER, (0.10, 0, 0.80), rings=10)
    seat = join(
        [
            ellipsoid((0.24, 0.16, 0.06), Mat.PLASTIC, (seat_x, 0, seat_z - 0.02)),
            ellipsoid((0.18, 0.11, 0.05), Mat.PLASTIC, (seat_x - 0.26, 0, seat_z + 0.05)),
        ]
    )
    guard = _mudguard(rear, radius, tyre * 1.25, -5, 150)
    pipes = [
        tube(
            [
                (0.15, 0.1, 0.45),
                (0.2, 0.17, 0.3),
                (-0.1, 0.19, 0.26 + d),
                (rear - 0.12, 0.19, 0.3 + d),
            ],
            0.035,
            Mat.CHROME,
            sides=10,
        )
        for d in (0.0, 0.1)
    ]
    pegs = _bar(
        (spec.foot[0], 0.1, spec.foot[2] - 0.05),
        (spec.foot[0], 0.26, spec.foot[2] - 0.05),
        0.018,
        Mat.RUBBER,
    )
    parts += [*frame, tank, seat, guard, *pipes, pegs.both_sides()]
    return join([*parts, *_tail(spec, rear - radius * 0.82, radius * 2 - 0.02)])


def _sport(spec: TwoWheeler, front: float, rear: float, width: float) -> Shape:
    del width
    radius, tyre = spec.wheel_m
    seat_x, seat_z = spec.seat
    fairing = ellipsoid((0.34, 0.20, 0.25), LACQUER, (front - 0.36, 0, 0.72), rings=10)
    nose = ellipsoid((0.26, 0.15, 0.16), LACQUER, (front - 0.10, 0, 0.92), rings=10)
    screen = ellipsoid((0.20, 0.12, 0.17), Mat.GLASS, (front - 0.16, 0, 0.99), rings=10)
    lens = ellipsoid((0.06, 0.05, 0.035), Mat.HEADLAMP, (front + 0.08, 0.075, 0.90)).both_sides()
    belly = rounded_box((0.62, 0.30, 0.26), 0.10, LACQUER).moved(-0.02, 0, 0.36)
    tank = ellipsoid((0.26, 0.15, 0.14), LACQUER, (-0.02, 0, 0.86), rings=10)
    seat = ellipsoid((0.22, 0.13, 0.05), Mat.PLASTIC, (seat_x, 0, seat_z - 0.03))
    cowl = ellipsoid((0.28, 0.10, 0.075), LACQUER, (seat_x - 0.32, 0, seat_z + 0.06), rings=10)
    spine = tube(
        [(front - 0.3, 0, 0.72), (0.0, 0, 0.62), (seat_x - 0.2, 0, seat_z - 0.08)],
        np.full((3, 2), 0.085),
        Mat.PLASTIC,
        sides=8,
    )
    arm = tube(
        [(-0.2, 0.1, 0.42), (rear, 0.11, radius)],
        np.array([(0.03, 0.05), (0.022, 0.035)]),
        Mat.METAL,
        sides=8,
    ).both_sides()
    pipe = tube(
        [
            (0.0, 0.14, 0.28),
            (-0.25, 0.18, 0.34),
            (rear + 0.05, 0.2, 0.52),
            (rear - 0.12, 0.2, 0.58),
        ],
        np.array([0.03, 0.04, 0.055, 0.055]),
        Mat.CHROME,
        sides=10,
    )
    block = rounded_box((0.36, 0.34, 0.34), 0.05, Mat.METAL).moved(-0.02, 0, 0.48)
    guard = _mudguard(rear, radius, tyre, 40, 130)
    peg = _bar(
        (spec.foot[0], 0.1, spec.foot[2] - 0.05),
        (spec.foot[0], 0.24, spec.foot[2] - 0.05),
        0.014,
        Mat.METAL,
    )
    parts = [
        fairing,
        nose,
        screen,
        lens,
        belly,
        tank,
        seat,
        cowl,
        spine,
        arm,
        pipe,
        block,
        guard,
        peg.both_sides(),
    ]
    tail_x = max(rear - radius * 0.6, seat_x - 0.58)
    return join([*parts, *_tail(spec, tail_x, seat_z + 0.03)])


def _scooter(spec: TwoWheeler, front: float, rear: float, width: float) -> Shape:
    del width
    radius, tyre = spec.wheel_m
    seat_x, seat_z = spec.seat
    head = _steering_head(spec, front)
    shield = tube(
        [
            (head[0] - 0.01, 0, head[2] + 0.04),
            (head[0] - 0.03, 0, 0.72),
            (head[0] - 0.08, 0, 0.42),
            (head[0] - 0.16, 0, 0.27),
        ],
        np.array([(0.13, 0.05), (0.20, 0.05), (0.22, 0.045), (0.18, 0.03)]),
        LACQUER,
        sides=14,
    )
    floor = rounded_box((0.42, 0.34, 0.06), 0.025, LACQUER).moved(0.08, 0, 0.26)
    mat = box((0.34, 0.28, 0.008), Mat.RUBBER, (0.08, 0, 0.294))
    rump = ellipsoid((0.36, 0.19, 0.24), LACQUER, (rear + 0.13, 0, 0.50), rings=10)
    hatch = rounded_box((0.16, 0.26, 0.40), 0.06, LACQUER).moved(seat_x + 0.17, 0, 0.48)
    seat = ellipsoid((0.34, 0.15, 0.075), Mat.PLASTIC, (seat_x - 0.04, 0, seat_z - 0.03), rings=10)
    guard = _mudguard(rear, radius, tyre * 1.2, 0, 180)
    pipe = tube([(rear + 0.2, 0.14, 0.2), (rear - 0.14, 0.15, 0.24)], 0.04, Mat.METAL, sides=8)
    parts = [shield, floor, mat, rump, hatch, seat, guard, pipe]
    return join([*parts, *_tail(spec, rear - radius * 0.92, 0.60)])
