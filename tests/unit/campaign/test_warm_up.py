"""A program warms up once, and again when its kernels may be gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.campaign.warm_up import warm_up
from synthgen.errors import SimulatorLost


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and programs `warms` and `fails` that python finds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "warms.py").write_text("print('compiled')")
    (tmp_path / "fails.py").write_text("raise SystemExit('no compiler')")
    return tmp_path / "cache" / "synthgen"


def test_a_warm_program_is_not_run_again(cache: Path) -> None:
    told: list[str] = []
    warm_up("warms", note=told.append)
    warm_up("warms", note=told.append)
    assert told == ["compiled"]


def test_kernels_that_went_are_compiled_again(cache: Path) -> None:
    kernel = cache / "kernels" / "render-0" / "shade.nbi"
    kernel.parent.mkdir(parents=True)
    kernel.touch()
    told: list[str] = []
    warm_up("warms", note=told.append)
    kernel.unlink()
    warm_up("warms", note=told.append)
    assert told == ["compiled", "compiled"]


def test_a_program_that_failed_is_not_taken_for_warm(cache: Path) -> None:
    with pytest.raises(SimulatorLost, match="no compiler"):
        warm_up("fails", note=lambda _: None)
    with pytest.raises(SimulatorLost, match="no compiler"):
        warm_up("fails", note=lambda _: None)
