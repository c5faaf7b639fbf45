"""The label side's geometry meets what the server renders: they share no code."""

from __future__ import annotations

import math
import queue
from typing import Any

import carla
import numpy as np
import pytest

from sensors.carla_adapter import images, point_sensors
from sensors.carla_adapter.poses import pose_from_carla
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3

pytestmark = pytest.mark.server

WIDTH, HEIGHT, FOV_DEG = 800, 450, 80.0
CAMERA = PinholeCamera.from_fov(WIDTH, HEIGHT, math.radians(FOV_DEG))
# Camera axes (right, down, ahead) in CARLA's sensor frame turned right-handed (ahead, left, up).
MOUNT_FROM_OPTICAL = SE3(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.zeros(3))


def measure_once(world: Any, sensors: dict[str, Any]) -> dict[str, Any]:
    queues: dict[str, Any] = {name: queue.Queue() for name in sensors}
    for name, sensor in sensors.items():
        sensor.listen(queues[name].put)
    frame = world.tick()
    measured = {name: q.get(timeout=60) for name, q in queues.items()}
    assert {m.frame for m in measured.values()} == {frame}
    for sensor in sensors.values():
        sensor.stop()
    return measured


def spawn_sensor(world: Any, kind: str, transform: Any, **attributes: Any) -> Any:
    blueprint = world.get_blueprint_library().find(kind)
    for name, value in attributes.items():
        blueprint.set_attribute(name, str(value))
    return world.spawn_actor(blueprint, transform)


@pytest.fixture
def scene(straight_world: Any) -> Any:
    """A still car, rolled, pitched and yawed, off the image's centre; camera and LiDARs look.

    It is 80 m away: the rounded corners of a body, up to 0.3 m inside its box, are then 2 px.
    """
    world = straight_world
    library = world.get_blueprint_library()
    car = world.spawn_actor(
        library.find("vehicle.lincoln.mkz_2020"), carla.Transform(carla.Location(60, 0, 3))
    )
    world.tick()
    car.set_simulate_physics(False)
    rotation = carla.Rotation(pitch=4, yaw=-27, roll=9)
    car.set_transform(carla.Transform(carla.Location(112, 4.5, 2.2), rotation))
    world.tick()
    eye = carla.Transform(carla.Location(32, -1.0, 2.5), carla.Rotation(pitch=-2, yaw=19, roll=3))
    size = {"image_size_x": WIDTH, "image_size_y": HEIGHT, "fov": FOV_DEG}
    scan = {"channels": 64, "range": 120, "points_per_second": 6_000_000, "rotation_frequency": 20}
    fov = {"upper_fov": 4, "lower_fov": -6}
    quiet = {"noise_stddev": 0, "dropoff_general_rate": 0, "dropoff_zero_intensity": 0}
    sensors = {
        "depth": spawn_sensor(world, "sensor.camera.depth", eye, **size),
        "instance": spawn_sensor(world, "sensor.camera.instance_segmentation", eye, **size),
        "lidar": spawn_sensor(world, "sensor.lidar.ray_cast", eye, **scan, **fov, **quiet),
        "semantic": spawn_sensor(world, "sensor.lidar.ray_cast_semantic", eye, **scan, **fov),
    }
    measured = measure_once(world, sensors)
    return car, measured


def cuboid_of(car: Any) -> Cuboid:
    box = car.bounding_box
    center = np.array([box.location.x, -box.location.y, box.location.z])
    world_from_actor = pose_from_carla(car.get_transform())
    size = 2 * np.array([box.extent.x, box.extent.y, box.extent.z])
    return Cuboid(world_from_actor @ SE3(np.eye(3), center), size)


def test_projected_cuboid_meets_the_rendered_mask(scene: Any) -> None:
    car, measured = scene
    mask = images.decode_instance(measured["instance"]) == car.id % 32768
    rows, columns = np.nonzero(mask)
    world_from_camera = pose_from_carla(measured["instance"].transform) @ MOUNT_FROM_OPTICAL
    corners = world_from_camera.inverse().apply(cuboid_of(car).corners_m)
    pixels = CAMERA.project(corners)
    rendered = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    projected = [*pixels.min(axis=0), *pixels.max(axis=0)]
    np.testing.assert_allclose(rendered, projected, atol=2.0)


def test_lidar_points_of_the_car_lie_inside_its_box(scene: Any) -> None:
    car, measured = scene
    points = point_sensors.join_semantics(
        point_sensors.decode_lidar(measured["lidar"]), measured["semantic"]
    )
    assert points.object_id is not None
    own = points.xyz_m[points.object_id == car.id].astype(np.float64)
    assert len(own) > 100
    world_m = pose_from_carla(measured["lidar"].transform).apply(own)
    assert cuboid_of(car).contains(world_m, margin_m=0.05).all()


def test_depth_agrees_with_lidar_on_the_car(scene: Any) -> None:
    car, measured = scene
    points = point_sensors.decode_lidar(measured["lidar"]).xyz_m.astype(np.float64)
    world_m = pose_from_carla(measured["lidar"].transform).apply(points)
    world_from_camera = pose_from_carla(measured["depth"].transform) @ MOUNT_FROM_OPTICAL
    camera_m = world_from_camera.inverse().apply(world_m)
    ahead = camera_m[camera_m[:, 2] > 1]
    pixels = np.floor(CAMERA.project(ahead)).astype(int)
    inside = (pixels >= 1).all(axis=1) & (pixels < [WIDTH - 1, HEIGHT - 1]).all(axis=1)
    columns, rows = pixels[inside].T
    depth_m = images.decode_depth(measured["depth"])[rows, columns] / 100.0
    instance = images.decode_instance(measured["instance"]) == car.id % 32768
    # Away from the silhouette, where the pixel's centre ray and the LiDAR's hit the same surface.
    core = instance.copy()
    for _ in range(2):
        core[1:-1, 1:-1] &= core[:-2, 1:-1] & core[2:, 1:-1] & core[1:-1, :-2] & core[1:-1, 2:]
    on_car = core[rows, columns]
    gap_m = np.abs(depth_m - ahead[inside][:, 2])[on_car]
    assert on_car.sum() > 50
    assert np.median(gap_m) < 0.05
