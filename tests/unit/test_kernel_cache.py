"""Compiled kernels follow their sources, and are kept where numba finds them again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synthgen import kernel_cache
from synthgen.kernel_cache import KernelLocator, source_digest
from synthgen.kernels import helper

KERNELS = """
from synthgen.kernels import helper, kernel

@helper()
def half(x):
    return 0.5 * x

@kernel()
def quarter(x):
    return half(half(x))
"""
RUN = """
from made_up import quarter
assert quarter(8.0) == 2.0
print(sum(quarter._cache_hits.values()), sum(quarter._cache_misses.values()))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `synthgen` for the digest to look at."""
    folder = tmp_path / "synthgen"
    (folder / "physics").mkdir(parents=True)
    (folder / "kernels.py").touch()
    monkeypatch.setattr(kernel_cache, "_PACKAGE", folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    """Let sources be read again."""
    for kept in (kernel_cache.source_digest, kernel_cache._imported, kernel_cache._content):
        kept.cache_clear()


def digest_with(source: Path, other: Path, text: str) -> str:
    """The digest of one file while another one has this text."""
    other.write_text(text)
    forget()
    return source_digest(source)


IMPORTS = (
    "from synthgen.physics.tyre import grip",
    "from synthgen.physics import body, tyre",
    "from synthgen.physics import (\n    body,\n    tyre,\n)",
    "from synthgen.physics.body import mass",
)


@pytest.mark.parametrize("line", IMPORTS)
def test_digest_follows_what_a_kernel_imports(package: Path, line: str) -> None:
    physics = package / "physics"
    (physics / "step.py").write_text(line)
    (physics / "body.py").write_text("from synthgen.physics.tyre import grip")
    first = digest_with(physics / "step.py", physics / "tyre.py", "GRIP = 1.0")
    assert first != digest_with(physics / "step.py", physics / "tyre.py", "GRIP = 0.9")


def test_digest_ignores_what_a_kernel_does_not_import(package: Path) -> None:
    physics = package / "physics"
    (physics / "step.py").write_text("from synthgen.physics import body")
    first = digest_with(physics / "step.py", physics / "tyre.py", "GRIP = 1.0")
    assert first == digest_with(physics / "step.py", physics / "tyre.py", "GRIP = 0.9")


def test_code_without_a_file_has_no_locator() -> None:
    assert KernelLocator.from_function(compile, "<string>") is None


@pytest.fixture
def run(tmp_path: Path) -> Callable[[], str]:
    """Run the kernels in a new process: how many were found in the cache, and how many not."""
    (tmp_path / "made_up.py").write_text(KERNELS)

    def run() -> str:
        path = os.pathsep.join([str(tmp_path), *sys.path])
        environment = os.environ | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, "-c", RUN]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def test_second_process_finds_what_the_first_compiled(run: Callable[[], str]) -> None:
    assert [run(), run()] == ["0 1", "1 0"]


@pytest.mark.parametrize(("suffix", "left"), [("nbi", 0), ("nbc", 40), ("nbc", -1)])
def test_file_cut_short_is_compiled_anew(
    run: Callable[[], str], tmp_path: Path, suffix: str, left: int
) -> None:
    run()
    (broken,) = (tmp_path / "cache").rglob(f"*.{suffix}")
    broken.write_bytes(broken.read_bytes()[:left])
    assert [run(), run()] == ["0 1", "1 0"]


def test_cache_that_cannot_be_written_is_no_error(run: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    assert [run(), run()] == ["0 1", "0 1"]


def test_python_cannot_call_a_helper() -> None:
    twice = helper()(lambda x: 2 * x)
    with pytest.raises(TypeError, match="only kernels can call it"):
        twice(1.0)
