"""Keypoints: joints from bones, their place in the image and who hides them."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.columns import Columns
from synthgen.labels.keypoints import joint_visibility, joints_of, label_keypoints
from synthgen.labels.scene_boxes import scene_boxes
from synthgen.labels.settings import LabelSettings
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Solid,
    ego_info,
    info_of,
    photograph,
    states_of,
    turned,
)

SKELETON = default_skeleton()
CAMERA = PinholeCamera(320, 180, 200.0, 200.0, 160.0, 90.0)
WORLD_FROM_CAMERA = SE3.from_yaw(0.0, [0.0, 0.0, 1.2]) @ FORWARD_CAMERA

# A person 1.75 m tall at the origin, facing x, arms hanging: where CARLA's bones begin.
POSE = {
    "crl_root": (0, 0, 0),
    "crl_hips__C": (0, 0, 0.95),
    "crl_neck__C": (0, 0, 1.48),
    "crl_Head__C": (0, 0, 1.58),
    "crl_arm__L": (0, 0.18, 1.42),
    "crl_foreArm__L": (0, 0.22, 1.12),
    "crl_hand__L": (0.05, 0.24, 0.87),
    "crl_arm__R": (0, -0.18, 1.42),
    "crl_foreArm__R": (0, -0.22, 1.12),
    "crl_hand__R": (0.05, -0.24, 0.87),
    "crl_thigh__L": (0, 0.1, 0.92),
    "crl_leg__L": (0, 0.1, 0.49),
    "crl_foot__L": (-0.02, 0.1, 0.08),
    "crl_thigh__R": (0, -0.1, 0.92),
    "crl_leg__R": (0, -0.1, 0.49),
    "crl_foot__R": (-0.02, -0.1, 0.08),
}
NAMES = [joint.name for joint in SKELETON.joints]


def bones_at(world_from_person: SE3) -> np.ndarray:
    positions = world_from_person.apply(np.array(list(POSE.values()), dtype=np.float64))
    return SKELETON.in_table_order(list(POSE), positions.astype(np.float32))


def walker_and_labels(extra: list[Solid]) -> tuple[np.ndarray, Columns, CameraFrame]:
    """A walker 8 m ahead that faces the camera; its body is a box 0.5 m wide and 0.3 m deep."""
    world_from_person = SE3.from_yaw(np.pi, [8.0, 0.5, 0.0])
    body = Solid(
        np.array([8.0, 0.5, 0.875]),
        np.array([0.3, 0.56, 1.75]),
        2,
        tag=12,
        rotation=world_from_person.rotation,
        category="pedestrian",
    )
    frame = photograph([body, *extra], CAMERA, WORLD_FROM_CAMERA)
    bones_m = bones_at(world_from_person)
    boxes = scene_boxes([ego_info(), info_of(body)], states_of([body]))
    table = label_keypoints(
        frame, CAMERA, boxes, {2: bones_m}, skeleton=SKELETON, settings=LabelSettings()
    )
    return joints_of(SKELETON, bones_m, 1.75), table, frame


def test_order_is_that_of_coco() -> None:
    # https://github.com/cocodataset/cocoapi, annotations person_keypoints_*.json, "keypoints"
    sides = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    assert ["nose", *(f"{side}_{part}" for part in sides for side in ("left", "right"))] == NAMES


def test_face_looks_where_the_person_does() -> None:
    joints_m, _, _ = walker_and_labels([])
    # Facing -x at (8, 0.5): the nose is 0.115 m nearer, the left ear at smaller y.
    np.testing.assert_allclose(joints_m[NAMES.index("nose")], [7.885, 0.5, 1.635], atol=1e-3)
    left_ear = joints_m[NAMES.index("left_ear")]
    np.testing.assert_allclose(left_ear, [8.0, 0.4285, 1.645], atol=1e-3)


def test_bones_win_over_offsets() -> None:
    bones_m = bones_at(SE3.identity())
    bones_m[SKELETON.bone("crl_eye__L")] = [0.1, 0.03, 1.7]
    joints_m = joints_of(SKELETON, bones_m, 1.75)
    np.testing.assert_allclose(joints_m[NAMES.index("left_eye")], [0.1, 0.03, 1.7], atol=1e-6)


def test_face_follows_the_eyes_where_there_are_some() -> None:
    # The head is held level and looks 0.6 rad to its left over a neck that leans forward.
    cos, sin = np.cos(0.6), np.sin(0.6)
    head = np.array([0.03, 0.0, 1.58])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    bones_m = bones_at(SE3.identity())
    bones_m[SKELETON.bone("crl_Head__C")] = head
    bones_m[SKELETON.bone("crl_eye__L")] = head + turn @ [0.093, 0.0315, 0.09]
    bones_m[SKELETON.bone("crl_eye__R")] = head + turn @ [0.093, -0.0315, 0.09]
    joints_m = joints_of(SKELETON, bones_m, 1.75)
    nose, ear = joints_m[NAMES.index("nose")], joints_m[NAMES.index("right_ear")]
    np.testing.assert_allclose(nose, head + turn @ [0.115, 0, 0.055], atol=1e-6)
    np.testing.assert_allclose(ear, head + turn @ [0, -0.0715, 0.065], atol=1e-6)


def test_offsets_scale_with_height() -> None:
    joints_m = joints_of(SKELETON, bones_at(SE3.identity()), 3.5)
    np.testing.assert_allclose(joints_m[NAMES.index("nose")], [0.23, 0.0, 1.69], atol=1e-3)


def test_joints_are_projected_where_paper_says() -> None:
    _, table, _ = walker_and_labels([])
    xy_px = np.asarray(table["xy_px"][0]).reshape(17, 2)
    # left_hip: person (0, 0.1, 0.92) -> world (8, 0.4, 0.92); u = 160 - 200 * 0.4 / 8.
    np.testing.assert_allclose(xy_px[NAMES.index("left_hip")], [150.0, 90 + 200 * 0.28 / 8])


def test_all_joints_of_a_free_walker_are_visible() -> None:
    _, table, _ = walker_and_labels([])
    assert np.asarray(table["visibility"][0]).tolist() == [2] * 17


def test_joints_behind_a_low_wall_are_hidden() -> None:
    # The line to a knee (0.49 m high) passes the wall 4.9 m away at 1.2 - 0.71 * 4.9 / 8 = 0.77 m,
    # that to a wrist (0.87 m) at 1.0 m.
    wall = Solid(np.array([5.0, 0.0, 0.4]), np.array([0.2, 6.0, 0.8]), 0, tag=4)
    _, table, _ = walker_and_labels([wall])
    hidden = [
        name
        for name, value in zip(NAMES, np.asarray(table["visibility"][0]), strict=True)
        if value == 1
    ]
    assert hidden == ["left_knee", "right_knee", "left_ankle", "right_ankle"]


def test_joints_beyond_the_image_and_behind_the_camera_are_outside() -> None:
    frame = photograph([Solid(np.array([8.0, 0, 0]), np.ones(3), 0)], CAMERA, WORLD_FROM_CAMERA)
    joints_camera_m = np.array([[0.0, 0.0, -3.0], [9.0, 0.0, 8.0], [0.0, -1.0, 8.0]])
    visibility, xy_px = joint_visibility(frame, CAMERA, joints_camera_m, 2, LabelSettings())
    assert visibility.tolist() == [0, 0, 2]
    assert xy_px[0].tolist() == [0.0, 0.0]


def test_arm_behind_the_own_trunk_is_hidden() -> None:
    trunk = Solid(np.array([8.0, 0, 1.2]), np.array([0.3, 0.5, 1.0]), 2)
    frame = photograph([trunk], CAMERA, WORLD_FROM_CAMERA)
    hip_and_hand = np.array([[0.0, 0.0, 8.0], [0.0, 0.0, 8.25]])
    visibility, _ = joint_visibility(frame, CAMERA, hip_and_hand, 2, LabelSettings())
    assert visibility.tolist() == [2, 1]


# A stride: left leg ahead, right arm raised. Where COCO's joints are in it, by the bones above and
# the survey's face (configs/keypoints.yaml), in COCO's order; person frame.
STRIDE = {
    **POSE,
    "crl_leg__L": (0.25, 0.12, 0.52),
    "crl_foot__L": (0.35, 0.12, 0.12),
    "crl_foot__R": (-0.3, -0.1, 0.16),
    "crl_foreArm__R": (0.2, -0.3, 1.5),
    "crl_hand__R": (0.3, -0.35, 1.78),
}
STRIDE_JOINTS = [
    *((0.115, 0, 1.635), (0.093, 0.0315, 1.67), (0.093, -0.0315, 1.67)),
    *((0, 0.0715, 1.645), (0, -0.0715, 1.645), (0, 0.18, 1.42), (0, -0.18, 1.42)),
    *((0, 0.22, 1.12), (0.2, -0.3, 1.5), (0.05, 0.24, 0.87), (0.3, -0.35, 1.78)),
    *((0, 0.1, 0.92), (0, -0.1, 0.92), (0.25, 0.12, 0.52), (0, -0.1, 0.49)),
    *((0.35, 0.12, 0.12), (-0.3, -0.1, 0.16)),
]
ODD_CAMERA = PinholeCamera(640, 400, 520.0, 500.0, 290.0, 215.0)


@pytest.mark.parametrize("yaw", [0.4, 2.5, -1.9])
def test_joints_lie_on_balls_rendered_at_them(yaw: float) -> None:
    # Each ball is seen by the tests' own ray caster; its middle must be within 1 px of the label.
    world_from_person = SE3(turned(yaw, 0.12, -0.08), np.array([7.0, -1.1, 0.3]))
    world_from_camera = SE3(turned(-0.15, 0.06, 0.1), np.array([0.5, 0.2, 1.6])) @ FORWARD_CAMERA
    places = world_from_person.apply(np.array(list(STRIDE.values()), dtype=np.float64))
    bones_m = SKELETON.in_table_order(list(STRIDE), places.astype(np.float32))
    body = Solid(
        world_from_person.apply(np.array([0, 0, 0.875])),
        np.array([0.6, 0.6, 1.75]),
        2,
        tag=12,
        category="pedestrian",
    )
    frame = photograph([body], ODD_CAMERA, world_from_camera)
    table = label_keypoints(
        frame,
        ODD_CAMERA,
        scene_boxes([ego_info(), info_of(body)], states_of([body])),
        {2: bones_m},
        skeleton=SKELETON,
        settings=LabelSettings(),
    )
    xy_px = np.asarray(table["xy_px"][0]).reshape(17, 2)
    for at_m, labelled in zip(world_from_person.apply(np.array(STRIDE_JOINTS)), xy_px, strict=True):
        ball = Solid(at_m, np.full(3, 0.1), 3, is_sphere=True)
        alone = photograph([ball], ODD_CAMERA, world_from_camera)
        assert alone.instance is not None
        rows, columns = np.nonzero(alone.instance)
        assert len(rows) > 20
        assert abs(columns.mean() + 0.5 - labelled[0]) < 1.0
        assert abs(rows.mean() + 0.5 - labelled[1]) < 1.0
