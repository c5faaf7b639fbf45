"""Standing, falling, slopes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthgen.simserver.physics import HeightField
from tests.unit.simserver.physics.bodies import (
    GRAVITY,
    TICK_S,
    add_car,
    change_control,
    make_dynamics,
    make_slope,
    press,
    run,
    speed,
)


def test_settled_car_stays_bit_still_for_a_thousand_ticks() -> None:
    dynamics = make_dynamics(make_slope(0.04))
    add_car(dynamics, x=3.0, z=0.6, yaw=37.0)
    press(dynamics, brake=0.5, steer=0.3)
    run(dynamics, 60)
    before = dynamics.vehicles.kinematics.copy()
    states = set()
    for _ in range(1000):
        run(dynamics, 1)
        states.add(dynamics.vehicles.kinematics.tobytes())
    assert states == {before.tobytes()}
    assert not before[0, 6:].any()


def test_parked_car_with_no_pedal_stays_on_level_ground() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, x=3.0, y=-4.0, yaw=10.0)
    run(dynamics, 100)
    assert dynamics.vehicles.pose(1) == (3.0, -4.0, 0.0, 0.0, 10.0, 0.0)


def test_car_above_the_ground_falls_freely() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=20.0)
    run(dynamics, 20)
    seconds = 20 * TICK_S
    assert dynamics.vehicles.pose(1)[2] == pytest.approx(
        20.0 - 0.5 * GRAVITY * seconds**2, abs=0.06
    )
    assert dynamics.vehicles.velocity(1)[2] == pytest.approx(-GRAVITY * seconds, rel=1e-6)


def test_fallen_car_comes_to_rest_on_the_ground_and_never_sinks_in() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=20.0)
    lowest = 20.0
    for _ in range(120):
        run(dynamics, 1)
        lowest = min(lowest, dynamics.vehicles.pose(1)[2])
    assert lowest > -0.11
    assert dynamics.vehicles.pose(1)[2] == 0.0


@pytest.mark.parametrize("yaw", [0.0, 180.0, 90.0])
def test_standing_car_lies_in_the_slopes_plane(yaw: float) -> None:
    dynamics = make_dynamics(make_slope(0.1))
    add_car(dynamics, x=50.0, z=5.3, yaw=yaw)
    press(dynamics, hand_brake=True)
    run(dynamics, 80)
    _, _, z, pitch, _, roll = dynamics.vehicles.pose(1)
    angle = math.degrees(math.atan(0.1))
    assert z == pytest.approx(5.0, abs=0.02)
    assert pitch == pytest.approx(angle * math.cos(math.radians(yaw)), abs=0.05)
    # Facing y, the uphill side is on the left (x points right-handed to the left): right is low.
    assert roll == pytest.approx(angle * math.sin(math.radians(yaw)), abs=0.05)


def test_released_car_rolls_downhill_as_the_slope_says() -> None:
    dynamics = make_dynamics(make_slope(0.1))
    add_car(dynamics, x=100.0, z=10.0)
    change_control(dynamics, 12, 0.0)
    dynamics.vehicles.set_control(1, [0.0, 0.0, 0.0, False, False, True, 0])
    run(dynamics, 40)
    angle = math.atan(0.1)
    downhill = GRAVITY * (math.sin(angle) - 0.012 * math.cos(angle)) * math.cos(angle)
    assert dynamics.vehicles.velocity(1)[0] == pytest.approx(-downhill * 2.0, rel=0.03)


def test_brake_on_a_slippery_slope_does_not_hold() -> None:
    dynamics = make_dynamics(make_slope(0.2))
    add_car(dynamics, x=50.0, z=10.0)
    dynamics.vehicles.set_friction_scale(1, 0.3)
    press(dynamics, brake=1.0)
    run(dynamics, 40)
    assert dynamics.vehicles.velocity(1)[0] < -0.5


def test_driving_uphill_follows_the_ground() -> None:
    dynamics = make_dynamics(make_slope(0.1))
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (15.0, 0.0, 0.0))
    press(dynamics, throttle=0.4)
    run(dynamics, 100)
    x, _, z, *_ = dynamics.vehicles.pose(1)
    assert z == pytest.approx(0.1 * x, abs=0.02)
    assert dynamics.vehicles.velocity(1)[2] == pytest.approx(
        0.1 * dynamics.vehicles.velocity(1)[0], rel=0.02
    )


def test_car_climbs_a_kerb_without_jumping() -> None:
    z = np.zeros((3, 400), np.float32)
    z[:, 200:] = 0.15
    dynamics = make_dynamics(HeightField(np.array([0.0, -50.0]), 0.25, z))
    add_car(dynamics, x=40.0, y=-49.9)
    dynamics.vehicles.set_target_velocity(1, (8.0, 0.0, 0.0))
    highest = 0.0
    for _ in range(60):
        run(dynamics, 1)
        highest = max(highest, dynamics.vehicles.pose(1)[2])
    assert highest < 0.25
    press(dynamics, brake=1.0)
    run(dynamics, 100)
    assert dynamics.vehicles.pose(1)[2] == pytest.approx(0.15, abs=1e-6)


def test_car_over_an_edge_falls() -> None:
    z = np.zeros((3, 400), np.float32)
    z[:, 200:] = -30.0
    dynamics = make_dynamics(HeightField(np.array([0.0, -50.0]), 0.25, z))
    add_car(dynamics, x=30.0, y=-49.9)
    dynamics.vehicles.set_target_velocity(1, (15.0, 0.0, 0.0))
    run(dynamics, 50)
    assert -30.0 < dynamics.vehicles.pose(1)[2] < -1.0


def test_car_far_below_the_ground_falls_on() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=-50.0)
    run(dynamics, 20)
    assert dynamics.vehicles.pose(1)[2] < -53.0


def test_bridge_carries_what_is_on_it_and_not_what_is_below() -> None:
    deck = np.full((2, 2), 6.0, np.float32)
    ground = HeightField(np.zeros(2), 100.0, np.zeros((2, 2), np.float32), deck[None])
    dynamics = make_dynamics(ground)
    add_car(dynamics, 1, x=50.0, y=50.0, z=6.2)
    add_car(dynamics, 2, x=50.0, y=60.0, z=0.2)
    run(dynamics, 80)
    assert dynamics.vehicles.pose(1)[2] == 6.0
    assert dynamics.vehicles.pose(2)[2] == 0.0


def test_without_gravity_nothing_falls() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=5.0)
    dynamics.vehicles.set_gravity(1, False)
    run(dynamics, 40)
    assert dynamics.vehicles.pose(1)[2] == 5.0


def test_without_physics_an_actor_stays_exactly_where_it_is_put() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_simulate_physics(1, False)
    dynamics.vehicles.set_transform(1, (1.1, 2.2, -77.7), (11.0, 270.5, -33.0))
    press(dynamics, throttle=1.0)
    run(dynamics, 20)
    assert dynamics.vehicles.pose(1) == (1.1, 2.2, -77.7, 11.0, 270.5, -33.0)
    assert not dynamics.vehicles.kinematics[0, 6:].any()


def test_without_physics_a_velocity_is_reported_and_moves_nothing() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_simulate_physics(1, False)
    dynamics.vehicles.set_transform(1, (1.1, 2.2, -77.7), (0.0, 90.0, 0.0))
    dynamics.vehicles.set_target_velocity(1, (10.0, -2.0, 0.5))
    dynamics.vehicles.set_target_angular_velocity(1, (3.0, -4.0, 5.0))
    run(dynamics, 20)
    assert dynamics.vehicles.pose(1) == (1.1, 2.2, -77.7, 0.0, 90.0, 0.0)
    told = [10.0, -2.0, 0.5, 3.0, -4.0, 5.0]
    assert dynamics.vehicles.kinematics[0, 6:12].tolist() == pytest.approx(told, abs=1e-5)


def test_physics_switched_on_again_lets_the_car_fall() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, z=30.0)
    dynamics.vehicles.set_simulate_physics(1, False)
    run(dynamics, 20)
    dynamics.vehicles.set_simulate_physics(1, True)
    run(dynamics, 20)
    assert dynamics.vehicles.pose(1)[2] == pytest.approx(30.0 - 0.5 * GRAVITY, abs=0.1)


def test_car_wakes_for_throttle() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    run(dynamics, 60)
    press(dynamics, throttle=0.5)
    run(dynamics, 40)
    assert speed(dynamics) > 2.0
