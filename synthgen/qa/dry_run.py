"""Label-only dry run: boxes drawn from a profile, seen by a camera. Nothing is rendered.

Objects are drawn independently of each other around the ego, projected, hidden behind each other
and passed through the label policy. There is no road, no wall and no motion in it: it says what a
profile's numbers look like as labels, at some ten thousand frames a second, and nothing about
where a town would really let those objects stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.qa.box_table import RawBoxes, box_table, frame_table
from synthgen.qa.policy import Policy, occlusion_level, truncation_level
from synthgen.qa.profile import Ground, Kind, Profile, Stream, View
from synthgen.qa.tables import CLASSES, Table

NEAR_M: Final = 0.5
GRID: Final = 5
_YAW: Final = {"along": 0.0, "oncoming": np.pi, "crossing": np.pi / 2}
_CORNERS: Final = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2


@dataclass(frozen=True, eq=False, slots=True)
class DryRun:
    """Drawn labels.

    Attributes:
        boxes: Table of the boxes that the policy keeps.
        frames: Table of all frames.
        drawn: (N,) int64 class of every object drawn, seen or not.
        drawn_ahead_m: (N,) where it stands.
        drawn_left_m: (N,).
        kept: (N,) which of them the policy keeps.
    """

    boxes: Table
    frames: Table
    drawn: I64
    drawn_ahead_m: F64
    drawn_left_m: F64
    kept: Bool


def dry_run(
    profile: Profile,
    view: View,
    policy: Policy,
    rng: np.random.Generator,
    *,
    sequences: int = 20,
    frames: int = 40,
) -> DryRun:
    """Labels of `sequences` recordings of `frames` frames each."""
    density = profile.density
    rate = rng.gamma(density.dispersion, density.mean / density.dispersion, sequences)
    frame_sequence = np.repeat(np.arange(sequences), frames)
    counts = rng.poisson(rate[frame_sequence])
    frame = np.repeat(np.arange(len(counts)), counts)
    category = rng.choice(len(CLASSES), len(frame), p=_shares(profile))
    raw = _placed(profile, frame, category, rng)
    amodal, clipped = project(raw.centre_m, raw.size_lwh_m, raw.yaw_rad, view)
    truncated = lost_share(amodal, clipped)
    raw = RawBoxes(
        raw.frame, raw.category, raw.track, raw.centre_m, raw.size_lwh_m, raw.yaw_rad, clipped,
        truncation_level(truncated), np.zeros(len(frame)),
    )  # fmt: skip
    inside = (truncated < 1.0) & (raw.centre_m[:, 0] > NEAR_M)
    hidden = hidden_share(raw, inside)
    raw = RawBoxes(
        raw.frame, raw.category, raw.track, raw.centre_m, raw.size_lwh_m, raw.yaw_rad, clipped,
        raw.truncated, occlusion_level(hidden),
    )  # fmt: skip
    # What is hidden for nine tenths or more nobody labels.
    kept = inside & (hidden < 0.9) & policy.keeps(raw)
    names = tuple(f"dry_{i:04d}" for i in range(sequences))
    boxes = box_table(raw.rows(kept), frame_sequence, names, view)
    return DryRun(
        boxes, frame_table(boxes, frame_sequence), category, raw.centre_m[:, 0],
        raw.centre_m[:, 1], kept,
    )  # fmt: skip


def project(centre_m: F64, size_lwh_m: F64, yaw_rad: F64, view: View) -> tuple[F64, F64]:
    """(N, 4) image boxes of the cuboids, whole and clipped to the view."""
    turned = _CORNERS[None] * size_lwh_m[:, None]
    cos, sin = np.cos(yaw_rad)[:, None], np.sin(yaw_rad)[:, None]
    ahead = centre_m[:, None, 0] + cos * turned[..., 0] - sin * turned[..., 1]
    left = centre_m[:, None, 1] + sin * turned[..., 0] + cos * turned[..., 1]
    up = centre_m[:, None, 2] + turned[..., 2]
    depth = np.maximum(ahead, NEAR_M)
    x = view.centre_x_px - view.focal_px * left / depth
    y = view.centre_y_px - view.focal_px * up / depth
    amodal = np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1)
    limit = np.array([view.width_px, view.height_px, view.width_px, view.height_px])
    return amodal, np.clip(amodal, 0, limit)


def hidden_share(boxes: RawBoxes, inside: Bool) -> F64:
    """(N,) share of each image box behind image boxes of nearer objects, on a grid of points."""
    hidden = np.zeros(len(boxes))
    rows = np.flatnonzero(inside)
    if not len(rows):
        return hidden
    order = rows[np.lexsort((boxes.centre_m[rows, 0], boxes.frame[rows]))]
    frame = boxes.frame[order]
    first = np.concatenate([[0], np.flatnonzero(np.diff(frame)) + 1])
    size = np.diff(np.append(first, len(order)))
    place = np.arange(len(order)) - np.repeat(first, size)
    slot = np.repeat(np.arange(len(first)), size)
    padded = np.full((len(first), size.max(), 4), np.nan)
    padded[slot, place] = boxes.xyxy_px[order]
    covered = np.zeros((len(order), GRID * GRID), dtype=bool)
    steps = (np.arange(GRID) + 0.5) / GRID
    box = boxes.xyxy_px[order]
    x = box[:, 0, None] + (box[:, 2] - box[:, 0])[:, None] * np.tile(steps, GRID)
    y = box[:, 1, None] + (box[:, 3] - box[:, 1])[:, None] * np.repeat(steps, GRID)
    for nearer in range(size.max() - 1):
        behind = place > nearer
        front = padded[slot[behind], nearer]
        covered[behind] |= (
            (x[behind] >= front[:, 0, None]) & (x[behind] <= front[:, 2, None])
            & (y[behind] >= front[:, 1, None]) & (y[behind] <= front[:, 3, None])
        )  # fmt: skip
    hidden[order] = covered.mean(axis=1)
    return hidden


def quantile_draw(quantiles: tuple[float, ...], u: F64) -> F64:
    """Values at probabilities `u` of a distribution given by evenly spaced quantiles."""
    values: F64 = np.interp(u, np.linspace(0, 1, len(quantiles)), np.asarray(quantiles))
    return values


def _shares(profile: Profile) -> F64:
    shares = np.array([profile.mix.get(name, 0.0) for name in CLASSES])
    normal: F64 = shares / shares.sum()
    return normal


def _placed(profile: Profile, frame: I64, category: I64, rng: np.random.Generator) -> RawBoxes:
    n = len(frame)
    centre, size, yaw = np.zeros((n, 3)), np.ones((n, 3)), np.zeros(n)
    for number, name in enumerate(CLASSES):
        rows = np.flatnonzero(category == number)
        if len(rows):
            kind = profile.classes[name]
            size[rows] = _sizes(kind, len(rows), rng)
            centre[rows, 0], centre[rows, 1], yaw[rows] = draw_places(kind, len(rows), rng)
    centre[:, 2] = _ground(profile.ground, frame, centre[:, 0], rng) + size[:, 2] / 2
    nothing = np.zeros((n, 4))
    return RawBoxes(
        frame, category, np.full(n, -1), centre, size, yaw, nothing, np.zeros(n), np.zeros(n)
    )


def _sizes(kind: Kind, n: int, rng: np.random.Generator) -> F64:
    size = kind.size
    lw, lh, wh = size.correlation
    matrix = np.array([[1, lw, lh], [lw, 1, wh], [lh, wh, 1]])
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    drawn = np.array(size.mean_m) + (rng.standard_normal((n, 3)) @ root.T) * np.array(size.sd_m)
    floor: F64 = np.maximum(drawn, 0.3 * np.array(size.mean_m))
    return floor


def draw_places(kind: Kind, n: int, rng: np.random.Generator) -> tuple[F64, F64, F64]:
    """Distance ahead, offset to the left and heading of `n` objects of a class."""
    shares = np.array([stream.share for stream in kind.streams])
    chosen = rng.choice(len(shares), n, p=shares / shares.sum())
    ahead, left, yaw = np.zeros(n), np.zeros(n), np.zeros(n)
    for number, stream in enumerate(kind.streams):
        rows = np.flatnonzero(chosen == number)
        ahead[rows] = quantile_draw(stream.ahead_m, rng.random(len(rows)))
        left[rows] = _left(stream, ahead[rows], rng.random(len(rows)))
        yaw[rows] = _YAW[stream.heading] + stream.spread_rad * rng.standard_normal(len(rows))
        if stream.heading == "crossing":
            yaw[rows] *= rng.choice([-1.0, 1.0], len(rows))
    return ahead, left, yaw


def _left(stream: Stream, ahead_m: F64, u: F64) -> F64:
    near = quantile_draw(stream.left_m, u)
    if stream.far_from_m is None or stream.left_far_m is None:
        return near
    return np.where(ahead_m < stream.far_from_m, near, quantile_draw(stream.left_far_m, u))


def _ground(ground: Ground, frame: I64, ahead_m: F64, rng: np.random.Generator) -> F64:
    frames = int(frame[-1]) + 1 if len(frame) else 0
    grade = ground.grade + ground.grade_sd * rng.standard_normal(frames)
    residual = ground.residual_sd_m * rng.standard_normal(len(frame))
    height: F64 = ground.height_m + grade[frame] * ahead_m + residual
    return height


def lost_share(amodal: F64, clipped: F64) -> F64:
    """(N,) share of the whole image boxes that the clipped ones lack."""

    def area(boxes: F64) -> F64:
        sides: F64 = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return sides

    lost: F64 = 1 - area(clipped) / np.maximum(area(amodal), 1e-9)
    return lost
