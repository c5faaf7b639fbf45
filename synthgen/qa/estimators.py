"""Estimates with intervals from rows that come in sequences.

Every estimate is a ratio of sums over sequences, its standard error the usual one of a clustered
ratio, its interval Student's t with one degree of freedom less than there are sequences. A few
sequences therefore give wide intervals however many boxes they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import t as student

from synthgen.geometry.arrays import F64, I64

# A profile has some fifty knobs; so wide, nearly all of them hold together.
LEVEL: Final = 0.998
_RESOLUTION: Final = 0.02


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval and how much stands behind it.

    `effective` is the number of independent rows that would give the same standard error.
    """

    value: float
    low: float
    high: float
    rows: int
    sequences: int
    effective: float


def ratio(
    numerator: F64, denominator: F64, sequence: I64, sequences: int, *, level: float = LEVEL
) -> Estimate:
    """Sum of `numerator` over sum of `denominator`, by sequences.

    Source: Cochran, Sampling Techniques, 3rd ed., 1977, eq. 2.46 (variance of a ratio), with
    clusters as units.

    Args:
        numerator: (N,).
        denominator: (N,) not negative.
        sequence: (N,) sequence of each row.
        sequences: How many there are, those without rows too.
        level: Confidence level.
    """
    top = np.bincount(sequence, numerator, sequences)
    bottom = np.bincount(sequence, denominator, sequences)
    total = bottom.sum()
    value = float(top.sum() / total) if total else 0.0
    used = int((bottom > 0).sum())
    rows = int((denominator > 0).sum())
    if used < 2 or not total:
        return Estimate(value, -np.inf, np.inf, rows, used, 1.0)
    variance = sequences / (sequences - 1) * np.sum((top - value * bottom) ** 2) / total**2
    reach = float(student.ppf((1 + level) / 2, used - 1) * np.sqrt(variance))
    spread = np.sum((numerator - value * denominator) ** 2) / total**2
    effective = rows * min(1.0, float(spread / variance)) if variance > 0 else float(rows)
    return Estimate(value, value - reach, value + reach, rows, used, max(effective, 1.0))


def weighted_quantiles(values: F64, weights: F64, probabilities: F64) -> F64:
    """Quantiles of weighted values, joined by straight lines between the middles of the weights."""
    order = np.argsort(values, kind="stable")
    weight = weights[order]
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    found: F64 = np.interp(probabilities, middle, values[order])
    return found


def median(values: F64, weights: F64, sequence: I64, sequences: int) -> Estimate:
    """The weighted median; its interval is where the share below can be one half.

    Source: Woodruff, Confidence Intervals for Medians, JASA 47 (1952) 635.
    """
    middle = float(weighted_quantiles(values, weights, np.array([0.5]))[0])
    below = ratio((values <= middle) * weights, weights, sequence, sequences)
    reach = min((below.high - below.low) / 2, 0.5)
    low, high = weighted_quantiles(values, weights, np.array([0.5 - reach, 0.5 + reach]))
    return Estimate(
        middle, float(low) - _RESOLUTION, float(high) + _RESOLUTION, below.rows, below.sequences,
        below.effective,
    )  # fmt: skip


def jackknife_reach(left_out: F64, *, level: float = LEVEL) -> float:
    """Half the width of an interval, from the values with each sequence left out.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 11.
    """
    n = len(left_out)
    if n < 2:
        return np.inf
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    return float(student.ppf((1 + level) / 2, n - 1) * error)
