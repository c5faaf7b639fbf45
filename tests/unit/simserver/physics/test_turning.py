"""Steering: radius, limit of grip, direction, lean."""

from __future__ import annotations

import math
from typing import Any

import pytest

from synthgen.simserver.assets.extents import size_table
from tests.unit.simserver.physics.bodies import (
    GRAVITY,
    add_car,
    change_control,
    make_dynamics,
    press,
    run,
    speed,
)

MODEL3_WHEELBASE_M = 2.875


def drive_circle(mps: float, steer: float) -> Any:
    """A car in steady cornering at about that speed, steering curve off."""
    dynamics = make_dynamics()
    add_car(dynamics)
    change_control(dynamics, 14, [[0.0, 1.0], [200.0, 1.0]])
    dynamics.vehicles.set_target_velocity(1, (mps, 0.0, 0.0))
    for _ in range(200):
        press(dynamics, throttle=min(max(0.5 * (mps - speed(dynamics)), 0.0), 1.0), steer=steer)
        run(dynamics, 1)
    return dynamics


def yaw_rate(dynamics: Any) -> float:
    return math.radians(float(dynamics.vehicles.kinematics[0, 11]))


@pytest.mark.parametrize("steer", [0.1, 0.3, -0.5])
def test_slow_turning_radius_is_wheelbase_over_tangent(steer: float) -> None:
    dynamics = drive_circle(2.0, steer)
    angle = steer * math.radians(70.0)
    # The rear axle rolls on the circle of L / tan(delta).
    rear_speed = speed(dynamics) * math.cos(math.atan(0.5 * math.tan(angle)))
    assert rear_speed / yaw_rate(dynamics) == pytest.approx(
        MODEL3_WHEELBASE_M / math.tan(angle), rel=0.03
    )


def test_steering_right_turns_clockwise_seen_from_above() -> None:
    dynamics = drive_circle(5.0, 0.2)
    assert yaw_rate(dynamics) > 0.0


def test_fast_turn_is_wider_than_the_kinematic_one() -> None:
    dynamics = drive_circle(20.0, 0.05)
    kinematic = MODEL3_WHEELBASE_M / math.tan(0.05 * math.radians(70.0))
    assert kinematic < speed(dynamics) / yaw_rate(dynamics) < 2.0 * kinematic


def test_lateral_acceleration_stays_within_the_tyres_grip() -> None:
    dynamics = drive_circle(25.0, 0.6)
    assert speed(dynamics) * abs(yaw_rate(dynamics)) < 1.02 * 1.75 * GRAVITY


def test_slippery_road_lets_the_car_run_wide() -> None:
    dry, wet = make_dynamics(), make_dynamics()
    for dynamics in (dry, wet):
        add_car(dynamics)
        dynamics.vehicles.set_target_velocity(1, (15.0, 0.0, 0.0))
        press(dynamics, steer=0.3)
    wet.vehicles.set_friction_scale(1, 0.5)
    for dynamics in (dry, wet):
        run(dynamics, 20)
    assert abs(wet.vehicles.pose(1)[4]) < 0.5 * abs(dry.vehicles.pose(1)[4])


def test_sharp_steering_at_speed_does_not_spin_the_car() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, blueprint="vehicle.mercedes.coupe_2020")
    dynamics.vehicles.set_target_velocity(1, (20.0, 0.0, 0.0))
    press(dynamics, throttle=0.8, steer=0.8)
    worst = 0.0
    for _ in range(100):
        run(dynamics, 1)
        vx, vy, _vz = dynamics.vehicles.velocity(1)
        slip = math.degrees(math.atan2(vy, vx)) - dynamics.vehicles.pose(1)[4]
        worst = max(worst, abs((slip + 180.0) % 360.0 - 180.0))
    assert worst < 45.0


@pytest.mark.parametrize(
    "blueprint", ["vehicle.audi.a2", "vehicle.kawasaki.ninja", "vehicle.bh.crossbike"]
)
def test_braking_while_swerving_does_not_spin_the_vehicle(blueprint: str) -> None:
    dynamics = make_dynamics()
    length, width, height = size_table()[blueprint].size_lwh_m
    add_car(dynamics, blueprint=blueprint, half=(length / 2, width / 2, height / 2))
    dynamics.vehicles.set_target_velocity(1, (12.0, 0.0, 0.0))
    worst = 0.0
    for tick in range(40):
        press(dynamics, brake=0.5, steer=0.5 if tick < 15 else -0.5)
        run(dynamics, 1)
        vx, vy, _vz = dynamics.vehicles.velocity(1)
        slip = math.degrees(math.atan2(vy, vx)) - dynamics.vehicles.pose(1)[4]
        worst = max(worst, abs((slip + 180.0) % 360.0 - 180.0) * (speed(dynamics) > 2.0))
    assert worst < 60.0


def test_inner_wheel_turns_more_than_the_outer() -> None:
    dynamics = drive_circle(2.0, 0.3)
    left, right, rear_left, rear_right = dynamics.vehicles.wheel_steer_angles_deg(1)
    assert right > 0.3 * 70.0 > left > 0.0
    assert rear_left == rear_right == 0.0


def test_steering_curve_reduces_the_angle_with_speed() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (60.0 / 3.6, 0.0, 0.0))
    press(dynamics, steer=0.1)
    run(dynamics, 4)
    # The default curve has 0.8 at 60 km/h.
    assert dynamics.vehicles.telemetry(1)[1] == pytest.approx(0.08, rel=0.05)


def test_motorcycle_leans_into_the_turn() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, blueprint="vehicle.kawasaki.ninja", half=(1.0, 0.4, 0.75))
    dynamics.vehicles.set_target_velocity(1, (12.0, 0.0, 0.0))
    press(dynamics, steer=0.1, throttle=0.2)
    run(dynamics, 40)
    balance = math.degrees(math.atan(speed(dynamics) * yaw_rate(dynamics) / GRAVITY))
    assert dynamics.vehicles.pose(1)[5] == pytest.approx(balance, abs=4.0)
    assert balance > 10.0


def test_car_rolls_outwards_a_little() -> None:
    dynamics = drive_circle(12.0, 0.1)
    assert -6.0 < dynamics.vehicles.pose(1)[5] < -0.5


def test_standing_car_does_not_turn_with_its_wheels() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, yaw=30.0)
    press(dynamics, steer=1.0)
    run(dynamics, 40)
    assert dynamics.vehicles.pose(1)[4] == 30.0
