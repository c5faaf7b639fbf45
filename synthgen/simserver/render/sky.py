"""Sky, sun and ambient light of a weather, as tables the kernels look up.

Single scattering by air and haze after Nishita et al. 1993, "Display of the Earth taking into
account atmospheric scattering", doubled for higher orders; overcast sky after the CIE standard
overcast distribution (L rises threefold from horizon to zenith). Radiance has no absolute unit:
a white surface facing the noon sun is about 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.render.noise import tiled_fbm
from synthgen.simserver.render.specs import Weather
from synthgen.simserver.scene import F32

F64 = NDArray[np.float64]

TABLE_ROWS, TABLE_COLUMNS = 256, 1024
CLEAR_AIR_PER_M = 1.3e-4

_EARTH_M, _ATMOSPHERE_M = 6_360e3, 6_420e3
_AIR_HEIGHT_M, _HAZE_HEIGHT_M = 7_994.0, 1_200.0
_AIR_PER_M = np.array([5.8e-6, 13.5e-6, 33.1e-6])
_HAZE_PER_M = 21e-6
_HAZE_FORWARD = 0.76
_SUN_RADIANCE = 20.0
_HIGHER_ORDERS = 2.0
_GROUND_ALBEDO = np.array([0.14, 0.14, 0.12])
# Starlight, and street light scattered back by the air over a town.
_NIGHT_ZENITH = np.array([0.0011, 0.0014, 0.0022])
_NIGHT_HORIZON = np.array([0.0046, 0.0040, 0.0036])
_DEFAULT_RAYLEIGH = 0.0331
_STREET_GREY = 0.4


@dataclass(frozen=True, eq=False, slots=True)
class Sky:
    """Light of one weather.

    Attributes:
        table: (TABLE_ROWS, TABLE_COLUMNS, 3) float32 radiance; the row is
            0.5 - 0.5 * sign(z) * sqrt(|z|) of the direction's z, the column its azimuth.
        sun_direction: (3,) towards the sun (or the moon when the sun is far down).
        sun_radiance: (3,) direct irradiance on a facing surface over pi, after clouds.
        disc: Share of the sun's disc seen through the clouds.
        ambient: (4, 3) float32 irradiance over pi: constant, x, y, z of the normal.
        fog_per_m: Extinction near the ground.
        fog_start_m: Distance that stays clear.
        fog_falloff_per_m: How fast the fog thins with height.
        night: 0 by day to 1 when lamps are lit.
    """

    table: F32
    sun_direction: F64
    sun_radiance: F64
    disc: float
    ambient: F32
    fog_per_m: float
    fog_start_m: float
    fog_falloff_per_m: float
    night: float


def sky_of(weather: Weather) -> Sky:
    """Light and fog of a weather."""
    altitude = np.deg2rad(weather.sun_altitude_angle)
    azimuth = np.deg2rad(weather.sun_azimuth_angle)
    sun = np.array(
        [
            np.cos(altitude) * np.cos(azimuth),
            np.cos(altitude) * np.sin(azimuth),
            np.sin(altitude),
        ]
    )
    cover = min(max(weather.cloudiness / 100.0, 0.0), 1.0)
    dust = min(max(weather.dust_storm / 100.0, 0.0), 1.0)
    directions = _table_directions()
    clear = _clear_sky(directions, sun, weather)
    direct = _sun_at_ground(sun, weather)
    open_sun = float(np.clip(1.0 - 1.15 * _smooth(0.35, 0.95, cover), 0.0, 1.0))
    table = _clouded(clear, directions, sun, direct, cover, weather)
    fog_per_m, fog_start, falloff = fog_of(weather)
    table = _fogged(table, directions, fog_per_m, dust)
    open_sun *= float(np.exp(-fog_per_m * 260.0)) * (1.0 - 0.8 * dust)
    if sun[2] < -0.1:
        sun, direct = _moon(sun), np.array([0.011, 0.013, 0.018])
    return Sky(
        table=table.astype(np.float32),
        sun_direction=sun,
        sun_radiance=direct * open_sun,
        disc=open_sun,
        ambient=_ambient(table, directions, sun, direct * open_sun),
        fog_per_m=fog_per_m,
        fog_start_m=fog_start,
        fog_falloff_per_m=falloff,
        night=float(1.0 - _smooth(-2.0, 4.0, weather.sun_altitude_angle)),
    )


def fog_of(weather: Weather) -> tuple[float, float, float]:
    """Extinction per metre, clear distance in metres, thinning per metre of height.

    Density 0 is clear air with 30 km of sight, 100 is 40 m of sight (Koschmieder: sight is
    3.9 over extinction). Rain and dust dim the distance too.
    """
    density = min(max(weather.fog_density / 100.0, 0.0), 1.0)
    rain = min(max(weather.precipitation / 100.0, 0.0), 1.0)
    dust = min(max(weather.dust_storm / 100.0, 0.0), 1.0)
    per_m = CLEAR_AIR_PER_M + 0.1 * density**2.2 + 0.0016 * rain**1.5 + 0.02 * dust**1.5
    start = max(weather.fog_distance, 0.0) if density > 0 else 0.0
    falloff = 0.02 * max(weather.fog_falloff, 0.0) if density > 0 else 0.0
    return float(per_m), float(start), float(falloff)


def _smooth(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def _moon(sun: F64) -> F64:
    return np.array([-sun[0], -sun[1], max(-sun[2], 0.35)]) / np.linalg.norm(
        [sun[0], sun[1], max(-sun[2], 0.35)]
    )


def _table_directions() -> F64:
    """(rows, columns, 3) unit direction of each texel's centre."""
    v = 1.0 - 2.0 * (np.arange(TABLE_ROWS) + 0.5) / TABLE_ROWS
    z = np.sign(v) * v * v
    azimuth = (np.arange(TABLE_COLUMNS) + 0.5) * (2.0 * np.pi / TABLE_COLUMNS)
    ring = np.sqrt(1.0 - z * z)
    return np.stack(
        [
            ring[:, None] * np.cos(azimuth),
            ring[:, None] * np.sin(azimuth),
            np.broadcast_to(z[:, None], (TABLE_ROWS, TABLE_COLUMNS)),
        ],
        axis=-1,
    )


