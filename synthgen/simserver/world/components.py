"""Moving pieces and bones of actors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from synthgen.simserver.wire.structs import Transform
from synthgen.simserver.world.actors import Actor
from synthgen.simserver.world.errors import CallError

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World


class Bone(NamedTuple):
    """A bone in wire order: world, actor frame, frame of the bone above."""

    name: str
    world: Transform
    component: Transform
    relative: Transform


def component_names(world: World, actor: Actor) -> list[str]:
    """Names of the actor's pieces."""
    raise CallError("components are not available yet")


def component_pose(world: World, actor: Actor, name: str, *, is_relative: bool) -> Transform:
    """Pose of one piece, in the world or in the actor's frame."""
    raise CallError("components are not available yet")


def bones(world: World, actor: Actor) -> tuple[Bone, ...]:
    """The actor's bones."""
    raise CallError("bones are not available yet")
