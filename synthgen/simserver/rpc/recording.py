"""Calls about the recorder and the replayer."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from synthgen.simserver.wire.structs import Transform
from synthgen.simserver.world import recorder_queries
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.recording import RecordingError
from synthgen.simserver.world.world import World

P = ParamSpec("P")
ASCII = 128


def start_recorder(world: World, file: str, additional_data: bool) -> str:
    """Record from now on; the path of the file."""
    return world.recorder.start(world, file, has_kinematics=additional_data)


def stop_recorder(world: World) -> None:
    """End the recording."""
    world.recorder.stop()


def _told(query: Callable[P, str], *arguments: P.args, **options: P.kwargs) -> str:
    """The query's text, or what is wrong with the recording: in CARLA that is no failure."""
    try:
        return query(*arguments, **options)
    except RecordingError as err:
        return str(err)


def show_recorder_file_info(world: World, file: str, show_all: bool) -> str:
    """What a recording holds."""
    return _told(recorder_queries.file_info, file, is_full=show_all)


def show_recorder_collisions(world: World, file: str, first: int, second: int) -> str:
    """Collisions in a recording between two kinds of actors, given as letters."""
    return _told(recorder_queries.collisions, file, _kind(first), _kind(second))


def _kind(code: int) -> str:
    """The letter of a kind of actors, which travels as a number.

    Raises:
        CallError: There is no such kind.
    """
    letter = chr(code) if 0 < code < ASCII else ""
    if not letter or letter not in recorder_queries.KINDS:
        raise CallError(
            f"unknown kind of actor {letter or code}: expected one of {recorder_queries.KINDS}"
        )
    return letter


def show_recorder_actors_blocked(
    world: World, file: str, min_time: float, min_distance: float
) -> str:
    """Vehicles of a recording that hardly moved (seconds, centimetres)."""
    return _told(recorder_queries.blocked, file, min_time, min_distance)


def replay_file(
    world: World,
    file: str,
    start: float,
    duration: float,
    follow_id: int,
    replay_sensors: bool,
    offset: Transform,
) -> str:
    """Play a recording; a text about it. The spectator follows an actor at an offset."""
    return _told(
        world.replayer.start,
        world,
        file,
        start_s=start,
        duration_s=duration,
        follow_id=follow_id,
        follow_from=offset,
        replays_sensors=replay_sensors,
    )


def stop_replayer(world: World, keep_actors: bool) -> None:
    """End playing."""
    world.replayer.stop(world, keeps_actors=keep_actors)


def set_replayer_time_factor(world: World, factor: float) -> None:
    """Set recorded seconds per simulated second."""
    world.replayer.time_factor = factor


def set_replayer_ignore_hero(world: World, ignore: bool) -> None:
    """Leave heroes to their own."""
    world.replayer.ignores_hero = ignore


def set_replayer_ignore_spectator(world: World, ignore: bool) -> None:
    """Leave the spectator where it is."""
    world.replayer.ignores_spectator = ignore
