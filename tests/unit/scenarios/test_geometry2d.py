"""Planar boxes: times and clearances known from paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.geometry2d import door_box, gap, sight_is_blocked, time_to_collision

CAR = np.array([0.0, 0.0, 0.0, 4.0, 2.0])
STILL = np.zeros(2)


def box(x: float, y: float, yaw: float = 0.0, size: tuple[float, float] = (4.0, 2.0)) -> np.ndarray:
    return np.array([x, y, yaw, *size])


def test_car_closing_on_a_standing_one_touches_after_free_gap_over_speed() -> None:
    # 14 m between centres less two half lengths of 2 m is 10 m; 10 m at 5 m/s is 2 s.
    ttc = time_to_collision(CAR, box(14, 0), np.array([5.0, 0.0]), STILL)
    assert ttc == pytest.approx(2.0)


def test_oncoming_car_in_the_next_lane_is_never_touched() -> None:
    ttc = time_to_collision(CAR, box(40, 3.5, np.pi), np.array([10.0, 0]), np.array([-10.0, 0]))
    assert ttc == np.inf


def test_crossing_walker_is_touched_when_both_spans_overlap() -> None:
    # The front is at the walker's strip (0.5 m wide) at (12 - 2 - 0.25) / 5 = 1.95 s, until 3.65 s;
    # the walker reaches the car's side at (5 - 1 - 0.25) / 2 = 1.875 s: contact at 1.95 s.
    walker = box(12, -5, 0, (0.5, 0.5))
    ttc = time_to_collision(CAR, walker, np.array([5.0, 0]), np.array([0, 2.0]))
    assert ttc == pytest.approx(1.95)


def test_diagonal_box_touches_with_its_corner() -> None:
    # A square of side 2 turned by 45 degrees reaches 1.41421 m towards the car.
    ttc = time_to_collision(CAR, box(10, 0, np.pi / 4, (2.0, 2.0)), np.array([1.0, 0]), STILL)
    assert ttc == pytest.approx(10 - 2 - np.sqrt(2))


def test_gap_of_parallel_cars_is_the_free_width() -> None:
    assert gap(CAR, box(1.0, 3.5)) == pytest.approx(1.5)


def test_gap_is_negative_where_boxes_overlap() -> None:
    assert gap(CAR, box(3.0, 0.0)) == pytest.approx(-1.0)


def test_sight_past_a_van_is_blocked_only_through_it() -> None:
    van = box(10, 0, 0, (6.0, 2.0))
    eye = np.array([0.0, 0.0])
    assert sight_is_blocked(eye, np.array([20.0, 0.0]), van)
    assert not sight_is_blocked(eye, np.array([20.0, 8.0]), van)


def test_open_left_door_stands_out_on_the_left() -> None:
    # Half the car's width and half the door's: 1 + 0.45 m to the left of a car heading north.
    door = door_box(box(5.0, 7.0, np.pi / 2), "front_left")
    assert door[:2] == pytest.approx([5.0 - 1.45, 7.3])


@given(
    st.floats(-30, 30), st.floats(-30, 30), st.floats(-3, 3), st.floats(-9, 9), st.floats(-9, 9),
    st.floats(-3, 3),
)  # fmt: skip
def test_ttc_does_not_depend_on_the_frame(
    x: float, y: float, yaw: float, vx: float, vy: float, turn: float
) -> None:
    c, s = np.cos(turn), np.sin(turn)
    rotation = np.array([[c, -s], [s, c]])

    def turned(b: np.ndarray) -> np.ndarray:
        return np.array([*(rotation @ b[:2]), b[2] + turn, b[3], b[4]])

    other, velocity = box(x, y, yaw), np.array([vx, vy])
    here = time_to_collision(CAR, other, STILL, velocity)
    there = time_to_collision(turned(CAR), turned(other), STILL, rotation @ velocity)
    assert gap(turned(CAR), turned(other)) == pytest.approx(gap(CAR, other), abs=1e-9)
    # Grazing contacts may fall on either side of rounding.
    assert np.isinf(here) or np.isinf(there) or there == pytest.approx(here, abs=1e-6)
