"""COCO's 17 keypoints of walkers: in the world, in the image, and whether they are seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.skeleton import Skeleton
from synthgen.geometry.arrays import F32, F64, U8
from synthgen.geometry.camera import Lens
from synthgen.labels.columns import Columns
from synthgen.labels.scene_boxes import SceneBoxes
from synthgen.labels.settings import LabelSettings

KEYPOINT_COLUMNS: Final = (
    "frame_index",
    "camera",
    "track_id",
    "xyz_world_m",
    "xy_px",
    "visibility",
)
OUTSIDE, HIDDEN, VISIBLE = 0, 1, 2  # COCO's v: not labelled, labelled not visible, visible
ADULT_HEIGHT_M: Final = 1.75  # of the person the head offsets of the skeleton belong to
# A joint lies under the skin: pixels of the walker itself hide it only if nearer by more than the
# depth of a trunk or head before its joint.
_FLESH_M: Final = 0.2


def joints_of(skeleton: Skeleton, bones_m: F32, height_m: float) -> F64:
    """Keypoints (17, 3), world, in COCO's order; NaN where the bones do not tell.

    Args:
        skeleton: Bone table and joints.
        bones_m: (B, 3) world, in the order of the bone table; NaN where there is no such bone.
        height_m: Of the walker; scales the offsets of the face.
    """
    bones = bones_m.astype(np.float64)
    head_m = bones[skeleton.bone("crl_Head__C")]
    world_from_head = _head_axes(skeleton, bones)
    scale = height_m / ADULT_HEIGHT_M
    joints_m = np.full((len(skeleton.joints), 3), np.nan)
    for index, joint in enumerate(skeleton.joints):
        if joint.bone is not None:
            joints_m[index] = bones[joint.bone]
        if joint.head_flu_m is not None and np.isnan(joints_m[index]).any():
            joints_m[index] = head_m + world_from_head @ (scale * np.array(joint.head_flu_m))
    return joints_m


def _head_axes(skeleton: Skeleton, bones: F64) -> F64:
    """Rotation (3, 3) of the head: from its eyes, or where they are missing from neck and arms."""
    head_m = bones[skeleton.bone("crl_Head__C")]
    eyes_m = bones[[skeleton.bone("crl_eye__L"), skeleton.bone("crl_eye__R")]]
    if np.isnan(eyes_m).any():
        up = _unit(head_m - bones[skeleton.bone("crl_neck__C")])
        across = bones[skeleton.bone("crl_arm__L")] - bones[skeleton.bone("crl_arm__R")]
        left = _unit(across - (across @ up) * up)
        return np.stack([_cross(left, up), left, up], axis=1)
    # A neck leans forward under an upright head; the eyes tell how that is held.
    left = _unit(eyes_m[0] - eyes_m[1])
    gaze = eyes_m.mean(axis=0) - head_m
    eyes = _unit(gaze - (gaze @ left) * left)
    over_eyes = _cross(eyes, left)
    usual = next(joint.head_flu_m for joint in skeleton.joints if joint.name == "left_eye")
    assert usual is not None, "the table has the eyes' place in the head"
    rise = np.arctan2(usual[2], usual[0])
    forward = np.cos(rise) * eyes - np.sin(rise) * over_eyes
    return np.stack([forward, left, _cross(forward, left)], axis=1)


def _cross(a: F64, b: F64) -> F64:
    """Cross product of two vectors (3,); `np.cross` takes ten times as long for one."""
    (a0, a1, a2), (b0, b1, b2) = a.tolist(), b.tolist()
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0])


def _unit(vector: F64) -> F64:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def label_keypoints(
    frame: CameraFrame,
    camera: Lens,
    boxes: SceneBoxes,
    bones_m: Mapping[int, F32],
    *,
    skeleton: Skeleton,
    settings: LabelSettings,
) -> Columns:
    """The rows of table keypoints of one image: walkers with at least one joint in it.

    Args:
        frame: Images of the camera; needs depth and instance.
        camera: Its intrinsics.
        boxes: The objects at the same tick.
        bones_m: Bones of each walker, see `ActorStates`.
        skeleton: Bone table and joints.
        settings: Near plane and occlusion margin.
    """
    ids, world, image, visibility = [], [], [], []
    camera_from_world = frame.world_from_camera.inverse()
    for row, track_id in enumerate(boxes.track_id.tolist()):
        if track_id not in bones_m:
            continue
        joints_m = joints_of(skeleton, bones_m[track_id], float(boxes.world.size_lwh_m[row, 2]))
        if np.isnan(joints_m).any():
            continue
        seen, xy_px = joint_visibility(
            frame, camera, camera_from_world.apply(joints_m), track_id, settings
        )
        if seen.any():
            ids.append(track_id)
            world.append(joints_m.astype(np.float32).ravel())
            image.append(xy_px.astype(np.float32).ravel())
            visibility.append(seen)
    return {
        "frame_index": np.full(len(ids), frame.frame_index, dtype=np.int32),
        "camera": [frame.name] * len(ids),
        "track_id": np.array(ids, dtype=np.int32),
        "xyz_world_m": world,
        "xy_px": image,
        "visibility": visibility,
    }


def joint_visibility(
    frame: CameraFrame,
    camera: Lens,
    joints_camera_m: F64,
    track_id: int,
    settings: LabelSettings,
) -> tuple[U8, F64]:
    """COCO visibility (J,) and image positions (J, 2) of joints (J, 3) in the camera frame.

    A joint behind the camera gets the position (0, 0), as COCO asks for unlabelled joints.
    """
    assert frame.depth_cm is not None, "checked by label_frame"
    assert frame.instance is not None, "checked by label_frame"
    depth_m = camera.depths(joints_camera_m)
    is_ahead = camera.sees(joints_camera_m, settings.near_plane_m)
    safe_m = np.where(is_ahead[:, None], joints_camera_m, [0.0, 0.0, 1.0])
    xy_px = np.where(is_ahead[:, None], camera.project(safe_m), 0.0)
    column, row = np.floor(xy_px).astype(np.int64).T
    inside = is_ahead & (column >= 0) & (column < camera.width_px)
    inside &= (row >= 0) & (row < camera.height_px)
    at = (np.where(inside, row, 0), np.where(inside, column, 0))
    is_own = frame.instance[at] == track_id
    margin_m = np.where(is_own, _FLESH_M, settings.occlusion_margin_m)
    is_hidden = frame.depth_cm[at] < (depth_m - margin_m) * 100
    visibility = np.where(inside, np.where(is_hidden, HIDDEN, VISIBLE), OUTSIDE)
    return visibility.astype(np.uint8), xy_px
