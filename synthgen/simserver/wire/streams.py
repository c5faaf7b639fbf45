"""Headers of the binary streams: tokens, measurements, images, LiDAR sweeps. Little-endian.

Source: the type information inside the carla 0.9.16 wheel (the sensor list differs between
CARLA versions) and runs of the real client.
"""

from __future__ import annotations

import struct

from synthgen.simserver.wire.structs import Transform

SENSOR_TYPES = {
    "sensor.other.collision": 0,
    "sensor.camera.depth": 1,
    "sensor.camera.normals": 2,
    "sensor.camera.dvs": 3,
    "sensor.other.gnss": 4,
    "sensor.other.imu": 5,
    "sensor.other.lane_invasion": 6,
    "sensor.other.obstacle": 7,
    "sensor.camera.optical_flow": 8,
    "sensor.other.radar": 9,
    "sensor.lidar.ray_cast_semantic": 10,
    "sensor.lidar.ray_cast": 11,
    "sensor.other.rss": 12,
    "sensor.camera.rgb": 13,
    "sensor.camera.semantic_segmentation": 14,
    "sensor.camera.instance_segmentation": 15,
    "sensor.camera.cosmos_visualization": 16,
    "world_observer": 17,
    "sensor.other.v2x": 20,
    "sensor.other.v2x_custom": 21,
}
WORLD_OBSERVER = SENSOR_TYPES["world_observer"]
WORLD_STREAM = 1
FIRST_SENSOR_STREAM = 2

TOKEN = struct.Struct("<IHBB16x")
MEASUREMENT = struct.Struct("<QQd6f")
IMAGE = struct.Struct("<IIf")
LIDAR = struct.Struct("<fI")
FRAME_LENGTH = struct.Struct("<I")
SUBSCRIPTION = struct.Struct("<I")
TCP, ADDRESS_OF_CLIENT = 1, 0


def stream_token(stream_id: int, port: int) -> bytes:
    """The 24 bytes by which a client finds a stream; the host is the one it already talks to."""
    return TOKEN.pack(stream_id, port, TCP, ADDRESS_OF_CLIENT)


def measurement_header(type_id: str, frame: int, time_s: float, pose: Transform) -> bytes:
    """The 48 bytes in front of every measurement; `pose` is the sensor's in the world."""
    sensor_type = SENSOR_TYPES[type_id]
    return MEASUREMENT.pack(sensor_type, frame, time_s, *pose.location, *pose.rotation)


def image_header(width: int, height: int, fov_deg: float) -> bytes:
    """The 12 bytes in front of an image's pixels."""
    return IMAGE.pack(width, height, fov_deg)


def lidar_header(horizontal_angle_rad: float, points_per_channel: list[int]) -> bytes:
    """The header in front of a sweep's points, which follow channel by channel."""
    channels = len(points_per_channel)
    return LIDAR.pack(horizontal_angle_rad, channels) + struct.pack(
        f"<{channels}I", *points_per_channel
    )
