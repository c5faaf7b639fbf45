"""What sensors deliver: frames, counts, encodings, noise, events."""

import math
import time
from collections.abc import Callable, Iterator

import carla
import numpy as np
import pytest

from tests.client.conftest import TICK_S, tick

pytestmark = pytest.mark.server

Listen = Callable[..., list[carla.SensorData]]


@pytest.fixture
def listen(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> Iterator[Listen]:
    """Spawn a sensor on the car and collect what it sends."""
    sensors = []

    def start(blueprint_id: str, **attributes: object) -> list[carla.SensorData]:
        blueprint = library.find(blueprint_id)
        for name, value in attributes.items():
            blueprint.set_attribute(name, str(value))
        mount = carla.Transform(carla.Location(x=0.5, z=2.2))
        sensor = world.spawn_actor(blueprint, mount, attach_to=car)
        found: list[carla.SensorData] = []
        sensor.listen(found.append)
        sensors.append(sensor)
        return found

    yield start
    for sensor in sensors:
        sensor.stop()


def arrived(found: list[carla.SensorData], count: int) -> list[carla.SensorData]:
    """The messages once that many are there."""
    deadline = time.monotonic() + 20.0
    while len(found) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


SMALL = {"image_size_x": 64, "image_size_y": 48}
EVERY_TICK = [
    ("sensor.camera.rgb", SMALL),
    ("sensor.camera.depth", SMALL),
    ("sensor.camera.semantic_segmentation", SMALL),
    ("sensor.camera.instance_segmentation", SMALL),
    ("sensor.camera.normals", SMALL),
    ("sensor.camera.optical_flow", SMALL),
    ("sensor.camera.cosmos_visualization", SMALL),
    ("sensor.lidar.ray_cast", {"points_per_second": 20000}),
    ("sensor.lidar.ray_cast_semantic", {"points_per_second": 20000}),
    ("sensor.other.radar", {}),
    ("sensor.other.imu", {}),
    ("sensor.other.gnss", {}),
]


@pytest.mark.parametrize(("blueprint_id", "attributes"), EVERY_TICK)
def test_every_tick_brings_exactly_its_frame(
    world: carla.World, listen: Listen, blueprint_id: str, attributes: dict[str, object]
) -> None:
    found = listen(blueprint_id, **attributes)
    frames = [world.tick() for _ in range(4)]
    assert [data.frame for data in arrived(found, 4)] == frames
    time.sleep(0.1)
    assert len(found) == 4
    assert found[-1].timestamp == world.get_snapshot().timestamp.elapsed_seconds


def test_sensor_tick_lands_on_every_second_frame(
    client: carla.Client, world: carla.World, listen: Listen
) -> None:
    found = listen("sensor.other.imu", sensor_tick=0.1)
    tick(world, 10)
    frames = [data.frame for data in arrived(found, 5)]
    assert np.diff(frames).tolist() == [2, 2, 2, 2]


def test_slow_sensor_measures_on_its_first_frame(world: carla.World, listen: Listen) -> None:
    world.tick()
    found = listen("sensor.other.gnss", sensor_tick=1.0)
    first = world.tick()
    tick(world, 49)
    # CARLA's smoke test of sensor_tick expects ceil(2.5 s / 1 s) measurements.
    assert [data.frame - first for data in arrived(found, 3)] == [0, 20, 40]


def test_depth_of_the_road_below_is_the_mounts_height(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    camera = library.find("sensor.camera.depth")
    for name, value in (("image_size_x", "32"), ("image_size_y", "32"), ("fov", "20")):
        camera.set_attribute(name, value)
    down = carla.Transform(carla.Location(x=5.5, z=5.0), carla.Rotation(pitch=-90.0))
    sensor = world.spawn_actor(camera, down, attach_to=car)
    found: list[carla.SensorData] = []
    sensor.listen(found.append)
    world.tick()
    pixels = np.frombuffer(arrived(found, 1)[0].raw_data, np.uint8).reshape(32, 32, 4)
    blue, green, red = (int(value) for value in pixels[16, 16, :3])
    # CARLA sensors reference: depth from R, G, B, least significant first.
    depth_m = 1000.0 * (red + green * 256 + blue * 65536) / (256**3 - 1)
    assert depth_m == pytest.approx(5.0, abs=0.15)
    sensor.stop()


def test_semantic_camera_shows_road_and_sky(world: carla.World, listen: Listen) -> None:
    found = listen("sensor.camera.semantic_segmentation", image_size_x=160, image_size_y=120)
    world.tick()
    tags = np.frombuffer(arrived(found, 1)[0].raw_data, np.uint8).reshape(120, 160, 4)[:, :, 2]
    assert {1, 11} <= set(np.unique(tags).tolist())


def test_instance_camera_shows_an_actors_id(
    world: carla.World,
    library: carla.BlueprintLibrary,
    car: carla.Vehicle,
    listen: Listen,
) -> None:
    ahead = car.get_transform()
    ahead.location += ahead.get_forward_vector() * 9.0
    ahead.location.z += 0.3
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead)
    found = listen("sensor.camera.instance_segmentation", image_size_x=160, image_size_y=120)
    world.tick()
    pixels = np.frombuffer(arrived(found, 1)[0].raw_data, np.uint8).reshape(120, 160, 4)
    ids = pixels[:, :, 1].astype(int) + 256 * pixels[:, :, 0].astype(int)
    assert (ids == other.id).sum() > 100
    assert set(np.unique(pixels[:, :, 2][ids == other.id]).tolist()) == {14}


def test_lidar_points_per_second_and_channels(world: carla.World, listen: Listen) -> None:
    found = listen(
        "sensor.lidar.ray_cast",
        channels=16,
        points_per_second=160000,
        rotation_frequency=20,
        upper_fov=-5,
        lower_fov=-30,
        range=100,
        dropoff_general_rate=0.0,
        dropoff_zero_intensity=0.0,
    )
    world.tick()
    sweep = arrived(found, 1)[0]
    assert sweep.channels == 16
    counts = [sweep.get_point_count(channel) for channel in range(16)]
    # All beams look down at ground within range: no point is lost.
    assert counts == [round(160000 * TICK_S / 16)] * 16
    assert len(sweep) == sum(counts)


def test_semantic_lidar_names_the_actor_it_hits(
    world: carla.World,
    library: carla.BlueprintLibrary,
    car: carla.Vehicle,
    listen: Listen,
) -> None:
    ahead = car.get_transform()
    ahead.location += ahead.get_forward_vector() * 9.0
    ahead.location.z += 0.3
    other = world.spawn_actor(library.find("vehicle.volkswagen.t2"), ahead)
    found = listen(
        "sensor.lidar.ray_cast_semantic",
        range=60,
        points_per_second=200000,
        rotation_frequency=20,
    )
    tick(world, 2)
    sweep = arrived(found, 2)[1]
    hits = [point for point in sweep if point.object_idx == other.id]
    assert len(hits) > 20
    assert {point.object_tag for point in hits} == {14}
    box, pose = other.bounding_box, other.get_transform()
    for point in hits[::10]:
        where = sweep.transform.transform(carla.Location(point.point))
        assert box.contains(where, pose) or _near(box, pose, where)


def _near(box: carla.BoundingBox, pose: carla.Transform, where: carla.Location) -> bool:
    grown = carla.BoundingBox(
        box.location, carla.Vector3D(box.extent.x + 0.05, box.extent.y + 0.05, box.extent.z + 0.05)
    )
    return bool(grown.contains(where, pose))


def test_imu_at_rest_feels_gravity_and_reads_its_heading(
    world: carla.World, car: carla.Vehicle, listen: Listen
) -> None:
    found = listen("sensor.other.imu")
    tick(world, 40)
    last = arrived(found, 40)[-1]
    assert last.accelerometer.z == pytest.approx(9.81, abs=0.05)
    yaw = car.get_transform().rotation.yaw
    assert last.compass == pytest.approx(math.radians(yaw + 90.0) % (2 * math.pi), abs=1e-3)


def test_gnss_agrees_with_the_clients_map(
    world: carla.World, car: carla.Vehicle, listen: Listen
) -> None:
    found = listen("sensor.other.gnss")
    world.tick()
    measured = arrived(found, 1)[0]
    expected = world.get_map().transform_to_geolocation(measured.transform.location)
    assert measured.latitude == pytest.approx(expected.latitude, abs=1e-7)
    assert measured.longitude == pytest.approx(expected.longitude, abs=1e-7)
    assert measured.altitude == pytest.approx(expected.altitude, abs=1e-3)


def test_noise_follows_its_seed(world: carla.World, listen: Listen) -> None:
    first, same, other = (
        listen("sensor.other.gnss", noise_lat_stddev=0.001, noise_seed=seed) for seed in (1, 1, 2)
    )
    world.tick()
    values = [arrived(found, 1)[0].latitude for found in (first, same, other)]
    assert values[0] == values[1] != values[2]


def test_collision_reports_the_other_actor(
    world: carla.World,
    library: carla.BlueprintLibrary,
    car: carla.Vehicle,
    listen: Listen,
) -> None:
    ahead = car.get_transform()
    ahead.location += ahead.get_forward_vector() * 7.0
    other = world.spawn_actor(library.find("static.prop.container"), ahead)
    found = listen("sensor.other.collision")
    car.set_target_velocity(car.get_transform().get_forward_vector() * 10.0)
    tick(world, 20)
    event = arrived(found, 1)[0]
    assert (event.actor.id, event.other_actor.id) == (car.id, other.id)
    assert event.normal_impulse.length() > 100.0


def test_obstacle_tells_the_distance_ahead(
    world: carla.World,
    library: carla.BlueprintLibrary,
    car: carla.Vehicle,
    listen: Listen,
) -> None:
    ahead = car.get_transform()
    ahead.location += ahead.get_forward_vector() * 12.0
    ahead.location.z += 0.3
    other = world.spawn_actor(library.find("vehicle.mercedes.sprinter"), ahead)
    found = listen("sensor.other.obstacle", distance=30, only_dynamics=True)
    tick(world, 2)
    event = arrived(found, 1)[0]
    assert event.other_actor.id == other.id
    gap = 12.0 - 0.5 - other.bounding_box.extent.x
    assert event.distance == pytest.approx(gap, abs=0.7)


def test_obstacle_sensor_that_hangs_on_nothing_names_the_road_below(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    place = world.get_map().get_spawn_points()[0].location + carla.Location(z=3.0)
    sensor = world.spawn_actor(
        library.find("sensor.other.obstacle"),
        carla.Transform(place, carla.Rotation(pitch=-90.0)),
    )
    events: list[carla.ObstacleDetectionEvent] = []
    sensor.listen(events.append)
    tick(world, 2)
    event = arrived(events, 1)[0]
    assert event.other_actor.type_id == "static.road"
    assert event.actor.id == sensor.id
    sensor.destroy()


def test_lane_invasion_is_told_by_the_client(
    world: carla.World, car: carla.Vehicle, listen: Listen
) -> None:
    found = listen("sensor.other.lane_invasion")
    right = car.get_transform().get_right_vector()
    start = car.get_transform()
    for step in range(12):
        place = carla.Transform(start.location - right * (0.35 * step), start.rotation)
        car.set_transform(place)
        world.tick()
    assert arrived(found, 1)[0].crossed_lane_markings


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("image_size_x", "0", "expected 1 to 16384"),
        ("fov", "200", "expected 0.001 to 179.999"),
        ("sensor_tick", "-1", "expected 0 to inf"),
        ("exposure_mode", "sunny", "expected one of histogram, manual"),
    ],
)
def test_impossible_attribute_is_refused_at_spawn(
    world: carla.World,
    library: carla.BlueprintLibrary,
    attribute: str,
    value: str,
    told: str,
) -> None:
    camera = library.find("sensor.camera.rgb")
    camera.set_attribute(attribute, value)
    with pytest.raises(RuntimeError, match=told):
        world.spawn_actor(camera, carla.Transform())


