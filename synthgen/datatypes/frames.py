"""The ego car and the weather at one capture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.geometry.arrays import F64, frozen_array
from synthgen.geometry.se3 import SE3


@dataclass(frozen=True, slots=True)
class Weather:
    """CARLA's weather parameters; percentages run from 0 to 100."""

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    fog_density: float = 0.0
    wetness: float = 0.0
    dust_storm: float = 0.0
    fog_distance_m: float = 0.0
    fog_falloff: float = 0.0
    scattering_intensity: float = 0.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    sun_azimuth_rad: float = 0.0
    sun_altitude_rad: float = 0.785


@dataclass(frozen=True, eq=False, slots=True)
class FrameRecord:
    """One row of the frames table.

    Attributes:
        frame_index: Capture number.
        tick: Simulation step of the capture.
        timestamp_ns: Clip-relative time.
        world_from_ego: Pose of the ego car.
        velocity_mps: (3,) float64, world frame.
        acceleration_mps2: (3,) float64, world frame.
        angular_velocity_radps: (3,) float64, ego frame.
        throttle: 0 to 1.
        brake: 0 to 1.
        steer_rad: Road wheels, positive left.
        reverse: The reverse gear is in.
        gear: CARLA's gear number.
        speed_limit_mps: Or None where there is none.
        lane_id: Key of map/lanes, or None off the road.
        weather: At this time.
    """

    frame_index: int
    tick: int
    timestamp_ns: int
    world_from_ego: SE3
    velocity_mps: F64
    acceleration_mps2: F64
    angular_velocity_radps: F64
    throttle: float = 0.0
    brake: float = 0.0
    steer_rad: float = 0.0
    reverse: bool = False
    gear: int = 0
    speed_limit_mps: float | None = None
    lane_id: str | None = None
    weather: Weather = Weather()

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        for name in ("velocity_mps", "acceleration_mps2", "angular_velocity_radps"):
            array = frozen_array(name, getattr(self, name), (3,), np.float64)
            object.__setattr__(self, name, array)
