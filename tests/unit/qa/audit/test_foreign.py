"""Labels of other formats stand in a world that rests, where the format tells how the car moves."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.geometry.rotations import rotation_about_z
from synthgen.geometry.se3 import SE3
from synthgen.qa.audit.foreign import recording_of

PARKED_M, PARKED_YAW = np.array([20.0, 5.0, 0.8]), 0.7


def seen_from(pose: SE3, number: int, *, is_placed: bool = True) -> LabelledFrame:
    """A parked car as a car at some pose labels it."""
    ego_from_world = pose.inverse()
    yaw = PARKED_YAW - np.arctan2(pose.rotation[1, 0], pose.rotation[0, 0])
    boxes = LabelledBoxes(
        category=np.array(["car"]), native_category=np.array(["car"]), track_id=np.array([1]),
        xyxy_px=None, truncated=None, occluded=None,
        centre_m=ego_from_world.apply(PARKED_M)[None], size_lwh_m=np.array([[4.5, 1.8, 1.5]]),
        yaw_rad=np.array([yaw]),
    )  # fmt: skip
    return LabelledFrame(
        sequence="a", frame_index=number, timestamp_ns=number * 500_000_000, image=None,
        image_size_wh=None, camera_matrix=None, camera_from_boxes=None, lidar=None,
        lidar_from_boxes=None, box_frame="ego", boxes=boxes,
        world_from_boxes=pose if is_placed else None,
    )  # fmt: skip


def poses() -> list[SE3]:
    """A car that turns into a street."""
    return [SE3(rotation_about_z(0.3 * k), np.array([4.0 * k, 0.5 * k**2, 0.0])) for k in range(4)]


def test_parked_car_rests_while_the_platform_turns() -> None:
    frames = tuple(seen_from(pose, k) for k, pose in enumerate(poses()))
    labels = recording_of("a", frames, []).labels
    assert labels.is_static_frame
    assert labels.world_m == pytest.approx(np.tile(PARKED_M, (4, 1)), abs=1e-9)
    assert labels.world_yaw_rad == pytest.approx(np.full(4, PARKED_YAW), abs=1e-9)


def test_format_without_poses_is_known_to_move() -> None:
    frames = tuple(seen_from(pose, k, is_placed=False) for k, pose in enumerate(poses()))
    assert not recording_of("a", frames, []).labels.is_static_frame
