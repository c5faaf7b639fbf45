"""Texts about a recording's additional data, laid out as CARLA's recorder queries.

Source: the output of CARLA's `show_recorder_file_info` as scenario_runner's metrics read it.
Lengths are centimetres there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from synthgen.simserver.wire.structs import Gear, Wheel
from synthgen.simserver.world.recording import Details

_CM = 100.0
# Scalars of a physics control by their place on the wire, in the order and words of the text.
_SCALARS = (
    (1, "max_rpm"),
    (2, "MOI"),
    (3, "damping_rate_full_throttle"),
    (4, "damping_rate_zero_throttle_clutch_engaged"),
    (5, "damping_rate_zero_throttle_clutch_disengaged"),
    (6, "use_gear_auto_box"),
    (7, "gear_switch_time"),
    (8, "clutch_strength"),
    (9, "final_ratio"),
    (11, "mass"),
    (12, "drag_coefficient"),
)
_TORQUE_CURVE, _GEARS, _CENTER_OF_MASS, _STEERING_CURVE, _WHEELS = 0, 10, 13, 14, 15


def details_lines(details: Details) -> Iterator[str]:
    """The lines of one frame."""
    yield from _box_lines("Actor bounding boxes", details.boxes)
    yield from _box_lines("Actor trigger volumes", details.trigger_volumes)
    yield f" Current platform time: {details.platform_time_s:g}"
    yield f" Physics Control events: {len(details.physics)}"
    for actor_id, control in details.physics:
        yield f"  Id: {actor_id}"
        yield from _physics_lines(control)
    yield f" Traffic Light time events: {len(details.light_times)}"
    for actor_id, green_s, yellow_s, red_s in details.light_times:
        yield (
            f"  Id: {actor_id} green_time: {green_s:g} yellow_time: {yellow_s:g} "
            f"red_time: {red_s:g}"
        )


def _box_lines(title: str, boxes: list[list[Any]]) -> Iterator[str]:
    yield f" {title}: {len(boxes)}"
    for actor_id, *box in boxes:
        center, extent = (_numbers(v * _CM for v in part) for part in (box[:3], box[3:]))
        yield f"  Id: {actor_id} origin: {center} extension: {extent}"


def _physics_lines(control: list[Any]) -> Iterator[str]:
    for place, name in _SCALARS:
        value = control[place]
        yield f"   {name} = {str(value).lower() if isinstance(value, bool) else f'{value:g}'}"
    yield f"   center_of_mass = {_numbers(control[_CENTER_OF_MASS])}"
    for name, place in (("torque_curve", _TORQUE_CURVE), ("steering_curve", _STEERING_CURVE)):
        yield f"   {name} = {' '.join(_numbers(point) for point in control[place])}"
    yield "   forward_gears:"
    for number, fields in enumerate(control[_GEARS]):
        gear = Gear(*fields)
        yield (
            f"    gear {number}: ratio {gear.ratio:g} down_ratio {gear.down_ratio:g} "
            f"up_ratio {gear.up_ratio:g}"
        )
    yield "   wheels:"
    for number, fields in enumerate(control[_WHEELS]):
        wheel = Wheel(*fields)
        yield (
            f"    wheel {number}: tire_friction {wheel.tire_friction:g} "
            f"damping_rate {wheel.damping_rate:g} max_steer_angle {wheel.max_steer_angle:g} "
            f"radius {wheel.radius:g} max_brake_torque {wheel.max_brake_torque:g} "
            f"max_handbrake_torque {wheel.max_handbrake_torque:g} "
            f"position {_numbers(wheel.position)}"
        )


def _numbers(values: Any) -> str:
    return f"({', '.join(f'{value:g}' for value in values)})"
