"""Traffic lights, signs, and the client's Traffic Manager."""

import socket
from collections import Counter

import carla
import msgpack
import numpy as np
import pytest

from synthgen.errors import ConfigError
from synthgen.runner.traffic import blueprint_source, walker_source
from synthgen.simserver.wire.rpc_codec import encode_request
from tests.client.conftest import Address, free_port, tick

pytestmark = pytest.mark.server


@pytest.fixture
def light(world: carla.World) -> carla.TrafficLight:
    world.reset_all_traffic_lights()
    lights = world.get_actors().filter("traffic.traffic_light")
    return next(item for item in lights if len(item.get_group_traffic_lights()) > 2)


def test_group_has_one_green_turn_at_a_time(world: carla.World, light: carla.TrafficLight) -> None:
    world.tick()
    states = {item.id: item.state for item in light.get_group_traffic_lights()}
    assert carla.TrafficLightState.Green in states.values()
    assert carla.TrafficLightState.Red in states.values()


def test_green_turns_yellow_then_red(world: carla.World, light: carla.TrafficLight) -> None:
    world.tick()
    green = next(
        item
        for item in light.get_group_traffic_lights()
        if item.state == carla.TrafficLightState.Green
    )
    green.set_green_time(1.0)
    green.set_yellow_time(0.5)
    seen = [carla.TrafficLightState.Green]
    for _ in range(40):
        world.tick()
        if green.state != seen[-1]:
            seen.append(green.state)
    assert seen[:3] == [
        carla.TrafficLightState.Green,
        carla.TrafficLightState.Yellow,
        carla.TrafficLightState.Red,
    ]
    assert (green.get_green_time(), green.get_yellow_time()) == (1.0, 0.5)


def test_frozen_light_keeps_its_state(world: carla.World, light: carla.TrafficLight) -> None:
    light.set_state(carla.TrafficLightState.Yellow)
    light.freeze(True)
    tick(world, 100)
    assert light.state == carla.TrafficLightState.Yellow
    assert light.is_frozen()
    light.freeze(False)


def test_light_is_found_from_its_landmark(world: carla.World, light: carla.TrafficLight) -> None:
    assert world.get_traffic_light_from_opendrive_id(light.get_opendrive_id()).id == light.id
    assert len(light.get_light_boxes()) >= 1
    assert len(light.get_stop_waypoints()) >= 1


def test_car_before_a_red_light_is_at_it(
    world: carla.World, library: carla.BlueprintLibrary, light: carla.TrafficLight
) -> None:
    light.set_state(carla.TrafficLightState.Red)
    light.freeze(True)
    stop = light.get_stop_waypoints()[0].previous(3.5)[0].transform
    stop.location.z += 0.3
    car = world.spawn_actor(library.find("vehicle.audi.tt"), stop)
    tick(world, 3)
    assert car.is_at_traffic_light()
    assert car.get_traffic_light().id == light.id
    assert car.get_traffic_light_state() == carla.TrafficLightState.Red
    light.freeze(False)


