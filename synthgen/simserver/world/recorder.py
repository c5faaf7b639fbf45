"""The recorder: writes every frame of an episode while it is on."""

from __future__ import annotations

import time
from datetime import datetime
from typing import IO, TYPE_CHECKING

from synthgen.simserver.world.actors import Actor, ActorKind
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.recording import (
    Details,
    Header,
    RecordedActor,
    RecordedFrame,
    frame_bytes,
    header_bytes,
    recording_path,
)

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World


class Recorder:
    """Records into one file at a time.

    Attributes:
        types: Type of each actor that was recorded in this episode, by id.
    """

    def __init__(self) -> None:
        self.types: dict[int, str] = {}
        self._file: IO[bytes] | None = None
        self._known: set[int] = set()
        self._start_s = 0.0
        self._has_details = False

    @property
    def is_on(self) -> bool:
        """Whether it records."""
        return self._file is not None

    def start(self, world: World, name: str, *, has_kinematics: bool) -> str:
        """Begin a recording with the present state; the path of its file.

        Raises:
            CallError: The file cannot be written.
        """
        self.stop()
        path = recording_path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as err:
            raise CallError(f"cannot record into {path}: {err.strerror}") from err
        self._known = set()
        self._start_s = world.clock.elapsed_s
        self._has_details = has_kinematics
        date = f"{datetime.now():%x %X}"
        self._file.write(header_bytes(Header(world.town.name, date, has_kinematics)))
        self.record(world)
        return str(path)

    def stop(self) -> None:
        """End the recording, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def end_episode(self) -> None:
        """End the recording; ids of the next episode are other actors'."""
        self.stop()
        self.types.clear()

    def record(self, world: World) -> None:
        """Write the present frame."""
        if self._file is None:
            return
        present = {actor.id: actor for actor in world.actors}
        new = [present[i] for i in sorted(present.keys() - self._known)]
        destroyed = sorted(self._known - present.keys())
        self._known = set(present)
        self.types.update((actor.id, actor.type_id) for actor in new)
        rows = world.actors.snapshot_rows()
        frame = RecordedFrame(
            time_s=world.clock.elapsed_s - self._start_s,
            created=[_recorded(world, actor) for actor in new],
            destroyed=destroyed,
            ids=rows["id"].copy(),
            motion=rows["motion"].copy(),
            vehicles=[_vehicle(world, a) for a in world.actors.of_kind(ActorKind.VEHICLE)],
            walkers=[
                [a.id, world.motion.walker_speed_mps(a)]
                for a in world.actors.of_kind(ActorKind.WALKER)
            ],
            lights=[
                [actor_id, int(world.lights.state(n)), world.lights.is_frozen(n),
                 world.lights.elapsed_s(n)]
                for n, actor_id in enumerate(world.lights.actor_ids)
            ],
            collisions=_collisions(world),
            details=_details(world, new) if self._has_details else None,
        )  # fmt: skip
        self._file.write(frame_bytes(frame))


def _recorded(world: World, actor: Actor) -> RecordedActor:
    pose = world.actors.pose(actor)
    return RecordedActor(
        actor.id,
        actor.type_id,
        [list(attribute) for attribute in actor.description.attributes],
        [*pose.location, *pose.rotation],
        actor.parent_id,
    )


def _details(world: World, new: list[Actor]) -> Details:
    signals = (ActorKind.TRAFFIC_LIGHT, ActorKind.TRAFFIC_SIGN)
    bodies = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)
    return Details(
        boxes=[_box(actor) for actor in new if actor.kind in bodies],
        trigger_volumes=[_box(actor) for actor in new if actor.kind in signals],
        light_times=[
            [actor.id, *world.lights.times_s(world.lights.actor_ids.index(actor.id))]
            for actor in new
            if actor.kind is ActorKind.TRAFFIC_LIGHT
        ],
        physics=[
            [actor.id, list(world.motion.physics_control(actor))]
            for actor in new
            if actor.kind is ActorKind.VEHICLE
        ],
        platform_time_s=time.monotonic(),
    )


def _box(actor: Actor) -> list[object]:
    return [actor.id, *actor.bounding_box.location, *actor.bounding_box.extent]


def _collisions(world: World) -> list[list[int]]:
    """Contacts of actors that carry a collision detector, which is the first of each pair."""
    watched = {
        sensor.parent_id
        for sensor in world.actors.of_kind(ActorKind.SENSOR)
        if sensor.type_id == "sensor.other.collision"
    }
    signals = world.signal_actors()
    contacts = []
    for contact in world.motion.contacts:
        static = contact.static_index
        signal = None if static is None else world.motion.signal_of(static)
        other_id = contact.other_id if signal is None else signals[signal].id
        contacts.append((contact.actor_id, other_id))
    return sorted(
        [first, second]
        for pair in contacts
        for first, second in (pair, pair[::-1])
        if first in watched
    )


def _vehicle(world: World, actor: Actor) -> list[object]:
    control = world.motion.vehicle_control(actor)
    return [
        actor.id,
        control.steer,
        control.throttle,
        control.brake,
        control.hand_brake,
        control.gear,
        actor.vehicle.lights,
    ]
