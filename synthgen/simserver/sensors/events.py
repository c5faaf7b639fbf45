"""Collision and obstacle sensors: a message per event, nothing otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgpack
import numpy as np

from synthgen.simserver.scene import Tag
from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.scene_mirror import SceneMirror
from synthgen.simserver.wire.structs import ActorDescription, BoundingBox
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.poses import matrix_of

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

_DYNAMIC = (ActorKind.VEHICLE, ActorKind.WALKER)
_RIM_RAYS = 8


def collisions(world: World, sensor: Actor) -> Iterator[bytes]:
    """Every contact of the sensor's parent in this frame."""
    parent = world.actors.find(sensor.parent_id)
    if parent is None:
        return
    for contact in world.motion.contacts:
        if parent.id not in (contact.actor_id, contact.other_id):
            continue
        is_first = contact.actor_id == parent.id
        other_id = contact.other_id if is_first else contact.actor_id
        other = world.actors.find(other_id) if other_id else None
        record = (
            scenery_record(world, contact.static_index) if other is None else world.record_of(other)
        )
        sign = 1.0 if is_first else -1.0
        impulse = [sign * part for part in contact.normal_impulse]
        yield _packed(world.record_of(parent), record, impulse)


def scenery_record(world: World, static_index: int | None) -> list[object]:
    """A piece of the town (None: a kerb): a light or sign, or a record with id 0 of no actor."""
    if static_index is None:
        return _scenery(Tag.SIDEWALKS)
    signal = world.motion.signal_of(static_index)
    if signal is not None:
        return world.record_of(world.signal_actors()[signal])
    number = int(world.town.static_boxes.object_index[static_index])
    return _scenery(Tag.GUARD_RAIL if number < 0 else world.town.objects[number].tag)


def scenery_type(tag: int) -> str:
    """Type of what is no actor: "static." and its tag in lower case without a final s.

    Source: CARLA, Carla/Actor/ActorRegistry.cpp, GetRelevantTagAsString; programs look for
    static.building, static.pole or static.sidewalk.
    """
    if tag in (Tag.NONE, Tag.OTHER) or tag not in set(Tag):
        return "static.unknown"
    return "static." + Tag(tag).name.replace("_", "").lower().removesuffix("s")


def _scenery(tag: int) -> list[object]:
    description = ActorDescription(0, scenery_type(tag), [])
    return [0, 0, description, BoundingBox(), bytes([tag]), b""]


def obstacles(
    world: World, scene: SceneMirror, sensor: Actor, attributes: Attributes
) -> Iterator[bytes]:
    """What stands in a round beam ahead of the sensor, if anything does."""
    # One that hangs on nothing tells of itself, as in CARLA.
    parent = world.actors.find(sensor.parent_id) or sensor
    matrix = matrix_of(world.actors.pose(sensor))
    reach_m = attributes.number("distance")
    angles = np.linspace(0.0, 2.0 * np.pi, _RIM_RAYS, endpoint=False)
    rim = attributes.number("hit_radius") * np.stack(
        [np.zeros(_RIM_RAYS), np.cos(angles), np.sin(angles)], axis=1
    )
    origins = np.concatenate([np.zeros((1, 3)), rim]) @ matrix[:, :3].T + matrix[:, 3]
    directions = np.tile(matrix[:, 0], (len(origins), 1))
    best: tuple[float, list[object]] | None = None
    for distance_m, actor_id, tag in scene.hits(world, origins, directions, reach_m, parent.id):
        other = world.actors.find(actor_id) if actor_id else None
        if attributes.flag("only_dynamics") and (other is None or other.kind not in _DYNAMIC):
            continue
        if best is None or distance_m < best[0]:
            best = distance_m, _scenery(tag) if other is None else world.record_of(other)
    if best is not None:
        yield _packed(world.record_of(parent), best[1], best[0])


def _packed(*fields: object) -> bytes:
    return bytes(msgpack.packb(list(fields)))
