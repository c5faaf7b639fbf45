"""The report of hit rates: what counts as an attempt, and as a reveal in its band."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from synthgen.bench import rehearsals
from synthgen.bench.rehearsals import Attempt
from synthgen.bench.scenarios import row_of
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    ClipJob,
    MapSource,
    RigSource,
    SimulatorKind,
    Slot,
)


def attempt(number: int) -> Attempt:
    """An attempt whose job's id ends with the number."""
    job = ClipJob(
        slot=Slot(scenario="crossing", k=number),
        draw=0,
        clip_id=f"{number:016x}",
        seed=7,
        scenario={},
        rig=RigSource(path="rig", content={}),
        map=MapSource(name="Town", path=None, sha256=None),
        capture=CaptureSettings(),
        simulator=SimulatorKind(kind="embedded", quality="low"),
        dataset="-",
    )
    return Attempt("crossing", number, job, ())


def ran(number: int, *, miss: str = "", offset_s: float = 0.0) -> dict[str, Any]:
    """The outcome of a run that came to its end."""
    return {
        "id": f"{number:016x}",
        "stage": "verify",
        "reasons": [],
        "flags": [f"miss: {miss}"] if miss else [],
        "metrics": {"hit": 0.0 if miss else 1.0, "offset_error_s": offset_s},
        "seconds": {"all": 4.0},
    }


def test_failed_spawn_is_an_attempt_without_a_hit() -> None:
    outcomes = {
        f"{0:016x}": ran(0, offset_s=0.05),
        f"{1:016x}": ran(1, miss="too_mild", offset_s=-0.10),
        f"{2:016x}": {"id": f"{2:016x}", "stage": "spawn", "reason": "spawn_failed: walker"},
    }
    row = row_of("crossing", [attempt(0), attempt(1), attempt(2), attempt(3)], [], outcomes)
    assert (row["attempts"], row["hits"], row["failed_to_act"], row["missing"]) == (3, 1, 1, 1)
    assert row["rejected"] == {"spawn_failed": 1, "too_mild": 1}
    assert row["offset_error_median_s"] == pytest.approx(0.075)


def test_share_of_reveals_leaves_out_runs_that_missed_for_another_reason() -> None:
    misses = ["", "", "", "reveal_outside_band", "contact"]
    outcomes = {f"{i:016x}": ran(i, miss=miss) for i, miss in enumerate(misses)}
    row = row_of("crossing", [attempt(i) for i in range(5)], [], outcomes)
    assert row["reveal_in_band"] == 0.75


def test_attempt_that_the_plan_refused_is_not_missing() -> None:
    refused = Attempt("crossing", 1, None, ("pre-screen: none of 64 candidates passes",) * 6)
    row = row_of("crossing", [attempt(0), refused], [], {f"{0:016x}": ran(0)})
    assert (row["attempts"], row["missing"], row["draws_refused"]) == (1, 0, 6)


def test_job_that_stands_twice_is_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = attempt(0).job
    assert job is not None
    given: list[Sequence[ClipJob]] = []
    monkeypatch.setattr(rehearsals, "warm_up", lambda *_, note: None)
    monkeypatch.setattr(rehearsals, "_work", lambda _, jobs, *__: given.append(jobs))
    rehearsals.run_all([job, job], tmp_path, workers=2)
    assert [list(share) for share in given] == [[job]]
