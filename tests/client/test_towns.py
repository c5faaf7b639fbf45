"""The towns we ship under the client's own traffic and pedestrian navigation."""

from __future__ import annotations

from collections.abc import Iterator

import carla
import numpy as np
import pytest

from tests.client.conftest import TICK_S, connect, free_port, running_server, synchronous, tick

pytestmark = [pytest.mark.server, pytest.mark.slow]

TOWNS = ["SynthDowntown", "SynthSuburb", "SynthMotorway"]
CARS, SECONDS = 25, 40


@pytest.fixture(scope="module", params=TOWNS)
def town_client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[carla.Client]:
    arguments = ("--synchronous", "--fixed-delta", str(TICK_S), "--map", request.param)
    with running_server(*arguments) as address:
        yield connect(address, tmp_path_factory.mktemp("cache"))


def xyz(actors: list[carla.Actor]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    places = [actor.get_location() for actor in actors]
    return np.array([[p.x, p.y, p.z] for p in places])


def test_traffic_flows_and_keeps_its_lanes(town_client: carla.Client) -> None:
    world = synchronous(town_client.get_world())
    model = world.get_blueprint_library().find("vehicle.tesla.model3")
    points = world.get_map().get_spawn_points()
    chosen = points[:: len(points) // CARS][:CARS]
    cars = [car for p in chosen if (car := world.try_spawn_actor(model, p)) is not None]
    assert len(cars) == CARS
    manager = town_client.get_trafficmanager(free_port())
    manager.set_random_device_seed(1)
    world.tick()
    manager.set_synchronous_mode(True)
    for car in cars:
        car.set_autopilot(True, manager.get_port())
    way = np.zeros(len(cars))
    before = xyz(cars)
    for _ in range(SECONDS):
        tick(world, int(1 / TICK_S))
        now = xyz(cars)
        way += np.linalg.norm(now - before, axis=1)
        before = now
    town = world.get_map()
    misses = [
        car.get_location().distance(town.get_waypoint(car.get_location()).transform.location)
        for car in cars
    ]
    manager.set_synchronous_mode(False)
    manager.shut_down()
    town_client.apply_batch_sync([carla.command.DestroyActor(car.id) for car in cars], False)
    # A red light lasts half a minute here; whoever waits longer is stuck.
    assert way.min() > 20.0
    assert np.median(way) > 100.0
    assert np.median(misses) < 0.3
    assert max(misses) < 3.0


def test_pedestrians_walk_on_the_sidewalks(town_client: carla.Client) -> None:
    world = synchronous(town_client.get_world())
    library = world.get_blueprint_library()
    if world.get_random_location_from_navigation() is None:
        pytest.skip("a town without sidewalks")
    world.set_pedestrians_seed(2)
    world.set_pedestrians_cross_factor(0.0)
    walkers = []
    for number in range(1, 11):
        place = world.get_random_location_from_navigation()
        place.z += 1.0
        blueprint = library.find(f"walker.pedestrian.{number:04d}")
        walker = world.try_spawn_actor(blueprint, carla.Transform(place))
        walkers += [walker] if walker else []
    world.tick()
    brain = library.find("controller.ai.walker")
    controllers = [world.spawn_actor(brain, carla.Transform(), walker) for walker in walkers]
    world.tick()
    for controller in controllers:
        controller.start()
        controller.go_to_location(world.get_random_location_from_navigation())
        controller.set_max_speed(1.4)
    before, town = xyz(walkers), world.get_map()
    on_road = 0
    for _ in range(20):
        tick(world, int(1 / TICK_S))
        for walker in walkers:
            lane = town.get_waypoint(
                walker.get_location(), lane_type=carla.LaneType.Driving | carla.LaneType.Sidewalk
            )
            on_road += lane.lane_type == carla.LaneType.Driving
    walked = np.linalg.norm(xyz(walkers) - before, axis=1)
    for controller in controllers:
        controller.stop()
    ids = [actor.id for actor in [*controllers, *walkers]]
    town_client.apply_batch_sync([carla.command.DestroyActor(i) for i in ids], False)
    assert len(walkers) >= 8
    assert (walked > 4.0).sum() >= len(walkers) - 1
    # Crosswalks are the only road they may use.
    assert on_road < 0.35 * 20 * len(walkers)
