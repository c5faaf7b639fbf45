"""Effect sizes of one column between two tables, with intervals from drawing whole sequences.

A column becomes counts per sequence and bin, once; drawing sequences is then a matrix product, so
that thousands of resamples cost milliseconds. Numbers: Kolmogorov-Smirnov distance (and the first
Wasserstein distance in the column's unit); categories: total variation distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, I64
from synthgen.qa.tables import CATEGORICAL, CLASSES, Table

EXACT_VALUES: Final = 512
BINS: Final = 256
LEVEL: Final = 0.95


@dataclass(frozen=True, eq=False, slots=True)
class Counted:
    """One column of two tables, counted per sequence and bin.

    Attributes:
        name: The column.
        is_categorical: Total variation instead of Kolmogorov-Smirnov.
        values: (K,) upper end of each bin; with up to `EXACT_VALUES` distinct values, these.
        real: (R, C, K) counts of the real table's sequences, for C strata.
        synthetic: (S, C, K).
    """

    name: str
    is_categorical: bool
    values: F64
    real: F64
    synthetic: F64


@dataclass(frozen=True, slots=True)
class Effect:
    """How far two columns are apart.

    Attributes:
        name: The column.
        measure: `ks` or `tv`, both 0 (equal) to 1 (disjoint).
        value: The distance.
        interval: Its 95 % interval, by drawing sequences.
        floor: What 95 % of the splits of the real set by sequence stay below; None if too few.
        shift: First Wasserstein distance in the column's unit, None for categories.
        medians: Of real and synthetic; None for categories.
        rows: Of real and synthetic.
    """

    name: str
    measure: str
    value: float
    interval: tuple[float, float]
    floor: float | None
    shift: float | None
    medians: tuple[float, float] | None
    rows: tuple[int, int]

    @property
    def is_gap(self) -> bool:
        """Whether the difference is larger than the real set's own, and worth a word."""
        return self.value >= 0.05 and self.interval[0] > (self.floor or 0.0)


def counted(real: Table, synthetic: Table, name: str, *, by_class: bool = False) -> Counted:
    """One column of both tables as counts.

    Args:
        real: One table.
        synthetic: The other.
        name: Column; rows where it is NaN are left out.
        by_class: Compare within classes and weigh them by the real mix, so that a wrong mix of
            classes does not show in every other column.
    """
    categorical = name in CATEGORICAL
    pooled = np.concatenate([real[name], synthetic[name]])
    cuts = np.unique(pooled[~np.isnan(pooled)])
    if len(cuts) > EXACT_VALUES and not categorical:
        # Both sides count alike, however large they are.
        known = [side[~np.isnan(side)] for side in (real[name], synthetic[name])]
        grid = np.linspace(0, 1, BINS // 2)
        sides = [np.quantile(side, grid) for side in known if len(side)]
        cuts = np.unique(np.concatenate([*sides, cuts[[0, -1]]]))
    strata = len(CLASSES) if by_class else 1
    counts = [_count(table, name, cuts, strata) for table in (real, synthetic)]
    return Counted(name, categorical, cuts, counts[0], counts[1])


def _count(table: Table, name: str, cuts: F64, strata: int) -> F64:
    known = ~np.isnan(table[name])
    bins = np.searchsorted(cuts, table[name][known], side="left")
    stratum = table["category"][known].astype(np.int64) if strata > 1 else 0
    shape = (len(table.sequences), strata, len(cuts))
    flat = (table.sequence[known] * strata + stratum) * len(cuts) + bins
    counts = np.bincount(flat, minlength=int(np.prod(shape)))
    return counts.reshape(shape).astype(np.float64)


def drawn_counts(weights: F64, counts: F64) -> F64:
    """(B, C, K) counts of sequences drawn `weights` (B, S) times."""
    return np.tensordot(weights, counts, axes=1)


def distance(column: Counted, real: F64, synthetic: F64) -> F64:
    """Distances (...) of counts (..., C, K); 0 where the sides share no stratum."""
    mass_real, mass_synthetic = real.sum(axis=-1), synthetic.sum(axis=-1)
    both = (mass_real > 0) & (mass_synthetic > 0)
    weight = np.where(both, mass_real, 0.0)
    weight = weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-12)
    share_real = real / np.maximum(mass_real, 1e-12)[..., None]
    share_synthetic = synthetic / np.maximum(mass_synthetic, 1e-12)[..., None]
    gap = np.sum(weight[..., None] * (share_real - share_synthetic), axis=-2)
    if column.is_categorical:
        return np.asarray(np.abs(gap).sum(axis=-1) / 2)
    return np.asarray(np.abs(np.cumsum(gap, axis=-1)).max(axis=-1, initial=0.0))


