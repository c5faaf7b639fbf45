"""Weather at the start of an episode."""

from __future__ import annotations

from synthgen.simserver.wire.structs import Weather

# A fair day with a high sun and few clouds, as CARLA's towns start.
DEFAULT_WEATHER = Weather(
    cloudiness=10.0,
    precipitation=0.0,
    precipitation_deposits=0.0,
    wind_intensity=10.0,
    sun_azimuth_angle=45.0,
    sun_altitude_angle=60.0,
    fog_density=0.0,
    fog_distance=0.75,
    fog_falloff=0.1,
    wetness=0.0,
    scattering_intensity=1.0,
    mie_scattering_scale=0.03,
    rayleigh_scattering_scale=0.0331,
    dust_storm=0.0,
)
