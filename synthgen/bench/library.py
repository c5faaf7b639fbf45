"""Every scenario of the library on every town: does it find a site there, and does it run?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthgen.bench.rehearsals import (
    LIBRARY,
    MAX_DRAWS,
    Attempt,
    Rehearsals,
    attempts,
    run_all,
)
from synthgen.errors import ConfigError

_Outcomes = Mapping[str, dict[str, Any]]


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

    A simulator may know of a lamp post that no map tells of: as in a campaign, a cast that cannot
    be put on stage costs its draw, and the next one takes another site.

    Args:
        folder: Keeps the outcomes; what it holds is not run again.
        maps: Towns of ours or .xodr files.
        names: Scenarios; all of the library by default.
        workers: Simulator slots.
        seed: Root seed.
        minutes: No further run is begun after so long.

    Returns:
        `rows` of `scenario, map, status, draw, why`. Status: `ran`, with what spoke against it as a
        hit; `no_site`, with the query and the nearest miss; `refused` by the pre-screen in every
        draw; `failed` on the simulator in every draw; `missing`, not run yet. Then their counts.
    """
    until_s = time.monotonic() + 60 * minutes
    pairs = [(name, town) for name in names or library_names() for town in maps]
    tried = {pair: _tried(*pair, seed, first_draw=0) for pair in pairs}
    outcomes: _Outcomes = {}
    waiting = pairs
    while waiting:
        jobs = [a.job for a in (tried[p] for p in waiting) if isinstance(a, Attempt) and a.job]
        outcomes = run_all(jobs, folder, workers=workers, until_s=until_s)
        waiting = [pair for pair in waiting if _has_another_draw(tried[pair], outcomes)]
        tried |= {pair: _tried(*pair, seed, first_draw=_draw(tried[pair]) + 1) for pair in waiting}
    rows = [_row(name, town, tried[name, town], outcomes) for name, town in pairs]
    states = [row["status"] for row in rows]
    return {"rows": rows, **{state: states.count(state) for state in sorted(set(states))}}


def _tried(name: str, town: str, seed: int, *, first_draw: int) -> Attempt | str:
    """The attempt that is next, or why the town has no site."""
    plan = Rehearsals((name,), 1, (town,), seed)
    try:
        return attempts(plan, name, first_draw=first_draw)[0]
    except ConfigError as err:
        return str(err)


def _draw(found: Attempt | str) -> int:
    """The draw that the plan sends to the simulator; past the last one where it sends none."""
    return found.job.draw if isinstance(found, Attempt) and found.job else MAX_DRAWS


def _outcome(found: Attempt | str, outcomes: _Outcomes) -> dict[str, Any] | None:
    job = found.job if isinstance(found, Attempt) else None
    return None if job is None else outcomes.get(job.clip_id)


def _has_another_draw(found: Attempt | str, outcomes: _Outcomes) -> bool:
    """Whether the simulator refused the cast, and the slot may draw again."""
    outcome = _outcome(found, outcomes)
    refused = outcome is not None and outcome["stage"] == "spawn"
    return refused and _draw(found) + 1 < MAX_DRAWS


def _row(name: str, town: str, found: Attempt | str, outcomes: _Outcomes) -> dict[str, Any]:
    outcome = _outcome(found, outcomes)
    status, why = "missing", ""
    if isinstance(found, str):
        status, why = "no_site", found
    elif found.job is None:
        status, why = "refused", found.refused[-1]
    elif outcome is not None:
        ran = "metrics" in outcome
        status = "ran" if ran else "failed"
        why = "; ".join(outcome["reasons"] + outcome["flags"]) if ran else outcome["reason"]
    town = Path(town).stem
    return {"scenario": name, "map": town, "status": status, "draw": _draw(found), "why": why}
