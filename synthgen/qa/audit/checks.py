"""The checks: each gives every box a score in units of its threshold, or abstains (NaN).

A score above 1 is an alarm. docs/audit.md says what each check looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.taxonomy import Group, default_taxonomy
from synthgen.geometry.arrays import F64, I64
from synthgen.qa.audit import tracks
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.labels import Labels, overlaps
from synthgen.qa.audit.match import Pairs
from synthgen.qa.audit.sizes import KnownSizes, size_scores

BOX_CHECKS: Final = (
    *("depth_in", "lidar_in", "face_gap", "support", "box2d", "cls_tag", "size_prior"),
    *("dup", "track_size", "track_cls", "track_pos", "heading", "drift", "track_obj"),
    "track_fit",
)
TRACK_CHECKS: Final = BOX_CHECKS[8:]
MISSING: Final = "missing"
BROKEN: Final = "broken"  # labels whose numbers are no box
# Checks whose score is yes or no; they keep their threshold whatever the clean data say.
BINARY: Final = frozenset(["support", "cls_tag", "dup", "track_cls", "track_obj", MISSING])
_ALARM: Final = 3.0
_MIN_CLAIMED_PX: Final = 12.0
_MIN_CLAIMED_POINTS: Final = 5.0
# Boxes of which less is said to be seen are not judged: too little evidence for or against.
_MIN_SEEN_PX: Final = 20.0
_MIN_SEEN_POINTS: Final = 10.0
_MIN_HITS: Final = 5
_MIN_GAP_HITS: Final = 25
_MIN_BLIND_HITS: Final = 80
_LEAST_OVERLAP: Final = 0.5  # KITTI's own boxes of cars in full view overlap by 0.7 and more
_UNOCCLUDED: Final = 0.05
_UNCUT: Final = 0.02
_MIN_MISSING_PX: Final = 12
_MIN_MISSING_PX_WALKER: Final = 20
_COVERED: Final = 0.3
_FACE_M: Final[dict[Group, tuple[float, float, float]]] = {
    # How far the farthest point may lie behind a face that the sensor sees: bumpers are flush,
    # mirrors stick out, walkers swing their arms.
    "vehicle": (0.12, 0.25, 0.30),
    "cyclist": (0.45, 0.20, 0.25),
    "pedestrian": (0.40, 0.22, 0.20),
    "object": (0.30, 0.30, 0.30),
}
_BODY_M: Final[dict[Group, tuple[float, float, float]]] = {
    # The same, for all points of a track together.
    "vehicle": (0.12, 0.15, 0.20),
    "cyclist": (0.25, 0.20, 0.25),
    "pedestrian": (0.40, 0.15, 0.14),
    "object": (0.30, 0.30, 0.30),
}
_JUMP_M: Final = 0.05
_ACCELERATION_MPS2: Final[dict[Group, float]] = {
    "vehicle": 8.0,
    "cyclist": 5.0,
    "pedestrian": 4.0,
    "object": 8.0,
}
_SWERVE_RADPS2: Final = 1.5
_SWERVE_WALKER_RADPS2: Final = 4.0
_DRIFT_SPEED_MPS: Final = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """What the checks say.

    Attributes:
        names: The K checks of boxes.
        values: (N, K) scores in thresholds, NaN = abstained.
        missing: Blobs that no box covers.
        verifiable: (N,) boxes of which the labels claim that enough is seen to be judged.
    """

    names: tuple[str, ...]
    values: F64
    missing: I64
    verifiable: np.ndarray


def score_boxes(
    labels: Labels, blobs: Blobs, pairs: Pairs, sizes: KnownSizes, range_m: float
) -> Scores:
    """Run every check.

    Args:
        labels: What is audited.
        blobs: What the sensors say.
        pairs: Which of those belong together.
        sizes: What sizes are known.
        range_m: How far labels reach.
    """
    groups = _groups(labels)
    image = blobs.camera[pairs.blob] >= 0
    acceleration = np.array([_ACCELERATION_MPS2[group] for group in groups])
    allowed_turn = np.where(_is(groups, "vehicle"), 0.12, 0.22)
    allowed_turn = allowed_turn + _unseen_turn(labels, groups)
    # Seen from a moving car without its pose, all else swerves with it.
    slack_m, slack_rad = (_JUMP_M, 0.0) if labels.is_static_frame else (0.4, 0.15)
    columns = {
        "depth_in": _outside(labels, blobs, pairs, image, 0.04, 2),
        "lidar_in": _outside(labels, blobs, pairs, ~image, 0.06, _MIN_HITS),
        "face_gap": np.fmax(
            _gaps(labels, blobs, pairs, image, groups), _gaps(labels, blobs, pairs, ~image, groups)
        ),
        "support": _support(labels, pairs),
        "box2d": _image_edges(labels, blobs),
        "cls_tag": _class_tags(labels, blobs, pairs),
        "size_prior": size_scores(labels, sizes, _is(groups, "vehicle")),
        "dup": _ALARM * np.fmax(_duplicates(labels, groups), tracks.repeated_ids(labels)),
        "track_size": tracks.size_jumps(labels) / np.where(_is(groups, "vehicle"), 0.05, 0.15),
        "track_cls": _ALARM * tracks.class_changes(labels),
        "track_pos": tracks.position_jumps(labels, slack_m=slack_m, acceleration_mps2=acceleration),
        "heading": tracks.heading_jumps(labels) / (allowed_turn + slack_rad),
        "drift": _drift(labels, groups),
        "track_obj": _ALARM * tracks.object_changes(labels, blobs, pairs),
        "track_fit": tracks.body_misfits(
            labels, blobs, pairs, np.array([_BODY_M[group] for group in groups]).reshape(-1, 3)
        ),
    }
    values = np.stack([columns[name] for name in BOX_CHECKS], axis=1)
    is_seen = (labels.claimed_px >= _MIN_SEEN_PX) | (labels.claimed_points >= _MIN_SEEN_POINTS)
    return Scores(BOX_CHECKS, values, _missing(labels, blobs, pairs, range_m), is_seen)


def _unseen_turn(labels: Labels, groups: list[Group]) -> F64:
    """(N,) radians that a heading may leave its course by between frames that lie far apart."""
    step_s = float(np.median(np.diff(labels.times_s))) if len(labels.times_s) > 1 else 0.0
    swerve = np.where(_is(groups, "vehicle"), _SWERVE_RADPS2, _SWERVE_WALKER_RADPS2)
    return np.asarray(0.5 * swerve * max(0.0, step_s**2 - tracks.USUAL_STEP_S**2))


def _groups(labels: Labels) -> list[Group]:
    known = default_taxonomy().categories
    return [known[name].group if name in known else "object" for name in labels.category.tolist()]


def _is(groups: list[Group], wanted: Group) -> np.ndarray:
    return np.array([group == wanted for group in groups], dtype=np.bool_)


def _worst(count: int, rows: I64, scores: F64) -> F64:
    """(count,) greatest score of each row; NaN where there is none."""
    worst = np.full(count, -np.inf)
    np.maximum.at(worst, rows, scores)
    return np.where(np.isneginf(worst), np.nan, worst)


def _outside(
    labels: Labels, blobs: Blobs, pairs: Pairs, chosen: np.ndarray, share: float, least: int
) -> F64:
    """Share of a blob's points outside its box. A shared blob belongs to the box that has most."""
    best = pairs.inside >= pairs.cover[pairs.blob] - 1e-9
    keep = chosen & (blobs.count[pairs.blob] >= least) & (best | (pairs.inside > 0.5))
    return _worst(len(labels), pairs.box[keep], (1 - pairs.inside[keep]) / share)


