"""Whether automatic exposure has settled.

CARLA's cameras adapt over time, 1 stop a second towards the dark and 3 towards the light by default
(`exposure_speed_down`, `exposure_speed_up`), so the first pictures of a camera are too dark or too
bright.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from sensors.carla_adapter.images import bgra

# A fifth of the slowest adaption at 20 ticks a second.
_DRIFT_STOPS: Final = 0.01
_CALM_TICKS: Final = 3
_STRIDE: Final = 8
_GAMMA: Final = 2.2


class ExposureWatch:
    """Looks at every camera's pictures, tick after tick."""

    def __init__(self) -> None:
        self._before: dict[str, float] = {}
        self._calm = 0

    def is_stable(self, pictures: Mapping[str, Any]) -> bool:
        """Whether no camera's brightness has drifted for some ticks, this one included.

        Args:
            pictures: A `carla.Image` of every colour camera of the rig, of the same tick.
        """
        now = {key: _brightness_stops(picture) for key, picture in pictures.items()}
        drifts = [abs(now[key] - self._before.get(key, math.inf)) for key in now]
        self._calm = self._calm + 1 if max(drifts, default=0.0) < _DRIFT_STOPS else 0
        self._before = now
        return self._calm >= _CALM_TICKS or not pictures


def _brightness_stops(picture: Any) -> float:
    level = float(bgra(picture)[::_STRIDE, ::_STRIDE, :3].mean()) / 255
    return _GAMMA * math.log2(max(level, 1e-4))
