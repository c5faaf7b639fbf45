"""Both doors against nonsense: the offender loses its connection, nobody else notices."""

import inspect
import socket
import struct
import time
from typing import Any, get_args, get_origin, get_type_hints

import carla
import msgpack
import numpy as np
import pytest

from synthgen.simserver.rpc.table import HANDLERS
from synthgen.simserver.wire.rpc_codec import encode_request
from tests.client.conftest import Address, tick

pytestmark = pytest.mark.server

NONSENSE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\xc1" * 64,
    b"\xdd\xff\xff\xff\xff",
    b"\xdb\x40\x00\x00\x00half",
    b"\x91" * 200_000,
    b"\x94\x00\x01\xa1x",
    msgpack.packb([2, "tick_cue", []]),
    msgpack.packb({"a": 1}),
    b"",
]


def _open(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5.0)
    # A guard against hanging, not a measure: the first ray loads the renderer.
    connection.settimeout(60.0)
    return connection


def _call(connection: socket.socket, method: str, arguments: list[object]) -> list[object]:
    connection.sendall(encode_request(7, method, arguments, is_async=False))
    unpacker = msgpack.Unpacker(raw=False)
    while True:
        data = connection.recv(1 << 16)
        assert data, f"the server hung up on {method}{arguments}"
        unpacker.feed(data)
        for reply in unpacker:
            return list(reply[3])


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_at_the_rpc_door_harms_nobody(
    address: Address, world: carla.World, nonsense: bytes
) -> None:
    with _open(address.port) as offender:
        offender.sendall(nonsense)
        frame = world.tick()
    assert world.tick() == frame + 1


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_at_the_stream_door_harms_nobody(
    address: Address, world: carla.World, nonsense: bytes
) -> None:
    with _open(address.stream_port) as offender:
        offender.sendall(nonsense)
        frame = world.tick()
    assert world.tick() == frame + 1


def test_random_bytes_at_both_doors_harm_nobody(address: Address, world: carla.World) -> None:
    rng = np.random.default_rng(11)
    for round_number in range(60):
        port = (address.port, address.stream_port)[round_number % 2]
        with _open(port) as offender:
            offender.sendall(rng.bytes(int(rng.integers(1, 4000))))
    tick(world, 3)


def test_random_arguments_are_answered_or_refused(address: Address, world: carla.World) -> None:
    """Every call with wrong arity and wrong types gets a reply, and the world goes on."""
    rng = np.random.default_rng(5)
    values: list[object] = [None, -1, 2**40, 1.5, "x", b"y", True, [], [[]], {}, [1, 2, 3]]
    skipped = {"tick_cue", "load_new_episode", "copy_opendrive_to_file"}
    with _open(address.port) as caller:
        for method in sorted(HANDLERS.keys() - skipped):
            for _ in range(4):
                picks = rng.integers(len(values), size=int(rng.integers(0, 5)))
                assert len(_call(caller, method, [values[i] for i in picks])) >= 0
    world.freeze_all_traffic_lights(False)
    tick(world, 3)


def _random_value(hint: Any, rng: np.random.Generator) -> Any:
    """A value of the right shape and an extreme content, as the wire carries it."""
    if hint in _EXTREMES:
        values = _EXTREMES[hint]
        return values[int(rng.integers(len(values)))]
    if get_origin(hint) is list:
        return [_random_value(get_args(hint)[0], rng) for _ in range(int(rng.integers(4)))]
    if type(None) in get_args(hint):
        return [True, _random_value(get_args(hint)[0], rng)] if rng.random() < 0.5 else [False]
    if hasattr(hint, "_fields"):
        hints = get_type_hints(hint)
        return [_random_value(hints[name], rng) for name in hint._fields]
    return []


_EXTREMES: dict[Any, list[Any]] = {
    bool: [True, False],
    int: [0, 1, 3, 7, -1, 255, 256, 2**31, 2**32 - 1, 2**63 - 1],
    float: [0.0, 1.0, -1.0, 1e-30, 1e30, -1e30, float("nan"), float("inf"), 120.0, -7.3],
    str: ["", "a", "vehicle.tesla.model3", "../../x", "\0", "x" * 300],
    bytes: [b"", b"xyz"],
}


