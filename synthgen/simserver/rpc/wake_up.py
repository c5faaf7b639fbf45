"""The wake-up that a client's Traffic Manager loses, given once more.

In synchronous mode the client raises a flag and notifies the manager's thread without holding the
lock; a thread that has just looked at the flag and is not asleep yet misses it, and both wait for
ever. The manager's own RPC door helps: when synchronous mode is switched off it notifies its
thread again, which does the one step that was asked for; switched on again at once, nothing else
has changed.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable

import msgpack

from synthgen.simserver.wire.structs import ManagerAddress

logger = logging.getLogger(__name__)

_TIMEOUT_S = 2.0
_MODES = (False, True)


def wake_managers(addresses: Iterable[ManagerAddress]) -> None:
    """Wake Traffic Managers from a thread of their own: their doors may be slow to answer."""
    for address in addresses:
        threading.Thread(target=_wake, args=(address,), name="wake-up", daemon=True).start()


def _wake(address: ManagerAddress) -> None:
    calls = [
        msgpack.packb([0, number, "set_synchronous_mode", [mode]])
        for number, mode in enumerate(_MODES)
    ]
    try:
        with socket.create_connection((address.ip, address.port), timeout=_TIMEOUT_S) as door:
            # In one segment: the manager takes both before its step is over.
            door.sendall(b"".join(calls))
            replies = msgpack.Unpacker()
            answered = 0
            while answered < len(_MODES):
                data = door.recv(4096)
                if not data:
                    break
                replies.feed(data)
                answered += sum(1 for _ in replies)
    except OSError as err:
        logger.warning("traffic manager %s:%d cannot be woken: %s", *address, err)
    else:
        logger.info("traffic manager %s:%d had missed a tick and was woken", *address)
