"""Calls about traffic lights."""

from __future__ import annotations

from synthgen.simserver.wire.structs import BoundingBox
from synthgen.simserver.world import level_boxes
from synthgen.simserver.world.errors import CallError
from synthgen.simserver.world.traffic_lights import Light
from synthgen.simserver.world.world import World


def _light(world: World, actor_id: int) -> int:
    world.actor(actor_id)
    try:
        return world.lights.actor_ids.index(actor_id)
    except ValueError as err:
        raise CallError(f"actor {actor_id} is not a traffic light") from err


def _state(value: int) -> Light:
    try:
        return Light(value)
    except ValueError as err:
        raise CallError(f"unknown traffic light state {value}") from err


def set_traffic_light_state(world: World, actor_id: int, state: int) -> None:
    """Make a light show a state."""
    world.lights.set_state(_light(world, actor_id), _state(state))


def set_traffic_light_green_time(world: World, actor_id: int, seconds: float) -> None:
    """Set the green time of the light's turn."""
    world.lights.set_time_s(_light(world, actor_id), Light.GREEN, seconds)


def set_traffic_light_yellow_time(world: World, actor_id: int, seconds: float) -> None:
    """Set the yellow time of the light's turn."""
    world.lights.set_time_s(_light(world, actor_id), Light.YELLOW, seconds)


def set_traffic_light_red_time(world: World, actor_id: int, seconds: float) -> None:
    """Set the red time of the light's turn."""
    world.lights.set_time_s(_light(world, actor_id), Light.RED, seconds)


def freeze_traffic_light(world: World, actor_id: int, freeze: bool) -> None:
    """Hold or release the light's group."""
    world.lights.freeze(_light(world, actor_id), is_frozen=freeze)


def freeze_all_traffic_lights(world: World, freeze: bool) -> None:
    """Hold or release every light."""
    world.lights.freeze_all(is_frozen=freeze)


def reset_traffic_light_group(world: World, actor_id: int) -> None:
    """Start the light's group over."""
    world.lights.reset_group(_light(world, actor_id))


def reset_all_traffic_lights(world: World) -> None:
    """Start every group over."""
    world.lights.reset_all()


def get_group_traffic_lights(world: World, actor_id: int) -> list[int]:
    """Actor ids of the lights in the same group."""
    members = world.lights.group_of(_light(world, actor_id))
    return [world.lights.actor_ids[member] for member in members]


def get_light_boxes(world: World, actor_id: int) -> list[BoundingBox]:
    """Boxes of the light's heads in the world."""
    light = _light(world, actor_id)
    return level_boxes.light_boxes(world, world.actor(world.lights.actor_ids[light]))
