"""Who is on stage: spawning a concrete scenario's actors and giving every object a track id."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

import carla
import numpy as np

from scenarios.concrete import ConcreteActor, ConcreteScenario
from sensors.carla_adapter.poses import (
    pose_from_carla,
    pose_to_carla,
    vector_from_carla,
    vector_to_carla,
)
from synthgen.datatypes.actors import EGO_TRACK_ID, ObjectInfo
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.errors import ScenarioRejected, SimulatorError
from synthgen.geometry.arrays import F64, U16
from synthgen.geometry.se3 import SE3

# A vehicle is put a little above the ground and settles; what fails at one height may fit higher.
_SPAWN_LIFTS_M: Final = (0.05, 0.3, 0.6, 1.2)
# Who walks or is pushed may start beside a lamp post or a bin: aside of its line, left positive.
_SPAWN_ASIDE_M: Final = (0.0, 0.4, -0.4, 0.8, -0.8)
_WALKER_HALF_HEIGHT_M: Final = 0.93
# At the end of a straight street a parked car is still a few pixels tall 300 m away.
_ENVIRONMENT_RANGE_M: Final = 400.0
_VEHICLE_LABELS: Final = ("Car", "Truck", "Bus", "Motorcycle", "Bicycle")
_INSTANCE_IDS: Final = 65536
_ELBOW_ROOM_M: Final = 4.0


@dataclass(frozen=True, slots=True)
class StillObject:
    """An object that is part of the map and never moves: a parked car."""

    info: ObjectInfo
    world_from_actor: SE3
    instance_id: int


@dataclass(frozen=True, slots=True)
class CastMember:
    """An actor of this clip.

    Attributes:
        info: What never changes about it.
        actor: The CARLA actor.
        max_steer_rad: Road-wheel angle at full steer; 0 for what has no wheels.
        wheelbase_m: Distance of the axles; 0 for what has none.
        rear_axle_x_m: Where the rear axle is along the actor's x axis.
    """

    info: ObjectInfo
    actor: carla.Actor
    max_steer_rad: float = 0.0
    wheelbase_m: float = 0.0
    rear_axle_x_m: float = 0.0


@dataclass(slots=True)
class Cast:
    """All objects of a clip: the scenario's actors, ambient traffic, parked map vehicles."""

    members: list[CastMember] = field(default_factory=list)
    still: list[StillObject] = field(default_factory=list)

    @property
    def ego(self) -> CastMember:
        """The ego car."""
        return self.members[0]

    def by_name(self) -> dict[str, CastMember]:
        """The scenario's own actors by their names."""
        return {m.info.name: m for m in self.members if m.info.name is not None}

    def objects(self) -> list[ObjectInfo]:
        """All objects by ascending track id."""
        return [m.info for m in self.members] + [s.info for s in self.still]

    def track_of_instance(self) -> U16:
        """(65536,) uint16: track id of each 16-bit id the server paints, 0 where none."""
        tracks = np.zeros(_INSTANCE_IDS, dtype=np.uint16)
        for still in self.still:
            tracks[still.instance_id] = still.info.track_id
        for member in self.members:
            tracks[member.actor.id % _INSTANCE_IDS] = member.info.track_id
        tracks[0] = 0
        return tracks


def spawn_cast(client: carla.Client, world: carla.World, concrete: ConcreteScenario) -> Cast:
    """Spawn the scenario's actors, ego first, then by name, after taking parked cars away.

    Raises:
        ScenarioRejected: Something stands where an actor should be.
    """
    clear_parked_vehicles(world, concrete)
    ordered = sorted(concrete.actors, key=lambda a: (a.role != "ego", a.name))
    spawned = [(planned, _spawn(world, planned)) for planned in ordered]
    client.apply_batch_sync(
        [
            carla.command.ApplyTargetVelocity(actor.id, vector_to_carla(_start_velocity(planned)))
            for planned, actor in spawned
            if planned.speed_mps > 0 and planned.category != "pedestrian"
        ],
        False,
    )
    world.tick()
    cast = Cast()
    for track_id, (planned, actor) in enumerate(spawned, start=EGO_TRACK_ID):
        cast.members.append(_member(planned, actor, track_id))
    return cast


def _start_velocity(planned: ConcreteActor) -> F64:
    yaw = planned.start.yaw_rad
    return planned.speed_mps * np.array([math.cos(yaw), math.sin(yaw), 0.0])


