"""What is told of a recording, against the words of CARLA's documentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthgen.simserver.world.recorder_queries import collisions
from synthgen.simserver.world.recording import (
    Header,
    RecordedActor,
    RecordedFrame,
    frame_bytes,
    header_bytes,
)


def frame(time_s: float, created: list[RecordedActor], touching: list[list[int]]) -> RecordedFrame:
    ids, motion = np.zeros(0, np.uint32), np.zeros((0, 15), np.float32)
    return RecordedFrame(time_s, created, [], ids, motion, [], [], [], touching, None)


def test_collisions_are_told_as_in_the_documentation(tmp_path: Path) -> None:
    motorbike = RecordedActor(122, "vehicle.yamaha.yzf", [], [0.0] * 6, 0)
    police = RecordedActor(118, "vehicle.dodge_charger.police", [], [0.0] * 6, 0)
    frames = [
        frame(0.0, [police, motorbike], []),
        frame(16.0, [], [[122, 118]]),
        frame(27.0, [], [[122, 0]]),
        frame(46.0, [], []),
    ]
    path = tmp_path / "recording01.log"
    header = header_bytes(Header("Town05", "02/19/19 15:36:08", has_kinematics=False))
    path.write_bytes(header + b"".join(frame_bytes(each) for each in frames))

    told = collisions(str(path), "v", "a")

    # CARLA documentation, "Recorder", Collisions; only the number of frames is ours.
    assert told.splitlines() == [
        "Version: 1",
        "Map: Town05",
        "Date: 02/19/19 15:36:08",
        "",
        "    Time  Types     Id Actor 1                                 Id Actor 2",
        "      16   v v     122 vehicle.yamaha.yzf                     118 "
        "vehicle.dodge_charger.police",
        "      27   v o     122 vehicle.yamaha.yzf                       0",
        "",
        "Frames: 4",
        "Duration: 46 seconds",
    ]
