"""Foreign labels whose numbers are no box, and frames that do not follow each other in time."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from exporters.export import ExportOptions, export_formats
from synthgen.datatypes.labelled_frame import IGNORE, LabelledBoxes, LabelledFrame
from synthgen.errors import DatasetError
from synthgen.qa.sound import sound_sequences, summary, without_broken
from synthgen.qa.sources import kind_of, open_source
from tests.unit.small_dataset import write_dataset

ROOT = Path("recordings")


def make_frame(number: int = 0, *, time_ns: int | None = None, **columns: Any) -> LabelledFrame:
    """Two cars with 3D boxes and image boxes."""
    boxes = LabelledBoxes(
        category=np.array(["car", "car"]), native_category=np.array(["Car", "Car"]),
        track_id=np.array([1, 2]), xyxy_px=np.array([[10.0, 10, 50, 40], [60, 10, 90, 40]]),
        truncated=None, occluded=None, centre_m=np.array([[10.0, 1, 0], [20, -1, 0]]),
        size_lwh_m=np.array([[4.5, 1.8, 1.5], [4.2, 1.7, 1.4]]), yaw_rad=np.array([0.0, 0.1]),
    )  # fmt: skip
    return LabelledFrame(
        sequence="drive", frame_index=number, timestamp_ns=time_ns, image=None, image_size_wh=None,
        camera_matrix=None, camera_from_boxes=None, lidar=None, lidar_from_boxes=None,
        box_frame="ego", boxes=replace(boxes, **columns),
    )  # fmt: skip


@pytest.mark.parametrize("folder", ["images/val", "val", "images"])
def test_images_of_coco_are_found_by_their_split(tmp_path: Path, folder: str) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / folder).mkdir(parents=True)
    image = tmp_path / folder / "a.png"
    cv2.imwrite(str(image), np.zeros((20, 30, 3), np.uint8))
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
        "annotations": [],
        "categories": [],
    }
    (tmp_path / "annotations/instances_val.json").write_text(json.dumps(document))
    assert open_source(tmp_path).frames[0].image == image


def test_track_twice_in_a_frame_is_told() -> None:
    # TrackEval ends at such ground truth too.
    frames = [make_frame(0), make_frame(1, track_id=np.array([3, 3]))]
    problems: list[str] = []
    assert sound_sequences(ROOT, frames, problems) == []
    assert "found 3 twice in frame 1" in problems[0]


def test_detections_of_no_track_may_be_many() -> None:
    frames = [make_frame(0, track_id=np.array([-1, -1]))]
    problems: list[str] = []
    assert sound_sequences(ROOT, frames, problems) == frames
    assert not problems


def test_versions_of_nuscenes_are_told_apart(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset", clips=1)
    options = ExportOptions(shares={"train": 1.0}, jobs=1, trust=True)
    export_formats(tmp_path / "dataset", ("nuscenes",), tmp_path / "out", options)
    (tables,) = (path.parent for path in (tmp_path / "out").rglob("sample.json"))
    root = tables.parent
    frames = len(open_source(root).frames)
    shutil.copytree(tables, root / "v1.0-zero")
    with pytest.raises(DatasetError, match=rf"found {tables.name}, v1\.0-zero; name one: "):
        open_source(root)
    assert len(open_source(tables).frames) == frames > 0


@pytest.mark.parametrize("below", ["", "a", "a/b", "a/b/c"])
def test_log_of_argoverse_is_found_however_deep(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    (tmp_path / below / "annotations.feather").write_bytes(b"")
    assert kind_of(tmp_path) == "argoverse2"


def test_broken_log_of_argoverse_spoils_no_other(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset", clips=2)
    options = ExportOptions(shares={"train": 1.0}, jobs=1, trust=True)
    export_formats(tmp_path / "dataset", ("argoverse2",), tmp_path / "out", options)
    first, second_log = sorted((tmp_path / "out").rglob("annotations.feather"))
    first.write_bytes(b"cut off")
    source = open_source(tmp_path / "out")
    assert {frame.sequence for frame in source.frames} == {second_log.parent.name}
    assert [str(first) in problem for problem in source.problems] == [True]


def second(row: list[float]) -> np.ndarray:
    return np.array([[10.0, 1.0, 0.5], row])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"centre_m": second([np.nan] * 3)}, "NaN or infinite"),
        ({"centre_m": second([np.inf, 0, 0])}, "NaN or infinite"),
        ({"centre_m": second([1e300, 0, 0])}, "farther away than 10 km"),
        ({"size_lwh_m": second([-4.5, 1.8, 1.5])}, "not longer than nought"),
        ({"size_lwh_m": second([4.5, 0.0, 1.5])}, "not longer than nought"),
        ({"yaw_rad": np.array([0.0, np.nan])}, "NaN or infinite"),
    ],
)
def test_label_that_is_no_box_is_taken_out_and_named(columns: dict[str, Any], reason: str) -> None:
    frames, broken = without_broken([make_frame(7, **columns)])
    assert frames[0].boxes.track_id is not None
    assert frames[0].boxes.track_id.tolist() == [1]
    assert [(box.frame_index, box.track, box.category) for box in broken] == [(7, 2, "Car")]
    assert reason in broken[0].reason


def test_object_of_images_alone_is_whole() -> None:
    nothing = second([np.nan] * 3)
    frame = make_frame(centre_m=nothing, size_lwh_m=nothing, yaw_rad=np.array([0.0, np.nan]))
    _frames, broken = without_broken([frame])
    assert not broken


@pytest.mark.parametrize("edges", [[60.0, 10, 55, 5], [60, 10, 60, 40], [np.nan] * 4])
def test_image_box_without_area_is_broken(edges: list[float]) -> None:
    none = np.full((2, 3), np.nan)
    image = np.array([[10.0, 10, 50, 40], edges])
    frame = make_frame(xyxy_px=image, centre_m=none, size_lwh_m=none, yaw_rad=none[:, 0])
    _frames, broken = without_broken([frame])
    assert [box.track for box in broken] == [2]


def test_region_to_ignore_is_never_broken() -> None:
    frame = make_frame(category=np.array(["car", IGNORE]), size_lwh_m=second([-1.0, -1.0, -1.0]))
    assert not without_broken([frame])[1]


def test_one_line_tells_of_all() -> None:
    _frames, broken = without_broken([make_frame(3, yaw_rad=np.array([np.nan, np.nan]))])
    told = summary(broken, 8)
    assert told.startswith(
        "2 of 10 labels are no boxes and left out; the first: drive frame 3, Car"
    )


@pytest.mark.parametrize(
    ("times_ns", "words"),
    [
        ([0, 500, 1000], "found 5e-07 s; are the timestamps in the format's unit?"),
        ([0, 500_000_000_000, 10**12], "found 500 s"),
        ([0, 200_000_000, 100_000_000], "1 of 2 do not"),
        ([0, 0, 100_000_000], "1 of 2 do not"),
    ],
)
def test_sequence_out_of_time_is_left_out_and_named(times_ns: list[int], words: str) -> None:
    problems: list[str] = []
    frames = [make_frame(i, time_ns=time) for i, time in enumerate(times_ns)]
    other = replace(make_frame(), sequence="other")
    assert sound_sequences(ROOT, [*frames, other], problems) == [other]
    assert len(problems) == 1
    assert problems[0].startswith("recordings: drive: expected ")
    assert words in problems[0]


@pytest.mark.parametrize("focal_px", [-721.5, 0.0, np.nan])
def test_sequence_of_a_camera_that_cannot_be_is_named(focal_px: float) -> None:
    problems: list[str] = []
    lens = np.array([[focal_px, 0, 600], [0, 721.5, 180], [0, 0, 1]])
    assert not sound_sequences(ROOT, [replace(make_frame(), camera_matrix=lens)], problems)
    assert "drive: expected focal lengths above nought, found" in problems[0]


@pytest.mark.parametrize("step_ns", [50_000_000, 500_000_000, None])
def test_usual_steps_are_in_time(step_ns: int | None) -> None:
    problems: list[str] = []
    frames = [make_frame(i, time_ns=None if step_ns is None else i * step_ns) for i in range(3)]
    assert sound_sequences(ROOT, frames, problems) == frames
    assert not problems
