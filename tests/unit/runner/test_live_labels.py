from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthgen.labels.clip import label_clip, sensor_frames
from synthgen.labels.frame import label_frame
from synthgen.runner import live_labels
from synthgen.runner.live_labels import LiveLabels
from synthgen.runner.stopwatch import Stopwatch
from synthgen.store import rows
from tests.unit.labels.small_clip import make_clip


def test_labels_that_lag_behind_the_run_are_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = make_clip()

    def slow(*arguments: Any, **named: Any) -> Any:
        time.sleep(0.05)
        return label_frame(*arguments, **named)

    monkeypatch.setattr(live_labels, "label_frame", slow)
    with LiveLabels(clip.objects, clip.calibration, Stopwatch()) as labels:
        for frame, seen in zip(clip.frames[:3], sensor_frames(clip), strict=False):
            states = next(states for states in clip.ticks if states.tick == frame.tick)
            labels.add(frame, states, seen)
    assert [pending.result().frame_index for pending in labels._labels] == [0, 1, 2]


def test_labels_made_during_the_run_are_those_of_the_stored_clip() -> None:
    clip = make_clip()
    stored = replace(clip, frames=[rows.frame_of_row(rows.frame_row(f)) for f in clip.frames])
    with LiveLabels(clip.objects, clip.calibration, Stopwatch(), lambda: clip.road_map) as labels:
        for frame, seen in zip(clip.frames, sensor_frames(clip), strict=True):
            states = next(states for states in clip.ticks if states.tick == frame.tick)
            labels.add(frame, states, seen)
    live = labels.tables(stored)  # type: ignore[arg-type]  # No files are read.
    for name, columns in label_clip(stored).items():
        np.testing.assert_equal(dict(live[name]), dict(columns), name)
