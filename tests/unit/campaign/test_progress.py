"""Rates and the time left, by a clock that the test sets."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from synthgen.campaign import progress
from synthgen.campaign.progress import RateMeter, RunStatus
from synthgen.campaign.slot_state import SlotState


def slots(*frames: int) -> list[SlotState]:
    return [SlotState(worker=n, doing="run", frames=count) for n, count in enumerate(frames)]


@pytest.fixture
def seconds() -> Iterator[float]:
    return iter([0.0, 10.0, 20.0, 23.0])


def test_each_slot_and_all_together_have_a_rate(seconds: Iterator[float]) -> None:
    meter = RateMeter(lambda: next(seconds))
    status = RunStatus(clips=4, slots=slots(20, 50))
    meter.update(status)
    assert status.frames_per_s == pytest.approx(7.0)
    assert status.slot_frames_per_s == pytest.approx({0: 2.0, 1: 5.0})


def test_time_left_counts_this_runs_clips_and_no_slot_that_was_given_up(
    seconds: Iterator[float],
) -> None:
    meter = RateMeter(lambda: next(seconds), done_before=50)
    status = RunStatus(clips=60, done=50)
    meter.update(status)
    assert status.eta_s is None
    status.done, status.quarantined = 54, 2
    meter.update(status)
    assert status.eta_s == pytest.approx(20.0 / 4 * 4)
    meter.update(status)
    assert status.eta_s == pytest.approx(20.0 - 3.0)


def test_a_narrow_and_low_terminal_shows_the_whole_run_and_each_clips_number() -> None:
    status = RunStatus(clips=2000, done=37, faults={"outside": 3, "simulator": 1})
    status.slots = [
        SlotState(worker=n, doing="run", slot=f"two_wheeler_between_lanes-{n:05d}", map="Town10HD")
        for n in range(64)
    ]
    terminal = Console(width=80, height=24, file=io.StringIO(), record=True)
    terminal.print(progress._table(status, terminal.width))
    lines = terminal.export_text().splitlines()
    whole = " ".join(" ".join(lines[:3]).split())
    assert "37/2000 clips" in whole
    assert "3 outside faults · 1 simulator fault ·" in whole
    assert sum("two_wheeler_between_lanes-000" in line for line in lines) == 64
