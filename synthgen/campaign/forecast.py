"""What a job will cost before it starts: frames and bytes from the rig alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensors.rig import Camera, Lidar, Radar, Rig
from synthgen.campaign.plan import Plan
from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.errors import ConfigError

# Bytes per pixel of lossless PNG on towns of ours, rounded up; noise-free renderings compress well.
_BYTES_PER_PIXEL: Final = {
    "rgb": 1.8,
    "depth": 0.9,
    "semantic": 0.05,
    "instance": 0.05,
    "normals": 0.8,
    "flow": 2.0,
}
# Nine columns of 4 bytes (Parquet has no smaller integers) and list levels; not compressed.
_BYTES_PER_LIDAR_POINT: Final = 37
_BYTES_PER_RADAR_POINT: Final = 18
_LABEL_BYTES_PER_FRAME: Final = 60_000
_MAX_PIXELS_PER_FRAME: Final = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Forecast:
    """Size of a dataset to be: an upper estimate, not a promise."""

    clips: int
    frames: int
    bytes: int


def forecast(plan: Plan, clips: int | None = None) -> Forecast:
    """Frames and bytes of `clips` clips of a plan, by default of all."""
    count = len(plan.slots) if clips is None else clips
    frames = count * frames_per_clip(plan.capture)
    rig = Rig.model_validate(plan.rig.content)
    return Forecast(count, frames, round(frames * bytes_per_frame(rig)))


def frames_per_clip(capture: CaptureSettings) -> int:
    """Captured frames of one clip."""
    return round(capture.duration_s / capture.tick_s) // capture.period_ticks


def bytes_per_frame(rig: Rig) -> float:
    """Stored bytes of one captured frame of all sensors."""
    total = float(_LABEL_BYTES_PER_FRAME)
    for sensor in rig.sensors:
        if isinstance(sensor, Camera):
            pixels = sensor.width_px * sensor.height_px
            total += pixels * sum(_BYTES_PER_PIXEL[channel] for channel in sensor.channels)
        elif isinstance(sensor, Lidar):
            total += sensor.points_per_sweep * _BYTES_PER_LIDAR_POINT
        elif isinstance(sensor, Radar):
            total += sensor.points_per_second * 0.1 * _BYTES_PER_RADAR_POINT
    return total


def refuse_absurd(plan: Plan, max_bytes: int) -> None:
    """Check a plan's forecast before any server starts.

    Raises:
        ConfigError: It is beyond the config's `max_bytes` or beyond what a server can hold.
    """
    size = forecast(plan)
    if size.bytes > max_bytes:
        raise ConfigError(
            f"{plan.name}: forecast {size.frames} frames and {size.bytes / 1e9:.0f} GB, the limit "
            f"is {max_bytes / 1e9:.0f} GB; make fewer clips or raise max_bytes"
        )
    rig = Rig.model_validate(plan.rig.content)
    pixels = sum(c.width_px * c.height_px * len(c.channels) for c in rig.cameras)
    if pixels > _MAX_PIXELS_PER_FRAME:
        raise ConfigError(f"{plan.rig.path}: {pixels} pixels a frame, at most 2e9 are possible")
