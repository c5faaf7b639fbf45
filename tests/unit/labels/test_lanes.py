"""How far a point is from a lane's edge, and which lane it is on."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.road_map import Lane
from synthgen.labels.lanes import LaneIndex, distance_to_line


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


def lane(lane_id: str, xs: tuple[float, float], y: float, z: float = 0.0) -> Lane:
    """From one x to another, 2 m wide to its left and 1 m to its right."""
    ahead = 1.0 if xs[1] > xs[0] else -1.0
    center, left, right = (
        np.array([[x, y + ahead * aside, z] for x in xs]) for aside in (0.0, 2.0, -1.0)
    )
    return Lane(lane_id, 1, 0, -1, "driving", center, left, right)


EAST = lane("east", (-5.0, 40.0), 0.0)


def test_place_on_a_lane_is_told_along_it_and_to_its_left() -> None:
    points_m = np.array([[10.0, 0.5, 0.0], [10.0, 1.8, 0.0], [10.0, -0.8, 0.0], [10.0, -1.8, 0.0]])
    places = LaneIndex([EAST]).places(points_m, np.zeros(4))
    # The left edge is 2 m away, the right one only 1 m.
    assert places.is_on_lane.tolist() == [True, True, True, False]
    np.testing.assert_allclose(places.along_m[:3], 15.0, atol=1e-6)
    np.testing.assert_allclose(places.offset_m[:3], [0.5, 1.8, -0.8], atol=1e-6)
    np.testing.assert_allclose(places.heading_rad[:3], 0.0, atol=1e-6)


def test_heading_decides_between_lanes_that_overlap() -> None:
    index = LaneIndex([EAST, lane("west", (40.0, -5.0), 0.2)])
    places = index.places(np.array([[10.0, 0.1, 0.0]] * 2), np.array([0.1, 3.0]))
    assert [index.lanes[k].lane_id for k in places.lane.tolist()] == ["east", "west"]
    np.testing.assert_allclose(places.along_m, [15.0, 30.0], atol=1e-6)


def test_bridge_is_not_the_road_below_it() -> None:
    index = LaneIndex([EAST, lane("bridge", (-5.0, 40.0), 0.3, z=6.0)])
    places = index.places(np.array([[10.0, 0.2, 0.0], [10.0, 0.1, 6.0]]), np.zeros(2))
    assert [index.lanes[k].lane_id for k in places.lane.tolist()] == ["east", "bridge"]
