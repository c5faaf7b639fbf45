"""What each vehicle blueprint weighs and what drives it, and the physics control that follows."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

# A `VehiclePhysicsControl` in the order of the wire (docs/carla_protocol.md section 6).
WireControl = list[object]

# CARLA's tire_friction is a scale; 3.5, its default, stands for a peak coefficient of 1.75. That
# is more than rubber on asphalt has (about 1.05): the client's Traffic Manager enters corners at
# what CARLA's grippy tyres can do, and with less its cars leave the road. Brakes and engines are
# those of real vehicles, so only cornering profits.
FRICTION_PER_SCALE = 0.5


# A short vehicle turns quickly; with more lock than this per metre (degrees) controllers written
# for cars swing it from side to side.
STEER_PER_WHEELBASE = 28.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What vehicles of one kind share.

    Attributes:
        max_steer_deg: Mean angle of the front wheels at full lock. CARLA's own 70 degrees, more
            than real cars have: controllers written for it count on it.
        brake_g: Deceleration the brakes can ask for, in g, before the tyres' limit.
        com_height: Height of the centre of mass as a share of the vehicle's height.
        front_load: Share of the weight on the front axle at rest.
        tire_friction: CARLA's scale, see `FRICTION_PER_SCALE`.
        first_gear_kmh: Speed at the end of first gear.
        shift_s: Time without drive in a gear change.
        moment: Engine's moment of inertia, kg m2.
    """

    max_steer_deg: float
    brake_g: float
    com_height: float
    front_load: float
    tire_friction: float
    first_gear_kmh: float
    shift_s: float
    moment: float


