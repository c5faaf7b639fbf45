"""Recording an episode, asking about it, and playing it again."""

from pathlib import Path

import carla
import pytest

from tests.client.conftest import TICK_S, tick

pytestmark = pytest.mark.server


@pytest.fixture
def recording(
    client: carla.Client,
    world: carla.World,
    library: carla.BlueprintLibrary,
    car: carla.Vehicle,
    tmp_path: Path,
) -> tuple[str, list[carla.Location]]:
    """A car that drives past a standing walker for two seconds."""
    place = car.get_transform()
    place.location += place.get_forward_vector() * 6.0 + place.get_right_vector() * 4.0
    place.location.z += 1.0
    walker = world.spawn_actor(library.find("walker.pedestrian.0002"), place)
    path = str(tmp_path / "drive.log")
    assert client.start_recorder(path, True) == path
    car.apply_control(carla.VehicleControl(throttle=0.6))
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.0, False))
    track = []
    for _ in range(40):
        world.tick()
        track.append(car.get_location())
    client.stop_recorder()
    return path, track


def test_file_info_reads_like_carlas(
    client: carla.Client, recording: tuple[str, list[carla.Location]]
) -> None:
    info = client.show_recorder_file_info(recording[0], True)
    lines = info.splitlines()
    assert lines[0] == "Version: 1"
    assert lines[1] == "Map: SynthDowntown"
    assert "Frame 1 at 0 seconds" in lines
    assert any("vehicle.tesla.model3 (1) at (" in line for line in lines)
    assert "Frames: 41" in lines
    assert "Duration: 2 seconds" in lines


def test_replay_moves_the_car_along_its_track(
    client: carla.Client,
    world: carla.World,
    car: carla.Vehicle,
    recording: tuple[str, list[carla.Location]],
) -> None:
    path, track = recording
    car.destroy()
    world.tick()
    assert "Total time recorded: 2" in client.replay_file(path, 0.0, 0.0, 0, False)
    places = []
    for _ in range(20):
        world.tick()
        replayed = world.get_actors().filter("vehicle.tesla.model3")[0]
        places.append(replayed.get_location())
    errors = [a.distance(b) for a, b in zip(places, track, strict=False)]
    assert max(errors) < 0.05
    client.stop_replayer(False)
    world.tick()
    assert len(world.get_actors().filter("vehicle.tesla.model3")) == 0


def test_replay_of_a_stretch_ends_in_time(
    client: carla.Client, world: carla.World, recording: tuple[str, list[carla.Location]]
) -> None:
    path, track = recording
    client.replay_file(path, 1.0, 0.5, 0, False)
    tick(world, int(0.5 / TICK_S))
    last = max(
        world.get_actors().filter("vehicle.tesla.model3"), key=lambda vehicle: int(vehicle.id)
    )
    assert last.get_location().distance(track[int(1.5 / TICK_S) - 1]) < 0.1
    client.stop_replayer(False)


def test_collisions_and_blocked_are_listed(
    client: carla.Client, recording: tuple[str, list[carla.Location]]
) -> None:
    assert "Types" in client.show_recorder_collisions(recording[0], "v", "a")
    assert "Duration" in client.show_recorder_actors_blocked(recording[0], 0.5, 1000.0)


def test_additional_data_tells_boxes_times_and_physics(
    client: carla.Client, car: carla.Vehicle, recording: tuple[str, list[carla.Location]]
) -> None:
    lines = client.show_recorder_file_info(recording[0], True).splitlines()
    box = car.bounding_box
    found = next(
        line for line in lines if line.startswith(f"  Id: {car.id} ") and "extension" in line
    )
    sizes = [float(word.strip("(),")) for word in found.split("extension: ")[1].split()]
    assert sizes == pytest.approx(
        [100 * box.extent.x, 100 * box.extent.y, 100 * box.extent.z], rel=1e-4
    )
    mass = car.get_physics_control().mass
    assert f"   mass = {mass:g}" in lines
    assert any(line.startswith("    wheel 3: tire_friction 3.5 ") for line in lines)
    assert any(line.endswith("green_time: 10 yellow_time: 3 red_time: 2") for line in lines)
    assert sum(line.startswith(" Current platform time: ") for line in lines) == 41


def test_replay_tells_what_it_plays(
    client: carla.Client, recording: tuple[str, list[carla.Location]]
) -> None:
    # CARLA documentation, "Recorder", and its replayer's words.
    text = client.replay_file(recording[0], 0.5, 1.0, 0, False)
    client.stop_replayer(False)
    assert text.splitlines() == [
        f"Replaying File: {recording[0]}",
        "Total time recorded: 2",
        "Replaying from 0.5 s - 1.5 s (2 s) at 1.0x",
        "Ignoring Spectator camera",
    ]


def test_missing_recording_is_told_as_a_text(client: carla.Client) -> None:
    # CARLA answers so: no failure, a line that says it.
    assert "not found on server" in client.show_recorder_file_info("nowhere.log", False)
    assert "not found on server" in client.replay_file("nowhere.log", 0.0, 0.0, 0, False)


