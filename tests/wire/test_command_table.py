"""The batches that come every tick, as the client spells them, read as tables."""

import struct

import msgpack
import numpy as np
import pytest

from synthgen.simserver.wire.command_table import CommandTable
from synthgen.simserver.wire.rpc_codec import Request, RpcUnpacker

HEAD = bytes.fromhex("9400cd0249ab6170706c795f62617463689391c2")
# The first commands of batches that the carla 0.9.16 client sent, number by number:
# throttle 0.85, all else zero, of actor 102; x, y, z, pitch, yaw, roll, speed of walker 152.
CONTROL = "91 92 02 92 {} 97 ca3f59999a ca00000000 ca00000000 c2 c2 c2 00"
STATE = (
    "91 92 07 93 {} 92 93 ca43573fd3 cac2b8cc0e ca3e19999a"
    " 93 ca00000000 cabeee4334 ca00000000 ca3fb33333"
)
# Ids of one, two, three and five bytes in msgpack.
IDS = {102: "66", 127: "7f", 128: "cc80", 255: "ccff", 256: "cd0100", 70000: "ce00011170"}
IDS |= {5: "05", 6: "06"}


def batch(command: str, *more: str, ids: dict[int, str] = IDS) -> bytes:
    """A whole request of one command for each id, and commands that are given as they are."""
    commands = [bytes.fromhex(command.format(text)) for text in ids.values()]
    commands += [bytes.fromhex(text) for text in more]
    count = len(commands)
    length = bytes([0x90 | count]) if count < 16 else b"\xdc" + struct.pack(">H", count)
    return HEAD + length + b"".join(commands) + b"\xc2"


def only(data: bytes) -> Request:
    (request,) = RpcUnpacker().feed(data)
    return request


def table_of(data: bytes) -> CommandTable:
    request = only(data)
    assert request[:2] == (0x249, "apply_batch")
    table, do_tick = request.arguments
    assert isinstance(table, CommandTable)
    assert do_tick is False
    return table


def test_controls_are_read_as_a_table() -> None:
    table = table_of(batch(CONTROL))
    assert table.kind == 2
    assert table.ids.tolist() == list(IDS)
    assert table.values[0].tolist() == [np.float32(0.85), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_walker_states_are_read_as_a_table() -> None:
    table = table_of(batch(STATE))
    assert table.kind == 7
    expected = struct.unpack(
        ">6f", bytes.fromhex("43573fd3c2b8cc0e3e19999a00000000beee433400000000")
    )
    assert table.values[3].tolist() == [*expected, np.float32(1.4)]


@pytest.mark.parametrize("command", [CONTROL, STATE])
def test_table_says_what_msgpack_says(command: str) -> None:
    data = batch(command, *[command.format("cc90")] * 30)
    assert table_of(data).commands() == msgpack.unpackb(data)[3][1]


def test_flags_and_gear_of_a_control_are_read() -> None:
    reversing = "91 92 02 92 07 97 ca3f800000 cabf000000 ca3e800000 c3 c2 c3 03"
    values = table_of(batch(CONTROL, reversing)).values[-1]
    assert values.tolist() == [1.0, -0.5, 0.25, 1.0, 0.0, 1.0, 3.0]


@pytest.mark.parametrize("bits", ["00000001", "80000001", "007fffff", "00800000", "7f7fffff"])
def test_every_finite_float_is_read_exactly(bits: str) -> None:
    data = batch(CONTROL, f"91 92 02 92 07 97 ca{bits} ca00000000 ca00000000 c2 c2 c2 00")
    assert table_of(data).values[-1, 0] == struct.unpack(">f", bytes.fromhex(bits))[0]


@pytest.mark.parametrize(
    "other",
    [
        "91 92 02 92 07 97 ca7fc00000 ca00000000 ca00000000 c2 c2 c2 00",  # not a number
        "91 92 02 92 07 97 caff800000 ca00000000 ca00000000 c2 c2 c2 00",  # infinite
        "91 92 02 92 07 97 cb3ff0000000000000 ca00000000 ca00000000 c2 c2 c2 00",
        "91 92 02 92 07 97 00 00 00 c2 c2 c2 00",
        "91 92 02 92 07 97 ca00000000 ca00000000 ca00000000 c2 c2 c2 ff",  # gear -1
        "91 92 02 92 ff 97 ca00000000 ca00000000 ca00000000 c2 c2 c2 00",  # actor -1
        "91 92 01 91 07",
        STATE.format("07"),
    ],
)
def test_batch_with_another_command_is_read_one_by_one(other: str) -> None:
    data = batch(CONTROL, other)
    commands, do_tick = only(data).arguments
    assert repr(commands) == repr(msgpack.unpackb(data)[3][1])
    assert do_tick is False


def test_batch_in_pieces_is_read_once() -> None:
    data = batch(CONTROL) + batch(STATE)
    unpacker = RpcUnpacker()
    pieces = [data[:100], data[100:110], data[110:]]
    found = [request for piece in pieces for request in unpacker.feed(piece)]
    assert [request.arguments[0] for request in found] == [
        table_of(batch(command)).commands() for command in (CONTROL, STATE)
    ]


def test_calls_around_a_batch_are_read_too() -> None:
    tick = bytes.fromhex("940011a87469636b5f6375659191c2")
    found = list(RpcUnpacker().feed(batch(CONTROL) + tick + batch(STATE)))
    assert [request.method for request in found] == ["apply_batch", "tick_cue", "apply_batch"]


@pytest.mark.parametrize("length", range(15, 80, 7))
def test_batch_cut_short_is_awaited(length: int) -> None:
    assert list(RpcUnpacker().feed(batch(CONTROL)[:length])) == []