def test_stopped_sensor_sends_nothing(world: carla.World, library: carla.BlueprintLibrary) -> None:
    sensor = world.spawn_actor(library.find("sensor.other.gnss"), carla.Transform())
    found: list[carla.SensorData] = []
    sensor.listen(found.append)
    world.tick()
    arrived(found, 1)
    sensor.stop()
    tick(world, 3)
    time.sleep(0.1)
    assert len(found) == 1
    assert sensor.destroy()


def test_sweep_without_a_point_is_delivered_too(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    lidar = library.find("sensor.lidar.ray_cast")
    lidar.set_attribute("range", "5")
    high = carla.Transform(carla.Location(z=300.0))
    sensor = world.spawn_actor(lidar, high)
    found: list[carla.SensorData] = []
    sensor.listen(found.append)
    tick(world, 2)
    assert [len(sweep) for sweep in arrived(found, 2)] == [0, 0]
    sensor.stop()


def test_every_sensor_blueprint_can_be_spawned_and_heard(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    sensors = [world.spawn_actor(each, carla.Transform()) for each in library.filter("sensor.*")]
    found: list[carla.SensorData] = []
    for sensor in sensors:
        sensor.listen(found.append)
    world.tick()
    arrived(found, len(EVERY_TICK) + 1)
    for sensor in sensors:
        sensor.stop()
    # The others speak when something happens; the obstacle sensor lies on the ground.
    obstacles = [each for each in found if isinstance(each, carla.ObstacleDetectionEvent)]
    assert len(found) - len(obstacles) == len(EVERY_TICK)


def test_cosmos_camera_paints_classes_in_their_colours(world: carla.World, listen: Listen) -> None:
    painted = listen("sensor.camera.cosmos_visualization", **SMALL)
    tagged = listen("sensor.camera.semantic_segmentation", **SMALL)
    world.tick()
    [classes], [picture] = arrived(tagged, 1), arrived(painted, 1)
    classes.convert(carla.ColorConverter.CityScapesPalette)
    assert bytes(picture.raw_data) == bytes(classes.raw_data)


def test_sensor_on_an_empty_mount_follows_the_car(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    up = carla.Transform(carla.Location(z=1.0))
    mount = world.spawn_actor(library.find("util.actor.empty"), up, attach_to=car)
    sensor = world.spawn_actor(library.find("sensor.other.imu"), up, attach_to=mount)
    car.set_target_velocity(carla.Vector3D(0.0, 0.0, 5.0))
    tick(world, 3)
    height = sensor.get_location().z - car.get_location().z
    assert height == pytest.approx(2.0, abs=0.01)


def test_world_without_rendering_has_sweeps_but_no_pictures(
    world: carla.World, listen: Listen
) -> None:
    settings = world.get_settings()
    settings.no_rendering_mode = True
    world.apply_settings(settings)
    pictures = listen("sensor.camera.rgb", **SMALL)
    sweeps = listen("sensor.lidar.ray_cast", points_per_second=20000)
    echoes = listen("sensor.other.radar")
    tick(world, 3)
    assert len(arrived(sweeps, 3)) == len(arrived(echoes, 3)) == 3
    assert len(sweeps[-1]) > 0
    assert pictures == []
    settings.no_rendering_mode = False
    world.apply_settings(settings)
