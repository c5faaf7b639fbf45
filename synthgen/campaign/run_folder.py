"""The folder that a run writes into: one run at a time, writable, with room."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from synthgen.errors import ConfigError
from synthgen.store.durable import output_errors


@contextlib.contextmanager
def exclusive(dataset: Path) -> Iterator[None]:
    """Hold the dataset's lock, so that two runs never write to one folder.

    Raises:
        ConfigError: Another run holds it.
        OutputError: The folder cannot be written.
    """
    path = dataset / "run" / "lock"
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise ConfigError(f"{dataset}: another run is writing there") from err
        yield
    finally:
        os.close(descriptor)


def require_usable(dataset: Path) -> None:
    """Check that files can be made in a dataset's folder.

    Raises:
        ConfigError: They cannot.
    """
    probe = dataset / "run" / f"probe-{os.getpid()}"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as err:
        raise ConfigError(
            f"{dataset}: cannot be written: {err.strerror or err}; choose another --out"
        ) from err


def free_bytes(folder: Path) -> int:
    """Room on the disk that holds a folder."""
    return shutil.disk_usage(folder).free


def bytes_below(folder: Path) -> int:
    """Size of all files in a folder and below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
