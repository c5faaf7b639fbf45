from __future__ import annotations

import math

import numpy as np
import pytest

from exporters.nuscenes.can_bus import imu_messages, meta_of, pose_messages, route_of
from exporters.nuscenes.tokens import epoch_us
from synthgen.datatypes.actors import ActorStates
from synthgen.geometry.se3 import SE3

SHIFT = SE3(np.eye(3), np.array([100.0, 200.0, 0.0]))
EGO_FROM_AXLE = SE3(np.eye(3), np.array([-1.5, 0.0, 0.0]))


def states(
    tick: int,
    *,
    track_id: int = 1,
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    rate: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> ActorStates:
    """An ego at (10, 20) that looks along the world's y."""
    half = math.sqrt(0.5)
    return ActorStates(
        tick=tick,
        timestamp_ns=tick * 50_000_000,
        track_id=np.array([track_id], np.int32),
        position_m=np.array([[10.0, 20.0, 0.5]]),
        quat_wxyz=np.array([[half, 0.0, 0.0, half]]),
        velocity_mps=np.array([velocity]),
        acceleration_mps2=np.zeros((1, 3)),
        angular_velocity_radps=np.array([rate]),
        light_state=np.zeros(1, np.uint32),
    )


def test_pose_is_the_rear_axle_in_the_global_frame() -> None:
    (message,) = pose_messages("clip", [states(3)], SHIFT, EGO_FROM_AXLE)
    np.testing.assert_allclose(message["pos"], [110, 218.5, 0.5])
    np.testing.assert_allclose(message["orientation"], [math.sqrt(0.5), 0, 0, math.sqrt(0.5)])
    assert message["utime"] == epoch_us("clip") + 150_000


def test_car_at_rest_feels_gravity() -> None:
    (message,) = pose_messages("clip", [states(0)], SHIFT, EGO_FROM_AXLE)
    np.testing.assert_allclose(message["accel"], [0, 0, 9.80665])
    np.testing.assert_allclose(message["vel"], [0, 0, 0])


def test_velocity_is_that_of_the_rear_axle_in_the_ego_frame() -> None:
    turning = states(0, velocity=(0.0, 8.0, 0.0), rate=(0.0, 0.0, 0.4))
    (message,) = pose_messages("clip", [turning], SHIFT, EGO_FROM_AXLE)
    # 8 m/s ahead; the axle, 1.5 m behind, swings to the right of a left turn at 0.6 m/s and is
    # drawn ahead, towards the point the car turns about, at 0.4^2 x 1.5 m/s2.
    np.testing.assert_allclose(message["vel"], [8, -0.6, 0], atol=1e-12)
    np.testing.assert_allclose(message["accel"], [0.24, 0, 9.80665], atol=1e-12)


def test_ticks_without_the_ego_have_no_message() -> None:
    ticks = [states(0), states(1, track_id=2), states(2)]
    poses = pose_messages("clip", ticks, SHIFT, EGO_FROM_AXLE)
    assert [pose["utime"] - epoch_us("clip") for pose in poses] == [0, 100_000]
    assert route_of(poses) == [pose["pos"][:2] for pose in poses]
    assert pose_messages("clip", [states(1, track_id=2)], SHIFT, EGO_FROM_AXLE) == []


def test_imu_takes_the_rows_that_have_accelerations() -> None:
    poses = pose_messages("clip", [states(0), states(1)], SHIFT, EGO_FROM_AXLE)
    kinds = ("acceleration_{}_mps2", "angular_velocity_{}_radps")
    names = [kind.format(axis) for kind in kinds for axis in "xyz"]
    values = (1.0, 2.0, 9.8, 0.1, 0.2, 0.3)
    imu = {"timestamp_ns": 50_000_000} | dict(zip(names, values, strict=True))
    gnss = {"timestamp_ns": 50_000_000} | dict.fromkeys(names)
    (message,) = imu_messages("clip", [gnss, imu], poses)
    assert message["linear_accel"] == [1.0, 2.0, 9.8]
    assert message["rotation_rate"] == [0.1, 0.2, 0.3]
    assert message["q"] == poses[1]["orientation"]


def test_meta_counts_and_ranges() -> None:
    meta = meta_of({"a": [{"utime": 0, "v": 1.0}, {"utime": 500_000, "v": 4.0}], "b": []})
    assert meta["a"]["message_count"] == 2
    assert meta["a"]["message_freq"] == pytest.approx(2.0)
    assert meta["a"]["var_stats"]["v"]["max"] == 4.0
    assert meta["b"]["message_count"] == 0
