"""Driving: pedals, gears, constant velocity, Ackermann, physics control, lamps, doors."""

import carla
import pytest

from tests.client.conftest import TICK_S, tick

pytestmark = pytest.mark.server


def test_settled_car_stands_still(world: carla.World, car: carla.Vehicle) -> None:
    tick(world, 40)
    before = car.get_location()
    tick(world, 40)
    assert car.get_location().distance(before) < 1e-3
    assert car.get_velocity().length() < 1e-3


def test_throttle_drives_forward_and_brake_stops(world: carla.World, car: carla.Vehicle) -> None:
    car.apply_control(carla.VehicleControl(throttle=0.7))
    tick(world, 60)
    speed = car.get_velocity().length()
    assert 4.0 < speed < 30.0
    assert car.get_velocity().dot(car.get_transform().get_forward_vector()) > 0.95 * speed
    assert car.get_control().throttle == pytest.approx(0.7)
    car.apply_control(carla.VehicleControl(brake=1.0))
    tick(world, 120)
    assert car.get_velocity().length() < 0.05


def test_reverse_drives_backward(world: carla.World, car: carla.Vehicle) -> None:
    car.apply_control(carla.VehicleControl(throttle=0.5, reverse=True))
    tick(world, 30)
    assert car.get_velocity().dot(car.get_transform().get_forward_vector()) < -0.5


def test_positive_steer_turns_right(world: carla.World, car: carla.Vehicle) -> None:
    car.apply_control(carla.VehicleControl(throttle=0.5, steer=0.5))
    tick(world, 40)
    # Left-handed axes: yaw grows to the right.
    assert car.get_angular_velocity().z > 1.0
    assert car.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel) > 5.0


def test_constant_velocity_is_constant(world: carla.World, car: carla.Vehicle) -> None:
    car.enable_constant_velocity(carla.Vector3D(5.0, 0.0, 0.0))
    tick(world, 5)
    speeds = []
    for _ in range(20):
        world.tick()
        speeds.append(car.get_velocity().length())
    assert speeds == pytest.approx([5.0] * 20, abs=0.05)
    car.disable_constant_velocity()


def test_target_velocity_takes_effect_in_the_next_step(
    world: carla.World, car: carla.Vehicle
) -> None:
    before = car.get_location()
    car.set_target_velocity(car.get_transform().get_forward_vector() * 8.0)
    world.tick()
    assert car.get_velocity().length() == pytest.approx(8.0, abs=0.5)
    assert car.get_location().distance(before) == pytest.approx(8.0 * TICK_S, abs=0.05)


def test_impulse_changes_speed_by_impulse_over_mass(world: carla.World, car: carla.Vehicle) -> None:
    mass = car.get_physics_control().mass
    car.add_impulse(car.get_transform().get_forward_vector() * (mass * 3.0))
    world.tick()
    assert car.get_velocity().length() == pytest.approx(3.0, abs=0.3)


def test_physics_control_is_kept(car: carla.Vehicle) -> None:
    control = car.get_physics_control()
    assert len(control.wheels) == 4
    assert control.wheels[0].radius > 10.0
    control.mass = 999.0
    car.apply_physics_control(control)
    assert car.get_physics_control().mass == 999.0


def test_ackermann_reaches_its_speed(world: carla.World, car: carla.Vehicle) -> None:
    car.apply_ackermann_control(carla.VehicleAckermannControl(speed=6.0, acceleration=3.0))
    speeds = []
    for _ in range(80):
        world.tick()
        speeds.append(car.get_velocity().length())
    assert max(speeds) == pytest.approx(6.0, abs=1.0)


def test_ackermann_settings_are_kept(car: carla.Vehicle) -> None:
    settings = car.get_ackermann_controller_settings()
    settings.speed_kp = 0.3
    car.apply_ackermann_controller_settings(settings)
    assert car.get_ackermann_controller_settings().speed_kp == pytest.approx(0.3)


def test_lights_are_read_back(world: carla.World, car: carla.Vehicle) -> None:
    lights = carla.VehicleLightState(
        carla.VehicleLightState.LowBeam | carla.VehicleLightState.RightBlinker
    )
    car.set_light_state(lights)
    world.tick()
    assert int(car.get_light_state()) == 0x12
    assert int(world.get_vehicles_light_states()[car.id]) == 0x12


def test_door_opens_as_a_component(world: carla.World, car: carla.Vehicle) -> None:
    car.open_door(carla.VehicleDoor.All)
    world.tick()
    car.close_door(carla.VehicleDoor.All)
    names = car.get_component_names()
    assert "body" in names
    world_pose = car.get_component_world_transform("body")
    assert world_pose.location.distance(car.get_location()) < 3.0


def test_telemetry_tells_speed_and_wheels(world: carla.World, car: carla.Vehicle) -> None:
    car.apply_control(carla.VehicleControl(throttle=0.6))
    tick(world, 40)
    telemetry = car.get_telemetry_data()
    assert telemetry.speed == pytest.approx(car.get_velocity().length(), abs=0.2)
    assert len(telemetry.wheels) == 4
    assert telemetry.engine_rpm > 0


def test_control_of_a_walker_is_refused_for_a_car(
    client: carla.Client, world: carla.World, car: carla.Vehicle
) -> None:
    command = carla.command.ApplyWalkerControl(car.id, carla.WalkerControl())
    assert "is not a walker" in client.apply_batch_sync([command], False)[0].error


def test_friction_trigger_makes_braking_longer(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    place = car.get_transform()
    forward = place.get_forward_vector()

    def braking_distance() -> float:
        car.set_transform(place)
        car.apply_control(carla.VehicleControl(brake=1.0))
        car.set_target_velocity(forward * 8.0)
        tick(world, 60)
        return float(car.get_location().distance(place.location))

    dry = braking_distance()
    ice = library.find("static.trigger.friction")
    ice.set_attribute("friction", "0.7")
    for axis in "xyz":
        ice.set_attribute(f"extent_{axis}", "4000.0")
    world.spawn_actor(ice, place)
    assert braking_distance() > 1.8 * dry


def test_components_hang_on_a_mesh_at_the_actors_pose(
    world: carla.World, car: carla.Vehicle
) -> None:
    assert "VehicleMesh" in car.get_component_names()
    mesh, pose = car.get_component_world_transform("VehicleMesh"), car.get_transform()
    assert mesh.location.distance(pose.location) < 1e-3
    with pytest.raises(RuntimeError, match="no component 'nothing'"):
        car.get_component_world_transform("nothing")


def test_wheels_without_physics_are_where_they_were_set(
    world: carla.World, car: carla.Vehicle
) -> None:
    front = carla.VehicleWheelLocation.FL_Wheel
    car.set_simulate_physics(False)
    car.set_wheel_steer_direction(front, 20.0)
    car.set_wheel_pitch_angle(front, 45.0)
    world.tick()
    assert car.get_wheel_steer_angle(front) == pytest.approx(20.0)
    assert car.get_wheel_pitch_angle(front) == pytest.approx(45.0)
    car.set_simulate_physics(True)
    tick(world, 5)
    assert car.get_wheel_steer_angle(front) == pytest.approx(0.0, abs=0.1)
