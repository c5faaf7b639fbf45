"""Oriented boxes against hand-made answers."""

from __future__ import annotations

import numpy as np

from synthgen.geometry.cuboid import EDGES, Cuboid, Cuboids
from synthgen.geometry.se3 import SE3

BOX = Cuboid(SE3.from_yaw(np.pi / 2, [10.0, 0.0, 1.0]), np.array([4.0, 2.0, 1.0]))


def test_front_left_top_corner_of_a_turned_box() -> None:
    # x along length points to world +y, left to world -x.
    np.testing.assert_allclose(BOX.corners_m[6], [10.0 - 1.0, 2.0, 1.5])


def test_edges_join_corners_that_differ_in_one_axis() -> None:
    corners = Cuboid(SE3.identity(), np.array([2.0, 4.0, 8.0])).corners_m
    lengths = np.linalg.norm(corners[EDGES[:, 0]] - corners[EDGES[:, 1]], axis=1)
    assert sorted(lengths) == [2.0] * 4 + [4.0] * 4 + [8.0] * 4


def test_points_within_and_outside() -> None:
    points_m = np.array([[10.9, 1.9, 1.4], [11.1, 0.0, 1.0], [10.0, 2.1, 1.0]])
    assert BOX.contains(points_m).tolist() == [True, False, False]


def test_margin_grows_every_side() -> None:
    assert BOX.contains(np.array([[11.04, 2.04, 1.54]]), margin_m=0.05).all()


def test_ray_enters_through_the_near_side() -> None:
    directions = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    entry = BOX.ray_entry(np.array([0.0, 0.0, 1.0]), directions)
    np.testing.assert_allclose(entry, [9.0, 4.5, np.inf, np.inf])


def test_ray_from_within_enters_at_once() -> None:
    entry = BOX.ray_entry(np.array([10.0, 0.0, 1.0]), np.array([[0.3, 0.2, 0.1]]))
    assert entry.tolist() == [0.0]


def test_many_boxes_have_the_corners_of_each() -> None:
    other = Cuboid(SE3.from_quat([0.9, 0.1, -0.2, 0.4], [1.0, 2.0, 3.0]), np.array([1.0, 2.0, 0.5]))
    boxes = Cuboids(
        np.stack([BOX.frame_from_box.rotation, other.frame_from_box.rotation]),
        np.stack([BOX.frame_from_box.translation_m, other.frame_from_box.translation_m]),
        np.stack([BOX.size_lwh_m, other.size_lwh_m]),
    )
    np.testing.assert_allclose(boxes.corners_m[1], other.corners_m)
    np.testing.assert_allclose(boxes[0].corners_m, BOX.corners_m)


def test_moved_boxes_keep_their_corners() -> None:
    dst_from_src = SE3.from_quat([0.5, 0.1, 0.7, -0.2], [3.0, 1.0, -2.0])
    boxes = Cuboids(
        BOX.frame_from_box.rotation[None],
        BOX.frame_from_box.translation_m[None],
        BOX.size_lwh_m[None],
    )
    moved = boxes.moved(dst_from_src)
    np.testing.assert_allclose(moved.corners_m[0], dst_from_src.apply(BOX.corners_m))
