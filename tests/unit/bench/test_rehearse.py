"""A rehearsal may leave out only what cannot change its verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.compile import compile_draw
from scenarios.concrete import ConcreteScenario
from scenarios.loader import load_scenario
from scenarios.metrics import Metrics, RunRecord
from scenarios.stand_in import play
from scenarios.verify import is_hit
from synthgen.runner.rehearse import first_look_s, has_seen_enough, is_over
from tests.unit.scenarios.factories import LIBRARY, town


def draw(name: str, k: int = 0) -> ConcreteScenario:
    """The first draw of a slot on our town."""
    spec = load_scenario(LIBRARY / f"{name}.yaml")
    return compile_draw(spec, index=town(), root_seed=7, k=k, draw=0)


def cut(run: RunRecord, ticks: int) -> RunRecord:
    """The run as it was after so many ticks."""
    tracks = {
        name: replace(
            track,
            xy_m=track.xy_m[:ticks],
            yaw_rad=track.yaw_rad[:ticks],
            speed_mps=track.speed_mps[:ticks],
        )
        for name, track in run.tracks.items()
    }
    frames = -(-ticks // run.capture_period_ticks)
    seen = {key: pixels[:frames] for key, pixels in run.visible_px.items()}
    return replace(run, tracks=tracks, visible_px=seen)


def test_camera_opens_a_second_before_a_standing_actor_is_due() -> None:
    concrete = draw("jaywalk_parked_van")
    assert concrete.meet is not None
    assert first_look_s(concrete) == pytest.approx(concrete.meet.planned_start_s - 1.0, abs=0.05)


@pytest.mark.parametrize("name", ["left_turn_cyclist", "lead_hard_brake"])
def test_camera_is_open_from_the_start_for_one_who_moves_already(name: str) -> None:
    assert first_look_s(draw(name)) == 0.0


def test_ten_frames_before_the_start_are_not_enough() -> None:
    concrete = draw("jaywalk_parked_van")
    run = play(concrete)
    start = Metrics(concrete, run).start_tick("walker")
    assert start is not None
    hidden = run.visible_px["walker", "front"].copy()
    hidden[start // run.capture_period_ticks :] = 0
    blind = replace(run, visible_px={**run.visible_px, ("walker", "front"): hidden})
    assert not has_seen_enough(Metrics(concrete, blind))
    assert has_seen_enough(Metrics(concrete, run))


@pytest.mark.parametrize("k", range(4))
def test_verdict_at_the_early_end_is_that_of_the_whole_run(k: int) -> None:
    concrete = draw("jaywalk_open_road", k)
    run = play(concrete)
    ends = (t for t in range(20, len(run.tracks["ego"].yaw_rad), 10) if over(concrete, run, t))
    early = Metrics(concrete, cut(run, next(ends, len(run.tracks["ego"].yaw_rad))))
    assert is_hit(concrete, early) == is_hit(concrete, Metrics(concrete, run))
    assert np.isfinite(early.offset_error_s())


def over(concrete: ConcreteScenario, run: RunRecord, ticks: int) -> bool:
    """Whether a rehearsal would have ended after so many ticks."""
    return is_over(Metrics(concrete, cut(run, ticks)))
