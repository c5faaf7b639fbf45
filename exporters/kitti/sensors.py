"""The camera and the LiDAR that a KITTI format takes of a rig, and their files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from exporters.export_clip import ExportClip
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.errors import ConfigError
from synthgen.geometry.camera import PinholeCamera
from synthgen.store.image_codec import decode_rgb


def camera_and_lidar(clip: ExportClip, form: str) -> tuple[MountedSensor, MountedSensor]:
    """The first camera with images and the first LiDAR of the rig.

    Raises:
        ConfigError: One is missing.
    """
    cameras, lidars = clip.cameras(), clip.lidars()
    if not cameras or not lidars:
        raise ConfigError(
            f"clip {clip.clip_id}: {form} needs a camera with rgb and a LiDAR, "
            f"rig {clip.reader.calibration.rig} has {len(cameras)} and {len(lidars)}"
        )
    return cameras[0], lidars[0]


def pinhole(sensor: MountedSensor) -> PinholeCamera:
    """The intrinsics of a camera."""
    assert sensor.camera is not None, "chosen for its camera"
    return sensor.camera.camera


def write_png(path: Path, codec: str, content: bytes) -> None:
    """Write an image; the stored bytes as they are where they are a PNG."""
    if codec == "png":
        path.write_bytes(content)
        return
    rgb = decode_rgb(content, str(path))
    done, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert done, "OpenCV encodes every 8-bit image"
    path.write_bytes(png.tobytes())


def write_velodyne(path: Path, sweep: LidarSweep) -> None:
    """Write a sweep as float32 x, y, z, reflectance (0 to 1)."""
    points = np.column_stack([sweep.points_m, sweep.intensity]).astype("<f4")
    path.write_bytes(points.tobytes())
