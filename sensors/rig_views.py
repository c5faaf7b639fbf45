"""What each sensor of a rig looks at: headings, spans and sample rays; and what a rig costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sensors.rig import Camera, EventCamera, Lidar, Radar, Rig
from synthgen.geometry.arrays import F64

_RAYS: Final = 40
# Seconds of one core for a million camera rays with all their channels, and LiDAR and radar rays:
# the embedded server at quality low, measured by `synthgen bench pipeline`.
_SECONDS_PER_MEGAPIXEL: Final = 0.55
_SECONDS_PER_MILLION_RAYS: Final = 1.2
# Bytes stored for a pixel of each channel (PNG) and for a point, from data sets of the library.
_BYTES_PER_PIXEL: Final = {
    "rgb": 1.1,
    "depth": 0.5,
    "semantic": 0.02,
    "instance": 0.02,
    "normals": 0.9,
    "flow": 2.5,
}
_BYTES_PER_POINT: Final = 14.0


def heading_rad(sensor: Camera | EventCamera | Lidar | Radar) -> float:
    """Direction of the sensor's axis seen from above; 0 is ahead, positive is left."""
    x, y, _ = (sensor.mount.ego_from_mount.rotation @ [1.0, 0.0, 0.0]).tolist()
    return math.atan2(y, x)


def horizontal_span_rad(sensor: Camera | EventCamera | Lidar | Radar) -> float:
    """Horizontal field of view."""
    if isinstance(sensor, Camera | EventCamera):
        return sensor.horizontal_fov_rad
    if isinstance(sensor, Radar):
        return math.radians(sensor.horizontal_fov_deg)
    return math.radians(sensor.number("horizontal_fov", 360.0))


def sample_rays(sensor: Camera | Lidar | Radar) -> F64:
    """(n, 3) unit directions spread evenly over the sensor's view, in its forward-left-up frame."""
    if isinstance(sensor, Camera):
        return _camera_rays(sensor)
    half = horizontal_span_rad(sensor) / 2
    if isinstance(sensor, Radar):
        low, high = (s * math.radians(sensor.vertical_fov_deg) / 2 for s in (-1, 1))
    else:
        low, high = math.radians(sensor.lower_fov_deg), math.radians(sensor.upper_fov_deg)
    azimuth, altitude = np.meshgrid(
        np.linspace(-half, half, 2 * _RAYS), np.linspace(low, high, _RAYS), indexing="ij"
    )
    flat = np.cos(altitude)
    rays = [flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(altitude)]
    return np.stack([ray.ravel() for ray in rays], axis=1)


def _camera_rays(camera: Camera) -> F64:
    columns, rows = np.meshgrid(
        (np.arange(_RAYS) + 0.5) / _RAYS - 0.5, (np.arange(_RAYS) + 0.5) / _RAYS - 0.5
    )
    right = columns.ravel() * camera.width_px / camera.focal_length_px
    down = rows.ravel() * camera.height_px / camera.focal_length_px
    if camera.lens.model == "pinhole":
        ahead = np.stack([np.ones_like(right), -right, -down], axis=1)
        unit: F64 = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
        return unit
    # Near enough for a fisheye: r = f theta.
    angle = np.hypot(right, down)
    side = np.sin(angle) / np.maximum(angle, 1e-12)
    return np.stack([np.cos(angle), -right * side, -down * side], axis=1)


@dataclass(frozen=True, slots=True)
class RigCost:
    """What a capture of a rig costs on the embedded server, roughly.

    Attributes:
        megapixels: Camera rays of a capture, in millions; twins share them.
        rays: LiDAR and radar rays of a capture.
        core_seconds: Time of one core to render it at quality low.
        bytes_stored: Size on disk.
    """

    megapixels: float
    rays: int
    core_seconds: float
    bytes_stored: int


def cost_of(rig: Rig, *, capture_hz: float = 10.0) -> RigCost:
    """The cost of one capture."""
    pixels = sum(camera.width_px * camera.height_px for camera in rig.cameras)
    images = sum(
        camera.width_px * camera.height_px * _BYTES_PER_PIXEL[channel]
        for camera in rig.cameras
        for channel in camera.channels
    )
    sweeps = sum(lidar.points_per_sweep for lidar in rig.lidars)
    scans = sum(round(radar.points_per_second / capture_hz) for radar in rig.radars)
    rays = sweeps + scans
    seconds = pixels / 1e6 * _SECONDS_PER_MEGAPIXEL + rays / 1e6 * _SECONDS_PER_MILLION_RAYS
    return RigCost(pixels / 1e6, rays, seconds, round(images + rays * _BYTES_PER_POINT))
