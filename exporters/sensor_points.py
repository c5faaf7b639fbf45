"""What LiDARs and radars measured, as columns for formats that store points."""

from __future__ import annotations

import numpy as np

from exporters.pcd import packed_points
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan


def sweep_points(sweep: LidarSweep) -> np.ndarray:
    """A structured array (N,): x, y, z in the lidar frame, metres, then what is known of each."""
    columns = {
        **dict(zip("xyz", sweep.points_m.T, strict=True)),
        "intensity": sweep.intensity,
        "ring": sweep.ring,
        "time_offset_ns": sweep.time_offset_ns,
        "semantic_tag": sweep.semantic_tag,
        "track_id": sweep.track_id,
    }
    return packed_points({name: array for name, array in columns.items() if array is not None})


def scan_points(scan: RadarScan) -> np.ndarray:
    """A structured array (N,): x, y, z in the radar frame, metres, and the radial velocity."""
    level_m = scan.range_m * np.cos(scan.altitude_rad)
    columns = {
        "x": level_m * np.cos(scan.azimuth_rad),
        "y": level_m * np.sin(scan.azimuth_rad),
        "z": scan.range_m * np.sin(scan.altitude_rad),
        "radial_velocity_mps": scan.radial_velocity_mps,
        "track_id": scan.track_id,
    }
    return packed_points({name: array for name, array in columns.items() if array is not None})
