"""A profile from a small real labelled set.

Real labels are what was seen, a profile says what is there: boxes are weighted by one over the
chance of being seen, which the dry run of the profile found so far tells (a few rounds). Where few
independent boxes stand behind a value it is drawn towards the prior, a profile written by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from synthgen.geometry.arrays import F64, I64
from synthgen.qa.dry_run import DryRun, dry_run
from synthgen.qa.estimators import Estimate, jackknife_reach, median, ratio, weighted_quantiles
from synthgen.qa.policy import Policy
from synthgen.qa.profile import HEADINGS, PROFILE_SCHEMA, Profile, Stream, View, normalised
from synthgen.qa.tables import CLASSES, Table

Mode = Literal["match", "cover"]

QUANTILES: Final = 41
ROUNDS: Final = 3
LEAST_SEEN: Final = 0.1
DOUBT: Final = 1.0
MIX_PRIOR: Final = 2.0
SIZE_PRIOR: Final = 20.0
PLACE_PRIOR: Final = 20.0
LEAST_FAR: Final = 60
LEAST_VARIANCE: Final = 0.01
AHEAD_EDGES: Final = np.array([0, 6, 10, 15, 20, 27, 35, 45, 60, 1e3])
LEFT_EDGES: Final = np.array([-1e3, -12, -7, -4, -2, 0, 2, 4, 7, 12, 1e3])
_PROBABILITIES: Final = np.linspace(0, 1, QUANTILES)
_COVER_TEMPER: Final = 0.5
_COVER_WIDER: Final = 1.3


@dataclass(frozen=True, eq=False, slots=True)
class RealLabels:
    """What is fitted to: heights measured from the camera.

    Attributes:
        boxes: Box table.
        frames: Frame table.
        view: Their camera.
        policy: What they were filtered by.
    """

    boxes: Table
    frames: Table
    view: View
    policy: Policy

    def of_sequences(self, numbers: Sequence[int] | I64) -> RealLabels:
        """Some of the sequences."""
        return RealLabels(
            self.boxes.of_sequences(numbers), self.frames.of_sequences(numbers), self.view,
            self.policy,
        )  # fmt: skip


def fit(
    real: RealLabels, prior: Profile, rng: np.random.Generator, *, name: str = "fitted"
) -> Profile:
    """The profile that matches the real labels, with the evidence for each knob.

    Args:
        real: Labels; boxes without a 3D box are left out.
        prior: What few labels are drawn towards, and classes without labels taken from.
        rng: For the dry runs.
        name: Of the profile.
    """
    boxes = real.boxes.rows(~np.isnan(real.boxes["length_m"]))
    real = RealLabels(boxes, real.frames, real.view, real.policy)
    profile = _estimate(real, prior, np.ones(len(boxes)), _Gain(1.0, 1.0), name)
    for _ in range(ROUNDS):
        run = dry_run(profile, real.view, real.policy, rng, sequences=400, frames=20)
        seen, gain = _chance_seen(run, boxes), _gain(profile, run)
        profile = _estimate(real, prior, seen, gain, name)
    return profile


def covering(profile: Profile) -> Profile:
    """The profile for training sets: rare classes more often, tails wider.

    Shares to the power of one half, spreads times 1.3, and places half way to uniform.
    """
    mix = normalised({n: s**_COVER_TEMPER for n, s in profile.mix.items() if s > 0})
    document = profile.document()
    for kind in document["classes"].values():
        kind["size"]["sd_m"] = tuple(_COVER_WIDER * s for s in kind["size"]["sd_m"])
        for stream in kind["streams"]:
            for key in ("ahead_m", "left_m", "left_far_m"):
                if key in stream:
                    q = np.asarray(stream[key])
                    stream[key] = tuple((q / 2 + np.linspace(q[0], q[-1], len(q)) / 2).tolist())
    return Profile.model_validate({**document, "mix": mix})


def _chance_seen(run: DryRun, boxes: Table) -> F64:
    """(N,) chance that an object like each box is seen, from the dry run, by class and place."""
    shape = (len(CLASSES), len(AHEAD_EDGES) - 1, len(LEFT_EDGES) - 1)
    cells = np.ravel_multi_index(
        (run.drawn, _cell(run.drawn_ahead_m, AHEAD_EDGES), _cell(run.drawn_left_m, LEFT_EDGES)),
        shape,
    )
    size = int(np.prod(shape))
    drawn = np.bincount(cells, minlength=size).reshape(shape)
    kept = np.bincount(cells, run.kept, minlength=size).reshape(shape)
    # A cell with few draws borrows from its class and distance.
    around = kept.sum(2, keepdims=True) / np.maximum(drawn.sum(2, keepdims=True), 1)
    chance = (kept + 10 * around) / (drawn + 10)
    found: F64 = chance[
        boxes["category"].astype(np.int64),
        _cell(boxes["ahead_m"], AHEAD_EDGES),
        _cell(boxes["left_m"], LEFT_EDGES),
    ]
    return np.clip(found, LEAST_SEEN, 1.0)


def _cell(values: F64, edges: F64) -> I64:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _estimate(real: RealLabels, prior: Profile, seen: F64, gain: _Gain, name: str) -> Profile:
    boxes, weights = real.boxes, 1 / seen
    evidence: dict[str, Estimate] = {}
    density = _density(real.frames, gain, evidence)
    mix = _mix(boxes, weights, prior, evidence)
    classes: dict[str, Any] = {}
    for number, kind in enumerate(CLASSES):
        rows = np.flatnonzero(boxes["category"] == number)
        if len(rows):
            part = boxes.rows(rows)
            classes[kind] = _kind(kind, part, weights[rows], prior, evidence)
        elif prior.has(kind):
            classes[kind] = prior.classes[kind].model_dump(exclude_none=True)
    return Profile.model_validate(
        {
            "schema": PROFILE_SCHEMA,
            "name": name,
            "view": real.view.model_dump(),
            "density": density,
            "mix": {n: s for n, s in mix.items() if n in classes},
            "classes": classes,
            "ground": _ground(boxes, evidence),
            "evidence": {knob: _plain(e) for knob, e in evidence.items()},
        }
    )


def _plain(estimate: Estimate) -> dict[str, Any]:
    # YAML has no infinity here: an interval that one sequence cannot give is very wide.
    limit = 1e6
    return {
        "value": estimate.value,
        "interval": (max(estimate.low, -limit), min(estimate.high, limit)),
        "boxes": estimate.rows,
        "sequences": estimate.sequences,
    }


@dataclass(frozen=True, slots=True)
class _Gain:
    """What was drawn over what was seen, in the dry run: of the mean and of the rate's variance."""

    mean: float
    variance: float


