"""How values are spread over the slots of a data set: random, Sobol, grid, pairwise.

Every method gives uniform numbers by (slot, draw, name); nothing depends on other slots' outcomes.
Sobol dimensions are numbered by the order of `params`, so that a parameter added at the end changes
no other.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenarios.spec import ScenarioSpec

F64 = NDArray[np.float64]
Uniforms = Callable[[str, int], F64]
Row = tuple[int, ...]


def spread_uniforms(spec: ScenarioSpec, root_seed: int, k: int, free: Uniforms) -> Uniforms:
    """Uniform numbers of slot `k` by the scenario's sampling method.

    Args:
        spec: The scenario.
        root_seed: Seeds the scrambling of Sobol points.
        k: Slot number.
        free: The slot's independent streams, used for what the method leaves open.
    """
    method = spec.sampling.method
    if method == "sobol":
        return _sobol(spec, root_seed, k, free)
    if method in ("grid", "pairwise"):
        return _designed(spec, method, k, free)
    return free


def _sobol(spec: ScenarioSpec, root_seed: int, k: int, free: Uniforms) -> Uniforms:
    names = list(spec.params)
    scramble = (root_seed + zlib.crc32(spec.name.encode())) % 2**32

    def uniforms(name: str, n: int) -> F64:
        if name not in names:
            return free(name, n)
        column = _sobol_column(names.index(name), scramble, 1 << max(k, 1).bit_length())
        # Candidates leave their Sobol point the farther the later they are tried.
        width = np.arange(n) / n
        moved = column[k] + width * (free(name, n) - 0.5)
        folded: F64 = np.abs(np.mod(moved + 1.0, 2.0) - 1.0)
        return np.minimum(folded, np.nextafter(1.0, 0.0))

    return uniforms


@lru_cache(maxsize=256)
def _sobol_column(dimension: int, seed: int, points: int) -> F64:
    """Scrambled Sobol points of one dimension; longer runs begin with the shorter ones."""
    # Takes longer to import than most scenarios take to plan, and few are spread by Sobol's points.
    from scipy.stats import qmc

    sobol = qmc.Sobol(d=dimension + 1, scramble=False)
    raw = sobol.random(points)[:, dimension]
    # A random shift (Cranley and Patterson) keeps every dimension independent of their number.
    shift = np.random.default_rng([seed, dimension]).random()
    column: F64 = np.mod(raw + shift, 1.0)
    return column


def _designed(spec: ScenarioSpec, method: str, k: int, free: Uniforms) -> Uniforms:
    axes = {name: d for name, d in spec.params.items() if _is_axis(d.kind, method)}
    sizes = [len(d.options) for d in axes.values()]
    rows = pairwise_rows(sizes) if method == "pairwise" else _crossed(sizes)
    chosen = rows[k % len(rows)] if rows else ()
    picked = dict(zip(axes, chosen, strict=True))

    def uniforms(name: str, n: int) -> F64:
        if name not in picked:
            return free(name, n)
        edges = np.cumsum(axes[name].weights) / np.sum(axes[name].weights)
        low = edges[picked[name] - 1] if picked[name] else 0.0
        return np.full(n, (low + edges[picked[name]]) / 2)

    return uniforms


def _is_axis(kind: str, method: str) -> bool:
    return kind == "grid" or (kind == "choice" and method == "pairwise")


def _crossed(sizes: Sequence[int]) -> list[Row]:
    return list(itertools.product(*(range(size) for size in sizes)))


def pairwise_rows(sizes: Sequence[int]) -> list[Row]:
    """Rows that together hold every pair of options of any two axes, few of them.

    Greedy: each row begins with a pair still missing and takes on each other axis the option that
    covers most of what is missing.
    """
    if len(sizes) < 2:
        return _crossed(sizes)
    missing = {
        (a, i, b, j)
        for a, b in itertools.combinations(range(len(sizes)), 2)
        for i in range(sizes[a])
        for j in range(sizes[b])
    }
    rows: list[Row] = []
    while missing:
        a, i, b, j = min(missing)
        row = {a: i, b: j}
        for axis in range(len(sizes)):
            if axis not in row:
                row[axis] = max(
                    range(sizes[axis]),
                    key=lambda option: (_covered(row, axis, option, missing), -option),
                )
        done = tuple(row[axis] for axis in range(len(sizes)))
        missing -= _pairs(done)
        rows.append(done)
    return rows


def _covered(
    row: dict[int, int], axis: int, option: int, missing: set[tuple[int, int, int, int]]
) -> int:
    found = 0
    for other, chosen in row.items():
        pair = (other, chosen, axis, option) if other < axis else (axis, option, other, chosen)
        found += pair in missing
    return found


def _pairs(row: Row) -> set[tuple[int, int, int, int]]:
    return {(a, row[a], b, row[b]) for a, b in itertools.combinations(range(len(row)), 2)}


def pair_coverage(rows: Sequence[Row], sizes: Sequence[int]) -> float:
    """Share of all pairs of options that rows hold."""
    total = sum(x * y for x, y in itertools.combinations(sizes, 2))
    held: set[tuple[int, int, int, int]] = set().union(*(_pairs(row) for row in rows))
    return len(held) / total if total else 1.0