# Braking: ECE R13 asks 0.65 g (cars) and 0.51 g (lorries, buses) at least; dry-road tests give
# 1.0 g for cars, 0.8 g for motorcycles, 0.6 to 0.7 g for heavy vehicles, 0.5 g for bicycles.
KINDS: Mapping[str, Kind] = {
    "car": Kind(70.0, 1.00, 0.37, 0.53, 3.5, 55.0, 0.20, 0.15),
    "suv": Kind(70.0, 0.98, 0.40, 0.52, 3.5, 50.0, 0.20, 0.20),
    "van": Kind(70.0, 0.85, 0.40, 0.50, 3.2, 40.0, 0.35, 0.25),
    "truck": Kind(70.0, 0.68, 0.40, 0.45, 2.8, 22.0, 0.40, 0.80),
    "bus": Kind(70.0, 0.65, 0.40, 0.42, 2.8, 25.0, 0.40, 0.60),
    "motorcycle": Kind(35.0, 0.85, 0.28, 0.50, 3.5, 70.0, 0.15, 0.03),
    "bicycle": Kind(30.0, 0.50, 0.40, 0.45, 2.8, 30.0, 0.10, 0.0),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `catalogue.csv`; figures of the real vehicle, without or with a usual load."""

    kind: str
    mass_kg: float
    wheelbase_m: float
    power_kw: float
    torque_nm: float
    max_rpm: float
    gears: int
    top_kmh: float
    zero_to_100_s: float | None
    drive: str
    drag_coefficient: float
    wheel_radius_m: float


@cache
def entries() -> Mapping[str, Entry]:
    """Every vehicle blueprint of the catalogue by its id."""
    text = resources.files(__package__).joinpath("catalogue.csv").read_text(encoding="utf-8")
    return {row["blueprint"]: _entry(row) for row in csv.DictReader(text.splitlines())}


def _entry(row: Mapping[str, str]) -> Entry:
    return Entry(
        kind=row["kind"],
        mass_kg=float(row["mass_kg"]),
        wheelbase_m=float(row["wheelbase_m"]),
        power_kw=float(row["power_kw"]),
        torque_nm=float(row["torque_nm"]),
        max_rpm=float(row["max_rpm"]),
        gears=int(row["gears"]),
        top_kmh=float(row["top_kmh"]),
        zero_to_100_s=float(row["zero_to_100_s"]) if row["zero_to_100_s"] else None,
        drive=row["drive"],
        drag_coefficient=float(row["drag_coefficient"]),
        wheel_radius_m=float(row["wheel_radius_m"]),
    )


def entry_for(blueprint_id: str, half_m: Sequence[float]) -> Entry:
    """The catalogue's row for a blueprint, or that of a usual vehicle of the same size.

    Args:
        blueprint_id: A `vehicle.*` id.
        half_m: Half sizes of its bounding box.
    """
    found = entries().get(blueprint_id)
    if found is not None:
        return found
    length, width = 2.0 * half_m[0], 2.0 * half_m[1]
    if width < 1.1:
        return entries()["vehicle.bh.crossbike" if length < 1.9 else "vehicle.yamaha.yzf"]
    if length < 5.3:
        return entries()["vehicle.seat.leon"]
    return entries()["vehicle.mercedes.sprinter" if length < 6.5 else "vehicle.mitsubishi.fusorosa"]


def physics_control(entry: Entry, half_m: Sequence[float]) -> WireControl:
    """The default `VehiclePhysicsControl` of a vehicle, in the order of the wire.

    Wheel positions are (0, 0, 0) here; the fleet fills them in from the vehicle's pose.
    """
    kind = KINDS[entry.kind]
    final, ratios = _gear_ratios(entry, kind)
    base = min(_wheelbase(entry, half_m), 1.9 * half_m[0])
    return [
        _torque_curve(entry),
        entry.max_rpm,
        # A motor's rotor is light next to an engine with its flywheel.
        kind.moment if entry.gears > 1 else 0.3 * kind.moment,
        0.0,
        _engine_damping(entry),
        0.35,
        True,
        kind.shift_s if len(ratios) > 1 else 0.0,
        10.0,
        final,
        [[ratio, 0.5, 0.9] for ratio in ratios],
        entry.mass_kg,
        entry.drag_coefficient,
        [(kind.front_load - 0.5) * base, 0.0, 0.0],
        [[0.0, 1.0], [20.0, 0.9], [60.0, 0.8], [120.0, 0.7]],
        _wheels(entry, kind, base, 2.0 * half_m[2]),
        False,
    ]


def _wheelbase(entry: Entry, half_m: Sequence[float]) -> float:
    return min(entry.wheelbase_m, 0.85 * 2.0 * half_m[0])


def _torque_curve(entry: Entry) -> list[list[float]]:
    """Torque over engine speed: flat, then limited by power; electric from standstill."""
    speeds = [i / 10.0 for i in range(11)]
    flat_from = 0.0 if entry.gears == 1 else 0.3
    curve = []
    for share in speeds:
        omega = max(share * entry.max_rpm * math.pi / 30.0, 1e-3)
        rise = 1.0 if share >= flat_from else 0.65 + 0.35 * share / flat_from
        curve.append(
            [share * entry.max_rpm, min(entry.torque_nm * rise, _power_w(entry, share) / omega)]
        )
    return curve


def _engine_damping(entry: Entry) -> float:
    """Engine braking as a damping rate: at the speed limit a fifth of the best torque.

    In CARLA's unit, which the vehicle kernel takes times 0.1.
    """
    if entry.kind == "bicycle":
        return 0.0
    share = 0.2 if entry.gears > 1 else 0.12
    return round(10.0 * share * entry.torque_nm / (entry.max_rpm * math.pi / 30.0), 4)


def _power_w(entry: Entry, share: float) -> float:
    # A combustion engine gives its best just below the limit and a little less at it.
    fade = 1.0 if entry.gears == 1 else 1.0 - max(0.0, share - 0.9)
    return entry.power_kw * 1e3 * fade


def _gear_ratios(entry: Entry, kind: Kind) -> tuple[float, list[float]]:
    """(final ratio, forward ratios): first gear ends at its speed, the last at top speed."""
    omega = 0.97 * entry.max_rpm * math.pi / 30.0 * entry.wheel_radius_m
    last = omega / (entry.top_kmh / 3.6)
    if entry.gears == 1:
        return round(last, 3), [1.0]
    first = omega / (kind.first_gear_kmh / 3.6)
    step = (last / first) ** (1.0 / (entry.gears - 1))
    final = 4.0
    return final, [round(first * step**i / final, 4) for i in range(entry.gears)]


def _wheels(entry: Entry, kind: Kind, base: float, height: float) -> list[list[object]]:
    """Four wheels, also for two-wheelers, as CARLA has them."""
    # Brakes are shared out as the loads are under full braking, so no axle locks early.
    shift = kind.brake_g * kind.com_height * height / base
    front_share = min(kind.front_load + shift, 0.9)
    torque = kind.brake_g * 9.81 * entry.mass_kg * entry.wheel_radius_m / 2.0
    hand = 0.45 * 9.81 * entry.mass_kg * entry.wheel_radius_m
    wheels: list[list[object]] = []
    for index in range(4):
        front = index < 2
        wheels.append(
            [
                kind.tire_friction,
                0.25 if entry.mass_kg > 500.0 else 0.01,
                min(kind.max_steer_deg, STEER_PER_WHEELBASE * base) if front else 0.0,
                100.0 * entry.wheel_radius_m,
                torque * (front_share if front else 1.0 - front_share),
                0.0 if front else hand,
                2.0,
                # A little more cornering stiffness behind makes the vehicle understeer.
                17.0 if front else 20.0,
                1000.0,
                [0.0, 0.0, 0.0],
            ]
        )
    return wheels
