"""What all tiers of the probe share: sequences held back, and numbers with their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import I64

DRAWS: Final = 400
LEAST_TESTED: Final = 3  # fewer independent sequences give no interval


@dataclass(frozen=True, slots=True)
class Score:
    """A number with its 95 % interval over the test sequences, None where those are too few."""

    value: float
    low: float | None
    high: float | None

    def document(self) -> dict[str, float | None]:
        """Plain data."""
        ends = {"low": self.low, "high": self.high}
        return {"value": round(self.value, 4)} | {
            name: None if end is None else round(end, 4) for name, end in ends.items()
        }


def scored(sequence: I64, value: Callable[[I64], float], rng: np.random.Generator) -> Score:
    """A statistic of rows and its interval by drawing whole sequences.

    Args:
        sequence: (N,) of each row.
        value: The statistic of some rows.
        rng: Source of the draws.
    """
    every = np.arange(len(sequence))
    parts = [np.flatnonzero(sequence == number) for number in np.unique(sequence)]
    if len(parts) < LEAST_TESTED:
        return Score(value(every), None, None)
    drawn = [
        value(np.concatenate([parts[i] for i in rng.integers(len(parts), size=len(parts))]))
        for _ in range(DRAWS)
    ]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Score(value(every), float(low), float(high))


def held_back(sequences: int, rng: np.random.Generator) -> tuple[I64, I64]:
    """Numbers of the sequences to train on (two thirds) and of those to test on."""
    order = rng.permutation(sequences)
    cut = max(sequences // 3, 1)
    return order[cut:], order[:cut]