def _spawn(world: carla.World, planned: ConcreteActor) -> carla.Actor:
    library = world.get_blueprint_library()
    try:
        blueprint = library.find(planned.blueprint)
    except (IndexError, RuntimeError) as err:
        raise SimulatorError(
            f"actor {planned.name}: the simulator has no blueprint {planned.blueprint}"
        ) from err
    for name, value in planned.attributes.items():
        if blueprint.has_attribute(name) and blueprint.get_attribute(name).is_modifiable:
            blueprint.set_attribute(name, value)
    if blueprint.has_attribute("role_name"):
        blueprint.set_attribute("role_name", "hero" if planned.role == "ego" else planned.name)
    is_walker = planned.blueprint.startswith("walker.")
    base_m = _WALKER_HALF_HEIGHT_M if is_walker else 0.0
    start = planned.start
    left = np.array([-math.sin(start.yaw_rad), math.cos(start.yaw_rad), 0.0])
    is_vehicle = planned.blueprint.startswith("vehicle.")
    for aside_m, lift_m in product((0.0,) if is_vehicle else _SPAWN_ASIDE_M, _SPAWN_LIFTS_M):
        foot = np.array([start.x_m, start.y_m, start.z_m + base_m + lift_m]) + aside_m * left
        actor = world.try_spawn_actor(blueprint, pose_to_carla(SE3.from_yaw(start.yaw_rad, foot)))
        if actor is not None:
            return actor
    raise ScenarioRejected(f"spawn_failed: {planned.name}")


def _member(planned: ConcreteActor, actor: carla.Actor, track_id: int) -> CastMember:
    info = object_info(actor, track_id, role=planned.role, name=planned.name)
    if not planned.blueprint.startswith("vehicle."):
        return CastMember(info, actor)
    return CastMember(info, actor, *_steering_geometry(actor))


def object_info(actor: carla.Actor, track_id: int, *, role: str, name: str | None) -> ObjectInfo:
    """What never changes about an actor, as the server tells it."""
    box = actor.bounding_box
    extent = np.array([box.extent.x, box.extent.y, box.extent.z], dtype=np.float64)
    center = np.array([box.location.x, -box.location.y, box.location.z], dtype=np.float64)
    attributes = dict(actor.attributes)
    return ObjectInfo(
        track_id=track_id,
        category=default_taxonomy().category_of_blueprint(actor.type_id, attributes),
        blueprint=actor.type_id,
        semantic_tag=int(actor.semantic_tags[0]) if len(actor.semantic_tags) else 0,
        size_lwh_m=2 * extent,
        box_center_m=center,
        name=name,
        role=role,
        colour_rgb=_colour(attributes.get("color")),
        special_type=attributes.get("special_type") or None,
        attributes=attributes,
    )


def _colour(text: str | None) -> tuple[int, int, int] | None:
    if not text:
        return None
    red, green, blue = (int(part) for part in text.split(","))
    return red, green, blue


def _steering_geometry(actor: carla.Actor) -> tuple[float, float, float]:
    """Full steer angle, wheelbase and rear axle position from the physics control.

    Wheel positions are world centimetres on a CARLA server, whose sources say so.
    """
    wheels = actor.get_physics_control().wheels
    if len(wheels) < 2:
        return 0.0, 0.0, 0.0
    actor_from_world = pose_from_carla(actor.get_transform()).inverse()
    at_m = np.array([[w.position.x, -w.position.y, w.position.z] for w in wheels]) / 100.0
    along_m = actor_from_world.apply(at_m)[:, 0]
    half = len(wheels) // 2
    front_m, rear_m = float(along_m[:half].mean()), float(along_m[half:].mean())
    return math.radians(wheels[0].max_steer_angle), front_m - rear_m, rear_m


def _clear_circles(concrete: ConcreteScenario) -> list[tuple[float, float, float]]:
    """CARLA x, y and radius of where no map vehicle may stand: the conflict and each start."""
    traffic = concrete.traffic
    conflict = (traffic.keep_clear_x_m, -traffic.keep_clear_y_m, traffic.keep_clear_radius_m)
    starts = [
        (actor.start.x_m, -actor.start.y_m, 0.6 * max(actor.size_lwh_m) + _ELBOW_ROOM_M)
        for actor in concrete.actors
    ]
    return [conflict, *starts]


def _is_inside(item: carla.EnvironmentObject, circles: list[tuple[float, float, float]]) -> bool:
    at = item.transform.location
    return any(math.hypot(at.x - x, at.y - y) < radius for x, y, radius in circles)


