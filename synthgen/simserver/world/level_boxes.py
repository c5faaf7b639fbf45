"""All boxes of a level in the world: what belongs to the town and what clients have spawned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen.simserver.scene import Tag
from synthgen.simserver.wire.structs import BoundingBox, EnvironmentObject, Vector3D
from synthgen.simserver.world import poses
from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.environment import ANY_TAG

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

# Half sizes of a sign's plate, in the frame of its post.
PLATE_EXTENT_M = Vector3D(0.35, 0.05, 0.35)
_WITH_BODY = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)


def level_boxes(world: World, tag: int) -> list[BoundingBox]:
    """Boxes of everything with a tag: the town's objects, heads of lights, plates, actors."""
    boxes = world.environment.boxes(tag)
    if tag in (ANY_TAG, Tag.TRAFFIC_LIGHT):
        lights = range(len(world.lights.signals))
        boxes += [box for light in lights for box in world.light_boxes(light)]
    if tag in (ANY_TAG, Tag.TRAFFIC_SIGNS):
        boxes += [_plate(world, sign) for sign in world.actors.of_kind(ActorKind.TRAFFIC_SIGN)]
    boxes += [
        _placed(world, actor)
        for kind in _WITH_BODY
        for actor in world.actors.of_kind(kind)
        if tag == ANY_TAG or tag in actor.semantic_tags
    ]
    return boxes


def signal_objects(world: World, tag: int) -> list[EnvironmentObject]:
    """Lights and signs as environment objects, which they are in CARLA as well."""
    objects: list[EnvironmentObject] = []
    light = 0
    for number, actor in enumerate(world.signal_actors()):
        kind = world.environment.signal_tag(number)
        if kind is Tag.TRAFFIC_LIGHT:
            (box,), light = world.light_boxes(light), light + 1
        else:
            box = _plate(world, actor)
        if tag in (ANY_TAG, kind):
            name = f"{'TrafficLight' if kind is Tag.TRAFFIC_LIGHT else 'TrafficSign'}_{number}"
            ident = world.environment.signal_id(number)
            pose = world.actors.pose(actor)
            objects.append(EnvironmentObject(pose, box._replace(actor_id=0), ident, name, kind))
    return objects


def _placed(world: World, actor: Actor) -> BoundingBox:
    pose, box = world.actors.pose(actor), actor.bounding_box
    return BoundingBox(poses.to_world(pose, box.location), box.extent, pose.rotation, actor.id)


def _plate(world: World, sign: Actor) -> BoundingBox:
    pose = world.actors.pose(sign)
    center = poses.to_world(pose, Vector3D(0.0, 0.0, world.sign_height_m(sign)))
    return BoundingBox(center, PLATE_EXTENT_M, pose.rotation, sign.id)
