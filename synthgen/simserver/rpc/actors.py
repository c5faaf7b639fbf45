"""Calls about actors of any kind: blueprints, spawning, poses, components."""

from __future__ import annotations

from synthgen.simserver.wire.structs import (
    ActorDescription,
    BoundingBox,
    Transform,
    Vector3D,
)
from synthgen.simserver.world import components
from synthgen.simserver.world.actors import Attachment
from synthgen.simserver.world.blueprints import Blueprint, blueprint_library
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.world import World


def get_actor_definitions(world: World) -> list[Blueprint]:
    """The blueprint library."""
    return list(blueprint_library().values())


def get_actors_by_id(world: World, actor_ids: list[int]) -> list[list[object]]:
    """Records of the actors that live."""
    found = (world.actors.find(actor_id) for actor_id in actor_ids)
    return [world.record_of(actor) for actor in found if actor is not None]


def spawn_actor(world: World, description: ActorDescription, pose: Transform) -> list[object]:
    """Spawn an actor in the world."""
    return world.record_of(world.spawn(description, pose))


def spawn_actor_with_parent(
    world: World,
    description: ActorDescription,
    pose: Transform,
    parent_id: int,
    attachment: int,
    socket_name: str,
) -> list[object]:
    """Spawn an actor attached to another one; the socket only matters to Unreal."""
    actor = world.spawn(description, pose, parent_id, _attachment_of(attachment))
    return world.record_of(actor)


def _attachment_of(value: int) -> Attachment:
    """The attachment type of a wire value.

    Raises:
        CallError: There is no such type.
    """
    try:
        return Attachment(value)
    except ValueError as err:
        raise CallError(f"unknown attachment type {value}") from err


def destroy_actor(world: World, actor_id: int) -> bool:
    """Remove an actor; False when there is none or it belongs to the map."""
    return world.actors.find(actor_id) is not None and world.destroy(actor_id)


def set_actor_location(world: World, actor_id: int, location: Vector3D) -> None:
    """Put an actor somewhere, keeping its rotation."""
    actor = world.actor(actor_id)
    world.place(actor, Transform(location, world.actors.pose(actor).rotation))


def set_actor_transform(world: World, actor_id: int, pose: Transform) -> None:
    """Put an actor somewhere."""
    world.place(world.actor(actor_id), pose)


def get_actor_bounding_box(world: World, actor_id: int) -> BoundingBox:
    """An actor's box; zero for a dead one, whose failure would kill a Traffic Manager."""
    actor = world.actors.find(actor_id)
    return BoundingBox() if actor is None else actor.bounding_box


def get_actor_component_names(world: World, actor_id: int) -> list[str]:
    """Names of the actor's moving pieces."""
    return components.component_names(world, world.actor(actor_id))


def get_actor_component_world_transform(world: World, actor_id: int, component: str) -> Transform:
    """Pose of one piece in the world."""
    return components.component_pose(world, world.actor(actor_id), component, is_relative=False)


def get_actor_component_relative_transform(
    world: World, actor_id: int, component: str
) -> Transform:
    """Pose of one piece in the actor's frame."""
    return components.component_pose(world, world.actor(actor_id), component, is_relative=True)


def get_actor_bone_names(world: World, actor_id: int) -> list[str]:
    """Names of the actor's bones."""
    return [bone.name for bone in components.bones(world, world.actor(actor_id))]


def get_actor_bone_world_transforms(world: World, actor_id: int) -> list[Transform]:
    """Poses of the bones in the world."""
    return [bone.world for bone in components.bones(world, world.actor(actor_id))]


def get_actor_bone_relative_transforms(world: World, actor_id: int) -> list[Transform]:
    """Poses of the bones relative to the bone above."""
    return [bone.relative for bone in components.bones(world, world.actor(actor_id))]


def get_vehicle_bone_world_transforms(world: World, actor_id: int) -> list[Transform]:
    """Poses of a vehicle's pieces in the world."""
    return [bone.world for bone in components.bones(world, world.actor(actor_id))]


def get_actor_socket_names(world: World, actor_id: int) -> list[str]:
    """Names of attachment points: none is modelled."""
    world.actor(actor_id)
    return []


def get_actor_socket_world_transforms(world: World, actor_id: int) -> list[Transform]:
    """Poses of attachment points in the world."""
    world.actor(actor_id)
    return []


def get_actor_socket_relative_transforms(world: World, actor_id: int) -> list[Transform]:
    """Poses of attachment points in the actor's frame."""
    world.actor(actor_id)
    return []
