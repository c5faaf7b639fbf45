"""msgpack-RPC messages as CARLA's client writes and reads them; no sockets here.

A byte stream is a plain concatenation of msgpack objects (rpclib). A request is
`[0, msgid, method, [[async], args...]]`, a reply `[1, msgid, nil, result]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import msgpack

from synthgen.simserver.wire.command_table import read_batch

# A town's OpenDRIVE text is the longest honest string (a few MB); a texture of 2048 x 2048
# pixels the longest honest list.
MAX_MESSAGE_BYTES = 64 << 20
MAX_ELEMENTS = 1 << 22
REQUEST, REPLY = 0, 1
REQUEST_FIELDS = 4
BATCH = "apply_batch"


class ProtocolError(Exception):
    """The bytes are not msgpack-RPC; the connection cannot be understood any further."""


class Request(NamedTuple):
    """One call of a client; `arguments` are without the leading metadata."""

    msgid: int
    method: str
    arguments: list[Any]


class RpcUnpacker:
    """Requests out of a byte stream that arrives in pieces of any size."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            raw=False,
            strict_map_key=True,
            unicode_errors="surrogateescape",
            max_buffer_size=MAX_MESSAGE_BYTES,
            max_array_len=MAX_ELEMENTS,
            max_map_len=1 << 10,
            max_ext_len=0,
        )
        self._fed_bytes = 0
        # Where the last message ended: less than what was fed while one is not yet complete.
        self._read_bytes = 0

    def feed(self, data: bytes) -> Iterator[Request]:
        """Requests completed by `data`, in order.

        A batch that comes every tick has a `CommandTable` in place of its list of commands.

        Raises:
            ProtocolError: The stream is not msgpack, is over a limit or is not a request.
        """
        while self._read_bytes == self._fed_bytes and (batch := read_batch(data)) is not None:
            yield Request(batch.msgid, BATCH, [batch.table, False])
            data = data[batch.end :]
        if not data:
            return
        try:
            self._unpacker.feed(data)
            self._fed_bytes += len(data)
            for message in self._unpacker:
                self._read_bytes = self._unpacker.tell()
                yield _request(message)
        except (ValueError, msgpack.UnpackException) as err:
            raise ProtocolError(f"not a msgpack-RPC stream: {type(err).__name__} {err}") from err


def _request(message: object) -> Request:
    if not isinstance(message, list) or len(message) != REQUEST_FIELDS or message[0] != REQUEST:
        raise ProtocolError("expected a request [0, msgid, method, arguments]")
    _, msgid, method, arguments = message
    if type(msgid) is not int or type(method) is not str or type(arguments) is not list:
        raise ProtocolError("expected a request [0, msgid, method, arguments]")
    if not arguments or type(arguments[0]) is not list:
        raise ProtocolError(f"{method}: expected the metadata [async] as first argument")
    return Request(msgid, method, arguments[1:])


def encode_request(msgid: int, method: str, arguments: list[Any], *, is_async: bool) -> bytes:
    """Bytes of a call as the client sends it (tests and probes)."""
    return _pack([REQUEST, msgid, method, [[is_async], *arguments]])


def encode_value(msgid: int, value: object) -> bytes:
    """Reply of a call that returns `value`."""
    return _pack([REPLY, msgid, None, [[1, value]]])


def encode_void(msgid: int) -> bytes:
    """Reply of a call that succeeded and returns nothing."""
    return _pack([REPLY, msgid, None, [[False]]])


def encode_bare(msgid: int, value: object) -> bytes:
    """Reply whose value is not wrapped in a Response (`apply_batch`)."""
    if isinstance(value, Packed):
        return _pack([REPLY, msgid, None, None])[:-1] + value
    return _pack([REPLY, msgid, None, value])


def encode_failure(msgid: int, message: str, *, is_void: bool) -> bytes:
    """Reply of a call that failed; the client raises RuntimeError(message)."""
    return _pack([REPLY, msgid, None, [[True, [message]]] if is_void else [[0, [message]]]])


class Packed(bytes):
    """A value that is msgpack already."""


@lru_cache(maxsize=8)
def command_successes(actor_ids: bytes) -> Packed:
    """Responses of a batch of which every command succeeded, the same one every tick.

    Args:
        actor_ids: The actors as int64.
    """
    return Packed(_pack([command_success(i) for i in memoryview(actor_ids).cast("q")]))


def command_success(actor_id: int) -> list[Any]:
    """Response of one batch command."""
    return [[1, actor_id]]


def command_failure(message: str) -> list[Any]:
    """Response of one batch command that failed."""
    return [[0, [message]]]


def _pack(message: object) -> bytes:
    packed = _PACKER.pack(message)
    assert isinstance(packed, bytes)
    return packed


# One for all messages, since a packer takes a buffer; it holds nothing between two of them.
_PACKER = msgpack.Packer(use_bin_type=True, unicode_errors="surrogateescape")