def test_traffic_manager_keeps_lanes(
    client: carla.Client,
    world: carla.World,
    library: carla.BlueprintLibrary,
) -> None:
    manager = client.get_trafficmanager(free_port())
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(3)
    points = world.get_map().get_spawn_points()
    cars = [
        world.try_spawn_actor(library.find("vehicle.tesla.model3"), point)
        for point in points[:: len(points) // 12]
    ]
    cars = [car for car in cars if car is not None]
    before = {car.id: car.get_location() for car in cars}
    world.tick()
    for car in cars:
        car.set_autopilot(True, manager.get_port())
    tick(world, 240)
    positions = [car.get_location() for car in cars]
    offsets = sorted(
        place.distance(world.get_map().get_waypoint(place).transform.location)
        for place in positions
    )
    moved = [place.distance(before[car.id]) for car, place in zip(cars, positions, strict=True)]
    manager.set_synchronous_mode(False)
    manager.shut_down()
    assert offsets[len(offsets) // 2] < 0.3
    assert offsets[-1] < 2.0
    assert sum(distance > 5.0 for distance in moved) >= len(cars) // 2


def _run_from_reload(client: carla.Client, port: int) -> list[tuple[float, float]]:
    """Places of ten cars, registered as they are spawned, over two seconds."""
    world = client.reload_world(False)
    manager = client.get_trafficmanager(port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(1)
    blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
    cars = []
    for point in world.get_map().get_spawn_points()[:10]:
        cars.append(world.spawn_actor(blueprint, point))
        cars[-1].set_autopilot(True, port)
    places = []
    for _ in range(40):
        world.tick()
        places += [(car.get_location().x, car.get_location().y) for car in cars]
    manager.shut_down()
    return places


def test_cars_registered_at_once_drive_alike_in_every_episode(client: carla.Client) -> None:
    port = free_port()
    first = _run_from_reload(client, port)
    assert len(set(first)) > 100
    assert _run_from_reload(client, port) == first


def test_announcement_of_a_manager_is_answered_after_its_first_step(
    address: Address, world: carla.World
) -> None:
    announce = encode_request(
        1, "add_traffic_manager_running", [["127.0.0.1", 61234]], is_async=False
    )
    version = encode_request(2, "version", [], is_async=False)
    with socket.create_connection(("127.0.0.1", address.port), timeout=5.0) as connection:
        connection.sendall(announce + version)
        replies = msgpack.Unpacker(raw=False)
        order: list[int] = []
        while len(order) < 2:
            replies.feed(connection.recv(4096))
            order += [reply[1] for reply in replies]
    assert order == [2, 1]


def test_manager_that_missed_a_tick_is_woken_by_its_own_door(
    address: Address, client: carla.Client, world: carla.World, car: carla.Vehicle
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10.0)
        here = list(door.getsockname())
        with socket.create_connection(("127.0.0.1", address.port), timeout=5.0) as announcer:
            announcer.sendall(
                encode_request(1, "add_traffic_manager_running", [here], is_async=False)
            )
            announcer.recv(4096)
            # A manager that has sent controls before one tick and none after the next is stuck.
            client.apply_batch_sync(
                [carla.command.ApplyVehicleControl(car, carla.VehicleControl())], False
            )
            world.tick()
            connection, _ = door.accept()
            with connection:
                connection.settimeout(5.0)
                calls = msgpack.Unpacker(raw=False)
                methods: list[tuple[str, bool]] = []
                while len(methods) < 2:
                    calls.feed(connection.recv(4096))
                    methods += [(call[2], call[3][0]) for call in calls]
    assert methods == [("set_synchronous_mode", False), ("set_synchronous_mode", True)]


def test_ambient_vehicles_are_of_the_kinds_and_shares_asked_for(world: carla.World) -> None:
    rng = np.random.default_rng(3)
    draw = blueprint_source(world.get_blueprint_library(), {"truck": 0.75, "bus": 0.25}, rng)
    kinds = Counter(draw().get_attribute("base_type").as_str() for _ in range(400))
    assert set(kinds) == {"truck", "bus"}
    # Three standard deviations of 400 draws at a share of 3/4.
    assert abs(kinds["truck"] - 300) < 3 * (400 * 0.75 * 0.25) ** 0.5


def test_ambient_walkers_are_of_the_profiles_asked_for(world: carla.World) -> None:
    rng = np.random.default_rng(3)
    draw = walker_source(world.get_blueprint_library(), {"child": 1.0}, rng)
    ages = {draw().get_attribute("age").as_str() for _ in range(50)}
    assert ages == {"child"}


def test_kind_that_no_vehicle_has_is_named(world: carla.World) -> None:
    rng = np.random.default_rng(3)
    with pytest.raises(
        ConfigError, match=r"traffic\.mix: this simulator has no vehicle of kind tram"
    ):
        blueprint_source(world.get_blueprint_library(), {"tram": 1.0}, rng)
