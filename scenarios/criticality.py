"""Criticality-guided choice: the slots of a scenario share out an archive of kinds of encounter.

A cell of the archive is how close the encounter gets, how late the other comes into sight, and who
is first at the conflict. Each slot is given a cell by its number alone. Of all candidates of its
budget that pass the pre-screen it takes the one nearest to that cell, and of several the closest
encounter. So the archive is filled evenly while no slot knows of another, and a data set does not
consist of one near miss over and over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.encounter import NEAR_MISS_PET_S, NEAR_MISS_TTC_S, Encounter
from scenarios.following import HIT_THW_S, HIT_TTC_S, FollowOutcome
from scenarios.surrogate import Outcome

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

CLOSENESS_EDGES = (0.4, 0.7)
REVEAL_EDGES = (1 / 3, 2 / 3)
# Where a scenario sets no band: times to arrival at which others come into sight.
REVEAL_BAND_S = (0.5, 3.5)
SHAPE = (len(CLOSENESS_EDGES) + 1, len(REVEAL_EDGES) + 1, 2)
# Coprime to the 18 cells, so that neighbours in number differ in more than one respect.
_STRIDE = 7


@dataclass(frozen=True, eq=False, slots=True)
class Kinds:
    """What kind of encounter each candidate gives in its undisturbed run.

    Attributes:
        cell: (n, 3) int64, place in the archive, see `SHAPE`: 0 is closest, latest in sight, ego
            first.
        closeness: (n,) float64, share of the near miss's limit that is left; 0 is a touch.
    """

    cell: I64
    closeness: F64


def crossing_kinds(encounter: Encounter, outcome: Outcome) -> Kinds:
    """Kinds of solved encounters; outcomes are those of `encounter.screen`."""
    closeness = np.fmin(
        outcome.min_ttc_s[:, 0] / NEAR_MISS_TTC_S, outcome.pet_s[:, 0] / NEAR_MISS_PET_S
    )
    has_band = np.isfinite(encounter.high_s)
    low_s = np.where(has_band, encounter.low_s, REVEAL_BAND_S[0])
    high_s = np.where(has_band, encounter.high_s, REVEAL_BAND_S[1])
    reveal = (outcome.reveal_ttc_s[:, 0] - low_s) / np.maximum(high_s - low_s, 1e-6)
    return _kinds(closeness, reveal, encounter.model.offset_s > 0)


def following_kinds(outcome: FollowOutcome) -> Kinds:
    """Kinds of manoeuvres ahead: how close they get; sight and order do not vary."""
    closeness = np.fmin(outcome.min_ttc_s[:, 0] / HIT_TTC_S, outcome.min_thw_s[:, 0] / HIT_THW_S)
    nothing = np.zeros(len(closeness))
    return _kinds(closeness, nothing, other_first=nothing > 0)


def _kinds(closeness: F64, reveal: F64, other_first: Bool) -> Kinds:
    places = (
        np.digitize(closeness, CLOSENESS_EDGES),
        np.digitize(np.nan_to_num(reveal, nan=0.0), REVEAL_EDGES),
        other_first,
    )
    return Kinds(np.stack(places, axis=1).astype(np.int64), closeness)


def wanted_cell(k: int) -> I64:
    """(3,) the archive's cell that slot `k` is to fill."""
    return np.array(np.unravel_index(k * _STRIDE % int(np.prod(SHAPE)), SHAPE), dtype=np.int64)


def nearest(kinds: Kinds, passed: Bool, wanted: I64) -> tuple[int, int]:
    """The candidate to take, and how many cells it is off.

    Args:
        kinds: Of all candidates.
        passed: (n,) which of them may be taken; at least one.
        wanted: (3,) a cell.
    """
    off = np.abs(kinds.cell - wanted).sum(axis=1)
    rows = np.flatnonzero(passed)
    best = int(rows[np.lexsort((kinds.closeness[rows], off[rows]))[0]])
    return best, int(off[best])
