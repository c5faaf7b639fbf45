"""The blueprint library against what CARLA publishes."""

import carla
import pytest

pytestmark = pytest.mark.server

# CARLA 0.9.16 vehicle catalogue and blueprint library.
EXPECTED = [
    ("vehicle.tesla.model3", "car", "4", "1"),
    ("vehicle.ford.ambulance", "van", "4", "2"),
    ("vehicle.carlamotors.firetruck", "truck", "4", "2"),
    ("vehicle.mitsubishi.fusorosa", "bus", "4", "2"),
    ("vehicle.harley-davidson.low_rider", "motorcycle", "2", "1"),
    ("vehicle.diamondback.century", "bicycle", "2", "1"),
]
CAMERAS = ["rgb", "depth", "semantic_segmentation", "instance_segmentation", "normals",
           "optical_flow", "dvs", "cosmos_visualization"]  # fmt: skip


@pytest.mark.parametrize(("blueprint_id", "base_type", "wheels", "generation"), EXPECTED)
def test_vehicle_has_its_published_attributes(
    library: carla.BlueprintLibrary,
    blueprint_id: str,
    base_type: str,
    wheels: str,
    generation: str,
) -> None:
    blueprint = library.find(blueprint_id)
    assert str(blueprint.get_attribute("base_type")).find(base_type) > 0
    assert blueprint.get_attribute("number_of_wheels").as_int() == int(wheels)
    assert blueprint.get_attribute("generation").as_int() == int(generation)
    assert blueprint.get_attribute("role_name").is_modifiable


def test_library_holds_every_family(library: carla.BlueprintLibrary) -> None:
    assert len(library.filter("vehicle.*")) == 41
    assert len(library.filter("walker.pedestrian.*")) == 52
    assert len(library.filter("static.prop.*")) > 90
    assert len(library.filter("sensor.camera.*")) == len(CAMERAS)
    assert library.find("controller.ai.walker") is not None
    assert library.find("util.actor.empty") is not None


@pytest.mark.parametrize("camera", CAMERAS)
def test_camera_defaults_are_the_published_ones(
    library: carla.BlueprintLibrary, camera: str
) -> None:
    blueprint = library.find(f"sensor.camera.{camera}")
    assert blueprint.get_attribute("image_size_x").as_int() == 800
    assert blueprint.get_attribute("image_size_y").as_int() == 600
    assert blueprint.get_attribute("fov").as_float() == 90.0
    assert blueprint.get_attribute("lens_circle_falloff").as_float() == 5.0


def test_every_attribute_recommends_at_least_its_value(library: carla.BlueprintLibrary) -> None:
    bare = [
        (blueprint.id, attribute.id)
        for blueprint in library
        for attribute in blueprint
        if not attribute.recommended_values
    ]
    assert bare == []


def test_walker_speeds_are_stand_walk_run(library: carla.BlueprintLibrary) -> None:
    speeds = library.find("walker.pedestrian.0001").get_attribute("speed").recommended_values
    assert len(speeds) == 3
    assert float(speeds[0]) == 0.0 < float(speeds[1]) < float(speeds[2])
