"""What the framework gives every format: selection, splits, resuming, sick disks."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.coco.writer import Coco
from exporters.export import ExportOptions, export, export_formats
from exporters.formats import FORMATS
from exporters.staging import files_below
from synthgen.errors import ConfigError, DatasetError, OutputError
from synthgen.store.clip_reader import open_dataset

pytestmark = [pytest.mark.server, pytest.mark.slow]
ALL_TRAIN = ExportOptions(shares={"train": 1.0}, jobs=1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in files_below(folder)}


def test_processes_make_no_difference(export_dataset: Path, tmp_path: Path) -> None:
    for jobs in (1, 2):
        options = ExportOptions(shares={"train": 1.0}, jobs=jobs)
        export(export_dataset, "kitti-tracking", tmp_path / str(jobs), options)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_interrupted_export_goes_on_and_is_the_same(
    export_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(export_dataset, "coco", tmp_path / "whole", ALL_TRAIN)
    made: list[int] = []
    write = Coco.export_clip

    def fails_at_the_second(self: Coco, clip: object, folder: Path) -> dict[str, object]:
        made.append(1)
        part = write(self, clip, folder)  # type: ignore[arg-type]  # an ExportClip
        if len(made) == 2:
            raise OSError(28, "No space left on device")
        return part

    monkeypatch.setattr(Coco, "export_clip", fails_at_the_second)
    with pytest.raises(OutputError, match="No space left on device"):
        export(export_dataset, "coco", tmp_path / "resumed", ALL_TRAIN)
    assert not (tmp_path / "resumed").exists()
    export(export_dataset, "coco", tmp_path / "resumed", ALL_TRAIN)
    assert len(made) == 3
    assert contents(tmp_path / "resumed") == contents(tmp_path / "whole")


def test_finished_export_is_left_as_it_is(export_dataset: Path, tmp_path: Path) -> None:
    export(export_dataset, "kitti-object", tmp_path / "out", ALL_TRAIN)
    again = export(export_dataset, "kitti-object", tmp_path / "out", ALL_TRAIN)
    assert again["already_there"] == str(tmp_path / "out")
    with pytest.raises(OutputError, match="expected a new folder"):
        export(export_dataset, "kitti-object", tmp_path / "out", ExportOptions(split="train"))


def test_filter_selects_clips_frames_and_objects(export_dataset: Path, tmp_path: Path) -> None:
    where = "scenario = 'right_hook_cyclist' and frame_index < 10 and category = 'bicycle'"
    options = ExportOptions(where=where, shares={"train": 1.0}, jobs=1)
    report = export(export_dataset, "coco", tmp_path / "coco", options)
    document = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())
    truth = [
        row
        for clip in open_dataset(export_dataset)
        for row in clip.label_table("boxes2d").to_pylist()
        if clip.manifest["slot"]["scenario"] == "right_hook_cyclist"
        and row["frame_index"] < 10
        and row["category"] == "bicycle"
        and row["visible_px"] > 0
    ]
    assert report["clips"] == 1
    assert len(document["images"]) == 20
    assert len(document["annotations"]) == len(truth) > 0


@pytest.mark.parametrize("where", ["scenario = 'no_such_thing'", "frame_index = 500"])
def test_filter_that_takes_nothing_is_told(
    export_dataset: Path, tmp_path: Path, where: str
) -> None:
    options = ExportOptions(where=where, jobs=1)
    with pytest.raises(ConfigError, match="none of the 2 clips is taken"):
        export_formats(export_dataset, ["coco", "kitti-tracking"], tmp_path / "o", options)
    assert list(tmp_path.iterdir()) == []


def test_frames_without_objects_are_frames(export_dataset: Path, tmp_path: Path) -> None:
    options = ExportOptions(where="category = 'animal'", shares={"train": 1.0}, jobs=1)
    export(export_dataset, "kitti-object", tmp_path / "kitti", options)
    labels = sorted((tmp_path / "kitti/training/label_2").glob("*.txt"))
    assert len(labels) == 160
    assert {path.read_text() for path in labels} == {""}


@pytest.mark.parametrize("where", ["frame_index = 3", "frame_index < 2 and category = 'animal'"])
def test_every_format_takes_a_clip_of_one_frame_and_frames_without_objects(
    export_dataset: Path, tmp_path: Path, where: str
) -> None:
    options = ExportOptions(where=where, shares={"train": 1.0}, jobs=1)
    reports = export_formats(export_dataset, sorted(FORMATS), tmp_path / "few", options)
    assert {report["format"]: report["clips"] for report in reports} == dict.fromkeys(FORMATS, 2)


def test_split_file_with_a_leak_is_refused(export_dataset: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(export_dataset / "clips", dataset / "clips")
    first = open_dataset(dataset)[0].folder
    # The same slot once more, under another id, as another weather would make it.
    twin = dataset / "clips/00/00aa00aa00aa00aa"
    shutil.copytree(first, twin)
    manifest = json.loads((twin / "clip.json").read_text()) | {"clip_id": twin.name}
    (twin / "clip.json").write_text(json.dumps(manifest))
    ids = [clip.clip_id for clip in open_dataset(dataset)]
    splits = dict.fromkeys(ids, "train") | {twin.name: "val"}
    (tmp_path / "splits.json").write_text(json.dumps(splits))
    options = ExportOptions(splits=tmp_path / "splits.json", jobs=1)
    with pytest.raises(DatasetError, match="split leakage"):
        export(dataset, "coco", tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_names_that_are_not_ascii(export_dataset: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "Datensätze 数据"
    shutil.copytree(export_dataset, dataset)
    export(dataset, "coco", tmp_path / "Ausfuhr é", ALL_TRAIN)
    path = tmp_path / "Ausfuhr é/annotations/instances_train.json"
    assert "Datensätze 数据" in json.loads(path.read_text())["info"]["description"]


def test_folder_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a dataset"):
        export(tmp_path, "coco", tmp_path / "out")


def test_damaged_clip_is_named_and_leaves_nothing_that_looks_whole(
    export_dataset: Path, tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(export_dataset, dataset)
    clip = open_dataset(dataset)[1]
    (clip.folder / "cameras/cam_front/rgb.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DatasetError, match=f"{clip.clip_id}.*rgb.parquet"):
        export(dataset, "coco", tmp_path / "out", ALL_TRAIN)
    assert not (tmp_path / "out").exists()


def test_rig_without_what_a_format_needs_is_named(export_dataset: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(export_dataset, dataset)
    for clip in open_dataset(dataset):
        path = clip.folder / "calibration.json"
        document = json.loads(path.read_text())
        document["sensors"] = [s for s in document["sensors"] if s["modality"] != "lidar"]
        path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="kitti-object needs a camera with rgb and a LiDAR"):
        export(dataset, "kitti-object", tmp_path / "out", ExportOptions(jobs=1, trust=True))


@pytest.mark.parametrize("form", ["coco", "mcap"])
def test_full_disk_ends_with_one_message(export_dataset: Path, tmp_path: Path, form: str) -> None:
    done = exported_with_small_files(export_dataset, tmp_path / "out", form)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1), done.stderr
    assert "cannot write: File too large" in done.stderr
    assert not (tmp_path / "out").exists()


def test_full_disk_under_reruns_own_thread_is_told(export_dataset: Path, tmp_path: Path) -> None:
    done = exported_with_small_files(export_dataset, tmp_path / "out", "rerun")
    assert done.returncode == 4, done.stderr
    assert "cannot write: Rerun could not finish its file" in done.stderr
    assert not (tmp_path / "out").exists()


def exported_with_small_files(
    dataset: Path, out: Path, form: str
) -> subprocess.CompletedProcess[str]:
    # A limit on file sizes stands for a full disk: the kernel refuses the write half-way.
    command = [sys.executable, "-m", "synthgen.cli", "export", str(dataset)]
    command += ["--format", form, "--jobs", "1", "--out", str(out)]
    limited = f"trap '' XFSZ; ulimit -f 60; exec {shlex.join(command)}"
    return subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)


def test_folder_that_cannot_be_written_ends_with_one_message(
    export_dataset: Path, tmp_path: Path
) -> None:
    # /proc refuses new folders even to root.
    with pytest.raises(OutputError, match="/proc/coco: cannot write"):
        export(export_dataset, "coco", Path("/proc/coco"), ALL_TRAIN)
