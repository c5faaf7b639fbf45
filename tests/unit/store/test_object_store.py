"""Publishing to an object store: whole clips, once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from synthgen.errors import ConfigError, OutputError
from synthgen.store.commit import Commit
from synthgen.store.object_store import publish_clip, publish_dataset

CLIP = "ab12cd34ef567890"


@pytest.fixture
def store() -> Iterator[Any]:
    memory = fsspec.filesystem("memory")
    yield memory
    memory.store.clear()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    clip = tmp_path / "clips" / "ab" / CLIP
    (clip / "cameras").mkdir(parents=True)
    (clip / "cameras" / "rgb.parquet").write_bytes(b"rows")
    (clip / "clip.json").write_text("{}")
    (tmp_path / "dataset.json").write_text("{}")
    return tmp_path


def test_all_files_are_published(dataset: Path, store: Any) -> None:
    root = f"/{uuid.uuid4().hex}"
    assert publish_dataset(dataset, f"memory:/{root}") == 1
    found = sorted(path.removeprefix(root) for path in store.find(root))
    base = f"/clips/ab/{CLIP}"
    assert found == [f"{base}/cameras/rgb.parquet", f"{base}/clip.json", "/dataset.json"]


def test_a_folder_that_is_not_there_yet_is_a_store_too(dataset: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror" / "town10"
    assert publish_dataset(dataset, f"file://{mirror}") == 1
    assert publish_dataset(dataset, f"file://{mirror}") == 0
    assert (mirror / f"clips/ab/{CLIP}/cameras/rgb.parquet").read_bytes() == b"rows"
    assert (mirror / f"clips/ab/{CLIP}/clip.json").read_text() == "{}"


def test_publishing_again_takes_nothing(dataset: Path, store: Any) -> None:
    publish_dataset(dataset, "memory://again")
    assert publish_dataset(dataset, "memory://again") == 0


def test_clip_of_another_attempt_is_not_replaced(dataset: Path, store: Any) -> None:
    store.pipe_file(f"/other/clips/ab/{CLIP}/clip.json", b"other")
    with pytest.raises(OutputError, match="other bytes"):
        publish_dataset(dataset, "memory://other")
    assert store.cat_file(f"/other/clips/ab/{CLIP}/clip.json") == b"other"


def test_manifest_is_the_last_object(dataset: Path) -> None:
    class Broken:
        def exists(self, path: str) -> bool:
            return False

        def put_file(self, source: str, path: str) -> None:
            raise OSError(5, "Input/output error")

        def pipe_file(self, path: str, content: bytes, mode: str) -> None:
            raise AssertionError("the manifest was put although a file is missing")

    with pytest.raises(OutputError, match="Input/output error"):
        publish_clip(dataset / "clips" / "ab" / CLIP, Broken(), "root")


def test_racing_publishers_agree(dataset: Path, store: Any) -> None:
    clip = dataset / "clips" / "ab" / CLIP
    ends = [publish_clip(clip, store, "/race") for _ in range(3)]
    assert ends == [Commit.COMMITTED, Commit.EXISTS, Commit.EXISTS]


def test_unknown_store_is_the_configs_fault(dataset: Path) -> None:
    with pytest.raises(ConfigError, match="publish nowhere"):
        publish_dataset(dataset, "nowhere://bucket")
