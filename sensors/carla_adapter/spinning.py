"""Sweeps of LiDARs that turn while they are carried along: when each point was measured.

The embedded server reports each point in the frame in which its beam was sent; between two
measurements the sensor moves along a straight line and turns about one axis (`docs/rendering.md`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from sensors.carla_adapter.point_sensors import LidarPoints
from sensors.rig import Lidar
from synthgen.geometry.arrays import F64, I32
from synthgen.geometry.se3 import SE3


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a LiDAR's head.

    Attributes:
        duration_ns: How long it took.
        world_from_start: The sensor when it began.
        world_from_end: The sensor when it ended.
    """

    duration_ns: int
    world_from_start: SE3
    world_from_end: SE3

    def sent_shares(self, points: LidarPoints, lidar: Lidar) -> F64:
        """(N,) which share of the turn was over when each point's beam was sent, 0 to 1.

        A turn begins straight behind and goes to the right, as CARLA's does.
        """
        columns = round(lidar.points_per_sweep / lidar.channels)
        azimuth_rad = np.arctan2(-points.xyz_m[:, 1], points.xyz_m[:, 0]).astype(np.float64)
        aside_rad = np.radians(lidar.beam_azimuths_deg)[lidar.channels - 1 - points.ring]
        turned = (azimuth_rad - aside_rad) / (2 * np.pi) + 0.5
        column = np.rint(turned * columns) % columns
        return np.asarray((column + 1) / columns)

    def compensated(self, points: LidarPoints, shares: F64) -> LidarPoints:
        """The points as seen from where the sensor is at the end of the turn."""
        end_from_start = self.world_from_end.inverse() @ self.world_from_start
        left = 1.0 - shares
        turn = Rotation.from_matrix(end_from_start.rotation).as_rotvec()
        turned = Rotation.from_rotvec(left[:, None] * turn).apply(points.xyz_m)
        xyz_m = turned + left[:, None] * end_from_start.translation_m
        return replace(points, xyz_m=xyz_m.astype(np.float32))

    def offsets_ns(self, shares: F64) -> I32:
        """(N,) time of each point after the end of the turn, so none is positive."""
        return np.rint((shares - 1.0) * self.duration_ns).astype(np.int32)
