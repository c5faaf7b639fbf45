"""Classifier two-sample test: how well can a forest tell real from synthetic rows?

Source: Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, arXiv:1610.06545. Folds are
made of whole sequences, since rows of one recording give each other away; for the same reason 0.5
is not the floor. Read the AUC beside the null (sequence labels permuted) and the replay floor (one
part of the real sequences posing as the synthetic set).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.qa.tables import CATEGORICAL, CLASSES, Table

Judge = Literal["trees", "boosting"]
FOLDS: Final = 4


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Rows of both sides as one matrix.

    Attributes:
        features: (N, D).
        names: Of the D features.
        is_synthetic: (N,).
        sequence: (N,) numbers of the pooled sequences, the real ones first.
        sequences: How many sequences each side has.
    """

    features: F64
    names: tuple[str, ...]
    is_synthetic: Bool
    sequence: I64
    sequences: tuple[int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Verdict:
    """Outcome of the test.

    Attributes:
        auc: Mean over the folds.
        scores: (N,) out-of-fold probability of being synthetic, NaN where never tested.
    """

    auc: float
    scores: F64


def sample(
    real: Table, synthetic: Table, names: Sequence[str], cap: int, rng: np.random.Generator
) -> Sample:
    """Rows of both tables, at most `cap` of each side, drawn without replacement."""
    sides = [_drawn(real, cap, rng), _drawn(synthetic, cap, rng)]
    usable = [n for n in names if all(~np.isnan(t[n]).all() for t in sides)]
    columns: list[F64] = []
    titles: list[str] = []
    for name in usable:
        values = np.concatenate([t[name] for t in sides])
        if name in CATEGORICAL:
            codes = np.unique(values[~np.isnan(values)])
            columns += [(values == code).astype(np.float64) for code in codes]
            titles += [f"{name}={_code(name, code)}" for code in codes]
        else:
            columns.append(np.where(np.isnan(values), np.nanmedian(values), values))
            titles.append(name)
    return Sample(
        np.column_stack(columns) if columns else np.zeros((len(sides[0]) + len(sides[1]), 0)),
        tuple(titles),
        np.repeat([False, True], [len(sides[0]), len(sides[1])]),
        np.concatenate([sides[0].sequence, sides[1].sequence + len(real.sequences)]),
        (len(real.sequences), len(synthetic.sequences)),
    )


def _drawn(table: Table, cap: int, rng: np.random.Generator) -> Table:
    if len(table) <= cap:
        return table
    return table.rows(np.sort(rng.permutation(len(table))[:cap]))


def _code(name: str, code: float) -> str:
    return CLASSES[int(code)] if name == "category" else f"{code:g}"


def c2st(
    data: Sample, rng: np.random.Generator, *, judge: Judge = "trees", trees: int = 80
) -> Verdict:
    """Grouped cross-validation of a classifier; the AUC is averaged over folds.

    Args:
        data: Rows of both sides.
        rng: Makes folds and forests.
        judge: Extremely randomised trees, or boosted ones as a second opinion.
        trees: Of the forest.
    """
    fold = _folds(data, rng)
    scores = np.full(len(fold), np.nan)
    aucs: list[float] = []
    for number in range(FOLDS):
        test = fold == number
        train = ~test & (fold >= 0)
        if not _has_both(data.is_synthetic[test]) or not _has_both(data.is_synthetic[train]):
            continue
        model = _model(judge, trees, int(rng.integers(2**31)))
        label = data.is_synthetic[train]
        weight = np.where(label, 0.5 / label.mean(), 0.5 / (1 - label.mean()))
        model.fit(data.features[train], label, sample_weight=weight)
        scores[test] = model.predict_proba(data.features[test])[:, 1]
        aucs.append(auc(scores[test], data.is_synthetic[test]))
    return Verdict(float(np.mean(aucs)) if aucs else float("nan"), scores)


def _model(
    judge: Judge, trees: int, seed: int
) -> ExtraTreesClassifier | HistGradientBoostingClassifier:
    if judge == "trees":
        return ExtraTreesClassifier(
            n_estimators=trees, max_depth=10, min_samples_leaf=3, n_jobs=1, random_state=seed
        )
    return HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=15, early_stopping=False, random_state=seed
    )


def _has_both(labels: Bool) -> bool:
    return bool(labels.any() and not labels.all())


def _folds(data: Sample, rng: np.random.Generator) -> I64:
    """(N,) fold of each row: sequences dealt out, the largest first, to the emptiest fold."""
    size = np.bincount(data.sequence, minlength=sum(data.sequences))
    fold_of = np.full(sum(data.sequences), -1, dtype=np.int64)
    real = data.sequences[0]
    for group in (np.arange(real), np.arange(real, sum(data.sequences))):
        shuffled = rng.permutation(group)
        filled = rng.permutation(FOLDS) * 1e-3
        for sequence in shuffled[np.argsort(-size[shuffled], kind="stable")]:
            fold_of[sequence] = int(np.argmin(filled))
            filled[fold_of[sequence]] += size[sequence]
    return fold_of[data.sequence]


def auc(scores: F64, positive: Bool) -> float:
    """Area under the ROC curve: chance that a positive row scores above a negative one."""
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ranks = rankdata(scores)
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def relabelled(data: Sample, order: I64) -> Sample:
    """The sample with sequences played by others: the first R of `order` play the real ones."""
    real = data.sequences[0]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    sequence = place[data.sequence]
    return Sample(data.features, data.names, sequence >= real, sequence, data.sequences)


def null_aucs(data: Sample, draws: int, rng: np.random.Generator, *, trees: int = 40) -> F64:
    """(draws,) AUCs with the sequences' labels permuted."""
    total = sum(data.sequences)
    return np.array(
        [c2st(relabelled(data, rng.permutation(total)), rng, trees=trees).auc for _ in range(draws)]
    )


def replay_aucs(
    real: Table, names: Sequence[str], part: int, cap: int, splits: int, rng: np.random.Generator
) -> F64:
    """(splits,) AUCs of `part` of the real sequences posing as a synthetic set."""
    found: list[float] = []
    for _ in range(splits):
        order = rng.permutation(len(real.sequences))
        posing, rest = real.of_sequences(order[:part]), real.of_sequences(order[part:])
        found.append(c2st(sample(rest, posing, names, cap, rng), rng).auc)
    return np.array(found)
