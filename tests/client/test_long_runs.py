"""What shows only over time: three minutes of traffic on every town, and a long soak."""

from pathlib import Path

import carla
import pytest

from synthgen.simserver.bench.traffic import resident_mb
from tests.client.conftest import TICK_S, connect, free_port, running_server, tick

pytestmark = [pytest.mark.server, pytest.mark.long]

REAL_MAPS = Path(__file__).parents[3] / "shared" / "data" / "maps"
SYNCHRONOUS = ("--synchronous", "--fixed-delta", str(TICK_S))
THREE_MINUTES = int(180 / TICK_S)
CARS = 50


def _cars(world: carla.World) -> list[carla.Vehicle]:
    blueprints = sorted(
        (
            blueprint
            for blueprint in world.get_blueprint_library().filter("vehicle.*")
            if blueprint.get_attribute("base_type") == "car"
        ),
        key=lambda blueprint: str(blueprint.id),
    )
    points = world.get_map().get_spawn_points()
    step = max(1, len(points) // (2 * CARS))
    cars: list[carla.Vehicle] = []
    for number, point in enumerate(points[::step]):
        if len(cars) == CARS:
            break
        car = world.try_spawn_actor(blueprints[number % len(blueprints)], point)
        cars += [car] if car is not None else []
    return cars


def _drive(
    world: carla.World, manager: carla.TrafficManager
) -> tuple[int, int, list[str], list[float]]:
    """Cars at the start and at the end, what they hit, and distances from lane centres."""
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(1)
    cars = _cars(world)
    tick(world, 3)
    sensor = world.get_blueprint_library().find("sensor.other.collision")
    hits: list[str] = []
    for car in cars:
        car.set_autopilot(True, manager.get_port())
        bumper = world.spawn_actor(sensor, carla.Transform(), attach_to=car)
        bumper.listen(
            lambda event: hits.append(
                f"{event.frame}: {event.actor.type_id} {event.other_actor.type_id}"
            )
        )
    town_map = world.get_map()
    offsets: list[float] = []
    for number in range(THREE_MINUTES):
        world.tick()
        if number % 40 == 0:
            places = [car.get_location() for car in cars]
            lanes = [town_map.get_waypoint(place) for place in places]
            offsets += [
                place.distance(lane.transform.location)
                for place, lane in zip(places, lanes, strict=True)
            ]
    return len(cars), len(world.get_actors().filter("vehicle.*")), hits, offsets


# Half of the time a car is nearer than this to its lane's centre.
USUAL_OFFSET_M = 0.1
TOWNS = ("SynthDowntown", "SynthSuburb", "SynthMotorway", "Town01", "Town02", "Town10HD")


@pytest.mark.parametrize("town", TOWNS)
def test_three_minutes_of_traffic(town: str, tmp_path: Path) -> None:
    if not town.startswith("Synth") and not (REAL_MAPS / f"{town}.xodr").exists():
        pytest.skip(f"no {town}.xodr in {REAL_MAPS}")
    folder = ("--maps-dir", str(REAL_MAPS)) if REAL_MAPS.exists() else ()
    with running_server(*SYNCHRONOUS, *folder, "--map", town) as ours:
        client = connect(ours, tmp_path)
        world = client.get_world()
        manager = client.get_trafficmanager(free_port())
        try:
            cars, left, hits, offsets = _drive(world, manager)
        finally:
            # A manager that outlives its server ends this process.
            manager.set_synchronous_mode(False)
            manager.shut_down()
    assert left == cars
    assert hits == []
    offsets.sort()
    assert offsets[len(offsets) // 2] < USUAL_OFFSET_M
    assert offsets[int(0.99 * len(offsets))] < 1.75


def test_memory_stays_flat_over_a_soak(tmp_path: Path) -> None:
    with running_server(*SYNCHRONOUS) as ours:
        assert ours.process is not None
        client = connect(ours, tmp_path)
        world = client.get_world()
        blueprint = world.get_blueprint_library().find("vehicle.audi.tt")
        memory_mb = []
        for round_number in range(100):
            points = world.get_map().get_spawn_points()
            spawn = [carla.command.SpawnActor(blueprint, point) for point in points[::20]]
            responses = client.apply_batch_sync(spawn, True)
            tick(world, 198)
            destroy = [carla.command.DestroyActor(r.actor_id) for r in responses if not r.error]
            client.apply_batch_sync(destroy, True)
            if round_number % 10 == 9:
                world = client.reload_world(False)
            memory_mb.append(resident_mb(ours.process.pid))
    # The first rounds load what a server loads once.
    assert max(memory_mb[50:]) < 1.05 * memory_mb[20]
