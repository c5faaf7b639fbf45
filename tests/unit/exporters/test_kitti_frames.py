from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from exporters.kitti.sensors import frames_of_both


@pytest.mark.parametrize(
    ("camera", "lidar", "both"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 2, 3, 4], [1, 3], [1, 3]),
        ([0, 2, 4], [0, 1, 2, 3, 4, 5], [0, 2, 4]),
        ([0, 2, 4], [1, 3, 5], []),
        ([], [0, 1], []),
    ],
)
def test_only_captures_of_both_sensors_make_a_frame(
    camera: list[int], lidar: list[int], both: list[int]
) -> None:
    clip: Any = SimpleNamespace(
        frames=[SimpleNamespace(frame_index=index) for index in range(6)],
        images=lambda _: iter([(index, "png", b"") for index in camera]),
        sweeps=lambda _: iter([SimpleNamespace(frame_index=index) for index in lidar]),
    )
    sensor: Any = SimpleNamespace(name="")
    found = [frame.record.frame_index for frame in frames_of_both(clip, sensor, sensor)]
    assert found == both
