"""The camera and the LiDAR that a KITTI format takes of a rig, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from exporters.export_clip import ExportClip
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.geometry.camera import PinholeCamera
from synthgen.store.image_codec import decode_rgb


def camera_and_lidar(clip: ExportClip, form: str) -> tuple[MountedSensor, MountedSensor]:
    """The first camera with images and the first LiDAR of the rig.

    Raises:
        ConfigError: One is missing.
    """
    clip.require(form, "camera", "lidar")
    return clip.cameras()[0], clip.lidars()[0]


def pinhole(sensor: MountedSensor) -> PinholeCamera:
    """The intrinsics of a camera."""
    assert sensor.camera is not None, "chosen for its camera"
    return sensor.camera.camera


@dataclass(frozen=True, eq=False, slots=True)
class KittiFrame:
    """What camera and LiDAR saw at one capture; `codec` and `content` are the stored image."""

    record: FrameRecord
    codec: str
    content: bytes
    sweep: LidarSweep


def frames_of_both(
    clip: ExportClip, camera: MountedSensor, lidar: MountedSensor
) -> Iterator[KittiFrame]:
    """The captures at which both sensors measured, in order; a slow sensor leaves some out."""
    records = {frame.frame_index: frame for frame in clip.frames}
    images, sweeps = clip.images(camera.name), clip.sweeps(lidar.name)
    image, sweep = next(images, None), next(sweeps, None)
    while image is not None and sweep is not None:
        frame_index, codec, content = image
        if frame_index == sweep.frame_index:
            yield KittiFrame(records[frame_index], codec, content, sweep)
        behind = frame_index <= sweep.frame_index
        if frame_index >= sweep.frame_index:
            sweep = next(sweeps, None)
        if behind:
            image = next(images, None)


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