def _gain(profile: Profile, run: DryRun) -> _Gain:
    sums = _count_sums(run.frames).sum(axis=0)
    return _Gain(
        profile.density.mean / max(sums[1] / sums[0], 1e-6),
        1 / profile.density.dispersion / max(_rate_variance(sums), LEAST_VARIANCE),
    )


def _density(frames: Table, gain: _Gain, evidence: dict[str, Estimate]) -> dict[str, float]:
    """Mean and dispersion of what is there, from what was seen a frame and the dry run's gains."""
    count = frames["count"]
    seen = ratio(count, np.ones(len(count)), frames.sequence, len(frames.sequences))
    rows, sequences = round(count.sum()), len(frames.sequences)
    mean, low, high = (gain.mean * v for v in (seen.value, seen.low, seen.high))
    evidence["density.mean"] = Estimate(mean, low, high, rows, sequences, seen.effective)
    sums = _count_sums(frames)
    variance = _rate_variance(sums.sum(axis=0))
    reach = jackknife_reach(np.array([_rate_variance(sums.sum(axis=0) - row) for row in sums]))
    dispersion, low, high = (
        float(np.clip(1 / max(gain.variance * v, 1e-9), 0.2, 1000.0))
        for v in (max(variance, LEAST_VARIANCE), variance + reach, variance - reach)
    )
    evidence["density.dispersion"] = Estimate(
        dispersion, low, high, rows, sequences, float(sequences)
    )
    return {"mean": max(mean, 0.01), "dispersion": dispersion}


