"""Finds the processes of a run by a mark in their environment, and kills some.

It knows nothing of the run but that mark and what its command lines look like.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

MARK_VARIABLE: Final = "SYNTHGEN_CHAOS_RUN"
# How often a kind is chosen; a driver's death costs the whole run's start.
WEIGHTS: Final = {"driver": 0.6, "actor": 2.0, "guard": 2.0, "capture": 3.0, "server": 3.0}


@dataclass(frozen=True, slots=True)
class Kill:
    """One process that was killed."""

    kind: str
    pid: int
    time_s: float


def processes_with(mark: str) -> list[int]:
    """All processes that inherited the mark."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return sorted(found)


def kind_of(pid: int) -> str | None:
    """What a process of the run is; None for what is not to be killed (Ray's own daemons)."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return None
    if "guard.py" in line:
        return "guard"
    if "--heartbeat" in line:
        return "capture"
    if "-carla-rpc-port=" in line or "synthgen.simserver --port" in line:
        return "server"
    if "chaos.driver" in line:
        return "driver"
    return "actor" if line.startswith("ray::SlotActor") else None


def kill_one(
    mark: str, targets: Mapping[str, float], rng: np.random.Generator, now_s: float
) -> Kill | None:
    """SIGKILL one process of the run; None if there is none of the kind that was chosen.

    The kind is chosen first, so that a driver that is still alone is not hit all the time.
    """
    kinds = sorted(targets)
    weights = np.array([targets[kind] for kind in kinds])
    kind = str(rng.choice(kinds, p=weights / weights.sum()))
    pids = [pid for pid in processes_with(mark) if kind_of(pid) == kind]
    if not pids:
        return None
    pid = int(rng.choice(pids))
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return Kill(kind, pid, now_s)
