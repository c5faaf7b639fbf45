"""Calls about the episode: version, maps, settings, ticks, weather, client files."""

from __future__ import annotations

import hashlib

from synthgen.simserver.wire.streams import WORLD_STREAM, stream_token
from synthgen.simserver.wire.structs import (
    EpisodeSettings,
    ManagerAddress,
    OpendriveParameters,
    Weather,
    to_wire,
)
from synthgen.simserver.world.environment import ALL_LAYERS
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.town_store import SENT_BY_CLIENT
from synthgen.simserver.world.world import World, transform_of

VERSION = "0.9.16"
# Physics cuts a tick into parts of 10 ms: one of an hour would stop the server for minutes.
LONGEST_STEP_S = 10.0


def version(world: World) -> str:
    """The protocol version spoken, which is CARLA's."""
    return VERSION


def get_available_maps(world: World) -> list[str]:
    """Towns as CARLA lists them."""
    return [f"/Game/Carla/Maps/{name}" for name in world.towns.names()]


def load_new_episode(world: World, name: str, reset_settings: bool, map_layers: int) -> None:
    """Begin a new episode with some map layers; an empty name is the present town."""
    world.start_episode(name, resets_settings=reset_settings)
    if map_layers != ALL_LAYERS:
        world.environment.load_layers(ALL_LAYERS & ~map_layers, is_loaded=False)
        world.show_environment()


def copy_opendrive_to_file(world: World, xodr: str, parameters: OpendriveParameters) -> None:
    """Keep OpenDRIVE text as the town that a following load asks for."""
    world.towns.add_text(SENT_BY_CLIENT, xodr)


def get_episode_info(world: World) -> list[object]:
    """Episode id and the token of the world stream."""
    return [world.told_episode, [stream_token(WORLD_STREAM, world.streams.port)]]


def get_map_info(world: World) -> list[object]:
    """Name and spawn points of the town."""
    points = [transform_of(point) for point in world.town.spawn_points]
    return [f"Carla/Maps/{world.town.name}", points]


def get_map_data(world: World) -> str:
    """The town's OpenDRIVE text."""
    return world.town.xodr


def _navigation_path(world: World) -> str:
    # The client keeps the file for ever under this path, so the path changes with the content.
    digest = hashlib.sha256(world.town.navmesh).hexdigest()[:12]
    return f"synthgen/Nav/{world.town.name}-{digest}.bin"


def get_required_files(world: World, folder: str) -> list[str]:
    """Files that the client fetches: the walkers' navigation mesh."""
    if folder.startswith("Nav") and world.town.navmesh:
        return [_navigation_path(world)]
    return []


def request_file(world: World, path: str) -> bytes:
    """Content of a required file."""
    if world.town.navmesh and path == _navigation_path(world):
        return world.town.navmesh
    raise CallError(f"no such file: {path}")


def get_navigation_mesh(world: World) -> bytes:
    """The walkers' navigation mesh."""
    return world.town.navmesh


def get_episode_settings(world: World) -> list[object]:
    """The present settings."""
    return to_wire(world.settings)


def set_episode_settings(world: World, settings: EpisodeSettings) -> int:
    """Change the settings; the frame from which on they hold."""
    delta = settings.fixed_delta_seconds
    if delta is not None and delta > LONGEST_STEP_S:
        raise CallError(f"fixed_delta_seconds: expected at most {LONGEST_STEP_S:g}, got {delta:g}")
    if delta is not None and delta <= 0.0:
        settings = settings._replace(fixed_delta_seconds=None)
    return world.change_settings(settings)


def tick_cue(world: World) -> int:
    """Do one tick; its frame number."""
    return world.tick()


def get_weather_parameters(world: World) -> Weather:
    """The weather."""
    return world.weather


def set_weather_parameters(world: World, weather: Weather) -> None:
    """Change the weather."""
    world.weather = weather


def is_traffic_manager_running(world: World, port: int) -> bool:
    """Whether a Traffic Manager is registered under the port."""
    return port in world.traffic_managers


def get_traffic_manager_running(world: World, port: int) -> ManagerAddress:
    """Address of a registered Traffic Manager; empty for none."""
    return world.traffic_managers.get(port, ManagerAddress("", 0))


def add_traffic_manager_running(world: World, address: ManagerAddress) -> bool:
    """Register a Traffic Manager; False when the port has one."""
    if address.port in world.traffic_managers:
        return False
    world.traffic_managers[address.port] = address
    return True


def destroy_traffic_manager(world: World, port: int) -> bool:
    """Forget a Traffic Manager."""
    return world.traffic_managers.pop(port, None) is not None


def get_spectator(world: World) -> list[object]:
    """The spectator."""
    return world.record_of(world.spectator)
