"""Physics control, telemetry, velocities, impulses and switches through the real client."""

from __future__ import annotations

import math
from typing import Any

import carla
import pytest

from tests.client.acting import TICK_S, place, spawn_car, speed, ticks

pytestmark = pytest.mark.server


def test_constant_velocity_is_constant(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.enable_constant_velocity(carla.Vector3D(8.0, 0.0, 0.0))
    car.apply_control(carla.VehicleControl(brake=1.0))
    straight_world.tick()
    start, seen = place(car)[0], set()
    for _ in range(100):
        straight_world.tick()
        seen.add(speed(car))
    assert seen == {8.0}
    assert place(car)[0] - start == pytest.approx(8.0 * 100 * TICK_S, rel=1e-4)
    car.disable_constant_velocity()
    ticks(straight_world, 60)
    assert speed(car) == 0.0


def test_target_velocity_is_in_the_world_frame_from_the_next_tick(straight_world: Any) -> None:
    car = spawn_car(straight_world, yaw=90.0, y=-2.0)
    car.set_target_velocity(carla.Vector3D(0.0, 4.0, 0.0))
    straight_world.tick()
    assert car.get_velocity().y == pytest.approx(4.0, rel=0.02)


def test_target_angular_velocity_turns_the_car_in_degrees_per_second(straight_world: Any) -> None:
    car = spawn_car(straight_world, z=30.0)
    car.set_enable_gravity(False)
    car.set_target_velocity(carla.Vector3D(0.0, 0.0, 0.0))
    car.set_target_angular_velocity(carla.Vector3D(0.0, 0.0, 60.0))
    ticks(straight_world, 20)
    assert place(car)[4] == pytest.approx(60.0, abs=4.0)


def test_impulse_over_mass_is_the_change_of_velocity(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    mass = car.get_physics_control().mass
    car.add_impulse(carla.Vector3D(5.0 * mass, 0.0, 0.0))
    straight_world.tick()
    assert car.get_velocity().x == pytest.approx(5.0, rel=0.02)


def test_force_over_mass_is_an_acceleration_for_one_tick(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    mass = car.get_physics_control().mass
    car.add_force(carla.Vector3D(20.0 * mass, 0.0, 0.0))
    straight_world.tick()
    assert car.get_velocity().x == pytest.approx(20.0 * TICK_S, rel=0.1)


def test_car_without_physics_stays_exactly_where_it_is_put(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.set_simulate_physics(False)
    pose = carla.Transform(carla.Location(150.0, 2.5, -80.0), carla.Rotation(5.0, 33.0, -7.0))
    car.set_transform(pose)
    car.apply_control(carla.VehicleControl(throttle=1.0))
    ticks(straight_world, 20)
    assert place(car) == pytest.approx((150.0, 2.5, -80.0, 5.0, 33.0, -7.0), abs=1e-5)
    assert car.get_velocity().length() == 0.0


def test_car_lifted_from_below_falls_to_rest_when_physics_is_back(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.set_simulate_physics(False)
    car.set_transform(carla.Transform(carla.Location(150.0, 1.75, -80.0)))
    ticks(straight_world, 5)
    car.set_transform(carla.Transform(carla.Location(150.0, 1.75, 2.0)))
    car.set_simulate_physics(True)
    ticks(straight_world, 80)
    assert place(car)[2] == pytest.approx(0.0, abs=1e-3)
    assert speed(car) == 0.0


def test_without_gravity_a_car_in_the_air_stays_there(straight_world: Any) -> None:
    blueprint = straight_world.get_blueprint_library().find("vehicle.audi.a2")
    car = straight_world.spawn_actor(blueprint, carla.Transform(carla.Location(120.0, 1.75, 10.0)))
    car.set_enable_gravity(False)
    ticks(straight_world, 20)
    assert place(car)[2] == pytest.approx(10.0, abs=1e-4)
    car.set_enable_gravity(True)
    ticks(straight_world, 10)
    assert place(car)[2] == pytest.approx(10.0 - 0.5 * 9.81 * 0.5**2, abs=0.1)


def test_physics_control_comes_back_as_applied(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    physics = car.get_physics_control()
    physics.mass = 2500.0
    physics.max_rpm = 7777.0
    physics.torque_curve = [carla.Vector2D(0.0, 300.0), carla.Vector2D(7777.0, 250.0)]
    physics.steering_curve = [carla.Vector2D(0.0, 1.0), carla.Vector2D(100.0, 0.5)]
    physics.forward_gears = [carla.GearPhysicsControl(3.0, 0.4, 0.9)]
    car.apply_physics_control(physics)
    straight_world.tick()
    found = car.get_physics_control()
    assert found.mass == 2500.0
    assert found.max_rpm == 7777.0
    assert [(p.x, p.y) for p in found.torque_curve] == [(0.0, 300.0), (7777.0, 250.0)]
    assert [(p.x, p.y) for p in found.steering_curve] == [(0.0, 1.0), (100.0, 0.5)]
    assert [gear.ratio for gear in found.forward_gears] == [3.0]


def test_more_mass_means_less_acceleration(straight_world: Any) -> None:
    speeds = []
    for factor in (1.0, 3.0):
        car = spawn_car(straight_world, "vehicle.nissan.micra")
        physics = car.get_physics_control()
        physics.mass *= factor
        car.apply_physics_control(physics)
        car.apply_control(carla.VehicleControl(throttle=0.5))
        ticks(straight_world, 40)
        speeds.append(speed(car))
        car.destroy()
    assert speeds[1] < 0.5 * speeds[0]


def test_four_wheels_of_the_published_shape(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    wheels = car.get_physics_control().wheels
    assert len(wheels) == 4
    assert [wheel.max_steer_angle > 0.0 for wheel in wheels] == [True, True, False, False]
    # Radius and position are centimetres.
    assert 25.0 < wheels[0].radius < 50.0
    assert math.dist(
        (wheels[0].position.x, wheels[0].position.y), (wheels[2].position.x, wheels[2].position.y)
    ) == pytest.approx(287.5, abs=1.0)


def test_telemetry_of_a_driving_car(straight_world: Any) -> None:
    car = spawn_car(straight_world, "vehicle.audi.tt")
    car.apply_control(carla.VehicleControl(throttle=0.6))
    ticks(straight_world, 60)
    telemetry = car.get_telemetry_data()
    assert telemetry.speed == pytest.approx(speed(car), rel=0.01)
    assert telemetry.throttle == pytest.approx(0.6)
    assert telemetry.engine_rpm > 1000.0
    assert telemetry.gear >= 1
    load = sum(wheel.tire_load for wheel in telemetry.wheels)
    assert load == pytest.approx(car.get_physics_control().mass * 9.81, rel=0.05)
    assert telemetry.wheels[0].omega == pytest.approx(speed(car) / 0.33, rel=0.05)


def test_teleported_car_keeps_its_velocity(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    car.set_target_velocity(carla.Vector3D(10.0, 0.0, 0.0))
    straight_world.tick()
    car.set_transform(carla.Transform(carla.Location(500.0, 1.75, 0.0)))
    straight_world.tick()
    assert place(car)[0] == pytest.approx(500.5, abs=0.05)
    assert speed(car) == pytest.approx(10.0, rel=0.03)


@pytest.mark.parametrize(
    "blueprint",
    [
        "vehicle.carlamotors.firetruck",
        "vehicle.mitsubishi.fusorosa",
        "vehicle.mercedes.sprinter",
        "vehicle.kawasaki.ninja",
        "vehicle.diamondback.century",
        "vehicle.micro.microlino",
    ],
)
def test_every_class_starts_and_stops(straight_world: Any, blueprint: str) -> None:
    car = spawn_car(straight_world, blueprint)
    car.apply_control(carla.VehicleControl(throttle=0.8))
    ticks(straight_world, 60)
    assert speed(car) > 2.0
    car.apply_control(carla.VehicleControl(brake=1.0))
    ticks(straight_world, 100)
    assert speed(car) == 0.0


def test_friction_trigger_makes_the_road_slippery(straight_world: Any) -> None:
    distances = []
    for is_icy in (False, True):
        car = spawn_car(straight_world)
        if is_icy:
            blueprint = straight_world.get_blueprint_library().find("static.trigger.friction")
            for name, value in (("friction", "0.4"), *((f"extent_{k}", "20000") for k in "xyz")):
                blueprint.set_attribute(name, value)
            trigger = straight_world.spawn_actor(
                blueprint, carla.Transform(carla.Location(150.0, 1.75, 0.0))
            )
            ticks(straight_world, 2)
        car.set_target_velocity(carla.Vector3D(8.0, 0.0, 0.0))
        car.apply_control(carla.VehicleControl(brake=1.0))
        start = place(car)[0]
        ticks(straight_world, 120)
        distances.append(place(car)[0] - start)
        car.destroy()
    trigger.destroy()
    assert distances[1] > 3.0 * distances[0]


def test_friction_trigger_shows_in_the_physics_control(straight_world: Any) -> None:
    car = spawn_car(straight_world)
    own = car.get_physics_control().wheels[0].tire_friction
    blueprint = straight_world.get_blueprint_library().find("static.trigger.friction")
    for name, value in (("friction", "5.0"), *((f"extent_{k}", "500") for k in "xyz")):
        blueprint.set_attribute(name, value)
    trigger = straight_world.spawn_actor(blueprint, car.get_transform())
    straight_world.tick()
    assert car.get_physics_control().wheels[0].tire_friction == 5.0
    trigger.destroy()
    straight_world.tick()
    assert car.get_physics_control().wheels[0].tire_friction == own


def _way_after_one_command(world: Any, sticky: str) -> float:
    blueprint = world.get_blueprint_library().find("vehicle.audi.tt")
    blueprint.set_attribute("sticky_control", sticky)
    car = world.spawn_actor(blueprint, carla.Transform(carla.Location(100.0, 1.75, 0.2)))
    ticks(world, 20)
    car.apply_control(carla.VehicleControl(throttle=1.0))
    ticks(world, 60)
    way_m = float(place(car)[0] - 100.0)
    car.destroy()
    world.tick()
    return way_m


def test_control_that_is_not_sticky_lasts_one_tick(straight_world: Any) -> None:
    assert _way_after_one_command(straight_world, "True") > 10.0
    assert _way_after_one_command(straight_world, "False") < 2.0
