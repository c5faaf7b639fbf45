"""When a managed tick is answered, by a clock that stands still unless it is moved."""

from __future__ import annotations

import pytest

from synthgen.simserver.world import manager_pace
from synthgen.simserver.world.manager_pace import ManagerPace


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        """What `time.monotonic` tells."""
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the module under test."""
    clock = Clock()
    monkeypatch.setattr(manager_pace, "time", clock)
    return clock


def test_tick_waits_until_a_manager_that_asked_sleeps(clock: Clock) -> None:
    pace = ManagerPace()
    pace.note_controls()
    assert pace.note_question() == 0.0
    pace.begin_tick(is_managed=True)
    assert pace.seconds_to_end() == pytest.approx(manager_pace.FALLING_ASLEEP_S)
    clock.now_s += manager_pace.FALLING_ASLEEP_S
    assert pace.seconds_to_end() == pytest.approx(0.0, abs=1e-9)


def test_question_during_the_tick_shortens_the_wait(clock: Clock) -> None:
    pace = ManagerPace()
    pace.note_controls()
    pace.begin_tick(is_managed=True)
    assert pace.seconds_to_end() == pytest.approx(manager_pace.ASKING_S)
    clock.now_s += 0.001
    assert pace.note_question() == 0.0
    assert pace.seconds_to_end() == pytest.approx(manager_pace.FALLING_ASLEEP_S)


@pytest.mark.usefixtures("clock")
def test_question_after_the_tick_is_answered_late_once() -> None:
    pace = ManagerPace()
    pace.note_controls()
    pace.begin_tick(is_managed=True)
    pace.end_tick()
    assert pace.note_question() == manager_pace.LATE_ANSWER_S
    assert pace.note_question() == 0.0


@pytest.mark.usefixtures("clock")
def test_tick_without_a_manager_is_answered_at_once() -> None:
    pace = ManagerPace()
    pace.note_controls()
    pace.begin_tick(is_managed=False)
    assert pace.seconds_to_end() is None


def test_manager_that_stays_silent_after_a_tick_is_stuck(clock: Clock) -> None:
    pace = ManagerPace()
    pace.note_controls()
    pace.begin_tick(is_managed=True)
    pace.end_tick()
    assert pace.seconds_to_wake_up() == pytest.approx(manager_pace.LONGEST_MANAGED_STEP_S)
    clock.now_s += manager_pace.LONGEST_MANAGED_STEP_S
    assert pace.seconds_to_wake_up() == 0.0


def test_controls_after_a_tick_show_that_the_manager_lives(clock: Clock) -> None:
    pace = ManagerPace()
    pace.note_controls()
    pace.begin_tick(is_managed=True)
    pace.end_tick()
    clock.now_s += 1.0
    pace.note_controls()
    assert pace.seconds_to_wake_up() is None


@pytest.mark.usefixtures("clock")
def test_silence_after_a_tick_without_controls_is_no_sign() -> None:
    pace = ManagerPace()
    pace.begin_tick(is_managed=True)
    pace.end_tick()
    assert pace.seconds_to_wake_up() is None


@pytest.mark.usefixtures("clock")
def test_question_is_awaited_from_the_tick_until_it_comes() -> None:
    pace = ManagerPace()
    pace.note_controls()
    assert not pace.awaits_question
    pace.begin_tick(is_managed=True)
    assert pace.awaits_question
    pace.note_question()
    assert not pace.awaits_question
