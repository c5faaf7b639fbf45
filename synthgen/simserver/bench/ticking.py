"""How fast the server ticks, how soon it is there, and whether runs repeat."""

from __future__ import annotations

import time
from pathlib import Path

import carla

from synthgen.simserver.bench import traffic
from synthgen.simserver.bench.traffic import Workload

TICKS = 1000
FRESH_RUNS = 5


def tick_bench(maps_dir: Path | None) -> dict[str, float]:
    """Ticks per second through the real client under several loads, and start-up times.

    Beside each rate stands the processor time that the client itself takes a tick, which no server
    can take off.
    """
    figures: dict[str, float] = {}
    for cars in (10, 50, 100, 200):
        walkers = 20 if cars == 50 else 0
        name = f"tm{cars}" + (f"_walkers{walkers}" if walkers else "")
        found = traffic.run(Workload(cars, walkers, TICKS))
        figures[f"ticks_per_s_{name}"] = round(float(found["ticks_per_s"]), 1)
        figures[f"client_ms_{name}"] = round(float(found["client_ms"]), 2)
        figures["server_rss_mb"] = round(float(found["server_rss_mb"]), 1)
    found = traffic.run(Workload(50, 0, 2 * TICKS, constant=True))
    figures["ticks_per_s_const50"] = round(float(found["ticks_per_s"]), 1)
    figures["client_ms_const50"] = round(float(found["client_ms"]), 2)
    return figures | _start_up() | _load_town(maps_dir)


def _start_up() -> dict[str, float]:
    started_s = time.monotonic()
    with traffic.server() as (port, _):
        world = traffic.connect(port).get_world()
        world_s = time.monotonic() - started_s
        frames: list[int] = []
        camera = world.spawn_actor(
            world.get_blueprint_library().find("sensor.camera.rgb"),
            carla.Transform(carla.Location(z=2.0)),
        )
        camera.listen(lambda image: frames.append(image.frame))
        world.tick()
        while not frames and time.monotonic() - started_s < traffic.TIMEOUT_S:
            time.sleep(0.005)
        frame_s = time.monotonic() - started_s
        camera.stop()
    return {
        "start_to_world_s": round(world_s, 2),
        "start_to_first_frame_s": round(frame_s, 2),
    }


def _load_town(maps_dir: Path | None) -> dict[str, float]:
    if maps_dir is None or not (maps_dir / "Town10HD.xodr").exists():
        return {}
    with traffic.server("--maps-dir", str(maps_dir)) as (port, _):
        client = traffic.connect(port)
        client.get_world()
        started_s = time.monotonic()
        client.load_world("Town10HD", False)
        return {"load_town10hd_s": round(time.monotonic() - started_s, 2)}


def determinism_bench(maps_dir: Path | None) -> dict[str, float]:
    """Whether 20 cars and 20 walkers end in the same places in every fresh process.

    The last run loads the world anew before it drives.
    """
    runs = [
        traffic.run(Workload(20, 20, 400, reload=number == FRESH_RUNS))
        for number in range(FRESH_RUNS + 1)
    ]
    hashes = {str(found["hash"]) for found in runs}
    return {"runs": len(runs), "distinct_hashes": len(hashes)}
