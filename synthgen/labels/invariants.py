"""Checks of one frame's labels against its masks, depths, points and sizes.

Nothing here calls the code that wrote the labels: projections, boxes and counts are made again
in another way, so that a fault has to be made twice to go unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy import ndimage

from synthgen.datatypes.actors import EGO_TRACK_ID, ActorStates
from synthgen.datatypes.images import NO_DEPTH_CM, CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.geometry.arrays import F64, I32, I64, Bool
from synthgen.geometry.camera import Lens, PinholeCamera
from synthgen.labels.boxes2d import Boxes2d
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
    """

    seen_px: I64
    xyxy_px: F64
    projected_px: F64
    is_ahead: Bool
    sampled: I64
    outside: I64
    far_outside: I64
    behind_glass: I64


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
    pixels = np.bincount(frame.instance.ravel(), minlength=int(labels.track_id.max(initial=0)) + 1)
    evidence = _image_evidence(frame, camera, boxes, labels, pixels)
    _check_coverage(frame, boxes, labels, votes, pixels, taxonomy=taxonomy, range_m=range_m)
    for index, track_id in enumerate(labels.track_id.tolist()):
        category = taxonomy.category(boxes.infos[int(labels.row[index])].category)
        failed = _exact_faults(labels, evidence, index)
        for check in (name for name, bad in failed.items() if bad):
            votes.hard(check, track_id, frame.name)
        if evidence.seen_px[index] < _MIN_PX.get(category.group, _MIN_PX_OTHERS):
            continue
        if evidence.is_ahead[index]:
            loose = _is_loose(labels, evidence, index, _LOOSE_IOU[category.group])
            outside = _is_outside(
                evidence.xyxy_px[index], evidence.projected_px[index], _SLACK[category.group]
            )
            votes.vote(
                "mask", track_id, {"mask_outside_box": outside, "box_loose": loose}, frame.name
            )
        if evidence.sampled[index] >= _MIN_PX_OTHERS:
            if evidence.far_outside[index] == evidence.sampled[index]:
                votes.hard("no_support", track_id, frame.name)
            share = _share_outside(evidence, index, has_windows=category.group == "vehicle")
            votes.vote("depth", track_id, {"depth_outside_box": share > _DEPTH_SHARE}, frame.name)
        if frame.semantic is not None:
            left, top, right, bottom = evidence.xyxy_px[index].astype(np.int64).tolist()
            around = slice(top, bottom), slice(left, right)
            own = frame.semantic[around][frame.instance[around] == track_id]
            tag = np.bincount(own).argmax()
            wrong = int(tag) not in category.tags
            votes.vote("semantic", track_id, {"class_of_pixels": wrong}, frame.name)
    return votes