def _map_vehicles(world: carla.World) -> list[carla.EnvironmentObject]:
    found: list[carla.EnvironmentObject] = []
    for label in _VEHICLE_LABELS:
        found += world.get_environment_objects(getattr(carla.CityObjectLabel, label))
    return sorted(found, key=lambda item: item.id)


def whole_vehicles(items: Sequence[carla.EnvironmentObject]) -> list[carla.EnvironmentObject]:
    """The map's vehicles without those that are parts of another.

    A CARLA map may list a vehicle mesh by mesh: its wheels lie in the box of its body, and two
    cuboids in one place would make every frame a contradiction.
    """
    boxes = [item.bounding_box for item in items]
    volume = [box.extent.x * box.extent.y * box.extent.z for box in boxes]
    centre_m = np.array([vector_from_carla(box.location) for box in boxes]).reshape(-1, 3)
    is_part = np.zeros(len(items), dtype=np.bool_)
    for k in np.argsort(-np.array(volume), kind="stable").tolist():
        if not is_part[k]:
            box = boxes[k]
            pose = pose_from_carla(carla.Transform(box.location, box.rotation))
            half_m = np.array([box.extent.x, box.extent.y, box.extent.z])
            is_part |= (np.abs(pose.inverse().apply(centre_m)) <= half_m).all(axis=1)
            is_part[k] = False
    return [item for item, part in zip(items, is_part.tolist(), strict=True) if not part]


def clear_parked_vehicles(world: carla.World, concrete: ConcreteScenario) -> None:
    """Take the map's own vehicles away from the conflict and from where actors start."""
    circles = _clear_circles(concrete)
    hidden = {item.id for item in _map_vehicles(world) if _is_inside(item, circles)}
    if hidden:
        world.enable_environment_objects(hidden, False)


def add_traffic(cast: Cast, actors: list[carla.Actor]) -> None:
    """Give ambient vehicles and walkers the track ids after the scenario's actors."""
    for actor in actors:
        track_id = len(cast.members) + EGO_TRACK_ID
        info = object_info(actor, track_id, role="traffic", name=None)
        geometry = _steering_geometry(actor) if actor.type_id.startswith("vehicle.") else ()
        cast.members.append(CastMember(info, actor, *geometry))


def nearby_walkers(snapshot: carla.WorldSnapshot, cast: Cast, range_m: float) -> list[CastMember]:
    """The walkers within a range of the ego."""
    ego_at = snapshot.find(cast.ego.actor.id).get_transform().location
    walkers = [m for m in cast.members if m.actor.type_id.startswith("walker.")]
    found = [(member, snapshot.find(member.actor.id)) for member in walkers]
    return [
        member
        for member, state in found
        if state is not None and state.get_transform().location.distance(ego_at) < range_m
    ]


def add_still_objects(world: carla.World, concrete: ConcreteScenario, cast: Cast) -> None:
    """Give parked map vehicles along the ego's way the last track ids."""
    circles = _clear_circles(concrete)
    start = concrete.ego.start
    way_xy_m = np.array([(start.x_m, start.y_m), *(p[:2] for p in concrete.ego.path_xyz_m)])
    for item in whole_vehicles(_map_vehicles(world)):
        at = item.transform.location
        apart_m = np.hypot(way_xy_m[:, 0] - at.x, way_xy_m[:, 1] + at.y).min()
        if apart_m <= _ENVIRONMENT_RANGE_M and not _is_inside(item, circles):
            track_id = len(cast.members) + len(cast.still) + EGO_TRACK_ID
            cast.still.append(_still_object(item, track_id))


def _still_object(item: carla.EnvironmentObject, track_id: int) -> StillObject:
    # Boxes of environment objects are in world space (CARLA, Python API, EnvironmentObject).
    box = item.bounding_box
    extent = np.array([box.extent.x, box.extent.y, box.extent.z], dtype=np.float64)
    info = ObjectInfo(
        track_id=track_id,
        category=default_taxonomy().category_of_map_object(item.name, int(item.type)) or "object",
        blueprint=item.name,
        semantic_tag=int(item.type),
        size_lwh_m=2 * extent,
        box_center_m=np.zeros(3),
        source="environment",
        role="parked",
    )
    world_from_box = pose_from_carla(carla.Transform(box.location, box.rotation))
    return StillObject(info, world_from_box, item.id % _INSTANCE_IDS)