def test_well_formed_calls_with_extreme_values_are_no_fault_of_ours(
    address: Address, world: carla.World, car: carla.Vehicle
) -> None:
    rng = np.random.default_rng(9)
    skipped = {"tick_cue", "load_new_episode", "copy_opendrive_to_file", "start_recorder"}
    faults = []
    with _open(address.port) as caller:
        for method in sorted(HANDLERS.keys() - skipped):
            function = HANDLERS[method].function
            hints = get_type_hints(function)
            names = list(inspect.signature(function).parameters)[1:]
            for attempt in range(8):
                arguments = [_random_value(hints[name], rng) for name in names]
                if arguments and hints[names[0]] is int and attempt % 2:
                    arguments[0] = car.id
                reply = _call(caller, method, arguments)
                if any(f"{name}: " in str(reply) for name in _OUR_FAULTS):
                    faults.append((method, arguments, reply))
        settings = [True, False, [True, 0.05], True, 0.01, 10, 0.0, True, 3000.0, 2000.0, True]
        _call(caller, "set_episode_settings", [settings])
    assert faults == []
    tick(world, 3)


_OUR_FAULTS = (
    *("ValueError", "TypeError", "IndexError", "KeyError", "OverflowError", "AttributeError"),
    *("ZeroDivisionError", "AssertionError", "OSError", "error"),
)


def test_a_step_of_an_hour_is_refused(world: carla.World) -> None:
    settings = world.get_settings()
    settings.fixed_delta_seconds = 3600.0
    with pytest.raises(RuntimeError, match="fixed_delta_seconds: expected at most 10, got 3600"):
        world.apply_settings(settings)


def test_mutated_calls_are_survived(address: Address, world: carla.World) -> None:
    rng = np.random.default_rng(3)
    call = encode_request(
        1, "apply_batch", [[[[2, [1, [0.5, 0.0, 0.0, False, False, False, 1]]]], 9], False],
        is_async=True,
    )  # fmt: skip
    for _ in range(80):
        mutated = bytearray(call)
        for place in rng.integers(len(call), size=3):
            mutated[place] = rng.integers(256)
        with _open(address.port) as offender:
            offender.sendall(bytes(mutated))
    tick(world, 3)


def test_unknown_method_is_an_error_for_its_caller(address: Address) -> None:
    with _open(address.port) as caller:
        assert _call(caller, "make_coffee", []) == [[0, ["unknown method: make_coffee"]]]
        assert _call(caller, "version", []) == [[1, "0.9.16"]]


def test_wrong_arity_is_an_error_for_its_caller(address: Address) -> None:
    with _open(address.port) as caller:
        reply = _call(caller, "get_actors_by_id", [])
    assert reply == [[0, ["get_actors_by_id: expected 1 arguments, got 0"]]]


def test_reader_that_stops_reading_does_not_slow_the_others(
    address: Address, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    camera = library.find("sensor.camera.semantic_segmentation")
    camera.set_attribute("image_size_x", "640")
    camera.set_attribute("image_size_y", "480")
    sensor = world.spawn_actor(camera, carla.Transform(carla.Location(z=3.0)))
    with _open(address.port) as caller:
        token = bytes(_call(caller, "get_sensor_token", [2])[0][1][0])  # type: ignore[index]  # reply
        stream = struct.unpack_from("<I", token)[0]
    deaf = [_open(address.stream_port) for _ in range(2)]
    for reader, stream_id in zip(deaf, (1, stream), strict=True):
        reader.sendall(struct.pack("<I", stream_id))
    started = time.monotonic()
    tick(world, 20)
    assert time.monotonic() - started < 20.0
    for reader in deaf:
        reader.close()
    sensor.destroy()


def test_call_that_never_ends_keeps_nothing_waiting(address: Address, world: carla.World) -> None:
    with _open(address.port) as slow:
        slow.sendall(b"\x94\x00\x01\xa8tick")
        tick(world, 3)


def test_question_behind_a_tick_is_answered_as_well(address: Address, world: carla.World) -> None:
    # A Traffic Manager asks for the settings while its client waits for the tick.
    car = world.spawn_actor(
        world.get_blueprint_library().find("vehicle.tesla.model3"),
        world.get_map().get_spawn_points()[0],
    )
    control = [[2, [car.id, [0.0, 0.0, 0.0, False, False, False, 0]]]]
    calls: list[tuple[str, list[object]]] = [
        ("add_traffic_manager_running", [["127.0.0.1", 1]]),
        ("apply_batch", [[control], False]),
        ("tick_cue", []),
        ("get_episode_settings", []),
        ("version", []),
    ]
    sent = [encode_request(n, *call, is_async=False) for n, call in enumerate(calls)]
    with _open(address.port) as connection:
        connection.sendall(b"".join(sent[:2]))
        connection.sendall(b"".join(sent[2:]))
        unpacker = msgpack.Unpacker(raw=False)
        replies: dict[int, object] = {}
        while len(replies) < len(calls):
            unpacker.feed(connection.recv(1 << 16))
            replies |= {reply[1]: reply[3] for reply in unpacker}
    assert sorted(replies) == list(range(len(calls)))
    assert replies[4] == [[1, "0.9.16"]]
    car.destroy()
