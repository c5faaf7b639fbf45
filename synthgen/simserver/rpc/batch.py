"""`apply_batch`: many commands in one call, each with a response of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from synthgen.simserver.rpc import actors, physics, traffic, vehicles, walkers
from synthgen.simserver.wire.command_table import VEHICLE_CONTROL, CommandTable
from synthgen.simserver.wire.rpc_codec import (
    Packed,
    command_failure,
    command_success,
    command_successes,
)
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
from synthgen.simserver.world.errors import CallError, UnsupportedError
from synthgen.simserver.world.world import World

SPAWN, DESTROY = 0, 1
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
    raise UnsupportedError(f"console commands are Unreal's own and not available: {command[:80]}")


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


def apply_batch(world: World, commands: object, do_tick: bool) -> list[Any] | Packed:
    """Carry out the commands in order; a failed one does not stop the rest."""
    responses: list[Any] | Packed
    if isinstance(commands, CommandTable):
        responses = _apply_table(world, commands)
    elif isinstance(commands, list):
        responses = _apply_each(world, commands)
    else:
        raise DecodeError(f"expected an array of commands, got {type(commands).__name__}")
    if do_tick:
        world.tick()
    return responses


def _apply_table(world: World, table: CommandTable) -> list[Any] | Packed:
    vehicles, walkers = world.motion.dynamics.vehicles, world.motion.dynamics.walkers
    drives = table.kind == VEHICLE_CONTROL
    if drives:
        world.pace.note_controls()
    rows = (vehicles if drives else walkers).rows_of(table.ids)
    if rows is None:
        # Each command is told what is wrong with it.
        return [_respond(world, command) for command in table.commands()]
    if drives:
        vehicles.set_controls(rows, table.values)
    else:
        walkers.set_states(rows, table.values)
    return command_successes(table.ids.tobytes())


def _apply_each(world: World, commands: list[object]) -> list[Any]:
    # A Traffic Manager without a vehicle ends its step with an empty batch.
    if not commands or any(_index_of(command) == VEHICLE_CONTROL for command in commands):
        world.pace.note_controls()
    return [_respond(world, command) for command in commands]


def _index_of(command: object) -> int:
    match command:
        case [[int(index), *_]]:
            return index
    return -1


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
