"""Environment objects, rays, lamps, layers, debug shapes."""

import time

import carla
import numpy as np
import pytest

from tests.client.conftest import tick

pytestmark = pytest.mark.server


def test_object_ids_are_stable_over_episodes(client: carla.Client, world: carla.World) -> None:
    before = [item.id for item in world.get_environment_objects(carla.CityObjectLabel.Any)]
    fresh = client.reload_world(False)
    after = [item.id for item in fresh.get_environment_objects(carla.CityObjectLabel.Any)]
    assert before == after
    assert len(set(before)) == len(before) > 100


def test_level_boxes_are_those_of_the_label(world: carla.World) -> None:
    boxes = world.get_level_bbs(carla.CityObjectLabel.Buildings)
    objects = world.get_environment_objects(carla.CityObjectLabel.Buildings)
    assert len(boxes) == len(objects) > 10
    assert all(item.type == carla.CityObjectLabel.Buildings for item in objects)


GROUND_LABELS = ("Roads", "Sidewalks", "RoadLines", "Terrain", "Ground")


@pytest.mark.parametrize("name", GROUND_LABELS)
def test_pieces_of_the_ground_have_boxes_and_names(world: carla.World, name: str) -> None:
    label = getattr(carla.CityObjectLabel, name)
    objects = world.get_environment_objects(label)
    assert len(world.get_level_bbs(label)) == len(objects) > 10
    assert {item.type for item in objects} == {label}
    assert (
        len({item.id for item in objects}) == len({item.name for item in objects}) == len(objects)
    )


def test_every_waypoint_lies_in_the_box_of_a_piece_of_road(world: carla.World) -> None:
    boxes = world.get_level_bbs(carla.CityObjectLabel.Roads)
    low, high = (
        np.array(
            [
                [
                    box.location.x + sign * box.extent.x,
                    box.location.y + sign * box.extent.y,
                    box.location.z + sign * box.extent.z,
                ]
                for box in boxes
            ]
        )
        for sign in (-1.0, 1.0)
    )
    waypoints = world.get_map().generate_waypoints(5.0)
    places = [waypoint.transform.location for waypoint in waypoints]
    points = np.array([[place.x, place.y, place.z] for place in places])
    # A hand's breadth for the middle of a lane on a crest.
    inside = (points[:, None] >= low - 0.1) & (points[:, None] <= high + 0.1)
    assert np.all(inside, axis=2).sum(axis=1).min() >= 1


def test_crosswalks_are_pieces_of_their_own(world: carla.World) -> None:
    # The map's list has each crosswalk as a ring: its first corner comes once more at its end.
    corners = world.get_map().get_crosswalks()
    painted = [
        item
        for item in world.get_environment_objects(carla.CityObjectLabel.RoadLines)
        if "_Crosswalk_" in item.name
    ]
    assert len(painted) > 10
    for item in painted:
        low = min(item.bounding_box.extent.x, item.bounding_box.extent.y)
        assert 0.8 < low < 3.5
        ring = [
            min(corner.distance(vertex) for corner in corners)
            for vertex in item.bounding_box.get_local_vertices()
        ]
        assert max(ring) < 0.5


def test_hidden_piece_of_road_is_not_seen(world: carla.World) -> None:
    waypoint = world.get_map().generate_waypoints(20.0)[5].transform.location
    above = carla.Location(waypoint.x + 0.4, waypoint.y + 0.3, waypoint.z + 3.0)
    assert world.ground_projection(above, 10.0).label == carla.CityObjectLabel.Roads
    roads = {item.id for item in world.get_environment_objects(carla.CityObjectLabel.Roads)}
    world.enable_environment_objects(roads, False)
    world.tick()
    found = world.ground_projection(above, 10.0)
    assert found is None or found.label != carla.CityObjectLabel.Roads
    world.enable_environment_objects(roads, True)
    world.tick()
    assert world.ground_projection(above, 10.0).label == carla.CityObjectLabel.Roads


def _hit(world: carla.World, box: carla.BoundingBox) -> carla.CityObjectLabel | None:
    above = carla.Location(box.location.x, box.location.y, box.location.z + box.extent.z + 5.0)
    found = world.project_point(above, carla.Vector3D(0.0, 0.0, -1.0), 6.0 + box.extent.z)
    return found.label if found else None


