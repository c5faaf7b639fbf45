"""Previews of the clips of a dataset: for people, not hashed, rebuilt at will."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from synthgen.preview.contact_sheet import write_contact_sheet
from synthgen.store.commit import committed_manifests
from synthgen.store.layout import clip_folder

logger = logging.getLogger(__name__)

# The least urgent work of a run: it takes the cores' time that simulation and labels leave.
_NICENESS: Final = 19


class Previews:
    """Draws each clip beside the run, as soon as it is there, in processes of their own."""

    def __init__(self, dataset: Path) -> None:
        self._dataset = dataset
        self._folder = dataset / "previews"
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count())
        self._drawn: dict[str, Future[bool]] = {}

    def draw(self, clip_id: str) -> None:
        """Begin with a clip's preview, unless it is there or begun."""
        if clip_id in self._drawn or (self._folder / f"{clip_id}.webm").is_file():
            return
        clip = clip_folder(self._dataset, clip_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drawn[clip_id] = self._pool.submit(_draw, clip, self._folder)

    def finish(self) -> None:
        """Draw what the whole dataset lacks, wait for all, and lay out the contact sheet."""
        clip_ids = [manifest.parent.name for manifest in committed_manifests(self._dataset)]
        for clip_id in clip_ids:
            self.draw(clip_id)
        self._pool.shutdown(wait=True)
        write_contact_sheet(self._folder, clip_ids)


def _draw(clip: Path, folder: Path) -> bool:
    command = [*("nice", "-n", str(_NICENESS)), sys.executable, "-m", "synthgen.preview", str(clip)]
    done = subprocess.run(
        [*command, str(folder / f"{clip.name}.webm")], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        logger.warning("clip %s: no preview: %s", clip.name, done.stderr.strip()[-300:])
    return done.returncode == 0
