"""Motion from poses alone, by hand-made ways."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.se3 import SE3
from synthgen.labels.motion import motions
from tests.unit.labels.ray_world import Solid, states_of, turned

SIZE = np.array([4.0, 2.0, 1.5])


def test_yaw_rate_is_steady_where_the_heading_passes_half_a_turn() -> None:
    # 3.0 to 3.6 rad: from 172 degrees over 180 to -154.
    ticks = [
        states_of(
            [Solid(np.array([10.0, 0.0, 0.75]), SIZE, 2, rotation=turned(3.0 + 0.6 * k * 0.05))],
            tick=k,
            ego=SE3.identity(),
        )
        for k in range(21)
    ]
    [motion] = motions(ticks, {1: np.zeros(3), 2: np.zeros(3)})[2]
    np.testing.assert_allclose(motion.yaw_rate_radps, 0.6, atol=1e-9)


def test_speed_at_the_ends_of_a_steady_braking_is_exact() -> None:
    # x = 10 t - 2 t^2: second order at the ends is exact for what brakes steadily.
    time_s = np.arange(21) * 0.05
    ticks = [
        states_of(
            [Solid(np.array([10 * t - 2 * t * t, 0.0, 0.75]), SIZE, 2)], tick=k, ego=SE3.identity()
        )
        for k, t in enumerate(time_s.tolist())
    ]
    [motion] = motions(ticks, {1: np.zeros(3), 2: np.zeros(3)})[2]
    np.testing.assert_allclose(motion.velocity_mps[:, 0], 10 - 4 * time_s, atol=1e-9)
    np.testing.assert_allclose(motion.acceleration_mps2[:, 0], -4.0, atol=1e-6)


def test_motion_is_that_of_the_boxs_centre() -> None:
    # The actor turns on the spot at 0.6 rad/s; its box's centre is 1.5 m ahead of it: 0.9 m/s.
    ticks = [
        states_of(
            [Solid(np.array([10.0, 0.0, 0.0]), SIZE, 2, rotation=turned(0.6 * k * 0.05))],
            tick=k,
            ego=SE3.identity(),
        )
        for k in range(21)
    ]
    [motion] = motions(ticks, {1: np.zeros(3), 2: np.array([1.5, 0.0, 0.75])})[2]
    np.testing.assert_allclose(motion.velocity_mps[0], [0.0, 0.9, 0.0], atol=1e-3)
