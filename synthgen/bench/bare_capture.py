"""The capture loop that a user would write himself, to weigh ours against.

`python -m synthgen.bench.bare_capture` takes the arguments of `python -m synthgen.runner`. It
drives the same scenario, receives the same sensors, encodes with the same codecs and writes the
same sensor files; it makes no labels, judges nothing, hashes nothing and syncs nothing to disk.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from scenarios.verify import Verdict
from synthgen.runner import run_clip
from synthgen.runner.__main__ import main
from synthgen.store.commit import Commit


class _NoLabels:
    """Stands in for `LiveLabels`."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> _NoLabels:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, *_: object) -> None:
        """Make no labels."""


class _NoEvidence:
    """Stands in for `Evidence`."""

    first_frame: int | None = None

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def on_collision(self, _event: object) -> None:
        """Note nothing."""

    def on_lane_invasion(self, _event: object) -> None:
        """Note nothing."""

    def add_tick(self, _states: object) -> None:
        """Note nothing."""

    def add_view(self, *_: object) -> None:
        """Note nothing."""

    def events(self, _tick_ns: int) -> list[Any]:
        """No events."""
        return []


def _take_as_it_is(*_: object) -> Verdict:
    return Verdict(accepted=True, reasons=(), flags=(), metrics={})


def _no_finish(*_: object, **__: object) -> int:
    return 0


def _rename(folder: Path, dataset: Path, clip_id: str) -> Commit:
    target = dataset / "bare" / clip_id
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    return Commit.COMMITTED


def strip_runner() -> None:
    """Take out of this process's runner what a bare loop does not do."""
    for name, stand_in in (
        ("LiveLabels", _NoLabels),
        ("Evidence", _NoEvidence),
        ("judge", _take_as_it_is),
        ("finish_clip", _no_finish),
        ("commit_clip", _rename),
    ):
        assert hasattr(run_clip, name), f"the runner has no {name}: this bench is out of date"
        setattr(run_clip, name, stand_in)


if __name__ == "__main__":
    strip_runner()
    sys.exit(main())
