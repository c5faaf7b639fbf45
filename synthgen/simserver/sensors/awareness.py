"""Cooperative awareness messages: when a vehicle tells of itself, and what.

Source: ETSI EN 302 637-2 V1.4.1, 6.1.3 (generation) and annex B (containers); values of
ETSI TS 102 894-2. Rules, attributes and units are those of CARLA's V2X sensor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.sensors.frame import Frame
from synthgen.simserver.sensors.inertial import GRAVITY_MPS2, GeoReference, noise_source
from synthgen.simserver.wire.structs import Transform
from synthgen.simserver.wire.v2x import CAM
from synthgen.simserver.world.actors import Actor
from synthgen.simserver.world.poses import matrix_of

if TYPE_CHECKING:
    from synthgen.simserver.world.world import World

PROTOCOL_VERSION = 2
CAM_ID = 2
LOW_FREQUENCY_S = 0.5
# What stands for this speed and any above it.
FASTEST_CMPS = 16382
# A message is due when a vehicle has moved, turned or changed speed by this much.
_MOVED_M, _TURNED_DEG, _FASTER_MPS = 4.0, 4.0, 0.5
# After so many messages for time alone the longest interval holds again.
_QUIET_MESSAGES = 3
# Simulated times are sums of steps.
_SLACK_S = 1e-6
_FORWARD, _BACKWARD = 0, 1
_VEHICLE_PRESENT = 1
_CONFIDENCE_1_DEG, _CONFIDENCE_3_CMPS = 10, 3
_UNAVAILABLE = {
    "semi_axis": 4095, "orientation": 3601, "altitude": 15, "length": 4, "acceleration": 161,
    "acceleration_confidence": 102, "curvature": 30001, "curvature_confidence": 7,
    "yaw_rate": 32767, "yaw_rate_confidence": 8,
}  # fmt: skip
_STATION_TYPES = {
    "bicycle": 2, "motorcycle": 4, "car": 5, "van": 5, "bus": 6, "truck": 7,
}  # fmt: skip
_SPECIAL_VEHICLE, _UNKNOWN_STATION = 10, 0
_ROLE_DEFAULT, _ROLE_PUBLIC_TRANSPORT, _ROLE_EMERGENCY = 0, 1, 6
# Bits of the exterior lights (low beam first, from the highest bit), by bit of the light state.
_LAMPS = {1: 7, 2: 6, 5: 5, 4: 4, 6: 2, 7: 1, 0: 0}


class Awareness:
    """The messages of one vehicle: what it told last, and when it is to tell again."""

    def __init__(self, attributes: Attributes, geo: GeoReference) -> None:
        self._attributes = attributes
        self._geo = geo
        self._interval_s = attributes.number("gen_cam_max")
        self._told: tuple[float, Transform, float] | None = None
        self._quiet = 0
        self._low_frequency_s = -math.inf

    def message(self, world: World, vehicle: Actor, frame: Frame) -> NDArray[np.void] | None:
        """The message of this frame, (1,) of `CAM`, if one is due."""
        pose = world.actors.pose(vehicle)
        speed_mps = _forward_speed_mps(world, vehicle)
        if not self._is_due(pose, speed_mps, frame.time_s):
            return None
        self._told = frame.time_s, pose, speed_mps
        has_low_frequency = frame.time_s - self._low_frequency_s >= LOW_FREQUENCY_S - _SLACK_S
        if has_low_frequency:
            self._low_frequency_s = frame.time_s
        message = np.zeros(1, CAM)
        self._tell(message[0], world, vehicle, frame)
        if has_low_frequency:
            _tell_seldom(message[0], vehicle)
        return message

    def _is_due(self, pose: Transform, speed_mps: float, now_s: float) -> bool:
        if self._told is None:
            return True
        told_s, place, told_mps = self._told
        elapsed_s = now_s - told_s + _SLACK_S
        if elapsed_s < self._attributes.number("gen_cam_min"):
            return False
        turned_deg = (pose.rotation.yaw - place.rotation.yaw + 180.0) % 360.0 - 180.0
        if (
            self._attributes.flag("fixed_rate")
            or math.dist(pose.location, place.location) > _MOVED_M
            or abs(turned_deg) > _TURNED_DEG
            or abs(speed_mps - told_mps) > _FASTER_MPS
        ):
            self._interval_s = min(elapsed_s, self._attributes.number("gen_cam_max"))
            self._quiet = 0
            return True
        if elapsed_s < self._interval_s:
            return False
        self._quiet += 1
        if self._quiet >= _QUIET_MESSAGES:
            self._interval_s = self._attributes.number("gen_cam_max")
        return True

    def _tell(self, message: np.void, world: World, vehicle: Actor, frame: Frame) -> None:
        """Fill in the header and the containers of every message."""
        message["header"] = (PROTOCOL_VERSION, CAM_ID, vehicle.id)
        cam = message["awareness"]
        cam["generation_delta_time"] = round(frame.time_s * 1000.0) % 65536
        cam["station_type"] = station_type(vehicle)
        noise = noise_source(self._attributes.whole("noise_seed"), frame.episode_number)
        self._tell_place(cam["position"], world.actors.pose(vehicle), noise)
        cam["high_frequency"]["present"] = _VEHICLE_PRESENT
        self._tell_motion(cam["high_frequency"]["vehicle"], world, vehicle, noise)

    def _noise(self, name: str, noise: np.random.Generator, axis: str = "") -> float:
        deviation = self._attributes.number(f"noise_{name}_stddev{axis}") * noise.standard_normal()
        bias = f"noise_{name}_bias"
        return deviation + (self._attributes.number(bias) if bias in self._attributes else 0.0)

    def _tell_place(self, place: np.void, pose: Transform, noise: np.random.Generator) -> None:
        names, degrees = ("lat", "lon", "alt"), self._geo.degrees_of(pose.location)
        latitude, longitude, altitude_m = (
            value + self._noise(name, noise) for name, value in zip(names, degrees, strict=True)
        )
        # Tenths of a microdegree, in whole microdegrees.
        place["latitude"] = round(latitude * 1e6) * 10
        place["longitude"] = round(longitude * 1e6) * 10
        place["semi_major_confidence"] = place["semi_minor_confidence"] = _UNAVAILABLE["semi_axis"]
        place["semi_major_orientation"] = _UNAVAILABLE["orientation"]
        place["altitude"] = (round(altitude_m * 100.0), _UNAVAILABLE["altitude"])

    def _tell_motion(
        self, container: np.void, world: World, vehicle: Actor, noise: np.random.Generator
    ) -> None:
        pose, extent = world.actors.pose(vehicle), vehicle.bounding_box.extent
        # North is -y, and degrees grow clockwise seen from above as CARLA's yaw does.
        heading_deg = (pose.rotation.yaw + 90.0 + self._noise("head", noise)) % 360.0
        speed_mps = _forward_speed_mps(world, vehicle)
        told_mps = max(0.0, speed_mps + self._noise("vel", noise, "_x"))
        container["heading"] = (round(heading_deg * 10.0), _CONFIDENCE_1_DEG)
        container["speed"] = (min(round(told_mps * 100.0), FASTEST_CMPS), _CONFIDENCE_3_CMPS)
        container["drive_direction"] = _FORWARD if speed_mps >= 0.0 else _BACKWARD
        container["length"] = (round(extent.x * 20.0), _UNAVAILABLE["length"])
        container["width"] = round(extent.y * 20.0)
        container["curvature"] = (_UNAVAILABLE["curvature"], _UNAVAILABLE["curvature_confidence"])
        turn_degps = world.actors.angular_velocity_deg(vehicle).z
        turn_degps += math.degrees(self._noise("yawrate", noise))
        container["yaw_rate"] = (
            _told(turn_degps * 100.0, _UNAVAILABLE["yaw_rate"]),
            _UNAVAILABLE["yaw_rate_confidence"],
        )
        force = matrix_of(pose)[:, :3].T @ np.add(
            world.actors.acceleration(vehicle), (0.0, 0.0, GRAVITY_MPS2)
        )
        names = ("longitudinal", "lateral", "vertical")
        for axis, name, value in zip("xyz", names, force.tolist(), strict=True):
            tenths = 10.0 * (value + self._noise("accel", noise, f"_{axis}"))
            container[f"{name}_acceleration"] = (
                _told(tenths, _UNAVAILABLE["acceleration"]),
                _UNAVAILABLE["acceleration_confidence"],
            )
        container["has_lateral_acceleration"] = container["has_vertical_acceleration"] = True


def station_type(vehicle: Actor) -> int:
    """The station type of a vehicle."""
    if vehicle.attributes.get("special_type") == "emergency":
        return _SPECIAL_VEHICLE
    return _STATION_TYPES.get(vehicle.attributes.get("base_type", ""), _UNKNOWN_STATION)


def _forward_speed_mps(world: World, vehicle: Actor) -> float:
    ahead = matrix_of(world.actors.pose(vehicle))[:, 0]
    return float(ahead @ np.array(world.actors.velocity(vehicle)))


def _told(value: float, unavailable: int) -> int:
    """A value as a message holds it: what is out of range is not available."""
    return round(value) if abs(round(value)) < unavailable else unavailable


def _tell_seldom(message: np.void, vehicle: Actor) -> None:
    """Fill in the low-frequency container: the vehicle's role and its lamps."""
    container = message["awareness"]["low_frequency"]
    container["present"] = _VEHICLE_PRESENT
    container["vehicle_role"] = _ROLE_DEFAULT
    if station_type(vehicle) == _SPECIAL_VEHICLE:
        container["vehicle_role"] = _ROLE_EMERGENCY
    elif vehicle.attributes.get("base_type") == "bus":
        container["vehicle_role"] = _ROLE_PUBLIC_TRANSPORT
    lamps = vehicle.vehicle.lights
    container["exterior_lights"] = sum(
        1 << bit for lamp, bit in _LAMPS.items() if lamps >> lamp & 1
    )
