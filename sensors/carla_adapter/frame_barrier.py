"""A frame is complete or it is a fault: collects one measurement of every sensor per frame.

Callbacks come from the client's stream threads, `collect` is called by the tick loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from synthgen.errors import SensorFault


class FrameBarrier:
    """Waits until every sensor has delivered exactly the asked frame.

    Measurements of frames before the first collected one are dropped (warm-up); after that a
    measurement that is late, double or of an unasked frame is a fault.
    """

    def __init__(self, sensors: Iterable[str], *, measure_between: bool = False) -> None:
        """Wait for these sensors.

        Args:
            sensors: Their names.
            measure_between: They also measure frames that nobody asks for, which are dropped.
        """
        self._sensors = tuple(sensors)
        self._measure_between = measure_between
        self._asked: set[int] = set()
        self._arrived: dict[int, dict[str, Any]] = {}
        self._faults: list[str] = []
        self._collected_up_to = -1
        self._changed = threading.Condition()

    def deliver(self, sensor: str, frame: int, measurement: Any) -> None:
        """Take one measurement; called from any thread."""
        with self._changed:
            if frame <= self._collected_up_to:
                if frame in self._asked or not self._measure_between:
                    done = self._collected_up_to
                    self._faults.append(
                        f"{sensor}: frame {frame} came after frame {done} was complete"
                    )
            elif sensor in self._arrived.setdefault(frame, {}):
                self._faults.append(f"{sensor}: frame {frame} came twice")
            else:
                self._arrived[frame][sensor] = measurement
            self._changed.notify_all()

    def collect(self, frame: int, deadline_s: float) -> dict[str, Any]:
        """All sensors' measurements of one frame, keyed by sensor name.

        Raises:
            SensorFault: One is missing after `deadline_s`, came twice, came late, or belongs to
                a frame nobody asked for.
        """
        stop_at = time.monotonic() + deadline_s
        with self._changed:
            while len(self._arrived.get(frame, {})) < len(self._sensors) and not self._faults:
                if not self._changed.wait(stop_at - time.monotonic()):
                    break
            return self._take(frame, deadline_s)

    def _take(self, frame: int, deadline_s: float) -> dict[str, Any]:
        arrived = self._arrived.pop(frame, {})
        if self._faults:
            raise SensorFault(f"frame {frame}: {'; '.join(self._faults)}")
        missing = [name for name in self._sensors if name not in arrived]
        if missing:
            raise SensorFault(
                f"frame {frame}: no data from {', '.join(missing)} after {deadline_s:.1f} s "
                f"({len(arrived)} of {len(self._sensors)} sensors arrived){self._instead(missing)}"
            )
        stray = sorted(other for other in self._arrived if other < frame)
        if stray and self._collected_up_to >= 0 and not self._measure_between:
            raise SensorFault(f"frame {frame}: data of frames {stray} that were not asked for")
        for other in stray:
            del self._arrived[other]
        self._collected_up_to = frame
        self._asked.add(frame)
        return arrived

    def _instead(self, missing: list[str]) -> str:
        """Which other frames the missing sensors have delivered, in words."""
        others = {
            name: sorted(frame for frame, by_name in self._arrived.items() if name in by_name)
            for name in missing
        }
        found = [f"{name} sent frame {frames[-1]}" for name, frames in others.items() if frames]
        return f"; {', '.join(found)} instead" if found else ""
