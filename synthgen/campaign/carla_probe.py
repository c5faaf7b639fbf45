"""What answers at a port, asked in CARLA's own words but without its client.

The client of 0.9.16 aborts its process when something else than CARLA answers, and blocks with the
GIL held when nothing does. These few calls of the wire protocol can do neither.
Source: docs/simserver.md; LibCarla, client/detail/Client.cpp (every call carries `[async]` first).
"""

from __future__ import annotations

import socket
import time
from typing import Any, Final

import msgpack

from synthgen.errors import SimulatorLost, SimulatorVersionError

_REQUEST: Final = 0
_MAX_REPLY: Final = 256 * 1024 * 1024


def probe_version(host: str, port: int, timeout_s: float = 5.0) -> str:
    """Version that a CARLA server states, e.g. `0.9.16`.

    Raises:
        SimulatorLost: Nothing listens, nothing answers in time, or it is no CARLA server.
    """
    reply = call(host, port, "version", timeout_s=timeout_s)
    if not isinstance(reply, str):
        raise SimulatorLost(f"{host}:{port}: not a CARLA server: its version is {reply!r}")
    return reply


def require_version(host: str, port: int, wanted: str, timeout_s: float = 5.0) -> None:
    """Check that the server at a port has the version of the client.

    Raises:
        SimulatorVersionError: It has another; the client would crash on it.
        SimulatorLost: As `probe_version`.
    """
    found = probe_version(host, port, timeout_s)
    if found != wanted:
        raise SimulatorVersionError(
            f"{host}:{port}: expected CARLA {wanted} (the installed client), found {found}; "
            "install the client of that version or start the other server"
        )


def opendrive_of(host: str, port: int, map_name: str, load_s: float) -> str:
    """OpenDRIVE text of one of the server's maps, which is loaded for it.

    Raises:
        SimulatorLost: As `probe_version`, or the server does not know the map.
    """
    all_layers = 65535
    call(host, port, "load_new_episode", map_name, True, all_layers, timeout_s=load_s)
    text = call(host, port, "get_map_data", timeout_s=load_s)
    if not isinstance(text, str) or "<OpenDRIVE" not in text:
        raise SimulatorLost(f"{host}:{port}: map {map_name} came without its road network")
    return text


def current_map(host: str, port: int) -> str:
    """Name of the map that a server has loaded, without its folder."""
    name, *_ = call(host, port, "get_map_info", timeout_s=30.0)
    return str(name).rpartition("/")[2]


def call(host: str, port: int, name: str, *arguments: Any, timeout_s: float) -> Any:
    """Result of one RPC of the CARLA server.

    Raises:
        SimulatorLost: As `probe_version`.
    """
    where = f"{host}:{port}"
    end = time.monotonic() + timeout_s
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(msgpack.packb([_REQUEST, 0, name, [[False], *arguments]]))
            return _result(where, _receive(where, connection, end))
    except ConnectionRefusedError as err:
        raise SimulatorLost(f"{where}: nothing listens there") from err
    except TimeoutError as err:
        raise SimulatorLost(f"{where}: no answer within {timeout_s:g} s") from err
    except OSError as err:
        raise SimulatorLost(f"{where}: {err.strerror or err}") from err


def _receive(where: str, connection: socket.socket, end: float) -> Any:
    """The first msgpack object of the answer."""
    unpacker = msgpack.Unpacker(max_buffer_size=_MAX_REPLY, strict_map_key=False)
    first = True
    while True:
        remaining = end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        connection.settimeout(remaining)
        piece = connection.recv(65_536)
        if not piece:
            raise SimulatorLost(f"{where}: closed the connection without an answer")
        if first and piece[0] != 0x94:  # A msgpack-RPC reply is an array of four.
            raise SimulatorLost(f"{where}: not a CARLA server: it answers {piece[:16]!r}")
        first = False
        unpacker.feed(piece)
        for message in unpacker:
            return message


def _result(where: str, message: Any) -> Any:
    """Unwrap `[1, id, error, result]`.

    A result is `[[1, value]]` or `[[0, [reason]]]`, without a value `[[False]]` or
    `[[True, [reason]]]`.
    """
    match message:
        case [1, _, None, [[True, [str(reason), *_]]]]:
            raise SimulatorLost(f"{where}: refused the call: {reason}")
        case [1, _, None, [[False]]]:
            return None
        case [1, _, None, [[1, value]]]:
            return value
        case [1, _, None, [[0, [reason, *_]]]] | [1, _, reason, None]:
            raise SimulatorLost(f"{where}: refused the call: {reason}")
        case _:
            raise SimulatorLost(f"{where}: not a CARLA server: it answers {str(message)[:80]}")
