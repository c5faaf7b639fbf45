"""Tells the worker outside how far this process is."""

from __future__ import annotations

import os
from pathlib import Path

from synthgen.datatypes.clip_job import Heartbeat


class Pulse:
    """Replaces the heartbeat file whole at every beat; readers never see half of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.last = Heartbeat(phase="start")

    def beat(self, phase: str, *, tick: int = 0, ticks: int = 0, frames: int = 0) -> None:
        """Say the phase and, while running, the tick."""
        self.last = Heartbeat(phase=phase, tick=tick, ticks=ticks, frames=frames)
        partial = self._path.with_suffix(".partial")
        partial.write_text(self.last.model_dump_json())
        os.replace(partial, self._path)  # noqa: PTH105 - one call, the same on every system
