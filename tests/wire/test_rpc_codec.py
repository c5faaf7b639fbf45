"""Messages and their exact bytes, both ways; the bytes are those of the real client."""

import struct

import pytest

from synthgen.simserver.wire import rpc_codec
from synthgen.simserver.wire.rpc_codec import ProtocolError, Request, RpcUnpacker

# carla_protocol.md section 2: `version` and `tick_cue` as the carla 0.9.16 client sends them.
REQUESTS = [
    ("940002a776657273696f6e9191c2", Request(2, "version", [])),
    ("940011a87469636b5f6375659191c2", Request(17, "tick_cue", [])),
    (
        "940003b06765745f73656e736f725f746f6b656e9291c201",
        Request(3, "get_sensor_token", [1]),
    ),
]
REPLIES = [
    (rpc_codec.encode_value(2, "0.9.16"), "940102c0919201a6302e392e3136"),
    (rpc_codec.encode_value(17, 12), "940111c09192010c"),
    (rpc_codec.encode_void(5), "940105c09191c2"),
    (rpc_codec.encode_failure(5, "no", is_void=True), "940105c09192c391a26e6f"),
    (rpc_codec.encode_failure(5, "no", is_void=False), "940105c0919200" + "91a26e6f"),
    (
        rpc_codec.encode_bare(7, [rpc_codec.command_success(8), rpc_codec.command_failure("no")]),
        "940107c0929192010891920091a26e6f",
    ),
    (
        # Actors 8 and 300.
        rpc_codec.encode_bare(7, rpc_codec.command_successes(struct.pack("<2q", 8, 300))),
        "940107c09291920108919201cd012c",
    ),
]


@pytest.mark.parametrize(("sent_hex", "expected"), REQUESTS)
def test_request_bytes_are_read(sent_hex: str, expected: Request) -> None:
    assert list(RpcUnpacker().feed(bytes.fromhex(sent_hex))) == [expected]


@pytest.mark.parametrize(("sent_hex", "expected"), REQUESTS)
def test_requests_encode_to_the_clients_bytes(sent_hex: str, expected: Request) -> None:
    sent = rpc_codec.encode_request(
        expected.msgid, expected.method, expected.arguments, is_async=False
    )
    assert sent.hex() == sent_hex


@pytest.mark.parametrize(("sent", "expected_hex"), REPLIES)
def test_reply_has_exact_bytes(sent: bytes, expected_hex: str) -> None:
    assert sent.hex() == expected_hex


def test_request_split_at_every_byte_is_read_once() -> None:
    unpacker = RpcUnpacker()
    data = bytes.fromhex("".join(row[0] for row in REQUESTS))
    found = [request for byte in data for request in unpacker.feed(bytes([byte]))]
    assert found == [row[1] for row in REQUESTS]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xc1",  # never used in msgpack
        b"\x93\x02\xa1x\x90",  # a notification, which CARLA's client never sends
        b"\xdd\xff\xff\xff\xff",  # an array of 4 G elements
        b"\x91" * 100000,  # nested without end
        b"\x94\x00\x01\xa1x\x90",  # no metadata
        b"\x94\x00\xa1y\xa1x\x91\x91\xc2",  # msgid is text
    ],
)
def test_nonsense_is_a_protocol_error(nonsense: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(RpcUnpacker().feed(nonsense))


def test_text_of_a_gigabyte_is_not_collected() -> None:
    unpacker = RpcUnpacker()
    list(unpacker.feed(b"\x94\x00\x01\xdb\x40\x00\x00\x00"))
    with pytest.raises(ProtocolError):
        list(unpacker.feed(bytes(rpc_codec.MAX_MESSAGE_BYTES + 1)))
