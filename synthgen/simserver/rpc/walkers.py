"""Calls about walkers: control and bones."""

from __future__ import annotations

from synthgen.simserver.wire.structs import BoneControl, WalkerControl
from synthgen.simserver.world import components
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.world import World


def _walker(world: World, actor_id: int) -> Actor:
    actor = world.actor(actor_id)
    if actor.kind is not ActorKind.WALKER:
        raise CallError(f"actor {actor_id} ({actor.type_id}) is not a walker")
    return actor


def apply_control_to_walker(world: World, actor_id: int, control: WalkerControl) -> None:
    """Set direction and speed until changed."""
    world.motion.set_walker_control(_walker(world, actor_id), control)


def get_bones_transform(world: World, actor_id: int) -> list[object]:
    """All bones as [name, world, component, relative], in an array of one field."""
    return [list(components.bones(world, _walker(world, actor_id)))]


def set_bones_transform(world: World, actor_id: int, bones: BoneControl) -> None:
    """Set the custom pose of some bones, relative to the bone above."""
    known = {bone.name for bone in components.bones(world, _walker(world, actor_id))}
    unknown = [bone.name for bone in bones.bones if bone.name not in known]
    if unknown:
        raise CallError(f"unknown bones: {', '.join(unknown)}")
    _walker(world, actor_id).walker.bones.update({b.name: b.relative for b in bones.bones})


def blend_pose(world: World, actor_id: int, blend: float) -> None:
    """Mix the custom pose over the gait: 0 is the gait alone, 1 the custom pose alone."""
    _walker(world, actor_id).walker.blend = min(1.0, max(0.0, blend))


def get_pose_from_animation(world: World, actor_id: int) -> None:
    """Take the present pose as the custom pose."""
    actor = _walker(world, actor_id)
    actor.walker.bones = {bone.name: bone.relative for bone in components.bones(world, actor)}
