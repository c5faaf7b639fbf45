"""Posts of lights and signs: solid, seen, hidden piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import carla
import pytest

from tests.client.acting import place, spawn_car, spawn_walker, ticks
from tests.client.conftest import TICK_S, connect, running_server
from tests.client.straight_road import opendrive_text
from tests.client.test_collisions import collision_sensor, run_into

pytestmark = pytest.mark.server

# On the right sidewalk, which is y from 7 m to 10 m.
LIGHT_X_M, SIGN_X_M, POST_Y_M = 200.0, 300.0, 8.5
_SIGNAL = """<signal s="{s}" t="{t}" id="{id}" name="{id}" dynamic="{dynamic}" orientation="+"
 zOffset="0" country="OpenDRIVE" type="{type}" subtype="-1" value="{value}" height="1" width="1"
 hOffset="0" pitch="0" roll="0"/>"""
SIGNALS = _SIGNAL.format(
    s=LIGHT_X_M, t=-POST_Y_M, id=1, dynamic="yes", type="1000001", value=-1
) + _SIGNAL.format(s=SIGN_X_M, t=-POST_Y_M, id=2, dynamic="no", type="274", value=30)


@pytest.fixture(scope="module")
def posts_client(
    tmp_path_factory: pytest.TempPathFactory, warm_kernels: None
) -> Iterator[carla.Client]:
    folder = tmp_path_factory.mktemp("posts")
    path = folder / "posts.xodr"
    path.write_text(opendrive_text(SIGNALS), encoding="utf-8")
    with running_server("--synchronous", "--fixed-delta", str(TICK_S), "--map", str(path)) as ours:
        client = connect(ours, folder)
        world = client.get_world()
        clutter = {
            item.id
            for item in world.get_environment_objects(carla.CityObjectLabel.Any)
            if not item.name.startswith(("BP_", "Road_"))
        }
        world.enable_environment_objects(clutter, False)
        world.tick()
        yield client


@pytest.fixture
def world(posts_client: carla.Client) -> Iterator[carla.World]:
    world = posts_client.get_world()
    yield world
    world.tick()
    for actor in world.get_actors():
        if actor.type_id.split(".")[0] in ("vehicle", "walker", "sensor"):
            actor.destroy()
    world.tick()


def _post(world: carla.World, x_m: float) -> Any:
    """The environment object that is the post at x."""
    poles = world.get_environment_objects(carla.CityObjectLabel.Poles)
    (post,) = [item for item in poles if abs(item.transform.location.x - x_m) < 0.01]
    return post


@pytest.mark.parametrize(
    ("x_m", "type_id"),
    [(LIGHT_X_M, "traffic.traffic_light"), (SIGN_X_M, "traffic.speed_limit.30")],
)
def test_car_is_stopped_by_the_post_of_a_signal(
    world: carla.World, x_m: float, type_id: str
) -> None:
    (signal,) = world.get_actors().filter(type_id)
    assert signal.get_location().x == pytest.approx(x_m, abs=0.01)
    car = spawn_car(world, x=x_m - 9.0, y=POST_Y_M)
    with collision_sensor(world, car) as events:
        run_into(world, car, mps=8.0)
    assert {(event.other_actor.id, event.other_actor.type_id) for event in events} == {
        (signal.id, type_id)
    }
    assert events[0].normal_impulse.x < 0.0
    assert place(car)[0] + car.bounding_box.extent.x < x_m + 0.2


def test_car_cannot_be_spawned_in_a_post(world: carla.World) -> None:
    blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
    at_post = carla.Transform(carla.Location(LIGHT_X_M + 1.0, POST_Y_M, 0.4))
    assert world.try_spawn_actor(blueprint, at_post) is None


def test_walker_who_meets_a_post_a_little_aside_passes_it(world: carla.World) -> None:
    walker = spawn_walker(world, x=LIGHT_X_M - 3.0, y=POST_Y_M + 0.15)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.5))
    ticks(world, 100)
    assert place(walker)[0] > LIGHT_X_M + 2.0


def _labels_around(world: carla.World, box: carla.BoundingBox) -> set[carla.CityObjectLabel]:
    """What rays along both level axes through the middle of a box meet."""
    reaches = [carla.Location(x=4.0), carla.Location(y=4.0)]
    return {
        point.label
        for reach in reaches
        for point in world.cast_ray(box.location + reach, box.location - reach)
    }


def test_head_of_a_light_is_hidden_without_its_post(world: carla.World) -> None:
    # CARLA, ObjectRegister.cpp: each box of a light is an object of its own and hides by itself.
    heads = world.get_environment_objects(carla.CityObjectLabel.TrafficLight)
    post = _post(world, LIGHT_X_M)
    low = min(heads, key=lambda item: item.bounding_box.location.z)
    foot = carla.BoundingBox(carla.Location(LIGHT_X_M, POST_Y_M, 1.0), carla.Vector3D())
    world.enable_environment_objects({head.id for head in heads}, False)
    world.tick()
    seen = _labels_around(world, low.bounding_box)
    assert carla.CityObjectLabel.TrafficLight not in seen
    assert carla.CityObjectLabel.Poles in _labels_around(world, foot)
    world.enable_environment_objects({post.id}, False)
    world.tick()
    assert carla.CityObjectLabel.Poles not in _labels_around(world, foot)
    world.enable_environment_objects({post.id, *(head.id for head in heads)}, True)
    world.tick()
    assert carla.CityObjectLabel.TrafficLight in _labels_around(world, low.bounding_box)
    assert carla.CityObjectLabel.Poles in _labels_around(world, foot)


def test_hidden_post_lets_a_car_through(world: carla.World) -> None:
    post = _post(world, SIGN_X_M)
    world.enable_environment_objects({post.id}, False)
    car = spawn_car(world, x=SIGN_X_M - 9.0, y=POST_Y_M)
    run_into(world, car, mps=12.0)
    world.enable_environment_objects({post.id}, True)
    assert place(car)[0] > SIGN_X_M + 3.0


def test_boxes_of_a_light_hold_its_heads(world: carla.World) -> None:
    (light,) = world.get_actors().filter("traffic.traffic_light")
    boxes = light.get_light_boxes()
    label = carla.CityObjectLabel.TrafficLight
    assert len(boxes) == 2
    for box in boxes:
        middle, half = box.location, box.extent
        # The face looks against the traffic, along -x here; rays from before it end in the box.
        start = carla.Location(middle.x - 3.0, middle.y, middle.z)
        end = carla.Location(middle.x + 3.0, middle.y, middle.z)
        hits = [point for point in world.cast_ray(start, end) if point.label == label]
        assert hits
        assert all(box.contains(point.location, carla.Transform()) for point in hits)
        beside = carla.Location(middle.x - 3.0, middle.y + max(half.x, half.y) + 0.03, middle.z)
        past = carla.Location(beside.x + 6.0, beside.y, beside.z)
        assert label not in {point.label for point in world.cast_ray(beside, past)}


def test_recorder_tells_of_a_light_that_was_hit(
    world: carla.World, tmp_path_factory: pytest.TempPathFactory, posts_client: carla.Client
) -> None:
    # CARLA, "Recorder": collisions of vehicles with traffic lights are asked for by v and t.
    name = str(tmp_path_factory.mktemp("recording") / "hit.log")
    (light,) = world.get_actors().filter("traffic.traffic_light")
    posts_client.start_recorder(name)
    car = spawn_car(world, x=LIGHT_X_M - 9.0, y=POST_Y_M)
    with collision_sensor(world, car):
        run_into(world, car, mps=8.0)
    posts_client.stop_recorder()
    rows = posts_client.show_recorder_collisions(name, "v", "t").splitlines()
    assert any(f" {car.id} " in row and f" {light.id} traffic.traffic_light" in row for row in rows)


def test_names_of_pieces_tell_what_they_are(world: carla.World) -> None:
    # Of CARLA's towns programs know Road_Sidewalk_Town06_3_SM_0, BP_SpeedLimit30_2_SM_0, ...
    signs = world.get_environment_objects(carla.CityObjectLabel.TrafficSigns)
    assert "SpeedLimit30" in {item.name.split("_")[1] for item in signs}
    walks = world.get_environment_objects(carla.CityObjectLabel.Sidewalks)
    assert all("_Sidewalk_posts_" in item.name for item in walks)
