"""Where numba keeps the server's compiled kernels.

Fixed before numba is first imported, since numba reads it only then. The cache lies in the
user's cache folder and follows the content of the kernels' package, since numba itself looks
only at the file of a kernel, not at the files of the functions that it calls.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from synthgen.user_cache import user_cache

_KERNEL_MARKS = (b"njit", b"\n@fast\n", b"\n@single\n")


def prepare() -> None:
    """Set numba's environment; a setting that is there already stays."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(user_cache() / "kernels"))
    os.environ.setdefault("NUMBA_CACHE_LOCATOR_CLASSES", f"{__name__}.PackageLocator")


@cache
def package_digest(folder: Path) -> str:
    """Hash over the sources of one package that define kernels, and the shared vocabulary."""
    digest = hashlib.sha256((Path(__file__).parent / "scene.py").read_bytes())
    for source in sorted(folder.glob("*.py")):
        text = source.read_bytes()
        if any(mark in text for mark in _KERNEL_MARKS):
            digest.update(source.name.encode() + b"\0" + text)
    return digest.hexdigest()[:16]


class PackageLocator:
    """numba cache locator: one folder per content of a kernel package.

    Implements the interface of `numba.core.caching._CacheLocator`.
    """

    def __init__(self, kernel_name: str, first_line: int, source: Path) -> None:
        self._disambiguator = f"{kernel_name}.{first_line}"
        self._stamp = package_digest(source.parent)
        root = Path(os.environ["NUMBA_CACHE_DIR"])
        self._path = root / f"{source.parent.name}-{self._stamp}"

    @classmethod
    def from_function(cls, py_func: object, py_file: str) -> PackageLocator | None:
        """The locator of one kernel, None for code that is in no file."""
        source = Path(py_file)
        code = getattr(py_func, "__code__", None)
        if not source.exists() or code is None:
            return None
        return cls(code.co_name, code.co_firstlineno, source.resolve())

    def ensure_cache_path(self) -> None:
        """Create the folder."""
        self._path.mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        """The folder."""
        return str(self._path)

    def get_source_stamp(self) -> str:
        """What must be equal for a cached kernel to be used."""
        return self._stamp

    def get_disambiguator(self) -> str:
        """What tells kernels of one name apart."""
        return self._disambiguator
