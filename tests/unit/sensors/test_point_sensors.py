from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from sensors.carla_adapter import point_sensors

SEMANTIC = np.dtype([("xyz", "<f4", 3), ("cos", "<f4"), ("id", "<u4"), ("tag", "<u4")])


def lidar(points: Any, counts: Any) -> Any:
    return SimpleNamespace(
        raw_data=np.array(points, dtype="<f4").tobytes(),
        channels=len(counts),
        get_point_count=lambda channel: counts[channel],
    )


def semantic(rows: Any, counts: Any) -> Any:
    table = np.array([(tuple(r[:3]), *r[3:]) for r in rows], dtype=SEMANTIC)
    return SimpleNamespace(
        raw_data=table.tobytes(),
        channels=len(counts),
        get_point_count=lambda channel: counts[channel],
    )


def test_points_are_right_handed_and_the_last_channel_is_ring_zero() -> None:
    decoded = point_sensors.decode_lidar(lidar([[1, 2, 3, 0.5], [4, 5, 6, 0.7]], [1, 1]))
    np.testing.assert_allclose(decoded.xyz_m, [[1, -2, 3], [4, -5, 6]])
    assert decoded.ring.tolist() == [1, 0]


def test_semantics_join_by_ray_though_points_are_dropped_and_noisy() -> None:
    # Twin rays at azimuth 0, 45 and 90 degrees; the plain LiDAR lost the first and measured the
    # others 1 cm long.
    twin = semantic([(5, 0, 0, 1.0, 7, 14), (5, 5, 0, 0.5, 8, 12), (0, 5, 0, 0.25, 9, 3)], [3])
    stretch = 1 + 0.01 / np.hypot(5, 5)
    plain = lidar([[5 * stretch, 5 * stretch, 0, 0.4], [0, 5.01, 0, 0.3]], [2])
    joined = point_sensors.join_semantics(point_sensors.decode_lidar(plain), twin)
    assert joined.object_id is not None
    assert joined.semantic_tag is not None
    assert joined.object_id.tolist() == [8, 9]
    assert joined.semantic_tag.tolist() == [12, 3]


def test_point_without_a_ray_in_the_twin_belongs_to_nothing() -> None:
    twin = semantic([(5, 0, 0, 1.0, 7, 14)], [1])
    joined = point_sensors.join_semantics(
        point_sensors.decode_lidar(lidar([[9, 0, 0, 0.4]], [1])), twin
    )
    assert joined.object_id is not None
    assert joined.object_id.tolist() == [0]


def test_radar_azimuth_turns_to_the_left() -> None:
    raw = np.array([[-3.0, 0.1, 0.2, 40.0]], dtype="<f4")
    returns = point_sensors.decode_radar(SimpleNamespace(raw_data=raw.tobytes()))
    assert returns.azimuth_rad[0] == np.float32(-0.1)
    assert returns.range_m[0] == 40
    assert returns.radial_velocity_mps[0] == -3
