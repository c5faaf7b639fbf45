"""Moving pieces and bones of actors: a vehicle's are its parts, a walker's its skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.wire.structs import Rotation, Transform, Vector3D
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.poses import compose, matrices_of, pose_of, transforms_of

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World


class Bone(NamedTuple):
    """A bone in wire order: world, actor frame, frame of the bone above."""

    name: str
    world: Transform
    component: Transform
    relative: Transform


# Unreal's names of what the pieces hang on; programs look for a mesh among the components.
_VEHICLE_ROOT = "VehicleMesh"
_WALKER_ROOT, _WALKER_MESH = "CollisionCylinder", "CharacterMesh0"


def component_names(world: World, actor: Actor) -> list[str]:
    """Names of the actor's pieces."""
    return [*_roots(actor), *(bone.name for bone in bones(world, actor))]


def _roots(actor: Actor) -> dict[str, Transform]:
    """The pieces that the others hang on, in the actor's frame."""
    if actor.kind is ActorKind.VEHICLE:
        return {_VEHICLE_ROOT: Transform()}
    if actor.kind is ActorKind.WALKER:
        box = actor.bounding_box
        feet = Transform(Vector3D(0.0, 0.0, box.location.z - box.extent.z), Rotation())
        return {_WALKER_ROOT: Transform(), _WALKER_MESH: feet}
    return {}


def component_pose(world: World, actor: Actor, name: str, *, is_relative: bool) -> Transform:
    """Pose of one piece, in the world or in the actor's frame.

    Raises:
        CallError: The actor has no such piece.
    """
    root = _roots(actor).get(name)
    if root is not None:
        return root if is_relative else compose(world.actors.pose(actor), root)
    for bone in bones(world, actor):
        if bone.name == name:
            return bone.component if is_relative else bone.world
    raise CallError(f"actor {actor.id} ({actor.type_id}) has no component {name!r}")


def bones(world: World, actor: Actor) -> tuple[Bone, ...]:
    """The actor's bones; none for an actor without a model."""
    # The meshes are built when somebody asks, not when the server starts.
    from synthgen.simserver.assets import poses as part_poses
    from synthgen.simserver.sensors import bodies

    model = bodies.model_of_actor(world, actor)
    if model is None:
        return ()
    if actor.kind is ActorKind.WALKER:
        relative = bodies.relative_bones_of(world, actor, model)
        in_actor = part_poses.absolute_bones(matrices_of(relative).astype(np.float32))
        return _bones(world, actor, part_poses.bone_names(), in_actor, relative)
    parts = bodies.parts_in_actor(world, actor, model)
    names = tuple(part.name for part in model.parts)
    return _bones(world, actor, names, parts, transforms_of(parts))


def _bones(
    world: World,
    actor: Actor,
    names: tuple[str, ...],
    in_actor: NDArray[np.float32],
    relative: NDArray[np.float32],
) -> tuple[Bone, ...]:
    base = world.actors.pose(actor)
    found = []
    for name, own, above in zip(names, in_actor, relative.tolist(), strict=True):
        component = pose_of(own.astype(np.float64))
        in_bone_above = Transform(Vector3D(*above[:3]), Rotation(*above[3:]))
        found.append(Bone(name, compose(base, component), component, in_bone_above))
    return tuple(found)
