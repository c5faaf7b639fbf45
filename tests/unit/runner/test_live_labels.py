from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synthgen.geometry.se3 import SE3
from synthgen.labels.clip import label_clip, sensor_frames
from synthgen.labels.frame import SensorFrames, label_frame
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
    pose = rows.stored_pose
    stored = replace(
        clip,
        frames=[rows.frame_of_row(rows.frame_row(f)) for f in clip.frames],
        cameras={
            name: [replace(image, world_from_camera=pose(image.world_from_camera)) for image in of]
            for name, of in clip.cameras.items()
        },
        lidars={
            name: [replace(sweep, world_from_lidar=pose(sweep.world_from_lidar)) for sweep in of]
            for name, of in clip.lidars.items()
        },
    )
    with LiveLabels(clip.objects, clip.calibration, Stopwatch(), lambda: clip.road_map) as labels:
        for frame, seen in zip(clip.frames, sensor_frames(clip), strict=True):
            states = next(states for states in clip.ticks if states.tick == frame.tick)
            labels.add(frame, states, seen)
    live = labels.tables(stored)  # type: ignore[arg-type]  # No files are read.
    for name, columns in label_clip(stored).items():
        np.testing.assert_equal(dict(live[name]), dict(columns), name)


def test_sensors_stand_during_the_run_where_the_stored_clip_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = make_clip()
    turned = SE3(Rotation.from_euler("zyx", [0.3, 0.2, 0.1]).as_matrix(), np.zeros(3))
    read = rows.pose_of_row("a", rows.pose_row("a", turned))
    assert (np.array(read.rotation) != np.array(turned.rotation)).any()
    seen = next(iter(sensor_frames(clip)))
    seen = replace(
        seen,
        cameras=[replace(c, world_from_camera=turned) for c in seen.cameras],
        lidars=[replace(s, world_from_lidar=turned) for s in seen.lidars],
    )
    given: list[SensorFrames] = []
    monkeypatch.setattr(live_labels, "label_frame", lambda *_, sensors, **__: given.append(sensors))
    with LiveLabels(clip.objects, clip.calibration, Stopwatch()) as labels:
        labels.add(clip.frames[0], clip.ticks[0], seen)
    poses = [
        *(c.world_from_camera for c in given[0].cameras),
        *(s.world_from_lidar for s in given[0].lidars),
    ]
    assert len(poses) == 2
    for pose in poses:
        np.testing.assert_array_equal(np.array(pose.rotation), np.array(read.rotation))
