"""LiDAR and radar measurements of CARLA as right-handed arrays.

Buffers: LiDAR x, y, z, intensity; semantic LiDAR x, y, z, cosine, object id, tag (four float32
and two uint32); radar velocity, azimuth, altitude, depth (CARLA, "Sensors reference"). Points
are grouped by channel, the topmost beam first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

_SEMANTIC_POINT: Final = np.dtype(
    [
        ("xyz", "<f4", 3),
        ("cos_incidence", "<f4"),
        ("object_id", "<u4"),
        ("tag", "<u4"),
    ]
)
# The twin's ray is the point's own ray up to rounding; range noise moves it along the ray only.
_SAME_RAY_RAD: Final = 2e-4
_SAME_RANGE_M: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class LidarPoints:
    """One sweep in the lidar frame.

    Attributes:
        xyz_m: (N, 3) float32.
        intensity: (N,) float32, 0 to 1.
        ring: (N,) uint16, 0 is the lowest beam.
        object_id: (N,) uint32 ids as the server numbers them, or None without a semantic twin.
        semantic_tag: (N,) uint8, or None.
        cos_incidence: (N,) float32, or None.
    """

    xyz_m: F32
    intensity: F32
    ring: NDArray[np.uint16]
    object_id: NDArray[np.uint32] | None = None
    semantic_tag: NDArray[np.uint8] | None = None
    cos_incidence: F32 | None = None


def decode_lidar(measurement: Any) -> LidarPoints:
    """One `carla.LidarMeasurement`, without semantics."""
    raw = np.frombuffer(measurement.raw_data, dtype=np.float32).reshape(-1, 4)
    xyz = raw[:, :3] * np.array([1, -1, 1], dtype=np.float32)
    return LidarPoints(xyz, raw[:, 3].copy(), _rings(measurement))


def join_semantics(points: LidarPoints, measurement: Any) -> LidarPoints:
    """The same points with class, object and incidence of the semantic twin's equal rays.

    The twin shoots the same rays but drops none and adds no noise, so each point's partner is
    the nearest direction on its ring; a partner at another range (none, in effect) leaves 0.
    """
    twin = np.frombuffer(measurement.raw_data, dtype=_SEMANTIC_POINT)
    twin_xyz = twin["xyz"] * np.array([1, -1, 1], dtype=np.float32)
    partner = _partners(points, twin_xyz, _rings(measurement))
    found = partner >= 0
    chosen = twin[np.maximum(partner, 0)] if len(twin) else np.zeros(len(partner), twin.dtype)
    return LidarPoints(
        points.xyz_m,
        points.intensity,
        points.ring,
        np.where(found, chosen["object_id"], 0).astype(np.uint32),
        np.where(found, chosen["tag"], 0).astype(np.uint8),
        np.where(found, chosen["cos_incidence"], 0).astype(np.float32),
    )


def decode_semantic(measurement: Any) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
    """Points (N, 3) of a semantic sweep in the lidar frame, and the server's id of each."""
    twin = np.frombuffer(measurement.raw_data, dtype=_SEMANTIC_POINT)
    return twin["xyz"] * np.array([1.0, -1.0, 1.0]), twin["object_id"].copy()


def _rings(measurement: Any) -> NDArray[np.uint16]:
    channels = measurement.channels
    counts = [measurement.get_point_count(channel) for channel in range(channels)]
    return np.repeat(np.arange(channels - 1, -1, -1, dtype=np.uint16), counts)


def _partners(
    points: LidarPoints, twin_xyz: F32, twin_ring: NDArray[np.uint16]
) -> NDArray[np.int64]:
    """(N,) index into the twin of each point's ray, -1 where there is none."""
    if len(twin_xyz) == 0:
        return np.full(len(points.xyz_m), -1)
    key = _ray_key(points.xyz_m, points.ring)
    twin_key = _ray_key(twin_xyz, twin_ring)
    order = np.argsort(twin_key, kind="stable")
    right = np.clip(np.searchsorted(twin_key[order], key), 0, len(order) - 1)
    left = np.maximum(right - 1, 0)
    nearer = np.abs(twin_key[order[left]] - key) <= np.abs(twin_key[order[right]] - key)
    partner = np.where(nearer, order[left], order[right])
    same_ray = np.abs(twin_key[partner] - key) < _SAME_RAY_RAD
    gap_m = np.abs(np.linalg.norm(twin_xyz[partner], axis=1) - np.linalg.norm(points.xyz_m, axis=1))
    return np.where(same_ray & (gap_m < _SAME_RANGE_M), partner, -1)


def _ray_key(xyz_m: F32, ring: NDArray[np.uint16]) -> NDArray[np.float64]:
    azimuth = np.arctan2(xyz_m[:, 1].astype(np.float64), xyz_m[:, 0].astype(np.float64))
    return ring.astype(np.float64) * 10.0 + azimuth


@dataclass(frozen=True, slots=True, eq=False)
class RadarReturns:
    """One scan; angles right-handed (azimuth to the left, altitude upwards).

    Attributes:
        range_m: (N,) float32.
        azimuth_rad: (N,) float32.
        altitude_rad: (N,) float32.
        radial_velocity_mps: (N,) float32, negative where the target approaches.
    """

    range_m: F32
    azimuth_rad: F32
    altitude_rad: F32
    radial_velocity_mps: F32


def decode_radar(measurement: Any) -> RadarReturns:
    """One `carla.RadarMeasurement`."""
    raw = np.frombuffer(measurement.raw_data, dtype=np.float32).reshape(-1, 4)
    velocity, azimuth, altitude, depth = (np.ascontiguousarray(raw[:, k]) for k in range(4))
    return RadarReturns(depth, -azimuth, altitude, velocity)
