"""Readers on files that other programs left odd: read on, or one message that names the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from exporters.argoverse2.reader import read_argoverse2
from exporters.coco.reader import read_coco
from exporters.export import ExportOptions, export_formats
from exporters.kitti_object.reader import read_kitti_object
from exporters.kitti_tracking.reader import read_kitti_tracking
from exporters.nuscenes.reader import read_nuscenes
from synthgen.errors import DatasetError
from tests.unit.small_dataset import write_dataset

FORMATS = ("argoverse2", "coco", "kitti-object", "kitti-tracking", "nuscenes")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    write_dataset(folder / "dataset", clips=1)
    options = ExportOptions(shares={"train": 1.0}, jobs=1, trust=True)
    export_formats(folder / "dataset", FORMATS, folder / "out", options)
    return folder / "out"


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """Exports that may be spoilt."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


def a_circle(rows: Rows) -> None:
    rows[-1]["next"] = rows[0]["token"]


def a_dangling_token(rows: Rows) -> None:
    rows[0]["next"] = "nowhere"


def a_short_list(rows: Rows) -> None:
    rows[0]["size"] = [1.0, 2.0]


def a_text_for_a_number(rows: Rows) -> None:
    rows[0]["timestamp"] = "yesterday"


def spoil_table(folder: Path, table: str, spoil: Callable[[Rows], Rows | None]) -> None:
    """Change a table of the nuScenes export in place, or put another in its place."""
    path = folder / f"nuscenes/v1.0-trainval/{table}.json"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps(spoil(rows) or rows))


@pytest.mark.parametrize(
    ("table", "spoil", "words"),
    [
        ("sample", a_circle, "go in a circle"),
        ("sample", a_dangling_token, "found no 'nowhere'"),
        ("sample_annotation", a_short_list, "records that fit together"),
        ("sample", a_text_for_a_number, "records that fit together"),
    ],
)
def test_odd_records_of_nuscenes_are_told(
    folder: Path, table: str, spoil: Callable[[Rows], None], words: str
) -> None:
    spoil_table(folder, table, spoil)
    with pytest.raises(DatasetError, match=f"nuscenes.*{words}"):
        list(read_nuscenes(folder / "nuscenes"))


