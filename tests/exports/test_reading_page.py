"""The snippets of docs/reading.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.e2e.conftest import ROOT
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server]

PAGE = (ROOT / "docs/reading.md").read_text(encoding="utf-8")


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def queried(dataset: Path, number: int) -> list[tuple[Any, ...]]:
    statement = snippets("sql")[number].replace("DATASET", str(dataset))
    return duckdb.execute(statement).fetchall()


@pytest.fixture(scope="module")
def clips(export_dataset: Path) -> list[ClipReader]:
    return open_dataset(export_dataset)


@pytest.mark.slow
def test_duckdb_counts_hidden_boxes(export_dataset: Path, clips: list[ClipReader]) -> None:
    rows = [row for clip in clips for row in clip.label_table("boxes2d").to_pylist()]
    hidden = [r for r in rows if not r["ignore"] and r["occluded_fraction"] > 0.5]
    found = queried(export_dataset, 0)
    assert sum(count for _, count, _ in found) == len(hidden) > 0


@pytest.mark.slow
def test_duckdb_names_who_comes_out(export_dataset: Path, clips: list[ClipReader]) -> None:
    found = queried(export_dataset, 1)
    assert found
    assert {clip_id for clip_id, _, _ in found} <= {clip.clip_id for clip in clips}


@pytest.mark.slow
def test_duckdb_joins_objects_with_the_ego(export_dataset: Path, clips: list[ClipReader]) -> None:
    found = queried(export_dataset, 2)
    assert len(found) == sum(clip.label_table("tracks").num_rows for clip in clips)


@pytest.mark.slow
def test_pandas_reads_boxes_an_image_and_its_depth(
    export_dataset: Path, clips: list[ClipReader]
) -> None:
    names: dict[str, Any] = {"DATASET": str(export_dataset)}
    for snippet in snippets("python")[:2]:
        exec(snippet, names)
    assert len(names["boxes"]) == sum(c.label_table("boxes3d").num_rows for c in clips)
    (clip,) = [c for c in clips if c.folder == names["folder"]]
    frame = list(clip.camera_frames(names["camera"].name))[3]
    assert frame.depth_cm is not None
    np.testing.assert_array_equal(names["rgb"], frame.rgb)
    np.testing.assert_allclose(names["depth_m"] * 100, frame.depth_cm)
    assert set(names["seen"].frame_index) <= {3}


@pytest.mark.heavy
def test_torch_iterates_over_images_with_their_boxes(
    export_dataset: Path, clips: list[ClipReader], tmp_path: Path
) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(snippets("python")[2], encoding="utf-8")
    read = run_devkit("yolo", "run_snippet.py", path, export_dataset)
    assert read["rgb"] == [270, 480, 3]
    assert read["boxes"] == [len(read["categories"]), 4]
    assert read["samples"] == sum(len(clip.frames) for clip in clips)
