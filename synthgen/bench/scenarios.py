"""How often the edge case really happens: solved encounters against the usual trigger.

Every scenario is run `draws` times on the embedded server, once as written and once with the usual
trigger, with the same seeds. Hits are judged by one rule (`scenarios.verify.is_hit`), not by each
file's own expectations. An attempt is a run that the plan sent to the simulator, whatever came of
it: an actor that could not be spawned is an attempt without a hit.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from scenarios.coverage import kind_of
from synthgen.bench.rehearsals import (
    OWN_TOWNS,
    Attempt,
    Method,
    Rehearsals,
    attempts,
    outcomes_of,
    run_all,
)
from synthgen.store.hit_rates import wilson

FIRST_TWELVE: Final = (
    "jaywalk_parked_van", "jaywalk_open_road", "child_dart_out_ball",
    "crosswalk_pedestrian_no_signal", "left_turn_crosswalk_pedestrian", "left_turn_cyclist",
    "right_hook_cyclist", "lead_hard_brake", "cut_in_wet_night_highway", "unprotected_left_car",
    "red_light_runner", "door_opens_in_path",
)  # fmt: skip
_Outcomes = Sequence[Mapping[str, Any]]


def bench_scenarios(
    folder: Path,
    *,
    draws: int = 40,
    names: Sequence[str] = FIRST_TWELVE,
    maps: Sequence[str] = OWN_TOWNS,
    workers: int = 1,
    seed: int = 7,
    minutes: float = float("inf"),
    baseline: Method | None = "usual_trigger",
) -> dict[str, Any]:
    """Hit rates of scenarios, as written and with the usual trigger.

    Args:
        folder: Keeps the outcomes, one file a scenario; what it holds is not run again.
        draws: Runs a scenario and method.
        names: Scenarios of the library.
        maps: Towns, those with a site for the scenario taken in turn.
        workers: Simulator slots.
        seed: Root seed of all runs.
        minutes: No further run is begun after so long; call again to go on.
        baseline: Also run this method, on the same seeds.

    Returns:
        `scenarios`: a list of `name, attempts, hits, hit_rate, wilson_low, wilson_high,
        baseline_hit_rate, kinds, rejected` and what was asked for against what came; `missing`
        runs.
    """
    until_s = time.monotonic() + 60 * minutes
    plan = Rehearsals(tuple(names), draws, tuple(maps), seed)
    methods: tuple[Method, ...] = ("written",) if baseline is None else ("written", baseline)
    tried = {(name, m): attempts(plan, name, method=m) for name in names for m in methods}
    jobs = [a.job for found in tried.values() for a in found if a.job is not None]
    outcomes = run_all(jobs, folder, workers=workers, until_s=until_s)
    rows = [
        row_of(name, tried[name, "written"], tried[name, baseline] if baseline else [], outcomes)
        for name in names
    ]
    solid = sum(row["hit_rate"] >= 0.6 and row["wilson_low"] >= 0.45 for row in rows)
    return {"scenarios": rows, "draws": draws, "solid_scenarios": solid, **_overall(rows)}


def row_of(
    name: str,
    solved: Sequence[Attempt],
    usual: Sequence[Attempt],
    outcomes: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """One scenario's row of the report."""
    ran = list(outcomes_of(solved, outcomes))
    others = list(outcomes_of(usual, outcomes))
    hits, low, high = _hits(ran), *wilson(_hits(ran), len(ran))
    offsets = [abs(o["metrics"]["offset_error_s"]) for o in ran if "offset_error_s" in _of(o)]
    return {
        "name": name,
        "attempts": len(ran),
        "hits": hits,
        "hit_rate": round(hits / max(len(ran), 1), 4),
        "wilson_low": round(low, 4),
        "wilson_high": round(high, 4),
        "baseline_hit_rate": round(_hits(others) / max(len(others), 1), 4),
        "baseline_attempts": len(others),
        "kinds": _kinds(ran),
        "baseline_kinds": _kinds(others),
        "rejected": _reasons(ran),
        "baseline_rejected": _reasons(others),
        "offset_error_median_s": round(median(offsets), 4) if offsets else None,
        "reveal_in_band": _reveal_share(ran),
        "failed_to_act": sum(_failed_to_act(o) for o in ran),
        "draws_refused": sum(len(a.refused) for a in solved),
        "missing": _runs(solved) - len(ran) + _runs(usual) - len(others),
        "seconds_per_run": _seconds(ran),
    }


def _runs(tried: Sequence[Attempt]) -> int:
    """Attempts that go to a simulator at all: not those whose every draw the plan refused."""
    return sum(attempt.job is not None for attempt in tried)


def _of(outcome: Mapping[str, Any]) -> Mapping[str, float]:
    metrics: Mapping[str, float] = outcome.get("metrics", {})
    return metrics


def _hits(outcomes: _Outcomes) -> int:
    return sum(_of(o).get("hit", 0.0) > 0 for o in outcomes)


def _kinds(outcomes: _Outcomes) -> int:
    """How many kinds of encounter are among the hits: bins of min TTC, PET and reveal."""
    hits = (_of(o) for o in outcomes if _of(o).get("hit", 0.0) > 0)
    return len({kind_of(metrics) for metrics in hits})


def _failed_to_act(outcome: Mapping[str, Any]) -> bool:
    """Whether an actor could not be put on stage, or did not do its part."""
    if "metrics" not in outcome:
        return True
    signs = ("never_started", "stalled")
    return any(reason.startswith(signs) for reason in outcome["reasons"])


def _reveal_share(outcomes: _Outcomes) -> float | None:
    """Share of the runs with a near miss, contact or not, whose reveal came inside its band.

    A hit has it by definition; the share is over those that miss for no other reason, too.
    """
    hits = _hits(outcomes)
    outside = sum("miss: reveal_outside_band" in o.get("flags", ()) for o in outcomes)
    return round(hits / (hits + outside), 4) if hits + outside else None


def _seconds(outcomes: _Outcomes) -> float | None:
    spent = [o["seconds"]["all"] for o in outcomes if "seconds" in o]
    return round(median(spent), 2) if spent else None


def _reasons(outcomes: _Outcomes) -> dict[str, int]:
    """Why runs were no hits, counted."""
    found: Counter[str] = Counter()
    for outcome in outcomes:
        if "metrics" not in outcome:
            found[str(outcome["reason"]).split(": ")[0][:60]] += 1
            continue
        if "ambient_interference" in outcome["reasons"]:
            found["ambient_interference"] += 1
            continue
        missed = (flag for flag in outcome["flags"] if flag.startswith("miss: "))
        found.update(flag.removeprefix("miss: ") for flag in missed)
    return dict(sorted(found.items()))


def _overall(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ran = sum(row["attempts"] for row in rows)
    medians = [r["offset_error_median_s"] for r in rows if r["offset_error_median_s"] is not None]
    return {
        "attempts": ran,
        "missing": sum(row["missing"] for row in rows),
        "failed_to_act_share": round(sum(r["failed_to_act"] for r in rows) / max(ran, 1), 4),
        "offset_error_worst_median_s": max(medians, default=None),
    }
