"""Checks of one frame's cuboids by themselves: points in them, their sizes, two in one place."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.geometry.arrays import F64, I32, I64
from synthgen.labels.check_kernels import NET, net_points_shared
from synthgen.labels.invariants import repeated
from synthgen.labels.scene_boxes import SceneBoxes
from synthgen.labels.verdict import Votes

_LEAST_SIZE_M: Final = 0.05  # of a road user: CARLA had two-wheelers of width 0
_LEAST_PROP_M: Final = 0.001
_SAME_PLACE_IOU, _TOUCH_IOU = 0.5, 0.1


def check_counts(lidar_points: I32, sweeps: list[LidarSweep], boxes: SceneBoxes) -> Votes:
    """Stated points per box against a recount; silent where a sweep gives no ids."""
    votes = Votes()
    counted = np.zeros(len(boxes), dtype=np.int64)
    for sweep in sweeps:
        if sweep.track_id is None:
            return votes
        most = int(boxes.track_id.max(initial=0))
        counted += np.bincount(sweep.track_id, minlength=most + 1)[boxes.track_id]
    for track_id in boxes.track_id[counted != lidar_points].tolist():
        votes.hard("point_count", track_id)
    return votes


def check_sizes(boxes: SceneBoxes, taxonomy: Taxonomy) -> Votes:
    """Cuboids of no or of absurd size, and cuboids in the same place."""
    votes = Votes()
    for track_id in repeated(boxes.track_id).tolist():
        votes.hard("track_twice", track_id)
    categories = [taxonomy.category(info.category) for info in boxes.infos]
    limits = np.array([category.size_range_lwh_m for category in categories]).reshape(-1, 3, 2)
    low, high = limits[..., 0], limits[..., 1]
    is_prop = np.array([category.group == "object" for category in categories], dtype=np.bool_)
    least = np.where(is_prop, _LEAST_PROP_M, _LEAST_SIZE_M)[:, None]
    size = boxes.world.size_lwh_m
    degenerate = ~np.all(np.isfinite(np.hstack([size, boxes.world.center_m])), axis=1)
    degenerate |= np.any(size <= least, axis=1)
    absurd = np.any((size > 2 * high) | (size < low / 2), axis=1)
    odd = np.any((size > high) | (size < low), axis=1)
    for row, track_id in enumerate(boxes.track_id.tolist()):
        if degenerate[row]:
            votes.hard("degenerate", track_id)
            continue
        if absurd[row]:
            votes.hard("absurd_size", track_id)
        votes.vote("size", track_id, {"size": bool(odd[row])})
    _check_overlaps(boxes, votes)
    return votes


def _check_overlaps(boxes: SceneBoxes, votes: Votes) -> None:
    radius = np.linalg.norm(boxes.world.size_lwh_m[:, :2], axis=1) / 2
    gap = boxes.world.center_m[:, None] - boxes.world.center_m[None, :]
    distance = np.linalg.norm(gap[..., :2], axis=-1)
    close = np.triu(distance < radius[:, None] + radius[None, :], k=1)
    tall = (boxes.world.size_lwh_m[:, None, 2] + boxes.world.size_lwh_m[None, :, 2]) / 2
    close &= np.abs(gap[..., 2]) < tall
    pairs = np.argwhere(close)
    for (a, b), iou in zip(pairs.tolist(), flat_ious(boxes, pairs).tolist(), strict=True):
        linked = {boxes.infos[a].parent_track_id, boxes.infos[b].parent_track_id}
        if linked & {int(boxes.track_id[a]), int(boxes.track_id[b])}:
            continue  # a rider sits in its cycle's box
        if iou > _SAME_PLACE_IOU:
            votes.hard("duplicate", int(boxes.track_id[b]))
        elif iou > _TOUCH_IOU:
            votes.vote("size", int(boxes.track_id[b]), {"overlap": True})


def flat_ious(boxes: SceneBoxes, pairs: I64) -> F64:
    """Intersection over union (K,) of footprints, pairs (K, 2), from a net of points in each."""
    world = boxes.world
    shared = net_points_shared(pairs, world.rotation, world.center_m, world.size_lwh_m)
    area = world.size_lwh_m[:, :2].prod(axis=1)[pairs]
    inner = (shared / NET**2 * area).mean(axis=1)
    return np.asarray(inner / (area.sum(axis=1) - inner))
