"""Spawning and stepping through the real client, for tests."""

from __future__ import annotations

import math
from typing import Any

import carla

TICK_S = 0.05
LANE_Y_M = 1.75


def spawn_car(
    world: Any,
    blueprint: str = "vehicle.tesla.model3",
    *,
    x: float = 100.0,
    y: float = LANE_Y_M,
    z: float = 0.3,
    yaw: float = 0.0,
) -> Any:
    """A vehicle on the straight road that has come to rest."""
    pose = carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=yaw))
    car = world.spawn_actor(world.get_blueprint_library().find(blueprint), pose)
    ticks(world, 30)
    return car


def spawn_walker(world: Any, *, x: float, y: float) -> Any:
    """A walker on the straight road, standing."""
    pose = carla.Transform(carla.Location(x, y, 1.0))
    blueprint = world.get_blueprint_library().find("walker.pedestrian.0001")
    walker = world.spawn_actor(blueprint, pose)
    ticks(world, 10)
    return walker


def spawn_prop(
    world: Any, *, x: float, y: float, blueprint: str = "static.prop.streetbarrier"
) -> Any:
    """A prop on the straight road."""
    pose = carla.Transform(carla.Location(x, y, 0.0))
    prop = world.spawn_actor(world.get_blueprint_library().find(blueprint), pose)
    ticks(world, 1)
    return prop


def ticks(world: Any, count: int) -> None:
    """Advance the world."""
    for _ in range(count):
        world.tick()


def speed(actor: Any) -> float:
    """Horizontal speed, m/s."""
    velocity = actor.get_velocity()
    return math.hypot(velocity.x, velocity.y)


def place(actor: Any) -> tuple[float, float, float, float, float, float]:
    """x, y, z, pitch, yaw, roll of an actor in the last frame."""
    pose = actor.get_transform()
    return (
        pose.location.x,
        pose.location.y,
        pose.location.z,
        pose.rotation.pitch,
        pose.rotation.yaw,
        pose.rotation.roll,
    )
