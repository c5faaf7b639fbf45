"""Wall time by phase, added up over a clip; laps of several threads may overlap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds by phase name."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def lap(self, phase: str) -> Iterator[None]:
        """Add the time spent inside to a phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(phase, time.perf_counter() - start)

    def add(self, phase: str, seconds: float) -> None:
        """Add seconds to a phase."""
        with self._lock:
            self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    def seconds(self) -> dict[str, float]:
        """Seconds by phase, rounded to milliseconds, in order of first use, and in `total`."""
        with self._lock:
            found = {phase: round(value, 3) for phase, value in self._seconds.items()}
        return {**found, "total": round(time.perf_counter() - self._started, 3)}
