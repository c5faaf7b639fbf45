"""Sensors on the ego: spawned, listened to, and decoded frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import carla
import numpy as np

from sensors.carla_adapter import images, point_sensors
from sensors.carla_adapter.blueprints import SensorActor
from sensors.carla_adapter.frame_barrier import FrameBarrier
from sensors.carla_adapter.poses import pose_from_carla, pose_to_carla
from sensors.rig import Camera, Lidar, Radar, Rig
from synthgen.datatypes.frames import CameraFrame, LidarSweep, RadarScan
from synthgen.errors import ConfigError, SensorFault, SimulatorError

logger = logging.getLogger(__name__)

_DELIVERY_DEADLINE_S: Final = 20.0
_MAX_WARMUP_TICKS: Final = 12


class RigCapture:
    """All sensors of a rig on one ego vehicle."""

    def __init__(
        self,
        world: carla.World,
        ego: carla.Actor,
        rig: Rig,
        sensor_actors: tuple[SensorActor, ...],
        period_ticks: int,
    ) -> None:
        self._world = world
        self._rig = rig
        self._period_ticks = period_ticks
        self._blueprints = {sensor.key: sensor for sensor in sensor_actors}
        self._captured = FrameBarrier(s.key for s in sensor_actors if not s.every_tick)
        self._ticked = FrameBarrier(s.key for s in sensor_actors if s.every_tick)
        self._phase = 0
        check_attributes(world, rig, sensor_actors)
        self.actors = {s.key: _spawn(world, ego, s) for s in sensor_actors}

    def listen(self) -> None:
        """Open all streams; measurements count from the next tick."""
        for key, actor in self.actors.items():
            barrier = self._ticked if self._blueprints[key].every_tick else self._captured
            actor.listen(partial(_deliver, barrier, key))

    def stop(self) -> None:
        """Close all streams."""
        for actor in self.actors.values():
            actor.stop()

    def warm_up(self, tick: Any) -> None:
        """Tick until every sensor has measured once, and learn on which ticks they measure.

        Args:
            tick: Advances the simulation by one tick and returns its frame number.
        """
        wanted = sum(not s.every_tick for s in self._blueprints.values())
        for _ in range(_MAX_WARMUP_TICKS):
            frame = tick()
            self._ticked.collect(frame, _DELIVERY_DEADLINE_S)
            seen = self._captured.frames_seen()
            if any(len(sensors) == wanted for sensors in seen.values()):
                self._phase = max(seen) % self._period_ticks
                return
        seen_text = {frame: list(sensors) for frame, sensors in seen.items()}
        raise SensorFault(f"warm-up: not every sensor measured in one frame: {seen_text}")

    def is_capture(self, frame: int) -> bool:
        """True for the ticks on which the rig measures."""
        return frame % self._period_ticks == self._phase

    def collect_tick(self, frame: int) -> dict[str, Any]:
        """Inertial measurements of a tick by sensor key, raw."""
        return self._ticked.collect(frame, _DELIVERY_DEADLINE_S)

    def collect_frame(self, frame: int) -> dict[str, Any]:
        """Measurements of a capture by sensor key, raw; complete or a `SensorFault`."""
        return self._captured.collect(frame, _DELIVERY_DEADLINE_S)


def _deliver(barrier: FrameBarrier, key: str, measurement: Any) -> None:
    barrier.deliver(key, measurement.frame, measurement)


def check_attributes(
    world: carla.World, rig: Rig, sensor_actors: tuple[SensorActor, ...]
) -> None:
    """Refuse a rig attribute that none of the sensor's CARLA blueprints has."""
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
    track_of_instance: np.ndarray,
) -> CameraFrame:
    """The camera's channels of one frame, decoded.

    Args:
        camera: The rig's camera.
        measured: Raw measurements by sensor key.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time.
        track_of_instance: (65536,) uint16 track id of each id the server may paint.
    """
    raw = {channel: measured[f"{camera.name}/{channel}"] for channel in camera.channels}
    world_from_mount = pose_from_carla(next(iter(raw.values())).transform)
    mount_from_camera = camera.mount.ego_from_mount.inverse() @ camera.ego_from_camera
    decoded: dict[str, np.ndarray | None] = {
        channel: _DECODERS[channel](image) for channel, image in raw.items()
    }
    instance = decoded.get("instance")
    return CameraFrame(
        name=camera.name,
        frame_index=frame_index,
        timestamp_ns=timestamp_ns,
        world_from_camera=world_from_mount @ mount_from_camera,
        rgb=decoded.get("rgb"),
        depth_cm=decoded.get("depth"),
        semantic=decoded.get("semantic"),
        instance=None if instance is None else track_of_instance[instance],
        normals=decoded.get("normals"),
        flow=decoded.get("flow"),
    )


_DECODERS: Final = {
    "rgb": images.decode_rgb,
    "depth": images.decode_depth,
    "semantic": images.decode_semantic,
    "instance": images.decode_instance,
    "normals": images.decode_normals,
    "flow": images.encode_flow,
}
