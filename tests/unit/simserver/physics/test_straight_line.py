"""Driving straight on: acceleration, top speed, braking, gears."""

from __future__ import annotations

from typing import Any

import pytest

from synthgen.simserver.assets.extents import size_table
from tests.unit.simserver.physics.bodies import (
    GRAVITY,
    TICK_S,
    add_car,
    change_control,
    make_dynamics,
    press,
    run,
    speed,
)

# Makers' figures, as in the catalogue's sources.
CLASSES = [
    ("vehicle.tesla.model3", 4.6, 233.0),
    ("vehicle.nissan.micra", 13.9, 167.0),
    ("vehicle.nissan.patrol_2021", 6.9, 210.0),
    ("vehicle.mercedes.sprinter", 13.5, 162.0),
    ("vehicle.carlamotors.firetruck", 27.0, 115.0),
    ("vehicle.mitsubishi.fusorosa", 27.0, 115.0),
    ("vehicle.kawasaki.ninja", 3.2, 290.0),
]
# Dry road, full braking from 100 km/h: road tests of cars 34 to 41 m, motorcycles 40 to 48 m;
# heavy vehicles at 0.6 to 0.75 g need 52 to 66 m.
BRAKING = [
    ("vehicle.tesla.model3", 34.0, 41.0),
    ("vehicle.mercedes.sprinter", 40.0, 50.0),
    ("vehicle.carlamotors.firetruck", 52.0, 66.0),
    ("vehicle.mitsubishi.fusorosa", 52.0, 66.0),
    ("vehicle.kawasaki.ninja", 40.0, 48.0),
]


def half_sizes(blueprint: str) -> tuple[float, float, float]:
    """Half the size of a vehicle's bounding box."""
    length, width, height = size_table()[blueprint].size_lwh_m
    return length / 2.0, width / 2.0, height / 2.0


def seconds_to(dynamics: Any, goal_mps: float) -> float:
    """Simulated seconds until the car is that fast."""
    ticks = 0
    while speed(dynamics) < goal_mps and ticks < 2000:
        run(dynamics, 1)
        ticks += 1
    return ticks * TICK_S


def braking_distance(dynamics: Any, from_mps: float) -> float:
    """Metres from that speed to standstill with the pedals as they are."""
    dynamics.vehicles.set_target_velocity(1, (from_mps, 0.0, 0.0))
    start = dynamics.vehicles.pose(1)[0]
    ticks = 0
    while (speed(dynamics) > 0.0 and ticks < 2000) or ticks == 0:
        run(dynamics, 1)
        ticks += 1
    return float(dynamics.vehicles.pose(1)[0] - start)


@pytest.mark.parametrize(("blueprint", "seconds", "_top"), CLASSES)
def test_zero_to_hundred_is_near_the_makers_figure(blueprint, seconds, _top):  # type: ignore[no-untyped-def]  # parametrised
    dynamics = make_dynamics()
    add_car(dynamics, blueprint=blueprint, half=half_sizes(blueprint))
    press(dynamics, throttle=1.0)
    assert seconds_to(dynamics, 100.0 / 3.6) == pytest.approx(seconds, rel=0.35)


@pytest.mark.parametrize(("blueprint", "_seconds", "top_kmh"), CLASSES)
def test_top_speed_is_near_the_makers_figure(blueprint, _seconds, top_kmh):  # type: ignore[no-untyped-def]  # parametrised
    dynamics = make_dynamics()
    add_car(dynamics, blueprint=blueprint, half=half_sizes(blueprint))
    dynamics.vehicles.set_target_velocity(1, (0.85 * top_kmh / 3.6, 0.0, 0.0))
    press(dynamics, throttle=1.0)
    run(dynamics, 1200)
    assert 3.6 * speed(dynamics) == pytest.approx(top_kmh, rel=0.15)


@pytest.mark.parametrize(("blueprint", "least", "most"), BRAKING)
def test_full_braking_from_100_kmh_is_as_road_tests_say(blueprint, least, most):  # type: ignore[no-untyped-def]  # parametrised
    dynamics = make_dynamics()
    add_car(dynamics, blueprint=blueprint, half=half_sizes(blueprint))
    press(dynamics, brake=1.0)
    assert least < braking_distance(dynamics, 100.0 / 3.6) < most


