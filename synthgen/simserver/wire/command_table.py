"""The two batches that come every tick, read as arrays straight from their bytes.

A Traffic Manager sends one `ApplyVehicleControl` per vehicle and a crowd one `ApplyWalkerState`
per walker: `[[2, [id, [float x 3, bool x 3, int]]]]` and `[[7, [id, [[float x 3], [float x 3]],
float]]]`. Where anything is spelt otherwise than the client spells it, the message is left to the
general reader.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VEHICLE_CONTROL, WALKER_STATE = 2, 7
COLUMNS = 7
# Fewer are as soon read one by one.
FEWEST = 8

_HEADS = (b"\x94\x00", b"\xabapply_batch\x93\x91")
# Header, name, metadata and the begin of the first command need less.
_LONGEST_HEAD = 48
# msgpack: how many bytes follow the first one of an unsigned integer, by that byte.
_WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4}
_ARRAY, _ARRAY_16, _FALSE, _FIXINT_MAX = 0x90, 0xDC, 0xC2, 0x7F


class CommandTable(NamedTuple):
    """Commands of one kind; whether their actors are there is not looked at here.

    Attributes:
        kind: `VEHICLE_CONTROL` or `WALKER_STATE`.
        ids: (N,) int64 actor ids.
        values: (N, 7) float64, finite: throttle, steer, brake, hand brake, reverse, manual, gear;
            or x, y, z, pitch, yaw, roll, speed.
    """

    kind: int
    ids: NDArray[np.int64]
    values: NDArray[np.float64]

    def commands(self) -> list[object]:
        """The same as the general reader gives them."""
        rows = zip(self.ids.tolist(), self.values.tolist(), strict=True)
        if self.kind == WALKER_STATE:
            return [[[7, [i, [v[:3], v[3:6]], v[6]]]] for i, v in rows]
        return [[[2, [i, [*v[:3], *(flag != 0.0 for flag in v[3:6]), int(v[6])]]]] for i, v in rows]


class Batch(NamedTuple):
    """An `apply_batch` request: its number, its commands, and where the next message begins."""

    msgid: int
    table: CommandTable
    end: int


def read_batch(data: bytes) -> Batch | None:
    """The batch at the begin of `data`, if it is there as a whole and one of the two kinds."""
    if len(data) < _LONGEST_HEAD or not data.startswith(_HEADS[0]):
        return None
    width = _WIDTHS.get(data[2], 0)
    at = 3 + width
    msgid = int.from_bytes(data[3:at], "big") if width else data[2]
    if (not width and msgid > _FIXINT_MAX) or not data.startswith(_HEADS[1], at):
        return None
    # Behind the name: [async], then the commands.
    at += len(_HEADS[1]) + 1
    if data[at - 1] & 0xFE != _FALSE:
        return None
    if data[at] == _ARRAY_16:
        count, at = int.from_bytes(data[at + 1 : at + 3], "big"), at + 3
    else:
        count, at = data[at] - _ARRAY, at + 1
    kind = data[at + 2]
    if count < FEWEST or kind not in (VEHICLE_CONTROL, WALKER_STATE):
        return None
    table, end = _read(data, at, kind, count)
    # The last byte says not to tick.
    if not at < end < len(data) or data[end] != _FALSE:
        return None
    return Batch(msgid, table, end + 1)


def _read(data: bytes, at: int, kind: int, count: int) -> tuple[CommandTable, int]:
    # Here and not at the top: numba, which a server that nobody drives in need not wait for.
    from synthgen.simserver.wire import command_kernel

    table = CommandTable(kind, np.zeros(count, np.int64), np.zeros((count, COLUMNS)))
    # The kernel looks ahead by a command.
    padded = np.frombuffer(data + bytes(command_kernel.LONGEST_COMMAND), np.uint8)
    return table, command_kernel.read_commands(padded, at, kind, table.ids, table.values)


def warm() -> None:
    """Load the compiled code; safe in a thread beside the world's."""
    _read(b"", 0, VEHICLE_CONTROL, 0)
