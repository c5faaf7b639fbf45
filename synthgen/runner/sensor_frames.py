"""One capture of all sensors, decoded and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensors.carla_adapter.health import SensorHealth
from sensors.rig import Rig
from synthgen.geometry.arrays import U16
from synthgen.labels.frame import SensorFrames
from synthgen.runner import capture


class RigDecoder:
    """Turns the captures of a rig, in order, into our frames and units."""

    def __init__(self, rig: Rig, track_of_instance: U16) -> None:
        """Start with the first capture.

        Args:
            rig: The rig.
            track_of_instance: (65536,) track id of each id the server may paint.
        """
        self._rig = rig
        self._tracks = track_of_instance
        self._health = SensorHealth()

    def decode(
        self, measured: Mapping[str, Any], *, frame_index: int, timestamp_ns: int
    ) -> SensorFrames:
        """What the rig saw.

        Raises:
            SensorFault: A measurement cannot be true.
        """
        stamp = {"frame_index": frame_index, "timestamp_ns": timestamp_ns}
        tracks = self._tracks
        sensors = SensorFrames(
            cameras=tuple(
                capture.decode_camera(camera, measured, track_of_instance=tracks, **stamp)
                for camera in self._rig.cameras
            ),
            lidars=tuple(
                capture.decode_lidar(lidar, measured, track_of_instance=tracks, **stamp)
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
