"""Embedded servers for the client tests, and worlds that each test leaves empty."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import carla
import pytest

from tests.client.straight_road import opendrive_text

TIMEOUT_S = 60.0
TICK_S = 0.05


@contextmanager
def running_server(*arguments: str) -> Iterator[int]:
    """An embedded server, synchronous from frame zero; gives its RPC port."""
    command = [
        *(sys.executable, "-m", "synthgen.simserver", "--port", "0", "--die-with-parent"),
        *("--synchronous", "--fixed-delta", str(TICK_S)),
        *arguments,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("READY "), f"no READY line but {ready!r}"
            yield int(ready.split("rpc=")[1].split()[0])
        finally:
            process.kill()


@pytest.fixture(scope="session")
def straight_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a server whose town is one straight, level road along x."""
    path: Path = tmp_path_factory.mktemp("town") / "straight.xodr"
    path.write_text(opendrive_text(), encoding="utf-8")
    with running_server("--map", str(path)) as port:
        client = carla.Client("127.0.0.1", port, worker_threads=4)
        client.set_timeout(TIMEOUT_S)
        yield client


@pytest.fixture
def straight_world(straight_client: Any) -> Iterator[Any]:
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
