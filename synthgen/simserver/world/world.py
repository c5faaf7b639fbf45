"""The simulated world: one episode at a time, its actors, its clock and its tick."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from synthgen.simserver.maps.townmap import Pose, Signal
from synthgen.simserver.sensors.array import SensorArray
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.inertial import GRAVITY_MPS2
from synthgen.simserver.wire.snapshot import MAP_CHANGE, TRAFFIC_SIGN_STATE, encode_snapshot
from synthgen.simserver.wire.streams import FIRST_SENSOR_STREAM, WORLD_STREAM, stream_token
from synthgen.simserver.wire.structs import (
    ActorDescription,
    AttributeValue,
    BoundingBox,
    EpisodeSettings,
    ManagerAddress,
    Rotation,
    Transform,
    Vector3D,
    Weather,
)
from synthgen.simserver.world import poses
from synthgen.simserver.world.actors import Actor, ActorKind, ActorTable, Attachment, kind_of
from synthgen.simserver.world.blueprints import blueprint_library, semantic_tags
from synthgen.simserver.world.boxes import box_of
from synthgen.simserver.world.clock import (
    DEFAULT_STEP_S,
    Clock,
    variable_step_s,
)
from synthgen.simserver.world.drawing import DebugDrawing
from synthgen.simserver.world.environment import Environment
from synthgen.simserver.world.errors import SpawnError, UnknownActorError
from synthgen.simserver.world.manager_pace import ManagerPace
from synthgen.simserver.world.motion import Motion
from synthgen.simserver.world.recorder import Recorder
from synthgen.simserver.world.replayer import Replayer
from synthgen.simserver.world.town_store import TownStore
from synthgen.simserver.world.traffic_lights import TrafficLights
from synthgen.simserver.world.weather import DEFAULT_WEATHER

logger = logging.getLogger(__name__)

CLIENT_SIDE_SENSORS = {"sensor.other.lane_invasion"}
# Ids are 32 bits on the wire; a recording cannot use up those that are left for new actors.
LAST_WANTED_ID = 2**31 - 1


class Streams(Protocol):
    """Where the world sends its messages; the stream door in a server."""

    port: int

    def is_watched(self, stream_id: int) -> bool:
        """Whether anyone listens."""

    def publish(self, stream_id: int, *parts: bytes | memoryview, drops: bool = False) -> None:
        """Send one message to all listeners."""

    def retain(self, stream_id: int, message: bytes) -> None:
        """Set the message that a new listener gets at once."""

    def expect(self, stream_id: int) -> None:
        """Note that a listener is about to come."""

    def wait_for_expected(self) -> None:
        """Wait for the announced listeners."""

    def close_stream(self, stream_id: int) -> None:
        """Drop the listeners of a stream that is over."""


class World:
    """Everything a client can see and change.

    Args:
        towns: The towns that can be loaded.
        streams: Where snapshots and measurements go.
        town: Name of the first town.
        settings: Settings at the start; an episode that resets its settings returns to these.
        threads: Threads of the renderer.
        quality: Picture quality of cameras that do not ask for one.
    """

    def __init__(
        self,
        towns: TownStore,
        streams: Streams,
        *,
        town: str,
        settings: EpisodeSettings,
        threads: int = 1,
        quality: str = "medium",
    ) -> None:
        self.towns = towns
        self.streams = streams
        self.settings = settings
        self._start_settings = settings
        self.clock = Clock(delta_s=settings.fixed_delta_seconds or DEFAULT_STEP_S)
        # What a handshake tells; the former episode while managers have to notice a new one.
        self.told_episode = self.clock.episode
        self.town = towns.load(town)
        self.sensors = SensorArray(threads, quality)
        self.traffic_managers: dict[int, ManagerAddress] = {}
        self.recorder = Recorder()
        self.replayer = Replayer()
        self._next_actor_id = 1
        self._next_stream_id = FIRST_SENSOR_STREAM
        self._last_tick_s = time.monotonic()
        self.pace = ManagerPace()
        self.in_mid_tick: Callable[[], None] = _do_nothing
        self._begin()

    # ------------------------------------------------------------------ episodes

    def start_episode(self, town: str, *, resets_settings: bool) -> None:
        """Load a town (empty: the present one) and begin a new episode in it.

        Raises:
            CallError: There is no such town.
        """
        self.town = self.towns.load(town or self.town.name)
        if resets_settings:
            self.settings = self._start_settings
        for actor in self.actors.of_kind(ActorKind.SENSOR):
            self.streams.close_stream(actor.stream_id)
        self.recorder.end_episode()
        self.replayer.stop(self, keeps_actors=True)
        self.clock.start_episode()
        self.told_episode = self.clock.episode
        self._begin()

    def _begin(self) -> None:
        # What an actor looks like depends on its number within the episode, not on its id.
        self.first_actor_id = self._next_actor_id
        self.actors = ActorTable()
        self.weather: Weather = DEFAULT_WEATHER
        self.motion = Motion(self.actors, self.town)
        self.sensors.start_episode(self.town)
        self._map_changed = True
        self.lights = TrafficLights(
            [s for s in self.town.signals if s.type_id == "traffic.traffic_light"]
        )
        self.environment = Environment(self.town)
        self.sensors.scene.light(self.environment.lights)
        self.drawing = DebugDrawing()
        self.imu_gravity_mps2 = GRAVITY_MPS2
        self.spectator = self._add(ActorDescription(0, "spectator", []), Transform())
        self._add_signals()
        # Nobody is told: the client asks for the new episode itself, and a snapshot pushed
        # around that moment crashes it now and then.
        self.streams.retain(WORLD_STREAM, self._snapshot())

    def _add_signals(self) -> None:
        number = 0
        self._signals: dict[int, Signal] = {}
        for signal in self.town.signals:
            pose = transform_of(signal.pose)
            actor = self._add(ActorDescription(0, signal.type_id, []), pose)
            self._signals[actor.id] = signal
            center, extent = signal.trigger_center_m.tolist(), signal.trigger_extent_m.tolist()
            actor.bounding_box = BoundingBox(
                Vector3D(*center), Vector3D(*extent), Rotation(), actor.id
            )
            if actor.kind is ActorKind.TRAFFIC_LIGHT:
                self.lights.actor_ids[number] = actor.id
                number += 1
            else:
                state = self.actors.rows["state"][actor.slot]
                state[: TRAFFIC_SIGN_STATE.size] = np.frombuffer(
                    TRAFFIC_SIGN_STATE.pack(signal.signal_id.encode()[:31]), np.uint8
                )

    # ------------------------------------------------------------------ actors

    def actor(self, actor_id: int) -> Actor:
        """A live actor.

        Raises:
            UnknownActorError: There is none with this id.
        """
        actor = self.actors.find(actor_id)
        if actor is None:
            raise UnknownActorError(actor_id)
        return actor

    def spawn(
        self,
        description: ActorDescription,
        pose: Transform,
        parent_id: int = 0,
        attachment: Attachment = Attachment.RIGID,
        *,
        checks_space: bool = True,
        wanted_id: int | None = None,
    ) -> Actor:
        """Make a new actor, under a wanted id if that is free; with a parent `pose` is relative.

        Raises:
            SpawnError: Unknown blueprint, bad attributes or something in the way.
            UnknownActorError: The parent does not live.
        """
        blueprint = blueprint_library().get(description.id)
        if blueprint is None:
            raise SpawnError(f"unknown blueprint {description.id!r}")
        given = {a.id: a.value for a in description.attributes}
        attributes = {a.id: given.get(a.id, a.value) for a in blueprint.attributes}
        full = ActorDescription(
            blueprint.uid,
            blueprint.id,
            [AttributeValue(a.id, a.type, attributes[a.id]) for a in blueprint.attributes],
        )
        world_pose = pose
        if parent_id:
            world_pose = poses.compose(self.actors.pose(self.actor(parent_id)), pose)
        return self._add(
            full,
            world_pose,
            attributes,
            parent_id,
            attachment,
            pose,
            checks_space=checks_space,
            wanted_id=wanted_id,
        )

    def _add(
        self,
        description: ActorDescription,
        pose: Transform,
        attributes: dict[str, str] | None = None,
        parent_id: int = 0,
        attachment: Attachment = Attachment.RIGID,
        relative: Transform | None = None,
        *,
        checks_space: bool = True,
        wanted_id: int | None = None,
    ) -> Actor:
        actor_id = self._next_actor_id if wanted_id is None else wanted_id
        if self.actors.find(actor_id) is not None:
            actor_id = self._next_actor_id
        actor = Actor(
            id=actor_id,
            kind=kind_of(description.id),
            description=description,
            attributes=attributes or {},
            bounding_box=box_of(description.id, attributes or {}, actor_id),
            semantic_tags=semantic_tags(description.id, attributes or {}),
            parent_id=parent_id,
            attachment=attachment,
            relative=relative or Transform(),
        )
        if checks_space and self.motion.is_blocked(actor, pose):
            raise SpawnError("Spawn failed because of collision at spawn position")
        if actor.kind is ActorKind.SENSOR:
            self.sensors.add(actor)
            if actor.type_id not in CLIENT_SIDE_SENSORS:
                actor.stream_id = self._next_stream_id
                self._next_stream_id += 1
        self._next_actor_id = max(self._next_actor_id, actor_id + 1)
        self.actors.add(actor, pose)
        self.motion.add(actor, pose)
        return actor

    def is_unused(self, actor_id: int) -> bool:
        """Whether no actor of this episode ever had the id, so no client remembers one by it."""
        return 0 < actor_id < LAST_WANTED_ID and not (
            self.first_actor_id <= actor_id < self._next_actor_id
        )

    def number_of(self, actor: Actor) -> int:
        """An actor's number within the episode, which decides what it looks like."""
        return (actor.id - self.first_actor_id) & LAST_WANTED_ID

    def destroy(self, actor_id: int) -> bool:
        """Remove an actor; its children stay where they are. False for what cannot go."""
        actor = self.actor(actor_id)
        if actor is self.spectator or actor.kind in (
            ActorKind.TRAFFIC_LIGHT,
            ActorKind.TRAFFIC_SIGN,
        ):
            return False
        for child in self.actors:
            if child.parent_id == actor_id:
                child.parent_id = 0
        if actor.stream_id:
            self.streams.close_stream(actor.stream_id)
        self.sensors.remove(actor)
        self.motion.remove(actor)
        self.actors.remove(actor)
        return True

    def place(self, actor: Actor, pose: Transform) -> None:
        """Move an actor at once; an attached one is placed in the world, as in CARLA."""
        if actor.parent_id:
            parent = self.actors.find(actor.parent_id)
            if parent is not None:
                actor.relative = poses.relative_to(self.actors.pose(parent), pose)
        self.actors.place(actor, pose)
        self.motion.place(actor, pose)

    def forget_managers(self, ports: Iterable[int]) -> None:
        """Drop the Traffic Managers of a client that is gone."""
        for port in ports:
            self.traffic_managers.pop(port, None)

    def show_environment(self) -> None:
        """Let renderer and physics know which environment objects are hidden."""
        signals, environment = self.signal_actors(), self.environment
        parts = {signals[n].id: hidden for n, hidden in environment.hidden_signals().items()}
        self.sensors.scene.hide(environment.hidden(), parts, environment.hidden_triangles())
        posts = [not environment.has_post(number) for number in self.motion.posts]
        self.motion.hide_statics(environment.hidden_boxes() + posts)

    def signal_actors(self) -> list[Actor]:
        """The actors of the town's lights and signs, in the town's order."""
        return [self.actor(actor_id) for actor_id in self._signals]

    def signal_attributes(self, actor: Actor) -> dict[str, str]:
        """What the model of a light or sign depends on, as text."""
        signal = self._signals[actor.id]
        return {
            "head_height_m": f"{signal.head_height_m:.3f}",
            "arm_m": f"{signal.arm_m:.3f}",
            "value": f"{signal.value:g}",
        }

    def record_of(self, actor: Actor) -> list[object]:
        """The actor as it goes on the wire."""
        token = stream_token(actor.stream_id, self.streams.port) if actor.stream_id else b""
        return [
            actor.id,
            actor.parent_id,
            actor.description,
            actor.bounding_box,
            actor.semantic_tags,
            token,
        ]

    # ------------------------------------------------------------------ time

    def change_settings(self, settings: EpisodeSettings) -> int:
        """Take new settings; the number of the frame from which on they hold."""
        if settings != self.settings:
            self.settings = settings
            self.clock.skip_frame(settings.fixed_delta_seconds or self.clock.delta_s)
            self._last_tick_s = time.monotonic()
            self._publish_snapshot()
        return self.clock.frame

    def seconds_to_next_tick(self) -> float | None:
        """Wall time until the next asynchronous tick; None when a client ticks."""
        if self.settings.synchronous_mode:
            return None
        period = self.settings.fixed_delta_seconds or DEFAULT_STEP_S
        return max(0.0, self._last_tick_s + period - time.monotonic())

    def tick_if_due(self) -> None:
        """Do the asynchronous tick when its time has come; real time passes with it."""
        if self.settings.synchronous_mode:
            return
        now_s = time.monotonic()
        passed_s = now_s - self._last_tick_s
        if passed_s < (self.settings.fixed_delta_seconds or DEFAULT_STEP_S) - 1e-4:
            return
        self._last_tick_s = now_s
        self._step(self.settings.fixed_delta_seconds or variable_step_s(passed_s))

    def tick(self) -> int:
        """Do one tick for a client; the number of the new frame."""
        if not self.settings.synchronous_mode:
            # An asynchronous world ticks by itself: the caller gets the coming frame's number.
            return self.clock.frame + 1
        self.pace.begin_tick(is_managed=bool(self.traffic_managers))
        self.streams.wait_for_expected()
        # The wait for the client counts as well: CARLA warns of synchronous variable steps.
        before_s, self._last_tick_s = self._last_tick_s, time.monotonic()
        passed_s = self._last_tick_s - before_s
        self._step(self.settings.fixed_delta_seconds or variable_step_s(passed_s))
        return self.clock.frame

    def seconds_to_wake_up(self) -> float | None:
        """Time until a Traffic Manager counts as stuck, or None."""
        return self.pace.seconds_to_wake_up() if self.traffic_managers else None

    def stuck_managers(self) -> list[ManagerAddress]:
        """The Traffic Managers to wake now; each tick asks for that once."""
        if self.seconds_to_wake_up() != 0.0:
            return []
        self.pace.stop_awaiting()
        return list(self.traffic_managers.values())

    def _step(self, delta_s: float) -> None:
        self.clock.step(delta_s)
        self.lights.tick(delta_s)
        self.replayer.step(self, delta_s)
        self.motion.step(delta_s)
        if self.pace.awaits_question:
            self.in_mid_tick()
        self.motion.publish()
        self.replayer.publish(self)
        self._follow_parents(delta_s)
        self._publish_snapshot()
        self.recorder.record(self)
        frame = Frame(
            number=self.clock.frame,
            episode_number=self.clock.episode_frame,
            time_s=self.clock.elapsed_s,
            delta_s=delta_s,
            is_fixed=self.settings.fixed_delta_seconds is not None,
            renders=not self.settings.no_rendering_mode,
            drops=not self.settings.synchronous_mode,
        )
        self.sensors.measure(self, frame)

    def _follow_parents(self, delta_s: float) -> None:
        # Sensors may hang on a mount, an empty actor that hangs on a vehicle.
        for kind in (ActorKind.OTHER, ActorKind.SENSOR):
            for actor in self.actors.of_kind(kind):
                self._follow(actor, delta_s)
        for actor in self.actors.of_kind(ActorKind.PROP):
            if actor.parent_id:
                self._follow(actor, delta_s)
                self.motion.place(actor, self.actors.pose(actor))
        # A controller is no more than a note on its walker.
        controllers, walkers = self.actors.controlled_slots()
        if len(controllers):
            self.actors.motion[controllers] = self.actors.motion[walkers]

    def _follow(self, actor: Actor, delta_s: float) -> None:
        parent = self.actors.find(actor.parent_id) if actor.parent_id else None
        if parent is None:
            return
        pose = poses.follow(
            self.actors.pose(parent),
            actor.relative,
            self.actors.pose(actor),
            is_sprung=actor.attachment is not Attachment.RIGID,
            delta_s=delta_s,
        )
        self.actors.place(actor, pose)
        self.actors.motion[actor.slot, 6:] = self.actors.motion[parent.slot, 6:]

    # ------------------------------------------------------------------ snapshots

    def _publish_snapshot(self) -> None:
        snapshot = self._snapshot()
        self._map_changed = False
        self.streams.retain(WORLD_STREAM, snapshot)
        self.streams.publish(WORLD_STREAM, snapshot)

    def _snapshot(self) -> bytes:
        self._write_traffic_states()
        return encode_snapshot(
            self.actors.snapshot_rows(),
            frame=self.clock.frame,
            time_s=self.clock.elapsed_s,
            delta_s=self.clock.delta_s,
            episode=self.clock.episode,
            platform_time_s=time.monotonic(),
            simulation_state=MAP_CHANGE if self._map_changed else 0,
        )

    def _write_traffic_states(self) -> None:
        if self.lights.signals:
            slots = self.actors.slots_of(ActorKind.TRAFFIC_LIGHT)
            self.actors.rows["state"][slots] = self.lights.snapshot_states()
        self.motion.write_states(self.lights, self.clock.elapsed_s)


def _do_nothing() -> None:
    """Nobody waits in the middle of a tick."""


def transform_of(pose: Pose) -> Transform:
    """A map's pose as it goes on the wire."""
    return Transform(Vector3D(*pose.location_m), Rotation(*pose.rotation_deg))
