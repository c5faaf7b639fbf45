"""Checks of one frame's labels against its masks, depths, points and sizes.

Nothing here calls the code that wrote the labels: projections, boxes and counts are made again
in another way, so that a fault has to be made twice to go unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.actors import EGO_TRACK_ID, ActorStates
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.geometry.arrays import F64, I32, I64, U16, Bool
from synthgen.geometry.camera import Lens, PinholeCamera
from synthgen.labels.boxes2d import Boxes2d
from synthgen.labels.check_kernels import depths_outside, points_outside, recount
from synthgen.labels.outlines import pixel_rays
from synthgen.labels.scene_boxes import SceneBoxes
from synthgen.labels.verdict import Votes

_MIN_PX: Final = {"pedestrian": 20}
_MIN_PX_OTHERS: Final = 12
_MIN_UNLABELLED_PX: Final = 30
_MIN_UNLABELLED_POINTS: Final = 10
# A walker's box holds its whole stride, the mask one moment of it.
_LOOSE_IOU: Final = {"vehicle": 0.6, "cyclist": 0.4, "pedestrian": 0.35, "object": 0.2}
# Share of its width by which a mask may leave the cuboid; limbs swing out of a walker's.
_SLACK: Final = {"vehicle": 0.06, "cyclist": 0.1, "pedestrian": 0.12, "object": 0.1}
_DEPTH_MARGIN_M, _DEPTH_SHARE = 0.07, 0.04
# CARLA paints a window as its car but sees through it in depth (its issues 2448 and 6044).
_BEHIND_GLASS_M, _GLASS_SHARE = 1.5, 0.3
_LIDAR_MARGIN_M, _LIDAR_SHARE, _LIDAR_MIN = 0.08, 0.06, 5
_SUPPORT_MARGIN_M: Final = 0.2
_MOST_PIXELS: Final = 20_000  # back-projected in one image; more are thinned out evenly


@dataclass(frozen=True, eq=False, slots=True)
class _ImageEvidence:
    """What an image says of each of the M rows of its labels, found without the label code.

    Attributes:
        seen_px: (M,) pixels of the instance.
        xyxy_px: (M, 4) box around them; meaningless where there are none.
        projected_px: (M, 4) bounds of the projected corners.
        is_ahead: (M,) the whole cuboid is ahead of the camera.
        sampled: (M,) pixels with a depth that were back-projected.
        outside: (M,) how many of them are outside the cuboid.
        far_outside: (M,) outside even the cuboid grown by `_SUPPORT_MARGIN_M`.
        behind_glass: (M,) so far behind that a window of a vehicle may show what is there.
        tag: (M,) the tag of most of its pixels; meaningless where there are none.
        pixels: (65536,) pixels of every id.
        stray_px: Near pixels of a road user's tag that belong to no object.
    """

    seen_px: I64
    xyxy_px: F64
    projected_px: F64
    is_ahead: Bool
    sampled: I64
    outside: I64
    far_outside: I64
    behind_glass: I64
    tag: I64
    pixels: I64
    stray_px: int


def check_image(
    frame: CameraFrame,
    camera: Lens,
    boxes: SceneBoxes,
    labels: Boxes2d,
    *,
    taxonomy: Taxonomy,
    range_m: float,
) -> Votes:
    """Votes on the 2D labels of one image, and on the cuboids behind them.

    Args:
        frame: Images with depth and instance.
        camera: Intrinsics.
        boxes: All objects.
        labels: What is to be judged.
        taxonomy: Groups and tags of the categories.
        range_m: How far from the camera class pixels must belong to an object.
    """
    assert frame.instance is not None, "labels exist only where there is one"
    votes = Votes()
    evidence = _image_evidence(frame, camera, boxes, labels, taxonomy=taxonomy, range_m=range_m)
    _check_coverage(frame, boxes, labels, votes, evidence)
    exact = _exact_faults(labels, evidence)
    mask_outside, loose_iou = _mask_and_box(evidence), _loose_iou(labels, evidence)
    for index, track_id in enumerate(labels.track_id.tolist()):
        category = taxonomy.category(boxes.infos[int(labels.row[index])].category)
        for check, is_bad in exact.items():
            if is_bad[index]:
                votes.hard(check, track_id, frame.name)
        if evidence.seen_px[index] < _MIN_PX.get(category.group, _MIN_PX_OTHERS):
            continue
        if evidence.is_ahead[index]:
            outside_px, width_px = mask_outside[index]
            outside = bool(outside_px > max(2.0, _SLACK[category.group] * width_px))
            loose = bool(loose_iou[index] < _LOOSE_IOU[category.group])
            votes.vote(
                "mask", track_id, {"mask_outside_box": outside, "box_loose": loose}, frame.name
            )
        if evidence.sampled[index] >= _MIN_PX_OTHERS:
            if evidence.far_outside[index] == evidence.sampled[index]:
                votes.hard("no_support", track_id, frame.name)
            share = _share_outside(evidence, index, has_windows=category.group == "vehicle")
            votes.vote("depth", track_id, {"depth_outside_box": share > _DEPTH_SHARE}, frame.name)
        if frame.semantic is not None:
            wrong = int(evidence.tag[index]) not in category.tags
            votes.vote("semantic", track_id, {"class_of_pixels": wrong}, frame.name)
    return votes


def _image_evidence(
    frame: CameraFrame,
    camera: Lens,
    boxes: SceneBoxes,
    labels: Boxes2d,
    *,
    taxonomy: Taxonomy,
    range_m: float,
) -> _ImageEvidence:
    assert frame.instance is not None, "labels exist only where there is one"
    assert frame.depth_cm is not None, "labels exist only where there is one"
    ids = labels.track_id
    index_of = np.full(65536, -1, dtype=np.int32)
    index_of[ids] = np.arange(len(ids))
    is_stray = np.zeros(256, dtype=np.uint8)
    semantic = frame.semantic
    if semantic is None:
        semantic = np.zeros_like(frame.instance, dtype=np.uint8)
    else:
        is_stray[list(taxonomy.labelled_tags())] = 1
    pixels, xyxy_px, tag, stray_px = recount(
        frame.instance,
        frame.depth_cm,
        semantic,
        index_of,
        len(ids),
        is_stray,
        round(range_m * 100),
    )
    own = index_of[ids]  # A track with two labels has its pixels counted once.
    projected_px, is_ahead = _projected(frame, camera, boxes, labels.row)
    sampled, outside, far, glass = _depths_outside(frame, camera, boxes, labels, index_of)
    return _ImageEvidence(
        seen_px=pixels[ids],
        xyxy_px=xyxy_px[own].astype(np.float64),
        projected_px=projected_px,
        is_ahead=is_ahead,
        sampled=sampled,
        outside=outside,
        far_outside=far,
        behind_glass=glass,
        tag=tag[own],
        pixels=pixels,
        stray_px=stray_px,
    )


def _projected(frame: CameraFrame, camera: Lens, boxes: SceneBoxes, rows: I64) -> tuple[F64, Bool]:
    """Bounds (M, 4) of the projected corners, and which cuboids are wholly ahead (M,).

    In a fisheye image corners bound no cuboid, so none counts as ahead.
    """
    camera_from_world = frame.world_from_camera.inverse()
    bounds = np.zeros((len(rows), 4))
    is_ahead = np.zeros(len(rows), dtype=np.bool_)
    if not isinstance(camera, PinholeCamera):
        return bounds, is_ahead
    seen = camera_from_world.apply(boxes.world.select(rows).corners_m)
    is_ahead = seen[..., 2].min(axis=1, initial=np.inf) > 0.3
    image = seen[is_ahead] @ camera.matrix.T
    image = image[..., :2] / image[..., 2:]
    bounds[is_ahead] = np.concatenate([image.min(axis=1), image.max(axis=1)], axis=1)
    return bounds, is_ahead


def _depths_outside(
    frame: CameraFrame, camera: Lens, boxes: SceneBoxes, labels: Boxes2d, index_of: I32
) -> I64:
    """`sampled`, `outside`, `far_outside` and `behind_glass` of the evidence, (4, M)."""
    cuboids = boxes.world.select(labels.row)
    counts: I64 = depths_outside(
        frame.instance,
        frame.depth_cm,
        index_of,
        *pixel_rays(camera),
        np.array(frame.world_from_camera.rotation),
        np.array(frame.world_from_camera.translation_m),
        cuboids.rotation,
        cuboids.center_m,
        cuboids.size_lwh_m,
        _MOST_PIXELS,
        np.array([_DEPTH_MARGIN_M, _SUPPORT_MARGIN_M, _BEHIND_GLASS_M]),
    )
    return counts


def _share_outside(evidence: _ImageEvidence, index: int, *, has_windows: bool) -> float:
    """Share of the pixels outside the cuboid, without those that look through a window."""
    sampled, outside = int(evidence.sampled[index]), int(evidence.outside[index])
    glass = int(evidence.behind_glass[index])
    if has_windows and glass <= _GLASS_SHARE * sampled:
        sampled, outside = sampled - glass, outside - glass
    return outside / sampled


def _exact_faults(labels: Boxes2d, evidence: _ImageEvidence) -> dict[str, Bool]:
    """Checks that need no second opinion: name -> (M,) where it fails."""
    seen = evidence.seen_px
    occluded, truncated = (
        part.astype(np.float64) for part in (labels.occluded_fraction, labels.truncated_fraction)
    )
    clipped, amodal = labels.amodal_clipped_xyxy_px, labels.amodal_xyxy_px
    hull_px = labels.hull_px.astype(np.float64)
    open_px = (1.0 - occluded) * hull_px
    off_px = np.abs(labels.visible_xyxy_px - evidence.xyxy_px).max(axis=1, initial=0.0)
    is_share = [(part >= 0) & (part <= 1) for part in (occluded, truncated)]
    within = (clipped[:, :2] >= amodal[:, :2] - np.float32(0.01)).all(axis=1)
    within &= (clipped[:, 2:] <= amodal[:, 2:] + np.float32(0.01)).all(axis=1)
    return {
        "pixel_count": labels.visible_px != seen,
        "visible_box": (seen > 0) & (off_px > 1.0),
        "fraction_range": ~(is_share[0] & is_share[1]),
        "amodal_order": ~within,
        # Pixels of the object itself are open; a few per cent may lie outside the cuboid.
        "occlusion_too_high": seen > 1.06 * open_px + 12,
        "nothing_hides_it": (hull_px > 200)
        & (occluded < 0.02)
        & (truncated < 0.2)
        & (seen < 0.08 * hull_px),
    }


def _mask_and_box(evidence: _ImageEvidence) -> F64:
    """By how much each mask's box sticks out of the projected cuboid, and its width: (M, 2)."""
    mask_px, projected_px = evidence.xyxy_px, evidence.projected_px
    beyond = np.hstack([projected_px[:, :2] - mask_px[:, :2], mask_px[:, 2:] - projected_px[:, 2:]])
    width_px = projected_px[:, 2] - projected_px[:, 0]
    return np.stack([beyond.max(axis=1, initial=-np.inf), width_px], axis=1)


