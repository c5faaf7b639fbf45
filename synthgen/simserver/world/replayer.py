"""The replayer: moves actors as they moved in a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.wire.structs import (
    ActorDescription,
    AttributeValue,
    Rotation,
    Transform,
    Vector3D,
)
from synthgen.simserver.world.actors import Actor, ActorKind, kind_of
from synthgen.simserver.world.errors import SpawnError
from synthgen.simserver.world.poses import compose
from synthgen.simserver.world.recording import (
    RecordedActor,
    RecordedFrame,
    RecordingError,
    read_recording,
    recording_path,
)
from synthgen.simserver.world.traffic_lights import Light

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

_MOVED = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)


class Replayer:
    """Plays one recording at a time.

    Attributes:
        time_factor: Recorded seconds per simulated second.
        ignores_hero: Leave actors with the role hero to their own.
        ignores_spectator: Leave the spectator where it is.
    """

    def __init__(self) -> None:
        self.time_factor = 1.0
        self.ignores_hero = False
        self.ignores_spectator = True
        self._frames: list[RecordedFrame] = []
        self._actors: dict[int, int] = {}
        self._owned: set[int] = set()
        self._kinematics: dict[int, NDArray[np.float32]] = {}
        self._now_s = self._end_s = 0.0
        self._next = 0
        self._follow_id = 0
        self._follow_from = Transform()
        self._replays_sensors = False

    @property
    def is_on(self) -> bool:
        """Whether it plays."""
        return bool(self._frames)

    def start(
        self,
        world: World,
        name: str,
        *,
        start_s: float,
        duration_s: float,
        follow_id: int,
        follow_from: Transform,
        replays_sensors: bool,
    ) -> str:
        """Begin to play; a text about the recording.

        Raises:
            RecordingError: There is no such recording.
            CallError: There is no such town.
        """
        path = recording_path(name)
        header, frames = read_recording(name)
        if not frames:
            raise RecordingError(f"File {name} holds no frames\n")
        self.stop(world, keeps_actors=False)
        if header.town != world.town.name:
            world.start_episode(header.town, resets_settings=False)
        total_s = frames[-1].time_s
        self._now_s = max(0.0, total_s + start_s) if start_s < 0 else min(start_s, total_s)
        self._end_s = total_s if duration_s <= 0 else min(total_s, self._now_s + duration_s)
        self._frames, self._next = frames, 0
        self._follow_id, self._follow_from = follow_id, follow_from
        self._replays_sensors = replays_sensors
        self._show(world)
        ignored = "Ignoring Hero vehicle\n" if self.ignores_hero else ""
        ignored += "Ignoring Spectator camera\n" if self.ignores_spectator else ""
        return (
            f"Replaying File: {path}\nTotal time recorded: {total_s:g}\n"
            f"Replaying from {self._now_s:g} s - {self._end_s:g} s ({total_s:g} s) "
            f"at {self.time_factor:.1f}x\n{ignored}"
        )

    def stop(self, world: World, *, keeps_actors: bool) -> None:
        """End playing; kept actors go on under physics."""
        for actor_id in self._owned:
            actor = world.actors.find(actor_id)
            if actor is None:
                continue
            if keeps_actors:
                actor.simulates_physics = actor.kind is not ActorKind.PROP
                world.motion.switch(actor)
            else:
                world.destroy(actor_id)
        self._frames, self._actors, self._owned = [], {}, set()
        self._kinematics.clear()

    def publish(self, world: World) -> None:
        """Let replayed actors report the velocities that they had; physics knows of none."""
        for actor_id, values in self._kinematics.items():
            actor = world.actors.find(actor_id)
            if actor is not None:
                world.actors.motion[actor.slot, 6:] = values

    def step(self, world: World, delta_s: float) -> None:
        """Go on by one tick; at the end the actors stay, under physics."""
        if not self._frames:
            return
        self._now_s = min(self._now_s + delta_s * self.time_factor, self._end_s)
        self._show(world)
        if self._now_s >= self._end_s:
            self.stop(world, keeps_actors=True)

    def _show(self, world: World) -> None:
        while self._next < len(self._frames) and (
            self._frames[self._next].time_s <= self._now_s + 1e-6
        ):
            self._enter(world, self._frames[self._next])
            self._next += 1
        before = self._frames[max(self._next - 1, 0)]
        after = self._frames[min(self._next, len(self._frames) - 1)]
        self._move(world, before, after)
        self._set_states(world, before)
        self._follow(world)

    def _enter(self, world: World, frame: RecordedFrame) -> None:
        for gone in frame.destroyed:
            actor_id = self._actors.pop(gone, 0)
            if actor_id in self._owned:
                self._owned.discard(actor_id)
                if world.actors.find(actor_id) is not None:
                    world.destroy(actor_id)
        for recorded in frame.created:
            actor = self._actor_for(world, recorded)
            if actor is not None:
                self._actors[recorded.id] = actor.id

    def _actor_for(self, world: World, recorded: RecordedActor) -> Actor | None:
        if recorded.type_id == "spectator":
            return None if self.ignores_spectator else world.spectator
        kind = kind_of(recorded.type_id)
        if kind in (ActorKind.TRAFFIC_LIGHT, ActorKind.TRAFFIC_SIGN):
            return _at_same_place(world, kind, recorded)
        if kind not in _MOVED and not (kind is ActorKind.SENSOR and self._replays_sensors):
            return None
        roles = [value for name, _, value in recorded.attributes if name == "role_name"]
        if self.ignores_hero and "hero" in roles:
            return None
        return self._spawned(world, recorded)

    def _spawned(self, world: World, recorded: RecordedActor) -> Actor | None:
        present = world.actors.find(recorded.id)
        if present is not None and present.type_id == recorded.type_id:
            return self._taken_over(world, present)
        attributes = [AttributeValue(*fields) for fields in recorded.attributes]
        description = ActorDescription(0, recorded.type_id, attributes)
        pose = Transform(Vector3D(*recorded.pose[:3]), Rotation(*recorded.pose[3:]))
        try:
            # Whatever stands there now: a recording is played as it was.
            actor = world.spawn(
                description, pose, checks_space=False, wanted_id=_wanted_id(world, recorded)
            )
        except SpawnError:
            return None
        return self._taken_over(world, actor)

    def _taken_over(self, world: World, actor: Actor) -> Actor:
        self._owned.add(actor.id)
        actor.simulates_physics = actor.kind is ActorKind.WALKER
        world.motion.switch(actor)
        return actor

    def _move(self, world: World, before: RecordedFrame, after: RecordedFrame) -> None:
        span_s = after.time_s - before.time_s
        share = (self._now_s - before.time_s) / span_s if span_s > 0 else 0.0
        later = {int(i): row for i, row in zip(after.ids, after.motion, strict=True)}
        for recorded_id, row in zip(before.ids, before.motion, strict=True):
            actor = world.actors.find(self._actors.get(int(recorded_id), 0))
            if actor is None or actor.kind in (
                ActorKind.TRAFFIC_LIGHT,
                ActorKind.TRAFFIC_SIGN,
            ):
                continue
            row_after = later.get(int(recorded_id), row)
            pose = _between(row, row_after, share)
            # Velocity and turning in simulated time, acceleration in its square.
            mean = row[6:] + (row_after[6:] - row[6:]) * share
            self._kinematics[actor.id] = mean * self._rates
            if actor.kind is ActorKind.WALKER:
                _walk(world, actor, pose, float(np.hypot(row[6], row[7])))
            else:
                world.place(actor, pose)

    @property
    def _rates(self) -> NDArray[np.float32]:
        factor = self.time_factor
        return np.repeat(np.array([factor, factor, factor * factor], np.float32), 3)

    def _set_states(self, world: World, frame: RecordedFrame) -> None:
        for recorded_id, state, _, _ in frame.lights:
            actor_id = self._actors.get(recorded_id, 0)
            if actor_id in world.lights.actor_ids:
                world.lights.set_state(world.lights.actor_ids.index(actor_id), Light(state))
        for recorded_id, *_, lamps in frame.vehicles:
            vehicle = world.actors.find(self._actors.get(recorded_id, 0))
            if vehicle is not None:
                vehicle.vehicle.lights = lamps

    def _follow(self, world: World) -> None:
        followed = world.actors.find(self._actors.get(self._follow_id, 0))
        if followed is not None:
            world.place(world.spectator, compose(world.actors.pose(followed), self._follow_from))


def _wanted_id(world: World, recorded: RecordedActor) -> int | None:
    """The recorded id, unless a client may remember another actor by it.

    Programs look for the ids that `show_recorder_file_info` tells, and CARLA spawns replayed
    actors under them where they are free.
    """
    is_same = world.recorder.types.get(recorded.id) == recorded.type_id
    return recorded.id if is_same or world.is_unused(recorded.id) else None


def _at_same_place(world: World, kind: ActorKind, recorded: RecordedActor) -> Actor | None:
    for actor in world.actors.of_kind(kind):
        place = world.actors.pose(actor).location
        if np.allclose(place, recorded.pose[:3], atol=0.01):
            return actor
    return None


def _walk(world: World, walker: Actor, pose: Transform, speed_mps: float) -> None:
    """Place a walker as its own crowd would, so that its legs move."""
    x, y, z = pose.location
    feet = Vector3D(x, y, z - walker.bounding_box.extent.z)
    world.motion.place_walker(walker, Transform(feet, pose.rotation), speed_mps)


def _between(first: NDArray[np.float32], second: NDArray[np.float32], share: float) -> Transform:
    place = first[:3] + (second[:3] - first[:3]) * share
    # The short way round.
    turn = (second[3:6] - first[3:6] + 180.0) % 360.0 - 180.0
    rotation = first[3:6] + turn * share
    return Transform(Vector3D(*place.tolist()), Rotation(*rotation.tolist()))
