"""Panel of the classifier: ROC, scores, pairs of columns that go together otherwise, a map."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.compare import Comparison
from synthgen.qa.label_features import LABEL_FEATURES
from synthgen.qa.report import charts
from synthgen.qa.report.figure import Figure, figure
from synthgen.qa.stats.clouds import standardised
from synthgen.qa.tables import Table

_MAP_CELLS: Final = 24
_MAP_SPREAD: Final = 3.5


def classifier_figures(found: Comparison) -> list[Figure]:
    """What a classifier sees; nothing where there was too little to train it."""
    real, synthetic = found.scores
    if not len(real) or not len(synthetic):
        return []
    return [_roc(found), _score_histogram(found), *_dependence(found), *_cloud_map(found)]


def _roc(found: Comparison) -> Figure:
    real, synthetic = found.scores
    cuts = np.quantile(np.concatenate([real, synthetic]), np.linspace(1, 0, 60))
    wrong, right = ((side[None] >= cuts[:, None]).mean(axis=1) for side in (real, synthetic))
    x, y = np.concatenate([[0], wrong, [1]]), np.concatenate([[0], right, [1]])
    label = f"ROC, AUC {found.c2st.auc:.3f}"
    chart = charts.lines(
        [("syn", x, y), ("floor", np.linspace(0, 1, 40), _roc_of(found.c2st.floor))],
        label, bounds=(0, 1, 0, 1), ticks=("real boxes taken for synthetic", "found"),
    )  # fmt: skip
    caption = (
        f"Dashed: this set, AUC {found.c2st.auc:.2f}. Thin: the floor, {found.c2st.floor:.2f}; "
        "below it, nothing is told apart that the real set's own sequences do not show."
    )
    return figure("Told apart", chart, caption)


def _roc_of(auc: float) -> F64:
    """(40,) the power curve x^a that encloses an area."""
    area = min(max(auc, 0.02), 0.98)
    return np.asarray(np.linspace(0, 1, 40) ** ((1 - area) / area))


def _score_histogram(found: Comparison) -> Figure:
    share = float((found.scores[1] > found.scores[0].max()).mean())
    caption = f"{share:.0%} of your boxes look more synthetic than any real one."
    chart = charts.histogram(*found.scores, f"Scores of the classifier: {caption}", bins=30)
    return figure("How synthetic boxes look", chart, caption)


def _known(table: Table, names: list[str]) -> F64:
    rows = np.stack([table[name] for name in names], axis=1)
    return np.asarray(rows[np.isfinite(rows).all(axis=1)])


def _dependence(found: Comparison) -> list[Figure]:
    """Differences of the rank correlations of all pairs of columns."""
    from scipy.stats import rankdata

    real, synthetic = found.tables["boxes"]
    names = [n for n in LABEL_FEATURES if all(_varies(t[n]) for t in (real, synthetic))]
    sides = [_known(table, names) for table in (real, synthetic)]
    if min(len(side) for side in sides) < 20 or len(names) < 3:
        return []
    with np.errstate(invalid="ignore"):
        ranks = [np.nan_to_num(np.corrcoef(rankdata(s, axis=0), rowvar=False)) for s in sides]
    change = ranks[1] - ranks[0]
    a, b = np.unravel_index(np.abs(np.triu(change, 1)).argmax(), change.shape)
    text = (
        f"Most changed: {_words(names[a])} with {_words(names[b])}, "
        f"{ranks[0][a, b]:+.2f} real, {ranks[1][a, b]:+.2f} yours."
    )
    chart = charts.heat(change, f"Differences of correlations. {text}", signed=True)
    order = ", ".join(_words(name) for name in names)
    return [figure("What goes together", chart, f"{text} Rows and columns: {order}.")]


def _varies(column: F64) -> bool:
    known = column[np.isfinite(column)]
    return len(known) > 1 and float(np.ptp(known)) > 0


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cloud_map(found: Comparison) -> list[Figure]:
    """Both clouds on the two lines along which the pooled boxes spread most."""
    names = [n for n in LABEL_FEATURES if n != "category"]
    tables = found.tables["boxes"]
    names = [n for n in names if all(np.isfinite(t[n]).any() for t in tables)]
    sides = [_known(table, names) for table in tables]
    if min(len(side) for side in sides) < 20:
        return []
    real, synthetic = standardised(*sides)
    pooled = np.concatenate([real, synthetic])
    _, axes = np.linalg.eigh(np.cov(pooled, rowvar=False))
    flat = [side @ axes[:, :-3:-1] for side in (real, synthetic)]
    middle, spread = np.median(flat[0], axis=0), flat[0].std(axis=0) + 1e-9
    edges = [m + _MAP_SPREAD * s * np.linspace(-1, 1, _MAP_CELLS + 1)
             for m, s in zip(middle, spread, strict=True)]  # fmt: skip
    shares = [
        np.histogram2d(side[:, 0], side[:, 1], bins=(edges[0], edges[1]))[0] / len(side)
        for side in flat
    ]
    holes = float(shares[0][(shares[1] == 0)].sum())
    caption = (
        f"Blue: where real boxes lie and yours are rare; {holes:.0%} of the real ones lie where "
        "there is none of yours. Vermillion: where yours are too many."
    )
    chart = charts.heat(shares[1] - shares[0], f"Map of all boxes. {caption}", signed=True)
    return [figure("Map of all boxes", chart, caption)]
