"""The closed loop of a fit: the classifier's score is the reward of a label-only dry run.

Guards against gaming the judge: real sequences are split into those fitted to, those that reward,
and those that are opened once at the end; the last word has a judge of another family; the loop
turns a few scalars about the fitted values and pays for going far; and it stops at the floor, where
lower means nothing. With fewer than six sequences there is nothing to spare and no loop is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.dry_run import dry_run
from synthgen.qa.fit import RealLabels, fit
from synthgen.qa.label_features import LABEL_FEATURES
from synthgen.qa.profile import Profile, normalised
from synthgen.qa.stats.c2st import Judge, c2st, sample
from synthgen.qa.tables import CLASSES

LEAST_SEQUENCES: Final = 6
ROUNDS: Final = 5
POPULATION: Final = 8
ELITE: Final = 3
SPREAD: Final = 0.15
PENALTY: Final = 0.05
ROWS: Final = 1500
# What the loop turns, as logarithms of factors: density, its dispersion, distances, offsets, and
# the classes' shares.
SCALARS: Final = ("density.mean", "density.dispersion", "ahead", "left", *CLASSES)


@dataclass(frozen=True, eq=False, slots=True)
class Loop:
    """What the loop did: the profile it ended with, and the AUC of every step."""

    profile: Profile
    steps: tuple[dict[str, Any], ...]


def closed_loop(
    real: RealLabels, prior: Profile, rng: np.random.Generator, *, name: str = "fitted"
) -> Loop:
    """Fit, then improve the fit by the classifier's score where there are sequences enough.

    Args:
        real: Real labels.
        prior: As in `fit`.
        rng: Splits, dry runs and candidates.
        name: Of the profile.
    """
    sequences = len(real.boxes.sequences)
    whole = fit(real, prior, rng, name=name)
    if sequences < LEAST_SEQUENCES:
        why = f"no loop: {sequences} sequences, expected {LEAST_SEQUENCES}"
        return Loop(whole, ({"what": why, "auc": _score(whole, real, rng)},))
    order = rng.permutation(sequences)
    cut = max(sequences // 5, 1)
    final, reward, learn = (
        real.of_sequences(part) for part in np.split(order, [cut, 2 * cut + (sequences > 8)])
    )
    start = fit(learn, prior, rng, name=name)
    steps: list[dict[str, Any]] = [_step("hand-written prior", _score(prior, reward, rng))]
    before = _score(start, reward, rng)
    steps.append(_step("fitted", before))
    turned, best = _search(start, reward, before, steps, rng)
    judged = [
        _score(p, final, rng, judge="boosting") for p in (start, turned_profile(start, turned))
    ]
    steps.append(_step("final, unseen, other judge: fitted", judged[0]))
    steps.append(_step("final, unseen, other judge: after the loop", judged[1]))
    if best < before and judged[1] < judged[0]:
        steps.append(_step("kept: the loop's factors on the fit to all sequences", judged[1]))
        return Loop(turned_profile(whole, turned), tuple(steps))
    steps.append(_step("kept: the fit itself, since the final judge saw no gain", judged[0]))
    return Loop(whole, tuple(steps))


def _search(
    start: Profile,
    reward: RealLabels,
    before: float,
    steps: list[dict[str, Any]],
    rng: np.random.Generator,
) -> tuple[F64, float]:
    """Cross-entropy search about the fit; returns the best factors (logs) and their AUC."""
    floor = 0.5
    middle, spread = np.zeros(len(SCALARS)), np.full(len(SCALARS), SPREAD)
    best, best_reward, best_auc = middle, -before, before
    for number in range(ROUNDS):
        candidates = middle + spread * rng.standard_normal((POPULATION, len(SCALARS)))
        aucs = np.array([_score(turned_profile(start, c), reward, rng) for c in candidates])
        worth = -np.maximum(aucs, floor) - PENALTY * np.sum(candidates**2, axis=1)
        elite = candidates[np.argsort(-worth)[:ELITE]]
        middle, spread = elite.mean(axis=0), np.maximum(elite.std(axis=0), 0.02)
        top = int(np.argmax(worth))
        if worth[top] > best_reward:
            best, best_reward, best_auc = candidates[top], float(worth[top]), float(aucs[top])
        steps.append(_step(f"round {number + 1}", best_auc, turned=_named(best)))
        if best_auc <= floor:
            break
    return best, best_auc


def turned_profile(profile: Profile, logs: F64) -> Profile:
    """The profile with each scalar times e to its number."""
    factor = dict(zip(SCALARS, np.exp(logs).tolist(), strict=True))
    document = profile.document()
    document["density"] = {
        "mean": profile.density.mean * factor["density.mean"],
        "dispersion": min(profile.density.dispersion * factor["density.dispersion"], 1000.0),
    }
    document["mix"] = normalised({n: s * factor[n] for n, s in profile.mix.items()})
    for kind in document["classes"].values():
        for stream in kind["streams"]:
            stream["ahead_m"] = tuple(v * factor["ahead"] for v in stream["ahead_m"])
            for key in {"left_m", "left_far_m"} & set(stream):
                stream[key] = tuple(v * factor["left"] for v in stream[key])
    return Profile.model_validate(document)


def _score(
    profile: Profile, real: RealLabels, rng: np.random.Generator, *, judge: Judge = "trees"
) -> float:
    run = dry_run(profile, real.view, real.policy, rng, sequences=12, frames=40)
    found = c2st(
        sample(real.boxes, run.boxes, LABEL_FEATURES, ROWS, rng), rng, judge=judge, trees=40
    )
    return found.auc if np.isfinite(found.auc) else 1.0


def _step(what: str, auc: float, **more: Any) -> dict[str, Any]:
    return {"what": what, "auc": round(auc, 4), **more}


def _named(logs: F64) -> dict[str, float]:
    return {n: round(float(np.exp(v)), 3) for n, v in zip(SCALARS, logs, strict=True)}
