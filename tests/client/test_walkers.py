"""Walkers: control, jump, skeleton, navigation."""

import carla
import pytest

from tests.client.conftest import tick

pytestmark = pytest.mark.server


@pytest.fixture
def walker(world: carla.World, library: carla.BlueprintLibrary) -> carla.Walker:
    blueprint = library.find("walker.pedestrian.0001")
    walker = None
    while walker is None:  # a place may be behind a tree or a bench
        place = world.get_random_location_from_navigation()
        place.z += 1.0
        walker = world.try_spawn_actor(blueprint, carla.Transform(place))
    tick(world, 10)
    return walker


def test_walker_walks_at_its_speed(world: carla.World, walker: carla.Walker) -> None:
    before = walker.get_location()
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.4, False))
    tick(world, 20)
    assert walker.get_location().distance(before) == pytest.approx(1.4, abs=0.2)
    assert walker.get_velocity().length() == pytest.approx(1.4, abs=0.1)
    assert walker.get_control().speed == pytest.approx(1.4)


def test_walkers_location_is_at_mid_height(walker: carla.Walker) -> None:
    assert walker.bounding_box.location.z == 0.0
    assert 0.8 < walker.bounding_box.extent.z < 1.0
    assert walker.semantic_tags == [12]


def test_jump_leaves_the_ground(world: carla.World, walker: carla.Walker) -> None:
    ground = walker.get_location().z
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, True))
    heights = []
    for _ in range(15):
        world.tick()
        heights.append(walker.get_location().z - ground)
    assert max(heights) > 0.15


def test_skeleton_has_carlas_bones_at_plausible_heights(walker: carla.Walker) -> None:
    bones = {bone.name: bone for bone in walker.get_bones().bone_transforms}
    head, foot = bones["crl_Head__C"], bones["crl_foot__L"]
    assert head.world.location.z - foot.world.location.z == pytest.approx(1.5, abs=0.3)
    assert head.component.location.z > 0.5


def test_set_bones_show_when_blended(world: carla.World, walker: carla.Walker) -> None:
    def arm_roll() -> float:
        bones = {bone.name: bone for bone in walker.get_bones().bone_transforms}
        return float(bones["crl_arm__R"].relative.rotation.roll)

    bones = {bone.name: bone for bone in walker.get_bones().bone_transforms}
    raised = bones["crl_arm__R"].relative
    raised.rotation = carla.Rotation(0.0, 0.0, -90.0)
    pose = carla.WalkerBoneControlIn()
    pose.bone_transforms = [("crl_arm__R", raised)]
    walker.set_bones(pose)
    assert abs(arm_roll()) < 60.0
    walker.blend_pose(1.0)
    assert arm_roll() == pytest.approx(-90.0, abs=1.0)
    walker.hide_pose()
    assert abs(arm_roll()) < 60.0


def test_navigation_sends_walkers_along(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    world.set_pedestrians_seed(4)
    walkers, controllers = [], []
    for number in range(1, 7):
        place = world.get_random_location_from_navigation()
        place.z += 1.0
        walker = world.try_spawn_actor(
            library.find(f"walker.pedestrian.{number:04d}"), carla.Transform(place)
        )
        walkers += [walker] if walker else []
    world.tick()
    for walker in walkers:
        controllers.append(
            world.spawn_actor(library.find("controller.ai.walker"), carla.Transform(), walker)
        )
    world.tick()
    for controller in controllers:
        controller.start()
        controller.go_to_location(world.get_random_location_from_navigation())
        controller.set_max_speed(1.4)
    before = {walker.id: walker.get_location() for walker in walkers}
    tick(world, 120)
    walked = [walker.get_location().distance(before[walker.id]) for walker in walkers]
    assert sum(distance > 2.0 for distance in walked) >= len(walkers) - 1
    for controller in controllers:
        controller.stop()
