"""Sensors on the ego: spawned, listened to, and decoded frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import carla
import numpy as np

from sensors.carla_adapter import images, point_sensors
from sensors.carla_adapter.blueprints import SensorActor
from sensors.carla_adapter.exposure import ExposureWatch
from sensors.carla_adapter.frame_barrier import FrameBarrier
from sensors.carla_adapter.poses import pose_from_carla, pose_to_carla, vector_from_carla
from sensors.carla_adapter.sparse_log import SparseLog
from sensors.carla_adapter.spinning import Turn
from sensors.rig import Camera, Lidar, Radar, Rig
from synthgen.datatypes.clip_job import ClipJob
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.errors import ConfigError, SimulatorError
from synthgen.runner.instance_link import InstanceLinks
from synthgen.store.tables import vector_names

logger = logging.getLogger(__name__)

_DELIVERY_DEADLINE_S: Final = 20.0
_MOST_SETTLING_TICKS: Final = 60


class RigCapture:
    """All sensors of a rig on one ego vehicle."""

    def __init__(
        self,
        world: carla.World,
        ego: carla.Actor,
        rig: Rig,
        sensor_actors: tuple[SensorActor, ...],
    ) -> None:
        self._world = world
        self._rig = rig
        self._blueprints = {sensor.key: sensor for sensor in sensor_actors}
        slow = [s for s in sensor_actors if not s.every_tick and not s.is_sparse]
        # A CARLA host measures every tick; captures are told by their number there.
        between = any(float(sensor.attributes["sensor_tick"]) == 0 for sensor in slow)
        self._captured = FrameBarrier((s.key for s in slow), measure_between=between)
        self._sparse = SparseLog()
        self._ticked = FrameBarrier(s.key for s in sensor_actors if s.every_tick)
        check_attributes(world, rig, sensor_actors)
        self.actors = {s.key: _spawn(world, ego, s) for s in sensor_actors}
        self.is_listening = False

    def listen(self) -> None:
        """Open all streams; measurements count from the next tick."""
        self.is_listening = True
        for key, actor in self.actors.items():
            actor.listen(partial(_deliver, self._taker(key), key))

    def _taker(self, key: str) -> FrameBarrier | SparseLog:
        """Who takes a sensor's measurements."""
        sensor = self._blueprints[key]
        if sensor.is_sparse:
            return self._sparse
        return self._ticked if sensor.every_tick else self._captured

    def stop(self) -> None:
        """Close all streams that are open."""
        for actor in self.actors.values():
            if actor.is_listening():
                actor.stop()

    def settle_exposure(self, tick: Callable[[], int]) -> None:
        """Listen and tick until no camera's brightness drifts any more, or some seconds long."""
        self.listen()
        watch = ExposureWatch()
        for _ in range(_MOST_SETTLING_TICKS):
            frame = tick()
            measured = self.collect_frame(frame)
            self.collect_tick(frame)
            if watch.is_stable({k: m for k, m in measured.items() if k.endswith("/rgb")}):
                return
        logger.warning("exposure still drifts after %d ticks", _MOST_SETTLING_TICKS)

    def collect_tick(self, frame: int) -> dict[str, Any]:
        """Inertial measurements of a tick by sensor key, raw."""
        return self._ticked.collect(frame, _DELIVERY_DEADLINE_S)

    def collect_frame(self, frame: int) -> dict[str, Any]:
        """Measurements of a capture by sensor key, raw; complete or a `SensorFault`."""
        return self._captured.collect(frame, _DELIVERY_DEADLINE_S)

    def take_sparse(self, up_to_frame: int) -> dict[str, list[Any]]:
        """Measurements of sparse sensors by key, raw, since the last time up to a frame."""
        return self._sparse.take(up_to_frame)


def _deliver(barrier: FrameBarrier | SparseLog, key: str, measurement: Any) -> None:
    barrier.deliver(key, measurement.frame, measurement)


def noise_seeds(job: ClipJob, rig: Rig) -> dict[str, int]:
    """Seed of each sensor's noise by its name."""
    return {sensor.name: job.stream_seed(f"noise:{sensor.name}") for sensor in rig.sensors}


def check_attributes(world: carla.World, rig: Rig, sensor_actors: tuple[SensorActor, ...]) -> None:
    """Refuse what a simulator cannot do: an attribute none of a sensor's blueprints has, a lens.

    Raises:
        ConfigError: Names the sensor and the attribute.
    """
    library = world.get_blueprint_library()
    for sensor in rig.sensors:
        blueprints = [
            library.find(actor.blueprint)
            for actor in sensor_actors
            if actor.key.split("/")[0] == sensor.name
        ]
        for name in sensor.attributes:
            if not any(blueprint.has_attribute(name) for blueprint in blueprints):
                raise ConfigError(
                    f"rig {rig.name}: sensors.{sensor.name}.attributes.{name}: this simulator's "
                    f"{blueprints[0].id} has no such attribute"
                )
        flat = [b.id for b in blueprints if not b.has_attribute("lens_model")]
        if isinstance(sensor, Camera) and sensor.lens.model != "pinhole" and flat:
            raise ConfigError(
                f"rig {rig.name}: sensors.{sensor.name}.lens: this simulator's {flat[0]} shows no "
                f"{sensor.lens.model} lens; take a pinhole lens or the embedded server"
            )


def _spawn(world: carla.World, ego: carla.Actor, sensor: SensorActor) -> carla.Actor:
    blueprint = world.get_blueprint_library().find(sensor.blueprint)
    for name, value in sensor.attributes.items():
        if blueprint.has_attribute(name):
            blueprint.set_attribute(name, value)
    if blueprint.has_attribute("role_name"):
        blueprint.set_attribute("role_name", sensor.key)
    try:
        return world.spawn_actor(blueprint, pose_to_carla(sensor.ego_from_mount), attach_to=ego)
    except RuntimeError as err:
        raise SimulatorError(f"sensor {sensor.key}: {err}") from err


