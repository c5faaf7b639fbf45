"""Checks of this machine: Python, packages, processor, memory, disk, shared libraries."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import resource
import shutil
import sys
from pathlib import Path
from typing import Final

from synthgen.doctor.finding import Finding, fail, ok, warn

_CLIENT_VERSION: Final = "0.9.16"
_OLDEST_RAY: Final = (2, 54)  # Older ones let anybody delete files over the dashboard's port.
_PACKAGES: Final = ("numpy", "pyarrow", "msgpack", "embreex", "numba", "pydantic", "ruamel.yaml")
# Debian's package by library; open3d links them, the default path of a run does not.
_OPEN3D_LIBRARIES: Final = {"libGL.so.1": "libgl1", "libX11.so.6": "libx11-6"}
_OPENMP: Final = ("libgomp.so.1", "libgomp1")
_MIN_FILES: Final = 1024
_MIN_FREE_GB: Final = 2.0
_MIN_MEMORY_GB: Final = 3.0
_MIN_SHM_MB: Final = 128


def host_findings(out: Path) -> list[Finding]:
    """All checks of this machine; `out` is where datasets shall go."""
    return [
        python_version(sys.version_info[:2]),
        system(),
        carla_client(),
        *packages(),
        ray_version(),
        processor(_cpu_flags()),
        memory(),
        shared_memory(),
        open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        disk(out),
        *libraries(),
    ]


def python_version(version: tuple[int, int]) -> Finding:
    """Python 3.11 or 3.12."""
    text = f"{version[0]}.{version[1]}"
    if (3, 11) <= version < (3, 13):
        return ok("python", text)
    return fail("python", text, "install Python 3.11 or 3.12 and make a new environment with it")


def system() -> Finding:
    """Linux on x86-64, which the client's wheel and the guards need."""
    text = f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}"
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        return ok("system", text)
    return fail("system", text, "use Linux on x86-64; carla 0.9.16 has no wheel for this machine")


def carla_client() -> Finding:
    """The client's wheel in the one version that is proven."""
    found = _version("carla")
    if found == _CLIENT_VERSION:
        return ok("carla client", found)
    return fail("carla client", found or "missing", f"pip install carla=={_CLIENT_VERSION}")


def packages() -> list[Finding]:
    """Packages without which nothing runs."""
    missing = [name for name in _PACKAGES if _version(name) is None]
    if missing:
        return [fail("packages", f"missing: {', '.join(missing)}", "pip install -e .")]
    return [ok("packages", f"{len(_PACKAGES)} of {len(_PACKAGES)} are there")]


def ray_version() -> Finding:
    """Ray, for more than one worker."""
    found = _version("ray")
    if found is None:
        return warn("ray", "missing", "pip install ray, or use executor: inline")
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST_RAY:
        return fail("ray", found, "pip install 'ray>=2.54': older ones can be attacked")
    return ok("ray", found)


def processor(flags: frozenset[str]) -> Finding:
    """Vector units that Embree and numba use."""
    cores = len(os.sched_getaffinity(0))
    if "sse4_2" not in flags:
        return fail(
            "processor", f"{cores} cores without SSE4.2", "use a processor of 2010 or later"
        )
    units = [name for name in ("sse4_2", "avx2", "avx512f") if name in flags]
    if "avx2" not in flags:
        return warn("processor", f"{cores} cores, {', '.join(units)}", "AVX2 renders much faster")
    return ok("processor", f"{cores} cores, {', '.join(units)}")


def memory() -> Finding:
    """Room for a server and a capture process."""
    available_gb = _memory_available_gb()
    text = f"{available_gb:.1f} GB available"
    if available_gb < _MIN_MEMORY_GB:
        return warn(
            "memory", text, "close programs, or use fewer workers: a slot needs about 1.5 GB"
        )
    return ok("memory", text)


def shared_memory() -> Finding:
    """/dev/shm, where Ray keeps its object store and processes share their locks."""
    folder = Path("/dev/shm")
    if folder.is_dir() and not os.access(folder, os.W_OK):
        return fail("shared memory", f"{folder} cannot be written", f"chmod 1777 {folder}")
    size_mb = shutil.disk_usage(folder).total / 1e6 if folder.is_dir() else 0
    text = f"/dev/shm holds {size_mb:.0f} MB"
    if size_mb < _MIN_SHM_MB:
        return warn("shared memory", text, "docker run --shm-size=256m, or executor: inline")
    return ok("shared memory", text)


def open_files(limit: int) -> Finding:
    """Limit of open files; Ray opens hundreds."""
    if limit < _MIN_FILES:
        return warn("open files", f"limit {limit}", f"ulimit -n {_MIN_FILES * 4}")
    return ok("open files", f"limit {limit}")


def disk(out: Path) -> Finding:
    """Room and the right to write where datasets go."""
    folder = out
    while not folder.exists():
        folder = folder.parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    text = f"{free_gb:.1f} GB free for {out}"
    if not os.access(folder, os.W_OK):
        return fail("disk", f"{folder} cannot be written", "choose another --out")
    if free_gb < _MIN_FREE_GB:
        return warn("disk", text, "make room: a clip of the quickstart takes about 100 MB")
    return ok("disk", text)


def libraries() -> list[Finding]:
    """Shared libraries that pip cannot bring."""
    missing = [package for name, package in _OPEN3D_LIBRARIES.items() if not _loads(name)]
    findings = [ok("open3d's libraries", "libGL and libX11 are there")]
    if missing:
        mend = f"apt-get install {' '.join(missing)}; only point-cloud viewing and export need them"
        findings = [warn("open3d's libraries", f"missing: {', '.join(missing)}", mend)]
    if not _loads(_OPENMP[0]):
        findings.append(warn("OpenMP", f"{_OPENMP[0]} is missing", f"apt-get install {_OPENMP[1]}"))
    return findings


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_flags() -> frozenset[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def _memory_available_gb() -> float:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1e6
    return 0.0
