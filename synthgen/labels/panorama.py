"""How much of each object the rig sees, all cameras taken as one panorama."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.geometry.arrays import F32, F64, Bool
from synthgen.geometry.camera import Lens
from synthgen.geometry.cuboid import Cuboids
from synthgen.labels.scene_boxes import SceneBoxes
from synthgen.labels.settings import LabelSettings

_GRID = 5  # samples along each edge of a face


def _face_samples() -> tuple[F64, F64, F64]:
    """Sample points (S, 3) on the faces of the cube [-1, 1]^3, their normals, their faces' axes."""
    middle = (np.arange(_GRID) + 0.5) / _GRID * 2 - 1
    u, v = (grid.ravel() for grid in np.meshgrid(middle, middle, indexing="ij"))
    points, normals, areas = [], [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            face = np.empty((len(u), 3))
            face[:, axis] = sign
            face[:, (axis + 1) % 3], face[:, (axis + 2) % 3] = u, v
            normal = np.zeros((len(u), 3))
            normal[:, axis] = sign
            area = np.ones((len(u), 3))
            area[:, axis] = 0.0  # the other two edges span the face
            points.append(face)
            normals.append(normal)
            areas.append(area)
    return np.concatenate(points), np.concatenate(normals), np.concatenate(areas)


_POINTS, _NORMALS, _SPANS = _face_samples()


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
    points_m, normals = _world_samples(boxes.world)
    eye_m = np.mean([frame.world_from_camera.translation_m for frame, _ in views], axis=0)
    to_eye_m = eye_m - points_m
    distance_m = np.maximum(np.linalg.norm(to_eye_m, axis=-1), 1e-3)
    cosine = (to_eye_m * normals).sum(-1) / distance_m
    half_m = boxes.world.size_lwh_m[:, None, :] / 2
    area_m2 = np.prod(np.where(_SPANS > 0, half_m, 1.0), axis=-1)
    weight = np.maximum(cosine, 0.0) * area_m2 / distance_m**2
    is_seen = np.zeros(weight.shape, dtype=np.bool_)
    for frame, camera in views:
        is_seen |= _seen_in(frame, camera, points_m, boxes, settings)
    total = weight.sum(axis=1)
    share = (weight * is_seen).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.asarray(share, dtype=np.float32)


def _world_samples(world: Cuboids) -> tuple[F64, F64]:
    """Sample points and outward normals (N, S, 3) of every cuboid."""
    turned = world.rotation.transpose(0, 2, 1)
    local_m = _POINTS * world.size_lwh_m[:, None, :] / 2
    return local_m @ turned + world.center_m[:, None, :], _NORMALS @ turned


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
