"""A clip appears in a dataset whole or not at all, and once.

An attempt writes into a private folder below the staging folder, named after the clip and the
process that owns it. `commit_clip` makes it durable and renames it to its final name. Renaming a
folder onto one that is not empty fails on every POSIX file system, and a committed clip is never
empty, so of several attempts exactly one wins. Folders of attempts whose process is gone are
collected at the start and the end of a run; those of other hosts once nothing was written to them
for a day.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from synthgen.store.durable import make_folder, output_errors, sync_folder, sync_tree
from synthgen.store.layout import MANIFEST, clip_folder
from synthgen.store.process_identity import ProcessIdentity

STAGING: Final = ".staging"
_SEPARATOR: Final = "~"
# No capture process lives for so long (deadlines.clip_s), whatever the clocks of two hosts say.
_ABANDONED_S: Final = 86_400.0
_TAKEN: Final = (errno.EEXIST, errno.ENOTEMPTY)


class Commit(enum.Enum):
    """How a commit ended."""

    COMMITTED = "committed"
    EXISTS = "exists"
    DIFFERS = "differs"


@contextlib.contextmanager
def staged_clip(staging: Path, clip_id: str) -> Iterator[Path]:
    """A fresh folder for one attempt at a clip; what is left of it at the end is removed.

    Args:
        staging: The dataset's staging folder, on the same file system as its clips.
        clip_id: Clip that is attempted.

    Raises:
        OutputError: The disk refused.
    """
    folder = staging / _attempt_name(clip_id)
    with output_errors(folder):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit_clip(folder: Path, dataset: Path, clip_id: str) -> Commit:
    """Make a finished clip folder durable and give it its name in the dataset.

    Args:
        folder: Folder with all files of the clip, its manifest among them; gone afterwards if
            the clip was committed, untouched if not.
        dataset: Root folder of the dataset.
        clip_id: The clip's name.

    Returns:
        `COMMITTED`, or `EXISTS` if another attempt was first, or `DIFFERS` if that one's manifest
        holds other bytes, which a deterministic simulator must never cause.

    Raises:
        OutputError: The disk refused; the clip is in the dataset whole or not at all.
    """
    target = clip_folder(dataset, clip_id)
    assert (folder / MANIFEST).is_file(), "the manifest is written before the commit"
    with output_errors(target):
        sync_tree(folder)
        make_folder(target.parent)
        try:
            os.rename(folder, target)  # noqa: PTH104 - Path.rename says nothing of folders.
        except OSError as err:
            if err.errno not in _TAKEN:
                raise
            same = (target / MANIFEST).read_bytes() == (folder / MANIFEST).read_bytes()
            return Commit.EXISTS if same else Commit.DIFFERS
        sync_folder(target.parent)
    return Commit.COMMITTED


def commit_labels(folder: Path, target: Path) -> None:
    """Make a finished labels folder durable and move it into a clip.

    Args:
        folder: The folder, on the file system of the dataset.
        target: `labels/<version>` of a committed clip, which is not there yet.

    Raises:
        OutputError: The disk refused, or another attempt was first; the target is whole or absent.
    """
    with output_errors(target):
        sync_tree(folder)
        make_folder(target.parent)
        folder.rename(target)
        sync_folder(target.parent)


def collect_staging(staging: Path) -> int:
    """Remove the attempts whose process on this host is gone; returns how many."""
    collected = 0
    for attempt in sorted(staging.glob("*")):
        if not _is_in_use(attempt):
            shutil.rmtree(attempt, ignore_errors=True)
            collected += 1
    return collected


def _attempt_name(clip_id: str) -> str:
    owner = ProcessIdentity.own()
    parts = (clip_id, uuid.uuid4().hex[:8], owner.pid, owner.start_ticks, owner.boot_id, owner.host)
    return _SEPARATOR.join(str(part) for part in parts)


def _is_in_use(attempt: Path) -> bool:
    """True for a live owner here; an owner on another host is judged by when it last wrote."""
    parts = attempt.name.split(_SEPARATOR)
    if len(parts) != 6:
        return False
    owner = ProcessIdentity(int(parts[2]), int(parts[3]), parts[4], parts[5])
    return owner.is_alive if owner.is_local else _idle_s(attempt) < _ABANDONED_S


def _idle_s(folder: Path) -> float:
    """For how long nothing below a folder was written; 0 if it vanishes meanwhile."""
    now_s = time.clock_gettime(time.CLOCK_REALTIME)  # The clock of file times.
    try:
        return now_s - max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return 0.0


def committed_manifests(dataset: Path) -> Iterator[Path]:
    """Manifests of all clips of a dataset, sorted by clip id."""
    yield from sorted(dataset.glob(f"clips/[0-9a-f][0-9a-f]/*/{MANIFEST}"), key=_clip_name)


def _clip_name(manifest: Path) -> str:
    return manifest.parent.name
