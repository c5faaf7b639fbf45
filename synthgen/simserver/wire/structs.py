"""CARLA's structs as they travel in RPC arrays, field by field in wire order.

A NamedTuple packs as the msgpack array CARLA expects, so these records are sent as they are.
`decoder_of` builds the strict inverse from the annotations. Floats are finite everywhere.
Source: the type information inside the carla 0.9.16 wheel.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints


class DecodeError(ValueError):
    """An argument has another shape or type than CARLA's client sends."""


class Vector3D(NamedTuple):
    """A vector or a location in metres; x forward, y right, z up."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


class Vector2D(NamedTuple):
    """A point of a curve."""

    x: float
    y: float


class Rotation(NamedTuple):
    """Degrees."""

    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


class Transform(NamedTuple):
    """Location in metres, rotation in degrees."""

    location: Vector3D = Vector3D()
    rotation: Rotation = Rotation()


class BoundingBox(NamedTuple):
    """Box centre in the owner's frame and half sizes in metres."""

    location: Vector3D = Vector3D()
    extent: Vector3D = Vector3D()
    rotation: Rotation = Rotation()
    actor_id: int = 0


class Color(NamedTuple):
    """Bytes 0 to 255."""

    r: int
    g: int
    b: int


class EpisodeSettings(NamedTuple):
    """Simulation settings; `fixed_delta_seconds` None is variable step."""

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_seconds: float | None = None
    substepping: bool = True
    max_substep_delta_time: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = True
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True


class Weather(NamedTuple):
    """CARLA's weather, all floats in CARLA's own scales."""

    cloudiness: float
    precipitation: float
    precipitation_deposits: float
    wind_intensity: float
    sun_azimuth_angle: float
    sun_altitude_angle: float
    fog_density: float
    fog_distance: float
    fog_falloff: float
    wetness: float
    scattering_intensity: float
    mie_scattering_scale: float
    rayleigh_scattering_scale: float
    dust_storm: float


class AttributeValue(NamedTuple):
    """One attribute of a spawned actor; the value is text whatever its type."""

    id: str
    type: int
    value: str


class ActorDescription(NamedTuple):
    """What a client asks to spawn."""

    uid: int
    id: str
    attributes: list[AttributeValue]


class VehicleControl(NamedTuple):
    """Pedals 0 to 1, steer -1 to 1."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: int = 0


class AckermannControl(NamedTuple):
    """Steer in radians, speed in m/s."""

    steer: float = 0.0
    steer_speed: float = 0.0
    speed: float = 0.0
    acceleration: float = 0.0
    jerk: float = 0.0


class AckermannSettings(NamedTuple):
    """Gains of the two controllers behind the Ackermann control."""

    speed_kp: float = 0.15
    speed_ki: float = 0.0
    speed_kd: float = 0.25
    accel_kp: float = 0.01
    accel_ki: float = 0.0
    accel_kd: float = 0.01


class WalkerControl(NamedTuple):
    """Direction in the world frame, speed in m/s."""

    direction: Vector3D = Vector3D(1.0, 0.0, 0.0)
    speed: float = 0.0
    jump: bool = False


class VehicleLightState(NamedTuple):
    """Flags; a struct of one field is still an array on the wire."""

    flags: int = 0


class Gear(NamedTuple):
    """One forward gear."""

    ratio: float
    down_ratio: float
    up_ratio: float


class Wheel(NamedTuple):
    """One wheel; `position` in world centimetres, angles in degrees, torques in N m."""

    tire_friction: float
    damping_rate: float
    max_steer_angle: float
    radius: float
    max_brake_torque: float
    max_handbrake_torque: float
    lat_stiff_max_load: float
    lat_stiff_value: float
    long_stiff_value: float
    position: Vector3D


class VehiclePhysicsControl(NamedTuple):
    """Engine, gear box, chassis and wheels of one vehicle."""

    torque_curve: list[Vector2D]
    max_rpm: float
    moi: float
    damping_rate_full_throttle: float
    damping_rate_zero_throttle_clutch_engaged: float
    damping_rate_zero_throttle_clutch_disengaged: float
    use_gear_autobox: bool
    gear_switch_time: float
    clutch_strength: float
    final_ratio: float
    forward_gears: list[Gear]
    mass: float
    drag_coefficient: float
    center_of_mass: Vector3D
    steering_curve: list[Vector2D]
    wheels: list[Wheel]
    use_sweep_wheel_collision: bool


class WheelTelemetry(NamedTuple):
    """State of one wheel in the last physics step."""

    tire_friction: float
    lat_slip: float
    long_slip: float
    omega: float
    tire_load: float
    normalized_tire_load: float
    torque: float
    long_force: float
    lat_force: float
    normalized_long_force: float
    normalized_lat_force: float


class VehicleTelemetry(NamedTuple):
    """State of one vehicle in the last physics step."""

    speed: float
    steer: float
    throttle: float
    brake: float
    engine_rpm: float
    gear: int
    drag: float
    wheels: list[WheelTelemetry]


class BoneTransform(NamedTuple):
    """A bone and its transform relative to its parent bone."""

    name: str
    relative: Transform


class BoneControl(NamedTuple):
    """Bones to set."""

    bones: list[BoneTransform]


class LightState(NamedTuple):
    """A street light."""

    id: int
    location: Vector3D
    intensity: float
    group: int
    color: Color
    active: bool


class EnvironmentObject(NamedTuple):
    """A piece of scenery."""

    transform: Transform
    bounding_box: BoundingBox
    id: int
    name: str
    type: int


class LabelledPoint(NamedTuple):
    """A hit of a ray and the semantic tag there."""

    location: Vector3D
    label: int


class OpendriveParameters(NamedTuple):
    """How to build a world from OpenDRIVE text."""

    vertex_distance: float
    max_road_length: float
    wall_height: float
    additional_width: float
    smooth_junctions: bool
    enable_mesh_visibility: bool
    enable_pedestrian_navigation: bool


class DebugShape(NamedTuple):
    """A shape to draw; `primitive` is CARLA's variant [kind, fields]."""

    primitive: list[object]
    color: Color
    life_time: float
    persistent_lines: bool


