"""Previews of the clips of a dataset: for people, not hashed, rebuilt at will."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from synthgen.campaign.processes import OwnedProcess, reap
from synthgen.errors import OutputError
from synthgen.store.layout import clip_folder

logger = logging.getLogger(__name__)

PREVIEW_COMMAND: Final = (sys.executable, "-m", "synthgen.preview")
# The least urgent work of a run: it takes the cores' time that simulation and labels leave.
_NICENESS: Final = 19
_POLL_S: Final = 0.2


class Previews:
    """Draws each clip beside the run, as soon as it is there, in processes of their own.

    `command` is the program that draws: it is given the clip's folder and the file to write.
    """

    def __init__(self, dataset: Path, command: tuple[str, ...] = PREVIEW_COMMAND) -> None:
        self._dataset = dataset
        self._command = command
        self._folder = dataset / "previews"
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count())
        self._drawn: dict[str, Future[None]] = {}
        self._stop = threading.Event()
        # Not the run's own registry: that is reaped while previews are still drawn.
        self._registry = dataset / "run" / "previews"
        reap(self._registry)

    def draw(self, clip_id: str) -> None:
        """Begin with a clip's preview, unless it is there or begun."""
        if clip_id in self._drawn or (self._folder / f"{clip_id}.webm").is_file():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drawn[clip_id] = self._pool.submit(self._draw, clip_folder(self._dataset, clip_id))

    def finish(self, clip_ids: Sequence[str]) -> None:
        """Draw what the dataset's clips lack, wait for all, and lay them out in this order."""
        for clip_id in clip_ids:
            self.draw(clip_id)
        self._pool.shutdown(wait=True)
        from synthgen.preview.contact_sheet import write_contact_sheet  # It loads OpenCV.

        write_contact_sheet(self._folder, list(clip_ids))

    def close(self) -> None:
        """End what is being drawn; the next run draws it anew."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _draw(self, clip: Path) -> None:
        command = [*self._command, str(clip), str(self._folder / f"{clip.name}.webm")]
        log = self._registry / f"{clip.name}.log"
        try:
            with OwnedProcess(
                command, registry=self._registry, name=clip.name, log=log, niceness=_NICENESS
            ) as process:
                while process.wait(_POLL_S) is None and not self._stop.is_set():
                    pass
        except OutputError as err:
            logger.warning("clip %s: no preview: %s", clip.name, err)
            return
        if process.exit_code and not self._stop.is_set():
            logger.warning("clip %s: no preview: %s", clip.name, process.log_tail(1))
        log.unlink(missing_ok=True)
