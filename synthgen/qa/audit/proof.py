"""Measure the audit on labels with known faults; tune it on other scenes than it is proven on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, Bool
from synthgen.qa.audit.checks import BOX_CHECKS, MISSING, TRACK_CHECKS, score_boxes
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.inject import (
    CLEAN,
    PARTNER,
    SINGLE_FAULTS,
    TRACK_FAULTS,
    UNDECIDED,
    Draft,
    inject,
)
from synthgen.qa.audit.labels import Labels
from synthgen.qa.audit.match import Pairs, match
from synthgen.qa.audit.sizes import NO_SIZES, KnownSizes, ModelSizes, known_sizes, model_sizes
from synthgen.qa.audit.vote import Calibration, fit_factors, fit_vote, judge

RATE: Final = 0.03
_TRACK_SHARE: Final = 0.4  # of the faulty boxes have a fault of their whole track
_ABSENT: Final = (
    (),
    TRACK_CHECKS,
    ("size_prior", "cls_tag"),
    ("size_prior", "cls_tag", "track_size"),
    # Two objects alike that exchange their ids where they meet.
    ("size_prior", "cls_tag", "track_size", "track_cls", "track_pos", "heading"),
)


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """One recording ready for the audit."""

    labels: Labels
    blobs: Blobs
    range_m: float


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """A recording before any fault: what is in which box, what can be judged, what is missing."""

    scene: Scene
    pairs: Pairs
    verifiable: Bool
    missing: frozenset[int]


def judged(scene: Scene) -> Judged:
    """Match a recording's good labels with its evidence, once for all trials."""
    pairs = match(scene.labels, scene.blobs)
    scores = score_boxes(scene.labels, scene.blobs, pairs, NO_SIZES, scene.range_m)
    return Judged(scene, pairs, scores.verifiable, frozenset(scores.missing.tolist()))


@dataclass(frozen=True, eq=False, slots=True)
class Trial:
    """Scores of one recording with faults in it.

    Attributes:
        values: (N, K) scores of the verifiable boxes.
        kinds: (N,) name of each one's fault.
        drops: Of each dropped box: its fault's name, and whether a blob of it was called missing.
        stray: Blobs called missing that nobody dropped and no faulty box had.
    """

    values: F64
    kinds: np.ndarray
    drops: tuple[tuple[str, bool], ...]
    stray: int


def clean_trial(scene: Scene, sizes: KnownSizes) -> Trial:
    """The recording as it is."""
    pairs = match(scene.labels, scene.blobs)
    scores = score_boxes(scene.labels, scene.blobs, pairs, sizes, scene.range_m)
    kept = scores.values[scores.verifiable]
    return Trial(kept, np.full(len(kept), CLEAN, dtype=object), (), len(scores.missing))


def faulty_trials(
    scenes: Sequence[Judged], catalogue: ModelSizes, seed: int, rate: float = RATE
) -> list[Trial]:
    """The recordings with faults of all kinds, in a share `rate` of all verifiable boxes.

    A few tracks spend the budget of those that are wrong all along, so seeds that follow each
    other begin with different kinds.
    """
    rng = np.random.default_rng(seed)
    drafts = [
        Draft(
            own.scene.labels, np.full(len(own.scene.labels), CLEAN, dtype=object),
            own.verifiable.copy(), own.scene.blobs, own.pairs, rng,
        )
        for own in scenes
    ]  # fmt: skip
    boxes = sum(int(draft.is_verifiable.sum()) for draft in drafts)
    first = seed % len(TRACK_FAULTS)
    constant = [*list(TRACK_FAULTS)[first:], *list(TRACK_FAULTS)[:first]]
    _fill(drafts, constant, _TRACK_SHARE * rate * boxes, rng)
    single = [str(name) for name in rng.permutation(list(SINGLE_FAULTS))]
    _fill(drafts, single, (1 - _TRACK_SHARE) * rate * boxes, rng)
    sizes = known_sizes((draft.labels for draft in drafts), catalogue)  # wrong ones among them
    return [
        _trial(own.scene, draft, sizes, own.missing)
        for own, draft in zip(scenes, drafts, strict=True)
    ]


def _fill(drafts: list[Draft], kinds: list[str], goal: float, rng: np.random.Generator) -> None:
    sizes = np.array([1 + draft.is_verifiable.sum() for draft in drafts], dtype=np.float64)
    goal += sum(_faulty(draft) for draft in drafts)
    for turn in range(4 * len(kinds)):
        left = goal - sum(_faulty(draft) for draft in drafts)
        if left <= 0:
            return
        # A kind that no box of one recording takes (nothing moves there) may suit another.
        for number in rng.choice(len(drafts), len(drafts), replace=False, p=sizes / sizes.sum()):
            done = inject(drafts[number], kinds[turn % len(kinds)], budget=left)
            if done is None:
                return  # The budget is spent on average.
            if done:
                break


