from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from sensors.carla_adapter.exposure import ExposureWatch


def picture(level: int) -> Any:
    pixels = np.full((16, 16, 4), level, dtype=np.uint8)
    return SimpleNamespace(raw_data=pixels.tobytes(), height=16, width=16)


def ticks_until_stable(*levels: tuple[int, int]) -> int:
    watch = ExposureWatch()
    for tick, (left, right) in enumerate(levels, start=1):
        if watch.is_stable({"left/rgb": picture(left), "right/rgb": picture(right)}):
            return tick
    return 0


def test_exposure_is_stable_once_no_camera_has_drifted_for_three_ticks() -> None:
    settling = [(40, 90), (60, 90), (80, 90), (90, 90)]
    assert ticks_until_stable(*settling, (90, 90), (90, 90), (90, 90), (90, 90)) == 7


def test_exposure_that_never_rests_is_not_stable() -> None:
    assert ticks_until_stable(*[(100 + 20 * (k % 2), 90) for k in range(20)]) == 0


def test_rig_without_colour_cameras_has_no_exposure_to_wait_for() -> None:
    assert ExposureWatch().is_stable({})