def _count_sums(frames: Table) -> F64:
    """(S, 3) frames, objects and squared counts of objects of each sequence."""
    sequences, count = len(frames.sequences), frames["count"]
    powers = [np.bincount(frames.sequence, count**p, sequences) for p in range(3)]
    return np.column_stack(powers)


def _rate_variance(sums: F64) -> float:
    """Variance of the rate over its squared mean, by moments: Poisson noise taken off."""
    n, total, squares = sums.tolist()
    mean = max(total / n, 1e-9) if n else 1.0
    return float((squares / n - mean**2 - mean) / mean**2) if n else 0.0


def _mix(
    boxes: Table, weights: F64, prior: Profile, evidence: dict[str, Estimate]
) -> dict[str, float]:
    """Shares of the classes, drawn towards the prior by two pseudo-counts."""
    prior_mix = normalised(prior.mix)
    shares: dict[str, float] = {}
    for number, name in enumerate(CLASSES):
        of_class = (boxes["category"] == number) * weights
        found = _doubted(
            ratio(of_class, weights, boxes.sequence, len(boxes.sequences)),
            float(np.mean(boxes["category"] == number)),
        )
        n = found.effective
        value = (n * found.value + MIX_PRIOR * prior_mix.get(name, 0.0)) / (n + MIX_PRIOR)
        shares[name] = value
        if of_class.any():
            evidence[f"mix.{name}"] = _around(found, value)
    return normalised(shares)


def _around(found: Estimate, value: float) -> Estimate:
    """The estimate with a value drawn to the prior; the interval holds both."""
    low, high = min(found.low, value), max(found.high, value)
    return Estimate(value, low, high, found.rows, found.sequences, found.effective)


def _doubted(found: Estimate, unweighted: float) -> Estimate:
    """The estimate with an interval wider by what the weights changed.

    The chance of being seen is itself an estimate.
    """
    doubt = DOUBT * abs(found.value - unweighted)
    return Estimate(
        found.value, found.low - doubt, found.high + doubt, found.rows, found.sequences,
        found.effective,
    )  # fmt: skip


def _kind(
    name: str, boxes: Table, weights: F64, prior: Profile, evidence: dict[str, Estimate]
) -> dict[str, Any]:
    known = prior.classes.get(name)
    size = known.size if known else None
    sizes = np.stack([boxes[f"{side}_m"] for side in ("length", "width", "height")], axis=1)
    means, spreads = [], []
    for axis, side in enumerate(("length", "width", "height")):
        found = _doubted(
            ratio(sizes[:, axis] * weights, weights, boxes.sequence, len(boxes.sequences)),
            float(sizes[:, axis].mean()),
        )
        share = found.effective / (found.effective + SIZE_PRIOR) if size else 1.0
        own = float(np.sqrt(np.average((sizes[:, axis] - found.value) ** 2, weights=weights)))
        means.append(share * found.value + (1 - share) * (size.mean_m[axis] if size else 0.0))
        spreads.append(share * own + (1 - share) * (size.sd_m[axis] if size else 0.0))
        evidence[f"classes.{name}.size.{side}_m"] = _around(found, means[-1])
    for column in ("ahead_m", "left_m"):
        middle = median(boxes[column], weights, boxes.sequence, len(boxes.sequences))
        evidence[f"classes.{name}.{column}"] = _doubted(middle, float(np.median(boxes[column])))
    enough = len(sizes) > 20 and float(sizes.std(axis=0).min()) > 1e-3
    correlation = np.nan_to_num(np.atleast_2d(np.corrcoef(sizes.T))) if enough else np.eye(3)
    return {
        "size": {
            "mean_m": tuple(means),
            "sd_m": tuple(max(s, 0.01) for s in spreads),
            "correlation": tuple(correlation[[0, 0, 1], [1, 2, 2]].tolist()),
        },
        "streams": _streams(name, boxes, weights, prior, evidence),
    }


