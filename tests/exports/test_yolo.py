"""YOLO folders by datumaro and, in an environment with torch, by Ultralytics."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporters.export import ExportOptions, export
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.clip_truth import EDGES, greatest_box_difference
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server]


@pytest.fixture(scope="module")
def clips(export_dataset: Path) -> list[ClipReader]:
    return open_dataset(export_dataset)


@pytest.fixture(scope="module")
def exported(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("yolo") / "out"
    export(export_dataset, "yolo", out, ExportOptions(shares={"train": 0.5, "val": 0.5}))
    return out


def stem(clip: ClipReader, camera: str, frame_index: int) -> str:
    slot = clip.manifest["slot"]
    return f"{slot['scenario']}-{slot['k']:04d}_{camera}_{frame_index:06d}"


def truth(clips: list[ClipReader]) -> dict[str, list[tuple[str, list[float]]]]:
    """Class and corners of every box that shall be there, by image, sorted."""
    images: dict[str, list[tuple[str, list[float]]]] = {
        stem(clip, camera, frame.frame_index): []
        for clip in clips
        for camera in ("cam_front", "cam_rear")
        for frame in clip.frames
    }
    for clip in clips:
        for row in clip.label_table("boxes2d").to_pylist():
            if row["visible_px"] > 0 and not row["ignore"]:
                corners = [row[f"visible_{edge}_px"] for edge in EDGES]
                name = stem(clip, row["camera"], row["frame_index"])
                images[name].append((row["category"], corners))
    return {name: sorted(boxes) for name, boxes in images.items()}


def numbered(
    images: dict[str, list[tuple[str, list[float]]]],
) -> dict[tuple[str, int, str], list[float]]:
    """Corners by image, place in the image and class."""
    return {
        (name, k, label): corners
        for name, boxes in images.items()
        for k, (label, corners) in enumerate(sorted(boxes))
    }


@pytest.mark.slow
def test_datumaro_reads_the_clips_boxes(exported: Path, clips: list[ClipReader]) -> None:
    read = run_devkit("vision", "datumaro_boxes.py", exported, "yolo")
    found = {item.partition("/")[2]: _corners(boxes) for item, boxes in read.items()}
    assert found.keys() == truth(clips).keys()
    assert greatest_box_difference(numbered(found), numbered(truth(clips))) < 0.02


def _corners(boxes: list[dict[str, Any]]) -> list[tuple[str, list[float]]]:
    return [(box["label"], [x, y, x + w, y + h]) for box in boxes for x, y, w, h in [box["xywh"]]]


@pytest.mark.slow
def test_datumaro_notices_corners_written_as_centres(
    exported: Path, clips: list[ClipReader], tmp_path: Path
) -> None:
    broken = copied(exported, tmp_path / "broken", _corner_first)
    read = run_devkit("vision", "datumaro_boxes.py", broken, "yolo")
    found = {item.partition("/")[2]: _corners(boxes) for item, boxes in read.items()}
    assert greatest_box_difference(numbered(found), numbered(truth(clips))) > 1


def copied(exported: Path, out: Path, change: Callable[[list[str]], list[str]]) -> Path:
    """A copy in which every line is changed."""
    shutil.copytree(exported, out)
    for path in out.glob("labels/*/*.txt"):
        lines = [" ".join(change(line.split())) for line in path.read_text().splitlines()]
        path.write_text("".join(f"{line}\n" for line in lines))
    return out


def _corner_first(row: list[str]) -> list[str]:
    x, y, width, height = map(float, row[1:])
    return [row[0], str(max(0, x - width / 2)), str(max(0, y - height / 2)), *row[3:]]


def _from_one(row: list[str]) -> list[str]:
    return [str(int(row[0]) + 13), *row[1:]]


def _in_pixels(row: list[str]) -> list[str]:
    return [row[0], *(str(480 * float(value)) for value in row[1:])]


def _with_polygon(row: list[str]) -> list[str]:
    return [*row, "0.5", "0.5"]


@pytest.mark.heavy
def test_ultralytics_finds_every_box_and_no_fault(exported: Path, clips: list[ClipReader]) -> None:
    read = run_devkit("yolo", "ultralytics_verify.py", exported / "data.yaml")
    assert read["faults"] == []
    found = {
        name: [(read["names"][str(int(label))], corners) for label, *corners in boxes]
        for name, boxes in read["images"].items()
    }
    assert found.keys() == truth(clips).keys()
    assert greatest_box_difference(numbered(found), numbered(truth(clips))) < 1e-3


@pytest.mark.heavy
@pytest.mark.parametrize("change", [_from_one, _in_pixels, _with_polygon])
def test_ultralytics_notices_defects(
    exported: Path, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    broken = copied(exported, tmp_path / "broken", change)
    assert run_devkit("yolo", "ultralytics_verify.py", broken / "data.yaml")["faults"]
