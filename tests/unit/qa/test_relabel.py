"""Labels that are gone come back as they were."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen.errors import ConfigError
from synthgen.qa.relabel import relabel
from tests.unit.small_dataset import write_dataset


def test_clip_without_its_labels_gets_them_back(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", clips=1)
    (first,) = relabel(dataset, "again")
    labels = first.clip / "labels"
    before = {path.name: path.read_bytes() for path in (labels / "again").iterdir()}
    shutil.rmtree(labels)
    (second,) = relabel(dataset, "again")
    assert (first.differing, second.differing) == (None, None)
    assert {path.name: path.read_bytes() for path in (labels / "again").iterdir()} == before


def test_killed_relabelling_leaves_nothing_that_the_next_does_not_clear(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", clips=1)
    files = {path for path in dataset.rglob("*") if path.is_file()}
    killed = f"""
import os, signal
from pathlib import Path
import synthgen.store.commit as commit
commit.sync_tree = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
from synthgen.qa.relabel import relabel
list(relabel(Path({str(dataset)!r}), "again"))
"""
    ended = subprocess.run([sys.executable, "-c", killed], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = {path for path in dataset.rglob("*") if path.is_file()} - files
    assert left
    assert all(path.relative_to(dataset).parts[0] == ".staging" for path in left)
    (again,) = relabel(dataset, "again")
    added = {path for path in dataset.rglob("*") if path.is_file()} - files
    assert {path.parent for path in added} == {again.clip / "labels" / "again"}


@pytest.mark.parametrize("version", ["", ".", "..", "../v2", "a/b", "/tmp/v2", "v 2"])
def test_version_must_be_a_folder_name(tmp_path: Path, version: str) -> None:
    dataset = write_dataset(tmp_path / "dataset", clips=1)
    with pytest.raises(ConfigError, match="expected a plain name"):
        list(relabel(dataset, version))
