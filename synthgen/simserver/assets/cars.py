"""Cars, vans and the bus: one row of figures per blueprint, one builder for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from synthgen.simserver.assets import car_details as detail
from synthgen.simserver.assets import silhouettes as shapes_of
from synthgen.simserver.assets.colors import palette
from synthgen.simserver.assets.shapes import Shape, box, join, rounded_box
from synthgen.simserver.assets.shell import Shell, Silhouette, Size
from synthgen.simserver.assets.wheels import car_wheel
from synthgen.simserver.scene import F32, Material

Color = tuple[int, int, int]
Extra = Callable[[Shell, tuple[float, float, float]], Shape]


@dataclass(frozen=True, slots=True)
class Car:
    """Figures of one model.

    Attributes:
        form: Its silhouette.
        width_m: Of the body without mirrors, at most the box's.
        overhang_m, wheelbase_m: Nose to front axle, axle to axle.
        wheel_m: Radius and width of the tyre.
        color: Default paint, sRGB.
        second: Second paint (roof, stripes), sRGB.
        roof_m: Height of the roof where something stands on it; None: the box's height.
        nose_m: How far something stands out before the nose.
        extras: Further details.
        spokes: Of the wheels.
        opens: Whether its doors open (CARLA's `has_dynamic_doors`).
        words: On the front doors, in the third paint.
    """

    form: Silhouette
    width_m: float
    overhang_m: float
    wheelbase_m: float
    wheel_m: tuple[float, float]
    color: Color
    second: Color = (24, 24, 26)
    roof_m: float | None = None
    nose_m: float = 0.0
    extras: tuple[Extra, ...] = ()
    spokes: int = 5
    opens: bool = False
    words: str = ""


def _police_bar(shell: Shell, size: tuple[float, float, float]) -> Shape:
    x = -0.05 * shell.size.length
    colors = (Material.BEACON, Material.BEACON, Material.PLASTIC, Material.BULB_RED)
    return detail.light_bar(x, float(shell.roof_z(x)) - 0.01, size[2], 1.1, (*colors, colors[-1]))


def _taxi(shell: Shell, size: tuple[float, float, float]) -> Shape:
    x = -0.06 * shell.size.length
    return detail.taxi_sign(x, float(shell.roof_z(x)) - 0.01, size[2])


def _bull_bar(shell: Shell, size: tuple[float, float, float]) -> Shape:
    return detail.bull_bar(shell, size[0] - shell.size.length)


def _van_tail(shell: Shell, size: tuple[float, float, float]) -> Shape:
    """Two windows and the gap between the rear doors."""
    height = size[2]
    pane = detail.tail_pane(
        shell, (0.07, 0.30 * shell.size.width), (0.56 * height, 0.84 * height), Material.GLASS
    )
    gap = detail.tail_pane(shell, (0.0, 0.007), (0.48 * height, 0.92 * height), Material.PLASTIC)
    return join([pane, gap]).both_sides()


def _wide_tail(shell: Shell, size: tuple[float, float, float]) -> Shape:
    """One upright rear window."""
    height = shell.size.height
    del size
    across = (0.0, 0.39 * shell.size.width)
    low = float(shell.belt_z(-shell.size.length / 2)) + 0.06 * height
    pane = detail.tail_pane(shell, across, (low, 0.88 * height), Material.GLASS)
    return pane.both_sides()


def _rails(shell: Shell, size: tuple[float, float, float]) -> Shape:
    return detail.roof_rails(shell, size[2])


def _round_lamps(shell: Shell, size: tuple[float, float, float]) -> Shape:
    del size
    radius = 0.115 if shell.size.height < 1.8 else 0.12
    x = shell.end_x(1, 0.74) - (0.13 if shell.form.squareness[0] < 4 else 0.05)
    y = shell.size.width * 0.345
    return detail.round_lamp(x, y, shell.end_z(1, 0.74), radius, Material.HEADLAMP).both_sides()


def _jeep_front(shell: Shell, size: tuple[float, float, float]) -> Shape:
    del size
    x = shell.end_x(1, 0.7)
    low, high = shell.end_z(1, 0.4), shell.end_z(1, 0.92)
    slots = [
        box((0.02, 0.055, high - low), Material.PLASTIC, (x + 0.005, y, (low + high) / 2))
        for y in np.linspace(-0.27, 0.27, 7)
    ]
    lamp = detail.round_lamp(x - 0.03, 0.45, (low + high) / 2 + 0.05, 0.1, Material.HEADLAMP)
    turn = detail.round_lamp(x - 0.03, 0.62, low + 0.02, 0.045, Material.INDICATOR_RIGHT)
    reach = shell.size.wheel_x[0]
    arch = [
        rounded_box((0.95, 0.26, 0.07), 0.03, Material.PLASTIC).moved(
            reach, shell.size.width / 2 - 0.13, shell.size.wheel_radius * 2 + 0.11
        )
    ]
    return join([*slots, join([lamp, turn, *arch]).both_sides()])


def _spare(shell: Shell, size: tuple[float, float, float]) -> Shape:
    wheel = detail.spare_wheel(shell.size.wheel_radius * 0.97, 0.2)
    return wheel.moved(-size[0] / 2 + 0.112, 0.05, shell.size.height * 0.53)


def _nose_wheel(shell: Shell, size: tuple[float, float, float]) -> Shape:
    del size
    emblem = box((0.02, 0.24, 0.24), Material.CHROME)
    return emblem.turned("x", 45).moved(shell.end_x(1, 0.78) - 0.004, 0, shell.end_z(1, 0.8))


_F = shapes_of
_POLICE = replace(_F.MUSCLE, two_tone_doors=True)
CARS: Mapping[str, Car] = {
    "vehicle.audi.a2": Car(_F.MPV, 1.673, 0.72, 2.405, (0.30, 0.175), (168, 172, 178)),
    "vehicle.audi.etron": Car(_F.SUV, 1.935, 0.92, 2.928, (0.38, 0.255), (60, 74, 96)),
    "vehicle.audi.tt": Car(_F.COUPE, 1.832, 0.88, 2.505, (0.33, 0.245), (178, 24, 30)),
    "vehicle.bmw.grandtourer": Car(_F.MPV, 1.800, 0.85, 2.780, (0.33, 0.225), (34, 60, 110)),
    "vehicle.chevrolet.impala": Car(
        _F.CLASSIC_SALOON, 2.02, 0.92, 3.02, (0.34, 0.205), (120, 30, 34), spokes=0
    ),
    "vehicle.citroen.c3": Car(_F.HATCH, 1.728, 0.79, 2.466, (0.30, 0.195), (200, 60, 40)),
    "vehicle.dodge.charger_2020": Car(
        _F.MUSCLE,
        1.86,
        0.98,
        3.05,
        (0.35, 0.245),
        (70, 72, 78),
        opens=True,
    ),
    "vehicle.dodge.charger_police": Car(
        _POLICE,
        1.89,
        0.96,
        3.05,
        (0.35, 0.235),
        (20, 20, 24),
        (236, 236, 234),
        roof_m=1.45,
        words="POLICE",
        extras=(_police_bar,),
        spokes=0,
    ),
    "vehicle.dodge.charger_police_2020": Car(
        _POLICE,
        1.90,
        0.98,
        3.05,
        (0.35, 0.245),
        (20, 20, 24),
        (236, 236, 234),
        roof_m=1.52,
        nose_m=0.15,
        words="POLICE",
        extras=(_police_bar, _bull_bar),
        spokes=0,
        opens=True,
    ),
    "vehicle.ford.crown": Car(
        _F.CLASSIC_SALOON,
        1.79,
        1.02,
        2.91,
        (0.33, 0.225),
        (238, 186, 20),
        (250, 250, 240),
        roof_m=1.45,
        words="TAXI",
        extras=(_taxi,),
        spokes=0,
        opens=True,
    ),
    "vehicle.ford.mustang": Car(_F.FASTBACK_60S, 1.81, 0.86, 2.743, (0.33, 0.215), (26, 30, 40)),
    "vehicle.jeep.wrangler_rubicon": Car(
        _F.JEEP,
        1.873,
        0.62,
        2.424,
        (0.40, 0.255),
        (70, 90, 60),
        extras=(_jeep_front, _spare),
    ),
    "vehicle.lincoln.mkz_2017": Car(_F.SALOON, 1.864, 1.01, 2.85, (0.34, 0.245), (150, 156, 164)),
    "vehicle.lincoln.mkz_2020": Car(
        _F.SALOON,
        1.82,
        1.01,
        2.85,
        (0.34, 0.245),
        (36, 38, 46),
        opens=True,
    ),
    "vehicle.mercedes.coupe": Car(_F.COUPE, 1.90, 0.90, 2.96, (0.35, 0.255), (190, 194, 198)),
    "vehicle.mercedes.coupe_2020": Car(
        _F.COUPE,
        1.80,
        0.84,
        2.84,
        (0.34, 0.245),
        (140, 20, 26),
        opens=True,
    ),
    "vehicle.mercedes.sprinter": Car(
        _F.VAN,
        1.96,
        1.00,
        3.665,
        (0.345, 0.225),
        (236, 236, 234),
        spokes=0,
        opens=True,
        extras=(_van_tail,),
    ),
    "vehicle.micro.microlino": Car(
        _F.MICRO, 1.40, 0.66, 1.00, (0.25, 0.145), (120, 190, 210), (240, 240, 236), spokes=0
    ),
    "vehicle.mini.cooper_s": Car(
        _F.MINI,
        1.727,
        0.70,
        2.495,
        (0.31, 0.205),
        (150, 24, 26),
        (238, 238, 236),
        extras=(_round_lamps,),
    ),
    "vehicle.mini.cooper_s_2021": Car(
        _F.MINI,
        2.02,
        0.84,
        2.95,
        (0.37, 0.235),
        (20, 70, 52),
        (238, 238, 236),
        extras=(_round_lamps,),
        opens=True,
    ),
    "vehicle.mitsubishi.fusorosa": Car(
        _F.BUS,
        2.05,
        1.18,
        3.995,
        (0.38, 0.22),
        (238, 238, 236),
        (30, 90, 160),
        spokes=0,
        extras=(_wide_tail,),
    ),
    "vehicle.nissan.micra": Car(_F.HATCH, 1.66, 0.66, 2.43, (0.29, 0.175), (90, 150, 170)),
    "vehicle.nissan.patrol": Car(
        _F.OFF_ROAD, 1.84, 0.74, 2.85, (0.385, 0.265), (110, 116, 110), extras=(_wide_tail,)
    ),
    "vehicle.nissan.patrol_2021": Car(
        _F.OFF_ROAD,
        2.03,
        1.00,
        3.075,
        (0.41, 0.275),
        (238, 238, 234),
        roof_m=1.96,
        extras=(
            _wide_tail,
            _rails,
        ),
        opens=True,
    ),
    "vehicle.seat.leon": Car(_F.HATCH, 1.784, 0.82, 2.578, (0.315, 0.225), (190, 60, 20)),
    "vehicle.tesla.cybertruck": Car(
        _F.PICKUP_WEDGE, 2.20, 1.02, 3.80, (0.44, 0.285), (168, 170, 172)
    ),
    "vehicle.tesla.model3": Car(_F.FASTBACK, 1.93, 0.88, 2.875, (0.335, 0.235), (186, 190, 194)),
    "vehicle.toyota.prius": Car(_F.PRIUS, 1.745, 0.92, 2.70, (0.31, 0.195), (196, 210, 220)),
    "vehicle.volkswagen.t2": Car(
        _F.BUS_VAN,
        1.94,
        0.98,
        2.40,
        (0.33, 0.185),
        (190, 80, 30),
        (238, 232, 214),
        extras=(_round_lamps, _nose_wheel),
        spokes=0,
    ),
    "vehicle.volkswagen.t2_2021": Car(
        _F.BUS_VAN,
        1.72,
        0.96,
        2.40,
        (0.33, 0.185),
        (70, 130, 150),
        (238, 232, 214),
        extras=(_round_lamps, _nose_wheel),
        spokes=0,
        opens=True,
    ),
}


def _screen_details(shell: Shell) -> list[Shape]:
    """Wipers and the third brake light, where screens are flat and slanted enough for them."""
    form = shell.form
    parts = [detail.wipers(shell)] if form.roof_power > 2.2 else []
    foot, head = form.rear_screen
    if form.roof_power > 2.2 and head - foot > 0.05:
        parts.append(detail.brake_light(shell))
    return parts


def _words(car: Car, shell: Shell) -> Shape:
    """The words on the right-hand front door."""
    front, rear = (u * shell.size.length / 2 for u in shell.form.doors[:2])
    x = (front + rear) / 2
    low, belt = float(shell.bottom_z(x)), float(shell.belt_z(x))
    z = low + 0.6 * (belt - low)
    height = min(0.17, (front - rear) / len(car.words) / 0.8)
    y = max(float(shell.flank_y(x, z + d)) for d in (-height / 2, 0.0, height / 2)) + 0.006
    return detail.lettering(car.words, height, Material.PAINT_2, (x, y, z))


@dataclass(frozen=True, slots=True)
class BuiltCar:
    """Shapes of a car by part name, with the parts' pivots."""

    shapes: Mapping[str, Shape]
    pivots_m: Mapping[str, tuple[float, float, float]]
    palette: F32


def build_car(car: Car, size: tuple[float, float, float]) -> BuiltCar:
    """The parts of a car whose bounding box has a given length, width and height."""
    length, width, height = size
    front = length / 2 - car.nose_m - car.overhang_m
    body = Size(
        length - car.nose_m, min(car.width_m, width), car.roof_m or height,
        (front + car.nose_m / 2, front + car.nose_m / 2 - car.wheelbase_m),
        *car.wheel_m, car.wheel_m[0] + 0.045,
    )  # fmt: skip
    shell = Shell(car.form, body, car.opens)
    parts = [
        shell.shape,
        detail.mirrors(shell, width, tall=height > 1.95),
        detail.plates(shell),
        *_screen_details(shell),
        *(extra(shell, size) for extra in car.extras),
    ]
    shift = -car.nose_m / 2
    shapes: dict[str, Shape] = {}
    pivots = {"body": (0.0, 0.0, 0.0)}
    for name, handle in detail.handles(shell).items():
        door = shell.doors.get(name)
        if door is None:
            parts.append(handle.both_sides())
            continue
        x, y, z = door.hinge_m
        right = join([door.shape, handle.moved(-x, -y, -z)])
        words = detail.both_flanks(_words(car, shell)) if car.words and name == "f" else None
        for letter, side in (("l", -1), ("r", 1)):
            leaf = right if side > 0 else right.mirrored()
            if words is not None:
                mine = words.where(words.vertices_m[words.triangles[:, 0], 1] * side > 0)
                leaf = join([leaf, mine.moved(-x, -side * y, -z)])
            shapes[f"door_{name}{letter}"] = leaf
            pivots[f"door_{name}{letter}"] = (x + shift, side * y, z)
    if car.words and not car.opens:
        parts.append(detail.both_flanks(_words(car, shell)))
    shapes = {"body": join(parts).moved(x=shift), **shapes}
    radius, tread = car.wheel_m
    wheel = car_wheel(radius, tread, 0.68 if car.spokes else 0.6, car.spokes)
    left = wheel.mirrored()
    for name, x in zip(("f", "r"), body.wheel_x, strict=True):
        y = float(shell.flank_y(x, radius + 0.05)) - tread / 2 - 0.012
        for letter, side in (("l", -1), ("r", 1)):
            shapes[f"wheel_{name}{letter}"] = wheel if side > 0 else left
            pivots[f"wheel_{name}{letter}"] = (x + shift, side * y, radius)
    return BuiltCar(shapes, pivots, palette(car.color, car.second, (24, 24, 26)))
