"""Damaged datasets: one message that names the file, exit code 2, and nothing that looks whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthgen.cli import main
from synthgen.store.clip_reader import open_dataset

pytestmark = [pytest.mark.server, pytest.mark.slow]

Damage = Callable[[Path], object]


@pytest.fixture
def dataset(export_dataset: Path, tmp_path: Path) -> Path:
    """A copy of one clip that may be damaged."""
    clip = open_dataset(export_dataset)[0].folder
    out = tmp_path / "dataset"
    shutil.copytree(clip, out / clip.relative_to(export_dataset))
    shutil.copyfile(export_dataset / "dataset.json", out / "dataset.json")
    return out


def truncated(name: str) -> Damage:
    def damage(clip: Path) -> None:
        path = clip / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    return damage


def removed(name: str) -> Damage:
    def damage(clip: Path) -> None:
        path = clip / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def overwritten(name: str, content: bytes) -> Damage:
    def damage(clip: Path) -> None:
        (clip / name).write_bytes(content)

    return damage


def one_bit(name: str) -> Damage:
    def damage(clip: Path) -> None:
        content = bytearray((clip / name).read_bytes())
        content[len(content) // 2] ^= 1
        (clip / name).write_bytes(content)

    return damage


def without_column(name: str, column: str) -> Damage:
    def damage(clip: Path) -> None:
        pq.write_table(pq.read_table(clip / name).drop_columns(column), clip / name)

    return damage


def unknown_category(clip: Path) -> None:
    for name in ("labels/v1/boxes2d.parquet", "labels/v1/boxes3d.parquet", "objects.parquet"):
        table = pq.read_table(clip / name)
        index = table.schema.get_field_index("category")
        column = pa.array(["dragon"] * table.num_rows)
        pq.write_table(table.set_column(index, "category", column), clip / name)


DAMAGES: dict[str, tuple[Damage, str]] = {
    "images cut": (truncated("cameras/cam_front/rgb.parquet"), "rgb.parquet"),
    "labels cut": (truncated("labels/v1/boxes2d.parquet"), "boxes2d.parquet"),
    "no labels": (removed("labels"), "labels"),
    "no sweeps": (removed("lidar/lidar_top.parquet"), "lidar_top.parquet"),
    "no calibration": (removed("calibration.json"), "calibration.json"),
    "calibration is no JSON": (overwritten("calibration.json", b"{"), "calibration.json"),
    "manifest is no JSON": (overwritten("clip.json", b"\xff\xfe{"), "clip.json"),
    "manifest of another schema": (overwritten("clip.json", b'{"schema": "x@1"}'), "clip.json"),
    "manifest without fields": (
        overwritten("clip.json", b'{"schema": "synthgen/clip@1"}'),
        "clip.json",
    ),
    "frames are no Parquet": (overwritten("frames.parquet", b"PAR1"), "frames.parquet"),
    "one bit of an image": (one_bit("cameras/cam_front/rgb.parquet"), "rgb.parquet"),
    "one bit of a sweep": (one_bit("lidar/lidar_top.parquet"), "lidar_top.parquet"),
    "column missing": (without_column("labels/v1/boxes2d.parquet", "visible_px"), "boxes2d"),
    "unknown category": (unknown_category, "boxes2d.parquet"),
}


@pytest.mark.parametrize("form", ["yolo", "openlabel"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_and_leaves_nothing_that_looks_whole(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str, form: str
) -> None:
    change, words = DAMAGES[damage]
    change(next(dataset.glob("clips/*/*")))
    arguments = ["export", str(dataset), "--format", form, "--jobs", "1"]
    code = main([*arguments, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert (code, len(said.splitlines())) == (2, 1), said
    assert words in said
    assert not (tmp_path / "out").exists()


def test_a_category_of_a_newer_version_is_named(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown_category(next(dataset.glob("clips/*/*")))
    arguments = ["export", str(dataset), "--format", "mot", "--jobs", "1", "--trust"]
    code = main([*arguments, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "category dragon: expected one of car, van" in said


def test_damage_is_told_by_other_processes_as_well(
    dataset: Path, export_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = open_dataset(export_dataset)[1].folder
    truncated("cameras/cam_front/rgb.parquet")(next(dataset.glob("clips/*/*")))
    shutil.copytree(sound, dataset / sound.relative_to(export_dataset))
    arguments = ["export", str(dataset), "--format", "yolo", "--jobs", "2"]
    code = main([*arguments, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "rgb.parquet" in said


def test_a_mended_dataset_goes_on_where_the_export_stopped(
    dataset: Path, export_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = next(dataset.glob("clips/*/*"))
    truncated("cameras/cam_front/rgb.parquet")(clip)
    arguments = ["export", str(dataset), "--format", "yolo", "--jobs", "1", "--json"]
    arguments += ["--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    original = export_dataset / clip.relative_to(dataset) / "cameras/cam_front/rgb.parquet"
    shutil.copyfile(original, clip / "cameras/cam_front/rgb.parquet")
    capsys.readouterr()
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 160


@pytest.mark.parametrize("content", [[], ["notes.txt"], ["clips/aa/bb/clip.json"]])
def test_a_foreign_folder_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: list[str]
) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in content:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("hello")
    code = main(["export", str(folder), "--format", "yolo", "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "foreign" in said


def test_an_export_into_the_dataset_is_refused_or_harmless(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path for path in dataset.rglob("*") if path.is_file())
    code = main(["export", str(dataset), "--format", "yolo", "--out", str(dataset)])
    assert code in (2, 4)
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert sorted(path for path in dataset.rglob("*") if path.is_file()) == before
