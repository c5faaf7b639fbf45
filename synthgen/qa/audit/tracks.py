"""How each box fits its own track: size, class, position, heading, object seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.labels import Labels
from synthgen.qa.audit.match import Pairs

_MAX_GAP_S: Final = 0.55  # neighbours farther away in time predict nothing
_MIN_TRACK: Final = 3
_MOVING_SHARE: Final = 0.4
_MISFIT_SHARE: Final = 0.25
_MIN_INSIDE: Final = 0.25
_MIN_BODY_POINTS: Final = 5
_MIN_GAP_POINTS: Final = 30
_MIN_GAP_HITS: Final = 45  # rings lie far apart
_MIN_INCIDENCE: Final = 0.3  # sine of the angle between ray and face
PIXEL_RAD: Final = 0.002  # what a pixel is wide, in the cameras that evidence comes from
_REVERSE_MPS: Final = 4.0
_REVERSE_RAD: Final = 2.4
_MAX_OCCLUDED: Final = 0.3
_MAX_TRUNCATED: Final = 0.02
_ALLOWED_OUT_M: Final = 0.08
_CALM_MPS2: Final = 1.5
USUAL_STEP_S: Final = 0.2  # frames farther apart show less of how a motion changes
# Predictions of a box from its neighbours at these steps, and what an acceleration of 1 makes each
# wrong by, in steps squared.
_RULES: Final = ((-1, 1), (-2, 2), (-2, -1), (1, 2))
_RULE_SHARES: Final = np.array([0.5, 2.0, 1.0, 1.0])


def repeated_ids(labels: Labels) -> Bool:
    """(N,) boxes whose track has another box in the same frame."""
    if labels.track is None:
        return np.zeros(len(labels), dtype=np.bool_)
    key = labels.track * len(labels.times_s) + labels.frame
    _keys, index, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(count[index] > 1)


def track_rows(labels: Labels) -> Iterator[I64]:
    """Rows of each track with at least three boxes, in time, one a frame."""
    if labels.track is None:
        return
    order = np.lexsort((labels.frame, labels.track))
    order = order[~repeated_ids(labels)[order]]
    if not len(order):
        return
    cuts = np.flatnonzero(np.diff(labels.track[order])) + 1
    for rows in np.split(order, cuts):
        if len(rows) >= _MIN_TRACK:
            yield rows


def size_jumps(labels: Labels) -> F64:
    """(N,) greatest |log| ratio of a side to its track's median."""
    scores = np.full(len(labels), np.nan)
    for rows in track_rows(labels):
        size = np.maximum(labels.size_lwh_m[rows], 1e-3)
        scores[rows] = np.abs(np.log(size / np.median(size, axis=0))).max(axis=1)
    return scores


def class_changes(labels: Labels) -> F64:
    """(N,) 1 where the category is not that of most of the track."""
    scores = np.full(len(labels), np.nan)
    for rows in track_rows(labels):
        names, index = np.unique(labels.category[rows], return_inverse=True)
        scores[rows] = index != np.bincount(index, minlength=len(names)).argmax()
    return scores


def position_jumps(labels: Labels, *, slack_m: float, acceleration_mps2: F64) -> F64:
    """(N,) distance from where the neighbours in time put the box, in what motion allows.

    Of the predictions by mid-points and extrapolations the second best counts, so that one
    displaced box does not make its neighbours look displaced.

    Args:
        labels: The boxes.
        slack_m: What any position may be off by.
        acceleration_mps2: (N,) greatest credible acceleration.
    """
    scores = np.full(len(labels), np.nan)
    for rows in track_rows(labels):
        time_s = labels.times_s[labels.frame[rows]]
        position_m = labels.world_m[rows]
        predicted = _predictions(time_s, position_m)
        distance = np.linalg.norm(predicted - position_m[None], axis=2)
        step_s = np.median(np.diff(time_s))
        usual = _usual_acceleration(position_m, step_s)
        calm = _CALM_MPS2 * max(1.0, step_s / USUAL_STEP_S)
        credible = np.minimum(acceleration_mps2[rows], calm + 2 * usual)
        allowed = slack_m + _RULE_SHARES[:, None] * credible[None] * step_s**2
        scores[rows] = _second_least(distance / allowed)
    return scores


