"""Who listens where: ours on loopback only; Ray's and CARLA's are named because they may not be."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synthgen.campaign.ports import leased_ports
from synthgen.doctor.finding import Finding, fail, ok, warn
from synthgen.errors import SimulatorLost

_LISTEN: Final = "0A"  # proc(5), /proc/net/tcp: state of a listening socket.
_ANY_HOST: Final = frozenset({"00000000", "0" * 32})
# What to look for in a command line, and who it is.
_PROGRAMS: Final = {
    "synthgen.simserver": "embedded server",
    "synthgen.runner": "capture process (Traffic Manager)",
    "CarlaUE4": "CARLA server",
    "raylet": "Ray",
    "gcs_server": "Ray",
    "ray::": "Ray",
    "ray/": "Ray",
}


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP port that can be reached from other machines."""

    port: int
    program: str


def network_findings() -> list[Finding]:
    """Ports for a simulator, open doors, Ray's authentication."""
    return [free_ports(), open_doors(open_listeners()), ray_authentication(), ray_token()]


def free_ports() -> Finding:
    """A block of ports for one simulator."""
    try:
        with leased_ports() as ports:
            return ok("ports", f"{ports.all[0]} to {ports.all[-1]} are free for a first slot")
    except SimulatorLost as err:
        return fail("ports", str(err), "end programs that listen on ports 20000 to 32000")


def open_doors(listeners: list[Listener]) -> Finding:
    """Programs of a run that other machines can reach."""
    if not listeners:
        return ok("open doors", "no program of a run listens beyond this machine")
    ports: dict[str, list[str]] = {}
    for door in listeners:
        ports.setdefault(door.program, []).append(str(door.port))
    text = "; ".join(f"{program}: {', '.join(numbers)}" for program, numbers in ports.items())
    mend = (
        "neither Ray nor CARLA asks who calls: close these ports with a firewall, or run in a "
        "container without published ports"
    )
    return warn("open doors", text, mend)


def ray_authentication() -> Finding:
    """Ray's tokens, on by default since 2.60."""
    if os.environ.get("RAY_AUTH_MODE") == "disabled":
        return fail("ray authentication", "RAY_AUTH_MODE=disabled", "unset RAY_AUTH_MODE")
    return ok("ray authentication", "left on")


def ray_token(path: Path | None = None) -> Finding:
    """The token's file, which Ray makes readable by all."""
    token = path or Path.home() / ".ray" / "auth_token"
    if token.is_file() and stat.S_IMODE(token.stat().st_mode) & 0o077:
        return warn("ray token", f"{token} can be read by others", f"chmod 600 {token}")
    return ok("ray token", "private" if token.is_file() else "none yet")


def open_listeners() -> list[Listener]:
    """Ports on which a program of a run can be reached from other machines."""
    inodes = {}
    for table in ("tcp", "tcp6"):
        inodes.update(_listening_inodes(Path("/proc/net") / table))
    return sorted(
        {
            Listener(port, program)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and (program := _program(folder))
            for port in _ports_of(folder, inodes)
        },
        key=lambda door: door.port,
    )


def _listening_inodes(table: Path) -> dict[str, int]:
    """Port by socket inode of the sockets that listen on all interfaces."""
    found = {}
    for line in table.read_text().splitlines()[1:] if table.exists() else ():
        fields = line.split()
        host, _, port = fields[1].partition(":")
        if fields[3] == _LISTEN and host in _ANY_HOST:
            found[fields[9]] = int(port, 16)
    return found


def _ports_of(folder: Path, inodes: dict[str, int]) -> list[int]:
    ports = []
    with contextlib.suppress(OSError):
        for link in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    ports.append(inodes.get(target[8:-1]))
    return [port for port in ports if port is not None]


def _program(folder: Path) -> str | None:
    try:
        line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return next((name for word, name in _PROGRAMS.items() if word in line), None)
