"""How long a first start compiles, with an empty cache, and how long a second one looks."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from synthgen.user_cache import CACHE_VARIABLE

_SERVER: Final = ("synthgen.simserver", "warmup")
_LABELS: Final = ("synthgen.labels.warmup",)
_GROUP: Final = re.compile(r"^warmup (\w+): ([\d.]+) s$", re.MULTILINE)


def bench_compile(folder: Path) -> dict[str, float]:
    """Figures of `bench compile`, seconds.

    `first_compile_s` is what the server needs on its first start, `<group>_compile_s` each group
    of its kernels (two processes share them), `first_compile_cpu_s` processor time of both,
    `warm_start_s` the same once more, with all kernels in the cache; `labels_compile_s` is the
    program that labels.

    Args:
        folder: Empty; the cache of all that is run.
    """
    before = _children_cpu_s()
    first_s, said = _timed(folder, *_SERVER)
    cpu_s = _children_cpu_s() - before
    found = {"first_compile_s": first_s, "first_compile_cpu_s": round(cpu_s, 2)}
    found |= {f"{name}_compile_s": float(taken) for name, taken in _GROUP.findall(said)}
    found["warm_start_s"], _ = _timed(folder, *_SERVER)
    found["labels_compile_s"], _ = _timed(folder, *_LABELS)
    found["cpus"] = len(os.sched_getaffinity(0))
    return found


def _timed(cache: Path, *program: str) -> tuple[float, str]:
    """Wall time of a program, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment[CACHE_VARIABLE] = str(cache)
    command = [sys.executable, "-m", *program]
    began = time.monotonic()
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return round(time.monotonic() - began, 2), done.stdout


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
