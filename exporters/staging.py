"""Where an export grows before it gets its name: nobody sees half of it, a later run goes on.

`<out>.partial/` holds the files of finished clips, `.parts/<clip_id>.json` what their map step
returned (it is written last, so a clip without one is done again), `.work/<clip_id>/` the files of
clips at work. In the end the folder loses `.parts` and `.work` and is renamed to `<out>`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from synthgen.errors import OutputError
from synthgen.store.durable import output_errors, write_durably

MANIFEST: Final = "synthgen-export.json"


class Staging:
    """The growing folder of one export."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts = folder / ".parts"
        self._work = folder / ".work"

    def prepare(self, document: dict[str, Any]) -> None:
        """Keep what an earlier run with the same settings left, clear away anything else."""
        settings = self._parts / "settings.json"
        if _document(settings) != document:
            for path in list(self.folder.iterdir()):
                if path.name != ".lock":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(self._work, ignore_errors=True)
        self._parts.mkdir(exist_ok=True)
        write_durably(settings, _text(document))

    def has_part(self, clip_id: str) -> bool:
        """True where a clip is finished."""
        return self._part(clip_id).is_file()

    @contextmanager
    def clip(self, clip_id: str) -> Iterator[Path]:
        """A folder for the files of one clip; they join the others when the block ends well."""
        work = self._work / clip_id
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        yield work
        paths = files_below(work)
        for parent in sorted({(self.folder / path).parent for path in paths}):
            parent.mkdir(parents=True, exist_ok=True)
        for path in paths:
            (work / path).replace(self.folder / path)
        shutil.rmtree(work)

    def commit(self, clip_id: str, part: dict[str, Any]) -> None:
        """Note that a clip is finished."""
        # On one line: Python writes indented JSON ten times as slowly.
        write_durably(self._part(clip_id), json.dumps(part, ensure_ascii=False).encode())

    def part(self, clip_id: str) -> dict[str, Any]:
        """What `commit` took."""
        document: dict[str, Any] = json.loads(self._part(clip_id).read_bytes())
        return document

    def publish(self, out: Path) -> None:
        """Give the finished folder its name."""
        for folder in (self._parts, self._work):
            shutil.rmtree(folder, ignore_errors=True)
        (self.folder / ".lock").unlink()
        os.sync()  # Files before the name, once for all of them.
        self.folder.rename(out)

    def _part(self, clip_id: str) -> Path:
        return self._parts / f"{clip_id}.json"


@contextmanager
def staged(out: Path, settings: dict[str, Any]) -> Iterator[Staging]:
    """A folder that becomes `out` when the block ends well and is kept when it does not.

    Args:
        out: Where the export shall stand.
        settings: What the export depends on, as JSON; what an earlier run with equal settings
            finished is there already.

    Raises:
        OutputError: `out` is there already, another process is at work on it, or the disk refused.
    """
    if out.exists() or out.is_symlink():
        raise OutputError(f"{out}: expected a new folder, found one; remove it or name another")
    staging = Staging(out.with_name(f"{out.name}.partial"))
    with output_errors(out):
        staging.folder.mkdir(parents=True, exist_ok=True)
        with (staging.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise OutputError(f"{out}: another export is at work on it") from err
            staging.prepare(settings)
            yield staging
            write_durably(staging.folder / MANIFEST, _text(settings))
            staging.publish(out)


def exported_settings(out: Path) -> dict[str, Any] | None:
    """The settings of a finished export, or None where there is none."""
    return _document(out / MANIFEST)


def files_below(folder: Path) -> list[str]:
    """Relative paths of all files, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document
