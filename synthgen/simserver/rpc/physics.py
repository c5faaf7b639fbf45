"""Calls that push actors or switch parts of their physics."""

from __future__ import annotations

from synthgen.simserver.wire.structs import Vector3D
from synthgen.simserver.world.errors import UnsupportedError
from synthgen.simserver.world.world import World


def set_actor_target_velocity(world: World, actor_id: int, velocity: Vector3D) -> None:
    """Replace an actor's velocity (m/s, world frame) for the next step."""
    world.motion.set_velocity(world.actor(actor_id), velocity)


def set_actor_target_angular_velocity(world: World, actor_id: int, velocity: Vector3D) -> None:
    """Replace an actor's angular velocity (deg/s) for the next step."""
    world.motion.set_angular_velocity(world.actor(actor_id), velocity)


def enable_actor_constant_velocity(world: World, actor_id: int, velocity: Vector3D) -> None:
    """Hold a velocity in the vehicle's frame until disabled."""
    world.motion.set_constant_velocity(world.actor(actor_id), velocity)


def disable_actor_constant_velocity(world: World, actor_id: int) -> None:
    """Give the velocity back to physics."""
    world.motion.set_constant_velocity(world.actor(actor_id), None)


def add_actor_impulse(world: World, actor_id: int, impulse: Vector3D) -> None:
    """Add an impulse (N s) at the centre of mass."""
    world.motion.add_impulse(world.actor(actor_id), impulse)


def add_actor_impulse_at_location(
    world: World, actor_id: int, impulse: Vector3D, location: Vector3D
) -> None:
    """Add an impulse (N s) at a place in the world."""
    world.motion.add_impulse(world.actor(actor_id), impulse, location)


def add_actor_force(world: World, actor_id: int, force: Vector3D) -> None:
    """Let a force (N) act during the next step."""
    world.motion.add_force(world.actor(actor_id), force)


def add_actor_force_at_location(
    world: World, actor_id: int, force: Vector3D, location: Vector3D
) -> None:
    """Let a force (N) act at a place in the world during the next step."""
    world.motion.add_force(world.actor(actor_id), force, location)


def add_actor_angular_impulse(world: World, actor_id: int, impulse: Vector3D) -> None:
    """Add an angular impulse."""
    world.motion.add_angular_impulse(world.actor(actor_id), impulse)


def add_actor_torque(world: World, actor_id: int, torque: Vector3D) -> None:
    """Let a torque act during the next step."""
    world.motion.add_torque(world.actor(actor_id), torque)


def set_actor_simulate_physics(world: World, actor_id: int, enabled: bool) -> None:
    """Switch an actor's physics; a dead actor is no failure to a Traffic Manager."""
    actor = world.actors.find(actor_id)
    if actor is not None:
        actor.simulates_physics = enabled
        world.motion.switch(actor)


def set_actor_enable_gravity(world: World, actor_id: int, enabled: bool) -> None:
    """Switch an actor's gravity."""
    actor = world.actor(actor_id)
    actor.has_gravity = enabled
    world.motion.switch(actor)


def set_actor_collisions(world: World, actor_id: int, enabled: bool) -> None:
    """Switch whether an actor collides."""
    actor = world.actor(actor_id)
    actor.has_collisions = enabled
    world.motion.switch(actor)


def set_actor_dead(world: World, actor_id: int) -> None:
    """Leave an actor where it is, without physics or control."""
    actor = world.actor(actor_id)
    actor.simulates_physics = False
    world.motion.switch(actor)


def enable_carsim(world: World, actor_id: int, simfile_path: str) -> None:
    """CarSim is a licensed solver of its own."""
    raise UnsupportedError("CarSim is not available on this server")


def use_carsim_road(world: World, actor_id: int, enabled: bool) -> None:
    """CarSim is a licensed solver of its own."""
    raise UnsupportedError("CarSim is not available on this server")


def enable_chrono_physics(
    world: World,
    actor_id: int,
    max_substeps: int,
    max_substep_delta_time: float,
    vehicle_json: str,
    powertrain_json: str,
    tire_json: str,
    base_json_path: str,
) -> None:
    """Chrono is a solver of its own."""
    raise UnsupportedError("Chrono is not available on this server")


def restore_physx_physics(world: World, actor_id: int) -> None:
    """The only physics there is stays in place."""
    world.actor(actor_id)
