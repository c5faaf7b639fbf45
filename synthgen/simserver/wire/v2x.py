"""V2X messages as the client maps them into memory: C structs of 8-byte integers, back to back.

Source: the type information inside the carla 0.9.16 wheel and the counts that the real client
finds in a stream. Values and units of a CAM: ETSI TS 102 894-2 (common data dictionary).
"""

from __future__ import annotations

import numpy as np

_LONG, _FLAG = "<i8", "?"


def _struct(*fields: tuple[str, object]) -> np.dtype[np.void]:
    """A record with C's padding."""
    return np.dtype(list(fields), align=True)


def _pair(value: str, confidence: str = "confidence") -> np.dtype[np.void]:
    return _struct((value, _LONG), (confidence, _LONG))


# A `std::vector` of the client's; three null pointers are an empty one.
_EMPTY_VECTOR = np.dtype((_LONG, 3))
_MEASURED = _pair("value")
_HEADER = _struct(("protocol_version", _LONG), ("message_id", _LONG), ("station_id", _LONG))
_REFERENCE_POSITION = _struct(
    ("latitude", _LONG),
    ("longitude", _LONG),
    ("semi_major_confidence", _LONG),
    ("semi_minor_confidence", _LONG),
    ("semi_major_orientation", _LONG),
    ("altitude", _MEASURED),
)
_TOLLING_ZONE = _struct(
    ("latitude", _LONG), ("longitude", _LONG), ("zone_id", _LONG), ("has_zone_id", _FLAG)
)
_VEHICLE = _struct(
    ("heading", _MEASURED),
    ("speed", _MEASURED),
    ("drive_direction", _LONG),
    ("length", _MEASURED),
    ("width", _LONG),
    ("longitudinal_acceleration", _MEASURED),
    ("curvature", _MEASURED),
    ("curvature_mode", _LONG),
    ("yaw_rate", _MEASURED),
    ("has_acceleration_control", _FLAG),
    ("acceleration_control", "u1"),
    ("has_lane_position", _FLAG),
    ("lane_position", _LONG),
    ("has_steering_wheel_angle", _FLAG),
    ("steering_wheel_angle", _MEASURED),
    ("has_lateral_acceleration", _FLAG),
    ("lateral_acceleration", _MEASURED),
    ("has_vertical_acceleration", _FLAG),
    ("vertical_acceleration", _MEASURED),
    ("has_performance_class", _FLAG),
    ("performance_class", _LONG),
    ("has_tolling_zone", _FLAG),
    ("tolling_zone", _TOLLING_ZONE),
)
_ROADSIDE_UNIT = _struct(("zone_count", _LONG), ("zones", _EMPTY_VECTOR))
_HIGH_FREQUENCY = _struct(("present", _LONG), ("vehicle", _VEHICLE), ("unit", _ROADSIDE_UNIT))
_LOW_FREQUENCY = _struct(
    ("present", _LONG),
    ("vehicle_role", _LONG),
    ("exterior_lights", "u1"),
    ("path_points", _LONG),
    ("path", _EMPTY_VECTOR),
)
_AWARENESS = _struct(
    ("generation_delta_time", _LONG),
    ("station_type", _LONG),
    ("position", _REFERENCE_POSITION),
    ("high_frequency", _HIGH_FREQUENCY),
    ("low_frequency", _LOW_FREQUENCY),
)
# What a receiver is sent: the power it receives, dBm, and the message.
CAM = _struct(("power_dbm", "<f4"), ("header", _HEADER), ("awareness", _AWARENESS))
CUSTOM_BYTES = 100
CUSTOM = _struct(("power_dbm", "<f4"), ("header", _HEADER), ("text", f"S{CUSTOM_BYTES}"))
