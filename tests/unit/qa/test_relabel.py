"""Labels that are gone come back as they were."""

from __future__ import annotations

import shutil
from pathlib import Path

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
