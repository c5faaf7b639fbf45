"""How far a point is from a lane's edge."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.labels.lanes import distance_to_line


def test_distance_to_a_corner_and_to_a_side() -> None:
    line = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]])
    points = np.array([[1.0, 2.0], [7.0, 7.0], [-3.0, -4.0]])
    assert distance_to_line(points, line) == pytest.approx([2.0, 5.0, 5.0])


@pytest.mark.parametrize("long_step_m", [0.5, 90.0])
def test_long_line_is_as_far_as_its_nearest_point(long_step_m: float) -> None:
    turn = np.linspace(0.0, 3.0, 200)
    bend = np.column_stack([40 * np.sin(turn), 40 - 40 * np.cos(turn)])
    line = np.concatenate([bend, bend[-1] - np.array([[long_step_m, 0.3], [91.0, 5.0]])])
    points = np.random.default_rng(4).uniform(-60, 60, (300, 2))
    share = np.linspace(0.0, 1.0, 2001)[:, None, None]
    dense = (line[:-1] * (1 - share) + line[1:] * share).reshape(-1, 2)
    nearest = [float(np.hypot(*(dense - point).T).min()) for point in points]
    assert distance_to_line(points, line) == pytest.approx(nearest, abs=1e-3)
