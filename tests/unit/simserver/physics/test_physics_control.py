"""Physics control, telemetry, Ackermann control and the book-keeping of bodies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from synthgen.simserver.physics.catalogue import entries
from tests.unit.simserver.physics.bodies import (
    add_car,
    add_walker,
    make_dynamics,
    press,
    run,
    speed,
)


def test_control_comes_back_as_it_was_set_but_for_wheel_positions() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    control: list[Any] = dynamics.vehicles.physics_control(1)
    control[1] = 4321.0
    control[10] = [[3.0, 0.4, 0.8], [1.5, 0.5, 0.9]]
    control[11] = 999.0
    control[13] = [0.1, 0.0, -0.2]
    control[15][2][0] = 1.25
    dynamics.vehicles.set_physics_control(1, control)
    assert dynamics.vehicles.physics_control(1) == control


def test_wheel_positions_are_world_centimetres() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, x=10.0, y=20.0, yaw=90.0)
    wheels: list[Any] = dynamics.vehicles.physics_control(1)[15]  # type: ignore[assignment]  # wire
    # Facing +y, the front axle is half a wheelbase further along y, the left wheel at larger x.
    front_left, front_right = wheels[0][9], wheels[1][9]
    assert front_left[1] == pytest.approx(2000.0 + 100.0 * 2.875 / 2.0)
    assert front_left[0] > 1000.0 > front_right[0]


@pytest.mark.parametrize(("index", "value"), [(11, 0.0), (11, -5.0), (10, []), (15, [])])
def test_impossible_control_is_refused(index: int, value: object) -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    control = dynamics.vehicles.physics_control(1)
    control[index] = value
    with pytest.raises(ValueError, match="physics control"):
        dynamics.vehicles.set_physics_control(1, control)


def test_every_catalogued_vehicle_drives_away() -> None:
    dynamics = make_dynamics()
    for index, blueprint in enumerate(sorted(entries())):
        add_car(dynamics, index + 1, y=10.0 * index, blueprint=blueprint)
        press(dynamics, index + 1, throttle=0.7)
    run(dynamics, 60)
    assert (dynamics.vehicles.kinematics[:, 6] > 2.0).all()
    assert np.isfinite(dynamics.vehicles.kinematics).all()


def test_telemetry_of_a_standing_car_carries_its_weight() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    run(dynamics, 30)
    telemetry = dynamics.vehicles.telemetry(1)
    wheels: list[Any] = telemetry[7]  # type: ignore[assignment]  # wire order
    assert sum(wheel[4] for wheel in wheels) == pytest.approx(1845.0 * 9.81, rel=1e-3)


def test_telemetry_shows_engine_speed_in_gear() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (20.0, 0.0, 0.0))
    press(dynamics, throttle=0.3)
    run(dynamics, 40)
    control: list[Any] = dynamics.vehicles.physics_control(1)
    ratio = control[9] * control[10][0][0]
    wheel_radps = speed(dynamics) / (control[15][0][3] / 100.0)
    rpm = dynamics.vehicles.telemetry(1)[4]
    assert rpm == pytest.approx(wheel_radps * ratio * 30.0 / math.pi, rel=0.03)


def test_ackermann_control_reaches_and_holds_its_speed() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_ackermann(1, [0.0, 0.0, 8.0, 2.0, 0.0])
    run(dynamics, 400)
    speeds = []
    for _ in range(100):
        run(dynamics, 1)
        speeds.append(speed(dynamics))
    assert np.mean(speeds) == pytest.approx(8.0, abs=0.5)


def test_ackermann_steer_is_the_wheel_angle_in_radians() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_ackermann(1, [0.2, 0.0, 3.0, 2.0, 0.0])
    run(dynamics, 40)
    left, right, *_ = dynamics.vehicles.wheel_steer_angles_deg(1)
    cotangents = 1.0 / math.tan(math.radians(left)) + 1.0 / math.tan(math.radians(right))
    assert math.atan(2.0 / cotangents) == pytest.approx(0.2, rel=1e-3)


def test_ackermann_steer_speed_limits_the_turning_of_the_wheels() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_ackermann(1, [0.5, 0.1, 3.0, 2.0, 0.0])
    run(dynamics, 40)
    steer = float(dynamics.vehicles.control(1)[1]) * math.radians(70.0)
    assert steer == pytest.approx(0.1 * 40 * 0.05, rel=1e-3)


def test_ackermann_zero_speed_stops_with_the_brake() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (5.0, 0.0, 0.0))
    dynamics.vehicles.set_ackermann(1, [0.0, 0.0, 0.0, 0.0, 0.0])
    run(dynamics, 400)
    assert speed(dynamics) == 0.0


def test_ackermann_negative_speed_drives_backwards() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_ackermann(1, [0.0, 0.0, -3.0, 2.0, 0.0])
    run(dynamics, 400)
    assert dynamics.vehicles.velocity(1)[0] == pytest.approx(-3.0, abs=0.4)


def test_plain_control_ends_ackermann_control() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_ackermann(1, [0.0, 0.0, 8.0, 2.0, 0.0])
    run(dynamics, 100)
    press(dynamics, brake=1.0)
    run(dynamics, 100)
    assert speed(dynamics) == 0.0


def test_ackermann_gains_default_to_carlas() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    assert dynamics.vehicles.ackermann_settings(1) == [0.15, 0.0, 0.25, 0.01, 0.0, 0.01]


def test_removed_body_leaves_the_others_in_order() -> None:
    dynamics = make_dynamics()
    for actor_id in (5, 6, 7, 8):
        add_car(dynamics, actor_id, x=10.0 * actor_id)
    dynamics.vehicles.remove(6)
    assert dynamics.vehicles.ids.tolist() == [5, 7, 8]
    assert dynamics.vehicles.pose(8)[0] == 80.0
    assert dynamics.vehicles.kinematics[:, 0].tolist() == [50.0, 70.0, 80.0]


def test_more_bodies_than_the_first_array_holds() -> None:
    dynamics = make_dynamics()
    for actor_id in range(1, 151):
        add_car(dynamics, actor_id, x=10.0 * actor_id)
    run(dynamics, 2)
    assert len(dynamics.vehicles) == 150
    assert dynamics.vehicles.pose(150)[0] == 1500.0


def test_control_keeps_nan_out_of_the_state() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    dynamics.vehicles.set_control(1, [math.nan, math.nan, 5.0, False, False, False, 0])
    assert dynamics.vehicles.control(1)[:3] == [0.0, 0.0, 1.0]


def test_snapshot_bytes_of_a_walkers_control_are_packed() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (0.0, 1.0, 0.0), 2.0, True)
    packed = dynamics.walkers.states.tobytes()
    assert packed == bytes.fromhex("00000000 0000803f 00000000 00000040 01")


def wild_control(rng: np.random.Generator, control: list[Any]) -> list[Any]:
    """A physics control no engineer would write."""
    control[0] = [[float(x), float(10.0 ** rng.uniform(0, 5))] for x in rng.uniform(0, 1e4, 40)]
    control[1] = float(10.0 ** rng.uniform(1, 5))
    control[2] = float(rng.choice([0.0, 100.0]))
    control[9] = float(rng.choice([0.0, 0.1, 100.0, -4.0]))
    control[10] = [[float(ratio), 0.9, 0.1] for ratio in rng.choice([0.0, 1.0, 20.0, -3.0], 9)]
    control[11] = float(10.0 ** rng.uniform(-3, 6))
    control[12] = 50.0
    control[13] = rng.uniform(-5.0, 5.0, 3).tolist()
    control[14] = []
    for wheel in control[15]:
        wheel[0] = float(rng.choice([0.0, 0.01, 100.0]))
        wheel[1] = float(rng.choice([0.0, 1e4]))
        wheel[2] = float(rng.choice([0.0, 89.9, 180.0]))
        wheel[3] = float(rng.choice([0.0, 1.0, 500.0]))
        wheel[4] = float(rng.choice([0.0, 1e9]))
        wheel[7] = float(rng.choice([0.0, 1e4]))
    return control


@pytest.mark.parametrize("seed", range(8))
def test_wild_physics_control_cannot_break_the_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dynamics = make_dynamics()
    for actor_id in range(1, 9):
        add_car(dynamics, actor_id, x=4.0 * actor_id, yaw=40.0 * actor_id)
        control: list[Any] = dynamics.vehicles.physics_control(actor_id)
        dynamics.vehicles.set_physics_control(actor_id, wild_control(rng, control))
        press(dynamics, actor_id, throttle=1.0, steer=float(rng.uniform(-1.0, 1.0)))
    run(dynamics, 100)
    assert np.isfinite(dynamics.vehicles.kinematics).all()
    assert np.abs(dynamics.vehicles.kinematics[:, 6:9]).max() < 300.0
