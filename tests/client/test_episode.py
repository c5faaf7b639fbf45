"""Settings, ticks, snapshots, episodes, weather, several clients."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import carla
import pytest

from tests.client.conftest import TICK_S, Address, connect, running_server, synchronous, tick

pytestmark = pytest.mark.server


def test_tick_advances_one_frame_by_the_step(world: carla.World) -> None:
    before = world.get_snapshot()
    frame = world.tick()
    after = world.get_snapshot()
    assert (frame, after.frame) == (before.frame + 1, frame)
    assert after.timestamp.delta_seconds == pytest.approx(TICK_S)
    assert after.timestamp.elapsed_seconds - before.timestamp.elapsed_seconds == pytest.approx(
        TICK_S
    )


def test_variable_step_of_a_synchronous_world_is_the_time_that_passed(world: carla.World) -> None:
    # CARLA, "Synchrony and time-step": the time between two steps is what goes by on the server,
    # which waits for its client; Unreal's longest step is 0.4 s.
    settings = world.get_settings()
    settings.fixed_delta_seconds = None
    world.apply_settings(settings)
    world.tick()
    threading.Event().wait(0.15)
    world.tick()
    waited = world.get_snapshot().timestamp
    threading.Event().wait(0.6)
    world.tick()
    late = world.get_snapshot().timestamp
    assert 0.15 <= waited.delta_seconds <= 0.4 + 1e-6
    assert late.delta_seconds == pytest.approx(0.4)
    passed = late.elapsed_seconds - waited.elapsed_seconds
    assert passed == pytest.approx(late.delta_seconds)


def test_sensor_tick_counts_time_where_steps_vary(
    world: carla.World, library: carla.BlueprintLibrary
) -> None:
    settings = world.get_settings()
    settings.fixed_delta_seconds = None
    world.apply_settings(settings)
    blueprint = library.find("sensor.other.imu")
    blueprint.set_attribute("sensor_tick", "0.25")
    sensor = world.spawn_actor(blueprint, carla.Transform())
    measured: Queue[carla.IMUMeasurement] = Queue()
    sensor.listen(measured.put)
    world.tick()
    first = measured.get(timeout=10.0)
    for _ in range(12):
        threading.Event().wait(0.05)
        world.tick()
    total = world.get_snapshot().timestamp.elapsed_seconds - first.timestamp
    threading.Event().wait(0.3)
    sensor.stop()
    assert 2 <= measured.qsize() <= total / 0.25


def test_settings_are_read_back(world: carla.World) -> None:
    settings = world.get_settings()
    settings.max_substeps = 7
    settings.no_rendering_mode = True
    world.apply_settings(settings)
    found = world.get_settings()
    assert (found.max_substeps, found.no_rendering_mode) == (7, True)
    settings.max_substeps, settings.no_rendering_mode = 10, False
    world.apply_settings(settings)


def test_on_tick_sees_every_frame(world: carla.World) -> None:
    frames: list[int] = []
    callback = world.on_tick(lambda snapshot: frames.append(snapshot.frame))
    ticked = [world.tick() for _ in range(5)]
    threading.Event().wait(0.2)
    world.remove_on_tick(callback)
    assert frames == ticked


def test_wait_for_tick_is_woken_by_another_clients_tick(
    address: Address, world: carla.World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = connect(address, tmp_path_factory.mktemp("other")).get_world()
    seen: list[int] = []
    waiter = threading.Thread(target=lambda: seen.append(other.wait_for_tick(5.0).frame))
    waiter.start()
    threading.Event().wait(0.3)
    frame = world.tick()
    waiter.join()
    assert seen == [frame]


def test_two_clients_see_the_same_actors(
    address: Address, world: carla.World, car: carla.Vehicle, tmp_path: Path
) -> None:
    other = connect(address, tmp_path).get_world()
    assert other.get_actor(car.id).type_id == car.type_id
    # The first snapshot comes on its own connection; a later one tells that it is there.
    frames: list[int] = []
    other.on_tick(lambda snapshot: frames.append(snapshot.frame))
    while not frames:
        world.tick()
    assert other.get_snapshot().find(car.id) is not None


def test_reload_keeps_settings_when_asked(client: carla.Client, world: carla.World) -> None:
    before = world.get_snapshot()
    fresh = client.reload_world(False)
    assert fresh.get_settings().fixed_delta_seconds == pytest.approx(TICK_S)
    assert fresh.id != world.id
    # The client itself ticks a synchronous world once while it loads.
    assert fresh.get_snapshot().timestamp.elapsed_seconds == pytest.approx(TICK_S)
    assert fresh.tick() > before.frame


def test_reload_empties_the_world(client: carla.Client, car: carla.Vehicle) -> None:
    fresh = client.reload_world(False)
    fresh.tick()
    assert len(fresh.get_actors().filter("vehicle.*")) == 0


def test_unknown_map_is_refused_with_the_known_ones(client: carla.Client) -> None:
    with pytest.raises(RuntimeError, match="not found") as failure:
        client.load_world("Atlantis")
    assert "SynthDowntown" in str(failure.value)


def test_opendrive_world_is_generated(client: carla.Client, world: carla.World) -> None:
    xodr = world.get_map().to_opendrive()
    made = client.generate_opendrive_world(xodr, reset_settings=False)
    assert made.get_map().name.endswith("OpenDriveMap")
    assert len(made.get_map().get_spawn_points()) > 10
    client.load_world("SynthDowntown", False)


def test_optimised_name_is_reported_as_asked(client: carla.Client) -> None:
    assert client.load_world("SynthDowntown_Opt", False).get_map().name == (
        "Carla/Maps/SynthDowntown_Opt"
    )
    client.load_world("SynthDowntown", False)


def test_weather_presets_are_kept(world: carla.World) -> None:
    for preset in (carla.WeatherParameters.HardRainNoon, carla.WeatherParameters.ClearNight):
        world.set_weather(preset)
        found = world.get_weather()
        assert found.sun_altitude_angle == pytest.approx(preset.sun_altitude_angle)
        assert found.precipitation == preset.precipitation


def test_spectator_follows_its_client(world: carla.World) -> None:
    spectator = world.get_spectator()
    spectator.set_transform(carla.Transform(carla.Location(1.0, 2.0, 30.0)))
    world.tick()
    assert spectator.get_location().distance(carla.Location(1.0, 2.0, 30.0)) < 1e-3


@pytest.fixture(scope="module")
def free_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[carla.World]:
    with running_server() as ours:
        yield connect(ours, tmp_path_factory.mktemp("free")).get_world()


def test_asynchronous_world_runs_by_itself_in_real_time(free_running: carla.World) -> None:
    before = free_running.wait_for_tick(5.0)
    for _ in range(10):
        after = free_running.wait_for_tick(5.0)
    simulated = after.timestamp.elapsed_seconds - before.timestamp.elapsed_seconds
    passed = after.timestamp.platform_timestamp - before.timestamp.platform_timestamp
    assert simulated == pytest.approx(passed, rel=0.25)


def test_asynchronous_world_can_be_made_synchronous(free_running: carla.World) -> None:
    world = synchronous(free_running)
    frame = world.tick()
    threading.Event().wait(0.3)
    assert world.get_snapshot().frame == frame
    tick(world, 3)
    assert world.get_snapshot().frame == frame + 3


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_world_is_loaded_while_a_traffic_manager_drives(mode: str) -> None:
    with running_server() as ours:
        command = [sys.executable, "-m", "tests.client.managed_loads", str(ours.port), mode]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout == "loaded\n", (done.returncode, done.stderr)


def test_asynchronous_world_answers_while_its_first_picture_is_got_ready(tmp_path: Path) -> None:
    # CARLA's examples give a call two seconds; loading the renderer alone takes longer.
    with running_server() as ours:
        world = connect(ours, tmp_path).get_world()
        blueprint = world.get_blueprint_library().find("sensor.camera.depth")
        blueprint.set_attribute("image_size_x", "64")
        blueprint.set_attribute("image_size_y", "48")
        camera = world.spawn_actor(blueprint, carla.Transform(carla.Location(z=10.0)))
        images: Queue[carla.Image] = Queue()
        camera.listen(images.put)
        frames = [world.wait_for_tick().frame for _ in range(4)]
        first = images.get(timeout=60.0)
        camera.stop()
    # The world had gone on for some frames before the first one was shown.
    assert first.frame > frames[-1]
