"""Compiling a program's kernels once, before several processes would all do so."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from synthgen.campaign.config import PACKAGE_ROOT
from synthgen.errors import SimulatorLost
from synthgen.user_cache import user_cache

_SOURCES: Final = (PACKAGE_ROOT / "synthgen", PACKAGE_ROOT / "scenarios")
_CPU: Final = Path("/proc/cpuinfo")


def warm_up(*program: str, note: Callable[[str], None]) -> None:
    """Run `python -m PROGRAM…`, which compiles and says how far it is, unless nothing is to do.

    Args:
        program: Module and arguments.
        note: Told each line that it prints.

    Raises:
        SimulatorLost: It failed.
    """
    if _mark(program).exists():
        return
    _run(program, note)
    mark = _mark(program)  # Anew: what was compiled lies in the caches now.
    with contextlib.suppress(OSError):  # Without it the next run warms up again, that is all.
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _run(program: tuple[str, ...], note: Callable[[str], None]) -> None:
    last = ""
    with subprocess.Popen(
        [sys.executable, "-m", *program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                last = line.rstrip()
                note(last)
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode != 0:
        raise SimulatorLost(f"{program[0]} could not warm up: {last}")


def _mark(program: tuple[str, ...]) -> Path:
    """The empty file that says: a program found all its kernels compiled in this very state."""
    digest = hashlib.sha256("\n".join([*program, *_state()]).encode())
    return user_cache() / "warm" / digest.hexdigest()[:32]


def _state() -> Iterator[str]:
    """All that decides whether numba compiles: versions, processor, sources, and its caches."""
    yield f"{sys.version} numba {version('numba')} llvmlite {version('llvmlite')}"
    yield from sorted({line for line in _cpu_lines() if line.startswith(("model name", "flags"))})
    for source in sorted(path for folder in _SOURCES for path in folder.rglob("*.py")):
        stat = source.stat()
        yield f"{source} {stat.st_mtime_ns} {stat.st_size}"
    kernels = Path(os.environ.get("NUMBA_CACHE_DIR") or user_cache() / "kernels")
    for folder in (*_SOURCES, kernels):
        yield from sorted(str(path) for path in folder.rglob("*.nb[ci]"))


def _cpu_lines() -> list[str]:
    return _CPU.read_text().splitlines() if os.access(_CPU, os.R_OK) else []