def _gaps(
    labels: Labels, blobs: Blobs, pairs: Pairs, chosen: np.ndarray, groups: list[Group]
) -> F64:
    """Gap between the faces that the sensor sees, and the top, and the nearest point."""
    free = (labels.occluded < _UNOCCLUDED) & (labels.truncated < _UNCUT)
    # No camera says whether what only the LiDAR sees is hidden; many hits are no sliver.
    free = free[pairs.box] | (
        np.isnan(labels.occluded[pairs.box]) & (blobs.count[pairs.blob] >= _MIN_BLIND_HITS)
    )
    keep = chosen & free & (blobs.count[pairs.blob] >= _MIN_GAP_HITS)
    keep &= ~blobs.at_border[pairs.blob] & (pairs.inside > 0.5)
    if not keep.any():
        return np.full(len(labels), np.nan)
    rows = pairs.box[keep]
    half_m = labels.size_lwh_m[rows] / 2
    eye_m, extent_m = pairs.eye_m[keep], pairs.extent_m[keep]
    gap_m = np.where(eye_m > 0, half_m - extent_m[:, 1], half_m + extent_m[:, 0])
    gap_m = np.where(tracks.looks_at(np.abs(eye_m), half_m, eye_m), gap_m, 0)
    allowed_m = np.array([_FACE_M[groups[row]] for row in rows.tolist()])
    if (blobs.camera[pairs.blob[keep]] < 0).all():
        # Rings of a sweep lie far apart: the top is rarely hit, and lengths only nearly.
        allowed_m = allowed_m + np.array([0.10, 0.06, np.inf])
    else:
        gap_m[:, 2] = half_m[:, 2] - extent_m[:, 1, 2]
    # A few pixels' width of a far object is no gap.
    distance_m = np.linalg.norm(labels.center_m[rows], axis=1, keepdims=True)
    scores = (gap_m / (allowed_m + tracks.PIXEL_RAD * distance_m)).max(axis=1)
    return _worst(len(labels), rows, scores)


def _support(labels: Labels, pairs: Pairs) -> F64:
    """Claims to be seen, and nothing is there."""
    claims = (labels.claimed_px >= _MIN_CLAIMED_PX) | (labels.claimed_points >= _MIN_CLAIMED_POINTS)
    return np.where(claims, np.where(pairs.hits == 0, _ALARM, 0.0), np.nan)


