"""`apply_batch`: many commands in one call, each with a response of its own."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.bodies import BodySet
from synthgen.simserver.rpc import actors, physics, traffic, vehicles, walkers
from synthgen.simserver.wire.rpc_codec import command_failure, command_success
from synthgen.simserver.wire.structs import (
    AckermannControl,
    ActorDescription,
    DecodeError,
    Decoder,
    Transform,
    Vector3D,
    VehicleControl,
    VehicleLightState,
    VehiclePhysicsControl,
    WalkerControl,
    decoder_of,
)
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.world import World

SPAWN, DESTROY, VEHICLE_CONTROL = 0, 1, 2
# The actor that the spawn command around this one makes.
FUTURE_ACTOR = 0
_MAX_DEPTH = 8


def _apply_walker_state(world: World, actor_id: int, pose: Transform, speed: float) -> None:
    world.motion.place_walker(world.actor(actor_id), pose, speed)


def _set_lights(world: World, actor_id: int, flags: int) -> None:
    vehicles.set_vehicle_light_state(world, actor_id, VehicleLightState(flags))


def _set_autopilot(world: World, actor_id: int, enabled: bool) -> None:
    # The Traffic Manager's port stays in the client.
    vehicles.set_actor_autopilot(world, actor_id, enabled)


def _console(world: World, command: str) -> None:
    raise CallError(f"console commands are Unreal's own and not available: {command[:80]}")


_COMMANDS: dict[int, tuple[Callable[..., None], tuple[type, ...]]] = {
    2: (vehicles.apply_control_to_vehicle, (int, VehicleControl)),
    3: (vehicles.apply_ackermann_control_to_vehicle, (int, AckermannControl)),
    4: (walkers.apply_control_to_walker, (int, WalkerControl)),
    5: (vehicles.apply_physics_control, (int, VehiclePhysicsControl)),
    6: (actors.set_actor_transform, (int, Transform)),
    7: (_apply_walker_state, (int, Transform, float)),
    8: (physics.set_actor_target_velocity, (int, Vector3D)),
    9: (physics.set_actor_target_angular_velocity, (int, Vector3D)),
    10: (physics.add_actor_impulse, (int, Vector3D)),
    11: (physics.add_actor_force, (int, Vector3D)),
    12: (physics.add_actor_angular_impulse, (int, Vector3D)),
    13: (physics.add_actor_torque, (int, Vector3D)),
    14: (physics.set_actor_simulate_physics, (int, bool)),
    15: (physics.set_actor_enable_gravity, (int, bool)),
    16: (_set_autopilot, (int, bool)),
    17: (vehicles.show_vehicle_debug_telemetry, (int, bool)),
    18: (_set_lights, (int, int)),
    19: (actors.set_actor_location, (int, Vector3D)),
    20: (_console, (str,)),
    21: (traffic.set_traffic_light_state, (int, int)),
}
_DECODED: dict[int, tuple[Callable[..., None], tuple[Decoder, ...]]] = {
    index: (function, tuple(decoder_of(t) for t in types))
    for index, (function, types) in _COMMANDS.items()
}
_SPAWN_DECODERS = tuple(
    decoder_of(t) for t in (ActorDescription, Transform, int | None, int, str, list[object])
)


def apply_batch(world: World, commands: list[object], do_tick: bool) -> list[Any]:
    """Carry out the commands in order; a failed one does not stop the rest."""
    responses: list[Any] = []
    if not commands:
        # A Traffic Manager without a vehicle ends its step so.
        world.pace.note_controls()
    for index, same in _runs(commands):
        if index == VEHICLE_CONTROL:
            world.pace.note_controls()
        responses += _in_bulk(world, index, same) or [_respond(world, command) for command in same]
    if do_tick:
        world.tick()
    return responses


def _runs(commands: list[Any]) -> Iterator[tuple[int, list[Any]]]:
    """Commands of one kind after each other, with the kind's index."""
    if len(commands) >= BULK_MIN:
        try:
            kinds = {command[0][0] for command in commands}
        except (TypeError, IndexError, KeyError):
            kinds = set()
        if len(kinds) == 1 and kinds <= _BULK.keys():
            yield kinds.pop(), commands
            return
    for index, run in itertools.groupby(commands, _index_of):
        yield index, list(run)


def _index_of(command: object) -> int:
    match command:
        case [[int(index), *_]]:
            return index
    return -1


