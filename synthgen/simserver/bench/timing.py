"""Medians of repeated runs, as keys of one flat JSON object."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

RUNS = 7


def timed(name: str, work: Callable[[], object], runs: int = RUNS) -> dict[str, float]:
    """`<name>_ms`, the median of `runs` after one warm-up, and `<name>_spread_ms` (max - min)."""
    work()
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - began))
    return {
        f"{name}_ms": round(float(np.median(taken)), 3),
        f"{name}_spread_ms": round(max(taken) - min(taken), 3),
    }