def _loose_iou(labels: Boxes2d, evidence: _ImageEvidence) -> F64:
    """Overlap (M,) of each mask's box with the projected cuboid; 1 where neither is free to tell.

    A free-standing object should fill it.
    """
    judged = (labels.occluded_fraction < 0.02) & (labels.truncated_fraction == 0.0)
    judged &= evidence.is_ahead & (evidence.seen_px >= 4 * _MIN_PX_OTHERS)
    a, b = evidence.xyxy_px[judged], evidence.projected_px[judged]
    shared = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    inner = np.maximum(0.0, shared).prod(axis=1)
    outer = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - inner
    iou = np.ones(len(labels))
    iou[judged] = inner / outer
    return iou


def _check_coverage(
    frame: CameraFrame,
    boxes: SceneBoxes,
    labels: Boxes2d,
    votes: Votes,
    evidence: _ImageEvidence,
) -> None:
    """Every object pixel belongs to a label, every class pixel to an object."""
    known = set(boxes.track_id.tolist()) | {EGO_TRACK_ID}
    labelled = set(labels.track_id.tolist())
    for track_id in repeated(labels.track_id).tolist():
        votes.hard("track_twice", track_id, frame.name)
    for track_id in (np.flatnonzero(evidence.pixels[1:] >= _MIN_PX_OTHERS) + 1).tolist():
        if track_id not in known:
            votes.hard("unknown_track", track_id, frame.name)
        elif track_id not in labelled and track_id != EGO_TRACK_ID:
            votes.hard("missing_label", track_id, frame.name)
    if evidence.stray_px >= _MIN_UNLABELLED_PX:
        votes.hard("unlabelled_pixels", sensor=frame.name)


