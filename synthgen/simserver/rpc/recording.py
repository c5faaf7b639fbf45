"""Calls about the recorder and the replayer."""

from __future__ import annotations

from synthgen.simserver.wire.structs import Transform
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.world import World

NOT_YET = "the recorder is not available on this server"


def start_recorder(world: World, file: str, additional_data: bool) -> str:
    """Refused."""
    raise CallError(NOT_YET)


def stop_recorder(world: World) -> None:
    """Nothing records."""


def show_recorder_file_info(world: World, file: str, show_all: bool) -> str:
    """Refused."""
    raise CallError(NOT_YET)


def show_recorder_collisions(world: World, file: str, first: int, second: int) -> str:
    """Refused."""
    raise CallError(NOT_YET)


def show_recorder_actors_blocked(
    world: World, file: str, min_time: float, min_distance: float
) -> str:
    """Refused."""
    raise CallError(NOT_YET)


def replay_file(
    world: World,
    file: str,
    start: float,
    duration: float,
    follow_id: int,
    replay_sensors: bool,
    offset: Transform,
) -> str:
    """Refused."""
    raise CallError(NOT_YET)


def stop_replayer(world: World, keep_actors: bool) -> None:
    """Nothing replays."""


def set_replayer_time_factor(world: World, factor: float) -> None:
    """Refused."""
    raise CallError(NOT_YET)


def set_replayer_ignore_hero(world: World, ignore: bool) -> None:
    """Refused."""
    raise CallError(NOT_YET)


def set_replayer_ignore_spectator(world: World, ignore: bool) -> None:
    """Refused."""
    raise CallError(NOT_YET)
