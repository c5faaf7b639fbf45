"""A guard stands between a worker and a process it owns, so that neither outlives the other.

`python guard.py REGISTRY NAME -- COMMAND...` runs the command as leader of a process group of its
own. The whole group is killed when the command ends, when the guard's stdin closes (its worker is
gone) and when the guard gets SIGTERM (after `GRACE_S`); the kernel kills the command when the guard
itself is killed. The guard ends with the command's code, 128 + n for signal n.

This file runs as a script: it imports the standard library only, to start in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

GRACE_S = 5.0
_PR_SET_PDEATHSIG = 1
_STAT_START_TIME = 19  # proc(5): field 22 of /proc/<pid>/stat; counted after the name, from 0.


def main(arguments: list[str]) -> int:
    """Run the command until it or its owner ends; returns its exit code."""
    registry, name, separator, *command = arguments
    assert separator == "--"
    libc = ctypes.CDLL(None)  # Loaded before the fork: nothing but calls may happen after it.
    guard = os.getpid()

    def before_command() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:  # The guard died before the line above.
            os._exit(1)
        _register(Path(registry), name)

    waker, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _do_nothing)
    # preexec_fn is safe here: this process has one thread.
    child = subprocess.Popen(
        command, start_new_session=True, preexec_fn=before_command, stdin=subprocess.DEVNULL
    )
    try:
        return _wait(child, waker)
    finally:
        _kill_group(child.pid, signal.SIGKILL)
        for record in Path(registry).glob(f"{child.pid}-*.json"):
            record.unlink(missing_ok=True)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Let the wake-up descriptor tell of the signal."""


def _wait(child: subprocess.Popen[bytes], waker: int) -> int:
    """Wait for the child's end, the owner's end or a signal, whichever is first."""
    done = os.pidfd_open(child.pid)
    timeout: float | None = None
    while True:
        ready, _, _ = select.select([done, waker, sys.stdin.fileno()], [], [], timeout)
        if done in ready:
            code = child.wait()
            return code if code >= 0 else 128 - code
        if not ready or sys.stdin.fileno() in ready:  # Grace is over, or the owner is gone.
            _kill_group(child.pid, signal.SIGKILL)
            child.wait()
            return 128 + signal.SIGKILL
        os.read(waker, 64)
        _kill_group(child.pid, signal.SIGTERM)
        timeout = GRACE_S


def _kill_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _register(registry: Path, name: str) -> None:
    """Say who this process is, before it becomes the command."""
    pid = os.getpid()
    stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start = int(stat[_STAT_START_TIME])
    namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - `pid:[4026531836]`, no path.
    record = {
        "name": name,
        "pid": pid,
        "start_ticks": start,
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "host": f"{os.uname().nodename}.{namespace.strip('pid:[]')}",
        "owner": os.environ.get("SYNTHGEN_OWNER", ""),
    }
    path = registry / f"{pid}-{start}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record))
    partial.rename(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
