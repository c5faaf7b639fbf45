"""Shows a stored clip again on a server and captures it with another rig.

Nothing is simulated: every actor has its physics off and is put where the clip's tables say, tick
by tick, with its lights, doors, wheels and bones. Objects keep their track ids. On the embedded
server the same rig sees the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import carla
import numpy as np

from scenarios.concrete import ConcreteScenario
from sensors.carla_adapter.blueprints import CaptureClock, sensor_actors
from sensors.carla_adapter.poses import (
    pose_from_carla,
    pose_to_carla,
    spin_to_carla,
    vector_to_carla,
)
from sensors.rig import Rig
from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.clip_job import ClipJob
from synthgen.errors import ConfigError, SimulatorError
from synthgen.geometry.se3 import SE3
from synthgen.runner import capture
from synthgen.runner.appearance import ROLLING_WHEEL, STEERED_WHEEL, bone_control
from synthgen.runner.calibration import calibration_of
from synthgen.runner.cast import Cast, CastMember, add_still_objects, clear_parked_vehicles
from synthgen.runner.dressing import dress_world
from synthgen.runner.event_films import EventFilms
from synthgen.runner.finish import MadeClip, road_map_of
from synthgen.runner.heartbeat import Pulse
from synthgen.runner.live_labels import LiveLabels
from synthgen.runner.orders import set_signal
from synthgen.runner.recorder import Recorder
from synthgen.runner.sensor_frames import RigDecoder
from synthgen.runner.session import Session, release
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store import rows
from synthgen.store.clip_reader import ClipReader

# The states of a clip, which a replay keeps as they are.
_KEPT: Final = ("frames", "objects", "actors", "signals", "events", "replay")
_WARMUP_CAPTURES: Final = 2
# Actors appear high above the town, apart from each other, and are put in their places at once.
_LIMBO_M: Final = (500.0, 12.0)
_OFF_PLACE_M: Final = 0.002
_DOORS: Final = 4


def source_clip(job: ClipJob) -> ClipReader:
    """The clip that a job shows again.

    Raises:
        DatasetError: It cannot be read.
        ConfigError: It lacks what a replay needs.
    """
    assert job.replay is not None, "only jobs with a source come here"
    reader = ClipReader(Path(job.replay))
    if "episode_tick" not in reader.manifest["simulator"]:
        raise ConfigError(f"{job.replay}: made before clips could be replayed; make it anew")
    return reader


class Replay:
    """One stored clip on its way through a server."""

    def __init__(
        self, job: ClipJob, session: Session, recorder: Recorder, watch: Stopwatch, pulse: Pulse
    ) -> None:
        self._job = job
        self._session = session
        self._world = session.world
        self._recorder = recorder
        self._watch = watch
        self._pulse = pulse
        self._source = source_clip(job)
        self._rig = Rig.model_validate(job.rig.content)
        self._period = job.capture.period_ticks
        self._tick_ns = round(job.capture.tick_s * 1e9)
        concrete = ConcreteScenario.model_validate(
            {k: v for k, v in self._source.scenario.items() if k != "verdict"}
        )
        self._ticks = self._source.ticks
        self._captured = 0
        self._looks = _looks_of(self._source)
        self._open_doors: dict[int, int] = {}
        self._known_inertial = _inertial_rows_of(self._source, self._rig, job)
        with watch.lap("spawn"):
            pulse.beat("spawn")
            self._dressed = dress_world(session.world, job, concrete)
            clear_parked_vehicles(session.world, concrete)
            self._cast = Cast([self._spawn(i) for i in self._source.objects if _is_actor(i)])
            self._by_track = {m.info.track_id: m for m in self._cast.members}
            add_still_objects(session.world, concrete, self._cast)
            self._check_still()
            session.world.tick()
        calibration = self._source.calibration
        self._calibration = calibration_of(
            self._rig,
            calibration.ego_blueprint,
            -float(calibration.rear_axle_from_ego.translation_m[0]),
            job.capture,
        )
        is_embedded = job.simulator.kind == "embedded"
        turn_ns = self._period * self._tick_ns if is_embedded else None
        self._decoder = RigDecoder(self._rig, self._cast, turn_ns=turn_ns)
        read_map = partial(road_map_of, self._dressed.opendrive, job.map.name)
        self.labels = LiveLabels(self._source.objects, self._calibration, watch, read_map)

    def _spawn(self, info: ObjectInfo) -> CastMember:
        blueprint = self._world.get_blueprint_library().find(info.blueprint)
        for name, value in info.attributes.items():
            if blueprint.has_attribute(name) and blueprint.get_attribute(name).is_modifiable:
                blueprint.set_attribute(name, value)
        height_m, apart_m = _LIMBO_M
        place = SE3(np.eye(3), np.array([0.0, 0.0, height_m + apart_m * info.track_id]))
        actor = self._world.try_spawn_actor(blueprint, pose_to_carla(place))
        if actor is None:
            raise SimulatorError(f"track {info.track_id}: the simulator spawns no {info.blueprint}")
        actor.set_simulate_physics(False)
        if info.blueprint.startswith("walker."):
            actor.blend_pose(1.0)
        return CastMember(info, actor)

    def _check_still(self) -> None:
        wanted = [(i.track_id, i.blueprint) for i in self._source.objects if not _is_actor(i)]
        found = [(s.info.track_id, s.info.blueprint) for s in self._cast.still]
        if wanted != found:
            raise ConfigError(
                f"clip {self._source.clip_id}: expected its {len(wanted)} parked vehicles, the "
                f"simulator's map has {len(found)}, or others"
            )

    def play(self) -> None:
        """Show the clip from its first to its last tick and record what the rig sees."""
        with self._recorder, self.labels:
            self._idle_until_sensors_start()
            sensors = self._sensors()
            self._capture = capture.RigCapture(
                self._world, self._cast.ego.actor, self._rig, sensors
            )
            period_ns = self._period * self._tick_ns
            take = self._capture.take_sparse
            self._films = EventFilms(self._rig, take, self._recorder, period_ns=period_ns)
            try:
                self._perform()
                self._films.end(self._world)
            finally:
                self._capture.stop()
                members = [member.actor for member in self._cast.members]
                release(self._session, [*self._capture.actors.values(), *members])
            with self._watch.lap("write"):
                self._recorder.finish_sensors()
                for name in _KEPT:
                    self._recorder.keep(self._source.folder / f"{name}.parquet")

    def made(self) -> MadeClip:
        """What is known of the clip after `play`."""
        return MadeClip(
            scenario=self._source.scenario,
            calibration=self._calibration,
            opendrive=self._dressed.opendrive,
            simulator_version=self._session.server_version,
            episode_tick=self._episode_tick,
            replay_of=self._source.clip_id,
            instance_link=self._decoder.link,
        )

    @property
    def _episode_tick(self) -> int:
        return int(self._source.manifest["simulator"]["episode_tick"])

    def _sensors(self) -> Any:
        job = self._job
        return sensor_actors(
            self._rig,
            CaptureClock(job.capture.tick_s, self._period),
            noise_seeds=capture.noise_seeds(job, self._rig),
            decimate_on_server=job.simulator.kind == "embedded",
        )

    def _idle_until_sensors_start(self) -> None:
        """Tick until the coming frame is tick `-2 periods` of the clip.

        Sensors spawned then measure on their first frame and every n-th from there, so at the
        clip's captures. The embedded server's noise is keyed by the episode's frame: there the
        clip starts at the same one as when it was made.
        """
        if self._job.simulator.kind != "embedded":
            return
        start = self._dressed.first_frame + self._episode_tick
        last = start - _WARMUP_CAPTURES * self._period - 1
        frame: int = self._world.get_snapshot().frame
        if frame > last:
            raise ConfigError(
                f"clip {self._source.clip_id}: started at frame {self._episode_tick} of its "
                f"episode, before its {len(self._cast.members)} actors can be put in their places"
            )
        for _ in range(last - frame):
            self._world.tick()

    def _perform(self) -> None:
        ticks = self._ticks
        if self._job.simulator.kind == "carla":
            self._settle_exposure()
        for tick in range(-_WARMUP_CAPTURES * self._period, len(ticks)):
            self._order(ticks[max(tick, 0)], tick)
            with self._watch.lap("render"):
                frame = self._world.tick()
            if not self._capture.is_listening:
                self._capture.listen()
                continue
            self._take_inertial(frame, tick)
            if tick == -self._period:
                ego = self._world.get_snapshot().find(self._cast.ego.actor.id)
                self._decoder.begin(pose_from_carla(ego.get_transform()))
            if tick >= 0 and tick % self._period == 0:
                self._check_places(ticks[tick])
                self._take_capture(frame, tick)
            self._pulse.beat("run", tick=max(tick, 0), ticks=len(ticks), frames=self._captured)

    def _settle_exposure(self) -> None:
        """Let a host's cameras get used to the first picture, in which nothing moves."""
        self._order(self._ticks[0], -_WARMUP_CAPTURES * self._period)
        with self._watch.lap("render"):
            self._capture.settle_exposure(self._settling_tick)

    def _settling_tick(self) -> int:
        frame: int = self._world.tick()
        self._pulse.beat("warmup", tick=frame)
        return frame

    def _take_inertial(self, frame: int, tick: int) -> None:
        measured = self._capture.collect_tick(frame)
        if tick < 0:
            return
        stamp = {"tick": tick, "timestamp_ns": tick * self._tick_ns}
        for key, measurement in sorted(measured.items(), key=lambda item: item[0]):
            name = key.split("/")[0]
            row = {**stamp, **capture.inertial_row(name, measurement)}
            # Accelerations of what is put from place to place are good to some digits only; what
            # the clip has measured itself is kept.
            self._recorder.add_inertial(self._known_inertial.get((tick, name), row))

    def _take_capture(self, frame: int, tick: int) -> None:
        with self._watch.lap("transfer"):
            measured = self._capture.collect_frame(frame)
        with self._watch.lap("decode"):
            sensors = self._decoder.decode(
                measured,
                self._ticks[tick],
                frame_index=tick // self._period,
                timestamp_ns=tick * self._tick_ns,
            )
        self._captured += 1
        self._recorder.add_sensors(sensors)
        record = self._source.frames[tick // self._period]
        self._films.cut(self._world.get_snapshot(), record)
        self.labels.add(record, self._ticks[tick], sensors)

    # ------------------------------------------------------------------ putting things in place

    def _order(self, states: ActorStates, tick: int) -> None:
        """Say all that the coming tick shows."""
        self._set_signals(tick)
        batch: list[Any] = []
        for track_id, member in self._by_track.items():
            row = states.row_of(track_id)
            if row is None:
                raise ConfigError(f"track {track_id}: it ends before the clip, which no replay can")
            look = self._looks.get((tick, track_id))
            lead_s = self._job.capture.tick_s if tick < 0 else 0.0
            batch += _commands(member.actor.id, states, row, look, lead_s)
            if member.actor.type_id.startswith("vehicle."):
                self._set_doors(member, states, row)
            if look is not None:
                _set_limbs(member.actor, look)
        self._session.client.apply_batch_sync(batch, False)

    def _set_signals(self, tick: int) -> None:
        is_first = tick == -_WARMUP_CAPTURES * self._period
        for change in self._source.signals:
            is_due = change.tick == tick or (is_first and change.tick == 0)
            if is_due and change.state != "unknown":
                set_signal(self._dressed.lights[change.signal_id], change.state, freeze=True)

    def _set_doors(self, member: CastMember, states: ActorStates, row: int) -> None:
        bits = 0 if states.door_state is None else int(states.door_state[row])
        before = self._open_doors.get(member.info.track_id, 0)
        for number in range(_DOORS):
            if (bits ^ before) >> number & 1:
                door = carla.VehicleDoor(number)
                (member.actor.open_door if bits >> number & 1 else member.actor.close_door)(door)
        self._open_doors[member.info.track_id] = bits

    def _check_places(self, states: ActorStates) -> None:
        snapshot = self._world.get_snapshot()
        for track_id, member in self._by_track.items():
            row = states.row_of(track_id)
            state = snapshot.find(member.actor.id)
            if row is None or state is None:
                continue
            found_m = pose_from_carla(state.get_transform()).translation_m
            off_m = float(np.linalg.norm(found_m - states.position_m[row]))
            if off_m > _OFF_PLACE_M:
                raise SimulatorError(
                    f"tick {states.tick}: track {track_id} is {off_m:.3f} m from where it was put"
                )


def _is_actor(info: ObjectInfo) -> bool:
    return info.source == "actor"


def _inertial_rows_of(source: ClipReader, rig: Rig, job: ClipJob) -> dict[tuple[int, str], Any]:
    """The source's own measurements of inertial sensors that the rig has in the same place."""
    new = calibration_of(rig, source.calibration.ego_blueprint, 0.0, job.capture)
    old = {sensor.name: sensor for sensor in source.calibration.sensors}
    same = {
        sensor.name
        for sensor in new.sensors
        if sensor.modality in ("imu", "gnss")
        and sensor.name in old
        and old[sensor.name].modality == sensor.modality
        and _are_close(old[sensor.name].ego_from_sensor, sensor.ego_from_sensor)
    }
    listed = source.table("inertial").to_pylist()
    return {(row["tick"], row["sensor"]): row for row in listed if row["sensor"] in same}


def _are_close(a: SE3, b: SE3) -> bool:
    between = a.inverse() @ b
    return np.allclose(between.rotation, np.eye(3)) and np.allclose(between.translation_m, 0)


def _looks_of(source: ClipReader) -> dict[tuple[int, int], Mapping[str, Any]]:
    listed = source.table("replay").to_pylist()
    return {(row["tick"], row["track_id"]): row for row in listed}


def _commands(
    actor_id: int, states: ActorStates, row: int, look: Mapping[str, Any] | None, lead_s: float
) -> list[Any]:
    """Where an actor is in the coming tick, how fast, and its lamps.

    Args:
        actor_id: CARLA's id.
        states: Of the tick.
        row: Its row there.
        look: Its row in the replay table, at captures.
        lead_s: How long before its states the coming tick is.
    """
    pose = states.world_from_actor(row)
    lights = int(states.light_state[row])
    if look is not None:
        pose = rows.pose_of_row("world_from_actor", look)
        lights = look["light_state"]
    spin = pose.rotate(states.angular_velocity_radps[row])
    velocity_mps = states.velocity_mps[row]
    if lead_s > 0:
        # So that the first tick's acceleration, a difference of velocities, is the stored one.
        velocity_mps = velocity_mps - lead_s * states.acceleration_mps2[row]
    command = carla.command
    found = [
        command.ApplyTransform(actor_id, pose_to_carla(pose)),
        command.ApplyTargetVelocity(actor_id, vector_to_carla(velocity_mps)),
        command.ApplyTargetAngularVelocity(actor_id, spin_to_carla(spin)),
    ]
    if look is not None and look["wheel_steer_deg"] is not None:
        found.append(command.SetVehicleLightState(actor_id, carla.VehicleLightState(lights)))
    return found


def _set_limbs(actor: carla.Actor, look: Mapping[str, Any]) -> None:
    """Wheels of a vehicle, bones of a walker."""
    if look["wheel_steer_deg"] is not None:
        wheels = carla.VehicleWheelLocation
        for wheel in (STEERED_WHEEL, wheels.FR_Wheel):
            actor.set_wheel_steer_direction(wheel, look["wheel_steer_deg"])
        for wheel in (wheels.FL_Wheel, wheels.FR_Wheel, ROLLING_WHEEL, wheels.BR_Wheel):
            actor.set_wheel_pitch_angle(wheel, look["wheel_pitch_deg"])
    if look["bones"] is not None:
        actor.set_bones(bone_control(np.array(look["bones"], dtype=np.float32)))