def no_rotation(rows: Rows) -> None:
    for row in rows:
        row["rotation"] = [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("table", ["ego_pose", "calibrated_sensor"])
def test_pose_that_is_none_is_told_by_its_token(folder: Path, table: str) -> None:
    spoil_table(folder, table, no_rotation)
    with pytest.raises(DatasetError, match=f"{table} [0-9a-f]+: expected a pose"):
        list(read_nuscenes(folder / "nuscenes"))


def test_box_without_a_rotation_has_no_heading(folder: Path) -> None:
    spoil_table(folder, "sample_annotation", no_rotation)
    frame = next(f for f in read_nuscenes(folder / "nuscenes") if len(f.boxes))
    assert np.isnan(frame.boxes.yaw_rad).all()


def test_tables_of_nuscenes_alone_have_no_files(folder: Path) -> None:
    shutil.rmtree(folder / "nuscenes/samples")
    frame = next(read_nuscenes(folder / "nuscenes"))
    assert frame.image is None
    assert frame.lidar is None


def test_scene_without_a_sweep_is_told(folder: Path) -> None:
    def no_lidar(rows: Rows) -> Rows:
        return [row for row in rows if "LIDAR" not in row["filename"]]

    spoil_table(folder, "sample_data", no_lidar)
    with pytest.raises(DatasetError, match="sample 0 has no LIDAR_TOP key frame"):
        list(read_nuscenes(folder / "nuscenes"))


def test_annotations_in_another_unit_of_time_are_told(folder: Path) -> None:
    path = next((folder / "argoverse2").rglob("annotations.feather"))
    table = feather.read_table(path)
    seconds = pa.array([time // 10**9 for time in table["timestamp_ns"].to_pylist()])
    place = table.column_names.index("timestamp_ns")
    feather.write_feather(table.set_column(place, "timestamp_ns", seconds), path)
    with pytest.raises(DatasetError, match="no annotation has the time of a sweep"):
        list(read_argoverse2(folder / "argoverse2"))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"images": ["a"]}', "[]", '{"images'])
def test_odd_json_is_told_of_coco(tmp_path: Path, text: str) -> None:
    (tmp_path / "instances.json").write_text(text)
    with pytest.raises(DatasetError, match=r"instances\.json: expected COCO instances"):
        list(read_coco(tmp_path / "instances.json"))


IMAGE = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
ROW = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": [IMAGE, IMAGE]}, "two rows of images have the id 1"),
        ({"categories": [{"id": 3, "name": "car"}] * 2}, "two rows of categories have the id 3"),
        ({"annotations": [ROW | {"image_id": "1"}]}, "no annotation is of an image of the file"),
        ({"annotations": [ROW | {"track_id": 10**30}]}, "too large"),
        ({"images": [IMAGE | {"width": "640"}]}, "whole pixels, found '640' x 480"),
        ({"images": [IMAGE | {"height": 0}]}, "whole pixels, found 640 x 0"),
    ],
)
def test_rows_of_coco_that_contradict_each_other_are_told(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    tables = {"images": [IMAGE], "categories": [{"id": 3, "name": "car"}], "annotations": [ROW]}
    (tmp_path / "instances.json").write_text(json.dumps(tables | change))
    with pytest.raises(DatasetError, match=rf"instances\.json: expected COCO .*{message}"):
        list(read_coco(tmp_path / "instances.json"))


def twice(rows: Rows) -> None:
    rows.append(rows[0] | {"name": "another"})


def of_no_sample(rows: Rows) -> None:
    rows[0]["sample_token"] = "nowhere"


def of_many_points(rows: Rows) -> None:
    rows[0]["num_lidar_pts"] = 10**30


# The devkit itself ends with a KeyError at an annotation of no sample.
@pytest.mark.parametrize(
    ("table", "spoil", "message"),
    [
        ("sample_annotation", twice, "rows have .* different tokens"),
        ("scene", twice, "2 rows have 1 different tokens"),
        ("sample_annotation", of_no_sample, "its sample is in no table"),
        ("sample_annotation", of_many_points, "too large"),
    ],
)
def test_records_of_nuscenes_that_would_be_lost_are_told(
    folder: Path, table: str, spoil: Callable[[Rows], None], message: str
) -> None:
    spoil_table(folder, table, spoil)
    with pytest.raises(DatasetError, match=message):
        list(read_nuscenes(folder / "nuscenes"))


def without(folder: Path, column: str) -> None:
    (path,) = (folder / "argoverse2").rglob("annotations.feather")
    feather.write_feather(feather.read_table(str(path)).drop_columns([column]), str(path))


def test_log_that_counts_no_points_is_read(folder: Path) -> None:
    without(folder, "num_interior_pts")
    frames = [frame for frame in read_argoverse2(folder / "argoverse2") if len(frame.boxes)]
    assert {frame.boxes.lidar_points for frame in frames} == {None}


def test_log_without_places_is_told(folder: Path) -> None:
    without(folder, "tx_m")
    with pytest.raises(DatasetError, match="a log of Argoverse 2: found no 'tx_m'"):
        list(read_argoverse2(folder / "argoverse2"))


def test_files_of_other_names_are_passed_over(folder: Path) -> None:
    before = len(list(read_argoverse2(folder / "argoverse2")))
    (sweeps,) = (folder / "argoverse2").rglob("lidar")
    (sweeps / "notes.feather").write_bytes(b"")
    assert len(list(read_argoverse2(folder / "argoverse2"))) == before > 0
    labels = folder / "kitti-object/training/label_2"
    (labels / "._000000.txt").write_bytes(b"\x00\x05\x16\x07")
    assert len(list(read_kitti_object(folder / "kitti-object"))) == before


def test_byte_order_mark_is_no_part_of_a_class(folder: Path) -> None:
    path = folder / "kitti-object/training/label_2/000000.txt"
    kinds = [line.split()[0] for line in path.read_text().splitlines()]
    path.write_text(path.read_text(), encoding="utf-8-sig")
    first = next(read_kitti_object(folder / "kitti-object"))
    assert first.boxes.native_category.tolist() == kinds


@pytest.mark.parametrize("start", ["99999999999999999999 1", "0 99999999999999999999"])
def test_number_of_more_than_64_bits_is_told(folder: Path, start: str) -> None:
    (path,) = (folder / "kitti-tracking/training/label_02").glob("*.txt")
    path.write_text(f"{start} Car 0 0 {' '.join(['1'] * 12)}\n")
    with pytest.raises(DatasetError, match="expected a frame and a track number"):
        list(read_kitti_tracking(folder / "kitti-tracking"))


@pytest.mark.parametrize("frame", [-1, 99_999_999])
def test_frame_beyond_six_digits_is_told(folder: Path, frame: int) -> None:
    (path,) = (folder / "kitti-tracking/training/label_02").glob("*.txt")
    path.write_text(f"{frame} 1 Car 0 0 {' '.join(['1'] * 12)}\n")
    with pytest.raises(DatasetError, match=f"expected frames 0 to 999999, found {frame}"):
        list(read_kitti_tracking(folder / "kitti-tracking"))
