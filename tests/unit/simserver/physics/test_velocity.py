"""Velocities, impulses and forces set from outside."""

from __future__ import annotations

import math

import pytest

from synthgen.simserver.physics.catalogue import entries
from tests.unit.simserver.physics.bodies import (
    CAR,
    TICK_S,
    add_car,
    make_box,
    make_dynamics,
    make_slope,
    press,
    run,
    speed,
)

MASS_KG = entries()[CAR].mass_kg


def test_constant_velocity_is_constant_to_the_last_bit() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, yaw=90.0)
    dynamics.vehicles.enable_constant_velocity(1, (7.0, 0.0, 0.0))
    press(dynamics, throttle=1.0)
    seen = set()
    for _ in range(200):
        run(dynamics, 1)
        seen.add(dynamics.vehicles.velocity(1)[:2])
    (velocity,) = seen
    assert velocity == pytest.approx((0.0, 7.0), abs=1e-12)
    assert dynamics.vehicles.pose(1)[1] == pytest.approx(7.0 * 200 * TICK_S, rel=1e-9)


def test_constant_velocity_on_a_slope_is_along_the_slope() -> None:
    dynamics = make_dynamics(make_slope(0.1))
    add_car(dynamics)
    dynamics.vehicles.enable_constant_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 60)
    vx, vy, vz = dynamics.vehicles.velocity(1)
    assert math.sqrt(vx**2 + vy**2 + vz**2) == pytest.approx(10.0, rel=1e-3)


def test_constant_velocity_with_steering_follows_a_circle() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.enable_constant_velocity(1, (5.0, 0.0, 0.0))
    press(dynamics, steer=0.2)
    run(dynamics, 60)
    assert speed(dynamics) == pytest.approx(5.0, rel=1e-9)
    assert dynamics.vehicles.kinematics[0, 11] > 5.0


def test_disabled_constant_velocity_gives_the_car_back_to_its_brakes() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.enable_constant_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 20)
    dynamics.vehicles.disable_constant_velocity(1)
    press(dynamics, brake=1.0)
    run(dynamics, 60)
    assert speed(dynamics) == 0.0


def test_target_velocity_takes_effect_in_the_next_tick() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, yaw=90.0)
    run(dynamics, 40)
    dynamics.vehicles.set_target_velocity(1, (0.0, 10.0, 0.0))
    run(dynamics, 1)
    assert dynamics.vehicles.velocity(1)[1] == pytest.approx(10.0, rel=0.02)
    assert dynamics.vehicles.pose(1)[1] == pytest.approx(10.0 * TICK_S, rel=0.02)


def test_acceleration_is_the_change_of_velocity_over_the_tick() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    run(dynamics, 20)
    dynamics.vehicles.set_target_velocity(1, (2.0, 0.0, 0.0))
    run(dynamics, 1)
    row = dynamics.vehicles.kinematics[0]
    assert row[12] == pytest.approx(row[6] / TICK_S, rel=1e-6)


def test_sideways_target_velocity_is_stopped_by_the_tyres() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (0.0, 3.0, 0.0))
    run(dynamics, 20)
    # Sliding at a coefficient of 1.05, 5 % less in front: v^2 / 2 mu g is 0.44 to 0.46 m.
    assert speed(dynamics) == pytest.approx(0.0, abs=1e-9)
    assert 0.40 < dynamics.vehicles.pose(1)[1] < 0.50


def test_target_angular_velocity_turns_the_car() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_gravity(1, False)
    dynamics.vehicles.set_target_angular_velocity(1, (0.0, 0.0, 90.0))
    run(dynamics, 20)
    assert dynamics.vehicles.pose(1)[4] == pytest.approx(90.0, rel=1e-6)


def test_impulse_changes_velocity_by_impulse_over_mass() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=50.0)
    dynamics.vehicles.add_impulse(1, (MASS_KG * 3.0, MASS_KG * 4.0, 0.0))
    run(dynamics, 1)
    # In the air: only drag acts.
    assert dynamics.vehicles.velocity(1)[:2] == pytest.approx((3.0, 4.0), rel=1e-3)


def test_impulse_at_a_location_spins_the_car() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=50.0)
    dynamics.vehicles.add_impulse(1, (0.0, 1000.0, 0.0), (2.0, 0.0, 50.0))
    run(dynamics, 1)
    assert dynamics.vehicles.kinematics[0, 11] > 10.0


def test_force_acts_over_one_tick_only() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=50.0)
    dynamics.vehicles.add_force(1, (MASS_KG * 10.0, 0.0, 0.0))
    run(dynamics, 2)
    assert dynamics.vehicles.velocity(1)[0] == pytest.approx(10.0 * TICK_S, rel=1e-3)


def test_angular_impulse_is_in_carlas_unit() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=50.0)
    inertia = MASS_KG * (4.8**2 + 2.0**2) / 12.0
    # kg cm2 deg/s: 1e4 of them are one kg m2 deg/s.
    dynamics.vehicles.add_angular_impulse(1, (0.0, 0.0, inertia * 1e4 * 45.0))
    run(dynamics, 1)
    assert dynamics.vehicles.kinematics[0, 11] == pytest.approx(45.0, rel=1e-6)


def test_upward_force_lifts_the_car() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    for _ in range(20):
        dynamics.vehicles.add_force(1, (0.0, 0.0, 2.0 * MASS_KG * 9.81))
        run(dynamics, 1)
    assert dynamics.vehicles.pose(1)[2] > 1.0


def test_teleport_keeps_the_velocity() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 1)
    dynamics.vehicles.set_transform(1, (100.0, 50.0, 0.0), None)
    run(dynamics, 1)
    assert dynamics.vehicles.pose(1)[0] == pytest.approx(100.5, abs=0.02)


def test_car_at_constant_velocity_does_not_pass_through_a_wall() -> None:
    dynamics = make_dynamics(statics=make_box(20.0, 0.0, (0.2, 10.0, 1.5)))
    add_car(dynamics)
    dynamics.vehicles.enable_constant_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 100)
    assert dynamics.vehicles.pose(1)[0] < 20.0 - 0.2 - 2.4 + 0.15
