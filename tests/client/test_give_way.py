"""Stop and yield signs: what vehicles are told, and what the Traffic Manager makes of it."""

from collections.abc import Iterator

import carla
import pytest

from tests.client.conftest import TICK_S, connect, free_port, running_server, tick

pytestmark = pytest.mark.server

RED, GREEN = carla.TrafficLightState.Red, carla.TrafficLightState.Green


@pytest.fixture(scope="module")
def suburb(tmp_path_factory: pytest.TempPathFactory, warm_kernels: None) -> Iterator[carla.Client]:
    """A town of stop and yield signs."""
    with running_server("SynthSuburb", "--synchronous", "--fixed-delta", str(TICK_S)) as ours:
        yield connect(ours, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def town(suburb: carla.Client) -> carla.World:
    world = suburb.reload_world(False)
    world.tick()
    return world


def before(world: carla.World, sign: carla.TrafficSign, distance_m: float) -> carla.Transform:
    """A place on the sign's lane, so far before the middle of its trigger volume."""
    center = sign.get_transform().transform(sign.trigger_volume.location)
    place = world.get_map().get_waypoint(center).previous(distance_m)[0].transform
    place.location.z += 0.2
    return place


def spawn(world: carla.World, place: carla.Transform) -> carla.Vehicle:
    car = world.spawn_actor(world.get_blueprint_library().find("vehicle.tesla.model3"), place)
    tick(world, 4)
    return car


def test_stop_sign_holds_a_standing_car_for_two_seconds(town: carla.World) -> None:
    sign = town.get_actors().filter("traffic.stop")[0]
    car = spawn(town, before(town, sign, 3.0))
    assert car.get_traffic_light_state() == RED
    assert not car.is_at_traffic_light()
    tick(town, int(2.5 / TICK_S))
    assert car.get_traffic_light_state() == GREEN


def test_car_far_from_a_sign_sees_green(town: carla.World) -> None:
    sign = town.get_actors().filter("traffic.stop")[0]
    car = spawn(town, before(town, sign, 25.0))
    assert car.get_traffic_light_state() == GREEN


def test_yield_sign_holds_only_while_somebody_comes(town: carla.World) -> None:
    for sign in town.get_actors().filter("traffic.yield"):
        rival = rival_place(town, before(town, sign, 3.0))
        if rival is not None:
            break
    assert rival is not None
    car = spawn(town, before(town, sign, 3.0))
    assert car.get_traffic_light_state() == GREEN
    other = spawn(town, rival)
    assert car.get_traffic_light_state() == RED
    other.destroy()
    town.tick()
    assert car.get_traffic_light_state() == GREEN


def rival_place(world: carla.World, place: carla.Transform) -> carla.Transform | None:
    """A place in the junction ahead, on a way that crosses the one from `place`."""
    road_map = world.get_map()
    here = road_map.get_waypoint(place.location)
    inside = here.next(12.0)[0]
    if not inside.is_junction:
        return None
    own = [w.transform.location for w in here.next_until_lane_end(1.0)]
    own += [w.transform.location for w in inside.next_until_lane_end(1.0)]
    for start, _ in inside.get_junction().get_waypoints(carla.LaneType.Driving):
        came_from = start.previous(2.0)
        if not came_from or came_from[0].road_id == here.road_id:
            continue
        way = start.next_until_lane_end(1.0)
        crosses = min(w.transform.location.distance(p) for w in way for p in own) < 1.0
        if crosses and way[0].transform.location.distance(place.location) > 9.0:
            rival = way[0].transform
            rival.location.z += 0.2
            return rival
    return None


def test_traffic_manager_stops_at_a_stop_sign_and_goes_on(
    suburb: carla.Client, town: carla.World
) -> None:
    manager = suburb.get_trafficmanager(free_port())
    manager.set_synchronous_mode(True)
    sign = town.get_actors().filter("traffic.stop")[0]
    start = before(town, sign, 45.0)
    car = spawn(town, start)
    car.set_autopilot(True, manager.get_port())
    speeds = []
    for _ in range(400):
        town.tick()
        speeds.append(car.get_velocity().length())
    manager.set_synchronous_mode(False)
    manager.shut_down()
    stopped = next(n for n, v in enumerate(speeds) if v < 0.05 and max(speeds[:n] or [0]) > 3.0)
    assert max(speeds[stopped:]) > 3.0
