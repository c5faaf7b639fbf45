"""Calls about sensors and their streams."""

from __future__ import annotations

from synthgen.simserver.wire.streams import stream_token
from synthgen.simserver.world.actors import ActorKind
from synthgen.simserver.world.errors import CallError, UnsupportedError
from synthgen.simserver.world.world import World

LAST_STREAM = 2**32 - 1
NO_GBUFFERS = "GBuffer textures are Unreal's own and not available on this server"
NO_ROS = "ROS publishing is not available on this server"


def get_sensor_token(world: World, stream_id: int) -> list[bytes]:
    """The token of a stream, which the caller is about to open."""
    if not 0 <= stream_id <= LAST_STREAM:
        raise CallError(f"unknown stream {stream_id}")
    if any(sensor.stream_id == stream_id for sensor in world.actors.of_kind(ActorKind.SENSOR)):
        world.streams.expect(stream_id)
    return [stream_token(stream_id, world.streams.port)]


def set_ignored_vehicles(world: World, actor_id: int, vehicle_ids: list[int]) -> None:
    """Vehicles that a sensor does not see."""
    actor = world.actor(actor_id)
    if actor.kind is not ActorKind.SENSOR:
        raise CallError(f"actor {actor_id} ({actor.type_id}) is not a sensor")
    raise UnsupportedError("ignored vehicles are not supported on this server")


def enable_gbuffers(world: World, actor_id: int, enabled: bool) -> None:
    """Refused unless it switches off what is never on."""
    if enabled:
        raise UnsupportedError(NO_GBUFFERS)


def are_gbuffers_enabled(world: World, actor_id: int) -> bool:
    """Never."""
    return False


def get_gbuffer_token(world: World, actor_id: int, gbuffer: int) -> bytes:
    """Refused."""
    raise UnsupportedError(NO_GBUFFERS)


def enable_sensor_for_ros(world: World, stream_id: int) -> None:
    """Refused."""
    raise UnsupportedError(NO_ROS)


def disable_sensor_for_ros(world: World, stream_id: int) -> None:
    """Nothing is ever published."""


def is_sensor_enabled_for_ros(world: World, stream_id: int) -> bool:
    """Never."""
    return False


def send(world: World, actor_id: int, message: str) -> None:
    """Send a text from a custom V2X sensor in the next frame."""
    world.sensors.v2x.post(world.actor(actor_id), message)