def repeated(ids: I32) -> I32:
    """Those of the ids that occur more than once, each once."""
    values, counts = np.unique(ids, return_counts=True)
    return values[counts > 1]


def check_sweep(
    sweep: LidarSweep,
    states: ActorStates,
    boxes: SceneBoxes,
    *,
    taxonomy: Taxonomy,
    range_m: float,
) -> Votes:
    """Votes of one LiDAR sweep on the cuboids; silent where the sweep gives no ids.

    Points of a moving object are up to a turn old. Simulators differ in whether objects move
    during a turn, so a cuboid passes if it holds its points as they are or moved on with it.
    """
    votes = Votes()
    if sweep.track_id is None or not len(sweep):
        return votes
    counts = _points_outside(sweep, sweep.track_id, states, boxes)
    tags = _tags_of_points(sweep, sweep.track_id, boxes)
    for row in np.flatnonzero(counts[0] >= _LIDAR_MIN).tolist():
        track_id = int(boxes.track_id[row])
        share = counts[1:, row].min() / counts[0, row]
        failed = {"points_outside_box": bool(share > _LIDAR_SHARE)}
        if tags is not None:
            failed["class_of_points"] = (
                int(tags[row]) not in taxonomy.category(boxes.infos[row].category).tags
            )
        votes.vote("lidar", track_id, failed, sweep.name)
    if sweep.semantic_tag is not None:
        near = np.linalg.norm(sweep.points_m[:, :2], axis=1) < range_m
        of_class = np.isin(sweep.semantic_tag, list(taxonomy.labelled_tags()))
        if np.count_nonzero(near & of_class & (sweep.track_id == 0)) >= _MIN_UNLABELLED_POINTS:
            votes.hard("unlabelled_points", sensor=sweep.name)
    return votes


