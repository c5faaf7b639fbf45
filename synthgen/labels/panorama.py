"""How much of each object the rig sees, all cameras taken as one panorama."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.geometry.arrays import F32, F64, U8, Bool
from synthgen.geometry.camera import Lens, PinholeCamera
from synthgen.labels.panorama_kernels import mark_seen, weigh_samples
from synthgen.labels.scene_boxes import SceneBoxes
from synthgen.labels.settings import LabelSettings

_GRID = 5  # samples along each edge of a face


def _face_samples() -> tuple[F64, F64]:
    """Sample points (S, 3) on the faces of the cube [-1, 1]^3, and their normals."""
    middle = (np.arange(_GRID) + 0.5) / _GRID * 2 - 1
    u, v = (grid.ravel() for grid in np.meshgrid(middle, middle, indexing="ij"))
    points, normals = [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            face = np.empty((len(u), 3))
            face[:, axis] = sign
            face[:, (axis + 1) % 3], face[:, (axis + 2) % 3] = u, v
            normal = np.zeros((len(u), 3))
            normal[:, axis] = sign
            points.append(face)
            normals.append(normal)
    return np.concatenate(points), np.concatenate(normals)


_POINTS, _NORMALS = _face_samples()


def visible_fractions(
    views: Sequence[tuple[CameraFrame, Lens]],
    boxes: SceneBoxes,
    settings: LabelSettings,
) -> F32:
    """Share (N,) of each object's silhouette that some camera of the rig sees.

    The silhouette is that of the cuboid, seen from the middle of the cameras; its parts weigh
    as much as the solid angle they fill. A part is seen where it projects into an image whose
    pixel there is not nearer than the part by more than the occlusion margin, or is the object
    itself. A free-standing car in full view is 1, whatever lies between its wheels.

    Args:
        views: Images of all cameras at one capture, with depth and instance; their intrinsics.
        boxes: The objects at the same tick.
        settings: Occlusion margin and near plane.
    """
    eye_m = np.mean([frame.world_from_camera.translation_m for frame, _ in views], axis=0)
    world = boxes.world
    points_m, weight = weigh_samples(
        _POINTS, _NORMALS, world.rotation, world.center_m, world.size_lwh_m, eye_m
    )
    is_seen = np.zeros(weight.shape, dtype=np.uint8)
    for frame, camera in views:
        if isinstance(camera, PinholeCamera):
            _mark_seen(is_seen, frame, camera, points_m, weight, boxes, settings)
        else:
            is_seen |= _seen_in(frame, camera, points_m, boxes, settings)
    total = weight.sum(axis=1)
    share = (weight * is_seen).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.asarray(share, dtype=np.float32)


def _mark_seen(
    is_seen: U8,
    frame: CameraFrame,
    camera: PinholeCamera,
    points_m: F64,
    weight: F64,
    boxes: SceneBoxes,
    settings: LabelSettings,
) -> None:
    """Mark the samples (N, S) that a pinhole camera sees."""
    camera_from_world = frame.world_from_camera.inverse()
    mark_seen(
        is_seen,
        points_m,
        weight,
        boxes.track_id,
        np.array(camera_from_world.rotation),
        np.array(camera_from_world.translation_m),
        np.array([camera.fx_px, camera.fy_px, camera.cx_px, camera.cy_px]),
        settings.near_plane_m,
        settings.occlusion_margin_m,
        frame.instance,
        frame.depth_cm,
    )


def _seen_in(
    frame: CameraFrame,
    camera: Lens,
    points_m: F64,
    boxes: SceneBoxes,
    settings: LabelSettings,
) -> Bool:
    """Which samples (N, S) one camera sees."""
    assert frame.depth_cm is not None, "checked by label_frame"
    assert frame.instance is not None, "checked by label_frame"
    in_camera_m = frame.world_from_camera.inverse().apply(points_m)
    depth_m = camera.depths(in_camera_m)
    is_ahead = camera.sees(in_camera_m, settings.near_plane_m)
    in_camera_m = np.where(is_ahead[..., None], in_camera_m, [0.0, 0.0, 1.0])
    column, row = np.moveaxis(np.floor(camera.project(in_camera_m)), -1, 0)
    inside = is_ahead & (column >= 0) & (column < camera.width_px)
    inside &= (row >= 0) & (row < camera.height_px)
    at = (
        np.where(inside, row, 0).astype(np.int64),
        np.where(inside, column, 0).astype(np.int64),
    )
    is_open = frame.depth_cm[at] >= (depth_m - settings.occlusion_margin_m) * 100
    return np.asarray(inside & (is_open | (frame.instance[at] == boxes.track_id[:, None])))