def test_braking_at_the_tyres_limit_takes_v_squared_over_two_mu_g() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    control: list[Any] = dynamics.vehicles.physics_control(1)
    for wheel in control[15]:
        wheel[0] = 1.2  # friction 0.6
        wheel[4] = 1e5  # brakes far above what the tyres carry
    control[12] = 0.0  # no drag
    dynamics.vehicles.set_physics_control(1, control)
    press(dynamics, brake=1.0)
    expected = 20.0**2 / (2.0 * 0.6 * GRAVITY)
    assert braking_distance(dynamics, 20.0) == pytest.approx(expected, rel=0.02)


def test_doubling_the_mass_halves_the_acceleration() -> None:
    light, heavy = make_dynamics(), make_dynamics()
    add_car(light)
    add_car(heavy)
    change_control(heavy, 11, 2.0 * 1845.0)
    for dynamics in (light, heavy):
        change_control(dynamics, 2, 0.0)  # no turning masses
        press(dynamics, throttle=0.2)
        run(dynamics, 40)
    assert speed(heavy) == pytest.approx(speed(light) / 2.0, rel=0.1)


def test_reverse_drives_backwards_in_gear_minus_one() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    press(dynamics, throttle=0.5, reverse=True)
    run(dynamics, 60)
    assert dynamics.vehicles.velocity(1)[0] < -2.0
    assert dynamics.vehicles.control(1)[6] == -1


def test_hand_brake_stops_the_car() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    press(dynamics, hand_brake=True)
    run(dynamics, 100)
    assert speed(dynamics) == 0.0


def test_car_that_coasts_slows_down_and_stops() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (5.0, 0.0, 0.0))
    run(dynamics, 1200)
    assert speed(dynamics) == 0.0
    assert dynamics.vehicles.pose(1)[0] > 10.0


def test_automatic_box_goes_through_all_gears_in_order() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, blueprint="vehicle.audi.tt")
    press(dynamics, throttle=1.0)
    gears = []
    for _ in range(800):
        run(dynamics, 1)
        gears.append(dynamics.vehicles.control(1)[6])
    assert sorted(set(gears)) == [1, 2, 3, 4, 5, 6]
    assert gears == sorted(gears)


def test_automatic_box_does_not_hunt_at_steady_speed() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, blueprint="vehicle.audi.tt")
    press(dynamics, throttle=0.3)
    run(dynamics, 1200)
    gears = set()
    for _ in range(400):
        run(dynamics, 1)
        gears.add(dynamics.vehicles.control(1)[6])
    assert len(gears) == 1


def test_manual_shifting_holds_the_gear() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, blueprint="vehicle.audi.tt")
    dynamics.vehicles.set_control(1, [1.0, 0.0, 0.0, False, False, True, 2])
    run(dynamics, 400)
    assert dynamics.vehicles.control(1)[6] == 2
    # Second gear ends at its rev limit, far below the top speed.
    assert 3.6 * speed(dynamics) < 90.0


def test_neutral_does_not_drive() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_control(1, [1.0, 0.0, 0.0, False, False, True, 0])
    run(dynamics, 40)
    assert speed(dynamics) == 0.0


def test_drag_is_half_rho_cd_a_v_squared() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    change_control(dynamics, 12, 0.5)
    dynamics.vehicles.set_target_velocity(1, (40.0, 0.0, 0.0))
    area = 0.8 * 2.0 * 1.0 * 2.0 * 0.75
    run(dynamics, 1)
    expected = 0.5 * 1.204 * 0.5 * area * speed(dynamics) ** 2
    assert dynamics.vehicles.telemetry(1)[6] == pytest.approx(expected, rel=1e-6)


def test_friction_zone_lengthens_the_braking_distance() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.friction_zones.set(
        50,
        location=(0.0, 0.0, 0.0),
        yaw_deg=0.0,
        box_center_m=(0.0, 0.0, 0.0),
        box_extent_m=(500.0, 5.0, 2.0),
        tire_friction=0.4,
    )
    press(dynamics, brake=1.0)
    icy = braking_distance(dynamics, 10.0)
    # A tire_friction of 0.4 is a coefficient of 0.2.
    assert icy == pytest.approx(10.0**2 / (2.0 * 0.2 * GRAVITY), rel=0.05)
    dynamics.friction_zones.remove(50)
    assert braking_distance(dynamics, 10.0) < 0.3 * icy