def _points_outside(
    sweep: LidarSweep, track_id: U16, states: ActorStates, boxes: SceneBoxes
) -> I64:
    """Points of each box, those outside it, those outside it once moved on: (3, N)."""
    row_of = np.full(65536, -1, dtype=np.int32)
    row_of[boxes.track_id] = np.arange(len(boxes))
    counts: I64 = points_outside(
        sweep.points_m,
        track_id,
        sweep.time_offset_ns,
        np.array(sweep.world_from_lidar.rotation),
        np.array(sweep.world_from_lidar.translation_m),
        row_of,
        boxes.world.rotation,
        boxes.world.center_m,
        boxes.world.size_lwh_m,
        states.velocity_mps[boxes.rows],
        _LIDAR_MARGIN_M,
    )
    return counts


def _tags_of_points(sweep: LidarSweep, track_id: U16, boxes: SceneBoxes) -> I64 | None:
    """The tag (N,) of most points of each object, the smallest on a tie; None without tags."""
    if sweep.semantic_tag is None:
        return None
    hit = np.flatnonzero(track_id)
    pair, count = np.unique(
        track_id[hit].astype(np.int32) * 256 + sweep.semantic_tag[hit], return_counts=True
    )
    order = np.lexsort((-(pair % 256), count))
    found = np.zeros(65536, dtype=np.int64)
    found[pair[order] // 256] = pair[order] % 256
    return found[boxes.track_id]
