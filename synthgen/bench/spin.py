"""What two cores of this host give together: two hyperthreads of one core are not two cores.

`python -m synthgen.bench.spin CORE` counts on one core and prints how long it took.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Final

from synthgen.errors import ConfigError

_COUNTS: Final = 20_000_000
_REPEATS: Final = 3


def two_core_speed_up() -> float:
    """Work done per time by two pinned counting loops, against one of them alone.

    The cores are those that `pin_slots` takes. Alone and together alternate, so that a host whose
    speed wanders slows both.

    Raises:
        ConfigError: This process may use one core only.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise ConfigError("scaling: expected two cores, this process may use one; see taskset")
    first, second = cores[:2]
    alone_s, together_s = [], []
    for _ in range(_REPEATS):
        alone_s += _spin_s(first)
        together_s += _spin_s(first, second)
    return round(2 * statistics.median(alone_s) / statistics.median(together_s), 3)


def _spin_s(*cores: int) -> list[float]:
    """How long each of the loops takes that run at the same time."""
    command = [sys.executable, "-m", __name__]
    loops = [
        subprocess.Popen([*command, str(core)], stdout=subprocess.PIPE, text=True) for core in cores
    ]
    return [float(loop.communicate()[0]) for loop in loops]


def _spin(core: int) -> float:
    os.sched_setaffinity(0, {core})
    start = time.monotonic()
    total = 0
    for number in range(_COUNTS):
        total += number & 3
    return time.monotonic() - start


if __name__ == "__main__":
    sys.stdout.write(f"{_spin(int(sys.argv[1]))}\n")
