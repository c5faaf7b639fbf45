"""Convex polygons against OpenCV and hand-made answers."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from synthgen.geometry.polygon import clip_to_rectangle, convex_hull, polygon_area

points = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=20
).map(lambda rows: np.array(rows, dtype=np.float64))


def test_inner_and_edge_points_are_dropped() -> None:
    cloud = np.array([[0, 0], [4, 0], [4, 3], [0, 3], [2, 0], [1, 1], [4, 0]], dtype=np.float64)
    assert convex_hull(cloud).tolist() == [[0, 0], [4, 0], [4, 3], [0, 3]]


def test_hull_of_one_point_is_that_point() -> None:
    assert convex_hull(np.array([[2.0, 1.0]])).tolist() == [[2.0, 1.0]]


def test_hull_area_agrees_with_qhull() -> None:
    cloud = np.random.default_rng(5).normal(size=(40, 2))
    assert abs(polygon_area(convex_hull(cloud)) - ConvexHull(cloud).volume) < 1e-12


@given(points)
def test_hull_area_agrees_with_opencv(cloud: np.ndarray) -> None:
    expected = cv2.contourArea(cv2.convexHull(cloud.astype(np.float32)))
    assert abs(polygon_area(convex_hull(cloud)) - expected) < 1e-6


def test_triangle_cut_by_the_rectangle() -> None:
    # The corner (-2, 1) sticks out; the part right of x = 0 is a trapezium of area 3.
    triangle = np.array([[-2.0, 1.0], [2.0, -1.0], [2.0, 3.0]])
    assert abs(polygon_area(triangle) - 8.0) < 1e-12
    clipped = clip_to_rectangle(triangle, 10.0, 10.0)
    # Lower edge y = -x / 2 lies below 0 for x > 0, upper edge y = 2 + x / 2: area of
    # 0 <= y <= 2 + x / 2 over 0 <= x <= 2 is 4 + 1 / 2 * 2 = 5 by hand integration.
    assert abs(polygon_area(clipped) - (4.0 + 1.0)) < 1e-12


def test_polygon_outside_is_empty() -> None:
    square = np.array([[20.0, 20.0], [30.0, 20.0], [30.0, 30.0]])
    assert len(clip_to_rectangle(square, 10.0, 10.0)) == 0


@given(points, st.integers(1, 60), st.integers(1, 60))
def test_clipped_area_agrees_with_opencv(cloud: np.ndarray, width: int, height: int) -> None:
    hull = convex_hull(cloud)
    rectangle = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    if len(hull) < 3:
        return
    expected, _ = cv2.intersectConvexConvex(hull.astype(np.float32), rectangle)
    clipped = clip_to_rectangle(hull, float(width), float(height))
    assert abs(polygon_area(clipped) - expected) < 1e-2 * max(1.0, expected)
