"""A process named so exactly that no other can be taken for it (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_STAT_START_TIME = 19  # proc(5): field 22 of /proc/<pid>/stat; counted after the name, from 0.


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid with the process's start time, boot and host; pids alone are reused.

    The host is named with its pid namespace: containers that share the network share its name too,
    but do not see each other's processes.
    """

    pid: int
    start_ticks: int
    boot_id: str
    host: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The identity of a running process, or None if there is none or it is a zombie."""
        fields = _stat_fields(pid)
        if fields is None or fields[0] == "Z":
            return None
        return cls(pid, int(fields[_STAT_START_TIME]), boot_id(), host_name())

    @classmethod
    def own(cls) -> ProcessIdentity:
        """The identity of this process."""
        identity = cls.of(os.getpid())
        assert identity is not None
        return identity

    @property
    def is_local(self) -> bool:
        """The process runs or ran on this host."""
        return self.host == host_name()

    @property
    def is_alive(self) -> bool:
        """This very process still runs on this host."""
        return ProcessIdentity.of(self.pid) == self


def host_name() -> str:
    """This host's name and the pid namespace that this process sees, e.g. `node7.4026531836`."""
    namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - `pid:[4026531836]`, no path.
    return f"{os.uname().nodename}.{namespace.strip('pid:[]')}"


def boot_id() -> str:
    """The kernel's name for the time since the last boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat_fields(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat after the name, starting with the state."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def process_group(pid: int) -> int | None:
    """The process group of a running process."""
    fields = _stat_fields(pid)
    return int(fields[2]) if fields else None
