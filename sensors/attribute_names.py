"""Which attributes each kind of sensor has, and which of them the rig's own fields say.

Source: CARLA 0.9.16, "Sensors reference" and the blueprints of its server; then what the embedded
server adds (`docs/rigs.md`).
"""

from __future__ import annotations

from typing import Final

_EVERY: Final = "role_name ros_name sensor_tick"
_OPTICS: Final = """
    bloom_intensity fstop iso gamma lens_flare_intensity shutter_speed min_fstop blade_count
    exposure_mode exposure_compensation exposure_min_bright exposure_max_bright exposure_speed_up
    exposure_speed_down calibration_constant focal_distance blur_amount blur_radius
    motion_blur_intensity motion_blur_max_distortion motion_blur_min_object_screen_size slope toe
    shoulder black_clip white_clip temp tint chromatic_aberration_intensity
    chromatic_aberration_offset enable_postprocess_effects
"""
_EVENTS: Final = """
    positive_threshold negative_threshold sigma_positive_threshold sigma_negative_threshold
    refractory_period_ns use_log log_eps
"""
_IMU_NOISE: Final = """
    noise_accel_stddev_x noise_accel_stddev_y noise_accel_stddev_z noise_gyro_stddev_x
    noise_gyro_stddev_y noise_gyro_stddev_z noise_gyro_bias_x noise_gyro_bias_y noise_gyro_bias_z
"""
_GNSS_NOISE: Final = """
    noise_alt_bias noise_alt_stddev noise_lat_bias noise_lat_stddev noise_lon_bias noise_lon_stddev
"""
_LIDAR_RETURN: Final = """
    atmosphere_attenuation_rate dropoff_general_rate dropoff_intensity_limit dropoff_zero_intensity
    noise_stddev horizontal_fov
"""
_CIRCLE: Final = "lens_circle_falloff lens_circle_multiplier lens_x_size lens_y_size"
_CAMERA_EXTRAS: Final = "quality rolling_shutter noise_seed"
_LIDAR_EXTRAS: Final = (
    "noise_seed beam_elevations beam_azimuths spinning intensity_model dropoff_correlation returns"
)

# CARLA bends the picture by these, and no calibration tells how.
DISTORTING: Final = frozenset({"lens_k", "lens_kcube", *_CIRCLE.split()})
# What fields of the rig say; an attribute beside them would contradict the calibration.
SAID_BY_FIELDS: Final[dict[str, dict[str, str]]] = {
    "camera": {
        "image_size_x": "width_px",
        "image_size_y": "height_px",
        "fov": "fov_deg or focal_px",
        "lens_model": "lens.model",
        "lens_coefficients": "lens.coefficients",
    },
    "lidar": {
        "channels": "channels",
        "range": "range_m",
        "points_per_second": "points_per_second",
        "rotation_frequency": "rotation_hz",
        "upper_fov": "upper_fov_deg",
        "lower_fov": "lower_fov_deg",
    },
    "radar": {
        "range": "range_m",
        "horizontal_fov": "horizontal_fov_deg",
        "vertical_fov": "vertical_fov_deg",
        "points_per_second": "points_per_second",
    },
    "dvs": {
        "image_size_x": "width_px",
        "image_size_y": "height_px",
        "fov": "fov_deg",
    },
    "imu": {},
    "gnss": {},
}
KNOWN_ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    "camera": frozenset(f"{_EVERY} {_OPTICS} {_CAMERA_EXTRAS}".split()) | DISTORTING,
    "dvs": frozenset(f"{_EVERY} {_OPTICS} {_EVENTS}".split()) | DISTORTING,
    "lidar": frozenset(f"{_EVERY} {_LIDAR_RETURN} {_LIDAR_EXTRAS}".split()),
    "radar": frozenset(f"{_EVERY} noise_seed scatter_model clutter_rate".split()),
    "imu": frozenset(f"{_EVERY} {_IMU_NOISE} noise_seed".split()),
    "gnss": frozenset(f"{_EVERY} {_GNSS_NOISE} noise_seed".split()),
}