def _streams(
    name: str, boxes: Table, weights: F64, prior: Profile, evidence: dict[str, Estimate]
) -> list[dict[str, Any]]:
    known = {s.heading: s for s in prior.classes[name].streams} if prior.has(name) else {}
    total = sum(s.share for s in known.values())
    streams: list[dict[str, Any]] = []
    for number, heading in enumerate(HEADINGS):
        mine = boxes["heading"] == number
        found = _doubted(
            ratio(mine * weights, weights, boxes.sequence, len(boxes.sequences)),
            float(mine.mean()),
        )
        old = known.get(heading)
        n = found.effective
        guess = old.share / total if old else 0.0
        share = (n * found.value + MIX_PRIOR * guess) / (n + MIX_PRIOR)
        if not mine.any():
            if old and share > 0:
                streams.append({**old.model_dump(exclude_none=True), "share": share})
            continue
        evidence[f"classes.{name}.{heading}"] = _around(found, share)
        part = boxes.rows(mine)
        pull = PLACE_PRIOR / (PLACE_PRIOR + max(n * found.value, 1.0)) if old else 0.0
        streams.append(
            {
                "heading": heading,
                "share": share,
                "spread_rad": _spread(part["yaw_rad"], number, weights[mine]),
                **_places(part, weights[mine], old, pull),
            }
        )
    return streams


def _spread(yaw_rad: F64, heading: int, weights: F64) -> float:
    folded = np.abs(yaw_rad)
    off = (folded, np.pi - folded, folded - np.pi / 2)[heading]
    return float(min(np.sqrt(np.average(off**2, weights=weights)), 1.0))


def _places(boxes: Table, weights: F64, old: Stream | None, pull: float) -> dict[str, Any]:
    ahead, left = boxes["ahead_m"], boxes["left_m"]
    found: dict[str, Any] = {"ahead_m": _table(ahead, weights, old.ahead_m if old else None, pull)}
    border = float(weighted_quantiles(ahead, weights, np.array([0.5]))[0])
    far = ahead >= border
    guess = old.left_m if old else None
    if far.sum() < LEAST_FAR or (~far).sum() < LEAST_FAR:
        return {**found, "left_m": _table(left, weights, guess, pull)}
    return {
        **found,
        "left_m": _table(left[~far], weights[~far], guess, pull),
        "far_from_m": border,
        "left_far_m": _table(left[far], weights[far], guess, pull),
    }


def _table(
    values: F64, weights: F64, guess: tuple[float, ...] | None, pull: float
) -> tuple[float, ...]:
    """Quantiles of the values, mixed with the prior's distribution by the share `pull`."""
    if guess is not None and pull > 0.01:
        extra = np.interp(np.linspace(0, 1, 201), np.linspace(0, 1, len(guess)), guess)
        more = np.full(len(extra), pull / (1 - pull) * weights.sum() / len(extra))
        values, weights = np.concatenate([values, extra]), np.concatenate([weights, more])
    found = weighted_quantiles(values, weights, _PROBABILITIES)
    return tuple(np.maximum.accumulate(np.round(found, 3)).tolist())


def _ground(boxes: Table, evidence: dict[str, Estimate]) -> dict[str, float]:
    """Height below the camera and grade, by least squares; then the variances likewise."""
    ahead, bottom = boxes["ahead_m"], boxes["bottom_m"]
    line = np.stack([np.ones_like(ahead), ahead], axis=1)
    (height, grade), *_ = np.linalg.lstsq(line, bottom, rcond=None)
    off = bottom - line @ np.array([height, grade])
    square = np.stack([np.ones_like(ahead), ahead**2], axis=1)
    (rest, slope), *_ = np.linalg.lstsq(square, off**2, rcond=None)
    evidence["ground.height_m"] = ratio(
        bottom - grade * ahead, np.ones(len(ahead)), boxes.sequence, len(boxes.sequences)
    )
    return {
        "height_m": float(height),
        "grade": float(grade),
        "grade_sd": float(np.sqrt(max(slope, 0.0))),
        "residual_sd_m": float(np.sqrt(max(rest, 1e-4))),
    }