def _usual_acceleration(position_m: F64, step_s: float) -> F64:
    """(n,) median size of the second differences around each box."""
    bend = np.linalg.norm(np.diff(position_m, 2, axis=0), axis=1) / max(step_s, 1e-3) ** 2
    at = np.arange(len(position_m)) - 1
    window = np.clip(at[:, None] + np.arange(-3, 4)[None], 0, len(bend) - 1)
    return np.asarray(np.median(bend[window], axis=1))


def heading_jumps(labels: Labels) -> F64:
    """(N,) radians from the heading that the neighbours in time predict."""
    residual = np.full(len(labels), np.nan)
    for rows in track_rows(labels):
        time_s = labels.times_s[labels.frame[rows]]
        yaw = labels.world_yaw_rad[rows]
        # As unit vectors, since angles wrap; a prediction may be longer, its direction counts.
        direction = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
        predicted = _predictions(time_s, direction)
        turn = np.arctan2(
            predicted[..., 1] * direction[:, 0] - predicted[..., 0] * direction[:, 1],
            (predicted * direction).sum(axis=2),
        )
        residual[rows] = _second_least(np.abs(turn))
    return residual


def drift_angles(labels: Labels, min_speed_mps: float) -> F64:
    """(N,) radians between heading and velocity; NaN for tracks that stay below a speed."""
    angle = np.full(len(labels), np.nan)
    if not labels.is_static_frame:
        return angle
    for rows in track_rows(labels):
        time_s = labels.times_s[labels.frame[rows]]
        velocity = np.gradient(labels.world_m[rows][:, :2], time_s, axis=0)
        speed = np.linalg.norm(velocity, axis=1)
        yaw = labels.world_yaw_rad[rows]
        turn = np.arctan2(velocity[:, 1], velocity[:, 0]) - yaw
        turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
        # One displaced box spoils the speed beside it; a whole track's heading does not jump.
        steady = np.minimum(turn, np.minimum(_before(turn), _after(turn)))
        backwards = (speed < _REVERSE_MPS) & (turn > _REVERSE_RAD)  # cars do reverse
        moving = (speed > min_speed_mps) & ~backwards
        angle[rows] = np.where(moving, steady, np.nan)
        if moving.sum() >= _MIN_TRACK and moving.mean() >= _MOVING_SHARE:
            # What holds for the moving part of a track holds where it stands, too.
            angle[rows[~moving]] = np.median(turn[moving])
    return angle


def object_changes(labels: Labels, blobs: Blobs, pairs: Pairs) -> F64:
    """(N,) 1 where the sensors show another object in the box than in most of its track."""
    seen = np.zeros(len(labels), dtype=np.int64)
    weight = pairs.inside * np.minimum(blobs.count[pairs.blob], 200)
    order = np.argsort(weight, kind="stable")
    seen[pairs.box[order]] = np.maximum(blobs.identity[pairs.blob[order]], 0)
    scores = np.full(len(labels), np.nan)
    for rows in track_rows(labels):
        known = rows[seen[rows] > 0]
        if len(known) >= _MIN_TRACK:
            usual = np.bincount(seen[known]).argmax()
            scores[known] = seen[known] != usual
    return scores


def body_misfits(labels: Labels, blobs: Blobs, pairs: Pairs, allowed_gap_m: F64) -> F64:
    """(N,) how badly a track's boxes fit all that was ever seen in them, in what is allowed.

    Points of all frames are looked at together, so that an error of the whole track (its size, an
    offset) shows although each frame shows a part of the body only. A face fails when points of
    three frames stick out of it, or when no point comes near it while sensors look at it freely.

    Args:
        labels: The boxes.
        blobs: What the sensors say.
        pairs: Which blob is in which box.
        allowed_gap_m: (N, 3) how far behind each face the nearest points may lie.
    """
    scores = np.full(len(labels), np.nan)
    if labels.track is None:
        return scores
    usable = (pairs.inside > _MIN_INSIDE) & (blobs.count[pairs.blob] >= _MIN_BODY_POINTS)
    chosen = np.flatnonzero(usable)
    chosen = chosen[np.argsort(labels.track[pairs.box[chosen]], kind="stable")]
    cuts = np.flatnonzero(np.diff(labels.track[pairs.box[chosen]])) + 1
    for own in np.split(chosen, cuts):
        if len(own) >= _MIN_TRACK:
            rows = pairs.box[own]
            worst = _misfit(labels, blobs, pairs, own, allowed_gap_m[rows])
            scores[labels.track == labels.track[rows[0]]] = worst
    return scores


