"""Checks of a machine that shall run CARLA servers, and of a CARLA server that runs."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import Final

from synthgen.campaign.carla_probe import call, probe_version
from synthgen.campaign.simulators import client_version
from synthgen.doctor.finding import Finding, fail, ok, warn
from synthgen.errors import SimulatorLost

_ICD_FOLDERS: Final = (Path("/usr/share/vulkan/icd.d"), Path("/etc/vulkan/icd.d"))
_ROUND_TRIPS: Final = 20
_GB_PER_SERVER: Final = 6.0  # Epic quality with a rig; docs/scale.md tells where it is from.


def carla_host_findings(executable: Path | None) -> list[Finding]:
    """Driver, GPUs, Vulkan, and the maps of an installed CARLA."""
    findings = [*gpus(), vulkan()]
    if executable is not None:
        findings += installation(executable)
    return findings


def gpus() -> list[Finding]:
    """What NVIDIA's driver says."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        mend = "install NVIDIA's driver on a CARLA host; the embedded server needs none"
        return [warn("GPU", "no nvidia-smi", mend)]
    query = "--query-gpu=index,name,uuid,memory.total,driver_version"
    done = subprocess.run(
        [tool, query, "--format=csv,noheader,nounits"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return [fail("GPU", done.stdout.strip() or done.stderr.strip(), "mend NVIDIA's driver")]
    return [_gpu(line) for line in done.stdout.splitlines() if line.strip()]


def _gpu(line: str) -> Finding:
    index, name, uuid, memory_mib, driver = (part.strip() for part in line.split(","))
    servers = min(4, int(0.85 * float(memory_mib) / 1024 / _GB_PER_SERVER))
    text = f"adapter {index}: {name}, {memory_mib} MiB, driver {driver}, {uuid}"
    if servers < 1:
        return warn(f"GPU {index}", text, f"a server wants {_GB_PER_SERVER:g} GB; use quality: Low")
    return ok(f"GPU {index}", f"{text}; servers_per_gpu: up to {servers}")


def vulkan() -> Finding:
    """A Vulkan driver, which CARLA renders with."""
    drivers = sorted(p.name for folder in _ICD_FOLDERS for p in folder.glob("*.json"))
    if any("nvidia" in name for name in drivers):
        return ok("Vulkan", ", ".join(drivers))
    mend = (
        "CARLA needs NVIDIA's Vulkan driver: install it, or in a container set "
        "NVIDIA_DRIVER_CAPABILITIES=graphics,utility,compute"
    )
    return warn("Vulkan", ", ".join(drivers) or "no driver", mend)


def installation(executable: Path) -> list[Finding]:
    """An installed CARLA: its executable, version and maps."""
    if not executable.is_file():
        return [fail("CARLA", f"{executable} is not there", "set simulator.executable")]
    root = executable.parent
    version_file = root / "VERSION"
    version = version_file.read_text().strip() if version_file.is_file() else "unknown"
    maps = sorted(p.stem for p in root.glob("CarlaUE4/Content/Carla/Maps/**/Town*.umap"))
    findings = [ok("CARLA", f"{executable}, version {version}, {len(maps)} maps")]
    if version not in ("unknown", client_version()):
        mend = f"install CARLA {client_version()}: other versions crash the client"
        findings = [fail("CARLA", f"version {version}", mend)]
    return findings


def server_findings(host: str, port: int) -> list[Finding]:
    """A running CARLA server: version, maps, speed of a call."""
    where = f"{host}:{port}"
    try:
        version = probe_version(host, port)
        maps = call(host, port, "get_available_maps", timeout_s=10.0)
        trip_ms = 1e3 * statistics.median(_round_trip_s(host, port) for _ in range(_ROUND_TRIPS))
    except SimulatorLost as err:
        mend = "start the server, wait until it listens, and check host, port and firewall"
        return [fail("simulator", str(err), mend)]
    if version != client_version():
        mend = f"start CARLA {client_version()}: other versions crash the client"
        return [fail("simulator", f"{where} is CARLA {version}", mend)]
    names = ", ".join(sorted(str(name).rpartition("/")[2] for name in maps))
    findings = [ok("simulator", f"{where} is CARLA {version}"), ok("its maps", names)]
    if trip_ms > 20:
        mend = "run the capture on the server's own machine: frames are large"
        return [*findings, warn("its calls", f"{trip_ms:.1f} ms", mend)]
    return [*findings, ok("its calls", f"{trip_ms:.1f} ms")]


def _round_trip_s(host: str, port: int) -> float:
    started = time.monotonic()
    probe_version(host, port)
    return time.monotonic() - started
