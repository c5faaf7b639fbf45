"""Spawning, destroying, placing, attaching, batches."""

import carla
import pytest

from tests.client.conftest import free_port, tick

pytestmark = pytest.mark.server


def test_spawned_actor_is_listed_after_the_tick(world: carla.World, car: carla.Vehicle) -> None:
    assert car.id in [actor.id for actor in world.get_actors()]
    assert car.semantic_tags == [14]
    assert car.attributes["role_name"] == "autopilot"


def test_box_is_the_published_one(car: carla.Vehicle) -> None:
    # CARLA's Tesla Model 3 box: 4.79 x 2.16 x 1.49 m.
    extent = car.bounding_box.extent
    assert (extent.x, extent.y, extent.z) == pytest.approx((2.396, 1.081, 0.744), abs=0.002)
    assert car.bounding_box.location.z == pytest.approx(extent.z)


def test_second_car_on_the_same_place_is_refused(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    blueprint = library.find("vehicle.audi.tt")
    place = world.get_map().get_spawn_points()[0]
    assert world.try_spawn_actor(blueprint, place) is None
    with pytest.raises(RuntimeError, match="Spawn failed because of collision at spawn position"):
        world.spawn_actor(blueprint, place)


def test_destroyed_actor_is_gone(world: carla.World, car: carla.Vehicle) -> None:
    assert car.destroy()
    world.tick()
    assert world.get_snapshot().find(car.id) is None


def test_actor_without_physics_stays_exactly_where_it_is_put(
    world: carla.World, car: carla.Vehicle
) -> None:
    car.set_simulate_physics(False)
    there = carla.Transform(carla.Location(3.0, 4.0, -80.0), carla.Rotation(5.0, 6.0, 7.0))
    car.set_transform(there)
    tick(world, 10)
    assert car.get_location().distance(there.location) == 0.0
    assert car.get_transform().rotation.roll == pytest.approx(7.0)
    assert car.get_velocity().length() == 0.0


def test_car_above_the_road_falls_to_it(world: carla.World, car: carla.Vehicle) -> None:
    place = car.get_transform()
    place.location.z += 3.0
    car.set_transform(place)
    tick(world, 60)
    assert car.get_location().z == pytest.approx(place.location.z - 3.0, abs=0.1)


def test_child_follows_its_parent(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    mount = carla.Transform(carla.Location(1.5, 0.2, 2.0), carla.Rotation(-5.0, 10.0, 0.0))
    camera = world.spawn_actor(library.find("sensor.camera.depth"), mount, attach_to=car)
    world.tick()
    # The client's own transform arithmetic is the oracle.
    expected = car.get_transform().transform(mount.location)
    assert camera.get_location().distance(expected) < 1e-3
    assert camera.parent.id == car.id


def test_batch_spawns_lights_and_reports_what_failed(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    command = carla.command
    lights = carla.VehicleLightState(carla.VehicleLightState.LowBeam)
    points = world.get_map().get_spawn_points()
    blueprint = library.find("vehicle.audi.tt")
    batch = [
        command.SpawnActor(blueprint, point).then(
            command.SetVehicleLightState(command.FutureActor, lights)
        )
        for point in (points[5], points[20], points[5])
    ]
    responses = client.apply_batch_sync(batch, True)
    assert [bool(response.error) for response in responses] == [False, False, True]
    first = world.get_actor(responses[0].actor_id)
    assert first.get_light_state() == carla.VehicleLightState.LowBeam
    gone = client.apply_batch_sync([command.DestroyActor(r.actor_id) for r in responses[:2]], True)
    assert not any(response.error for response in gone)
    assert len(world.get_actors().filter("vehicle.audi.tt")) == 0


def test_destroying_what_is_gone_does_no_harm(
    client: carla.Client, world: carla.World, car: carla.Vehicle
) -> None:
    assert client.apply_batch_sync([carla.command.DestroyActor(car.id)], True)[0].error == ""
    assert client.apply_batch_sync([carla.command.DestroyActor(car.id)], True)[0].error
    world.tick()


def test_prop_stands_and_is_static(world: carla.World, library: carla.BlueprintLibrary) -> None:
    place = world.get_map().get_spawn_points()[3]
    prop = world.spawn_actor(library.find("static.prop.bench01"), place)
    tick(world, 5)
    assert prop.get_location().distance(place.location) < 1e-3
    # CARLA sensors reference: "fixed benches" are static.
    assert prop.semantic_tags == [20]


def test_attached_prop_rides_along(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    mount = carla.Transform(carla.Location(-0.5, 0.0, 3.0))
    box = world.spawn_actor(library.find("static.prop.box01"), mount, attach_to=car)
    car.set_target_velocity(car.get_transform().get_forward_vector() * 5.0)
    tick(world, 10)
    expected = car.get_transform().transform(mount.location)
    assert box.get_location().distance(expected) < 1e-2


def test_batch_spawns_cars_on_autopilot(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    manager = client.get_trafficmanager(free_port())
    manager.set_synchronous_mode(True)
    command = carla.command
    point = world.get_map().get_spawn_points()[0]
    then = command.SetAutopilot(command.FutureActor, True, manager.get_port())
    spawn = command.SpawnActor(library.find("vehicle.tesla.model3"), point).then(then)
    answer = client.apply_batch_sync([spawn], True)[0]
    assert answer.error == ""
    # The Traffic Manager looks for new cars once in a while.
    tick(world, 60)
    moved = world.get_actor(answer.actor_id).get_location().distance(point.location)
    manager.set_synchronous_mode(False)
    manager.shut_down()
    assert moved > 1.0


def test_failing_afterthought_leaves_the_spawn_as_it_is(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    command = carla.command
    point = world.get_map().get_spawn_points()[0]
    control = command.ApplyWalkerControl(command.FutureActor, carla.WalkerControl())
    spawn = command.SpawnActor(library.find("vehicle.audi.tt"), point).then(control)
    answer = client.apply_batch_sync([spawn], True)[0]
    assert answer.error == ""
    assert world.get_actor(answer.actor_id).type_id == "vehicle.audi.tt"


def test_tags_of_props_are_those_that_cameras_see(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    place = world.get_map().get_spawn_points()[0].location
    above = carla.Transform(carla.Location(place.x, place.y, place.z + 50.0))
    cone = world.spawn_actor(library.find("static.prop.trafficcone01"), above)
    # CARLA sensors reference: 20 is static, 21 dynamic, "elements whose position can change".
    assert cone.semantic_tags == [21]


PARKED = (
    "/Game/Carla/Static/Car/4Wheeled/ParkedVehicles/TeslaM3/SM_TeslaM3_parked.SM_TeslaM3_parked"
)


def test_mesh_of_a_parked_car_is_a_car(world: carla.World, library: carla.BlueprintLibrary) -> None:
    # As CARLA's leaderboard 2.0 parks cars along its routes.
    blueprint = library.find("static.prop.mesh")
    blueprint.set_attribute("mesh_path", PARKED)
    place = world.get_map().get_spawn_points()[0]
    place.location.z -= 0.3
    parked = world.spawn_actor(blueprint, place)
    world.tick()
    assert parked.attributes["mesh_path"] == PARKED
    assert list(parked.semantic_tags) == [int(carla.CityObjectLabel.Car)]
    assert parked.bounding_box.extent.x == pytest.approx(2.396, abs=0.001)
    center = parked.get_transform().transform(parked.bounding_box.location)
    boxes = world.get_level_bbs(carla.CityObjectLabel.Car)
    assert min(box.location.distance(center) for box in boxes) < 1e-3
    above = carla.Location(place.location.x, place.location.y, place.location.z + 4.0)
    below = world.project_point(above, carla.Vector3D(0.0, 0.0, -1.0), 6.0)
    assert below.label == carla.CityObjectLabel.Car
    assert below.location.z > place.location.z + 1.2