def _image_edges(labels: Labels, blobs: Blobs) -> F64:
    """Edges of the visible 2D box against those of the pixels that overlap it best."""
    if labels.projected_xyxy_px is not None:
        return _image_projections(labels, labels.projected_xyxy_px)
    scores = np.full(len(labels), np.nan)
    boxes, cameras = np.nonzero(~np.isnan(labels.image_xyxy_px[:, :, 0]))
    key = blobs.frame * 64 + blobs.camera
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    for box, camera in zip(boxes.tolist(), cameras.tolist(), strict=True):
        wanted = labels.frame[box] * 64 + camera
        first, last = np.searchsorted(sorted_key, [wanted, wanted + 1])
        stated = labels.image_xyxy_px[box, camera]
        score = _ALARM
        if first < last:
            seen = blobs.xyxy_px[order[first:last]]
            best = seen[overlaps(stated, seen).argmax()]
            if overlaps(stated, best[None])[0] > 0:
                allowed = max(2.0, 0.01 * (stated[2] - stated[0]))
                score = float(np.abs(best - stated).max() / allowed)
        scores[box] = _larger(scores[box], score)
    return scores


def _image_projections(labels: Labels, projected_px: F64) -> F64:
    """2D boxes of objects in full view against the bounds of their 3D boxes."""
    scores = np.full(len(labels), np.nan)
    free = (labels.occluded < _UNOCCLUDED) & (labels.truncated < _UNCUT)
    known = ~np.isnan(labels.image_xyxy_px[:, :, 0]) & ~np.isnan(projected_px[:, :, 0])
    for box, camera in zip(*np.nonzero(known & free[:, None]), strict=True):
        overlap = overlaps(labels.image_xyxy_px[box, camera], projected_px[box, camera][None])[0]
        scores[box] = _larger(scores[box], (1 - overlap) / (1 - _LEAST_OVERLAP))
    return scores


def _larger(first: float, second: float) -> float:
    """The larger of two numbers, of which the first may be NaN."""
    return second if first != first else max(first, second)


def _class_tags(labels: Labels, blobs: Blobs, pairs: Pairs) -> F64:
    """Semantic tag of the object's pixels or points against those that its class may have."""
    taxonomy = default_taxonomy()
    scores = np.full(len(labels), np.nan)
    keep = (pairs.inside >= 0.5) & (blobs.tag[pairs.blob] > 0)
    for box, tag in zip(
        pairs.box[keep].tolist(), blobs.tag[pairs.blob[keep]].tolist(), strict=True
    ):
        category = taxonomy.categories.get(str(labels.category[box]))
        if category is not None:
            score = 0.0 if tag in category.tags else _ALARM
            scores[box] = _larger(scores[box], score)
    told = labels.logged != ""
    differs = told & (labels.logged != labels.category)
    return np.where(differs, _ALARM, np.where(told & np.isnan(scores), 0.0, scores))


def _duplicates(labels: Labels, groups: list[Group]) -> F64:
    """Two boxes of one kind in one place."""
    scores = np.zeros(len(labels))
    ids = np.zeros(len(labels), dtype=np.int64) if labels.track is None else labels.track
    kind = np.array(groups)
    order = np.argsort(labels.frame, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(labels.frame[order])) + 1):
        centre = labels.center_m[rows]
        apart = np.linalg.norm(centre[:, None] - centre[None], axis=2)
        width = labels.size_lwh_m[rows, 1]
        close = apart < 0.35 * np.maximum(width[:, None], width[None])
        related = labels.parent[rows][:, None] == ids[rows][None]
        related |= related.T
        close &= (kind[rows][:, None] == kind[rows][None]) & ~(related & (ids[rows][None] > 0))
        np.fill_diagonal(close, val=False)
        scores[rows[close.any(axis=1)]] = 1.0
    return scores


def _drift(labels: Labels, groups: list[Group]) -> F64:
    """Moves otherwise than it points."""
    angle = tracks.drift_angles(labels, _DRIFT_SPEED_MPS)
    return angle / np.where(_is(groups, "vehicle") | _is(groups, "cyclist"), 0.44, 0.9)


def _missing(labels: Labels, blobs: Blobs, pairs: Pairs, range_m: float) -> I64:
    """Blobs of road users, large enough and near enough, that no box covers."""
    if not len(blobs):
        return np.zeros(0, dtype=np.int64)
    tags = default_taxonomy().labelled_tags()
    walkers = {tag for tag in tags if default_taxonomy().category_of_tag(tag) == "pedestrian"}
    least = np.where(np.isin(blobs.tag, list(walkers)), _MIN_MISSING_PX_WALKER, _MIN_MISSING_PX)
    least = np.where(blobs.camera < 0, _MIN_HITS, least)
    sizes = np.diff(blobs.start)
    filled = np.flatnonzero(sizes > 0)
    reach = np.full(len(blobs), np.inf)
    distance = np.linalg.norm(blobs.points_m[:, :2], axis=1)
    reach[filled] = np.maximum.reduceat(distance, blobs.start[filled]) if len(filled) else []
    found = (blobs.count >= least) & (pairs.cover < _COVERED)
    found &= np.isin(blobs.tag, list(tags)) & (reach < range_m - 8.0)
    return np.flatnonzero(found)
