"""Compiling a program's kernels once, before several processes would all do so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from synthgen.errors import SimulatorLost


def warm_up(*program: str, note: Callable[[str], None]) -> None:
    """Run `python -m PROGRAM…`, which compiles and says how far it is.

    Args:
        program: Module and arguments.
        note: Told each line that it prints.

    Raises:
        SimulatorLost: It failed.
    """
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
