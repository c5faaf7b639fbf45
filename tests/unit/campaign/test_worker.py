"""A worker blames what is to blame."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from synthgen.campaign import worker
from synthgen.campaign.config import EmbeddedSimulator
from synthgen.campaign.draw_job import DrawnJobs
from synthgen.campaign.faults import FaultKind
from synthgen.campaign.plan import SlotTask
from synthgen.campaign.worker import JobSource, SlotOutcome, SlotWorker, WorkerSettings
from synthgen.datatypes.clip_job import CaptureSettings, MapSource, RigSource, SimulatorKind, Slot
from synthgen.errors import ScenarioRejected, SimulatorLost


def never_starts(*_: Any, **__: Any) -> NoReturn:
    raise SimulatorLost("the simulator ended with code 120 while it started")


def outcome_of_a_slot(
    dataset: Path, *, source: JobSource | None = None, max_draws: int = 1
) -> SlotOutcome:
    settings = WorkerSettings(
        seed=1,
        max_draws=max_draws,
        rig=RigSource(path="rig.yaml", content={}),
        capture=CaptureSettings(),
        simulator_kind=SimulatorKind(kind="embedded", quality="low"),
        simulator=EmbeddedSimulator(kind="embedded"),
        dataset=str(dataset),
    )
    # A map that only the simulator knows is what the worker needs first of all.
    path = None if source is None else "Town01.xodr"
    town = MapSource(name="Town01", path=path, sha256=None)
    task = SlotTask(slot=Slot(scenario="follow", k=0), scenario_file="follow.yaml", map=town)
    return SlotWorker(settings, 0, jobs=source or DrawnJobs(settings)).run(task)


@pytest.fixture(autouse=True)
def no_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server starts."""
    monkeypatch.setattr(worker, "start_simulator", never_starts)


def test_a_simulator_that_does_not_start_is_the_hosts_fault(tmp_path: Path) -> None:
    fault = outcome_of_a_slot(tmp_path).fault
    assert fault is not None
    assert fault.kind is FaultKind.HOST


def test_a_simulator_that_does_not_start_on_a_full_disk_is_the_disks_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    fault = outcome_of_a_slot(tmp_path).fault
    assert fault is not None
    assert fault.kind is FaultKind.DISK
    assert "No space left on device; before: the simulator ended with code 120" in fault.message


class NoCandidate:
    """A job source whose every draw is refused."""

    def job(self, task: SlotTask, draw: int, dataset: str) -> NoReturn:
        raise ScenarioRejected(f"draw {draw} of {task.slot.name}: too_mild 64")


def test_slot_without_a_draw_says_why_the_last_was_rejected(tmp_path: Path) -> None:
    first = outcome_of_a_slot(tmp_path, source=NoCandidate(), max_draws=2)
    assert (first.status, first.rejected) == ("exhausted", 2)
    assert first.reason == "draw 1 of follow-00000: too_mild 64"
    # Resumed, with nothing left to try, it still knows.
    assert outcome_of_a_slot(tmp_path, source=NoCandidate(), max_draws=2).reason == first.reason
