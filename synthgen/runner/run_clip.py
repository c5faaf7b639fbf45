"""One clip from a job to a receipt: spawn, warm up, run, capture, verify, label, commit."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import carla
import numpy as np

from scenarios.behaviours.choreography import Choreography
from scenarios.behaviours.stage import Event
from scenarios.concrete import ConcreteScenario
from scenarios.verify import RunRecord, Verdict, verify
from sensors.carla_adapter.blueprints import CaptureClock, looks_back, sensor_actors
from sensors.carla_adapter.poses import pose_from_carla
from sensors.rig import Rig
from synthgen.datatypes.actors import ActorStates
from synthgen.datatypes.clip_job import ClipJob, Receipt
from synthgen.datatypes.road_map import SignalChange
from synthgen.errors import OutputError, ScenarioRejected
from synthgen.runner import capture
from synthgen.runner.appearance import Appearance, bones_of
from synthgen.runner.calibration import calibration_of
from synthgen.runner.cast import add_still_objects, nearby_walkers, spawn_cast
from synthgen.runner.dressing import dress_world
from synthgen.runner.event_films import EventFilms
from synthgen.runner.evidence import Evidence
from synthgen.runner.finish import MadeClip, finish_clip, road_map_of, scenario_document
from synthgen.runner.heartbeat import Pulse
from synthgen.runner.live_labels import LiveLabels
from synthgen.runner.observe import (
    SIGNAL_STATES,
    actor_states,
    frame_record,
    weather_record,
    world_view,
)
from synthgen.runner.orders import Orders
from synthgen.runner.recorder import Notes, Recorder
from synthgen.runner.replay import Replay
from synthgen.runner.sensor_frames import RigDecoder
from synthgen.runner.session import Session, open_session, release
from synthgen.runner.site_check import check_site
from synthgen.runner.stopwatch import Stopwatch
from synthgen.runner.traffic import ambient_traffic
from synthgen.store.clip_writer import ClipWriter
from synthgen.store.commit import Commit, commit_clip, staged_clip

logger = logging.getLogger(__name__)

# Captures' worth of ticks before the first recorded one, where flow or blur needs a past.
_WARMUP_CAPTURES: Final = 2
# Farther away a walker is a few pixels tall, too small for keypoints.
_BONES_RANGE_M: Final = 60.0


@dataclass(frozen=True, slots=True)
class Link:
    """Where the simulator of this slot listens."""

    host: str
    port: int
    tm_port: int


def run_job(job: ClipJob, link: Link, *, staging: Path, cache: Path, pulse: Pulse) -> Receipt:
    """Make one clip, or find out why this draw makes none.

    Args:
        job: What to make.
        link: The simulator.
        staging: The dataset's staging folder.
        cache: Folder for the CARLA client's files, this slot's own.
        pulse: Told at every phase and tick.

    Raises:
        SimulatorError: The simulator failed; another attempt may succeed.
        ConfigError: The job cannot be run on this simulator at all.
        OutputError: The disk refused.
    """
    watch = Stopwatch()
    pulse.beat("load")
    with staged_clip(staging, job.clip_id) as folder:
        writer = ClipWriter(folder)
        with watch.lap("load"):
            session = open_session(job, link.host, link.port, link.tm_port, cache)
        recorder = Recorder(writer, job.capture.rgb_codec, watch)
        try:
            made, labels = _play(job, session, recorder, watch, pulse)
        except ScenarioRejected as rejection:
            return _receipt(job, "rejected", watch, reason=str(rejection))
        pulse.beat("label")
        boxes2d = finish_clip(writer, job, made, labels, watch)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        pulse.beat("commit")
        with watch.lap("commit"):
            outcome = commit_clip(folder, Path(job.dataset), job.clip_id)
    if outcome is Commit.DIFFERS:
        raise OutputError(
            f"clip {job.clip_id}: already in the dataset with other bytes; "
            "the simulator is not deterministic, or its version changed"
        )
    status = "accepted" if outcome is Commit.COMMITTED else "exists"
    flags = made.scenario["verdict"]["flags"]
    facts = {"flags": flags, "frames": recorder.frame_count, "boxes2d": boxes2d}
    return _receipt(job, status, watch, bytes=size, **facts)


def _play(
    job: ClipJob, session: Session, recorder: Recorder, watch: Stopwatch, pulse: Pulse
) -> tuple[MadeClip, LiveLabels]:
    """Run or replay the clip; what is known of it then, and its labels."""
    if job.replay is not None:
        replay = Replay(job, session, recorder, watch, pulse)
        replay.play()
        return replay.made(), replay.labels
    concrete = ConcreteScenario.model_validate(job.scenario)
    stage = Stage(job, concrete, session, recorder, watch, pulse)
    verdict = stage.play()
    if not verdict.accepted:
        raise ScenarioRejected("; ".join(verdict.reasons))
    return stage.made(verdict), stage.labels


def _receipt(job: ClipJob, status: Any, watch: Stopwatch, **facts: Any) -> Receipt:
    return Receipt(clip_id=job.clip_id, status=status, seconds=watch.seconds(), **facts)


def judge(
    concrete: ConcreteScenario,
    evidence: Evidence,
    signals: tuple[SignalChange, ...],
    events: tuple[Event, ...],
) -> Verdict:
    """Whether the edge case happened."""
    return verify(concrete, replace(evidence.run_record(signals), events=events))


class Stage:
    """One clip while it plays: the world dressed, the cast on it, the cameras on the ego."""

    def __init__(
        self,
        job: ClipJob,
        concrete: ConcreteScenario,
        session: Session,
        recorder: Recorder | Notes,
        watch: Stopwatch,
        pulse: Pulse,
    ) -> None:
        self._job = job
        self._concrete = concrete
        self._session = session
        self._world = session.world
        self._recorder = recorder
        self._watch = watch
        self._pulse = pulse
        self._script_events: tuple[Event, ...] = ()
        self._episode_tick = 0
        self._rig = Rig.model_validate(job.rig.content)
        self._tick_ns = round(job.capture.tick_s * 1e9)
        self._period = job.capture.period_ticks
        self.frame_count = 0
        with watch.lap("spawn"):
            pulse.beat("spawn")
            self._dressed = dress_world(session.world, job, concrete)
            self._weather = weather_record(self._dressed.weather)
            self._enter()

    def _enter(self) -> None:
        """Actors, traffic and sensors."""
        settings = self._job.capture
        self._cast = spawn_cast(self._session.client, self._world, self._concrete)
        check_site(self._world, self._concrete)
        self.ego = self._cast.ego
        self._ambient = ambient_traffic(self._session, self._concrete, self._cast)
        add_still_objects(self._world, self._concrete, self._cast)
        self.calibration = calibration_of(
            self._rig, self.ego.info.blueprint, self.ego.rear_axle_x_m, settings
        )
        is_embedded = self._job.simulator.kind == "embedded"
        turn_ns = self._period * self._tick_ns if is_embedded else None
        self._decoder = RigDecoder(self._rig, self._cast, turn_ns=turn_ns)
        self.labels = self._live_labels()
        self._still = frozenset(item.info.track_id for item in self._cast.still)
        self._appearance = Appearance(self._cast)
        self._orders = Orders(self._session.client, self._cast.by_name(), self._dressed.lights)
        self._evidence = Evidence(
            self._cast, tick_s=settings.tick_s, period_ticks=settings.period_ticks
        )
        sensors = sensor_actors(
            self._rig,
            CaptureClock(settings.tick_s, settings.period_ticks),
            noise_seeds=capture.noise_seeds(self._job, self._rig),
            decimate_on_server=is_embedded,
        )
        self._capture = capture.RigCapture(self._world, self.ego.actor, self._rig, sensors)
        period_ns = self._period * self._tick_ns
        take = self._capture.take_sparse
        self._films = EventFilms(self._rig, take, self._recorder, period_ns=period_ns)
        self._first_frame = self._world.get_snapshot().frame + 1
        self._bump = self._witness("sensor.other.collision", self._evidence.on_collision)
        self._edge = self._witness("sensor.other.lane_invasion", self._evidence.on_lane_invasion)

    def _witness(self, kind: str, take: Callable[[Any], None]) -> carla.Sensor:
        """A sensor on the ego that speaks only when something happens."""
        blueprint = self._world.get_blueprint_library().find(kind)
        witness = self._world.spawn_actor(blueprint, carla.Transform(), attach_to=self.ego.actor)
        witness.listen(take)
        return witness

    def _live_labels(self) -> LiveLabels:
        read_map = partial(road_map_of, self._dressed.opendrive, self._job.map.name)
        return LiveLabels(self._cast.objects(), self.calibration, self._watch, read_map)

    def play(self) -> Verdict:
        """Run the scenario from spawn to the last recorded tick and judge it."""
        with self._recorder, self.labels:
            try:
                self._perform()
            finally:
                self._leave()
            with self._watch.lap("write"):
                for event in self._evidence.events(self._tick_ns):
                    self._recorder.add_event(event)
                self._recorder.finish(self._cast.objects(), self._appearance.rows)
        return judge(self._concrete, self._evidence, self._recorder.signals, self._script_events)

    def made(self, verdict: Verdict) -> MadeClip:
        """What is known of the clip after `play`."""
        return MadeClip(
            scenario=scenario_document(self._concrete, verdict),
            calibration=self.calibration,
            opendrive=self._dressed.opendrive,
            simulator_version=self._session.server_version,
            episode_tick=self._episode_tick,
            instance_link=self._decoder.link,
        )

    def run_record(self, events: tuple[Event, ...]) -> RunRecord:
        """What the run has left behind so far, in the verifier's terms."""
        return replace(self._evidence.run_record(self._recorder.signals), events=events)

    def _perform(self) -> None:
        """The tick loop: look, record, order, tick."""
        choreography = Choreography(self._concrete)
        warmup = self._concrete.warmup_ticks
        last = warmup + self._concrete.duration_ticks - 1
        listen_at = self._listens_from()
        self._idle_until_in_phase(warmup)
        if self._job.simulator.kind == "carla":
            # The embedded server's exposure depends on nothing but the picture itself.
            with self._watch.lap("render"):
                self._capture.settle_exposure(self._settling_tick)
        for tick in range(last + 1):
            snapshot = self._world.get_snapshot()
            signals = self._signal_states()
            if tick >= warmup:
                self._record(snapshot, tick - warmup, signals)
            elif tick == warmup - self._period:
                self._states(snapshot, -self._period, with_details=True)
                ego = snapshot.find(self.ego.actor.id)
                self._decoder.begin(pose_from_carla(ego.get_transform()))
            if tick == last or self.is_settled(tick - warmup, choreography.events):
                break
            if tick >= listen_at and not self._capture.is_listening:
                self._capture.listen()
            view = world_view(snapshot, self._cast, tick, signals)
            self._orders.apply(choreography.step(view))
            is_listening = self._capture.is_listening
            with self._watch.lap("render" if is_listening else "simulate"):
                frame = self._world.tick()
            if is_listening:
                self._take_inertial(frame, tick + 1 - warmup)
            self._pulse.beat("run", tick=tick + 1, ticks=last + 1, frames=self.frame_count)
        self._films.end(self._world)
        self._script_events = choreography.events
        logger.info("clip %s: ran %d ticks", self._job.clip_id, tick + 1)

    def _listens_from(self) -> int:
        """The tick after which the sensors' streams open."""
        warmup, simulator = self._concrete.warmup_ticks, self._job.simulator
        if simulator.kind == "embedded" and not looks_back(self._rig, simulator.quality):
            return max(0, warmup - 1)
        return max(0, warmup - _WARMUP_CAPTURES * self._period)

    def _settling_tick(self) -> int:
        frame: int = self._world.tick()
        self._pulse.beat("warmup", tick=frame)
        return frame

    def is_settled(self, tick: int, events: tuple[Event, ...]) -> bool:
        """Whether the rest of the run can be left out; a clip is always played to its end."""
        return False

    def _idle_until_in_phase(self, warmup: int) -> None:
        """Tick until the record window's start falls on a tick on which slow sensors measure.

        Sensors with a `sensor_tick` measure on their first frame and every n-th from there.
        """
        frame: int = self._world.get_snapshot().frame
        while (frame + warmup - self._first_frame) % self._period:
            frame = self._world.tick()

    def _signal_states(self) -> dict[str, str]:
        return {key: SIGNAL_STATES[int(light.state)] for key, light in self._dressed.lights.items()}

    def _record(self, snapshot: carla.WorldSnapshot, tick: int, signals: dict[str, str]) -> None:
        """Keep one tick of the record window, and the sensors' frame where it is a capture."""
        is_capture = tick % self._period == 0
        if tick == 0:
            self._evidence.first_frame = snapshot.frame
            self._episode_tick = snapshot.frame - self._dressed.first_frame
        states = self._states(snapshot, tick, with_details=is_capture)
        frame_index = tick // self._period if is_capture else None
        self._recorder.add_states(states, frame_index, self._still)
        at_m = self._dressed.lights_at_m
        self._recorder.add_signals(tick, tick * self._tick_ns, signals, at_m)
        self._evidence.add_tick(states)
        if is_capture:
            self._record_capture(snapshot, tick, states)

    def _states(
        self, snapshot: carla.WorldSnapshot, tick: int, *, with_details: bool
    ) -> ActorStates:
        lights: dict[int, int] = {}
        bones_m: dict[int, np.ndarray] = {}
        if with_details:
            flags = self._world.get_vehicles_light_states()
            lights = {actor_id: int(state) for actor_id, state in flags.items()}
            walkers = nearby_walkers(snapshot, self._cast, math.inf)
            bones = {m.info.track_id: bones_of(m.actor) for m in walkers}
            self._appearance.note(snapshot, tick=tick, light_states=lights, bones=bones)
            near = nearby_walkers(snapshot, self._cast, _BONES_RANGE_M)
            bones_m = {m.info.track_id: capture.bones_m(bones[m.info.track_id]) for m in near}
        return actor_states(
            snapshot,
            self._cast,
            tick=tick,
            timestamp_ns=tick * self._tick_ns,
            light_states=lights,
            doors=self._orders.open_doors,
            bones_m=bones_m,
        )

    def _record_capture(
        self, snapshot: carla.WorldSnapshot, tick: int, states: ActorStates
    ) -> None:
        stamp = {"frame_index": tick // self._period, "timestamp_ns": tick * self._tick_ns}
        with self._watch.lap("transfer"):
            measured = self._capture.collect_frame(snapshot.frame)
        frame = frame_record(
            snapshot, self.ego, self._dressed.map, tick=tick, weather=self._weather, **stamp
        )
        with self._watch.lap("decode"):
            sensors = self._decoder.decode(measured, states, **stamp)
        self._recorder.add_frame(frame)
        self._films.cut(snapshot, frame)
        self._recorder.add_sensors(sensors)
        self.labels.add(frame, states, sensors)
        for camera, seen in zip(self._rig.cameras, sensors.cameras, strict=True):
            if seen.instance is not None:
                self._evidence.add_view(camera.role, seen.instance)
        self.frame_count += 1

    def _take_inertial(self, frame: int, tick: int) -> None:
        measured = self._capture.collect_tick(frame)
        if tick < 0:
            return
        # Sensors arrive in any order; rows must not.
        for key, measurement in sorted(measured.items(), key=lambda item: item[0]):
            row = capture.inertial_row(key.split("/")[0], measurement)
            stamp = {"tick": tick, "timestamp_ns": tick * self._tick_ns}
            self._recorder.add_inertial({**stamp, **row})

    def _leave(self) -> None:
        """Close all streams and destroy all that was spawned, in the order the client survives."""
        for witness in (self._bump, self._edge):
            witness.stop()
        self._capture.stop()
        self._ambient.dismiss()
        sensors = [*self._capture.actors.values(), self._bump, self._edge]
        walkers_minds = self._ambient.controllers
        members = [member.actor for member in self._cast.members]
        release(self._session, [*sensors, *walkers_minds, *members])
