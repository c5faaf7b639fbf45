"""Blocks of TCP ports for simulators, leased so that no two slots of this host share one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synthgen.errors import SimulatorLost

# Below Linux's ephemeral ports (32768 and up), above CARLA's own defaults (2000, 8000).
_FIRST: Final = 20_000
_LAST: Final = 32_000
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class PortBlock:
    """One simulator's ports: RPC, streams, secondary servers, Traffic Manager."""

    base: int

    @property
    def rpc(self) -> int:
        """The port that clients connect to."""
        return self.base

    @property
    def stream(self) -> int:
        """The port that sensor data comes from; CARLA's is always the next one."""
        return self.base + 1

    @property
    def traffic_manager(self) -> int:
        """The Traffic Manager's port; CARLA's default 8000 would be shared by all slots."""
        return self.base + 3

    @property
    def all(self) -> tuple[int, ...]:
        """Every port of the block that something may listen on."""
        return (self.base, self.base + 1, self.base + 2, self.base + 3)


def lease_folder() -> Path:
    """This user's folder of lock files on this host."""
    folder = Path(tempfile.gettempdir()) / f"synthgen-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def leased_ports() -> Iterator[PortBlock]:
    """A block of free ports that no other synthgen process of this user holds.

    Raises:
        SimulatorLost: Every block is taken.
    """
    folder = lease_folder()
    for base in range(_FIRST, _LAST, _BLOCK):
        descriptor = os.open(folder / str(base), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _lock(descriptor) and all(is_free(port) for port in PortBlock(base).all):
                yield PortBlock(base)
                return
        finally:
            os.close(descriptor)
    raise SimulatorLost(f"no {_BLOCK} free ports in a row between {_FIRST} and {_LAST}")


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_free(port: int) -> bool:
    """True if a server could listen on this port of all interfaces."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except OSError:
            return False
    return True
