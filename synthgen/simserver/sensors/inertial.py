"""IMU and GNSS: what a sensor feels and where it thinks it is."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import msgpack
import numpy as np

from synthgen.simserver.sensors.attributes import Attributes
from synthgen.simserver.wire.structs import Transform, Vector3D
from synthgen.simserver.world.poses import matrix_of

GRAVITY_MPS2 = 9.81
# The client's own conversion, found by its results: a sphere of the equator's radius and UTM's
# scale, whatever `+k` the map names.
EARTH_RADIUS_M = 6378137.0
SCALE_AT_MERIDIAN = 0.9996
_GEO_ORIGIN = re.compile(r"\+(lat_0|lon_0)=([-+0-9.eE]+)")


def noise_source(seed: int, frame: int) -> np.random.Generator:
    """The random numbers of one sensor in one frame."""
    return np.random.default_rng(np.random.SeedSequence((seed & 0xFFFFFFFF, frame)))


@dataclass(frozen=True, slots=True)
class GeoReference:
    """Where on Earth the map's origin lies, degrees.

    Towards +x the longitude grows, towards +y the latitude, as in the client's
    `Map.transform_to_geolocation`.
    """

    latitude_deg: float = 0.0
    longitude_deg: float = 0.0

    @classmethod
    def of(cls, xodr_text: str) -> GeoReference:
        """The reference named in an OpenDRIVE header; the origin of all degrees without one."""
        found = {name: float(value) for name, value in _GEO_ORIGIN.findall(xodr_text[:20000])}
        return cls(found.get("lat_0", 0.0), found.get("lon_0", 0.0))

    def degrees_of(self, location: Vector3D) -> tuple[float, float, float]:
        """Latitude, longitude and altitude of a place on the map.

        The transverse Mercator projection of the sphere, inverted (Snyder, Map Projections,
        equations 8-6 and 8-7).
        """
        scale = SCALE_AT_MERIDIAN * EARTH_RADIUS_M
        east, north = location.x / scale, location.y / scale + math.radians(self.latitude_deg)
        latitude = math.asin(math.sin(north) / math.cosh(east))
        longitude = math.atan2(math.sinh(east), math.cos(north))
        return math.degrees(latitude), self.longitude_deg + math.degrees(longitude), location.z


def gnss_payload(
    attributes: Attributes, geo: GeoReference, location: Vector3D, frame: int
) -> bytes:
    """One GNSS measurement."""
    noise = noise_source(attributes.whole("noise_seed"), frame)
    measured = []
    for name, value in zip(("lat", "lon", "alt"), geo.degrees_of(location), strict=True):
        deviation = attributes.number(f"noise_{name}_stddev") * noise.standard_normal()
        measured.append(float(value + attributes.number(f"noise_{name}_bias") + deviation))
    return bytes(msgpack.packb(measured))


def imu_payload(
    attributes: Attributes,
    pose: Transform,
    acceleration: Vector3D,
    angular_velocity_deg: Vector3D,
    frame: int,
) -> bytes:
    """One IMU measurement: specific force, turn rates and heading.

    Args:
        attributes: The sensor's.
        pose: The sensor's in the world.
        acceleration: Of the carrier, world frame, m/s2.
        angular_velocity_deg: Of the carrier, world axes, deg/s.
        frame: Keys the noise.
    """
    noise = noise_source(attributes.whole("noise_seed"), frame)
    sensor_from_world = matrix_of(pose)[:, :3].T
    force = sensor_from_world @ np.add(acceleration, (0.0, 0.0, GRAVITY_MPS2))
    turn = sensor_from_world @ np.radians(angular_velocity_deg)
    for axis, name in enumerate("xyz"):
        force[axis] += attributes.number(f"noise_accel_stddev_{name}") * noise.standard_normal()
        turn[axis] += attributes.number(f"noise_gyro_bias_{name}")
        turn[axis] += attributes.number(f"noise_gyro_stddev_{name}") * noise.standard_normal()
    # North is -y and east +x, so a car that looks along +x reads a quarter turn.
    compass = math.radians(pose.rotation.yaw + 90.0) % (2.0 * math.pi)
    return bytes(msgpack.packb([force.tolist(), turn.tolist(), compass]))
