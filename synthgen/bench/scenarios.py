"""How often the edge case really happens: solved encounters against the usual trigger.

Every scenario is run `draws` times through the whole campaign (server, client, verification), once
as written and once with the usual trigger, with the same seeds. Hits are judged by one rule
(`scenarios.verify.is_hit`), not by each file's own expectations.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from synthgen.campaign.config import PACKAGE_ROOT, load_config, project_root
from synthgen.campaign.progress import make_progress
from synthgen.campaign.run import run_campaign

LIBRARY: Final = PACKAGE_ROOT / "scenarios" / "library"
FIRST_TWELVE: Final = (
    "jaywalk_parked_van", "jaywalk_open_road", "child_dart_out_ball",
    "crosswalk_pedestrian_no_signal", "left_turn_crosswalk_pedestrian", "left_turn_cyclist",
    "right_hook_cyclist", "lead_hard_brake", "cut_in_wet_night_highway", "unprotected_left_car",
    "red_light_runner", "door_opens_in_path",
)  # fmt: skip
_Z95: Final = 1.959964
_RIG: Final[dict[str, Any]] = {
    "schema": "synthgen/rig@1",
    "name": "bench",
    "sensors": [
        {
            "modality": "camera",
            "name": "cam_front",
            "role": "front",
            "mount": {"x_m": 0.3, "y_m": 0.0, "z_m": 1.68},
            "width_px": 320,
            "height_px": 180,
            "fov_deg": 80,
            "channels": ["instance"],
        }
    ],
}


def bench_scenarios(
    folder: Path,
    *,
    draws: int = 40,
    names: Sequence[str] = FIRST_TWELVE,
    maps: Sequence[str] = ("SynthDowntown",),
    workers: int = 1,
    seed: int = 7,
) -> dict[str, Any]:
    """Hit rates of scenarios, as written and with the usual trigger.

    Args:
        folder: Scratch folder for the two datasets.
        draws: Runs a scenario and method.
        names: Scenarios of the library.
        maps: Towns, taken in turn.
        workers: Simulator slots.
        seed: Root seed of both datasets.

    Returns:
        `scenarios`: a list of `name, attempts, hits, hit_rate, wilson_low, wilson_high,
        baseline_hit_rate, rejected` and the medians of what was asked for against what came.
    """
    outcomes = {
        method: _run(folder / method, method, draws, names, maps, workers, seed)
        for method in ("solved", "baseline")
    }
    rows = [_row(name, outcomes["solved"], outcomes["baseline"], draws) for name in names]
    solid = sum(row["hit_rate"] >= 0.6 and row["wilson_low"] >= 0.45 for row in rows)
    return {"scenarios": rows, "draws": draws, "solid_scenarios": solid}


def wilson(hits: int, attempts: int) -> tuple[float, float]:
    """The 95 % score interval of a share. Source: Wilson, JASA 22 (1927) 209."""
    if attempts == 0:
        return 0.0, 1.0
    p, z2 = hits / attempts, _Z95**2
    middle = (p + z2 / (2 * attempts)) / (1 + z2 / attempts)
    half = _Z95 * math.sqrt(p * (1 - p) / attempts + z2 / (4 * attempts**2)) / (1 + z2 / attempts)
    return middle - half, middle + half


def _run(
    folder: Path, method: str, draws: int, names: Sequence[str], maps: Sequence[str],
    workers: int, seed: int,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Outcomes (of `clip.json`, or of records of refused draws) by scenario."""
    (folder / "configs").mkdir(parents=True, exist_ok=True)
    files = [_without_expectations(folder, name, method) for name in names]
    (folder / "bench.yaml").write_text(json.dumps(_RIG))
    config = folder / "configs" / "bench.yaml"
    content = {
        "schema": "synthgen/generation@1",
        "name": f"scenarios-{method}",
        "seed": seed,
        "scenarios": [{"file": str(file), "clips": draws} for file in files],
        "maps": list(maps),
        "rig": str(folder / "bench.yaml"),
        "simulator": {"kind": "embedded", "quality": "low", "threads": 2},
        "executor": "auto",
        "workers": workers,
        "max_draws": 4,
        "out": str(folder / "dataset"),
        "previews": False,
    }
    config.write_text(json.dumps(content))
    progress = make_progress("plain")
    try:
        run_campaign(load_config(config), project_root(config), progress)
    finally:
        progress.close()
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for name, outcome in _outcomes(folder / "dataset"):
        found[name].append(outcome)
    return found


def _without_expectations(folder: Path, name: str, method: str) -> Path:
    """The scenario with nothing to reject a run for, so that every attempt leaves its numbers."""
    parent = (LIBRARY / f"{name}.yaml").as_posix()
    content: dict[str, Any] = {"extends": parent, "expect": []}
    if method == "baseline":
        content["sampling"] = {"method": "usual_trigger"}
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(content))
    return file


def _outcomes(dataset: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(dataset.glob("clips/*/*/clip.json")):
        manifest = json.loads(file.read_text())
        yield manifest["slot"]["scenario"], manifest["outcome"]
    for file in sorted(dataset.glob("rejected/*.json")):
        record = json.loads(file.read_text())
        scenario = file.name.rsplit("-", 1)[0]
        yield scenario, {"stage": record["stage"], "reason": record["reason"], "metrics": {}}


def _row(
    name: str,
    solved: dict[str, list[dict[str, Any]]],
    baseline: dict[str, list[dict[str, Any]]],
    draws: int,
) -> dict[str, Any]:
    tried = [o for o in solved[name] if o.get("stage") != "compile"]
    hits = sum(o["metrics"].get("hit", 0.0) > 0 for o in tried)
    low, high = wilson(hits, len(tried))
    others = [o for o in baseline[name] if o.get("stage") != "compile"]
    usual = sum(o["metrics"].get("hit", 0.0) > 0 for o in others)
    offsets = sorted(
        abs(o["metrics"]["offset_error_s"]) for o in tried if "offset_error_s" in o["metrics"]
    )
    return {
        "name": name,
        "attempts": len(tried),
        "hits": hits,
        "hit_rate": round(hits / max(len(tried), 1), 4),
        "wilson_low": round(low, 4),
        "wilson_high": round(high, 4),
        "baseline_hit_rate": round(usual / max(len(others), 1), 4),
        "offset_error_median_s": round(offsets[len(offsets) // 2], 4) if offsets else None,
        "rejected": _reasons(solved[name]),
        "baseline_rejected": _reasons(baseline[name]),
        "missing": max(draws - len(tried), 0),
    }


def _reasons(outcomes: list[dict[str, Any]]) -> dict[str, int]:
    """Why runs were no hits, counted."""
    found: Counter[str] = Counter()
    for outcome in outcomes:
        if "reason" in outcome:
            found[str(outcome["reason"]).split(": ")[-1][:60]] += 1
            continue
        found.update(
            flag.removeprefix("miss: ") for flag in outcome["flags"] if flag.startswith("miss: ")
        )
    return dict(sorted(found.items()))