def test_disabled_object_is_neither_seen_nor_hit(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    parked = world.get_environment_objects(carla.CityObjectLabel.Car)[0]
    assert _hit(world, parked.bounding_box) == carla.CityObjectLabel.Car
    blueprint = library.find("vehicle.audi.tt")
    place = carla.Transform(parked.transform.location, parked.transform.rotation)
    assert world.try_spawn_actor(blueprint, place) is None
    world.enable_environment_objects({parked.id}, False)
    world.tick()
    assert _hit(world, parked.bounding_box) != carla.CityObjectLabel.Car
    assert world.try_spawn_actor(blueprint, place) is not None
    world.enable_environment_objects({parked.id}, True)


def test_unloaded_layer_hides_the_parked_cars(world: carla.World) -> None:
    parked = world.get_environment_objects(carla.CityObjectLabel.Car)[0]
    world.unload_map_layer(carla.MapLayer.ParkedVehicles)
    world.tick()
    assert _hit(world, parked.bounding_box) != carla.CityObjectLabel.Car
    world.load_map_layer(carla.MapLayer.ParkedVehicles)
    world.tick()
    assert _hit(world, parked.bounding_box) == carla.CityObjectLabel.Car


def test_ground_projection_is_the_road_height(world: carla.World) -> None:
    waypoint = world.get_map().generate_waypoints(20.0)[5].transform.location
    above = carla.Location(waypoint.x + 0.4, waypoint.y + 0.3, waypoint.z + 3.0)
    assert world.ground_projection(above, 10.0).location.z == pytest.approx(waypoint.z, abs=0.05)
    assert world.ground_projection(above, 1.0) is None


def test_cast_ray_lists_what_it_passes(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    place = car.get_location()
    start = carla.Location(place.x, place.y, place.z + 10.0)
    end = carla.Location(place.x, place.y, place.z - 1.0)
    labels = [point.label for point in world.cast_ray(start, end)]
    assert labels[0] == carla.CityObjectLabel.Car
    assert carla.CityObjectLabel.Roads in labels


def test_street_lights_are_switched(world: carla.World) -> None:
    manager = world.get_lightmanager()
    lights = manager.get_all_lights(carla.LightGroup.Street)
    assert len(lights) > 5
    manager.turn_off(lights[:3])
    tick(world, 2)
    assert [manager.is_active(lights[:1])[0], manager.is_active(lights[5:6])[0]] == [False, True]
    manager.turn_on(lights[:3])


def test_night_is_darker_under_a_lamp_that_is_off(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    world.set_weather(carla.WeatherParameters.ClearNight)
    manager = world.get_lightmanager()
    lights = manager.get_all_lights(carla.LightGroup.Street)
    blueprint = library.find("sensor.camera.rgb")
    for name, value in (
        ("image_size_x", "64"),
        ("image_size_y", "64"),
        ("exposure_mode", "manual"),
    ):
        blueprint.set_attribute(name, value)
    above = carla.Transform(lights[0].location, carla.Rotation(pitch=-90.0))
    above.location.z -= 0.6
    camera = world.spawn_actor(blueprint, above)
    images: list[carla.Image] = []
    camera.listen(images.append)
    world.tick()
    manager.turn_off(lights)
    tick(world, 3)
    deadline = time.monotonic() + 20.0
    while len(images) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    manager.turn_on(lights)
    camera.stop()
    pixels = [np.frombuffer(image.raw_data, np.uint8).reshape(-1, 4)[:, :3] for image in images]
    assert pixels[0].mean() > 2.0 * pixels[-1].mean()


def test_debug_shapes_are_taken(world: carla.World, car: carla.Vehicle) -> None:
    here = car.get_location()
    world.debug.draw_point(here, 0.1, carla.Color(255, 0, 0), 1.0)
    world.debug.draw_line(here, here + carla.Location(x=1.0))
    world.debug.draw_box(car.bounding_box, car.get_transform().rotation)
    world.debug.draw_string(here, "here")
    tick(world, 2)


def test_unsupported_calls_say_so(world: carla.World, library: carla.BlueprintLibrary) -> None:
    texture = carla.TextureColor(2, 2)
    with pytest.raises(RuntimeError, match="textures cannot be changed"):
        world.apply_color_texture_to_object("x", carla.MaterialParameter.Diffuse, texture)


def test_level_boxes_hold_lights_plates_and_actors(
    client: carla.Client, world: carla.World, car: carla.Vehicle
) -> None:
    heads = world.get_level_bbs(carla.CityObjectLabel.TrafficLight)
    lights = world.get_actors().filter("traffic.traffic_light")
    assert len(heads) == sum(len(light.get_light_boxes()) for light in lights) > 0
    plates = world.get_level_bbs(carla.CityObjectLabel.TrafficSigns)
    assert len(plates) >= len(world.get_actors().filter("traffic.speed_limit.*")) > 0
    center = car.get_transform().transform(car.bounding_box.location)
    cars = world.get_level_bbs(carla.CityObjectLabel.Car)
    assert min(box.location.distance(center) for box in cars) < 1e-3


def test_world_can_be_loaded_without_its_parked_cars(client: carla.Client) -> None:
    world = client.load_world("SynthDowntown", False, carla.MapLayer.Buildings)
    world.tick()
    parked = world.get_environment_objects(carla.CityObjectLabel.Car)[0]
    building = world.get_environment_objects(carla.CityObjectLabel.Buildings)[0]
    assert _hit(world, parked.bounding_box) != carla.CityObjectLabel.Car
    assert _hit(world, building.bounding_box) == carla.CityObjectLabel.Buildings
    client.load_world("SynthDowntown", False)


def _labels(world: carla.World, box: carla.BoundingBox) -> set[carla.CityObjectLabel]:
    """What rays through the middle of a box meet, along both horizontal axes of the map."""
    reaches = (carla.Location(x=2.0), carla.Location(y=2.0))
    return {
        hit.label
        for reach in reaches
        for hit in world.cast_ray(box.location + reach, box.location - reach)
    }


def test_lights_and_signs_are_environment_objects_that_can_be_hidden(world: carla.World) -> None:
    # CARLA registers both (UObjectRegister::RegisterObjects).
    lights = world.get_environment_objects(carla.CityObjectLabel.TrafficLight)
    actors = world.get_actors().filter("traffic.traffic_light")
    assert len(lights) == sum(len(light.get_light_boxes()) for light in actors) > 0
    signs = world.get_environment_objects(carla.CityObjectLabel.TrafficSigns)
    assert len(signs) >= len(world.get_actors().filter("traffic.speed_limit.*")) > 0
    pair = (lights[0], lights[-1])
    head, other = (_labels(world, light.bounding_box) for light in pair)
    assert carla.CityObjectLabel.TrafficLight in head & other
    world.enable_environment_objects({lights[0].id}, False)
    world.tick()
    head, other = (_labels(world, light.bounding_box) for light in pair)
    assert carla.CityObjectLabel.TrafficLight in other - head
    world.enable_environment_objects({lights[0].id}, True)
    world.tick()
    assert carla.CityObjectLabel.TrafficLight in _labels(world, lights[0].bounding_box)
