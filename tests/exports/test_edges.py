"""Selections that leave little, and names that are not ASCII, in every format that is small."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporters.export import ExportOptions, export
from synthgen.store.clip_reader import open_dataset
from tests.exports.devkits import devkit_python, run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]

NAME = "straße_行人"
ONE_FRAME = "frame_index = 3"
NO_OBJECT = "frame_index < 3 and category = 'animal'"
WHERE = {
    "one frame": ONE_FRAME,
    "no object": NO_OBJECT,
    "gap": "(frame_index = 2 or frame_index = 5) and category = 'car'",
}


@pytest.fixture(scope="module")
def dataset(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip of a scenario whose name is not ASCII."""
    clip = open_dataset(export_dataset)[0].folder
    out = tmp_path_factory.mktemp("edges") / "Übung"
    copy = out / clip.relative_to(export_dataset)
    shutil.copytree(clip, copy)
    shutil.copyfile(export_dataset / "dataset.json", out / "dataset.json")
    manifest = json.loads((copy / "clip.json").read_text())
    manifest["slot"]["scenario"] = NAME
    (copy / "clip.json").write_text(json.dumps(manifest))
    return out


def openlabel(out: Path, tmp_path: Path) -> tuple[int, int]:
    (path,) = out.glob("*/*/openlabel.json")
    read = run_devkit("openlabel", "openlabel_read.py", path)
    assert not any(read["faults"])
    frames = json.loads(path.read_text(encoding="utf-8"))["openlabel"]["frames"]
    return len(frames), sum("center_m" in item for item in read["objects"])


def mcap(out: Path, tmp_path: Path) -> tuple[int, int]:
    (path,) = out.glob("*/*.mcap")
    topics = run_devkit("containers", "mcap_read.py", path, tmp_path)["topics"]
    entities = [message["content"] for message in topics["/objects"]]
    return len(topics["/tf"]), sum(map(len, entities))


def rerun(out: Path, tmp_path: Path) -> tuple[int, int]:
    (path,) = out.glob("*/*.rrd")
    program = devkit_python("containers").with_name("rerun")
    subprocess.run([str(program), "rrd", "verify", str(path)], check=True, capture_output=True)
    entities = run_devkit("containers", "rerun_read.py", path, tmp_path)["entities"]
    found = [row["track_id"] or [] for row in entities["/world/ego/objects"]]
    return len(entities["/world/ego"]), sum(map(len, found))


def webdataset(out: Path, tmp_path: Path) -> tuple[int, int]:
    samples = run_devkit("containers", "webdataset_read.py", *out.glob("*/*.tar"))
    return len(samples), sum(len(sample["json"]["boxes3d"]) for sample in samples)


READERS: dict[str, Callable[[Path, Path], tuple[int, int]]] = {
    "openlabel": openlabel,
    "mcap": mcap,
    "rerun": rerun,
    "webdataset": webdataset,
}
FRAMES = {"one frame": {3}, "no object": {0, 1, 2}, "gap": {2, 5}}


@pytest.mark.parametrize("case", WHERE)
@pytest.mark.parametrize("form", READERS)
def test_little_is_exported_whole(dataset: Path, tmp_path: Path, form: str, case: str) -> None:
    export(dataset, form, tmp_path / "out", ExportOptions(where=WHERE[case]))
    assert READERS[form](tmp_path / "out", tmp_path) == (len(FRAMES[case]), cuboids(dataset, case))


def cuboids(dataset: Path, case: str) -> int:
    """How many objects the clip has in these frames, of these categories."""
    wanted = {"one frame": None, "no object": "animal", "gap": "car"}[case]
    rows = open_dataset(dataset)[0].label_table("boxes3d").to_pylist()
    return sum(
        row["frame_index"] in FRAMES[case] and wanted in (None, row["category"]) for row in rows
    )


@pytest.mark.parametrize("case", WHERE)
def test_yolo_has_a_label_file_for_every_image(dataset: Path, tmp_path: Path, case: str) -> None:
    export(dataset, "yolo", tmp_path / "out", ExportOptions(where=WHERE[case]))
    images = {path.stem for path in (tmp_path / "out/images").glob("*/*")}
    labels = {path.stem for path in (tmp_path / "out/labels").glob("*/*")}
    assert len(images) == 2 * len(FRAMES[case])
    assert images == labels
    assert all(stem.startswith(NAME) for stem in images)


@pytest.mark.parametrize("case", WHERE)
def test_mot_counts_the_frames_that_are_left(dataset: Path, tmp_path: Path, case: str) -> None:
    out = tmp_path / "out"
    export(dataset, "mot", out, ExportOptions(where=WHERE[case], shares={"train": 1.0}))
    trackers = tmp_path / "trackers"
    for path in out.glob("vehicle-train/*"):
        lines = [line.split(",") for line in (path / "gt/gt.txt").read_text().split()]
        assert {int(line[0]) for line in lines} <= set(range(1, len(FRAMES[case]) + 1))
        home = trackers / "vehicle-train/perfect/data"
        home.mkdir(parents=True, exist_ok=True)
        found = [",".join([*line[:6], "1,-1,-1,-1"]) for line in lines if line[6] == "1"]
        (home / f"{path.name}.txt").write_text("".join(f"{line}\n" for line in found))
    read: dict[str, Any] = run_devkit(
        "vision", "trackeval_mot.py", out, trackers, "vehicle", "train"
    )
    assert "error" not in read["perfect"]
