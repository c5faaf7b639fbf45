"""However a process that shares its work ends, nobody is left working for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, os, sys, time
from pathlib import Path
from synthgen.worker_pool import worker_pool

def work(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    with worker_pool(2, multiprocessing.get_context(sys.argv[1])) as pool:
        for task in [pool.submit(work, sys.argv[2]) for _ in range(4)]:
            task.result()
"""
LONG_S = 60.0


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_killed_owner(
    tmp_path: Path, context: str, number: signal.Signals
) -> None:
    owner = start(tmp_path, context)
    workers = pids(tmp_path)
    owner.send_signal(number)
    owner.communicate()
    assert owner.returncode == -number
    wait_until_gone(workers)


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_interrupt_of_the_whole_group_is_told_by_the_owner_alone(
    tmp_path: Path, context: str
) -> None:
    owner = start(tmp_path, context)
    workers = pids(tmp_path)
    os.killpg(owner.pid, signal.SIGINT)
    _, errors = owner.communicate(timeout=LONG_S)
    assert owner.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    wait_until_gone(workers)


def start(folder: Path, context: str) -> subprocess.Popen[str]:
    """A program of two workers, both of them at work."""
    program, marks = folder / "program.py", folder / "marks"
    program.write_text(PROGRAM)
    marks.mkdir()
    owner = subprocess.Popen(
        [sys.executable, str(program), context, str(marks)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait(lambda: len(pids(folder)) == 2)
    return owner


def pids(folder: Path) -> list[int]:
    return [int(mark.name) for mark in (folder / "marks").iterdir()]


def wait_until_gone(workers: list[int]) -> None:
    wait(lambda: not any(is_alive(pid) for pid in workers))


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"  # Nobody may be there to collect it.


def wait(until: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LONG_S
    while not until():
        assert time.monotonic() < end_s
        time.sleep(0.02)
