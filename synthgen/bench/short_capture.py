"""The capture program of `bench pipeline --rig`: the whole path, but so many captures only.

`python -m synthgen.bench.short_capture` takes the arguments of `python -m synthgen.runner`. The
run ends after the captures that the environment's SYNTHGEN_BENCH_FRAMES asks for, and its clip is
taken whatever has happened by then.
"""

from __future__ import annotations

import os
import sys

from scenarios.behaviours.stage import Event
from scenarios.verify import Verdict
from synthgen.bench.rig import FRAMES_VARIABLE
from synthgen.runner import run_clip
from synthgen.runner.__main__ import main


class ShortStage(run_clip.Stage):
    """A run that ends early."""

    def is_settled(self, tick: int, events: tuple[Event, ...]) -> bool:
        """Whether the wanted captures are made."""
        return self.frame_count >= int(os.environ[FRAMES_VARIABLE])


def _take_as_it_is(*_: object) -> Verdict:
    return Verdict(accepted=True, reasons=(), flags=(), metrics={})


if __name__ == "__main__":
    for name, stand_in in (("Stage", ShortStage), ("judge", _take_as_it_is)):
        assert hasattr(run_clip, name), f"the runner has no {name}: this bench is out of date"
        setattr(run_clip, name, stand_in)
    sys.exit(main())