def _path_to_space(height_m: F64, cos_zenith: F64) -> F64:
    """Length from a height to the top of the atmosphere."""
    radius = _EARTH_M + height_m
    b = radius * cos_zenith
    return -b + np.sqrt(np.maximum(b * b - radius * radius + _ATMOSPHERE_M**2, 0.0))


def _sun_depths(height_m: F64, cos_zenith: F64) -> tuple[F64, F64]:
    """Air and haze columns (m) towards the sun; a huge one where the earth is in the way."""
    steps = 8
    length = _path_to_space(height_m, cos_zenith) / steps
    radius = _EARTH_M + height_m
    air, haze = np.zeros_like(height_m), np.zeros_like(height_m)
    for k in range(steps):
        t = (k + 0.5) * length
        h = np.sqrt(radius * radius + t * t + 2.0 * radius * t * cos_zenith) - _EARTH_M
        air += np.exp(-np.maximum(h, -200.0) / _AIR_HEIGHT_M) * length
        haze += np.exp(-np.maximum(h, -200.0) / _HAZE_HEIGHT_M) * length
    shadow = (cos_zenith < 0) & (
        radius * np.sqrt(np.maximum(1.0 - cos_zenith**2, 0.0)) < _EARTH_M - 100.0
    )
    return np.where(shadow, 1e9, air), np.where(shadow, 1e9, haze)


def _scattering(weather: Weather) -> tuple[F64, float]:
    rayleigh = weather.rayleigh_scattering_scale / _DEFAULT_RAYLEIGH
    mie = max(weather.mie_scattering_scale, 0.0)
    # Levels off: one order of scattering would paint thick haze black.
    haze = 1.0 + 20.0 * mie / (1.0 + 6.0 * mie)
    haze += 0.5 * max(weather.scattering_intensity, 0.0)
    return _AIR_PER_M * min(max(rayleigh, 0.0), 8.0), _HAZE_PER_M * haze


def _sun_at_ground(sun: F64, weather: Weather) -> F64:
    """Direct irradiance over pi on a surface that faces the sun."""
    air_per_m, haze_per_m = _scattering(weather)
    air, haze = _sun_depths(np.array([2.0]), np.array([max(sun[2], -0.02)]))
    depth = air_per_m * air + 1.1 * haze_per_m * haze
    fade = float(np.clip((sun[2] + 0.02) / 0.05, 0.0, 1.0))
    return _SUN_RADIANCE / np.pi * np.exp(-depth) * fade


