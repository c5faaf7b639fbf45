from __future__ import annotations

from pathlib import Path

import pytest

from exporters.staging import staged
from synthgen.errors import OutputError


def test_what_a_dead_export_left_does_not_enter_the_next(tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/stale.txt").write_text("old")
    with staged(tmp_path / "out") as folder:
        (folder / "new.txt").write_text("new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new.txt"]


def test_failed_export_gets_no_name(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"), staged(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="expected a new folder"), staged(tmp_path / "out"):
        pass
