"""The sweep over the library draws again where a simulator cannot put the cast on stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from synthgen.bench import library
from synthgen.datatypes.clip_job import ClipJob

NAME, TOWN = "jaywalk_open_road", "SynthSuburb"


def sweep(monkeypatch: pytest.MonkeyPatch, folder: Path, refused_draws: int) -> dict[str, Any]:
    """The row of a scenario whose first draws the simulator cannot put on stage."""
    known: dict[str, dict[str, Any]] = {}

    def run_all(jobs: Sequence[ClipJob], *_: object, **__: object) -> dict[str, dict[str, Any]]:
        for job in jobs:
            ran = {"stage": "verify", "reasons": [], "flags": [], "metrics": {}}
            failed = {"stage": "spawn", "reason": "spawn_failed: van"}
            known[job.clip_id] = failed if job.draw < refused_draws else ran
        return known

    monkeypatch.setattr(library, "run_all", run_all)
    row: dict[str, Any] = library.sweep_library(folder, maps=[TOWN], names=[NAME])["rows"][0]
    return row


def test_blocked_draw_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = sweep(monkeypatch, tmp_path, refused_draws=1)
    assert row["status"] == "ran"
    assert row["draw"] >= 1


def test_town_that_blocks_every_draw_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = sweep(monkeypatch, tmp_path, refused_draws=99)
    assert (row["status"], row["why"]) == ("failed", "spawn_failed: van")
