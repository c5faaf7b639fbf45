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

_WITH_BODY = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)
_OF_SIGNALS = (ANY_TAG, Tag.TRAFFIC_LIGHT, Tag.TRAFFIC_SIGNS, Tag.POLES)


def level_boxes(world: World, tag: int) -> list[BoundingBox]:
    """Boxes of everything with a tag: the town's objects, its lights and signs, actors."""
    boxes = world.environment.boxes(tag)
    if tag in _OF_SIGNALS:
        signals = (_boxes(world, actor) for actor in world.signal_actors())
        boxes += [box for found in signals for of, box in found if tag in (ANY_TAG, of)]
    boxes += [
        _placed(world, actor)
        for kind in _WITH_BODY
        for actor in world.actors.of_kind(kind)
        if tag == ANY_TAG or tag in actor.semantic_tags
    ]
    return boxes


def light_boxes(world: World, light: Actor) -> list[BoundingBox]:
    """Boxes of a traffic light's heads in the world."""
    return [box for of, box in _boxes(world, light) if of is Tag.TRAFFIC_LIGHT]


def signal_objects(world: World, tag: int) -> list[EnvironmentObject]:
    """Heads, plates and posts of lights and signs, which are environment objects in CARLA too.

    Source: CARLA, Carla/Util/ObjectRegister.cpp: RegisterTrafficLight, RegisterSMComponents.
    """
    if tag not in _OF_SIGNALS:
        return []
    objects: list[EnvironmentObject] = []
    for number, actor in enumerate(world.signal_actors()):
        pose = world.actors.pose(actor)
        for piece, (of, box) in enumerate(_boxes(world, actor)):
            if tag not in (ANY_TAG, of):
                continue
            name = f"{_actor_name(actor, number)}_{_piece_name(actor, of)}_{piece}"
            ident = world.environment.signal_piece_id(number, piece)
            objects.append(EnvironmentObject(pose, box._replace(actor_id=0), ident, name, of))
    return objects


def _actor_name(signal: Actor, number: int) -> str:
    """What Unreal would call it: programs tell kinds of signs by it."""
    kind = signal.type_id.removeprefix("traffic.").replace("speed_limit.", "SpeedLimit")
    return f"BP_{kind[0].upper()}{kind[1:]}_{number}"


def _piece_name(signal: Actor, tag: Tag) -> str:
    if signal.kind is not ActorKind.TRAFFIC_LIGHT:
        return "SM"
    return "TrafficLight" if tag is Tag.TRAFFIC_LIGHT else "Poles"


def _boxes(world: World, signal: Actor) -> list[tuple[Tag, BoundingBox]]:
    """Tag and box, in the world, of each piece of a light or sign."""
    from synthgen.simserver.assets.library import tagged_boxes  # meshes: only when asked for
    from synthgen.simserver.sensors.bodies import model_of_actor

    model = model_of_actor(world, signal)
    if model is None:
        return []
    pose = world.actors.pose(signal)
    return [
        (
            tag,
            BoundingBox(
                poses.to_world(pose, Vector3D(*center.tolist())),
                Vector3D(*extent.tolist()),
                pose.rotation,
                signal.id,
            ),
        )
        for _, tag, center, extent in tagged_boxes(model)
    ]


def _placed(world: World, actor: Actor) -> BoundingBox:
    pose, box = world.actors.pose(actor), actor.bounding_box
    return BoundingBox(poses.to_world(pose, box.location), box.extent, pose.rotation, actor.id)