def decode_camera(
    camera: Camera,
    measured: Mapping[str, Any],
    *,
    frame_index: int,
    timestamp_ns: int,
    links: InstanceLinks,
) -> CameraFrame:
    """The camera's channels of one frame, decoded.

    Args:
        camera: The rig's camera.
        measured: Raw measurements by sensor key.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time.
        links: Whose each painted pixel is.
    """
    raw = {channel: measured[f"{camera.name}/{channel}"] for channel in camera.channels}
    world_from_mount = pose_from_carla(next(iter(raw.values())).transform)
    mount_from_camera = camera.mount.ego_from_mount.inverse() @ camera.ego_from_camera
    world_from_camera = world_from_mount @ mount_from_camera
    decoded: dict[str, np.ndarray | None] = {
        channel: _DECODERS[channel](image) for channel, image in raw.items() if channel in _DECODERS
    }
    instance, normals = raw.get("instance"), raw.get("normals")
    flow_px = decoded.get("flow")
    return CameraFrame(
        name=camera.name,
        frame_index=frame_index,
        timestamp_ns=timestamp_ns,
        world_from_camera=world_from_camera,
        rgb=decoded.get("rgb"),
        depth_cm=decoded.get("depth"),
        semantic=decoded.get("semantic"),
        instance=None if instance is None else links.tracks_of_image(instance),
        normals=None if normals is None else images.decode_normals(normals, world_from_camera),
        flow_px=flow_px,
        flow_valid=None if flow_px is None else np.isfinite(flow_px[..., 0]),
    )


_DECODERS: Final[Mapping[str, Callable[[Any], np.ndarray]]] = {
    "rgb": images.decode_rgb,
    "depth": images.decode_depth,
    "semantic": images.decode_semantic,
    "flow": images.decode_flow,
}


def decode_lidar(
    lidar: Lidar,
    measured: Mapping[str, Any],
    *,
    frame_index: int,
    timestamp_ns: int,
    links: InstanceLinks,
    turn: Turn | None = None,
) -> LidarSweep:
    """The LiDAR's sweep of one frame, with class and track of each point where it has a twin.

    Args:
        lidar: The rig's LiDAR.
        measured: Raw measurements by sensor key.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time.
        links: Whose each point is.
        turn: How the LiDAR was carried along, or None where it measured all points at once.
    """
    raw = measured[f"{lidar.name}/points"]
    points = point_sensors.decode_lidar(raw)
    if lidar.semantic:
        points = point_sensors.join_semantics(points, measured[f"{lidar.name}/semantic"])
    world_from_lidar = pose_from_carla(raw.transform)
    time_offset_ns = np.zeros(len(points.ring), dtype=np.int32)
    if turn is not None:
        shares = turn.sent_shares(points, lidar)
        points = turn.compensated(points, shares)
        time_offset_ns = turn.offsets_ns(shares)
    return LidarSweep(
        name=lidar.name,
        frame_index=frame_index,
        timestamp_ns=timestamp_ns,
        world_from_lidar=world_from_lidar,
        points_m=points.xyz_m,
        intensity=points.intensity,
        ring=points.ring,
        time_offset_ns=time_offset_ns,
        semantic_tag=points.semantic_tag,
        track_id=links.tracks_of_points(points, world_from_lidar),
        cos_incidence=points.cos_incidence,
    )


def decode_radar(
    radar: Radar, measured: Mapping[str, Any], *, frame_index: int, timestamp_ns: int
) -> RadarScan:
    """The radar's scan of one frame."""
    raw = measured[f"{radar.name}/returns"]
    returns = point_sensors.decode_radar(raw)
    return RadarScan(
        name=radar.name,
        frame_index=frame_index,
        timestamp_ns=timestamp_ns,
        world_from_radar=pose_from_carla(raw.transform),
        range_m=returns.range_m,
        azimuth_rad=returns.azimuth_rad,
        altitude_rad=returns.altitude_rad,
        radial_velocity_mps=returns.radial_velocity_mps,
    )


def inertial_row(sensor: str, measurement: Any) -> dict[str, Any]:
    """A row of the inertial table, but for its time: an IMU's or a GNSS receiver's columns."""
    row: dict[str, Any] = dict.fromkeys(_INERTIAL_COLUMNS)
    if isinstance(measurement, carla.IMUMeasurement):
        acceleration = vector_from_carla(measurement.accelerometer)
        gyro = measurement.gyroscope
        # The gyroscope speaks rad/s; a pseudo-vector flips in x and z.
        spin = np.array([-gyro.x, gyro.y, -gyro.z])
        row |= dict(zip(vector_names("acceleration", "mps2"), acceleration.tolist(), strict=True))
        row |= dict(zip(vector_names("angular_velocity", "radps"), spin.tolist(), strict=True))
        row["compass_rad"] = measurement.compass
    else:
        row["latitude_deg"] = measurement.latitude
        row["longitude_deg"] = measurement.longitude
        row["altitude_m"] = measurement.altitude
    return {"sensor": sensor, **row}


def bones_m(bones: Any) -> np.ndarray:
    """(B, 3) float32 world positions of a walker's bones, in the order of the bone table."""
    joints = [vector_from_carla(bone.world.location) for bone in bones]
    at_m = np.array(joints, dtype=np.float32).reshape(-1, 3)
    return default_skeleton().in_table_order([bone.name for bone in bones], at_m)


_INERTIAL_COLUMNS: Final = (
    *vector_names("acceleration", "mps2"),
    *vector_names("angular_velocity", "radps"),
    "compass_rad",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
)
