"""Previews of the clips of a dataset: for people, not hashed, rebuilt at will."""

from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from synthgen.preview.contact_sheet import write_contact_sheet
from synthgen.store.commit import committed_manifests

logger = logging.getLogger(__name__)


def make_previews(dataset: Path, *, workers: int) -> int:
    """Make the previews that are missing and the contact sheet; returns how many were made."""
    folder = dataset / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    clips = [manifest.parent for manifest in committed_manifests(dataset)]
    missing = [clip for clip in clips if not (folder / f"{clip.name}.webm").is_file()]
    with ThreadPoolExecutor(workers) as pool:
        made = list(pool.map(lambda clip: _make_preview(clip, folder), missing))
    write_contact_sheet(folder, [clip.name for clip in clips])
    return sum(made)


def _make_preview(clip: Path, folder: Path) -> bool:
    command = [sys.executable, "-m", "synthgen.preview", str(clip)]
    done = subprocess.run(
        [*command, str(folder / f"{clip.name}.webm")], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        logger.warning("clip %s: no preview: %s", clip.name, done.stderr.strip()[-300:])
    return done.returncode == 0
