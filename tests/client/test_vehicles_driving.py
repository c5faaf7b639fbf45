"""Pedals, steering, gears and the Ackermann controller through the real client."""

from __future__ import annotations

import math
from typing import Any

import carla
import pytest

from tests.client.acting import TICK_S, place, spawn_car, speed, ticks

pytestmark = pytest.mark.server

MODEL3_WHEELBASE_M = 2.875


def test_spawned_car_falls_to_rest_and_then_never_moves(straight_world: Any) -> None:
    car = spawn_car(straight_world, z=1.0)
    ticks(straight_world, 30)
    seen = set()
    for _ in range(100):
        straight_world.tick()
        seen.add(place(car))
    assert len(seen) == 1
    assert seen.pop()[2] == pytest.approx(0.0, abs=1e-3)


def test_throttle_drives_the_car_along_its_heading(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.apply_control(carla.VehicleControl(throttle=0.6))
    ticks(straight_world, 60)
    assert car.get_velocity().x > 3.0
    assert place(car)[1] == pytest.approx(1.75, abs=1e-3)


def test_velocity_is_the_change_of_place_over_time(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.apply_control(carla.VehicleControl(throttle=0.6))
    ticks(straight_world, 40)
    before, velocity_before = place(car)[0], car.get_velocity().x
    straight_world.tick()
    mean = 0.5 * (velocity_before + car.get_velocity().x)
    assert (place(car)[0] - before) / TICK_S == pytest.approx(mean, rel=0.02)
    change = (car.get_velocity().x - velocity_before) / TICK_S
    assert car.get_acceleration().x == pytest.approx(change, abs=0.02)


def test_full_braking_from_50_kmh_takes_ten_metres(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.set_target_velocity(carla.Vector3D(50.0 / 3.6, 0.0, 0.0))
    car.apply_control(carla.VehicleControl(brake=1.0))
    start = place(car)[0]
    ticks(straight_world, 60)
    assert speed(car) == 0.0
    # v^2 / 2 a with a of 0.9 to 1.05 g, a modern car on a dry road.
    assert 9.3 < place(car)[0] - start < 11.0


def test_braking_distance_on_a_slippery_road_is_v_squared_over_two_mu_g(
    straight_world: Any,
) -> None:
    car = spawn_car(straight_world)
    physics = car.get_physics_control()
    for wheel in (wheels := physics.wheels):
        wheel.tire_friction = 0.6
        wheel.max_brake_torque = 1e5
    physics.wheels = wheels
    physics.drag_coefficient = 0.0
    car.apply_physics_control(physics)
    car.set_target_velocity(carla.Vector3D(12.0, 0.0, 0.0))
    car.apply_control(carla.VehicleControl(brake=1.0))
    start = place(car)[0]
    ticks(straight_world, 120)
    # A tire_friction of 3.5 stands for a coefficient of 1.75.
    assert place(car)[0] - start == pytest.approx(12.0**2 / (2.0 * 0.3 * 9.81), rel=0.03)


def test_hand_brake_holds_against_the_throttle(straight_world: Any) -> None:
    car = spawn_car(straight_world, "vehicle.nissan.micra")
    car.apply_control(carla.VehicleControl(throttle=0.2, brake=1.0, hand_brake=True))
    before = place(car)[:2]
    ticks(straight_world, 40)
    assert place(car)[:2] == before


def test_reverse_drives_backwards_and_shows_gear_minus_one(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.apply_control(carla.VehicleControl(throttle=0.5, reverse=True))
    ticks(straight_world, 40)
    assert car.get_velocity().x < -1.0
    assert car.get_control().gear == -1
    assert car.get_control().reverse


def test_manual_gear_shift_holds_the_gear(straight_world: Any) -> None:
    car = spawn_car(straight_world, "vehicle.audi.tt")
    car.apply_control(carla.VehicleControl(throttle=1.0, manual_gear_shift=True, gear=1))
    ticks(straight_world, 120)
    assert car.get_control().gear == 1
    assert 3.6 * speed(car) < 65.0


def test_automatic_box_shifts_up(straight_world: Any) -> None:
    car = spawn_car(straight_world, "vehicle.audi.tt")
    car.apply_control(carla.VehicleControl(throttle=1.0))
    ticks(straight_world, 160)
    assert car.get_control().gear >= 3


def test_right_steer_increases_yaw_and_turns_the_wheels(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.apply_control(carla.VehicleControl(throttle=0.3, steer=0.3))
    ticks(straight_world, 30)
    assert place(car)[4] > 3.0
    assert car.get_angular_velocity().z > 0.0
    left = car.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel)
    right = car.get_wheel_steer_angle(carla.VehicleWheelLocation.FR_Wheel)
    assert 0.0 < left < right


def test_slow_turning_radius_is_wheelbase_over_tangent(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.enable_constant_velocity(carla.Vector3D(2.0, 0.0, 0.0))
    car.apply_control(carla.VehicleControl(steer=0.5))
    ticks(straight_world, 20)
    maximum = max(wheel.max_steer_angle for wheel in car.get_physics_control().wheels)
    # The default steering curve is 0.964 at 7.2 km/h: 1 at standstill, 0.9 at 20 km/h.
    angle = math.radians(0.964 * 0.5 * maximum)
    rate = math.radians(car.get_angular_velocity().z)
    assert 2.0 / rate == pytest.approx(MODEL3_WHEELBASE_M / math.tan(angle), rel=0.02)
    car.disable_constant_velocity()


def test_ackermann_control_reaches_its_speed_and_angle(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.apply_ackermann_control(
        carla.VehicleAckermannControl(steer=0.0, speed=6.0, acceleration=3.0)
    )
    ticks(straight_world, 300)
    speeds = []
    for _ in range(40):
        straight_world.tick()
        speeds.append(speed(car))
    assert sum(speeds) / len(speeds) == pytest.approx(6.0, abs=0.5)


def test_ackermann_settings_come_back_as_applied(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    assert car.get_ackermann_controller_settings().speed_kp == pytest.approx(0.15)
    settings = carla.AckermannControllerSettings(
        speed_kp=0.3, speed_ki=0.1, speed_kd=0.2, accel_kp=0.02, accel_ki=0.01, accel_kd=0.03
    )
    car.apply_ackermann_controller_settings(settings)
    straight_world.tick()
    assert car.get_ackermann_controller_settings() == settings


def test_control_in_the_snapshot_is_the_control_applied(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.apply_control(carla.VehicleControl(throttle=0.25, steer=-0.5, brake=0.125))
    straight_world.tick()
    control = car.get_control()
    assert (control.throttle, control.steer, control.brake) == (0.25, -0.5, 0.125)


def test_equal_runs_give_equal_places(straight_world: Any) -> None:
    paths = []
    for _ in range(2):
        car = spawn_car(straight_world)
        car.apply_control(carla.VehicleControl(throttle=0.8, steer=0.05))
        path = []
        for _ in range(60):
            straight_world.tick()
            path.append(place(car))
        paths.append(path)
        car.destroy()
        straight_world.tick()
    assert paths[0] == paths[1]