class Texture(NamedTuple):
    """Pixels row by row, each [r, g, b, a] in bytes or floats."""

    width: int
    height: int
    pixels: list[object]


class ManagerAddress(NamedTuple):
    """Where a Traffic Manager listens."""

    ip: str
    port: int


def to_wire(settings: EpisodeSettings) -> list[object]:
    """The settings with CARLA's encoding of an optional number."""
    fields: list[object] = list(settings)
    step = settings.fixed_delta_seconds
    fields[2] = [False] if step is None else [True, step]
    return fields


Decoder = Callable[[Any], Any]


@cache
def decoder_of(annotation: Any) -> Decoder:
    """A function that turns a wire value into the annotated type or raises DecodeError."""
    simple = _SIMPLE.get(annotation)
    if simple is not None:
        return simple
    origin = get_origin(annotation)
    if origin is list:
        return _list_decoder(decoder_of(get_args(annotation)[0]))
    if origin in (Union, types.UnionType):
        inner = next(a for a in get_args(annotation) if a is not type(None))
        return _optional_decoder(decoder_of(inner))
    return _struct_decoder(annotation)


def _float(value: Any) -> float:
    if type(value) not in (float, int) or not math.isfinite(value):
        raise DecodeError(f"expected a finite number, got {_short(value)}")
    return float(value)


def _int(value: Any) -> int:
    if not isinstance(value, int):
        raise DecodeError(f"expected an integer, got {_short(value)}")
    return int(value)


def _bool(value: Any) -> bool:
    if not isinstance(value, (bool, int)):
        raise DecodeError(f"expected a bool, got {_short(value)}")
    return bool(value)


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"expected text, got {_short(value)}")
    return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise DecodeError(f"expected bytes, got {_short(value)}")
    return value


def _anything(value: Any) -> Any:
    return value


_SIMPLE: dict[Any, Decoder] = {
    float: _float,
    int: _int,
    bool: _bool,
    str: _str,
    bytes: _bytes,
    object: _anything,
}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _list_decoder(element: Decoder) -> Decoder:
    def decode(value: Any) -> list[Any]:
        if type(value) is not list:
            raise DecodeError(f"expected an array, got {_short(value)}")
        return [element(item) for item in value]

    return decode


def _optional_decoder(inner: Decoder) -> Decoder:
    def decode(value: Any) -> Any:
        match value:
            case [False] | [0]:
                return None
            case [True, present] | [1, present]:
                return inner(present)
        raise DecodeError(f"expected an optional, got {_short(value)}")

    return decode


def _struct_decoder(struct: Any) -> Decoder:
    hints = get_type_hints(struct)
    decoders = tuple(decoder_of(hints[field]) for field in struct._fields)
    count = len(decoders)

    def decode(value: Any) -> Any:
        if type(value) is not list or len(value) != count:
            raise DecodeError(f"expected {struct.__name__} of {count} fields, got {_short(value)}")
        return struct._make([d(v) for d, v in zip(decoders, value, strict=True)])

    return decode
