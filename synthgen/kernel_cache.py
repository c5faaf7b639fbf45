"""Where compiled kernels are kept, and when they are to be compiled anew (numba).

Numba looks at the file of a kernel alone, and keeps machine code beside it. Here a kernel is also
compiled anew when anything that its file imports of ours changes; what is kept lies in the
user's cache folder, and a file that is broken there counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import re
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

from synthgen.user_cache import user_cache

_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(rb"^\s*from (synthgen[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
_NAME = re.compile(rb"\w+")
_DIGEST_BYTES = hashlib.sha256().digest_size


def kernel_folder() -> Path:
    """`$NUMBA_CACHE_DIR`, or `kernels` in the user's cache folder."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or user_cache() / "kernels")


class KernelLocator:
    """One folder per package of kernels; what is compiled there follows `source_digest`.

    Implements the interface of `numba.core.caching._CacheLocator`.
    """

    def __init__(self, kernel_name: str, first_line: int, source: Path) -> None:
        self._disambiguator = f"{kernel_name}.{first_line}"
        self._stamp = source_digest(source)
        self._path = kernel_folder() / f"{source.parent.name}-{self._stamp}"

    @classmethod
    def from_function(cls, py_func: object, py_file: str) -> KernelLocator | None:
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


class CompiledCode(CompileResultCacheImpl):  # type: ignore[misc]
    """What numba keeps of a kernel, at the place that our locator names."""

    _locator_classes = (KernelLocator,)


class CheckedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Numba's two kinds of files, each begun with the hash of its content.

    Machines that stop while they write leave files cut short, on which numba would end.
    """

    def _load_index(self) -> dict[Any, str]:
        version, stamp, signatures = self._read(self._index_path) or (None, None, {})
        is_ours = (version, stamp) == (self._version, self._source_stamp)
        return signatures if is_ours else {}

    def _save_index(self, signatures: dict[Any, str]) -> None:
        self._write(self._index_path, (self._version, self._source_stamp, signatures))

    def _load_data(self, name: str) -> Any:
        return self._read(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _read(self, path: str) -> Any:
        """What a file holds, None if it is absent or broken."""
        try:
            content = Path(path).read_bytes()
        except OSError:
            return None
        digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(data).digest() != digest:
            return None
        return pickle.loads(data)  # ours, as its hash says

    def _write(self, path: str, content: Any) -> None:
        data = self._dump(content)
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(data).digest() + data)


class KernelCache(FunctionCache):  # type: ignore[misc]  # numba is untyped
    """The compiled signatures of one kernel. A cache that cannot be written is no error."""

    _impl_class = CompiledCode

    def __init__(self, kernel: Any) -> None:
        super().__init__(kernel)
        self._cache_file = CheckedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep one signature's machine code, if there is room for it."""
        with contextlib.suppress(OSError):
            super().save_overload(signature, result)


@cache
def source_digest(source: Path) -> str:
    """Hash over a file and all files of ours that it imports, directly or not."""
    digest = hashlib.sha256()
    for path in sorted(_reach(source)):
        digest.update(path.name.encode() + b"\0" + _content(path))
    return digest.hexdigest()[:16]


def _reach(source: Path) -> set[Path]:
    found, left = {source}, [source, _PACKAGE / "kernels.py"]
    while left:
        new = _imported(left.pop()) - found
        found |= new
        left += new
    return found


@cache
def _imported(source: Path) -> frozenset[Path]:
    """The files of ours that one imports."""
    found = set()
    for module, names in _IMPORT.findall(_content(source)):
        folder = _PACKAGE.parent.joinpath(*module.decode().split("."))
        submodules = {folder / f"{name.decode()}.py" for name in _NAME.findall(names)}
        found |= {path for path in (*submodules, folder.with_suffix(".py")) if path.is_file()}
    return frozenset(found)


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()
