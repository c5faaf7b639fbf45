"""Rates and the time left, by a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
