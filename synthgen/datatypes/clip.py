"""What a labeller needs of a clip, read from disk or still in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.road_map import RoadMap, SignalChange


class ClipView(Protocol):
    """One clip. Sensor data comes frame by frame, so a long clip needs no more memory."""

    @property
    def calibration(self) -> Calibration:
        """The rig as mounted."""

    @property
    def objects(self) -> Sequence[ObjectInfo]:
        """All objects, by ascending track id."""

    @property
    def frames(self) -> Sequence[FrameRecord]:
        """All captures, in order."""

    @property
    def ticks(self) -> Sequence[ActorStates]:
        """All simulation steps, in order; environment objects are in every one of them."""

    @property
    def road_map(self) -> RoadMap:
        """Lanes and areas; empty where the clip has none."""

    @property
    def signals(self) -> Sequence[SignalChange]:
        """Changes of traffic lights, in order."""

    def camera_frames(self, name: str) -> Iterator[CameraFrame]:
        """The images of one camera, in the order of `frames`."""

    def lidar_sweeps(self, name: str) -> Iterator[LidarSweep]:
        """The sweeps of one LiDAR, in the order of `frames`."""

    def radar_scans(self, name: str) -> Iterator[RadarScan]:
        """The scans of one radar, in the order of `frames`."""


@dataclass(frozen=True, eq=False, slots=True)
class MemoryClip:
    """A `ClipView` that holds everything; for tests and for labelling during capture."""

    calibration: Calibration
    objects: Sequence[ObjectInfo]
    frames: Sequence[FrameRecord]
    ticks: Sequence[ActorStates]
    road_map: RoadMap = field(default_factory=RoadMap)
    signals: Sequence[SignalChange] = ()
    cameras: Mapping[str, Sequence[CameraFrame]] = field(default_factory=dict)
    lidars: Mapping[str, Sequence[LidarSweep]] = field(default_factory=dict)
    radars: Mapping[str, Sequence[RadarScan]] = field(default_factory=dict)

    def camera_frames(self, name: str) -> Iterator[CameraFrame]:
        """The images of one camera, in the order of `frames`."""
        return iter(self.cameras[name])

    def lidar_sweeps(self, name: str) -> Iterator[LidarSweep]:
        """The sweeps of one LiDAR, in the order of `frames`."""
        return iter(self.lidars[name])

    def radar_scans(self, name: str) -> Iterator[RadarScan]:
        """The scans of one radar, in the order of `frames`."""
        return iter(self.radars[name])