def _faulty(draft: Draft) -> int:
    wrong = ~np.isin(draft.kinds, [CLEAN, PARTNER, UNDECIDED]) & draft.is_verifiable
    return int(wrong.sum()) + len(draft.dropped)


def _trial(scene: Scene, draft: Draft, sizes: KnownSizes, known: frozenset[int]) -> Trial:
    kept = np.setdiff1d(np.arange(len(draft.labels)), list(draft.dropped))
    labels = draft.labels.take(kept)
    kinds, verifiable = draft.kinds[kept], draft.is_verifiable[kept]
    pairs = match(labels, scene.blobs)
    scores = score_boxes(labels, scene.blobs, pairs, sizes, scene.range_m)
    verifiable &= kinds != UNDECIDED
    found = set(scores.missing.tolist())
    assert draft.labels.track is not None, "clips have tracks"
    track_of = {row: int(draft.labels.track[row]) for row in draft.dropped}
    count = Counter(track_of.values())
    drops = []
    for row, own in draft.dropped.items():
        if len(own):
            name = "track_drop" if count[track_of[row]] > 1 else "drop"
            drops.append((name, bool(found & set(own.tolist()))))
    # What lacks a label before any fault is put in counts as an alarm on the clean scene, once.
    explained = known | {int(blob) for own in draft.dropped.values() for blob in own}
    wrong = np.flatnonzero(~np.isin(draft.kinds, [CLEAN, PARTNER]))
    of_wrong = np.isin(draft.pairs.box, [*wrong.tolist(), *draft.dropped])
    explained |= set(draft.pairs.blob[of_wrong].tolist())
    return Trial(scores.values[verifiable], kinds[verifiable], tuple(drops), len(found - explained))


@dataclass(frozen=True, slots=True)
class Proof:
    """What the audit finds among known faults.

    Attributes:
        faults: Faulty boxes, dropped ones included.
        boxes: Boxes judged.
        recall: Share of the faults that any check finds.
        precision: Share of its alarms that are faults.
        vote_recall: Share of the faults that the vote finds.
        vote_precision: Share of the vote's alarms that are faults.
        brier: Mean squared error of the vote's probability.
        by_kind: Number and recall of any check, and of the vote, per kind.
        by_check: Per check and kind, the share of faults it finds.
        mutations: Per check, the kinds whose recall falls without it, and by how much.
    """

    faults: int
    boxes: int
    recall: float
    precision: float
    vote_recall: float
    vote_precision: float
    brier: float
    by_kind: Mapping[str, tuple[int, float, float]]
    by_check: Mapping[str, Mapping[str, float]]
    mutations: Mapping[str, Mapping[str, float]]


def prove(trials: Iterable[Trial], calibration: Calibration) -> Proof:
    """Judge trials and count."""
    trials = list(trials)
    values = np.concatenate([trial.values for trial in trials])
    kinds = np.concatenate([trial.kinds for trial in trials])
    drops = [drop for trial in trials for drop in trial.drops]
    stray = sum(trial.stray for trial in trials)
    verdicts = judge(values, calibration)
    wrong = ~np.isin(kinds, [CLEAN, PARTNER])
    fine = kinds == CLEAN
    vote = verdicts.p_fault > 0.5
    believes_missing = calibration.missing_probability > 0.5
    found = sum(hit for _name, hit in drops)
    recall, precision = _rates(verdicts.is_alarm, wrong, fine, len(drops), found, stray)
    vote_recall, vote_precision = _rates(
        vote, wrong, fine, len(drops), found * believes_missing, stray * believes_missing
    )
    return Proof(
        faults=int(wrong.sum()) + len(drops),
        boxes=len(kinds) + len(drops),
        recall=recall,
        precision=precision,
        vote_recall=vote_recall,
        vote_precision=vote_precision,
        brier=float(np.mean((verdicts.p_fault - wrong)[wrong | fine] ** 2)),
        by_kind=_by_kind(verdicts.is_alarm, vote, kinds, drops),
        by_check=_by_check(verdicts.scores, kinds, drops),
        mutations=_mutations(verdicts.scores, kinds, drops),
    )


