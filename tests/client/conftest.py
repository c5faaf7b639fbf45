"""A server of our own per test module, driven by the real client."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import carla
import pytest

from tests.client.straight_road import opendrive_text

TICK_S = 0.05
TIMEOUT_S = 30.0
# More stream threads than sensors, or callbacks starve the episode stream.
STREAM_THREADS = 32


@dataclass(frozen=True)
class Address:
    """Where a simulator listens."""

    host: str
    port: int
    process: subprocess.Popen[str] | None = None
    stream_port: int = 0


@contextmanager
def running_server(*arguments: str, module: str = "synthgen.simserver") -> Iterator[Address]:
    """A server that is READY, on any free port; it ends with the block."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", module, "--port", "0", "--die-with-parent"),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        words = dict(word.split("=") for word in process.stdout.readline().split() if "=" in word)
        yield Address("127.0.0.1", int(words["rpc"]), process, int(words["stream"]))
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def connect(address: Address, cache: Path) -> carla.Client:
    """A client with a file cache of its own."""
    client = carla.Client(address.host, address.port, worker_threads=STREAM_THREADS)
    client.set_timeout(TIMEOUT_S)
    client.set_files_base_folder(str(cache))
    return client


def synchronous(world: carla.World) -> carla.World:
    """The world, ticked by its client."""
    settings = world.get_settings()
    settings.synchronous_mode = True
    settings.fixed_delta_seconds = TICK_S
    world.apply_settings(settings)
    return world


@pytest.fixture(scope="session")
def warm_kernels() -> None:
    """Compile before any server has to, which may take a minute the first time."""
    subprocess.run(
        [sys.executable, "-m", "synthgen.simserver", "warmup"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest, warm_kernels: None) -> Iterator[Address]:
    carla_host = request.config.getoption("--carla-host")
    if carla_host is not None:
        host, _, port = str(carla_host).partition(":")
        yield Address(host, int(port or 2000))
        return
    with running_server("--synchronous", "--fixed-delta", str(TICK_S)) as ours:
        yield ours


@pytest.fixture(scope="module")
def client(address: Address, tmp_path_factory: pytest.TempPathFactory) -> carla.Client:
    return connect(address, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def world(client: carla.Client) -> Iterator[carla.World]:
    """A synchronous world; what a test leaves behind is destroyed."""
    world = synchronous(client.get_world())
    world.tick()
    yield world
    ours = [
        actor.id
        for actor in world.get_actors()
        if actor.type_id.split(".")[0] in ("vehicle", "walker", "static", "sensor", "controller")
    ]
    client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ours], False)
    world.tick()


@pytest.fixture
def library(world: carla.World) -> carla.BlueprintLibrary:
    return world.get_blueprint_library()


@pytest.fixture
def car(world: carla.World, library: carla.BlueprintLibrary) -> carla.Vehicle:
    """A car that stands on the road."""
    car = world.spawn_actor(
        library.find("vehicle.tesla.model3"), world.get_map().get_spawn_points()[0]
    )
    tick(world, 20)
    return car


def tick(world: carla.World, count: int) -> None:
    """Several ticks."""
    for _ in range(count):
        world.tick()


@pytest.fixture(scope="session")
def straight_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[carla.Client]:
    """A client of a server whose town is one straight, level road along x."""
    path = tmp_path_factory.mktemp("town") / "straight.xodr"
    path.write_text(opendrive_text(), encoding="utf-8")
    with running_server("--synchronous", "--fixed-delta", str(TICK_S), "--map", str(path)) as ours:
        yield connect(ours, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def straight_world(straight_client: carla.Client) -> Iterator[carla.World]:
    """That town; what the test has spawned is destroyed after it."""
    world = straight_client.get_world()
    world.tick()
    before = {actor.id for actor in world.get_actors()}
    yield world
    # An actor is listed from the first frame after its spawn.
    world.tick()
    for actor in world.get_actors():
        if actor.id not in before:
            actor.destroy()
    world.tick()


def free_port() -> int:
    """A port that nobody listens on, for a Traffic Manager."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
