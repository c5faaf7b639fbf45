"""MOTChallenge folders by TrackEval and datumaro."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from exporters.export import ExportOptions, export
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.clip_truth import greatest_box_difference
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]

Row = tuple[int, int, float, float, float, float]  # frame, id, left, top, width, height
BENCHMARKS = {
    "pedestrian": ("pedestrian",),
    "vehicle": ("car", "van", "truck", "bus", "train"),
    "cyclist": ("bicycle", "motorcycle"),
}


@pytest.fixture(scope="module")
def clips(export_dataset: Path) -> list[ClipReader]:
    return open_dataset(export_dataset)


@pytest.fixture(scope="module")
def exported(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All clips in one split."""
    out = tmp_path_factory.mktemp("mot") / "out"
    export(export_dataset, "mot", out, ExportOptions(shares={"train": 1.0}))
    return out


def sequence(clip: ClipReader, camera: str) -> str:
    slot = clip.manifest["slot"]
    return f"{slot['scenario']}-{slot['k']:04d}_{camera}"


def tracked(clip: ClipReader, camera: str, categories: Iterable[str]) -> list[Row]:
    """What a perfect tracker finds, from the clip: frames, ids and pixels count from 1."""
    rows = clip.label_table("boxes2d").to_pylist()
    return [
        (
            row["frame_index"] + 1,
            row["track_id"],
            row["amodal_x_min_px"] + 1,
            row["amodal_y_min_px"] + 1,
            row["amodal_x_max_px"] - row["amodal_x_min_px"],
            row["amodal_y_max_px"] - row["amodal_y_min_px"],
        )
        for row in rows
        if row["camera"] == camera and row["category"] in categories and not row["ignore"]
    ]


def swapped(row: Row) -> Row:
    """Every fifth frame, every object goes by another number."""
    return (row[0], row[1] + 1000 * (row[0] % 5 == 0), *row[2:])


TRACKERS: dict[str, Callable[[Row], Row]] = {
    "perfect": lambda row: row,
    "swapped": swapped,
    "shifted": lambda row: (*row[:2], row[2] + row[4], *row[3:]),
    "zero_based": lambda row: (row[0] - 1, *row[1:]),
}


@pytest.fixture(scope="module")
def scores(
    exported: Path, clips: list[ClipReader], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, dict[str, float]]]:
    """TrackEval's verdict by benchmark and tracker."""
    folder = tmp_path_factory.mktemp("trackers")
    for benchmark, categories in BENCHMARKS.items():
        for name, change in TRACKERS.items():
            home = folder / f"{benchmark}-train" / name / "data"
            home.mkdir(parents=True)
            for clip in clips:
                for camera in ("cam_front", "cam_rear"):
                    rows = map(change, tracked(clip, camera, categories))
                    text = "".join(f"{','.join(map(str, row))},1,-1,-1,-1\n" for row in rows)
                    (home / f"{sequence(clip, camera)}.txt").write_text(text)
    return {
        benchmark: run_devkit("vision", "trackeval_mot.py", exported, folder, benchmark, "train")
        for benchmark in BENCHMARKS
    }


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_a_perfect_tracker_scores_one(
    scores: dict[str, dict[str, dict[str, float]]], benchmark: str
) -> None:
    found = scores[benchmark]["perfect"]
    assert found["truths"] > 20
    assert found["hota"] == pytest.approx(1)
    assert found["mota"] == pytest.approx(1)
    assert found["idf1"] == pytest.approx(1)
    assert found["id_switches"] == 0


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_swapped_ids_are_noticed(
    scores: dict[str, dict[str, dict[str, float]]], benchmark: str
) -> None:
    found = scores[benchmark]["swapped"]
    assert found["id_switches"] > 0
    assert found["idf1"] < 0.9


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_shifted_boxes_are_noticed(
    scores: dict[str, dict[str, dict[str, float]]], benchmark: str
) -> None:
    assert scores[benchmark]["shifted"]["hota"] < 0.1


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_frames_counted_from_zero_are_noticed(
    scores: dict[str, dict[str, dict[str, float]]], benchmark: str
) -> None:
    found = scores[benchmark]["zero_based"]
    assert "error" in found or found["hota"] < 0.95


def truth_rows(exported: Path, benchmark: str, name: str) -> list[list[str]]:
    path = exported / f"{benchmark}-train" / name / "gt/gt.txt"
    with path.open() as file:
        return list(csv.reader(file))


@pytest.fixture
def street(clips: list[ClipReader]) -> ClipReader:
    """The clip with walkers in front of the car."""
    (clip,) = (c for c in clips if c.manifest["slot"]["scenario"] == "busy_street")
    return clip


def test_rows_are_the_clips(exported: Path, street: ClipReader) -> None:
    name = sequence(street, "cam_front")
    rows = truth_rows(exported, "pedestrian", name)
    found = {(int(r[0]), int(r[1])): [float(v) for v in r[2:6]] for r in rows if r[6] == "1"}
    truth = {row[:2]: row[2:] for row in tracked(street, "cam_front", ["pedestrian"])}
    assert greatest_box_difference(found, truth) < 5.1e-5  # half of the last written digit


def test_every_sequence_is_listed_and_has_its_images(
    exported: Path, clips: list[ClipReader]
) -> None:
    for benchmark in BENCHMARKS:
        listed = (exported / f"seqmaps/{benchmark}-train.txt").read_text().split()
        assert listed[0] == "name"
        assert sorted(listed[1:]) == sorted(
            sequence(clip, camera) for clip in clips for camera in ("cam_front", "cam_rear")
        )
        images = exported.glob(f"{benchmark}-train/*/img1/*.png")
        assert len(list(images)) == 80 * 2 * len(clips)


def test_datumaro_reads_the_tracks(exported: Path, street: ClipReader) -> None:
    name = sequence(street, "cam_front")
    read = run_devkit(
        "vision", "datumaro_boxes.py", exported / "pedestrian-train" / name, "mot_seq"
    )
    found = boxes_of_items(read)
    truth = {
        (int(r[0]), int(r[1])): [float(v) for v in r[2:6]]
        for r in truth_rows(exported, "pedestrian", name)
    }
    # Datumaro rounds to a hundredth of a pixel.
    assert greatest_box_difference(found, truth) < 0.02


def boxes_of_items(read: dict[str, Any]) -> dict[tuple[int, int], list[float]]:
    return {
        (int(item.rpartition("/")[2]), box["track_id"]): box["xywh"]
        for item, boxes in read.items()
        for box in boxes
    }
