"""The environment vector of the kernels from a weather and the lamps."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.render import fields
from synthgen.simserver.render.grids import Grid
from synthgen.simserver.render.records import F32, F64
from synthgen.simserver.render.sky import TABLE_ROWS, Sky
from synthgen.simserver.render.specs import Weather


def environment(weather: Weather, sky: Sky, lamps: Grid, bodies: Grid) -> F32:
    """(ENV_COLUMNS,) float32; columns in fields.py."""
    env = np.zeros(fields.ENV_COLUMNS)
    env[fields.SUN : fields.SUN + 3] = sky.sun_direction
    env[fields.SUNLIGHT : fields.SUNLIGHT + 3] = sky.sun_radiance
    env[fields.AMBIENT : fields.AMBIENT + 12] = sky.ambient.ravel()
    env[fields.FOG] = sky.fog_per_m
    env[fields.FOG_START] = sky.fog_start_m
    env[fields.FOG_FALLOFF] = sky.fog_falloff_per_m
    env[fields.NIGHT] = sky.night
    wet = max(weather.wetness, weather.precipitation, 0.8 * weather.precipitation_deposits)
    env[fields.WET] = min(max(wet / 100.0, 0.0), 1.0)
    env[fields.PUDDLES] = min(max(weather.precipitation_deposits / 100.0, 0.0), 1.0)
    env[fields.DISC] = sky.disc
    _fit_veil(env, sky)
    env[fields.GRID : fields.GRID + 4] = lamps.frame
    env[fields.SHADE_GRID : fields.SHADE_GRID + 4] = bodies.frame
    env[fields.WIND] = min(max(weather.wind_intensity / 100.0, 0.0), 1.0)
    env[fields.RAIN] = min(max(weather.precipitation / 100.0, 0.0), 1.0)
    return env.astype(np.float32)


def _fit_veil(env: F64, sky: Sky) -> None:
    """Fog's colour: the horizon's mean and its first harmonic towards the sun."""
    half = TABLE_ROWS // 2
    horizon = sky.table[half - 14 : half - 2].mean(axis=0).astype(np.float64)
    azimuth = (np.arange(len(horizon)) + 0.5) * (2.0 * np.pi / len(horizon))
    axis = sky.sun_direction[:2] / max(float(np.linalg.norm(sky.sun_direction[:2])), 1e-9)
    towards = np.cos(azimuth) * axis[0] + np.sin(azimuth) * axis[1]
    mean = horizon.mean(axis=0)
    lobe = 2.0 * (horizon * towards[:, None]).mean(axis=0)
    env[fields.VEIL : fields.VEIL + 3] = mean
    env[fields.VEIL_SUN : fields.VEIL_SUN + 3] = np.clip(lobe, -0.9 * mean, 0.9 * mean)
    env[fields.VEIL_AXIS : fields.VEIL_AXIS + 2] = axis