def _clear_sky(directions: F64, sun: F64, weather: Weather) -> F64:
    """(rows, columns, 3) cloudless radiance; rows below the horizon repeat the horizon.

    Integrated on a coarse grid of (row, angle to the sun's azimuth), then interpolated.
    """
    rows = np.arange(0, TABLE_ROWS // 2, 4)
    z = directions[rows, 0, 2]
    relative = np.linspace(0.0, np.pi, 49)
    ring = np.sqrt(1.0 - z * z)
    sun_ring = np.sqrt(max(1.0 - sun[2] ** 2, 0.0))
    cos_sun = ring[:, None] * np.cos(relative) * sun_ring + z[:, None] * sun[2]
    coarse = _single_scattering(z, cos_sun, sun[2], weather)
    azimuth = np.arctan2(directions[0, :, 1], directions[0, :, 0])
    delta = np.abs((azimuth - np.arctan2(sun[1], sun[0]) + np.pi) % (2.0 * np.pi) - np.pi)
    at = delta / np.pi * 48.0
    low = np.minimum(at.astype(np.int64), 47)
    share = (at - low)[None, :, None]
    fine = coarse[:, low] * (1.0 - share) + coarse[:, low + 1] * share
    row_at = np.clip(np.arange(TABLE_ROWS) / 4.0, 0.0, len(rows) - 1.0)
    low = np.minimum(row_at.astype(np.int64), len(rows) - 2)
    share = (row_at - low)[:, None, None]
    sky = fine[low] * (1.0 - share) + fine[low + 1] * share
    # Light scattered many times near the horizon is nearly white, which one order misses.
    height = np.abs(directions[..., 2:])
    white = sky.mean(axis=-1, keepdims=True) * np.array([0.97, 1.0, 1.04])
    low_sun = _smooth(0.0, 0.35, float(sun[2]))
    sky = sky + (white - sky) * (0.25 + 0.5 * low_sun) * np.exp(-7.0 * height)
    night = _NIGHT_HORIZON + (_NIGHT_ZENITH - _NIGHT_HORIZON) * np.sqrt(height)
    return np.asarray(sky * _HIGHER_ORDERS + night, np.float64)


def _single_scattering(z: F64, cos_sun: F64, sun_z: float, weather: Weather) -> F64:
    """(rows, angles, 3) radiance scattered once on the way to a viewer at the ground."""
    steps = 16
    air_per_m, haze_per_m = _scattering(weather)
    sight = _path_to_space(np.full_like(z, 2.0), np.maximum(z, 0.004)) / steps
    ring = np.sqrt(1.0 - z * z)[:, None]
    across = np.where(ring > 1e-6, (cos_sun - z[:, None] * sun_z) / np.maximum(ring, 1e-6), 0.0)
    air_sum = np.zeros((*cos_sun.shape, 3))
    haze_sum = np.zeros((*cos_sun.shape, 3))
    air_depth = np.zeros_like(cos_sun)
    haze_depth = np.zeros_like(cos_sun)
    for k in range(steps):
        t = ((k + 0.5) * sight)[:, None]
        up = _EARTH_M + 2.0 + t * np.maximum(z, 0.004)[:, None]
        out = t * ring
        radius = np.sqrt(up * up + out * out)
        height = np.broadcast_to(radius - _EARTH_M, cos_sun.shape)
        air = np.exp(-height / _AIR_HEIGHT_M) * sight[:, None]
        haze = np.exp(-height / _HAZE_HEIGHT_M) * sight[:, None]
        sun_air, sun_haze = _sun_depths(height, (up * sun_z + out * across) / radius)
        air_depth, haze_depth = air_depth + air, haze_depth + haze
        depth = air_per_m * (air_depth + sun_air)[..., None]
        depth = depth + 1.1 * haze_per_m * (haze_depth + sun_haze)[..., None]
        light = np.exp(-np.minimum(depth, 60.0))
        air_sum += light * air[..., None]
        haze_sum += light * haze[..., None]
    g = _HAZE_FORWARD
    air_phase = 3.0 / (16.0 * np.pi) * (1.0 + cos_sun**2)
    haze_phase = (
        3.0
        / (8.0 * np.pi)
        * ((1.0 - g * g) * (1.0 + cos_sun**2))
        / ((2.0 + g * g) * (1.0 + g * g - 2.0 * g * cos_sun) ** 1.5)
    )
    scattered = air_sum * air_per_m * air_phase[..., None]
    return np.asarray(
        _SUN_RADIANCE * (scattered + haze_sum * haze_per_m * haze_phase[..., None]), np.float64
    )


def _clouded(
    clear: F64, directions: F64, sun: F64, direct: F64, cover: float, weather: Weather
) -> F64:
    """The clear sky with clouds of the given cover in front."""
    if cover <= 0.0:
        return clear
    z = np.maximum(directions[..., 2], 0.0)
    flat = directions[..., :2] / (z + 0.14)[..., None] * 0.22
    shape = tiled_fbm(flat[..., 0] + 0.31, flat[..., 1] + 0.17)
    detail = tiled_fbm(flat[..., 0] * 3.7 + 0.9, flat[..., 1] * 3.7)
    shape = 0.75 * shape + 0.25 * detail
    edge = 0.86 - 0.78 * cover
    opacity = np.clip((shape - edge) / 0.22, 0.0, 1.0)
    opacity = opacity * opacity * (3.0 - 2.0 * opacity)
    opacity *= np.clip((z - 0.01) / 0.1, 0.0, 1.0)
    opacity = np.maximum(opacity, _smooth(0.7, 0.98, cover))
    rain = min(max(weather.precipitation / 100.0, 0.0), 1.0)
    skylight = clear[: TABLE_ROWS // 2].mean(axis=(0, 1))
    height = max(float(sun[2]), 0.0)
    bright = direct * height * (0.46 - 0.24 * rain) + skylight * 0.9
    # CIE overcast sky; below full cover the sun's side of a cloud is brighter.
    overcast = (1.0 + 2.0 * z) / 3.0 * (1.06 - 0.16 * shape)
    towards_sun = np.clip(directions @ sun, 0.0, 1.0) ** 6
    thin = 1.0 - _smooth(0.5, 1.0, cover)
    lit = bright * (overcast * (1.0 - thin) + thin * (1.15 - 0.5 * shape))[..., None]
    lit = lit + (direct * 0.35 * thin * towards_sun[..., None]) * (1.0 - 0.6 * shape)[..., None]
    return np.asarray(clear + (lit - clear) * opacity[..., None], np.float64)


def _fogged(table: F64, directions: F64, fog_per_m: float, dust: float) -> F64:
    """The sky behind fog, and the far ground below the horizon."""
    half = TABLE_ROWS // 2
    horizon = table[half - 14 : half - 2].mean(axis=0)
    veil = _veil(horizon, fog_per_m)
    veil = veil * (1.0 - dust) + veil.mean() * np.array([1.35, 0.95, 0.5]) * dust
    z = np.abs(directions[..., 2])
    thickness = np.minimum(180.0 / (z + 0.03), 3000.0)
    share = 1.0 - np.exp(-np.maximum(fog_per_m - CLEAR_AIR_PER_M, 0.0) * thickness)
    above = table + (veil - table) * share[..., None]
    up = table[:half].mean(axis=(0, 1))
    ground = _GROUND_ALBEDO * up * 1.6
    near = 1.0 - np.exp(-fog_per_m * 1.8 / np.maximum(z, 1e-4))
    below = ground + (veil - ground) * near[..., None]
    return np.where(directions[..., 2:] >= 0.0, above, below)


def _veil(horizon: F64, fog_per_m: float) -> F64:
    """Colour of fog towards each azimuth: greyer and evener the thicker it is."""
    kernel = np.hanning(257) / np.hanning(257).sum()
    wrapped = np.concatenate([horizon[-128:], horizon, horizon[:128]])
    blurred = np.stack([np.convolve(wrapped[:, k], kernel, "valid") for k in range(3)], axis=-1)
    thick = 1.0 - np.exp(-fog_per_m * 150.0)
    grey = blurred.mean() * np.array([0.98, 1.0, 1.03])
    return np.asarray(blurred + (grey - blurred) * (0.25 + 0.65 * thick), np.float64)


def _ambient(table: F64, directions: F64, sun: F64, direct: F64) -> F32:
    """Irradiance over pi as a linear function of the normal, from sky and lit ground.

    The two first bands of spherical harmonics: Ramamoorthi and Hanrahan 2001, "An efficient
    representation for irradiance environment maps", with A0 = pi and A1 = 2 pi / 3.
    """
    light = table.copy()
    lower = directions[..., 2] < 0
    up = light[: TABLE_ROWS // 2]
    weight_up = _solid_angles(directions)[: TABLE_ROWS // 2]
    z_up = directions[: TABLE_ROWS // 2, :, 2]
    sky_on_ground = (up * (weight_up * z_up)[..., None]).sum(axis=(0, 1)) / np.pi
    light[lower] = _GROUND_ALBEDO * (sky_on_ground + 0.6 * direct * max(float(sun[2]), 0.0))
    weight = _solid_angles(directions)
    constant = (light * weight[..., None]).sum(axis=(0, 1)) / (4.0 * np.pi)
    linear = np.einsum("rcd,rck,rc->kd", light, directions, weight) / (2.0 * np.pi)
    terms = np.concatenate([constant[None], linear])
    # Light that walls have passed on to each other is greyer than the sky.
    grey = terms.mean(axis=1, keepdims=True)
    return (terms + _STREET_GREY * (grey - terms)).astype(np.float32)


def _solid_angles(directions: F64) -> F64:
    v = 1.0 - 2.0 * np.arange(TABLE_ROWS + 1) / TABLE_ROWS
    z = np.sign(v) * v * v
    bands = (z[:-1] - z[1:]) * (2.0 * np.pi / TABLE_COLUMNS)
    return np.asarray(np.broadcast_to(bands[:, None], directions.shape[:2]), np.float64)
