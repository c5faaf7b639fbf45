"""All calls by name, and how one is answered.

A handler is a plain function of the world and typed arguments; its annotations say how its
arguments are decoded and whether it replies with a value. So a wrong arity or type is an error
for its caller before any handler runs.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, get_type_hints

from synthgen.simserver.rpc import (
    actors,
    batch,
    episode,
    physics,
    recording,
    scenery,
    sensing,
    traffic,
    vehicles,
    walkers,
)
from synthgen.simserver.wire import rpc_codec
from synthgen.simserver.wire.rpc_codec import Request
from synthgen.simserver.wire.structs import DecodeError, Decoder, decoder_of
from synthgen.simserver.world.errors import CallError, UnsupportedError
from synthgen.simserver.world.world import World

logger = logging.getLogger(__name__)

_MODULES: tuple[ModuleType, ...] = (
    actors,
    batch,
    episode,
    physics,
    recording,
    scenery,
    sensing,
    traffic,
    vehicles,
    walkers,
)


@dataclass(frozen=True, slots=True)
class Handler:
    """One call: its function, the decoders of its arguments, the shape of its reply."""

    function: Callable[..., Any]
    decoders: tuple[Decoder, ...]
    is_void: bool
    is_bare: bool

    def call(self, world: World, arguments: list[Any]) -> Any:
        """The function's result.

        Raises:
            DecodeError: Wrong arity or types.
            CallError: The call failed.
        """
        if len(arguments) != len(self.decoders):
            raise DecodeError(f"expected {len(self.decoders)} arguments, got {len(arguments)}")
        decoded = [
            decode(argument) for decode, argument in zip(self.decoders, arguments, strict=True)
        ]
        return self.function(world, *decoded)


def _handler(function: Callable[..., Any]) -> Handler:
    hints = get_type_hints(function)
    names = list(inspect.signature(function).parameters)[1:]
    return Handler(
        function,
        tuple(decoder_of(hints[name]) for name in names),
        is_void=hints["return"] is type(None),
        is_bare=function is batch.apply_batch,
    )


def _handlers() -> dict[str, Handler]:
    functions = (
        member
        for module in _MODULES
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__ and not name.startswith("_")
    )
    return {function.__name__: _handler(function) for function in functions}


HANDLERS = _handlers()


def answer(world: World, request: Request) -> bytes:
    """The reply to one request, whatever it asks."""
    handler = HANDLERS.get(request.method)
    if handler is None:
        logger.info("unknown method %r", request.method[:80])
        return rpc_codec.encode_failure(
            request.msgid, f"unknown method: {request.method}", is_void=False
        )
    try:
        return _success(request, handler, handler.call(world, request.arguments))
    except DecodeError as err:
        return _failure(request, handler, f"{request.method}: {err}")
    except UnsupportedError as err:
        logger.warning("%s: %s", request.method, err)
        return _failure(request, handler, str(err))
    except CallError as err:
        return _failure(request, handler, str(err))
    except Exception as err:  # whatever fault of ours it is ends this call alone
        logger.exception("%s failed", request.method)
        return _failure(request, handler, f"{request.method}: {type(err).__name__}: {err}")


def _success(request: Request, handler: Handler, result: Any) -> bytes:
    if handler.is_void:
        return rpc_codec.encode_void(request.msgid)
    if handler.is_bare:
        return rpc_codec.encode_bare(request.msgid, result)
    return rpc_codec.encode_value(request.msgid, result)


def _failure(request: Request, handler: Handler, message: str) -> bytes:
    logger.debug("%s failed: %s", request.method, message)
    return rpc_codec.encode_failure(request.msgid, message, is_void=handler.is_void)
