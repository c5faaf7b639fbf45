"""A fresh episode made ready for a clip: weather, map, traffic lights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import carla

from scenarios.concrete import ConcreteScenario
from sensors.carla_adapter.poses import vector_from_carla
from synthgen.datatypes.clip_job import ClipJob
from synthgen.errors import ConfigError, ScenarioRejected
from synthgen.geometry.arrays import F64
from synthgen.runner.orders import carla_weather, set_signal


@dataclass(frozen=True, eq=False, slots=True)
class Dressed:
    """The world of an episode and what was looked up in it.

    Attributes:
        world: The world.
        map: Its map.
        opendrive: The map's text.
        weather: What was set.
        first_frame: Frame number of the episode's start.
        lights: Traffic lights by OpenDRIVE id.
        lights_at_m: Where they stand.
    """

    world: carla.World
    map: carla.Map
    opendrive: str
    weather: carla.WeatherParameters
    first_frame: int
    lights: Mapping[str, carla.TrafficLight]
    lights_at_m: Mapping[str, F64]


def dress_world(world: carla.World, job: ClipJob, concrete: ConcreteScenario) -> Dressed:
    """Set the scenario's weather and lights.

    Raises:
        ConfigError: The simulator's map is not the one the scenario was made for.
        ScenarioRejected: It lacks a light that the scenario switches.
    """
    # The episode may be some frames old by now; its own time says how many.
    snapshot = world.get_snapshot()
    elapsed_ticks = round(snapshot.timestamp.elapsed_seconds / job.capture.tick_s)
    weather = carla_weather(concrete.weather)
    world.set_weather(weather)
    world_map = world.get_map()
    opendrive = world_map.to_opendrive()
    digest = hashlib.sha256(opendrive.encode()).hexdigest()
    if digest != concrete.map_sha256:
        raise ConfigError(
            f"map {job.map.name}: the plan was made for OpenDRIVE text "
            f"{concrete.map_sha256[:12]}, the simulator has {digest[:12]}"
        )
    actors = world.get_actors().filter("traffic.traffic_light*")
    lights = {light.get_opendrive_id(): light for light in actors}
    for signal in concrete.signals:
        if signal.signal_id not in lights:
            # Not every signal that a map notes stands in the simulator's town.
            raise ScenarioRejected(f"no_light: {signal.signal_id}")
        set_signal(lights[signal.signal_id], signal.state, freeze=True)
    return Dressed(
        world=world,
        map=world_map,
        opendrive=opendrive,
        weather=weather,
        first_frame=snapshot.frame - elapsed_ticks,
        lights=lights,
        lights_at_m={key: vector_from_carla(light.get_location()) for key, light in lights.items()},
    )
