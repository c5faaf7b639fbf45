"""Writing so that what is seen is whole, and stays after a power cut."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from synthgen.errors import OutputError

_PROBE_BYTES: Final = 64 * 1024


@contextlib.contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into an OutputError that names `path`."""
    try:
        yield
    except OSError as err:
        raise OutputError(f"{path}: cannot write: {err.strerror or err}") from err


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make every file and folder below `folder` durable, and `folder` itself last."""
    for parent, _folders, files in os.walk(folder, topdown=False):
        for name in sorted(files):
            descriptor = os.open(Path(parent, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(parent))


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file, replacing an old one; readers see all of the old or all of the new.

    Raises:
        OutputError: The disk refused; the old file is untouched.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        sync_folder(path.parent)


def require_writable(folder: Path) -> None:
    """Write and remove a small file in a folder.

    Raises:
        OutputError: The disk refused; it is full, or worse.
    """
    probe = folder / f"{uuid.uuid4().hex}.probe"
    with output_errors(folder):
        try:
            with probe.open("xb") as file:
                file.write(bytes(_PROBE_BYTES))
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durable in its parent."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync_folder(new.parent)
