"""What two data sets are compared by, and the index of each dimension.

An index is 100 where the synthetic set is as near to the real one as the real one is to itself
(halves of its sequences), and 0 where it is as far as a deliberately bad set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa import image_table, lidar_table
from synthgen.qa.stats.effects import (
    LEVEL,
    Counted,
    Effect,
    bootstrapped,
    counted,
    distance,
    drawn_sequences,
    effect,
    real_against_itself,
    split_sequences,
)
from synthgen.qa.tables import Table

DRAWS: Final = 400
SPLITS: Final = 60
# Where no bad set can be drawn: distributions that hardly overlap; and the least that is bad.
FAR_APART: Final = 0.8
BAD_AT_LEAST: Final = 0.5
# 100 stands for what so large a share of the halves of the real set stays below.
REAL_SHARE: Final = 0.9
LEAST_SEQUENCES: Final = 3
LEAST_SEQUENCES_TOGETHER: Final = 8
LEAST_ROWS: Final = {"boxes": 100, "frames": 50, "tracks": 20, "images": 20, "lidar": 20}


@dataclass(frozen=True, slots=True)
class Plan:
    """One dimension: columns of one table."""

    name: str
    table: str
    columns: tuple[str, ...]
    by_class: bool = False


PLANS: Final = (
    Plan("class mix", "boxes", ("category",)),
    Plan("density", "frames", ("count",)),
    Plan("object size", "boxes", ("length_m", "width_m", "height_m"), by_class=True),
    Plan("placement", "boxes", ("ahead_m", "left_m", "heading"), by_class=True),
    Plan("image boxes", "boxes", ("box_w_px", "box_h_px", "box_x_px", "box_y_px"), by_class=True),
    Plan("visibility", "boxes", ("occluded", "truncated"), by_class=True),
    Plan("motion", "tracks", (
        "closing_mps", "crossing_mps", "closing_change_mps2", "turn_radps", "duration_s", "ttc_s",
    )),
    Plan("images", "images", image_table.STATISTICS),
    Plan("lidar", "lidar", lidar_table.STATISTICS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dimension:
    """How near the synthetic set is in one respect.

    Attributes:
        name: E.g. `placement`.
        index: 0 to 100, None where it cannot be told.
        interval: Its 95 % interval.
        gap: Mean effect of the columns.
        gap_real: The same between halves of the real set.
        gap_bad: The same of the bad set.
        effects: Of each column.
        unclear: Why no verdict is given; empty where one is.
    """

    name: str
    index: float | None
    interval: tuple[float, float] | None
    gap: float
    gap_real: float
    gap_bad: float
    effects: tuple[Effect, ...]
    unclear: str


def dimension(
    plan: Plan, real: Table, synthetic: Table, bad: Table | None, rng: np.random.Generator
) -> Dimension | None:
    """One dimension, or None where a side has none of its columns.

    Args:
        plan: Which columns.
        real: Table of the real set.
        synthetic: Table of the synthetic set.
        bad: The bad set's table, where there is one.
        rng: Draws sequences.
    """
    names = [n for n in plan.columns if all(_has(t, n) for t in (real, synthetic))]
    if not names:
        return None
    columns = [counted(real, synthetic, n, by_class=plan.by_class) for n in names]
    sizes = len(real.sequences), len(synthetic.sequences)
    draws = (drawn_sequences(sizes[0], DRAWS, rng), drawn_sequences(sizes[1], DRAWS, rng))
    unclear = _unclear(plan, real, synthetic)
    halves = None
    if sizes[0] >= 2:
        part = max(min(sizes[1], sizes[0] // 2), 1)
        chosen = split_sequences(sizes[0], part, SPLITS, rng)
        halves = np.array([real_against_itself(column, chosen) for column in columns])
    effects = tuple(
        effect(c, draws, None if halves is None else float(np.quantile(halves[i], LEVEL)))
        for i, c in enumerate(columns)
    )
    gap = float(np.mean([e.value for e in effects]))
    gap_real = 0.0 if halves is None else float(np.quantile(halves.mean(axis=0), REAL_SHARE))
    gap_bad = FAR_APART if bad is None else max(_gap_of(plan, real, bad, names), BAD_AT_LEAST)
    index, interval = _index(columns, draws, gap, gap_real, gap_bad)
    if index is None and not unclear:
        unclear = "the real sequences differ among themselves as much as from a bad set"
    return Dimension(plan.name, index, interval, gap, gap_real, gap_bad, effects, unclear)


def _has(table: Table, name: str) -> bool:
    return name in table.columns and bool(np.isfinite(table[name]).any())


def _gap_of(plan: Plan, real: Table, other: Table, names: list[str]) -> float:
    columns = [counted(real, other, n, by_class=plan.by_class) for n in names if _has(other, n)]
    if not columns:
        return FAR_APART
    return float(np.mean([distance(c, c.real.sum(0), c.synthetic.sum(0)) for c in columns]))


def _unclear(plan: Plan, real: Table, synthetic: Table) -> str:
    least = LEAST_ROWS[plan.table]
    for side, table in (("real", real), ("synthetic", synthetic)):
        if len(table) < least:
            return f"too few {plan.table}: the {side} set has {len(table)}, expected {least}"
        if len(table.sequences) < LEAST_SEQUENCES:
            return (
                f"too few sequences: the {side} set has {len(table.sequences)}, "
                f"expected {LEAST_SEQUENCES}"
            )
    together = len(real.sequences) + len(synthetic.sequences)
    if together < LEAST_SEQUENCES_TOGETHER:
        return f"too few sequences: {together} together, expected {LEAST_SEQUENCES_TOGETHER}"
    return ""


def _index(
    columns: list[Counted], draws: tuple[F64, F64], gap: float, gap_real: float, gap_bad: float
) -> tuple[float | None, tuple[float, float] | None]:
    if gap_bad - gap_real < 0.05:
        return None, None
    drawn = np.mean([bootstrapped(column, draws) for column in columns], axis=0)
    low, high = 2 * gap - np.quantile(drawn, [(1 + LEVEL) / 2, (1 - LEVEL) / 2])
    values = [
        float(100 * np.clip(1 - (g - gap_real) / (gap_bad - gap_real), 0, 1))
        for g in (gap, high, low)
    ]
    # The centre lies within, however skew the resamples are.
    return values[0], (min(values[1], values[0]), max(values[2], values[0]))
