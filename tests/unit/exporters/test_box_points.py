from __future__ import annotations

import numpy as np

from exporters.box_points import points_in_boxes
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.rotations import rotation_from_quat


def test_counts_are_those_of_asking_every_point_of_every_box() -> None:
    rng = np.random.default_rng(5)
    points = (rng.uniform(-60, 60, (4000, 3)) * [1, 1, 0.05]).astype(np.float32)
    boxes = Cuboids(
        rotation_from_quat(rng.normal(size=(40, 4))),
        rng.uniform(-50, 50, (40, 3)) * [1, 1, 0.02],
        rng.uniform(1, 12, (40, 3)),
    )
    every = [boxes[index].contains(points.astype(np.float64)).sum() for index in range(len(boxes))]
    assert points_in_boxes(boxes, points).tolist() == every
    assert sum(every) > 100


def test_point_on_a_face_counts_and_no_points_count_none() -> None:
    box = Cuboids(np.eye(3)[None], np.zeros((1, 3)), np.array([[2.0, 2.0, 2.0]]))
    assert points_in_boxes(box, np.array([[1.0, 0, 0], [0, -1.0, 1.0], [1.01, 0, 0]])) == [2]
    assert points_in_boxes(box, np.zeros((0, 3))) == [0]
