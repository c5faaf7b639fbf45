"""The real capture process with bad habits, by slot number (see `Habits`).

`python -m synthgen.bench.chaos.capture` takes the arguments of `python -m synthgen.runner`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from synthgen.datatypes.clip_job import ClipJob
from synthgen.runner import heartbeat
from synthgen.runner.__main__ import main

HABITS_VARIABLE: Final = "SYNTHGEN_CHAOS_HABITS"
_CRASH_TICK: Final = 7
_HANG_TICK: Final = 9
_FLAKY_TICK: Final = 4


class Habits(BaseModel):
    """Slots that always crash, always hang, or crash the first time only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crash: tuple[int, ...] = ()
    hang: tuple[int, ...] = ()
    flaky: tuple[int, ...] = ()


def misbehave(job: ClipJob, tick: int, habits: Habits) -> None:
    """Crash or hang at a tick, if that is the slot's habit."""
    k = job.slot.k
    if k in habits.crash and tick == _CRASH_TICK:
        os.kill(os.getpid(), signal.SIGSEGV)
    if k in habits.hang and tick == _HANG_TICK:
        time.sleep(3600)
    marker = Path(job.dataset) / "run" / f"flaky-{k}"
    if k in habits.flaky and tick == _FLAKY_TICK and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGABRT)


def _with_habits(job: ClipJob, habits: Habits) -> None:
    beat = heartbeat.Pulse.beat

    def beat_and_misbehave(
        pulse: heartbeat.Pulse, phase: str, *, tick: int = 0, ticks: int = 0, frames: int = 0
    ) -> None:
        beat(pulse, phase, tick=tick, ticks=ticks, frames=frames)
        if phase == "run":
            misbehave(job, tick, habits)

    heartbeat.Pulse.beat = beat_and_misbehave  # type: ignore[method-assign, assignment] # on purpose


if __name__ == "__main__":
    job_file = Path(sys.argv[sys.argv.index("--job") + 1])
    _with_habits(
        ClipJob.model_validate_json(job_file.read_bytes()),
        Habits.model_validate(json.loads(os.environ.get(HABITS_VARIABLE, "{}"))),
    )
    sys.exit(main())
