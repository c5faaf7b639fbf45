"""One capture of all sensors, decoded and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensors.carla_adapter.health import SensorHealth
from sensors.carla_adapter.poses import pose_from_carla
from sensors.carla_adapter.spinning import Turn
from sensors.rig import Lidar, Rig
from synthgen.datatypes.actors import ActorStates
from synthgen.geometry.se3 import SE3
from synthgen.labels.frame import SensorFrames
from synthgen.labels.identity import InstanceLink
from synthgen.runner import capture
from synthgen.runner.cast import Cast
from synthgen.runner.instance_link import InstanceLinks


class RigDecoder:
    """Turns the captures of a rig, in order, into our frames and units."""

    def __init__(self, rig: Rig, cast: Cast, *, turn_ns: int | None) -> None:
        """Decode what this rig measures.

        Args:
            rig: The rig.
            cast: All objects.
            turn_ns: How long a turn of a spinning LiDAR takes, or None on a server on which no
                sensor moves while it measures.
        """
        self._rig = rig
        self._turn_ns = turn_ns
        self._world_from_lidar: dict[str, SE3] = {}
        self._links = InstanceLinks(rig, cast)
        self._health = SensorHealth()

    @property
    def link(self) -> InstanceLink | None:
        """How the server's ids lead to the cast; None before the first capture."""
        return self._links.link

    def begin(self, world_from_ego: SE3) -> None:
        """Note where the ego is one period before the first capture."""
        for lidar in self._rig.lidars:
            self._world_from_lidar[lidar.name] = world_from_ego @ lidar.mount.ego_from_mount

    def decode(
        self,
        measured: Mapping[str, Any],
        states: ActorStates,
        *,
        frame_index: int,
        timestamp_ns: int,
    ) -> SensorFrames:
        """What the rig saw while the cast was in these states.

        Raises:
            SensorFault: A measurement cannot be true.
        """
        stamp = {"frame_index": frame_index, "timestamp_ns": timestamp_ns}
        self._links.meet(measured, states)
        sensors = SensorFrames(
            cameras=tuple(
                capture.decode_camera(camera, measured, links=self._links, **stamp)
                for camera in self._rig.cameras
            ),
            lidars=tuple(
                capture.decode_lidar(
                    lidar, measured, links=self._links, turn=self._turn_of(lidar, measured), **stamp
                )
                for lidar in self._rig.lidars
            ),
            radars=tuple(
                capture.decode_radar(radar, measured, **stamp) for radar in self._rig.radars
            ),
        )
        for camera in sensors.cameras:
            self._health.check_camera(camera)
        for sweep in sensors.lidars:
            self._health.check_lidar(sweep)
        return sensors

    def _turn_of(self, lidar: Lidar, measured: Mapping[str, Any]) -> Turn | None:
        """How a spinning LiDAR was carried along since the capture before."""
        if self._turn_ns is None or not lidar.spins:
            return None
        end = pose_from_carla(measured[f"{lidar.name}/points"].transform)
        start = self._world_from_lidar.get(lidar.name, end)
        self._world_from_lidar[lidar.name] = end
        return Turn(self._turn_ns, start, end)
