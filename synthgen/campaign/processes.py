"""Processes that a worker owns: started under a guard, ended with it, found again if it was killed.

Nothing here kills by name. The registry holds one record per process (pid, start time, boot); the
reaper kills exact matches, and members of such a process's group by the owner's mark in their
environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from synthgen.campaign import guard
from synthgen.errors import OutputError
from synthgen.store.process_identity import ProcessIdentity, process_group

OWNER_VARIABLE: Final = "SYNTHGEN_OWNER"
_POLL_S: Final = 0.02
_LISTEN: Final = "0A"
# A guard without an owner ends within milliseconds; a busy host may need seconds.
_GUARD_END_S: Final = 20.0


class OwnedProcess:
    """A command under a guard; a context manager that ends it and its whole group."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        registry: Path,
        name: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> None:
        self.log = log
        try:
            registry.mkdir(parents=True, exist_ok=True)
            log.parent.mkdir(parents=True, exist_ok=True)
            output = log.open("wb")
        except OSError as err:
            raise OutputError(f"{log}: cannot write: {err.strerror or err}") from err
        self._mark = uuid.uuid4().hex
        inherited = {**os.environ, **(environment or {}), OWNER_VARIABLE: self._mark}
        with output:
            self._guard = subprocess.Popen(
                [sys.executable, "-ESs", guard.__file__, str(registry), name, "--", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=inherited,
                start_new_session=True,
            )
        if niceness:  # The guard has not yet begun: the command inherits it.
            os.setpriority(os.PRIO_PROCESS, self._guard.pid, niceness)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; 128 + n after signal n; -9 if the guard itself was killed."""
        return self._guard.poll()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or None if it still runs after the time-out; sleeps until either."""
        if self.exit_code is None:
            _sleep_until_end(self._guard.pid, timeout_s)
        return self.exit_code

    def stop(self, grace_s: float = 0.0) -> int:
        """End the process group: SIGTERM first if there is grace, SIGKILL then."""
        if grace_s > 0 and self.exit_code is None:
            self._guard.send_signal(signal.SIGTERM)
            self.wait(grace_s)
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.close()
        if self.wait(_GUARD_END_S) is None:  # Somebody has stopped it.
            self._guard.kill()
        code = self._guard.wait()
        if code < 0:  # The guard was killed and could not clean up.
            _kill_marked(self._mark)
        return code

    @property
    def memory_mb(self) -> float:
        """Resident memory of the command's process group."""
        pages = 0
        for group in _children(self._guard.pid):
            for member in _group_members(group):
                with contextlib.suppress(OSError):
                    pages += int(Path(f"/proc/{member}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def listens_on(self, port: int) -> bool:
        """True if it is one of this command's processes that listens on a TCP port here."""
        sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
        return any(sockets.intersection(_open_files(pid)) for pid in _marked_processes(self._mark))

    def log_tail(self, lines: int = 50) -> str:
        """The last lines of what the process said."""
        try:
            text = self.log.read_bytes()[-16_384:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> OwnedProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _sleep_until_end(pid: int, timeout_s: float) -> None:
    """Wait in the kernel for a child; `Popen.wait` with a time-out looks a hundred times a second.

    The child has not been waited for, so its pid cannot have passed to another process.
    """
    descriptor = os.pidfd_open(pid)
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.poll(timeout_s * 1000)
    finally:
        os.close(descriptor)


def reap(registry: Path, *, name_suffix: str = "") -> int:
    """Kill the registered processes of this host that are still there; returns how many were.

    Args:
        registry: Folder of records; only called when their owner is known to be gone.
        name_suffix: Take only processes whose name ends so.
    """
    killed = 0
    for path in sorted(registry.glob("*.json")):
        try:
            record = json.loads(path.read_text())
            name, owner = record.pop("name"), record.pop("owner")
            identity = ProcessIdentity(**record)
        except (OSError, ValueError, TypeError, KeyError):
            path.unlink(missing_ok=True)
            continue
        if not identity.is_local or not name.endswith(name_suffix):
            continue
        killed += _kill_all(identity, owner)
        path.unlink(missing_ok=True)
    return killed


def _kill_all(identity: ProcessIdentity, owner: str) -> bool:
    """Kill a process's group, and what else bears its mark: its guard, an engine it left."""
    found = identity.is_alive
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(identity.pid, signal.SIGKILL)
    # Looked for even so: a leader that is just dying takes nobody along.
    return (bool(owner) and _kill_marked(owner) > 0) or found


def _kill_marked(owner: str) -> int:
    marked = [pid for pid in _marked_processes(owner) if pid != os.getpid()]
    for pid in marked:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(marked)


def _marked_processes(owner: str) -> list[int]:
    """Processes that inherited an owner's mark, guards among them."""
    mark = f"{OWNER_VARIABLE}={owner}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return sorted(found)


def _listening_inodes(port: int) -> set[str]:
    """Inodes of the sockets that listen on a port; Source: Linux, proc(5), /proc/net/tcp."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(columns[9])
    return found


def _open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _group_members(group: int) -> list[int]:
    pids = (int(f.name) for f in Path("/proc").iterdir() if f.name.isdigit())
    return [pid for pid in pids if process_group(pid) == group]


def wait_until_dead(pids: Sequence[int], timeout_s: float) -> bool:
    """True once none of the processes runs any more."""
    end = time.monotonic() + timeout_s
    while any(ProcessIdentity.of(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True