def test_positions_leave_out_lights_and_follow_the_events(
    client: carla.Client, recording: tuple[str, list[carla.Location]]
) -> None:
    info = client.show_recorder_file_info(recording[0], True)
    first = info.split("Frame ")[1].splitlines()
    heads = [line.split(":")[0] for line in first if line[:1] == " " and line[:2] != "  "]
    order = list(dict.fromkeys(head.split()[0] for head in heads))
    # The order of CARLA's file, which scenario_runner's metrics read line by line.
    assert order[0] == "Create"
    assert order[order.index("Positions") :] == [
        *("Positions", "State", "Vehicle", "Walker", "Dynamic"),
        *("Actor", "Current", "Physics", "Traffic"),
    ]
    places = first[first.index(next(x for x in first if x.startswith(" Positions"))) + 1 :]
    placed = [line.split()[1] for line in places if " Location: (" in line]
    lights = [line.split()[1][:-1] for line in first if "traffic.traffic_light" in line]
    assert lights
    assert not set(placed) & set(lights)


def test_replayed_car_reports_the_velocity_it_had(
    client: carla.Client,
    world: carla.World,
    car: carla.Vehicle,
    recording: tuple[str, list[carla.Location]],
) -> None:
    path, track = recording
    client.replay_file(path, 1.0, 0.0, 0, False)
    tick(world, 5)
    index = int(1.0 / TICK_S) + 4
    moved = track[index].distance(track[index - 1])
    assert moved > 0.05
    assert car.get_velocity().length() == pytest.approx(moved / TICK_S, rel=0.05)
    client.stop_replayer(True)


def test_recorded_collision_starts_with_the_watched_car(
    client: carla.Client,
    world: carla.World,
    library: carla.BlueprintLibrary,
    car: carla.Vehicle,
    tmp_path: Path,
) -> None:
    ahead = car.get_transform()
    ahead.location += ahead.get_forward_vector() * 7.0
    other = world.spawn_actor(library.find("vehicle.audi.tt"), ahead)
    detector = library.find("sensor.other.collision")
    world.spawn_actor(detector, carla.Transform(), attach_to=car)
    path = str(tmp_path / "bump.log")
    client.start_recorder(path)
    car.set_target_velocity(car.get_transform().get_forward_vector() * 10.0)
    tick(world, 20)
    client.stop_recorder()
    table = client.show_recorder_collisions(path, "v", "v").splitlines()
    row = next(line for line in table if "vehicle.audi.tt" in line).split()
    assert row[1:] == ["v", "v", str(car.id), car.type_id, str(other.id), other.type_id]
    info = client.show_recorder_file_info(path, False)
    assert f" Collision id 0 between {car.id} with {other.id}" in info


def test_replayed_actors_have_their_recorded_ids(
    client: carla.Client,
    world: carla.World,
    car: carla.Vehicle,
    recording: tuple[str, list[carla.Location]],
) -> None:
    path, track = recording
    car.destroy()
    world.tick()
    client.replay_file(path, 0.0, 0.0, car.id, False)
    tick(world, 10)
    replayed = world.get_actor(car.id)
    assert replayed.type_id == "vehicle.tesla.model3"
    assert replayed.get_location().distance(track[9]) < 0.05
    client.stop_replayer(False)
    world.tick()


def test_recorded_ids_are_found_in_the_next_episode_too(
    client: carla.Client,
    world: carla.World,
    car: carla.Vehicle,
    recording: tuple[str, list[carla.Location]],
) -> None:
    path, track = recording
    reloaded = client.reload_world(False)
    client.replay_file(path, 0.0, 0.0, 0, False)
    tick(reloaded, 10)
    assert reloaded.get_actor(car.id).get_location().distance(track[9]) < 0.05
    # New actors get ids of their own.
    points = reloaded.get_map().get_spawn_points()
    other = reloaded.spawn_actor(
        reloaded.get_blueprint_library().find("vehicle.audi.tt"), points[9]
    )
    tick(reloaded, 1)
    assert len({actor.id for actor in reloaded.get_actors()}) == len(reloaded.get_actors())
    assert reloaded.get_actor(other.id).type_id == "vehicle.audi.tt"
    client.stop_replayer(False)
    reloaded.tick()


def test_a_new_episode_ends_the_replay(
    client: carla.Client,
    world: carla.World,
    recording: tuple[str, list[carla.Location]],
) -> None:
    client.replay_file(recording[0], 0.0, 0.0, 0, False)
    tick(world, 5)
    reloaded = client.reload_world(False)
    tick(reloaded, 5)
    assert len(reloaded.get_actors().filter("vehicle.*")) == 0


# What the client sends where nothing is asked for.
DEFAULT_OFFSET = carla.Transform(carla.Location(-10.0, 0.0, 5.0), carla.Rotation(-25.0))
ABOVE = carla.Transform(carla.Location(-4.0, 0.0, 20.0), carla.Rotation(-80.0))


@pytest.mark.parametrize(
    ("asked", "expected"), [((), DEFAULT_OFFSET), ((ABOVE,), ABOVE)], ids=["default", "above"]
)
def test_spectator_follows_at_the_offset_asked_for(
    client: carla.Client,
    world: carla.World,
    car: carla.Vehicle,
    recording: tuple[str, list[carla.Location]],
    asked: tuple[carla.Transform, ...],
    expected: carla.Transform,
) -> None:
    client.replay_file(recording[0], 0.0, 0.0, car.id, False, *asked)
    tick(world, 10)
    seen, pose = world.get_spectator().get_transform(), car.get_transform()
    assert pose.transform(expected.location).distance(seen.location) < 0.01
    turned = seen.rotation.pitch - pose.rotation.pitch
    assert turned == pytest.approx(expected.rotation.pitch, abs=0.1)
    client.stop_replayer(False)
