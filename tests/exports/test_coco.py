"""COCO, judged by pycocotools and datumaro and compared with the clips."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from exporters.coco.reader import read_coco
from synthgen.store.clip_reader import open_dataset
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]
Exported = Callable[[str], Path]


@pytest.fixture(scope="session")
def judged(exported: Exported) -> dict[str, Any]:
    report: dict[str, Any] = run_devkit(
        "vision", "coco_evaluation.py", exported("coco") / "annotations", "train"
    )
    return report


@pytest.mark.parametrize("kind", ["box", "mask", "keypoints"])
def test_pycocotools_gives_perfect_detections_one(judged: dict[str, Any], kind: str) -> None:
    assert judged["persons"] > 50
    assert judged[kind] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["box_as_corners", "keypoints_swapped", "all_ids_zero"])
def test_pycocotools_notices_what_is_wrong(judged: dict[str, Any], kind: str) -> None:
    assert judged[kind] < 0.01


def test_masks_have_the_area_and_box_they_claim(judged: dict[str, Any]) -> None:
    assert (judged["area_off"], judged["box_off"]) == (0, 0.0)


def test_boxes_read_back_are_the_clips(exported: Exported, export_dataset: Path) -> None:
    folder = exported("coco")
    found = {}
    for frame in read_coco(folder / "annotations/instances_train.json", folder / "images/train"):
        assert frame.image is not None
        boxes = frame.boxes
        assert boxes.xyxy_px is not None
        for number, category in enumerate(boxes.category.tolist()):
            assert boxes.track_id is not None
            key = (frame.sequence, frame.frame_index, int(boxes.track_id[number]))
            found[key] = (category, boxes.xyxy_px[number].tolist())
    edges = [f"visible_{edge}_px" for edge in ("x_min", "y_min", "x_max", "y_max")]
    truth = {
        (f"{clip.clip_id}/{row['camera']}", row["frame_index"], row["track_id"]): (
            row["category"],
            [row[edge] for edge in edges],
        )
        for clip in open_dataset(export_dataset)
        for row in clip.label_table("boxes2d").to_pylist()
        if row["visible_px"] > 0
    }
    assert found == truth


def test_panoptic_pictures_hold_their_segments_and_nothing_else(exported: Exported) -> None:
    folder = exported("coco") / "annotations"
    document = json.loads((folder / "panoptic_train.json").read_text())
    for row in document["annotations"][::10]:
        picture = cv2.imread(str(folder / "panoptic_train" / row["file_name"]))
        assert picture is not None
        bgr = picture.astype(np.int64)
        ids = bgr[..., 2] + 256 * bgr[..., 1] + 65536 * bgr[..., 0]
        counted = dict(zip(*(v.tolist() for v in np.unique(ids, return_counts=True)), strict=True))
        counted.pop(0, None)
        assert counted == {s["id"]: s["area"] for s in row["segments_info"]}


def test_panoptic_things_are_the_instances(exported: Exported) -> None:
    folder = exported("coco") / "annotations"
    panoptic = json.loads((folder / "panoptic_train.json").read_text())
    instances = json.loads((folder / "instances_train.json").read_text())
    things = {row["id"] for row in panoptic["categories"] if row["isthing"]}
    found = {
        (row["image_id"], segment["id"], segment["category_id"])
        for row in panoptic["annotations"]
        for segment in row["segments_info"]
        if segment["category_id"] in things
    }
    rows = instances["annotations"]
    assert found == {(r["image_id"], r["track_id"], r["category_id"]) for r in rows}


def test_frames_of_a_video_follow_each_other(exported: Exported) -> None:
    document = json.loads((exported("coco") / "annotations/instances_train.json").read_text())
    frames: dict[int, list[int]] = {}
    for image in document["images"]:
        frames.setdefault(image["video_id"], []).append(image["frame_id"])
    assert sorted(frames) == [video["id"] for video in document["videos"]]
    assert all(numbers == list(range(80)) for numbers in frames.values())


def test_datumaro_reads_every_box_and_mask(exported: Exported) -> None:
    found = run_devkit("vision", "datumaro_read.py", exported("coco"), "coco_instances")
    document = json.loads((exported("coco") / "annotations/instances_train.json").read_text())
    assert found["items"] == len(document["images"])
    assert found["kinds"]["mask"] == len(document["annotations"])
