from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporters.staging import MANIFEST, Staging, staged
from synthgen.errors import OutputError

SETTINGS = {"format": "coco"}


def interrupted(out: Path, settings: dict[str, str]) -> None:
    """An export that finishes clip a and dies in clip b."""
    with pytest.raises(OutputError, match="cannot write"):
        export_on_a_full_disk(out, settings)


def export_on_a_full_disk(out: Path, settings: dict[str, str]) -> None:
    with staged(out, settings) as staging:
        write_clip(staging, "a")
        with staging.clip("b") as folder:
            (folder / "half.bin").write_text("half")
            raise OSError(28, "No space left on device")


def write_clip(staging: Staging, clip_id: str) -> None:
    with staging.clip(clip_id) as folder:
        (folder / "images").mkdir()
        (folder / f"images/{clip_id}.png").write_text(clip_id)
    staging.commit(clip_id, {"part": {"n": 1}})


def test_finished_export_holds_files_and_settings_alone(tmp_path: Path) -> None:
    with staged(tmp_path / "out", SETTINGS) as staging:
        write_clip(staging, "a")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["images", MANIFEST]
    assert json.loads((tmp_path / "out" / MANIFEST).read_text()) == SETTINGS
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_failed_export_gets_no_name(tmp_path: Path) -> None:
    interrupted(tmp_path / "out", SETTINGS)
    assert [p.name for p in tmp_path.iterdir()] == ["out.partial"]


def test_next_export_goes_on_where_the_same_one_stopped(tmp_path: Path) -> None:
    interrupted(tmp_path / "out", SETTINGS)
    with staged(tmp_path / "out", SETTINGS) as staging:
        assert staging.has_part("a")
        assert not staging.has_part("b")
        write_clip(staging, "b")
    files = sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert files == ["a.png", "b.png", MANIFEST]


def test_what_another_export_left_does_not_enter_this_one(tmp_path: Path) -> None:
    interrupted(tmp_path / "out", SETTINGS)
    with staged(tmp_path / "out", {"format": "yolo"}) as staging:
        assert not staging.has_part("a")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MANIFEST]


def test_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (
        pytest.raises(OutputError, match="expected a new folder"),
        staged(tmp_path / "out", SETTINGS),
    ):
        pass


def test_two_exports_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        staged(tmp_path / "out", SETTINGS),
        pytest.raises(OutputError, match="another export is at work"),
        staged(tmp_path / "out", SETTINGS),
    ):
        pass
