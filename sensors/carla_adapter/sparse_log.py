"""Measurements of sensors that say nothing where nothing happens.

No frame can wait for them: silence may mean that nothing happened. So a frame's measurements are
taken when a later frame is complete, and what comes after that is a fault.
"""

from __future__ import annotations

import threading
from typing import Any

from synthgen.errors import SensorFault


class SparseLog:
    """Keeps measurements until their frames are taken; callbacks come from any thread."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, str, Any]] = []
        self._faults: list[str] = []
        self._taken_up_to = -1
        self._lock = threading.Lock()

    def deliver(self, sensor: str, frame: int, measurement: Any) -> None:
        """Take one measurement."""
        with self._lock:
            if frame <= self._taken_up_to:
                self._faults.append(f"{sensor}: frame {frame} came too late")
            self._waiting.append((frame, sensor, measurement))

    def take(self, up_to_frame: int) -> dict[str, list[Any]]:
        """Measurements of frames not taken yet, by sensor and in the order of their frames.

        Raises:
            SensorFault: One came after its frame had been taken.
        """
        with self._lock:
            if self._faults:
                raise SensorFault("; ".join(self._faults))
            due = [item for item in self._waiting if item[0] <= up_to_frame]
            self._waiting = [item for item in self._waiting if item[0] > up_to_frame]
            self._taken_up_to = up_to_frame
        found: dict[str, list[Any]] = {}
        for _, sensor, measurement in sorted(due, key=lambda item: item[:2]):
            found.setdefault(sensor, []).append(measurement)
        return found
