"""What bytes depend on besides the config: processor, wheels, code and data files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Final

from synthgen.campaign.config import PACKAGE_ROOT
from synthgen.datatypes.clip_job import Record

# Libraries that have a hand in the bytes of a clip.
WHEELS: Final = (
    "carla",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "embreex",
    "msgpack",
    "opencv-python-headless",
    "pyarrow",
    "pydantic",
    "ruamel.yaml",
)
# Our code that has a hand in them; the rest (QA, exporters, this package) only reads clips.
_CODE: Final = (
    "scenarios",
    "sensors",
    "synthgen/datatypes",
    "synthgen/geometry",
    "synthgen/labels",
    "synthgen/runner",
    "synthgen/simserver",
    "synthgen/store",
)
# Data files of the simulator and tables of categories, sizes and key points.
_ASSETS: Final = (
    "configs/extents.yaml",
    "configs/keypoints.yaml",
    "configs/taxonomy.yaml",
    "synthgen/simserver/**/*.csv",
)
# Instruction sets that numpy, OpenBLAS, OpenCV or libm choose other code for.
_DISPATCHED: Final = frozenset(
    [
        *("sse4_2", "avx", "avx2", "fma", "f16c"),
        *("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512ifma", "avx512vbmi"),
        *("avx512_vnni", "avx512_bf16", "avx512_vpopcntdq", "amx_tile"),
    ]
)


class CpuFingerprint(Record):
    """Machines with equal fingerprints are expected to make equal bytes (R1)."""

    machine: str
    vendor: str
    family: str
    model: str
    features: tuple[str, ...]
    libc: str

    def __str__(self) -> str:
        """One line for people."""
        wide = "AVX-512" if "avx512f" in self.features else "AVX2"
        return f"{self.vendor} family {self.family} model {self.model} ({wide}), {self.libc}"


class Wheel(Record):
    """One installed library; the hash is over the names and hashes of its files."""

    version: str
    sha256: str


class Environment(Record):
    """All of it, as it is now."""

    cpu: CpuFingerprint
    python: str
    wheels: dict[str, Wheel]
    code: dict[str, str]
    assets: dict[str, str]


def present_environment() -> Environment:
    """The environment of this process."""
    return Environment(
        cpu=cpu_fingerprint(),
        python=platform.python_version(),
        wheels={name: wheel for name in WHEELS if (wheel := _wheel(name)) is not None},
        code={name: code_hash(PACKAGE_ROOT / name) for name in _CODE},
        assets={
            path.relative_to(PACKAGE_ROOT).as_posix(): file_hash(path)
            for pattern in _ASSETS
            for path in sorted(PACKAGE_ROOT.glob(pattern))
        },
    )


def cpu_fingerprint(cpuinfo: Path = Path("/proc/cpuinfo")) -> CpuFingerprint:
    """The first processor of this machine."""
    fields: dict[str, str] = {}
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().split("\n\n")[0].splitlines():
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip()
    return CpuFingerprint(
        machine=platform.machine(),
        vendor=fields.get("vendor_id", "unknown"),
        family=fields.get("cpu family", "unknown"),
        model=fields.get("model", "unknown"),
        features=tuple(sorted(_DISPATCHED & set(fields.get("flags", "").split()))),
        libc=" ".join(platform.libc_ver()),
    )


def file_hash(path: Path) -> str:
    """Sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_hash(folder: Path) -> str:
    """Sha256 over the Python files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_hash(path)}\n".encode())
    return digest.hexdigest()


def _wheel(name: str) -> Wheel | None:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    # Scripts and the installer's own notes differ between installations of one wheel.
    lines = [
        f"{file.as_posix()} {file.hash.value}\n"
        for file in distribution.files or ()
        if file.hash is not None and ".." not in file.parts and "dist-info" not in file.parts[0]
    ]
    digest = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    return Wheel(version=distribution.version, sha256=digest)
