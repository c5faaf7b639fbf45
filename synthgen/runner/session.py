"""A connection to one simulator: client, world, synchronous mode, and what the server can do."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import carla

from synthgen import __version__
from synthgen.datatypes.clip_job import ClipJob, MapSource
from synthgen.errors import ConfigError, SimulatorLost, SimulatorVersionError

logger = logging.getLogger(__name__)

# With fewer stream threads than sensors the client can starve its episode stream: the callbacks
# wait for the interpreter lock that the ticking thread holds.
_STREAM_THREADS: Final = 32
_CALL_TIMEOUT_S: Final = 60.0
CLIENT_VERSION: Final = "0.9.16"


@dataclass(frozen=True, slots=True)
class Session:
    """A live connection in synchronous mode.

    Attributes:
        client: The CARLA client.
        world: The world of a fresh episode.
        tick_s: Fixed step in seconds.
        tm_port: Port for this slot's Traffic Manager.
        server_version: What the server calls itself.
    """

    client: carla.Client
    world: carla.World
    tick_s: float
    tm_port: int
    server_version: str


def open_session(job: ClipJob, host: str, port: int, tm_port: int, cache: Path) -> Session:
    """Connect, load a fresh episode of the job's map and hold it in synchronous mode.

    Args:
        job: Names the map and the tick.
        host: Host of the simulator.
        port: Its RPC port.
        tm_port: Port for a Traffic Manager, should one be needed.
        cache: Folder for the client's file cache, this process's own.

    Raises:
        SimulatorLost: No answer, or the connection broke.
        SimulatorVersionError: The server speaks another version.
        ConfigError: The server does not know the map.
    """
    client = carla.Client(host, port, worker_threads=_STREAM_THREADS)
    client.set_timeout(_CALL_TIMEOUT_S)
    try:
        version = client.get_server_version()
    except RuntimeError as err:
        raise SimulatorLost(f"{host}:{port}: no CARLA server answers: {err}") from err
    if version != CLIENT_VERSION:
        raise SimulatorVersionError(
            f"{host}:{port}: expected CARLA {CLIENT_VERSION}, found {version}; "
            "start a server of the client's version"
        )
    client.set_files_base_folder(str(cache))
    world = _fresh_world(client, job.map, job.capture.tick_s)
    server = version if job.simulator.kind == "carla" else f"synthgen-simserver {__version__}"
    return Session(client, world, job.capture.tick_s, tm_port, server)


def _fresh_world(client: carla.Client, source: MapSource, tick_s: float) -> carla.World:
    try:
        _make_synchronous(client.get_world(), tick_s)
        world = _load(client, source)
        _make_synchronous(world, tick_s)
    except RuntimeError as err:
        if "not found" in str(err).lower():
            raise ConfigError(f"map {source.name}: {err}") from err
        raise SimulatorLost(f"map {source.name}: loading failed: {err}") from err
    leftovers = [*world.get_actors().filter("vehicle.*"), *world.get_actors().filter("walker.*")]
    if leftovers:
        raise SimulatorLost(
            f"map {source.name}: expected an empty episode, found {len(leftovers)} actors"
        )
    return world


def _load(client: carla.Client, source: MapSource) -> carla.World:
    """A fresh episode of a map; one that the server does not know is built from its OpenDRIVE.

    Keeping the settings keeps the server from running freely around the load, which would move its
    clocks by a random number of ticks.
    """
    known = {name.rpartition("/")[2] for name in client.get_available_maps()}
    if source.name in known or source.path is None:
        return client.load_world(source.name, reset_settings=False)
    text = Path(source.path).read_text(encoding="utf-8")
    logger.info("map %s: not on this server, building it from %s", source.name, source.path)
    # Walls along the edges, CARLA's default, would keep walkers off the road.
    shape = carla.OpendriveGenerationParameters(wall_height=0.0)
    return client.generate_opendrive_world(text, shape, reset_settings=False)


def _make_synchronous(world: carla.World, tick_s: float) -> None:
    settings = world.get_settings()
    settings.synchronous_mode = True
    settings.fixed_delta_seconds = tick_s
    settings.substepping = True
    settings.max_substep_delta_time = 0.01
    settings.max_substeps = 10
    world.apply_settings(settings)


def release(session: Session, actors: list[carla.Actor]) -> None:
    """Destroy what this process spawned, in an order that spares the server.

    A server that is already gone is no fault here: the clip is done, or the fault is known.
    """
    with suppress(RuntimeError):
        session.client.apply_batch_sync(
            [carla.command.DestroyActor(actor.id) for actor in actors], False
        )
        session.world.tick()
