"""What LiDARs and radars measured at one capture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.geometry.arrays import F32, F64, I32, U8, U16, frozen_array
from synthgen.geometry.se3 import SE3


@dataclass(frozen=True, eq=False, slots=True)
class LidarSweep:
    """One full turn of a LiDAR, N points.

    Attributes:
        name: Sensor name of the rig.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time of the end of the turn.
        world_from_lidar: Pose at that time; `points_m` are all seen from there.
        points_m: (N, 3) float32, lidar frame.
        intensity: (N,) float32, 0 to 1.
        ring: (N,) uint16, 0 = lowest beam.
        time_offset_ns: (N,) int32, <= 0, relative to `timestamp_ns`.
        semantic_tag: (N,) uint8, CARLA tags, or None.
        track_id: (N,) uint16, 0 = no object of this clip, or None.
        cos_incidence: (N,) float32, or None.
    """

    name: str
    frame_index: int
    timestamp_ns: int
    world_from_lidar: SE3
    points_m: F32
    intensity: F32
    ring: U16
    time_offset_ns: I32
    semantic_tag: U8 | None = None
    track_id: U16 | None = None
    cos_incidence: F32 | None = None

    def __post_init__(self) -> None:
        """Check the columns and make them read-only."""
        kinds: dict[str, type[np.generic]] = {
            "intensity": np.float32,
            "ring": np.uint16,
            "time_offset_ns": np.int32,
            "semantic_tag": np.uint8,
            "track_id": np.uint16,
            "cos_incidence": np.float32,
        }
        count = len(self.points_m)
        points_m = frozen_array("points_m", self.points_m, (count, 3), np.float32)
        object.__setattr__(self, "points_m", points_m)
        _freeze_columns(self, kinds, count)

    def __len__(self) -> int:
        """Number of points."""
        return len(self.points_m)


@dataclass(frozen=True, eq=False, slots=True)
class RadarScan:
    """The detections of a radar at one capture, N of them.

    Attributes:
        name: Sensor name of the rig.
        frame_index: Capture number.
        timestamp_ns: Clip-relative time.
        world_from_radar: Pose at that time.
        range_m: (N,) float32.
        azimuth_rad: (N,) float32, positive left.
        altitude_rad: (N,) float32, positive up.
        radial_velocity_mps: (N,) float32, negative = approaching.
        track_id: (N,) uint16, 0 = no object of this clip, or None.
    """

    name: str
    frame_index: int
    timestamp_ns: int
    world_from_radar: SE3
    range_m: F32
    azimuth_rad: F32
    altitude_rad: F32
    radial_velocity_mps: F32
    track_id: U16 | None = None

    def __post_init__(self) -> None:
        """Check the columns and make them read-only."""
        floats = ("range_m", "azimuth_rad", "altitude_rad", "radial_velocity_mps")
        kinds: dict[str, type[np.generic]] = dict.fromkeys(floats, np.float32)
        _freeze_columns(self, kinds | {"track_id": np.uint16}, len(self.range_m))

    def __len__(self) -> int:
        """Number of detections."""
        return len(self.range_m)

    @property
    def points_m(self) -> F64:
        """Positions (N, 3) of the detections, radar frame (x forward, y left, z up)."""
        flat_m = self.range_m * np.cos(self.altitude_rad, dtype=np.float64)
        return np.stack(
            [
                flat_m * np.cos(self.azimuth_rad, dtype=np.float64),
                flat_m * np.sin(self.azimuth_rad, dtype=np.float64),
                self.range_m * np.sin(self.altitude_rad, dtype=np.float64),
            ],
            axis=-1,
        )


def _freeze_columns(record: object, kinds: dict[str, type[np.generic]], count: int) -> None:
    """Check the columns of `record` that are not None and make them read-only."""
    for name, dtype in kinds.items():
        value = getattr(record, name)
        if value is not None:
            object.__setattr__(record, name, frozen_array(name, value, (count,), dtype))
