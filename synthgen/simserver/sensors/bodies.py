"""How actors look: their model, where its parts and bones are, which of their lamps are lit.

Wheels and bones are drawn from the very numbers that a client reads of them, so a client that sets
what it read earlier sees the same picture again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.assets import poses as part_poses
from synthgen.simserver.assets.gait import stride_m
from synthgen.simserver.assets.library import model_of
from synthgen.simserver.scene import F32, LIT_GREEN, LIT_RED, LIT_YELLOW, Model
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.poses import matrices_of, matrix_of, transforms_of
from synthgen.simserver.world.traffic_lights import Light

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

_BULBS = {Light.RED: LIT_RED, Light.YELLOW: LIT_YELLOW, Light.GREEN: LIT_GREEN}
_REAR_LEFT = 2
_DOORS = ("fl", "fr", "rl", "rr", "hood", "trunk")


def model_of_actor(world: World, actor: Actor) -> Model | None:
    """The actor's model, or None for one that cannot be seen."""
    attributes = actor.attributes
    if actor.kind in (ActorKind.TRAFFIC_LIGHT, ActorKind.TRAFFIC_SIGN):
        attributes = world.signal_attributes(actor)
    try:
        return model_of(actor.type_id, attributes, world.number_of(actor))
    except KeyError:
        return None


def parts_of(world: World, actor: Actor, model: Model) -> F32:
    """(P, 3, 4) float32 pose of each part in the map."""
    map_from_actor = matrix_of(world.actors.pose(actor)).astype(np.float32)
    actor_from_part = parts_in_actor(world, actor, model)
    parts = np.empty_like(actor_from_part)
    parts[:, :, :3] = map_from_actor[:, :3] @ actor_from_part[:, :, :3]
    parts[:, :, 3] = actor_from_part[:, :, 3] @ map_from_actor[:, :3].T + map_from_actor[:, 3]
    return parts


def parts_in_actor(world: World, actor: Actor, model: Model) -> F32:
    """(P, 3, 4) float32 pose of each part in the actor's frame."""
    if actor.kind is ActorKind.VEHICLE:
        vehicle = actor.vehicle
        steer_deg = vehicle.wheel_steer_deg.get(0, world.motion.wheel_steer_deg(actor, 0))
        spin_deg = vehicle.wheel_pitch_deg.get(
            _REAR_LEFT, world.motion.wheel_pitch_deg(actor, _REAR_LEFT)
        )
        return part_poses.pose_of_vehicle(
            model,
            wheel_spin_rad=math.radians(spin_deg),
            steer_deg=steer_deg,
            doors={n: 1.0 for i, n in enumerate(_DOORS) if vehicle.open_doors >> i & 1},
        )
    if actor.kind is ActorKind.WALKER:
        parts = part_poses.parts_from_bones(model, bones_of(world, actor, model))
        return part_poses.with_wheels_turned(model, parts, actor.walker.gait_phase)
    return part_poses.rest_pose(model)


def gait_of(world: World, actor: Actor, model: Model) -> part_poses.WalkerState:
    """Where a walker is in its gait; the phase follows the way it has covered."""
    speed_mps = float(np.hypot(*world.actors.motion[actor.slot, 6:8]))
    walked_m = world.motion.walked_m(actor)
    walker = actor.walker
    walker.gait_phase += (walked_m - walker.walked_m) / stride_m(
        part_poses.stature_of(model), speed_mps
    )
    walker.walked_m = walked_m
    return part_poses.WalkerState(phase=walker.gait_phase, speed_mps=speed_mps)


def bones_of(world: World, actor: Actor, model: Model) -> F32:
    """(B, 3, 4) float32 actor_from_bone: the gait, and the custom pose mixed over it."""
    relative = matrices_of(relative_bones_of(world, actor, model)).astype(np.float32)
    return part_poses.absolute_bones(relative)


def relative_bones_of(world: World, actor: Actor, model: Model) -> F32:
    """(B, 6) float32 pose of each bone in the bone above: x, y, z, pitch, yaw, roll (degrees)."""
    walking = part_poses.relative_bones(part_poses.bones_of(model, gait_of(world, actor, model)))
    relative = transforms_of(walking)
    walker = actor.walker
    if walker.blend <= 0.0 or not walker.bones:
        return relative
    for index, name in enumerate(part_poses.bone_names()):
        custom = walker.bones.get(name)
        if custom is not None and walker.blend >= 1.0:
            relative[index] = (*custom.location, *custom.rotation)
        elif custom is not None:
            mixed = _mixed(walking[index], matrix_of(custom), walker.blend)
            relative[index] = transforms_of(mixed[None])[0]
    return relative


def _mixed(first: F32, second: NDArray[np.float64], share: float) -> F32:
    """A pose between two: the mean of the matrices, made a rotation again."""
    mean = (1.0 - share) * first + share * second
    left, _, right = np.linalg.svd(mean[:, :3])
    mean[:, :3] = left @ right
    return mean.astype(np.float32)


def light_bits_of(world: World, actor: Actor) -> int:
    """The lamps that are lit, as `scene` numbers them."""
    if actor.kind is ActorKind.VEHICLE:
        return actor.vehicle.lights & 0xFFFF
    if actor.kind is ActorKind.TRAFFIC_LIGHT:
        light = world.lights.actor_ids.index(actor.id)
        return _BULBS.get(world.lights.state(light), 0)
    return 0
