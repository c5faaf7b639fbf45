"""Sensor files of nuScenes: `.pcd.bin` sweeps, `.pcd` radar scans, `.jpg` images.

LiDAR: float32 x, y, z (x right, y ahead, z up), intensity 0..255, ring (0 lowest). Our points are
all seen from the pose at the end of the turn; nuScenes has no time per point, so `time_offset_ns`
is lost.

Radar: x, y, z in the radar frame (x ahead, y left; nuScenes' radars measure no height and store 0,
ours do), `vx vy` the radial velocity as measured, `vx_comp vy_comp` with the radar's own motion
taken out, `dyn_prop` 0 moving, 1 stationary, 2 oncoming by that speed. Every point is valid and
unambiguous. There is no radar cross section in a clip: `rcs` is 0, and so are the error fields.

Images: JPEG bytes are copied; PNG becomes JPEG of quality 95.

Source: nuscenes-devkit 1.2.0, nuscenes/utils/data_classes.py (LidarPointCloud, RadarPointCloud).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.geometry.arrays import F32, F64
from synthgen.store.image_codec import decode_rgb, encode_rgb

_INTENSITY: Final = np.float32(255.0)
# Slower than this after compensation is stationary. The value is ours.
_MOVING_MPS: Final = 0.5

_RADAR_FIELDS: Final = (
    ("x", "F", 4),
    ("y", "F", 4),
    ("z", "F", 4),
    ("dyn_prop", "I", 1),
    ("id", "I", 2),
    ("rcs", "F", 4),
    ("vx", "F", 4),
    ("vy", "F", 4),
    ("vx_comp", "F", 4),
    ("vy_comp", "F", 4),
    ("is_quality_valid", "I", 1),
    ("ambig_state", "I", 1),
    ("x_rms", "I", 1),
    ("y_rms", "I", 1),
    ("invalid_state", "I", 1),
    ("pdh0", "I", 1),
    ("vx_rms", "I", 1),
    ("vy_rms", "I", 1),
)
_RADAR_DTYPE: Final = np.dtype(
    [(name, f"<{'f' if kind == 'F' else 'i'}{size}") for name, kind, size in _RADAR_FIELDS]
)
_UNAMBIGUOUS: Final = 3
_PDH_BELOW_25_PERCENT: Final = 1


def lidar_bytes(points_m: F32, sweep: LidarSweep) -> bytes:
    """Content of a `.pcd.bin` file.

    Args:
        points_m: (N, 3) the sweep's points in nuScenes' LiDAR frame.
        sweep: Intensities and rings.
    """
    columns = [points_m, sweep.intensity * _INTENSITY, sweep.ring]
    return np.column_stack(columns).astype("<f4").tobytes()


def radar_bytes(scan: RadarScan, velocity_radar_mps: F64) -> bytes:
    """Content of a `.pcd` file.

    Args:
        scan: The detections.
        velocity_radar_mps: (3,) the radar's own velocity over ground, radar frame.
    """
    points = _radar_points(scan, velocity_radar_mps) if len(scan) else _no_points()
    # The devkit's reader wants at least one byte after the last point.
    return _radar_header(len(points)) + points.tobytes() + b"\n"


def _radar_points(scan: RadarScan, velocity_radar_mps: F64) -> np.ndarray:
    direction = scan.points_m / np.maximum(scan.range_m, 1e-9)[:, None].astype(np.float64)
    measured = scan.radial_velocity_mps.astype(np.float64)
    compensated = measured + direction @ velocity_radar_mps
    points = np.zeros(len(scan), dtype=_RADAR_DTYPE)
    points["x"], points["y"], points["z"] = scan.points_m.T
    points["id"] = np.arange(len(scan)) % 2**15
    points["vx"], points["vy"] = (direction[:, :2] * measured[:, None]).T
    points["vx_comp"], points["vy_comp"] = (direction[:, :2] * compensated[:, None]).T
    points["dyn_prop"] = np.select(
        [compensated > _MOVING_MPS, compensated < -_MOVING_MPS], [0, 2], 1
    )
    points["is_quality_valid"] = 1
    points["ambig_state"] = _UNAMBIGUOUS
    points["pdh0"] = _PDH_BELOW_25_PERCENT
    return points


def _no_points() -> np.ndarray:
    """An empty scan is one point of NaN: the devkit's reader wants a width above 0."""
    points = np.zeros(1, dtype=_RADAR_DTYPE)
    for name, kind, _ in _RADAR_FIELDS:
        if kind == "F":
            points[name] = np.nan
    return points


def _radar_header(count: int) -> bytes:
    names, kinds, sizes = zip(*_RADAR_FIELDS, strict=True)
    lines = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        f"FIELDS {' '.join(names)}",
        f"SIZE {' '.join(str(size) for size in sizes)}",
        f"TYPE {' '.join(kinds)}",
        f"COUNT {' '.join('1' for _ in names)}",
        f"WIDTH {count}",
        "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {count}",
        "DATA binary",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def jpeg_bytes(codec: str, content: bytes, origin: str) -> bytes:
    """An image as JPEG: copied where it is one.

    Raises:
        DatasetError: The bytes are not an image; `origin` names them.
    """
    return content if codec == "jpeg" else encode_rgb(decode_rgb(content, origin), "jpeg")
