"""Trucks, the fire engine and the ambulance: a cab, a chassis and what it carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from synthgen.simserver.assets import car_details as detail
from synthgen.simserver.assets.cars import BuiltCar, Color
from synthgen.simserver.assets.colors import palette
from synthgen.simserver.assets.shapes import (
    Shape,
    box,
    cylinder,
    extrude,
    join,
    rounded_box,
    slab,
    tube,
)
from synthgen.simserver.assets.shell import Shell, Silhouette, Size
from synthgen.simserver.assets.silhouettes import CAB, CAB_VAN
from synthgen.simserver.assets.wheels import car_wheel
from synthgen.simserver.scene import Material as Mat

Box = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Heavy:
    """Figures of one truck.

    Attributes:
        cab: Silhouette of the cab.
        cab_m: Length, width (without mirrors) and height of the cab.
        axles: x of the axles from the nose, metres; rear ones carry the load.
        wheel_m: Radius and width of the tyres.
        load: Builder of what stands behind the cab.
        color, second: Paints.
    """

    cab: Silhouette
    cab_m: Box
    axles: tuple[float, ...]
    wheel_m: tuple[float, float]
    load: Callable[[Heavy, Box], Shape]
    color: Color
    second: Color


def build_heavy(truck: Heavy, size: Box) -> BuiltCar:
    """The parts of a truck whose bounding box has a given length, width and height."""
    length, width, height = size
    cab_length, cab_width, cab_height = truck.cab_m
    radius, tread = truck.wheel_m
    nose = length / 2
    front = nose - truck.axles[0]
    middle = nose - cab_length / 2
    cab = Shell(
        truck.cab,
        Size(
            cab_length,
            cab_width,
            min(cab_height, height),
            (front - middle,),
            radius,
            tread,
            radius + 0.06,
        ),
    )
    front_details = [
        cab.shape,
        detail.wipers(cab),
        _plate(cab),
        *(handle.both_sides() for handle in detail.handles(cab).values()),
        detail.mirrors(cab, width, tall=True),
    ]
    parts = [
        join(front_details).moved(x=middle),
        truck.load(truck, size),
        _frame(truck, size),
        _tail_lamps(truck, size),
    ]
    shapes, pivots = {"body": join(parts)}, {"body": (0.0, 0.0, 0.0)}
    wheel = car_wheel(radius, tread, 0.58, 0)
    tyre = wheel.where(wheel.material == Mat.RUBBER)
    twin = join([wheel, tyre.moved(y=-tread * 1.1)])
    sides = {False: (wheel, wheel.mirrored()), True: (twin, twin.mirrored())}
    for k, from_nose in enumerate(truck.axles):
        letter = "f" if k == 0 else "r" * k
        y = width / 2 - 0.16 - tread / 2 if k == 0 else width / 2 - 0.14 - tread / 2
        y = min(y, cab_width / 2 - tread / 2 - 0.02)
        right, left = sides[k > 0]
        for side, sign in (("l", -1), ("r", 1)):
            name = f"wheel_{letter}{side}"
            shapes[name] = right if sign > 0 else left
            pivots[name] = (nose - from_nose, sign * y, radius)
    return BuiltCar(
        shapes,
        pivots,
        palette(truck.color, truck.second, (24, 24, 26), (238, 238, 236), (240, 200, 30)),
    )


def _plate(cab: Shell) -> Shape:
    x, z = cab.end_x(1, 0.12), cab.end_z(1, 0.12)
    return box((0.02, 0.52, 0.112), Mat.PLATE, (min(x + 0.012, cab.size.length / 2) - 0.01, 0, z))


def _frame(truck: Heavy, size: Box) -> Shape:
    """Ladder frame, tank, underrun guard and mudguards behind the cab."""
    length, width, _ = size
    radius = truck.wheel_m[0]
    back, cab_end = -length / 2, length / 2 - truck.cab_m[0]
    rail = slab(
        (back + 0.05, 0.36, radius + 0.02), (cab_end + 0.3, 0.44, radius + 0.24), Mat.PLASTIC
    )
    axle = cylinder(0.09, width * 0.7, Mat.PLASTIC, axis="y")
    axles = [axle.moved(length / 2 - a, 0, radius) for a in truck.axles]
    tank_x = (cab_end + length / 2 - truck.axles[1] + radius) / 2
    room = cab_end - (length / 2 - truck.axles[1] + radius) - 0.25
    parts = [rail.both_sides(), *axles]
    if room > 0.3:
        tank = rounded_box((room, 0.5, 0.46), 0.1, Mat.METAL).moved(
            tank_x, width / 2 - 0.45, radius + 0.02
        )
        parts.append(tank.both_sides())
    guard = box((0.1, width * 0.9, 0.12), Mat.PLASTIC, (back + 0.12, 0, radius * 0.95))
    return join([*parts, guard])


def _tail_lamps(truck: Heavy, size: Box) -> Shape:
    """Lamp clusters and plate on the underrun guard."""
    length, width, _ = size
    z = truck.wheel_m[0] * 0.95 + 0.13
    x = -length / 2 + 0.02
    y = width / 2 - 0.32
    lamps = [
        box((0.04, 0.12, 0.12), material, (x, y + step, z))
        for material, step in (
            (Mat.REVERSE_LAMP, -0.13),
            (Mat.TAIL_LAMP, 0.0),
            (Mat.BRAKE_LAMP, 0.06),
            (Mat.INDICATOR_RIGHT, 0.17),
        )
    ]
    plate = box((0.02, 0.52, 0.112), Mat.PLATE, (x, 0, z))
    return join([join(lamps).both_sides(), plate])


def _cargo_box(truck: Heavy, size: Box) -> Shape:
    """A plain van body with edge rails and rear doors."""
    length, width, height = size
    low = truck.wheel_m[0] * 2 + 0.12
    back, front = -length / 2 + 0.04, length / 2 - truck.cab_m[0] - 0.08
    half = width / 2 - 0.06
    body = slab((back, -half, low), (front, half, height), Mat.PAINT_1)
    edges = [
        slab((back - 0.012, -half - 0.012, z), (front, half + 0.012, z + 0.07), Mat.METAL)
        for z in (low, height - 0.075)
    ]
    seam = slab((back - 0.014, -0.012, low), (back, 0.012, height - 0.08), Mat.PLASTIC)
    bars = [
        slab((back - 0.03, y - 0.015, low + 0.1), (back, y + 0.015, height - 0.15), Mat.METAL)
        for y in (-0.35, 0.35)
    ]
    band = slab(
        (back + 0.2, -half - 0.006, low + 0.45 * (height - low)),
        (front - 0.2, half + 0.006, low + 0.62 * (height - low)),
        Mat.PAINT_0,
    )
    return join([body, *edges, seam, *bars, band])


def _drinks_body(truck: Heavy, size: Box) -> Shape:
    """A low beverage body: crates behind roller shutters under a sloping roof."""
    length, width, height = size
    low, half = truck.wheel_m[0] * 2 - 0.1, width / 2 - 0.05
    back, front = -length / 2 + 0.04, length / 2 - truck.cab_m[0] - 0.06
    body = slab((back, -half, low), (front, half, height - 0.16), Mat.PAINT_0)
    ridge = (
        extrude(
            [(half, 0), (half * 0.8, 0.16), (-half * 0.8, 0.16), (-half, 0)],
            front - back,
            Mat.PAINT_1,
        )
        .turned("x", 90)
        .turned("z", 90)
    )
    ridge = ridge.fitted((back, -half, height - 0.16), (front, half, height))
    count = 3
    step = (front - back) / count
    shutters = []
    for k in range(count):
        x0 = back + k * step + 0.06
        shutters.append(
            slab(
                (x0, half - 0.01, low + 0.12),
                (x0 + step - 0.12, half + 0.008, height - 0.3),
                Mat.PAINT_1,
            )
        )
        wave = np.linspace(low + 0.2, height - 0.4, 6)
        shutters += [
            slab((x0, half, z), (x0 + step - 0.12, half + 0.014, z + 0.02), Mat.METAL) for z in wave
        ]
    stripe = tube(
        [(back + 0.1, half + 0.01, low + 0.25), (front - 0.1, half + 0.01, height - 0.5)],
        np.array([(0.02, 0.09), (0.02, 0.05)]),
        Mat.PAINT_3,
        sides=6,
    )
    rear = slab(
        (back - 0.012, -half * 0.85, low + 0.1), (back, half * 0.85, height - 0.3), Mat.PAINT_1
    )
    return join([body, ridge, join([*shutters, stripe]).both_sides(), rear])


def _fire_body(truck: Heavy, size: Box) -> Shape:
    """Crew compartment, shutters, hose reel, ladder, light bars."""
    length, width, height = size
    radius = truck.wheel_m[0]
    low, half = radius + 0.1, width / 2 - 0.1
    back, front = -length / 2 + 0.06, length / 2 - truck.cab_m[0] - 0.03
    roof = height - 0.62
    rear_axle = length / 2 - truck.axles[1]
    pieces = [
        slab((back, -half, radius * 2 + 0.12), (front, half, roof), Mat.PAINT_0),
        slab(
            (rear_axle + radius + 0.14, -half, low), (front, half, radius * 2 + 0.14), Mat.PAINT_0
        ),
        slab((back, -half, low), (rear_axle - radius - 0.14, half, radius * 2 + 0.14), Mat.PAINT_0),
        slab(
            (back - 0.01, -half - 0.01, roof - 0.28), (front, half + 0.01, roof - 0.16), Mat.PAINT_3
        ),
        slab(
            (back - 0.01, -half - 0.01, radius * 2 + 0.16),
            (front, half + 0.01, radius * 2 + 0.3),
            Mat.PAINT_4,
        ),
    ]
    side = []
    step = (front - back) / 4
    for k in range(4):
        x0 = back + k * step + 0.08
        side.append(
            slab(
                (x0, half - 0.01, radius * 2 + 0.38),
                (x0 + step - 0.16, half + 0.012, roof - 0.36),
                Mat.METAL,
            )
        )
        side += [
            slab((x0, half, z), (x0 + step - 0.16, half + 0.02, z + 0.015), Mat.METAL)
            for z in np.linspace(radius * 2 + 0.5, roof - 0.5, 7)
        ]
    side.append(slab((back, half - 0.08, roof), (front, half, roof + 0.1), Mat.METAL))
    pieces.append(join(side).both_sides())
    at = ((back + front) / 2 + 0.6, half + 0.02, radius * 2 + 0.23)
    words = detail.lettering("FIRE", 0.11, Mat.PAINT_2, at)
    pieces.append(detail.both_flanks(words))
    pieces.append(
        slab(
            (back - 0.02, -half * 0.75, radius * 2 + 0.35),
            (back, half * 0.75, roof - 0.4),
            Mat.METAL,
        )
    )
    pieces += _ladder(back, front + truck.cab_m[0] * 0.5, roof, height)
    bar_x = length / 2 - truck.cab_m[0] * 0.45
    cab_top = truck.cab_m[2]
    pieces.append(detail.light_bar(bar_x, cab_top - 0.01, cab_top + 0.17, 1.6, (Mat.BEACON,) * 4))
    pieces += [
        box((0.12, 0.2, 0.14), Mat.BEACON, (back + 0.1, s * (half - 0.15), roof + 0.17))
        for s in (-1, 1)
    ]
    return join(pieces)


def _ladder(back: float, front: float, roof: float, height: float) -> list[Shape]:
    """A turntable ladder at rest along the roof, its top at the given height."""
    base = cylinder(0.5, 0.24, Mat.METAL, sides=20).moved(back + 0.9, 0, roof + 0.12)
    rails = []
    for y in (-0.3, 0.3):
        for z in (roof + 0.28, height - 0.02):
            rails.append(
                slab((back + 0.2, y - 0.025, z - 0.02), (front, y + 0.025, z + 0.02), Mat.METAL)
            )
        lattice = np.linspace(back + 0.3, front - 0.1, 15)
        up = [roof + 0.28 if k % 2 else height - 0.03 for k in range(len(lattice))]
        rails.append(
            tube(np.column_stack([lattice, np.full(15, y), up]), 0.012, Mat.METAL, sides=4)
        )
    rungs = [
        slab((x - 0.012, -0.3, roof + 0.29), (x + 0.012, 0.3, roof + 0.31), Mat.METAL)
        for x in np.arange(back + 0.4, front, 0.35)
    ]
    return [base, *rails, *rungs]


def _ambulance_body(truck: Heavy, size: Box) -> Shape:
    """A patient module with stripes, windows, light bars and a cross of life."""
    length, width, height = size
    radius = truck.wheel_m[0]
    back, front = -length / 2 + 0.05, length / 2 - truck.cab_m[0] + 0.25
    half = width / 2 - 0.02
    top = height - 0.13
    rear_axle = length / 2 - truck.axles[1]
    low = 0.36
    module = rounded_box(
        (front - back, 2 * half, top - radius * 2 - 0.05), 0.09, Mat.PAINT_0, steps=3
    )
    module = module.moved((front + back) / 2, 0, (top + radius * 2 + 0.05) / 2)
    skirts = [
        slab(
            (rear_axle + radius + 0.1, -half, low),
            (front - 0.1, half, radius * 2 + 0.2),
            Mat.PAINT_0,
        ),
        slab(
            (back + 0.02, -half, low),
            (rear_axle - radius - 0.1, half, radius * 2 + 0.2),
            Mat.PAINT_0,
        ),
    ]
    y = half + 0.006
    stripe = slab((back + 0.1, half - 0.02, 1.02), (front - 0.1, y, 1.2), Mat.PAINT_1)
    window = slab((front - 1.0, half - 0.02, 1.5), (front - 0.35, y, 1.95), Mat.GLASS)
    star = [
        box((0.42, 0.02, 0.12), Mat.PAINT_5, (0, 0, 0))
        .turned("y", k * 60)
        .moved(back + 0.62, half - 0.002, 1.65)
        for k in range(3)
    ]
    door_gap = [
        slab((x - 0.006, half - 0.02, 0.75), (x + 0.006, y - 0.002, top - 0.1), Mat.PLASTIC)
        for x in (front - 1.1, front - 0.25)
    ]
    y_text = half + 0.008
    words = detail.lettering("AMBULANCE", 0.2, Mat.PAINT_6, (back + 1.75, y_text, 1.42))
    sides = join([join([stripe, window, *star, *door_gap]).both_sides(), detail.both_flanks(words)])
    rear = [
        slab((back - 0.008, s * 0.5 - 0.3, 1.45), (back + 0.02, s * 0.5 + 0.3, 1.95), Mat.GLASS)
        for s in (-1, 1)
    ] + [
        slab((back - 0.01, -0.007, 0.7), (back, 0.007, top - 0.1), Mat.PLASTIC),
        slab((back - 0.01, -half + 0.1, 1.02), (back, half - 0.1, 1.2), Mat.PAINT_1),
    ]
    bars = [
        detail.light_bar(front - 0.16, top - 0.04, height, 1.5, (Mat.BEACON, Mat.BULB_RED) * 2),
        detail.light_bar(
            back + 0.18, top - 0.04, height - 0.01, 1.5, (Mat.BULB_RED, Mat.BEACON) * 2
        ),
    ]
    return join([module, *skirts, sides, *rear, *bars])


HEAVY: Mapping[str, Heavy] = {
    "vehicle.carlamotors.carlacola": Heavy(
        CAB,
        (1.62, 2.20, 2.18),
        (0.86, 3.86),
        (0.42, 0.24),
        _drinks_body,
        (176, 16, 24),
        (236, 236, 234),
    ),
    "vehicle.carlamotors.european_hgv": Heavy(
        CAB,
        (2.1, 2.5, 2.95),
        (1.32, 4.75, 6.08),
        (0.50, 0.28),
        _cargo_box,
        (30, 70, 140),
        (232, 232, 230),
    ),
    "vehicle.sixwheeltruck.sixwheeltruck": Heavy(
        CAB,
        (2.1, 2.5, 2.95),
        (1.32, 4.75, 6.08),
        (0.50, 0.28),
        _cargo_box,
        (150, 40, 34),
        (232, 232, 230),
    ),
    "vehicle.carlamotors.firetruck": Heavy(
        CAB,
        (2.6, 2.55, 2.98),
        (1.45, 5.75),
        (0.52, 0.30),
        _fire_body,
        (178, 16, 20),
        (236, 236, 234),
    ),
    "vehicle.ford.ambulance": Heavy(
        CAB_VAN,
        (2.75, 2.0, 2.0),
        (0.96, 4.65),
        (0.37, 0.235),
        _ambulance_body,
        (240, 240, 238),
        (230, 110, 20),
    ),
}