def _image_evidence(
    frame: CameraFrame, camera: Lens, boxes: SceneBoxes, labels: Boxes2d, pixels: I64
) -> _ImageEvidence:
    assert frame.instance is not None, "labels exist only where there is one"
    ids = labels.track_id
    places = ndimage.find_objects(frame.instance)
    seen_px = pixels[ids]
    xyxy_px = np.zeros((len(ids), 4))
    for index, track_id in enumerate(ids.tolist()):
        if seen_px[index]:
            rows, columns = places[track_id - 1]
            xyxy_px[index] = columns.start, rows.start, columns.stop, rows.stop
    projected_px, is_ahead = _projected(frame, camera, boxes, labels.row)
    sampled, outside, far, glass = _depths_outside(frame, camera, boxes, labels)
    return _ImageEvidence(
        seen_px=seen_px,
        xyxy_px=xyxy_px,
        projected_px=projected_px,
        is_ahead=is_ahead,
        sampled=sampled,
        outside=outside,
        far_outside=far,
        behind_glass=glass,
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
    frame: CameraFrame, camera: Lens, boxes: SceneBoxes, labels: Boxes2d
) -> tuple[I64, I64, I64, I64]:
    """`sampled`, `outside`, `far_outside` and `behind_glass` of the evidence."""
    assert frame.instance is not None, "labels exist only where there is one"
    assert frame.depth_cm is not None, "labels exist only where there is one"
    instance, depth_cm = frame.instance.ravel(), frame.depth_cm.ravel()
    index_of = np.full(65536, -1, dtype=np.int64)
    index_of[labels.track_id] = np.arange(len(labels))
    pixel = np.flatnonzero((instance > 0) & (depth_cm != NO_DEPTH_CM))
    pixel = pixel[index_of[instance[pixel]] >= 0]
    pixel = pixel[:: max(1, len(pixel) // _MOST_PIXELS)]
    index, depth_m = index_of[instance[pixel]], depth_cm[pixel] / 100.0
    rows, columns = np.divmod(pixel, frame.instance.shape[1])
    rays = camera.rays(np.stack([columns + 0.5, rows + 0.5], axis=1))
    world_m = frame.world_from_camera.apply(rays * depth_m[:, None])
    beyond_m = _beyond(world_m, boxes, labels.row[index])
    eye_m = frame.world_from_camera.translation_m
    far_m = np.linalg.norm(boxes.world.center_m[labels.row] - eye_m, axis=1)
    is_behind = np.linalg.norm(world_m - eye_m, axis=1) > far_m[index]
    count = len(labels)
    return (
        np.bincount(index, minlength=count),
        np.bincount(index[beyond_m > _DEPTH_MARGIN_M], minlength=count),
        np.bincount(index[beyond_m > _SUPPORT_MARGIN_M], minlength=count),
        np.bincount(index[is_behind & (beyond_m > _BEHIND_GLASS_M)], minlength=count),
    )


def _share_outside(evidence: _ImageEvidence, index: int, *, has_windows: bool) -> float:
    """Share of the pixels outside the cuboid, without those that look through a window."""
    sampled, outside = int(evidence.sampled[index]), int(evidence.outside[index])
    glass = int(evidence.behind_glass[index])
    if has_windows and glass <= _GLASS_SHARE * sampled:
        sampled, outside = sampled - glass, outside - glass
    return outside / sampled


def _beyond(world_m: F64, boxes: SceneBoxes, rows: I64) -> F64:
    """How far (P,) each point (P, 3) is outside its box along the worst axis; < 0 within."""
    offset = world_m - boxes.world.center_m[rows]
    local = np.abs(np.einsum("pji,pj->pi", boxes.world.rotation[rows], offset))
    return np.asarray((local - boxes.world.size_lwh_m[rows] / 2).max(axis=1, initial=-np.inf))


def _exact_faults(labels: Boxes2d, evidence: _ImageEvidence, index: int) -> dict[str, bool]:
    """Checks of one row that need no second opinion."""
    fractions = np.array([labels.occluded_fraction[index], labels.truncated_fraction[index]])
    seen = int(evidence.seen_px[index])
    box = labels.visible_xyxy_px[index]
    clipped = labels.amodal_clipped_xyxy_px[index]
    amodal = labels.amodal_xyxy_px[index]
    hull_px = float(labels.hull_px[index])
    open_px = (1.0 - float(labels.occluded_fraction[index])) * hull_px
    within = (clipped[:2] >= amodal[:2] - 0.01).all() and (clipped[2:] <= amodal[2:] + 0.01).all()
    return {
        "pixel_count": int(labels.visible_px[index]) != seen,
        "visible_box": seen > 0 and bool(np.abs(box - evidence.xyxy_px[index]).max() > 1.0),
        "fraction_range": not bool(((fractions >= 0) & (fractions <= 1)).all()),
        "amodal_order": not bool(within),
        # Pixels of the object itself are open; a few per cent may lie outside the cuboid.
        "occlusion_too_high": seen > 1.06 * open_px + 12,
        "nothing_hides_it": hull_px > 200
        and float(labels.occluded_fraction[index]) < 0.02
        and float(labels.truncated_fraction[index]) < 0.2
        and seen < 0.08 * hull_px,
    }


def _is_outside(mask_px: F64, projected_px: F64, slack: float) -> bool:
    """The mask's box sticks out of the projected cuboid."""
    allowed = max(2.0, slack * (projected_px[2] - projected_px[0]))
    beyond = np.concatenate([projected_px[:2] - mask_px[:2], mask_px[2:] - projected_px[2:]])
    return bool(beyond.max() > allowed)


def _is_loose(labels: Boxes2d, evidence: _ImageEvidence, index: int, least_iou: float) -> bool:
    """A free-standing object fills too little of its projected cuboid."""
    is_free = labels.occluded_fraction[index] < 0.02 and labels.truncated_fraction[index] == 0.0
    if not is_free or evidence.seen_px[index] < 4 * _MIN_PX_OTHERS:
        return False
    a, b = evidence.xyxy_px[index], evidence.projected_px[index]
    inner = np.maximum(0.0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).prod()
    outer = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner
    return bool(inner / outer < least_iou)


def _check_coverage(
    frame: CameraFrame,
    boxes: SceneBoxes,
    labels: Boxes2d,
    votes: Votes,
    pixels: I64,
    *,
    taxonomy: Taxonomy,
    range_m: float,
) -> None:
    """Every object pixel belongs to a label, every class pixel to an object."""
    assert frame.instance is not None, "labels exist only where there is one"
    assert frame.depth_cm is not None, "labels exist only where there is one"
    known = set(boxes.track_id.tolist()) | {EGO_TRACK_ID}
    labelled = set(labels.track_id.tolist())
    for track_id in repeated(labels.track_id).tolist():
        votes.hard("track_twice", track_id, frame.name)
    for track_id in np.flatnonzero(pixels[1:] >= _MIN_PX_OTHERS) + 1:
        if int(track_id) not in known:
            votes.hard("unknown_track", int(track_id), frame.name)
        elif int(track_id) not in labelled and track_id != EGO_TRACK_ID:
            votes.hard("missing_label", int(track_id), frame.name)
    if frame.semantic is not None:
        is_class = np.zeros(256, dtype=np.uint8)
        is_class[list(taxonomy.labelled_tags())] = 1
        stray = cv2.LUT(frame.semantic, is_class).view(np.bool_) & (frame.instance == 0)
        stray &= frame.depth_cm < round(range_m * 100)
        if np.count_nonzero(stray) >= _MIN_UNLABELLED_PX:
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
    hit = np.flatnonzero(sweep.track_id)
    hit_id = sweep.track_id[hit]
    world_m = sweep.world_from_lidar.apply(sweep.points_m[hit].astype(np.float64))
    age_s = sweep.time_offset_ns[hit].astype(np.float64) * 1e-9
    hits = np.bincount(hit_id, minlength=65536)
    for row in np.flatnonzero(hits[boxes.track_id] >= _LIDAR_MIN).tolist():
        track_id = int(boxes.track_id[row])
        own = np.flatnonzero(hit_id == track_id)
        rows = np.full(len(own), row)
        velocity = states.velocity_mps[boxes.rows[row]]
        moved_m = world_m[own] - age_s[own, None] * velocity
        shares = [
            np.mean(_beyond(points, boxes, rows) > _LIDAR_MARGIN_M)
            for points in (world_m[own], moved_m)
        ]
        failed = {"points_outside_box": bool(min(shares) > _LIDAR_SHARE)}
        if sweep.semantic_tag is not None:
            tag = int(np.bincount(sweep.semantic_tag[hit[own]]).argmax())
            tags = taxonomy.category(boxes.infos[row].category).tags
            failed["class_of_points"] = tag not in tags
        votes.vote("lidar", track_id, failed, sweep.name)
    if sweep.semantic_tag is not None:
        near = np.linalg.norm(sweep.points_m[:, :2], axis=1) < range_m
        of_class = np.isin(sweep.semantic_tag, list(taxonomy.labelled_tags()))
        if np.count_nonzero(near & of_class & (sweep.track_id == 0)) >= _MIN_UNLABELLED_POINTS:
            votes.hard("unlabelled_points", sensor=sweep.name)
    return votes
