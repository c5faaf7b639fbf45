from __future__ import annotations

import tarfile
from pathlib import Path

from exporters.webdataset.shards import Shards


def names(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_a_sample_is_never_split(tmp_path: Path) -> None:
    with Shards(tmp_path, "000000", max_bytes=10) as shards:
        for key in "abc":
            shards.write([(f"{key}.x", b"1234"), (f"{key}.y", b"5")])
    assert shards.samples == [("000000-00.tar", 2), ("000000-01.tar", 1)]
    assert names(tmp_path / "000000-00.tar") == ["a.x", "a.y", "b.x", "b.y"]
    assert names(tmp_path / "000000-01.tar") == ["c.x", "c.y"]


def test_a_sample_larger_than_a_shard_has_one_of_its_own(tmp_path: Path) -> None:
    with Shards(tmp_path, "000000", max_bytes=3) as shards:
        shards.write([("a.x", b"1234")])
    assert shards.samples == [("000000-00.tar", 1)]


def test_no_samples_no_shard(tmp_path: Path) -> None:
    with Shards(tmp_path, "000000"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_ascii_come_back(tmp_path: Path) -> None:
    with Shards(tmp_path, "000000") as shards:
        shards.write([("straße-行人.x", b"")])
    assert names(tmp_path / "000000-00.tar") == ["straße-行人.x"]


def test_members_have_no_time_and_no_owner(tmp_path: Path) -> None:
    with Shards(tmp_path, "000000") as shards:
        shards.write([("a.x", b"1")])
    with tarfile.open(tmp_path / "000000-00.tar") as tar:
        member = tar.getmember("a.x")
    assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")
