"""One run of traffic through the real client, in a process of its own.

A client's Traffic Manager may end its process; the benches above start this one afresh for
every figure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import carla
import numpy as np

TICK_S = 0.05
SEED = 7
TIMEOUT_S = 60.0
# More stream threads than callbacks wait on.
STREAM_THREADS = 32


@dataclass(frozen=True, slots=True)
class Workload:
    """What drives and for how long.

    Attributes:
        cars: Vehicles.
        walkers: Walkers of the client's crowd.
        ticks: Measured ticks.
        constant: Vehicles keep one control, without a Traffic Manager.
        reload: Load the world anew before.
    """

    cars: int
    walkers: int
    ticks: int
    constant: bool = False
    reload: bool = False


@contextmanager
def server(*arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A synchronous server on a free port."""
    command = [
        *(sys.executable, "-m", "synthgen.simserver", "--port", "0", "--die-with-parent"),
        *("--synchronous", "--fixed-delta", str(TICK_S)),
        *arguments,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().replace("rpc=", "").split()
            yield int(words[1]), process
        finally:
            process.terminate()


def connect(port: int) -> carla.Client:
    """A client with a file cache of its own."""
    client = carla.Client("127.0.0.1", port, worker_threads=STREAM_THREADS)
    client.set_timeout(TIMEOUT_S)
    client.set_files_base_folder(tempfile.mkdtemp(prefix="synthgen-bench-"))
    return client


def run(workload: Workload, *arguments: str) -> dict[str, float | str]:
    """The workload in a fresh client process: `ticks_per_s`, `hash`, `client_ms`, `server_rss_mb`.

    `client_ms` is the client's own processor time a tick, which no server can take off.

    Raises:
        RuntimeError: The client process failed.
    """
    with server(*arguments) as (port, process):
        child = subprocess.run(
            [
                *(sys.executable, "-m", "synthgen.simserver.bench.traffic"),
                *("--port", str(port), "--cars", str(workload.cars)),
                *("--walkers", str(workload.walkers), "--ticks", str(workload.ticks)),
                *(["--constant"] if workload.constant else []),
                *(["--reload"] if workload.reload else []),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if child.returncode != 0:
            raise RuntimeError(f"{workload}: the client ended with code {child.returncode}")
        found: dict[str, float | str] = json.loads(child.stdout.splitlines()[-1])
        return found | {"server_rss_mb": resident_mb(process.pid)}


def resident_mb(pid: int) -> float:
    """Memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no memory figure")


def main(argv: Sequence[str] | None = None) -> int:
    """Drive a workload against a running server and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("--cars", "--walkers", "--ticks"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--constant", action="store_true")
    parser.add_argument("--reload", action="store_true")
    options = parser.parse_args(argv)
    client = connect(options.port)
    world = client.reload_world(False) if options.reload else client.get_world()
    world.tick()
    cars = _spawn_cars(client, world, options.cars)
    walkers = _spawn_walkers(client, world, options.walkers)
    if options.constant:
        figures = _drive_constant(client, world, cars, walkers, options.ticks)
    else:
        figures = _drive_managed(client, world, cars, walkers, options.ticks)
    print(json.dumps(figures))  # noqa: T201 (a command's result)
    return 0


def _spawn_cars(client: carla.Client, world: carla.World, count: int) -> list[int]:
    library = world.get_blueprint_library()
    cars = sorted(
        (b for b in library.filter("vehicle.*") if b.get_attribute("base_type") == "car"),
        key=lambda blueprint: str(blueprint.id),
    )
    points = world.get_map().get_spawn_points()
    order = np.random.default_rng(SEED).permutation(len(points))
    ids: list[int] = []
    for number, point in enumerate(order):
        if len(ids) == count:
            break
        car = world.try_spawn_actor(cars[number % len(cars)], points[int(point)])
        if car is not None:
            ids.append(car.id)
    world.tick()
    return ids


def _spawn_walkers(client: carla.Client, world: carla.World, count: int) -> list[int]:
    library = world.get_blueprint_library()
    world.set_pedestrians_seed(SEED)
    ids: list[int] = []
    for number in range(4 * count):
        if len(ids) == count:
            break
        place = world.get_random_location_from_navigation()
        place.z += 1.0
        blueprint = library.find(f"walker.pedestrian.{1 + number % 50:04d}")
        walker = world.try_spawn_actor(blueprint, carla.Transform(place))
        if walker is not None:
            ids.append(walker.id)
    world.tick()
    controller = library.find("controller.ai.walker")
    minds = [
        world.spawn_actor(controller, carla.Transform(), world.get_actor(walker_id))
        for walker_id in ids
    ]
    world.tick()
    for mind in minds:
        mind.start()
        mind.go_to_location(world.get_random_location_from_navigation())
        mind.set_max_speed(1.4)
    return ids


def _drive_managed(
    client: carla.Client, world: carla.World, cars: list[int], walkers: list[int], ticks: int
) -> dict[str, float | str]:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = int(probe.getsockname()[1])
    manager = client.get_trafficmanager(port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(SEED)
    # Its thread may be in the middle of a free-running step, which must not see the cars.
    for _ in range(2):
        world.tick()
    for car in world.get_actors(cars):
        car.set_autopilot(True, port)
    figures = _measure(world, cars + walkers, ticks)
    manager.set_synchronous_mode(False)
    manager.shut_down()
    return figures


def _drive_constant(
    client: carla.Client, world: carla.World, cars: list[int], walkers: list[int], ticks: int
) -> dict[str, float | str]:
    control = carla.VehicleControl(throttle=0.4, steer=0.2)
    client.apply_batch_sync([carla.command.ApplyVehicleControl(car, control) for car in cars], True)
    return _measure(world, cars + walkers, ticks)


def _measure(world: carla.World, ids: list[int], ticks: int) -> dict[str, float | str]:
    for _ in range(20):
        world.tick()
    started_s, cpu_s = time.monotonic(), time.process_time()
    for _ in range(ticks):
        world.tick()
    passed_s, cpu_s = time.monotonic() - started_s, time.process_time() - cpu_s
    snapshot = world.get_snapshot()
    digest = hashlib.sha256()
    for actor_id in ids:
        pose = snapshot.find(actor_id).get_transform()
        where = (pose.location.x, pose.location.y, pose.location.z, pose.rotation.yaw)
        digest.update(np.array(where, np.float32).tobytes())
    return {
        "ticks_per_s": ticks / passed_s,
        "client_ms": 1e3 * cpu_s / ticks,
        "hash": digest.hexdigest()[:16],
    }


if __name__ == "__main__":
    sys.exit(main())
