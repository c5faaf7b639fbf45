"""Ambient traffic: Traffic Manager vehicles and AI walkers, seeded, away from the conflict."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import carla
import numpy as np

from scenarios import catalogue
from scenarios.concrete import ConcreteScenario, Traffic
from synthgen.errors import ConfigError
from synthgen.runner.cast import Cast, add_traffic
from synthgen.runner.session import Session

logger = logging.getLogger(__name__)

_SPAWN_GAP_M: Final = 8.0
_WALKER_SPEED_MPS: Final = (0.9, 1.7)
# Random places are drawn all over the town; so many draws for each walker wanted near the ego.
_PLACES_PER_WALKER: Final = 60


@dataclass(slots=True)
class Ambient:
    """The ambient traffic of one clip.

    Attributes:
        manager: The Traffic Manager, or None without vehicles.
        controllers: The walkers' AI controllers.
    """

    manager: carla.TrafficManager | None = None
    controllers: list[carla.Actor] = field(default_factory=list)

    def dismiss(self) -> None:
        """Let go of vehicles and walkers; must come before any of them is destroyed.

        A Traffic Manager that still drives when its vehicles go takes the whole client with it.
        """
        for controller in self.controllers:
            controller.stop()
        if self.manager is not None:
            self.manager.set_synchronous_mode(False)
            self.manager.shut_down()


def ambient_traffic(session: Session, concrete: ConcreteScenario, cast: Cast) -> Ambient:
    """Spawn the scenario's ambient traffic; it takes the track ids after the actors."""
    traffic = concrete.traffic
    vehicles = _spawn_vehicles(session.world, concrete) if traffic.vehicles else []
    walkers = _spawn_walkers(session.world, concrete) if traffic.walkers else []
    add_traffic(cast, [*vehicles, *walkers])
    if not vehicles and not walkers:
        return Ambient()
    # One tick between spawn and registration: the Traffic Manager wants a state of each vehicle.
    session.world.tick()
    ambient = Ambient(controllers=_start_walking(session.world, walkers, traffic))
    if vehicles:
        ambient.manager = _drive(session, vehicles, traffic)
    logger.info("%d ambient vehicles, %d walkers", len(vehicles), len(walkers))
    return ambient


