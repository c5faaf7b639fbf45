"""Errors of a whole recording: labels late by a constant time, a camera turned, yaw reversed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.labels import Labels
from synthgen.qa.audit.match import Pairs
from synthgen.qa.audit.tracks import speeds, velocities

_MIN_SPEED_MPS: Final = 1.5
_MIN_SAMPLES: Final = 25
_MIN_TRACKS: Final = 3
_LAG_LIMIT_S: Final = 0.010
_ANGLE_LIMIT_RAD: Final = 0.00175
_DRAWS: Final = 200
_HEADING_LIMIT_RAD: Final = 0.17
_MOVING_MPS: Final = 3.0
_OBLIQUE: Final = 0.34  # |sin 2 yaw| from which a mirrored box looks different
# What a program may have taken a heading for, and how that turns one.
_CONVENTIONS: Final = {
    "yaw counts clockwise": (-1.0, 0.0),
    "yaw starts a quarter to the left": (1.0, np.pi / 2),
    "yaw starts a quarter to the right": (1.0, -np.pi / 2),
    "boxes point backwards": (1.0, np.pi),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One measured constant of a data set; `estimate` None says that too little was seen."""

    name: str
    unit: str
    limit: float
    samples: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_alarm(self) -> bool:
        """True where the whole interval lies beyond nought and the estimate beyond the limit."""
        if self.estimate is None or self.low is None or self.high is None:
            return False
        return abs(self.estimate) > self.limit and self.low * self.high > 0

    def document(self) -> dict[str, Any]:
        """Plain data."""
        fields = ("name", "unit", "limit", "samples", "estimate", "low", "high")
        return {**{name: getattr(self, name) for name in fields}, "alarm": self.is_alarm}


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Offsets of labels from evidence, of many recordings.

    Attributes:
        lag_s: Offset along the heading over the speed, seconds; positive = the label is late.
        lag_track: Track of each.
        angle_rad: Azimuth of the label minus that of the object's pixels.
        angle_track: Track of each.
        angle_camera: Camera of each.
        course_rad: Course over the platform's frame of what moves.
        yaw_rad: Heading of each in that frame, as labelled.
        yaw_track: Track of each.
        is_mirrored: (K,) oblique boxes that fit their image box better with the yaw reversed.
        mirror_track: Track of each.
    """

    lag_s: F64
    lag_track: np.ndarray
    angle_rad: F64
    angle_track: np.ndarray
    angle_camera: np.ndarray
    course_rad: F64
    yaw_rad: F64
    yaw_track: np.ndarray
    is_mirrored: F64
    mirror_track: np.ndarray


def sample(labels: Labels, blobs: Blobs, pairs: Pairs, recording: int) -> Samples:
    """Offsets in one recording, of objects in full view."""
    none = np.zeros(0)
    if labels.track is None:
        return Samples(*[none] * 10)
    every_track = labels.track + recording * 1_000_000
    moving = np.flatnonzero(_is_steered(labels))
    yaw_rad = np.arctan2(labels.rotation[:, 1, 0], labels.rotation[:, 0, 0])
    course_rad = _courses(labels) - (labels.world_yaw_rad - yaw_rad)
    gain = np.full(len(labels), np.nan) if labels.mirror_gain is None else labels.mirror_gain
    tilted = np.flatnonzero(~np.isnan(gain) & (np.abs(np.sin(2 * yaw_rad)) > _OBLIQUE))
    headings = (
        course_rad[moving], yaw_rad[moving], every_track[moving],
        (gain[tilted] > 0).astype(np.float64), every_track[tilted],
    )  # fmt: skip
    if not len(pairs.box):
        return Samples(none, none, none, none, none, *headings)
    free = (labels.occluded < 0.05) & (labels.truncated < 0.02)
    clear = free[pairs.box] & (blobs.count[pairs.blob] >= 40) & ~blobs.at_border[pairs.blob]
    clear &= pairs.inside > 0.3
    track = labels.track[pairs.box] + recording * 1_000_000
    lag_s, moving = _lags(labels, pairs)
    lagging = clear & moving
    image = clear & (blobs.camera[pairs.blob] >= 0)
    return Samples(
        lag_s[lagging],
        track[lagging],
        _angles(labels, blobs, pairs, np.flatnonzero(image)),
        track[image],
        blobs.camera[pairs.blob[image]],
        *headings,
    )


def findings(samples: list[Samples], rng: np.random.Generator) -> list[Finding]:
    """The constants of a data set, each with a bootstrap interval over tracks."""
    lag_s = np.concatenate([part.lag_s for part in samples])
    lag_track = np.concatenate([part.lag_track for part in samples])
    found = [_measured("label lag", "s", _LAG_LIMIT_S, lag_s, lag_track, rng)]
    angle = np.concatenate([part.angle_rad for part in samples])
    track = np.concatenate([part.angle_track for part in samples])
    camera = np.concatenate([part.angle_camera for part in samples])
    for number in np.unique(camera).tolist():
        own = camera == number
        name = f"camera {int(number)} yaw"
        found.append(_measured(name, "rad", _ANGLE_LIMIT_RAD, angle[own], track[own], rng))
    return [*found, *_headings(samples, rng)]


def _headings(samples: list[Samples], rng: np.random.Generator) -> list[Finding]:
    """Whether all headings are of another convention, by motion and by image boxes."""
    course, yaw, track = (
        np.concatenate([getattr(part, name) for part in samples])
        for name in ("course_rad", "yaw_rad", "yaw_track")
    )
    off = np.abs(_wrapped(course - yaw))
    # A median, since a few tracks that reverse or are wrong are no convention.
    found = [
        _measured(
            "heading off the motion", "rad", _HEADING_LIMIT_RAD, off, track, rng, middle=np.median
        )
    ]
    if found[0].is_alarm:
        left = {
            name: float(np.median(np.abs(_wrapped(course - sign * yaw - offset))))
            for name, (sign, offset) in _CONVENTIONS.items()
        }
        best = min(left, key=lambda name: left[name])
        if left[best] < _HEADING_LIMIT_RAD:
            found = [replace(found[0], name=f"heading off the motion, as if {best}")]
    mirrored = np.concatenate([part.is_mirrored for part in samples])
    if len(mirrored):
        track = np.concatenate([part.mirror_track for part in samples])
        name, unit = "oblique boxes that fit their image box better mirrored", "of 1"
        found.append(_measured(name, unit, 0.5, mirrored, track, rng))
    return found


def _is_steered(labels: Labels) -> np.ndarray:
    """(N,) vehicles and cycles that move, seen from a frame that does not."""
    if not labels.is_static_frame:
        return np.zeros(len(labels), dtype=np.bool_)
    steered = np.isin(labels.category, ["car", "van", "truck", "bus", "bicycle", "motorcycle"])
    return np.asarray(steered & (np.linalg.norm(velocities(labels), axis=1) > _MOVING_MPS))


def _courses(labels: Labels) -> F64:
    velocity = velocities(labels)
    return np.arctan2(velocity[:, 1], velocity[:, 0])


def _wrapped(angle_rad: F64) -> F64:
    return np.asarray((angle_rad + np.pi) % (2 * np.pi) - np.pi)


def _lags(labels: Labels, pairs: Pairs) -> tuple[F64, np.ndarray]:
    """(M,) seconds by which each box trails its points, and where that can be told.

    Bumpers are flush with the box, so the gap behind the face towards the sensor is the offset.
    """
    half_m = labels.size_lwh_m[pairs.box, 0] / 2
    eye_m = pairs.eye_m[:, 0]
    offset_m = np.where(
        eye_m > 0, half_m - pairs.extent_m[:, 1, 0], -(half_m + pairs.extent_m[:, 0, 0])
    )
    speed = speeds(labels)[pairs.box]
    rigid = np.isin(labels.category[pairs.box], ["car", "van", "truck", "bus"])
    moving = (np.abs(speed) > _MIN_SPEED_MPS) & (np.abs(eye_m) > half_m) & rigid
    return -offset_m / np.where(moving, speed, 1.0), moving


def _angles(labels: Labels, blobs: Blobs, pairs: Pairs, chosen: np.ndarray) -> F64:
    """Azimuth of the middle of each box minus that of its points, as the camera sees them."""
    angles = np.zeros(len(chosen))
    signs = np.array([[x, y, 0.0] for x in (-1, 1) for y in (-1, 1)])
    for i, pair in enumerate(chosen.tolist()):
        box, blob = pairs.box[pair], pairs.blob[pair]
        origin = blobs.origin_m[blobs.camera[blob]]
        corners = (
            labels.center_m[box] + (signs * labels.size_lwh_m[box] / 2) @ labels.rotation[box].T
        )
        middle = labels.center_m[box] - origin
        facing = np.arctan2(middle[1], middle[0])
        ends = []
        for points in (corners, blobs.points_m[blobs.start[blob] : blobs.start[blob + 1]]):
            away = points - origin
            azimuth = np.arctan2(away[:, 1], away[:, 0]) - facing
            azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi
            ends.append((azimuth.min() + azimuth.max()) / 2)
        angles[i] = ends[0] - ends[1]
    return angles


def _measured(
    name: str,
    unit: str,
    limit: float,
    values: F64,
    track: np.ndarray,
    rng: np.random.Generator,
    *,
    middle: Callable[..., Any] = np.mean,
) -> Finding:
    """The mean, or another middle, of the tracks' medians, with its interval."""
    names, index = np.unique(track, return_inverse=True)
    if len(values) < _MIN_SAMPLES or len(names) < _MIN_TRACKS:
        return Finding(name, unit, limit, len(values))
    medians = np.array([np.median(values[index == i]) for i in range(len(names))])
    draws = middle(rng.choice(medians, (_DRAWS, len(medians))), axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Finding(name, unit, limit, len(values), float(middle(medians)), float(low), float(high))
