"""Every scenario of the library on every town: does it find a site there, and does it run?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthgen.bench.rehearsals import LIBRARY, Attempt, Rehearsals, attempts, run_all
from synthgen.errors import ConfigError


def library_names() -> tuple[str, ...]:
    """Names of the library's scenarios."""
    return tuple(sorted(file.stem for file in LIBRARY.glob("*.yaml")))


def sweep_library(
    folder: Path,
    *,
    maps: Sequence[str],
    names: Sequence[str] | None = None,
    workers: int = 1,
    seed: int = 7,
    minutes: float = float("inf"),
) -> dict[str, Any]:
    """One run of each scenario on each town that has a site for it.

    Args:
        folder: Keeps the outcomes; what it holds is not run again.
        maps: Towns of ours or .xodr files.
        names: Scenarios; all of the library by default.
        workers: Simulator slots.
        seed: Root seed.
        minutes: No further run is begun after so long.

    Returns:
        `rows` of `scenario, map, status, why`. Status: `ran`, with what spoke against it as a hit;
        `no_site`, with the query and the nearest miss; `refused` by the pre-screen in every draw;
        `failed` on the simulator; `missing`, not run yet. Then their counts.
    """
    until_s = time.monotonic() + 60 * minutes
    tried: dict[tuple[str, str], Attempt | str] = {}
    for name in names or library_names():
        for town in maps:
            plan = Rehearsals((name,), 1, (town,), seed)
            try:
                tried[name, Path(town).stem] = attempts(plan, name, usual_trigger=False)[0]
            except ConfigError as err:
                tried[name, Path(town).stem] = str(err)
    jobs = [a.job for a in tried.values() if isinstance(a, Attempt) and a.job is not None]
    outcomes = run_all(jobs, folder, workers=workers, until_s=until_s)
    rows = [_row(name, town, found, outcomes) for (name, town), found in tried.items()]
    states = [row["status"] for row in rows]
    return {"rows": rows, **{state: states.count(state) for state in sorted(set(states))}}


def _row(
    name: str, town: str, found: Attempt | str, outcomes: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    status, why = "missing", ""
    if isinstance(found, str):
        status, why = "no_site", found
    elif found.job is None:
        status, why = "refused", found.refused[-1]
    elif found.job.clip_id in outcomes:
        outcome = outcomes[found.job.clip_id]
        ran = "metrics" in outcome
        status = "ran" if ran else "failed"
        why = "; ".join(outcome["reasons"] + outcome["flags"]) if ran else outcome["reason"]
    return {"scenario": name, "map": town, "status": status, "why": why}