def _rates(
    alarm: Bool, wrong: Bool, fine: Bool, drops: int, found: int, stray: int
) -> tuple[float, float]:
    hits = int((alarm & wrong).sum()) + found
    false = int((alarm & fine).sum()) + stray
    return hits / max(1, int(wrong.sum()) + drops), hits / max(1, hits + false)


def _by_kind(
    alarm: Bool, vote: Bool, kinds: np.ndarray, drops: list[tuple[str, bool]]
) -> dict[str, tuple[int, float, float]]:
    table = {}
    for kind in sorted(set(kinds.tolist()) - {CLEAN, PARTNER}):
        own = kinds == kind
        table[kind] = (int(own.sum()), float(alarm[own].mean()), float(vote[own].mean()))
    for kind, hits in _drop_hits(drops).items():
        table[kind] = (len(hits), float(np.mean(hits)), float(np.mean(hits)))
    return table


def _drop_hits(drops: list[tuple[str, bool]]) -> dict[str, list[bool]]:
    hits: dict[str, list[bool]] = defaultdict(list)
    for name, hit in drops:
        hits[name].append(hit)
    return dict(hits)


def _by_check(
    scores: F64, kinds: np.ndarray, drops: list[tuple[str, bool]]
) -> dict[str, dict[str, float]]:
    with np.errstate(invalid="ignore"):
        alarms = scores > 1
    names = sorted(set(kinds.tolist()) - {CLEAN, PARTNER})
    table = {
        check: {kind: round(float(alarms[kinds == kind, k].mean()), 3) for kind in names}
        for k, check in enumerate(BOX_CHECKS)
    }
    table[MISSING] = {k: round(float(np.mean(v)), 3) for k, v in _drop_hits(drops).items()}
    return table


def _mutations(
    scores: F64, kinds: np.ndarray, drops: list[tuple[str, bool]]
) -> dict[str, dict[str, float]]:
    """How much recall each kind of fault loses when one check is switched off.

    Measured with all checks, with those of single frames only, without the actor log and what it
    tells of models, and where objects are alike: a check that others make up for in one case is the
    only one in another.
    """
    lost: dict[str, dict[str, float]] = {MISSING: {}}
    for kind, hits in _drop_hits(drops).items():
        if any(hits):
            lost[MISSING][kind] = round(float(np.mean(hits)), 4)
    for absent in _ABSENT:
        muted = scores.copy()
        muted[:, [BOX_CHECKS.index(name) for name in absent]] = np.nan
        with np.errstate(invalid="ignore"):
            alarms = muted > 1
        for k, check in enumerate(BOX_CHECKS):
            only = alarms[:, k] & (alarms.sum(axis=1) == 1)
            falls = lost.setdefault(check, {})
            for kind in set(kinds[only].tolist()) - {CLEAN, PARTNER}:
                fall = round(float(only[kinds == kind].mean()), 4)
                falls[kind] = max(falls.get(kind, 0.0), fall)
    return lost


def learn(
    scenes: Sequence[Scene], seeds: Sequence[int], source: Mapping[str, object], rate: float = RATE
) -> Calibration:
    """Thresholds, vote and sizes from tuning scenes."""
    sizes = model_sizes(scene.labels for scene in scenes)
    known = known_sizes((scene.labels for scene in scenes), sizes)
    clean = [clean_trial(scene, known) for scene in scenes]
    values = np.concatenate([trial.values for trial in clean])
    draft = Calibration(
        source=dict(source),
        factors=fit_factors(values),
        weights={},
        intercept=0.0,
        missing_probability=1.0,
        recall=1.0,
        false_alarm_share=0.0,
        sizes=sizes,
    )
    ready = [judged(scene) for scene in scenes]
    trials = [trial for seed in seeds for trial in faulty_trials(ready, sizes, seed, rate)]
    scores = judge(np.concatenate([trial.values for trial in trials]), draft).scores
    kinds = np.concatenate([trial.kinds for trial in trials])
    used = kinds != PARTNER
    weights, intercept = fit_vote(scores[used], (kinds != CLEAN)[used])
    found = sum(hit for trial in trials for _name, hit in trial.drops)
    stray = sum(trial.stray for trial in trials)
    alarms = judge(values, draft).is_alarm
    tuned = draft.model_copy(
        update={
            "weights": weights,
            "intercept": intercept,
            "missing_probability": round(found / max(1, found + stray), 4),
            "false_alarm_share": round(float(alarms.mean()), 5),
        }
    )
    return tuned.model_copy(update={"recall": round(prove(trials, tuned).recall, 4)})