def _drive(world: World, commands: list[Any]) -> list[Any] | None:
    """Apply many vehicle controls at once, or None where one of them needs a closer look."""
    rows = [[command[0][1][0], *command[0][1][1]] for command in commands]
    found = _table(rows, world.motion.dynamics.vehicles)
    if found is None:
        return None
    world.motion.set_vehicle_controls(*found)
    return [command_success(actor_id) for actor_id in found[0]]


def _walk(world: World, commands: list[Any]) -> list[Any] | None:
    """Place many walkers at once, or None where one of them needs a closer look."""
    fields = (command[0][1] for command in commands)
    rows = [[f[0], *f[1][0], *f[1][1], f[2]] for f in fields]
    found = _table(rows, world.motion.dynamics.walkers)
    if found is None:
        return None
    world.motion.place_walkers(*found)
    return [command_success(actor_id) for actor_id in found[0]]


def _table(rows: list[list[Any]], bodies: BodySet) -> tuple[list[int], NDArray[np.float64]] | None:
    """Ids and (N, 7) finite values of commands to different live actors, else None."""
    ids = [row[0] for row in rows]
    if len(set(ids)) != len(ids) or not all(actor_id in bodies for actor_id in ids):
        return None
    values = np.array([row[1:] for row in rows])
    if values.dtype != np.float64 or values.shape != (len(rows), BULK_WIDTH):
        return None
    return (ids, values) if np.isfinite(values).all() else None


def _in_bulk(world: World, index: int, commands: list[Any]) -> list[Any] | None:
    bulk = _BULK.get(index)
    if bulk is None or len(commands) < BULK_MIN:
        return None
    try:
        return bulk(world, commands)
    except (TypeError, ValueError, IndexError, KeyError):
        # Misshapen: the slow way tells each command what is wrong with it.
        return None


# A Traffic Manager and a crowd send one such command per actor and tick.
BULK_MIN = 8
BULK_WIDTH = 7
_BULK: dict[int, Callable[[World, list[Any]], list[Any] | None]] = {2: _drive, 7: _walk}


def _respond(world: World, command: object) -> list[Any]:
    try:
        return command_success(_carry_out(world, command, FUTURE_ACTOR, 0))
    except (CallError, DecodeError) as err:
        return command_failure(str(err))


def _carry_out(world: World, command: object, spawned_id: int, depth: int) -> int:
    match command:
        case [[int(index), list(fields)]]:
            pass
        case _:
            raise DecodeError("expected a command [[index, [fields]]]")
    if index == SPAWN:
        return _spawn(world, fields, depth)
    if fields and fields[0] == FUTURE_ACTOR and index != 20:
        fields = [spawned_id, *fields[1:]]
    if index == DESTROY:
        return _destroy(world, fields)
    known = _DECODED.get(index)
    if known is None:
        raise DecodeError(f"unknown command {index}")
    function, decoders = known
    if len(fields) != len(decoders):
        raise DecodeError(f"command {index}: expected {len(decoders)} fields, got {len(fields)}")
    arguments = [decode(field) for decode, field in zip(decoders, fields, strict=True)]
    function(world, *arguments)
    return arguments[0] if isinstance(arguments[0], int) else 0


def _destroy(world: World, fields: list[Any]) -> int:
    if len(fields) != 1 or not isinstance(fields[0], int):
        raise DecodeError("expected DestroyActor [actor id]")
    if not world.destroy(fields[0]):
        raise CallError(f"actor {fields[0]} belongs to the map and cannot be destroyed")
    return int(fields[0])


def _spawn(world: World, fields: list[Any], depth: int) -> int:
    if len(fields) != len(_SPAWN_DECODERS) or depth > _MAX_DEPTH:
        raise DecodeError("expected SpawnActor of 6 fields, not nested over and over")
    # The client leaves the attachment type of a batch uninitialised; CARLA's server takes every
    # child of a batch as rigid.
    description, pose, parent_id, _, _, then = (
        decode(field) for decode, field in zip(_SPAWN_DECODERS, fields, strict=True)
    )
    actor = world.spawn(description, pose, parent_id or 0)
    for command in then:
        # As in CARLA the answer is the new actor, whatever becomes of the rest.
        with contextlib.suppress(CallError, DecodeError):
            _carry_out(world, command, actor.id, depth + 1)
    return actor.id