def _drive(session: Session, vehicles: list[carla.Actor], traffic: Traffic) -> carla.TrafficManager:
    manager = session.client.get_trafficmanager(session.tm_port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(traffic.tm_seed)
    # The manager's thread may be in the middle of a free-running step, which must not see the
    # vehicles: one such step more or less, and the run is another.
    for _ in range(2):
        session.world.tick()
    for vehicle in vehicles:
        vehicle.set_autopilot(True, session.tm_port)
    return manager


def _spawn_walkers(world: carla.World, concrete: ConcreteScenario) -> list[carla.Actor]:
    traffic = concrete.traffic
    rng = np.random.Generator(np.random.PCG64(traffic.walker_seed))
    world.set_pedestrians_seed(traffic.walker_seed % 2**31)
    draw = walker_source(world.get_blueprint_library(), traffic.walker_mix, rng)
    walkers: list[carla.Actor] = []
    for _ in range(traffic.walkers * _PLACES_PER_WALKER):
        place = world.get_random_location_from_navigation()
        if place is None or len(walkers) == traffic.walkers:
            break
        blueprint = draw()
        at = carla.Transform(carla.Location(place.x, place.y, place.z + 1.0))
        if _is_allowed(at, concrete, traffic):
            walker = world.try_spawn_actor(blueprint, at)
            if walker is not None:
                walkers.append(walker)
    return walkers


def _start_walking(
    world: carla.World, walkers: list[carla.Actor], traffic: Traffic
) -> list[carla.Actor]:
    if not walkers:
        return []
    rng = np.random.Generator(np.random.PCG64([traffic.walker_seed, 1]))
    blueprint = world.get_blueprint_library().find("controller.ai.walker")
    controllers = [
        world.spawn_actor(blueprint, carla.Transform(), attach_to=walker) for walker in walkers
    ]
    world.tick()
    for controller in controllers:
        controller.start()
        controller.go_to_location(world.get_random_location_from_navigation())
        controller.set_max_speed(float(rng.uniform(*_WALKER_SPEED_MPS)))
    return controllers


def _spawn_vehicles(world: carla.World, concrete: ConcreteScenario) -> list[carla.Actor]:
    traffic = concrete.traffic
    rng = np.random.Generator(np.random.PCG64(traffic.vehicle_seed))
    draw = blueprint_source(world.get_blueprint_library(), traffic.mix, rng)
    points = [p for p in world.get_map().get_spawn_points() if _is_allowed(p, concrete, traffic)]
    points.sort(key=lambda p: (p.location.x, p.location.y))
    spawned: list[carla.Actor] = []
    for number in rng.permutation(len(points)).tolist():
        if len(spawned) == traffic.vehicles:
            break
        blueprint = draw()
        if blueprint.has_attribute("color"):
            colours = blueprint.get_attribute("color").recommended_values
            blueprint.set_attribute("color", colours[int(rng.integers(len(colours)))])
        blueprint.set_attribute("role_name", "autopilot")
        actor = world.try_spawn_actor(blueprint, points[number])
        if actor is not None:
            spawned.append(actor)
    return spawned


def blueprint_source(
    library: carla.BlueprintLibrary, mix: Mapping[str, float] | None, rng: np.random.Generator
) -> Callable[[], carla.ActorBlueprint]:
    """A function that draws a vehicle: of cars and vans alike, or of a kind drawn by its share.

    Raises:
        ConfigError: The simulator has no vehicle of a kind.
    """
    of_kind: dict[str, list[carla.ActorBlueprint]] = {}
    for blueprint in sorted(library.filter("vehicle.*"), key=lambda b: b.id):
        if blueprint.has_attribute("base_type"):
            kind = blueprint.get_attribute("base_type").as_str()
            of_kind.setdefault(kind, []).append(blueprint)
    ordinary = sorted([*of_kind.get("car", ()), *of_kind.get("van", ())], key=lambda b: b.id)
    return _source("traffic.mix: this simulator has no vehicle", of_kind, ordinary, mix, rng)


def walker_source(
    library: carla.BlueprintLibrary, mix: Mapping[str, float] | None, rng: np.random.Generator
) -> Callable[[], carla.ActorBlueprint]:
    """A function that draws a walker: of all alike, or of a profile drawn by its share.

    Raises:
        ConfigError: The simulator has no walker of a profile.
    """
    everyone = sorted(library.filter("walker.pedestrian.*"), key=lambda b: b.id)
    of_profile = {
        profile: [b for b in everyone if b.id in catalogue.walkers(profile)]
        for profile in mix or ()
    }
    known = {profile: blueprints for profile, blueprints in of_profile.items() if blueprints}
    return _source(
        "traffic.pedestrian_mix: this simulator has no walker", known, everyone, mix, rng
    )


def _source(
    complaint: str,
    of_kind: Mapping[str, list[carla.ActorBlueprint]],
    everyone: list[carla.ActorBlueprint],
    mix: Mapping[str, float] | None,
    rng: np.random.Generator,
) -> Callable[[], carla.ActorBlueprint]:
    if mix is None:
        return lambda: everyone[int(rng.integers(len(everyone)))]
    missing = sorted(set(mix) - set(of_kind))
    if missing:
        raise ConfigError(f"{complaint} of kind {missing[0]}")
    kinds, ends = list(mix), np.cumsum(list(mix.values()))

    def draw() -> carla.ActorBlueprint:
        number = int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))
        options = of_kind[kinds[min(number, len(kinds) - 1)]]
        return options[int(rng.integers(len(options)))]

    return draw


def _is_allowed(point: carla.Transform, concrete: ConcreteScenario, traffic: Traffic) -> bool:
    x_m, y_m = point.location.x, -point.location.y
    ego = concrete.ego
    if math.hypot(x_m - ego.start.x_m, y_m - ego.start.y_m) > traffic.radius_m:
        return False
    clear_m = math.hypot(x_m - traffic.keep_clear_x_m, y_m - traffic.keep_clear_y_m)
    if clear_m < traffic.keep_clear_radius_m:
        return False
    path = np.array(ego.path_xyz_m or [(ego.start.x_m, ego.start.y_m, 0.0)], dtype=np.float64)
    gap_m = np.hypot(path[:, 0] - x_m, path[:, 1] - y_m).min()
    return bool(gap_m > _SPAWN_GAP_M)