def wasserstein(column: Counted, real: F64, synthetic: F64) -> float:
    """First Wasserstein distance of counts (C, K), in the column's unit."""
    real, synthetic = real.sum(axis=0), synthetic.sum(axis=0)
    if len(column.values) < 2 or not real.sum() or not synthetic.sum():
        return 0.0
    gap = np.cumsum(real / real.sum() - synthetic / synthetic.sum())[:-1]
    return float(np.sum(np.abs(gap) * np.diff(column.values)))


def drawn_sequences(n: int, draws: int, rng: np.random.Generator) -> F64:
    """(draws, n) how often each of n sequences is drawn with replacement."""
    return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)


def split_sequences(n: int, part: int, splits: int, rng: np.random.Generator) -> F64:
    """(splits, n) ones for `part` of n sequences drawn without replacement."""
    chosen = np.zeros((splits, n))
    for row in chosen:
        row[rng.permutation(n)[:part]] = 1.0
    return chosen


def real_against_itself(column: Counted, chosen: F64) -> F64:
    """(splits,) distances between the chosen real sequences and the others."""
    halves = (drawn_counts(part, column.real) for part in (chosen, 1 - chosen))
    return distance(column, *halves)


def basic_interval(value: float, drawn: F64, level: float = LEVEL) -> tuple[float, float]:
    """The basic bootstrap interval, which takes the resampling's upward bias off; within 0..1.

    Source: Davison and Hinkley, Bootstrap Methods and their Application, 1997, eq. 5.6.
    """
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return (
        float(np.clip(2 * value - high, 0, 1)),
        float(np.clip(2 * value - low, 0, 1)),
    )


def bootstrapped(column: Counted, draws: tuple[F64, F64]) -> F64:
    """(B,) distances with sequences drawn `draws` (B, R) and (B, S) times."""
    real, synthetic = draws
    return distance(
        column, drawn_counts(real, column.real), drawn_counts(synthetic, column.synthetic)
    )


def effect(column: Counted, draws: tuple[F64, F64], floor: float | None) -> Effect:
    """The effect of one column.

    Args:
        column: Counts.
        draws: (B, R) and (B, S) from `drawn_sequences`.
        floor: Quantile of `real_against_itself`, if there are sequences enough.
    """
    real, synthetic = column.real.sum(axis=0), column.synthetic.sum(axis=0)
    value = float(distance(column, real, synthetic))
    drawn = bootstrapped(column, draws)
    numeric = not column.is_categorical
    medians = (
        _median(column.values, real.sum(axis=0)),
        _median(column.values, synthetic.sum(axis=0)),
    )
    return Effect(
        name=column.name,
        measure="ks" if numeric else "tv",
        value=value,
        interval=basic_interval(value, drawn),
        floor=floor,
        shift=wasserstein(column, real, synthetic) if numeric else None,
        medians=medians if numeric else None,
        rows=(round(real.sum()), round(synthetic.sum())),
    )


def _median(values: F64, counts: F64) -> float:
    if not counts.sum():
        return float("nan")
    return float(values[np.searchsorted(np.cumsum(counts), counts.sum() / 2)])


def holm(p_values: Sequence[float]) -> F64:
    """Adjusted p values. Source: Holm, Scand. J. Statist. 6 (1979) 65."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def permuted_p(column: Counted, labels: I64) -> float:
    """Share of permutations of sequence labels that are at least as far apart (add-one).

    Args:
        column: Counts.
        labels: (B, R + S) permuted sequence numbers; the first R columns play the real ones.
    """
    pooled = np.concatenate([column.real, column.synthetic])
    observed = distance(column, column.real.sum(axis=0), column.synthetic.sum(axis=0))
    played = np.zeros((len(labels), len(pooled)))
    rows = np.arange(len(labels))[:, None]
    played[rows, labels[:, : len(column.real)]] = 1.0
    null = distance(column, drawn_counts(played, pooled), drawn_counts(1 - played, pooled))
    return float((1 + np.sum(null >= observed - 1e-12)) / (1 + len(null)))