def _misfit(labels: Labels, blobs: Blobs, pairs: Pairs, own: I64, allowed_gap_m: F64) -> float:
    rows = pairs.box[own]
    half_m = labels.size_lwh_m[rows] / 2
    behind_m = np.stack([half_m - pairs.extent_m[own, 1], half_m + pairs.extent_m[own, 0]])
    doors = labels.has_open_door[rows]  # an open one hides where the side is
    behind_m[:, doors, 1] = np.inf
    several = max(_MIN_TRACK, int(np.ceil(_MISFIT_SHARE * len(own))))
    worst = float(np.sort(-behind_m, axis=1)[:, -several].max()) / _ALLOWED_OUT_M
    allowed_gap_m = allowed_gap_m + PIXEL_RAD * np.linalg.norm(
        labels.center_m[rows], axis=1, keepdims=True
    )
    least = np.where(blobs.camera[pairs.blob[own]] < 0, _MIN_GAP_HITS, _MIN_GAP_POINTS)
    free = (blobs.count[pairs.blob[own]] >= least) & ~blobs.at_border[pairs.blob[own]]
    free &= ~(labels.occluded[rows] > _MAX_OCCLUDED) & ~(labels.truncated[rows] > _MAX_TRUNCATED)
    eye_m = pairs.eye_m[own].copy()
    # The top is seen against the sky or the street from below its height, too; a sweep's rings
    # rarely hit it.
    eye_m[:, 2] = np.where(blobs.camera[pairs.blob[own]] >= 0, np.inf, eye_m[:, 2])
    for side, sign in enumerate((1, -1)):
        looks = free[:, None] & looks_at(sign * eye_m, half_m, pairs.eye_m[own])
        looks[doors, 1] = False
        for axis in range(3):
            chosen = looks[:, axis]
            gaps = np.sort(behind_m[side, chosen, axis] / allowed_gap_m[chosen, axis])
            if len(gaps) >= _MIN_TRACK:
                worst = max(worst, float(gaps[1]))
    return worst


def looks_at(ahead_m: F64, half_m: F64, eye_m: F64) -> Bool:
    """(n, 3) which faces a sensor looks at steeply enough to see all of them.

    Args:
        ahead_m: (n, 3) sensor along each face's outward axis, from the centre of the box.
        half_m: (n, 3) half sizes.
        eye_m: (n, 3) sensor in the box's frame.
    """
    away_m = np.linalg.norm(eye_m, axis=1, keepdims=True)
    return np.asarray(ahead_m - half_m > _MIN_INCIDENCE * away_m)


def velocities(labels: Labels) -> F64:
    """(N, 2) velocity over the ground, m/s; NaN where unknown."""
    velocity = np.full((len(labels), 2), np.nan)
    for rows in track_rows(labels):
        time_s = labels.times_s[labels.frame[rows]]
        velocity[rows] = np.gradient(labels.world_m[rows][:, :2], time_s, axis=0)
    return velocity


def speeds(labels: Labels) -> F64:
    """(N,) speed along the heading, m/s; NaN where unknown."""
    yaw = labels.world_yaw_rad
    return np.asarray((velocities(labels) * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)).sum(1))


def _predictions(time_s: F64, values: F64) -> F64:
    """(4, n, k) values as mid-points of the first and second neighbours and two extrapolations."""
    n = len(time_s)
    index = np.arange(n)
    predicted = np.full((len(_RULES), n, values.shape[1]), np.nan)
    for number, (first, second) in enumerate(_RULES):
        a, b = index + first, index + second
        ok = (a >= 0) & (b < n)
        a, b, at = a[ok], b[ok], index[ok]
        span = time_s[b] - time_s[a]
        near = (np.abs(time_s[a] - time_s[at]) <= _MAX_GAP_S) & (
            np.abs(time_s[b] - time_s[at]) <= _MAX_GAP_S
        )
        share = ((time_s[at] - time_s[a]) / np.maximum(span, 1e-9))[:, None]
        value = values[a] * (1 - share) + values[b] * share
        predicted[number, at] = np.where(near[:, None], value, np.nan)
    return predicted


def _second_least(distance: F64) -> F64:
    """(n,) second smallest of (k, n) numbers, the only one where there is one, NaN without."""
    ordered = np.sort(distance, axis=0)  # NaN last
    return np.asarray(np.where(np.isnan(ordered[1]), ordered[0], ordered[1]))


def _before(values: F64) -> F64:
    return np.concatenate([values[:1], values[:-1]])


def _after(values: F64) -> F64:
    return np.concatenate([values[1:], values[-1:]])
