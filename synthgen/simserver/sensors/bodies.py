"""How actors look: their model, where its parts are, which of their lamps are lit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthgen.simserver.assets.library import model_of
from synthgen.simserver.scene import F32, LIT_GREEN, LIT_RED, LIT_YELLOW, Model
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.poses import matrix_of
from synthgen.simserver.world.traffic_lights import Light

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

_BULBS = {Light.RED: LIT_RED, Light.YELLOW: LIT_YELLOW, Light.GREEN: LIT_GREEN}


def model_of_actor(world: World, actor: Actor) -> Model | None:
    """The actor's model, or None for one that cannot be seen."""
    try:
        return model_of(actor.type_id, actor.attributes, actor.id - world.first_actor_id)
    except KeyError:
        return None


def parts_of(world: World, actor: Actor, model: Model) -> F32:
    """(P, 3, 4) float32 pose of each part in the map."""
    body = matrix_of(world.actors.pose(actor))
    parts = np.repeat(body[None], len(model.parts), axis=0)
    pivots = np.array([part.pivot_m for part in model.parts])
    parts[:, :, 3] += pivots @ body[:, :3].T
    return parts.astype(np.float32)


def light_bits_of(world: World, actor: Actor) -> int:
    """The lamps that are lit, as `scene` numbers them."""
    if actor.kind is ActorKind.VEHICLE:
        return actor.vehicle.lights & 0xFFFF
    if actor.kind is ActorKind.TRAFFIC_LIGHT:
        light = world.lights.actor_ids.index(actor.id)
        return _BULBS.get(world.lights.state(light), 0)
    return 0
