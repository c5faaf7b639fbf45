"""The live actors: one record each, and their kinematic state as arrays over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.wire.snapshot import ACTIVE, ACTOR_ROW
from synthgen.simserver.wire.structs import (
    ActorDescription,
    BoundingBox,
    Rotation,
    Transform,
    Vector3D,
)

FIRST_CAPACITY = 64


class ActorKind(Enum):
    """What the simulation does with an actor."""

    VEHICLE = "vehicle"
    WALKER = "walker"
    SENSOR = "sensor"
    PROP = "static"
    TRAFFIC_LIGHT = "traffic_light"
    TRAFFIC_SIGN = "traffic"
    CONTROLLER = "controller"
    OTHER = "other"


def kind_of(type_id: str) -> ActorKind:
    """The kind of an actor of this type."""
    if type_id.startswith("traffic.traffic_light"):
        return ActorKind.TRAFFIC_LIGHT
    family = type_id.split(".", 1)[0]
    try:
        return ActorKind(family)
    except ValueError:
        return ActorKind.OTHER


class Attachment(Enum):
    """How a child follows its parent; the values are CARLA's."""

    RIGID = 0
    SPRING_ARM = 1
    SPRING_ARM_GHOST = 2


@dataclass(eq=False, slots=True)
class VehicleState:
    """What clients have set on a vehicle beyond its motion."""

    lights: int = 0
    open_doors: int = 0
    wheel_steer_deg: dict[int, float] = field(default_factory=dict)
    wheel_pitch_deg: dict[int, float] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class WalkerState:
    """What clients have set on a walker beyond its motion."""

    bones: dict[str, Transform] = field(default_factory=dict)
    blend: float = 0.0
    gait_phase: float = 0.0
    walked_m: float = 0.0


@dataclass(eq=False, slots=True)
class Actor:
    """One live actor; its pose and velocity are in the table at `slot`."""

    id: int
    kind: ActorKind
    description: ActorDescription
    attributes: dict[str, str]
    bounding_box: BoundingBox
    semantic_tags: bytes
    parent_id: int = 0
    attachment: Attachment = Attachment.RIGID
    relative: Transform = field(default_factory=Transform)
    stream_id: int = 0
    slot: int = -1
    simulates_physics: bool = True
    has_gravity: bool = True
    has_collisions: bool = True
    vehicle: VehicleState = field(default_factory=VehicleState)
    walker: WalkerState = field(default_factory=WalkerState)

    @property
    def type_id(self) -> str:
        """The blueprint it was made from."""
        return self.description.id


class ActorTable:
    """All live actors in the order they came in, their motion in one array by slot.

    Attributes:
        motion: (capacity, 15) float32, the snapshot's columns: x, y, z, pitch, yaw, roll
            (degrees), velocity (m/s), angular velocity (deg/s), acceleration (m/s2).
        rows: (capacity,) snapshot records; their `state` part is kept up to date in place.
        generation: Grows when an actor comes or goes: slots and lists by kind may be others then.
    """

    def __init__(self) -> None:
        self._by_id: dict[int, Actor] = {}
        self._by_kind: dict[ActorKind, list[Actor]] = {kind: [] for kind in ActorKind}
        self._slots: dict[ActorKind, NDArray[np.intp]] = {}
        self._controlled: NDArray[np.intp] | None = None
        self.generation = 0
        self.motion = np.zeros((FIRST_CAPACITY, 15), np.float32)
        self.rows = np.zeros(FIRST_CAPACITY, ACTOR_ROW)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Actor]:
        return iter(self._by_id.values())

    def find(self, actor_id: int) -> Actor | None:
        """The actor with this id, if it lives."""
        return self._by_id.get(actor_id)

    def of_kind(self, kind: ActorKind) -> list[Actor]:
        """Live actors of one kind in the order they came in."""
        return self._by_kind[kind]

    def slots_of(self, kind: ActorKind) -> NDArray[np.intp]:
        """Slots of `of_kind(kind)`, in the same order."""
        slots = self._slots.get(kind)
        if slots is None:
            slots = np.array([actor.slot for actor in self._by_kind[kind]], np.intp)
            self._slots[kind] = slots
        return slots

    def controlled_slots(self) -> NDArray[np.intp]:
        """(2, N) slots of the controllers and of the walkers that they belong to."""
        if self._controlled is None:
            pairs = [
                (actor.slot, walker.slot)
                for actor in self._by_kind[ActorKind.CONTROLLER]
                if (walker := self._by_id.get(actor.parent_id)) is not None
            ]
            self._controlled = np.array(pairs, np.intp).reshape(-1, 2).T
        return self._controlled

    def _changed(self) -> None:
        self._slots.clear()
        self._controlled = None
        self.generation += 1

    def add(self, actor: Actor, pose: Transform) -> None:
        """Put a new actor at a pose, at rest."""
        slot = len(self._by_id)
        if slot == len(self.rows):
            self.motion = np.concatenate((self.motion, np.zeros_like(self.motion)))
            self.rows = np.concatenate((self.rows, np.zeros_like(self.rows)))
        actor.slot = slot
        self._by_id[actor.id] = actor
        self._by_kind[actor.kind].append(actor)
        self._changed()
        self.motion[slot] = 0.0
        self.rows[slot] = np.zeros((), ACTOR_ROW)
        self.rows[slot]["id"] = actor.id
        self.rows[slot]["actor_state"] = ACTIVE
        self.place(actor, pose)

    def remove(self, actor: Actor) -> None:
        """Forget an actor; later ones move up one slot."""
        count, slot = len(self._by_id), actor.slot
        for array in (self.motion, self.rows):
            array[slot : count - 1] = array[slot + 1 : count].copy()
        del self._by_id[actor.id]
        self._by_kind[actor.kind].remove(actor)
        self._changed()
        for other in self._by_id.values():
            if other.slot > slot:
                other.slot -= 1
        actor.slot = -1

    def place(self, actor: Actor, pose: Transform) -> None:
        """Set an actor's pose, leaving its velocity."""
        self.motion[actor.slot, :6] = (*pose.location, *pose.rotation)

    def pose(self, actor: Actor) -> Transform:
        """An actor's pose in the world."""
        x, y, z, pitch, yaw, roll = self.motion[actor.slot, :6].tolist()
        return Transform(Vector3D(x, y, z), Rotation(pitch, yaw, roll))

    def velocity(self, actor: Actor) -> Vector3D:
        """An actor's velocity in the world, m/s."""
        return Vector3D(*self.motion[actor.slot, 6:9].tolist())

    def angular_velocity_deg(self, actor: Actor) -> Vector3D:
        """An actor's angular velocity, deg/s."""
        return Vector3D(*self.motion[actor.slot, 9:12].tolist())

    def acceleration(self, actor: Actor) -> Vector3D:
        """An actor's acceleration in the world, m/s2."""
        return Vector3D(*self.motion[actor.slot, 12:15].tolist())

    def snapshot_rows(self) -> NDArray[np.void]:
        """(N,) records of all actors as they go on the wire."""
        rows = self.rows[: len(self._by_id)]
        rows["motion"] = self.motion[: len(self._by_id)]
        return rows
