"""What the owners of the renderer ask for: weather, camera, LiDAR and radar, scenery.

Defaults are CARLA 0.9.16's blueprint defaults. Nothing here checks a range: attributes are
checked where a sensor is spawned.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from synthgen.simserver.scene import F32, I32, Model

CAMERA_OUTPUTS = frozenset({"rgb", "depth", "semantic", "instance", "normals", "flow", "luma"})
QUALITIES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Weather:
    """`carla.WeatherParameters`, field by field, in CARLA's units and ranges."""

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 75.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    wetness: float = 0.0
    fog_falloff: float = 0.0
    scattering_intensity: float = 0.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One camera: geometry, lens, exposure and shutter.

    The sensor frame is CARLA's: x forward, y right, z up. The principal point is
    (width / 2, height / 2); pixel column c covers [c, c + 1).

    Attributes:
        fov_deg: Horizontal field of view.
        lens: `pinhole`; `brown` (k1 k2 p1 p2 k3 of OpenCV); `equidistant` (r = f theta);
            `kannala_brandt` (k1 to k4 of OpenCV's fisheye). Fisheye lenses take their focal
            length from fov_deg: the ray fov/2 off the axis meets the image's left edge.
        lens_coefficients: As the lens asks, missing ones are 0.
        quality: `low`, `medium` (anti-aliased) or `high` (ambient occlusion, soft shadows).
        exposure_mode: `histogram` meters each frame by itself; `manual` follows iso,
            shutter_speed and fstop.
        shutter_speed: 1 / seconds, as in CARLA.
        rolling_shutter_s: Time from the first row's to the last row's exposure; the last row
            is exposed at the frame's pose. 0 is a global shutter.
        seed: Seed of this sensor's noise.
    """

    width: int = 800
    height: int = 600
    fov_deg: float = 90.0
    lens: str = "pinhole"
    lens_coefficients: tuple[float, ...] = ()
    quality: str = "low"
    exposure_mode: str = "histogram"
    exposure_compensation: float = 0.0
    exposure_min_bright: float = 10.0
    exposure_max_bright: float = 12.0
    iso: float = 100.0
    shutter_speed: float = 200.0
    fstop: float = 1.4
    gamma: float = 2.2
    bloom_intensity: float = 0.675
    motion_blur_intensity: float = 0.0
    motion_blur_max_distortion: float = 0.35
    noise_stddev: float = 0.0037
    rolling_shutter_s: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LidarSpec:
    """One LiDAR. Angles in degrees, ranges in metres.

    Attributes:
        beam_elevations_deg: Elevation of each channel from the first to the last; empty takes
            CARLA's even spacing from upper_fov to lower_fov.
        beam_azimuths_deg: Azimuth offset of each channel, empty for none.
        spinning: Points are taken while sensor and actors move from the previous pose to this
            one; False is CARLA's static picture.
        intensity_model: `carla` (exp(-attenuation * range)) or `physical` (material,
            incidence, range, weather; beams pass the glass of cars).
        dropoff_correlation_m: Length over which drop-outs cluster; 0 is CARLA's independent
            drop-out.
        returns: 1, or 2 to add second returns through rain, fog and past edges.
        range_noise_m: Gaussian range noise (CARLA's noise_stddev).
    """

    channels: int = 32
    range_m: float = 10.0
    points_per_second: int = 56000
    rotation_frequency_hz: float = 10.0
    upper_fov_deg: float = 10.0
    lower_fov_deg: float = -30.0
    horizontal_fov_deg: float = 360.0
    atmosphere_attenuation_rate: float = 0.004
    dropoff_general_rate: float = 0.45
    dropoff_intensity_limit: float = 0.8
    dropoff_zero_intensity: float = 0.4
    range_noise_m: float = 0.0
    beam_elevations_deg: tuple[float, ...] = ()
    beam_azimuths_deg: tuple[float, ...] = ()
    spinning: bool = False
    intensity_model: str = "carla"
    dropoff_correlation_m: float = 0.0
    returns: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RadarSpec:
    """One radar. Angles in degrees, range in metres.

    Attributes:
        scatter_model: `carla` (each ray is an exact detection of what it meets) or `physical`
            (echoes by section, incidence and range, targets that fade, measurement noise).
        clutter_rate: Share of the rays that also detect something where nothing is.
    """

    horizontal_fov_deg: float = 30.0
    vertical_fov_deg: float = 30.0
    range_m: float = 100.0
    points_per_second: int = 1500
    scatter_model: str = "carla"
    clutter_rate: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class LidarSweep:
    """Points of one tick, grouped by channel, in the sensor frame (x forward, y right, z up).

    Attributes:
        points: (N, 4) float32 x, y, z in metres and intensity.
        cos_incidence: (N,) float32; this, `instance` and `tag` are empty unless labels were
            asked for.
        instance: (N,) uint32 instance id, 0 where nothing has one.
        tag: (N,) uint32 semantic tag.
        time_s: (N,) float32 seconds before the tick, 0 or negative; all 0 unless spinning.
        points_per_channel: (channels,) uint32.
        horizontal_angle_rad: Azimuth after this tick, for the header.
    """

    points: F32
    cos_incidence: F32
    instance: np.ndarray[tuple[int], np.dtype[np.uint32]]
    tag: np.ndarray[tuple[int], np.dtype[np.uint32]]
    time_s: F32
    points_per_channel: np.ndarray[tuple[int], np.dtype[np.uint32]]
    horizontal_angle_rad: float

    @property
    def xyz_m(self) -> F32:
        """(N, 3) float32."""
        return self.points[:, :3]

    @property
    def intensity(self) -> F32:
        """(N,) float32."""
        return self.points[:, 3]


@dataclass(frozen=True, eq=False, slots=True)
class RayHits:
    """What each ray met.

    Attributes:
        distance_m: (N,) float32, inf where nothing was met.
        instance: (N,) int32 instance id, 0 for none.
        tag: (N,) uint8 semantic tag, 0 where nothing was met.
        normal: (N, 3) float32 unit vector in the map frame, towards the ray's origin.
    """

    distance_m: F32
    instance: I32
    tag: np.ndarray[tuple[int], np.dtype[np.uint8]]
    normal: F32


@dataclass(frozen=True, eq=False, slots=True)
class Scenery:
    """One model placed many times: trees, parked cars, poles.

    Attributes:
        model: Geometry; every part is placed at its pivot.
        map_from_model: (K, 3, 4) float32.
        object_indices: (K,) int32 index into the map's environment objects, -1 for none.
        variants: (K,) int32 seed of the look.
    """

    model: Model
    map_from_model: F32
    object_indices: I32
    variants: I32 = field(default_factory=lambda: np.zeros(0, np.int32))
