"""Rows of nuScenes' `sample_annotation` and `instance`, by its schema.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from exporters.nuscenes.annotations import annotation_rows, key_boxes
from synthgen.geometry.se3 import SE3


def row_of(frame_index: int) -> dict[str, Any]:
    """A car of 4 x 2 x 1.5 m, 10 m ahead of the ego and 1 m left, that looks to the left."""
    quarter = float(np.sqrt(0.5))
    pose = {
        **dict(zip("xyz", (10.0, 1.0, 0.8), strict=True)),
        **dict(zip(("qw", "qx", "qy", "qz"), (quarter, 0.0, 0.0, quarter), strict=True)),
    }
    names = {axis: f"ego_from_box_{axis}" + ("_m" if axis in "xyz" else "") for axis in pose}
    return {
        "frame_index": frame_index, "track_id": 7, "activity": "moving", "visible_fraction": 0.5,
        "length_m": 4.0, "width_m": 2.0, "height_m": 1.5,
        **{names[axis]: value for axis, value in pose.items()},
    }  # fmt: skip


@pytest.fixture
def told() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of two samples; the ego looks along y of the map, at (100, 200), then 5 m on."""
    poses = {
        frame: SE3.from_yaw(np.pi / 2, [100.0, 200.0 + north_m, 0.0])
        for frame, north_m in ((0, 0.0), (5, 5.0))
    }
    named = [("vehicle.car", row_of(frame)) for frame in poses]
    boxes = key_boxes(named, poses)
    lidar = {0: np.array([11]), 5: np.array([12])}
    radar = {0: np.array([3]), 5: np.array([4])}
    return annotation_rows("clip", [boxes[0], boxes[5]], lidar, radar)


def test_box_is_global_with_its_width_first(told: Any) -> None:
    first = told[0][0]
    # Ahead is +y of the map, left is -x; left of left is back: the car looks along -x.
    assert first["translation"] == pytest.approx([99.0, 210.0, 0.8])
    assert first["size"] == [2.0, 4.0, 1.5]
    assert np.abs(first["rotation"]) == pytest.approx([0.0, 0.0, 0.0, 1.0], abs=1e-12)


def test_points_of_lidar_and_radar_are_counted_apart(told: Any) -> None:
    assert [row["num_lidar_pts"] for row in told[0]] == [11, 12]
    assert [row["num_radar_pts"] for row in told[0]] == [3, 4]


def test_annotations_of_an_object_are_a_chain(told: Any) -> None:
    (first, second), [instance] = told
    assert (first["prev"], first["next"]) == ("", second["token"])
    assert (second["prev"], second["next"]) == (first["token"], "")
    assert instance["nbr_annotations"] == 2
    assert instance["first_annotation_token"] == first["token"]
    assert instance["last_annotation_token"] == second["token"]
