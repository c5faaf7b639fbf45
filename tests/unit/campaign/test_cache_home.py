"""Runs work for users without a home of their own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from synthgen.campaign.cache_home import ensure_cache_home


def test_a_home_that_can_be_written_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ensure_cache_home()
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "cache")


def test_without_one_a_private_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nohome")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ensure_cache_home()
    folder = Path(os.environ["XDG_CACHE_HOME"])
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
