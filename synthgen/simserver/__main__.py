"""`python -m synthgen.simserver`: start the server, say READY, serve until told to stop.

`warmup` compiles the kernels instead, `bench` measures them, `gallery` draws pictures, `check`
builds a town and says what is in it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from synthgen.simserver.lifeline import die_with_parent
from synthgen.simserver.rpc.episode import LONGEST_STEP_S
from synthgen.simserver.server import Server, StreamDoor, bind, bind_stream_door
from synthgen.simserver.wire.structs import EpisodeSettings
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.town_store import TownStore
from synthgen.simserver.world.world import World

logger = logging.getLogger(__name__)

DEFAULT_PORT = 2000
LOOPBACK = "127.0.0.1"
BAD_USAGE = 2
# A call waits at most this long for a thread that computes beside it.
SWITCH_INTERVAL_S = 0.0005
# A server that nobody asked anything for so long loads its renderer meanwhile.
ALONE_S = 0.2
# In pieces, the smallest kernel first: with it comes what all of them need.
COMPILED_PHYSICS = (
    "numba",
    "synthgen.kernels",
    "synthgen.simserver.wire.command_kernel",
    "synthgen.simserver.physics.step_kernel",
    "synthgen.simserver.world.road_kernel",
    "synthgen.simserver.physics.command_kernel",
)
LEISURE_S = 0.01
# CARLA's own levels, and ours.
QUALITY_LEVELS = {"low": "low", "medium": "medium", "high": "high", "epic": "medium"}
# CARLA's flags by name (Carla/Settings/CarlaSettings.cpp). Unreal's frames per second of a
# benchmark are CARLA's fixed step.
_CARLAS_FLAGS = {
    "world-port": "--port",
    "carla-port": "--port",
    "carla-rpc-port": "--port",
    "carla-world-port": "--port",
    "carla-streaming-port": "--stream-port",
    "quality-level": "--quality-level",
    "fps": "--fps",
}
# Unreal's flags that programs are seen to write with two dashes.
_UNREALS_FLAGS = {
    *("renderoffscreen", "nosound", "opengl", "vulkan", "windowed", "resx", "resy"),
    *("benchmark", "carla-server", "prefernvidia", "graphicsadapter", "nullrhi", "ros2"),
}
# Live objects more than at the last collection that start the next one.
COLLECTED_OBJECTS = 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = _other_program(arguments)
    return _serve(_options(arguments)) if code is None else code


def _other_program(arguments: Sequence[str]) -> int | None:
    """The exit code of a program that is no server, or None where a server is asked for."""
    if arguments[:1] == ["bench"]:
        from synthgen.simserver import bench  # compiled kernels: slow, and not for a server

        return bench.main(arguments[1:])
    if arguments[:1] == ["gallery"]:
        from synthgen.simserver.bench import gallery

        return gallery.main(arguments[1:])
    if arguments[:1] == ["warmup"]:
        from synthgen.simserver import warmup

        return warmup.main(arguments[1:])
    if arguments[:1] == ["check"]:
        from synthgen.simserver import check_town

        return check_town.main(arguments[1:])
    return None


def _serve(options: argparse.Namespace) -> int:
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )
    if options.die_with_parent and not die_with_parent(os.getppid()):
        return BAD_USAGE
    try:
        rpc_door = bind(options.host, options.port)
        stream_door = _stream_door(options, rpc_door.getsockname()[1])
    except (OSError, OverflowError) as err:
        return _refuse(f"cannot listen on {options.host}:{options.port}: {err}")
    except CallError as err:
        return _refuse(str(err))
    streams = StreamDoor(stream_door)
    try:
        world = _world(options, streams)
    except (CallError, OSError) as err:
        return _refuse(str(err))
    server = Server(world, rpc_door, streams)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    if options.owner_pid:
        try:
            server.watch(os.pidfd_open(options.owner_pid), server.stop)
        except ProcessLookupError:
            return _refuse(f"the owner, process {options.owner_pid}, is gone")
    port = rpc_door.getsockname()[1]
    print(f"READY rpc={port} stream={streams.port}", flush=True)  # noqa: T201  # the contract
    _spare_the_collector()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    threading.Thread(target=_warm, args=(world, server), name="warm", daemon=True).start()
    server.run()
    world.recorder.stop()
    return 0


def _warm(world: World, server: Server) -> None:
    """Load what a first client would wait for, beside the world's thread but not against it.

    The compiled physics takes a second. The renderer takes some, longer than the two seconds
    that many programs give a call: their first tick with a camera would fail. But a client that
    is there already may need no camera, and is not to be slowed down.
    """
    for module in COMPILED_PHYSICS:
        # A call that takes long, such as building a town, would take longer still.
        while server.is_busy:
            time.sleep(LEISURE_S)
        importlib.import_module(module)
    time.sleep(ALONE_S)
    if not server.was_visited:
        world.sensors.scene.warm()


def _stream_door(options: argparse.Namespace, rpc_port: int) -> socket.socket:
    if options.stream_port is None:
        return bind_stream_door(options.host, options.port or rpc_port)
    try:
        return bind(options.host, options.stream_port)
    except (OSError, OverflowError) as err:
        raise CallError(f"cannot listen on {options.host}:{options.stream_port}: {err}") from err


def _spare_the_collector() -> None:
    """Keep the town out of garbage collections, and collections out of most ticks."""
    gc.collect()
    gc.freeze()
    # A batch of a hundred commands is some thousand lists, gone with the reply.
    gc.set_threshold(COLLECTED_OBJECTS)


def _world(options: argparse.Namespace, streams: StreamDoor) -> World:
    towns = TownStore(options.maps_dir, options.seed)
    name = options.map or options.town or towns.default_name()
    if name.endswith(".xodr"):
        name = towns.add_file(Path(name))
    settings = EpisodeSettings(
        synchronous_mode=options.synchronous, fixed_delta_seconds=options.fixed_delta
    )
    return World(
        towns,
        streams,
        town=name,
        settings=settings,
        threads=options.threads,
        quality=QUALITY_LEVELS[options.quality_level],
    )


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m synthgen.simserver",
        description="A CARLA 0.9.16 compatible server without a GPU.",
        allow_abbrev=False,
    )
    parser.add_argument("town", nargs="?", help="town to load, as CarlaUE4.sh takes it")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="RPC port, 0: any")
    parser.add_argument("--stream-port", type=int, help="default: the RPC port + 1, 0: any")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--map", help="a known town's name or an OpenDRIVE file")
    parser.add_argument("--maps-dir", type=_folder, help="folder whose NAME.xodr are towns too")
    parser.add_argument("--seed", type=int, default=0, help="seed of buildings and parked cars")
    parser.add_argument("--synchronous", action="store_true", help="start synchronous")
    parser.add_argument("--fixed-delta", type=_step_s, help="start with this step, seconds")
    parser.add_argument(
        "--fps", dest="fixed_delta", type=_step_of_rate_s, help="the same by frames per second"
    )
    parser.add_argument(
        "--quality-level",
        default="medium",
        type=str.lower,
        choices=sorted(QUALITY_LEVELS),
        help="picture quality of cameras that do not ask for one",
    )
    parser.add_argument("--threads", type=_count, default=os.cpu_count() or 1)
    parser.add_argument("--owner-pid", type=int, help="stop when this process ends")
    parser.add_argument("--die-with-parent", action="store_true")
    parser.add_argument("--i-understand-unauthenticated", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args(_translated(argv))
    if options.host != LOOPBACK and not options.i_understand_unauthenticated:
        parser.error("--host opens the server to others: add --i-understand-unauthenticated")
    return options


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"expected a number, got {text}") from err


def _step_s(text: str) -> float:
    if not 0.0 < _number(text) <= LONGEST_STEP_S:
        raise argparse.ArgumentTypeError(f"expected 0 to {LONGEST_STEP_S:g} seconds, got {text}")
    return _number(text)


def _step_of_rate_s(text: str) -> float:
    rate = _number(text)
    if not 1.0 / LONGEST_STEP_S <= rate < math.inf:
        raise argparse.ArgumentTypeError(
            f"expected at least {1.0 / LONGEST_STEP_S:g} frames per second, got {text}"
        )
    return 1.0 / rate


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"expected a folder of maps, got {text}")
    return Path(text)


def _count(text: str) -> int:
    if _number(text) < 1.0:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return int(_number(text))


def _translated(argv: Sequence[str]) -> list[str]:
    """The arguments with CARLA's own flags in our spelling; Unreal's others are dropped."""
    translated = []
    for argument in argv:
        name, equals, value = argument.lstrip("-").partition("=")
        ours = _CARLAS_FLAGS.get(name.lower()) if argument.startswith("-") and equals else None
        if ours is not None:
            # Unreal takes them with one dash or two, in any case.
            translated += [ours, value]
        elif argument in ("-h", "-help"):
            translated.append("--help")
        elif not argument.startswith("-") or (
            argument.startswith("--") and name.lower() not in _UNREALS_FLAGS
        ):
            translated.append(argument)
        else:
            logger.info("Unreal's flag %s has no meaning here", argument)
    return translated


def _refuse(message: str) -> int:
    print(f"synthgen.simserver: {message}", file=sys.stderr)  # noqa: T201  # no logging yet
    return BAD_USAGE


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking a town and the compiled code apart takes seconds on a busy machine, and helps nobody.
    os._exit(code)
