"""What is around the encounter: weather and ambient traffic."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from scenarios.distributions import Angle, Choice
from scenarios.spec.bounds import Crowd, Elevation, Nearby, Share, Strict, Weight


class Weather(Strict):
    """A CARLA preset and what differs from it; percentages as ratios."""

    preset: Choice | None = None
    rain: Share | None = None
    puddles: Share | None = None
    wetness: Share | None = None
    fog: Share | None = None
    fog_distance: Nearby | None = None
    cloud: Share | None = None
    wind: Share | None = None
    dust: Share | None = None
    sun_altitude: Elevation | None = None
    sun_azimuth: Angle | None = None
    sun_ahead: Angle | None = None
    street_lights: Literal["auto", "on", "off"] = "auto"


class Mix(Strict):
    """Weights of any sum, at least one of them above 0."""

    @model_validator(mode="after")
    def _has_someone(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("at least one weight must be above 0")
        return self


class TrafficMix(Mix):
    """How often each kind of vehicle drives in ambient traffic."""

    car: Weight = 0.0
    van: Weight = 0.0
    truck: Weight = 0.0
    bus: Weight = 0.0
    motorcycle: Weight = 0.0
    bicycle: Weight = 0.0


class PedestrianMix(Mix):
    """How often each kind of walker is in ambient traffic."""

    adult: Weight = 0.0
    child: Weight = 0.0
    elderly: Weight = 0.0


class Traffic(Strict):
    """Ambient traffic per kilometre of lane, and the free circle around the conflict.

    Without a mix, vehicles are drawn from all models of cars and vans alike, and pedestrians from
    all walkers.
    """

    vehicles: Crowd = 0.0
    pedestrians: Crowd = 0.0
    keep_clear: Nearby = 25.0
    mix: TrafficMix | None = None
    pedestrian_mix: PedestrianMix | None = None
