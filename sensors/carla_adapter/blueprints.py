"""Which CARLA sensor actors a rig needs: blueprint ids and attributes, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sensors.rig import Camera, EventCamera, Gnss, Imu, Lidar, Radar, Rig, Sensor
from synthgen.geometry.se3 import SE3

_CAMERA_BLUEPRINTS: Final = {
    "rgb": "sensor.camera.rgb",
    "depth": "sensor.camera.depth",
    "semantic": "sensor.camera.semantic_segmentation",
    "instance": "sensor.camera.instance_segmentation",
    "normals": "sensor.camera.normals",
    "flow": "sensor.camera.optical_flow",
}


@dataclass(frozen=True, slots=True)
class SensorActor:
    """One CARLA sensor to spawn on the ego.

    Attributes:
        key: `<sensor name>/<channel>`, unique within a rig.
        blueprint: CARLA blueprint id.
        attributes: Attribute texts to set.
        ego_from_mount: Pose of CARLA's sensor frame (forward, left, up) in the ego frame.
        every_tick: True for sensors read each tick, False for those read each capture.
        is_sparse: It says nothing where nothing happens, so no frame can wait for it.
    """

    key: str
    blueprint: str
    attributes: Mapping[str, str]
    ego_from_mount: SE3
    every_tick: bool
    is_sparse: bool = False


@dataclass(frozen=True, slots=True)
class CaptureClock:
    """Simulation tick and capture period.

    Attributes:
        tick_s: Length of a simulation tick in seconds.
        period_ticks: Ticks between captures.
    """

    tick_s: float
    period_ticks: int

    @property
    def period_s(self) -> float:
        """Seconds between captures."""
        return self.tick_s * self.period_ticks


def sensor_actors(
    rig: Rig, clock: CaptureClock, *, noise_seeds: Mapping[str, int], decimate_on_server: bool
) -> tuple[SensorActor, ...]:
    """All CARLA sensors of a rig, in the rig's order.

    Args:
        rig: The rig.
        clock: Tick and capture period.
        noise_seeds: A seed for each sensor name.
        decimate_on_server: Set `sensor_tick` to the capture period, so that nothing is rendered
            in vain; False on a CARLA host, where frames are decimated by number.
    """
    actors: list[SensorActor] = []
    for sensor in rig.sensors:
        every_tick = isinstance(sensor, Imu | Gnss)
        slow = decimate_on_server and not every_tick
        timing = {"sensor_tick": _text(clock.period_s if slow else 0.0)}
        # A sensor scans what it turns through between two of its measurements.
        interval_s = clock.period_s if slow else clock.tick_s
        channels = _channels(sensor, clock, interval_s, noise_seeds[sensor.name])
        for channel, blueprint, attributes in channels:
            asked = {**sensor.extras, **sensor.attributes}
            chosen = {key: _text(value) for key, value in asked.items()}
            actors.append(
                SensorActor(
                    f"{sensor.name}/{channel}",
                    blueprint,
                    {**attributes, **timing, **chosen},
                    sensor.mount.ego_from_mount,
                    every_tick,
                    isinstance(sensor, EventCamera),
                )
            )
    return tuple(actors)


def looks_back(rig: Rig, quality: str) -> bool:
    """Whether a sensor of the rig shows what has moved since its last measurement.

    Args:
        rig: The rig.
        quality: Picture quality of cameras that do not ask for one; `low` blurs no motion.
    """
    return any(_sensor_looks_back(sensor, quality) for sensor in rig.sensors)


def _sensor_looks_back(sensor: Sensor, quality: str) -> bool:
    match sensor:
        case Camera():
            asked = {"quality": quality, **sensor.extras, **sensor.attributes}
            is_sharp = asked["quality"] == "low" and not asked.get("rolling_shutter")
            return "flow" in sensor.channels or not is_sharp
        case Lidar():
            return sensor.spins
        case _:
            return isinstance(sensor, EventCamera)


def _channels(
    sensor: Sensor, clock: CaptureClock, interval_s: float, noise_seed: int
) -> list[tuple[str, str, dict[str, str]]]:
    seed = {"noise_seed": str(noise_seed % 2**31)}
    match sensor:
        case Camera():
            return [(c, _CAMERA_BLUEPRINTS[c], _camera(sensor)) for c in sensor.channels]
        case EventCamera():
            return [("events", "sensor.camera.dvs", _picture(sensor))]
        case Lidar():
            scan = _lidar(sensor, interval_s)
            plain = ("points", "sensor.lidar.ray_cast", {**scan, **seed})
            twin = ("semantic", "sensor.lidar.ray_cast_semantic", scan)
            return [plain, twin] if sensor.semantic else [plain]
        case Radar():
            return [
                ("returns", "sensor.other.radar", {**_radar(sensor, clock, interval_s), **seed})
            ]
        case Imu():
            return [("inertial", "sensor.other.imu", seed)]
        case Gnss():
            return [("position", "sensor.other.gnss", seed)]


def _picture(camera: Camera | EventCamera) -> dict[str, str]:
    return {
        "image_size_x": str(camera.width_px),
        "image_size_y": str(camera.height_px),
        "fov": _text(math.degrees(camera.horizontal_fov_rad)),
    }


def _camera(camera: Camera) -> dict[str, str]:
    pixels = _picture(camera)
    if camera.lens.model == "pinhole":
        return pixels
    coefficients = " ".join(repr(k) for k in camera.lens.coefficients)
    return {**pixels, "lens_model": camera.lens.model, "lens_coefficients": coefficients}


def _lidar(lidar: Lidar, interval_s: float) -> dict[str, str]:
    # CARLA turns the LiDAR by rotation_frequency times the time between two measurements: one
    # turn in that time makes every capture a full sweep.
    points_per_second = lidar.points_per_sweep / interval_s
    return {
        "channels": str(lidar.channels),
        "range": _text(lidar.range_m),
        "points_per_second": str(math.ceil(points_per_second - 1e-6)),
        "rotation_frequency": _text(1.0 / interval_s),
        "upper_fov": _text(lidar.upper_fov_deg),
        "lower_fov": _text(lidar.lower_fov_deg),
    }


def _radar(radar: Radar, clock: CaptureClock, interval_s: float) -> dict[str, str]:
    # CARLA scans points_per_second times the time between two measurements; a stored scan holds
    # the rays of one capture period.
    points_per_second = radar.points_per_second * clock.period_s / interval_s
    return {
        "range": _text(radar.range_m),
        "horizontal_fov": _text(radar.horizontal_fov_deg),
        "vertical_fov": _text(radar.vertical_fov_deg),
        "points_per_second": str(round(points_per_second)),
    }


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(round(value, 9))
    return str(value)
