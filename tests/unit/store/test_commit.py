"""The commit protocol: whole or not at all, once, nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synthgen.errors import OutputError
from synthgen.store.commit import (
    STAGING,
    Commit,
    collect_staging,
    commit_clip,
    committed_manifests,
    staged_clip,
)
from synthgen.store.durable import write_durably

CLIP = "ab12cd34ef567890"


def make_clip(folder: Path, content: str = "rows") -> None:
    (folder / "cameras").mkdir()
    (folder / "cameras" / "rgb.parquet").write_text(content)
    (folder / "clip.json").write_text(f'{{"files": "{content}"}}')


def attempt(dataset: Path, content: str = "rows") -> Commit:
    with staged_clip(dataset / STAGING, CLIP) as folder:
        make_clip(folder, content)
        return commit_clip(folder, dataset, CLIP)


def fail_nth_call(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], nth: int, code: int
) -> list[int]:
    """Let the n-th call to any of `os`'s functions fail; returns a list that holds the count."""
    count = [0]

    def failing(real: object) -> object:
        def call(*args: object, **kwargs: object) -> object:
            count[0] += 1
            if count[0] == nth:
                raise OSError(code, os.strerror(code))
            return real(*args, **kwargs)  # type: ignore[operator] # a function of os

        return call

    for name in names:
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    return count


def test_committed_clip_stands_at_its_name_with_all_files(tmp_path: Path) -> None:
    assert attempt(tmp_path) is Commit.COMMITTED
    clip = tmp_path / "clips" / "ab" / CLIP
    files = sorted(p.relative_to(clip).as_posix() for p in clip.rglob("*") if p.is_file())
    assert files == ["cameras/rgb.parquet", "clip.json"]


def test_commit_leaves_no_staging(tmp_path: Path) -> None:
    attempt(tmp_path)
    assert list((tmp_path / STAGING).iterdir()) == []


def test_second_attempt_with_equal_bytes_yields_to_the_first(tmp_path: Path) -> None:
    attempt(tmp_path)
    assert attempt(tmp_path) is Commit.EXISTS


def test_second_attempt_with_other_bytes_is_told_apart(tmp_path: Path) -> None:
    attempt(tmp_path, "first")
    assert attempt(tmp_path, "second") is Commit.DIFFERS
    assert '"first"' in next(committed_manifests(tmp_path)).read_text()


def test_of_racing_attempts_exactly_one_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: attempt(tmp_path), range(40)))
    assert outcomes.count(Commit.COMMITTED) == 1
    assert outcomes.count(Commit.EXISTS) == 39


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("nth", range(1, 12))
def test_one_failing_call_leaves_a_whole_clip_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int, code: int
) -> None:
    with monkeypatch.context() as patch:
        fail_nth_call(patch, ("open", "fsync", "rename", "mkdir"), nth, code)
        with contextlib.suppress(OutputError, OSError):  # OSError: of `make_clip`
            attempt(tmp_path)
    visible = list(tmp_path.glob("clips/??/*"))
    assert all((clip / "cameras" / "rgb.parquet").is_file() for clip in visible)
    assert list(tmp_path.glob(f"{STAGING}/*")) == []
    assert attempt(tmp_path) is (Commit.EXISTS if visible else Commit.COMMITTED)


def test_staging_of_a_dead_process_is_collected(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from synthgen.store.commit import staged_clip\n"
        f"with staged_clip(Path({str(tmp_path)!r}), {CLIP!r}): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert collect_staging(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_staging_of_a_live_process_stays(tmp_path: Path) -> None:
    with staged_clip(tmp_path, CLIP) as folder:
        assert collect_staging(tmp_path) == 0
        assert folder.is_dir()


def test_staging_of_another_host_stays_until_nothing_was_written_for_a_day(tmp_path: Path) -> None:
    with staged_clip(tmp_path, CLIP) as folder:
        other = folder.with_name(folder.name.rpartition("~")[0] + "~elsewhere")
        other.mkdir()
        assert collect_staging(tmp_path) == 0
        day_before = other.stat().st_mtime - 90_000
        os.utime(other, (day_before, day_before))
        (other / "frames.parquet").write_bytes(b"written just now")
        os.utime(other, (day_before, day_before))
        assert collect_staging(tmp_path) == 0
        os.utime(other / "frames.parquet", (day_before, day_before))
        assert collect_staging(tmp_path) == 1


def test_failed_replacement_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record.json"
    write_durably(record, b"old")
    with monkeypatch.context() as patch:
        fail_nth_call(patch, ("fsync",), 1, errno.ENOSPC)
        with pytest.raises(OutputError, match="No space left"):
            write_durably(record, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]
    assert record.read_bytes() == b"old"
