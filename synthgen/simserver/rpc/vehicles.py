"""Calls about vehicles: controls, lights, doors, wheels, physics, telemetry."""

from __future__ import annotations

from synthgen.simserver.wire.structs import (
    AckermannControl,
    AckermannSettings,
    VehicleControl,
    VehicleLightState,
    VehiclePhysicsControl,
    VehicleTelemetry,
)
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.world import World

ALL_DOORS = 6
# The eleven lamps that there are; `All` of the client sets bits beyond them.
ALL_LIGHTS = 0x7FF
DOORS = 6


def _vehicle(world: World, actor_id: int) -> Actor:
    actor = world.actor(actor_id)
    if actor.kind is not ActorKind.VEHICLE:
        raise CallError(f"actor {actor_id} ({actor.type_id}) is not a vehicle")
    return actor


def apply_control_to_vehicle(world: World, actor_id: int, control: VehicleControl) -> None:
    """Set pedals, steering and gear until changed."""
    world.motion.set_vehicle_control(_vehicle(world, actor_id), control)


def apply_ackermann_control_to_vehicle(
    world: World, actor_id: int, control: AckermannControl
) -> None:
    """Let the Ackermann controller drive until a plain control comes."""
    world.motion.set_ackermann_control(_vehicle(world, actor_id), control)


def get_ackermann_controller_settings(world: World, actor_id: int) -> AckermannSettings:
    """Gains of the Ackermann controller."""
    return world.motion.ackermann_settings(_vehicle(world, actor_id))


def apply_ackermann_controller_settings(
    world: World, actor_id: int, settings: AckermannSettings
) -> None:
    """Set the gains of the Ackermann controller."""
    world.motion.set_ackermann_settings(_vehicle(world, actor_id), settings)


def get_physics_control(world: World, actor_id: int) -> VehiclePhysicsControl:
    """Engine, gears, chassis and wheels."""
    return world.motion.physics_control(_vehicle(world, actor_id))


def apply_physics_control(
    world: World, actor_id: int, physics_control: VehiclePhysicsControl
) -> None:
    """Set engine, gears, chassis and wheels."""
    world.motion.set_physics_control(_vehicle(world, actor_id), physics_control)


def get_vehicle_light_state(world: World, actor_id: int) -> VehicleLightState:
    """Lights that are on."""
    return VehicleLightState(_vehicle(world, actor_id).vehicle.lights)


def set_vehicle_light_state(world: World, actor_id: int, lights: VehicleLightState) -> None:
    """Switch the lights."""
    _vehicle(world, actor_id).vehicle.lights = lights.flags & ALL_LIGHTS


def get_vehicle_light_states(world: World) -> list[list[int]]:
    """Lights of all vehicles as [id, flags]."""
    return [[a.id, a.vehicle.lights] for a in world.actors.of_kind(ActorKind.VEHICLE)]


def open_vehicle_door(world: World, actor_id: int, door: int) -> None:
    """Open a door, or all of them."""
    _vehicle(world, actor_id).vehicle.open_doors |= _door_bits(door)


def close_vehicle_door(world: World, actor_id: int, door: int) -> None:
    """Close a door, or all of them."""
    _vehicle(world, actor_id).vehicle.open_doors &= ~_door_bits(door)


def _door_bits(door: int) -> int:
    if not 0 <= door <= ALL_DOORS:
        raise CallError(f"unknown door {door}: expected 0 to {ALL_DOORS}")
    return (1 << DOORS) - 1 if door == ALL_DOORS else 1 << door


def set_wheel_steer_direction(world: World, actor_id: int, wheel: int, angle_deg: float) -> None:
    """Turn a wheel's picture; the physics keeps its own angle, as in CARLA."""
    _vehicle(world, actor_id).vehicle.wheel_steer_deg[wheel] = angle_deg


def get_wheel_steer_angle(world: World, actor_id: int, wheel: int) -> float:
    """Steering angle of a wheel, degrees; with its physics off, what was set."""
    actor = _vehicle(world, actor_id)
    physical_deg = world.motion.wheel_steer_deg(actor, wheel)
    if actor.simulates_physics:
        return physical_deg
    return actor.vehicle.wheel_steer_deg.get(wheel, physical_deg)


def set_wheel_pitch_angle(world: World, actor_id: int, wheel: int, angle_deg: float) -> None:
    """Turn a wheel's picture about its axle."""
    _vehicle(world, actor_id).vehicle.wheel_pitch_deg[wheel] = angle_deg


def get_wheel_pitch_angle(world: World, actor_id: int, wheel: int) -> float:
    """Angle of a wheel about its axle, degrees; with its physics off, what was set."""
    actor = _vehicle(world, actor_id)
    physical_deg = world.motion.wheel_pitch_deg(actor, wheel)
    if actor.simulates_physics:
        return physical_deg
    return actor.vehicle.wheel_pitch_deg.get(wheel, physical_deg)


def get_telemetry_data(world: World, actor_id: int) -> VehicleTelemetry:
    """State of engine and wheels in the last step."""
    return world.motion.telemetry(_vehicle(world, actor_id))


def show_vehicle_debug_telemetry(world: World, actor_id: int, enabled: bool) -> None:
    """A drawing of Unreal's; there is no window to draw in."""
    _vehicle(world, actor_id)


def set_actor_autopilot(world: World, actor_id: int, enabled: bool) -> None:
    """Driving is done by the client's Traffic Manager."""
    _vehicle(world, actor_id)
