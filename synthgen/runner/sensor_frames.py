"""One capture of all sensors, decoded and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensors.carla_adapter.health import SensorHealth
from sensors.rig import Rig
from synthgen.datatypes.actors import ActorStates
from synthgen.labels.frame import SensorFrames
from synthgen.labels.identity import InstanceLink
from synthgen.runner import capture
from synthgen.runner.cast import Cast
from synthgen.runner.instance_link import InstanceLinks


class RigDecoder:
    """Turns the captures of a rig, in order, into our frames and units."""

    def __init__(self, rig: Rig, cast: Cast) -> None:
        self._rig = rig
        self._links = InstanceLinks(rig, cast)
        self._health = SensorHealth()

    @property
    def link(self) -> InstanceLink | None:
        """How the server's ids lead to the cast; None before the first capture."""
        return self._links.link

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
                capture.decode_lidar(lidar, measured, links=self._links, **stamp)
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
