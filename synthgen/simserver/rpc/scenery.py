"""Calls about what is no actor: environment objects, layers, rays, lamps, drawing."""

from __future__ import annotations

import math

from synthgen.simserver.wire.structs import (
    BoundingBox,
    DebugShape,
    EnvironmentObject,
    LabelledPoint,
    LightState,
    Texture,
    Vector3D,
)
from synthgen.simserver.world import level_boxes
from synthgen.simserver.world.environment import ANY_TAG
from synthgen.simserver.world.errors import CallError, UnsupportedError
from synthgen.simserver.world.world import World

NO_TEXTURES = "textures cannot be changed on this server"
STEP_M = 0.02
MOST_HITS = 64


def get_all_level_BBs(world: World, tag: int) -> list[BoundingBox]:  # noqa: N802  # the wire's
    """Boxes of all things with a tag, spawned ones too, in the world."""
    if not 0 <= tag <= ANY_TAG:
        raise CallError(f"unknown tag {tag}: expected 0 to {ANY_TAG}")
    return level_boxes.level_boxes(world, tag)


def get_environment_objects(world: World, tag: int) -> list[EnvironmentObject]:
    """Environment objects of a tag, the lights and signs of the map among them."""
    return world.environment.objects(tag) + level_boxes.signal_objects(world, tag)


def enable_environment_objects(world: World, object_ids: list[int], enable: bool) -> None:
    """Show or hide environment objects; hidden ones are not bumped into either."""
    world.environment.enable(object_ids, is_enabled=enable)
    world.show_environment()


def load_map_layer(world: World, layers: int) -> None:
    """Show the objects of map layers."""
    world.environment.load_layers(layers, is_loaded=True)
    world.show_environment()


def unload_map_layer(world: World, layers: int) -> None:
    """Hide the objects of map layers."""
    world.environment.load_layers(layers, is_loaded=False)
    world.show_environment()


def get_names_of_all_objects(world: World) -> list[str]:
    """Names of the environment objects."""
    return [item.name for item in world.town.objects]


def project_point(
    world: World, location: Vector3D, direction: Vector3D, distance: float
) -> list[object]:
    """The first thing from a place along a direction, as an optional labelled point."""
    length = math.hypot(*direction)
    if length == 0.0:
        raise CallError("the direction has no length")
    unit = Vector3D(*(part / length for part in direction))
    hit = world.sensors.scene.cast(world, location, unit, distance)
    if hit is None:
        return [False, LabelledPoint(location, 0)]
    return [True, LabelledPoint(_along(location, unit, hit[0]), hit[1])]


def cast_ray(world: World, start: Vector3D, end: Vector3D) -> list[LabelledPoint]:
    """Everything on the way from one place to another, in order."""
    span = Vector3D(*(b - a for a, b in zip(start, end, strict=True)))
    length = math.hypot(*span)
    if length == 0.0:
        return []
    unit = Vector3D(*(part / length for part in span))
    points: list[LabelledPoint] = []
    passed_m = 0.0
    while passed_m < length and len(points) < MOST_HITS:
        origin = _along(start, unit, passed_m)
        hit = world.sensors.scene.cast(world, origin, unit, length - passed_m)
        if hit is None:
            break
        points.append(LabelledPoint(_along(origin, unit, hit[0]), hit[1]))
        passed_m += hit[0] + STEP_M
    return points


def _along(origin: Vector3D, unit: Vector3D, distance_m: float) -> Vector3D:
    return Vector3D(*(a + b * distance_m for a, b in zip(origin, unit, strict=True)))


def apply_color_texture_to_objects(
    world: World, names: list[str], parameter: int, texture: Texture
) -> None:
    """Refused."""
    raise UnsupportedError(NO_TEXTURES)


def apply_float_color_texture_to_objects(
    world: World, names: list[str], parameter: int, texture: Texture
) -> None:
    """Refused."""
    raise UnsupportedError(NO_TEXTURES)


def query_lights_state(world: World, client: str) -> list[LightState]:
    """All street lights."""
    return world.environment.lights


def update_lights_state(
    world: World, client: str, lights: list[LightState], discard_client: bool
) -> None:
    """Switch street lights."""
    world.environment.update_lights(lights)
    world.sensors.scene.light(world.environment.lights)


def update_day_night_cycle(world: World, client: str, active: bool) -> None:
    """Street lights follow the sun, or stay as they were set."""
    world.environment.follows_sun = active


def set_annotations_traverse_translucency(world: World, enable: bool) -> None:
    """Whether labels see through glass: they never do here."""
    if enable:
        raise UnsupportedError("labels do not look through glass on this server")


def get_imui_gravity(world: World) -> float:
    """What an IMU at rest feels."""
    return world.imu_gravity_mps2


def set_imui_gravity(world: World, gravity: float) -> None:
    """Set what an IMU at rest feels."""
    world.imu_gravity_mps2 = gravity


def draw_debug_shape(world: World, shape: DebugShape) -> None:
    """Keep a shape for its life; nothing draws it."""
    world.drawing.add(shape, world.clock.elapsed_s)


def clear_debug_shape(world: World) -> None:
    """Forget the shapes that are no texts."""
    world.drawing.clear(strings=False)


def clear_debug_string(world: World) -> None:
    """Forget the texts."""
    world.drawing.clear(strings=True)
