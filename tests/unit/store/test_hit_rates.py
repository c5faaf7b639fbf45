"""Hit rates of a dataset, from its manifests and its records of rejected draws."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthgen.store.hit_rates import hit_rates, wilson


def dataset_with(folder: Path, *, clips: int, rejected: list[tuple[str, str]]) -> Path:
    """A dataset of one scenario with nothing but what hit rates are counted from."""
    slot = {"scenario": "crossing", "k": 0}
    for number in range(clips):
        clip = folder / "clips" / "00" / f"{number:016x}"
        clip.mkdir(parents=True)
        (clip / "clip.json").write_text(json.dumps({"slot": slot}))
    (folder / "rejected").mkdir()
    for number, (stage, reason) in enumerate(rejected):
        record = {"slot": slot, "draw": number, "stage": stage, "reason": reason}
        (folder / "rejected" / f"crossing-00000.{number}.json").write_text(json.dumps(record))
    return folder


def test_wilson_interval_is_newcombes() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I: 81 of 263 and 0 of 20, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_draws_refused_before_any_run_are_no_attempts(tmp_path: Path) -> None:
    reasons = [
        ("compile", "pre-screen: none of 64 candidates passes"),
        ("verify", "expect: min_ttc(ego, walker) < 1.5; never_started: walker"),
        ("verify", "spawn_failed: walker"),
    ]
    rate = hit_rates(dataset_with(tmp_path, clips=2, rejected=reasons))["crossing"]
    assert (rate["attempts"], rate["hits"], rate["hit_rate"]) == (4, 2, 0.5)
    assert rate["rejected"] == {
        "expect: min_ttc(ego, walker) < 1.5": 1,
        "spawn_failed: walker": 1,
    }
