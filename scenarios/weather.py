"""CARLA's weather presets as plain numbers, and what a scenario changes in them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scenarios.concrete import Weather
from synthgen.errors import ConfigError

# cloudiness, precipitation, deposits, wind, fog density, wetness; CARLA 0.9.16, WeatherParameters.
_SKIES: dict[str, tuple[float, ...]] = {
    "Clear": (5, 0, 0, 10, 2, 0),
    "Cloudy": (60, 0, 0, 10, 3, 0),
    "Wet": (5, 0, 50, 10, 3, 0),
    "WetCloudy": (60, 0, 50, 10, 3, 0),
    "SoftRain": (20, 30, 50, 30, 3, 0),
    "MidRain": (60, 60, 60, 60, 3, 0),
    "MidRainy": (60, 60, 60, 60, 3, 0),
    "HardRain": (100, 100, 90, 100, 7, 0),
}
# The night presets differ by more than the sun.
_NIGHTS: dict[str, tuple[float, ...]] = {
    "Clear": (5, 0, 0, 10, 60, 0),
    "Cloudy": (60, 0, 0, 10, 60, 0),
    "Wet": (5, 0, 50, 10, 60, 60),
    "WetCloudy": (60, 0, 50, 10, 60, 60),
    "SoftRain": (60, 30, 50, 30, 60, 60),
    "MidRainy": (80, 60, 60, 60, 60, 80),
    "HardRain": (100, 100, 90, 100, 100, 100),
}
PRESETS = (
    *sorted(f"{sky}{hour}" for hour in ("Noon", "Sunset") for sky in _SKIES),
    *sorted(f"{sky}Night" for sky in _NIGHTS),
)
_THIN_FOG_NIGHTS = frozenset({"ClearNight", "WetNight"})
_SUN_DEG = {"Noon": 45.0, "Sunset": 15.0, "Night": -90.0}
_FIELDS = (
    "cloudiness", "precipitation", "precipitation_deposits", "wind_intensity", "fog_density",
    "wetness",
)  # fmt: skip
_PERCENT = {
    "cloud": "cloudiness", "rain": "precipitation", "puddles": "precipitation_deposits",
    "wind": "wind_intensity", "fog": "fog_density", "wetness": "wetness", "dust": "dust_storm",
}  # fmt: skip


def preset(name: str) -> Weather:
    """One of CARLA's presets, e.g. `WetCloudyNoon`."""
    for hour, altitude in _SUN_DEG.items():
        sky = name.removesuffix(hour)
        table = _NIGHTS if hour == "Night" else _SKIES
        if name.endswith(hour) and sky in table:
            far = name in _THIN_FOG_NIGHTS
            return Weather(
                **dict(zip(_FIELDS, (float(v) for v in table[sky]), strict=True)),
                dust_storm=0.0,
                fog_distance_m=75.0 if far else 0.75,
                fog_falloff=1.0 if far else 0.1,
                scattering_intensity=1.0,
                mie_scattering_scale=0.03,
                rayleigh_scattering_scale=0.0331,
                sun_azimuth_rad=math.radians(1.0),
                sun_altitude_rad=math.radians(altitude),
            )
    raise ConfigError(f"weather.preset: {name!r} is unknown; known: {', '.join(PRESETS)}")


def resolve_weather(values: Mapping[str, float | str], ego_yaw_rad: float) -> Weather:
    """Weather from a preset and overrides.

    Args:
        values: `preset` (a name), shares 0..1 by the schema's names, `fog_distance` in metres, and
            `sun_altitude`, `sun_azimuth`, `sun_ahead` in radians.
        ego_yaw_rad: Heading at the conflict, right-handed; `sun_ahead` is measured from it.
    """
    base = preset(str(values.get("preset", "ClearNoon")))
    changed: dict[str, float] = {}
    for name, value in values.items():
        if name in _PERCENT:
            changed[_PERCENT[name]] = 100.0 * float(value)
    for name, field in (
        ("fog_distance", "fog_distance_m"),
        ("sun_altitude", "sun_altitude_rad"),
        ("sun_azimuth", "sun_azimuth_rad"),
    ):
        if name in values:
            changed[field] = float(values[name])
    if "sun_ahead" in values:
        changed["sun_azimuth_rad"] = float((ego_yaw_rad + float(values["sun_ahead"])) % math.tau)
    return base.model_copy(update=changed)
