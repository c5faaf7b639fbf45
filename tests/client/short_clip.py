"""Makes a clip of two captures that is accepted whatever it shows: `synthgen.runner`'s arguments.

A program of its own, as the capture process is: a client whose server has gone may abort.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from scenarios.verify import Verdict
from synthgen.runner import run_clip
from synthgen.runner.__main__ import main

CAPTURES: Final = 2


class ShortStage(run_clip.Stage):
    """Ends after some captures."""

    def is_settled(self, tick: int, events: Any) -> bool:
        return self.frame_count >= CAPTURES


def _accept(*_: object) -> Verdict:
    return Verdict(accepted=True, reasons=(), flags=(), metrics={})


if __name__ == "__main__":
    # Put in as a test's monkeypatch would.
    run_clip.Stage = ShortStage  # type: ignore[misc]
    run_clip.judge = _accept  # type: ignore[assignment]
    sys.exit(main())
