from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from exporters.export import ExportOptions, export
from synthgen.store.clip_reader import ClipReader, open_dataset

pytestmark = pytest.mark.server
ALL_TRAIN = ExportOptions(shares={"train": 1.0}, jobs=1)


@pytest.fixture(scope="session")
def clip(tiny_dataset: Path) -> ClipReader:
    return open_dataset(tiny_dataset)[0]


def test_every_file_matches_its_manifest(tiny_dataset: Path) -> None:
    clips = open_dataset(tiny_dataset)
    assert len(clips) == 2
    for clip in clips:
        clip.verify()


def test_clip_holds_every_capture_of_every_sensor(clip: ClipReader) -> None:
    assert len(clip.frames) == 40
    assert len(list(clip.camera_frames("cam_front"))) == 40
    assert len(list(clip.lidar_sweeps("lidar_top"))) == 40
    assert len(list(clip.radar_scans("radar_front"))) == 40
    assert [frame.timestamp_ns for frame in clip.frames[:3]] == [0, 200_000_000, 400_000_000]


def test_the_pedestrian_entered_the_lane_and_was_seen(clip: ClipReader) -> None:
    walker = next(item for item in clip.objects if item.name == "walker")
    boxes = clip.label_table("boxes2d").to_pylist()
    seen = [b for b in boxes if b["track_id"] == walker.track_id and b["visible_px"] >= 20]
    assert len(seen) >= 10
    assert clip.manifest["outcome"]["accepted"]


def test_the_walker_was_hidden_by_the_van_before(clip: ClipReader) -> None:
    track = {item.name: item.track_id for item in clip.objects if item.name}
    boxes = clip.label_table("boxes2d").to_pylist()
    occluders = {b["occluder_track_id"] for b in boxes if b["track_id"] == track["walker"]}
    assert track["van"] in occluders or track["car_behind"] in occluders


def test_lidar_points_labelled_as_an_object_lie_in_its_box(clip: ClipReader) -> None:
    sensor = clip.calibration.sensor("lidar_top")
    frames = {frame.frame_index: frame for frame in clip.frames}
    states = {state.tick: state for state in clip.ticks}
    objects = {item.track_id: item for item in clip.objects}
    checked = 0
    for sweep in clip.lidar_sweeps("lidar_top"):
        assert sweep.track_id is not None
        frame = frames[sweep.frame_index]
        world_m = sweep.world_from_lidar.apply(sweep.points_m.astype(np.float64))
        state = states[frame.tick]
        for track in np.unique(sweep.track_id[sweep.track_id > 1]).tolist():
            item, row = objects[track], state.row_of(track)
            assert row is not None
            own = world_m[sweep.track_id == track]
            local = state.world_from_actor(row).inverse().apply(own) - item.box_center_m
            # Range noise of 1 cm, five sigma, along any ray.
            assert (np.abs(local) <= item.size_lwh_m / 2 + 0.05).all(), item.blueprint
            checked += len(own)
    assert sensor.lidar is not None
    assert checked > 100


def test_coco_reads_it_and_perfect_detections_score_one(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    export(tiny_dataset, "coco", tmp_path / "coco", ALL_TRAIN)
    path = tmp_path / "coco/annotations/instances_train.json"
    truth = coco.COCO(str(path))
    annotations = json.loads(path.read_text())["annotations"]

    def average_precision(shift_px: float) -> float:
        detections = [
            {
                "image_id": a["image_id"],
                "category_id": a["category_id"],
                "bbox": [a["bbox"][0] + shift_px * a["bbox"][2], *a["bbox"][1:]],
                "score": 0.9,
            }
            for a in annotations
        ]
        judge = evaluation.COCOeval(truth, truth.loadRes(detections), "bbox")
        # More objects than COCO's limit of 100 may be in one image.
        judge.params.maxDets = [1, 10, 1000]
        judge.evaluate()
        judge.accumulate()
        precision = judge.eval["precision"][:, :, :, 0, 2]
        return float(precision[precision > -1].mean())

    assert average_precision(0.0) == pytest.approx(1.0)
    assert average_precision(0.6) < 0.1
    capsys.readouterr()


def test_coco_masks_have_the_area_and_box_they_claim(tiny_dataset: Path, tmp_path: Path) -> None:
    mask = pytest.importorskip("pycocotools.mask")
    export(tiny_dataset, "coco", tmp_path / "coco", ALL_TRAIN)
    document = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())
    for annotation in document["annotations"][::7]:
        assert mask.area(annotation["segmentation"]) == annotation["area"]
        np.testing.assert_allclose(mask.toBbox(annotation["segmentation"]), annotation["bbox"])


def test_kitti_boxes_reproject_onto_the_image(tiny_dataset: Path, tmp_path: Path) -> None:
    export(tiny_dataset, "kitti-object", tmp_path / "kitti", ALL_TRAIN)
    training = tmp_path / "kitti/training"
    checked = 0
    for path in sorted((training / "label_2").glob("*.txt")):
        calibration = (training / "calib" / path.name).read_text().splitlines()
        p2 = next(line for line in calibration if line.startswith("P2"))
        projection = np.array(p2.split()[1:], dtype=np.float64).reshape(3, 4)
        for row in (line.split() for line in path.read_text().splitlines()):
            if float(row[1]) > 0:
                continue
            left, top, right, low = (float(v) for v in row[4:8])
            found = projected_box(row, projection)
            np.testing.assert_allclose(found, [left, top, right + 1, low + 1], atol=2)
            checked += 1
    assert checked > 20


def projected_box(row: list[str], projection: np.ndarray) -> list[float]:
    """Image box of a KITTI row's cuboid, by the formulas of KITTI's development kit."""
    height, width, length = (float(v) for v in row[8:11])
    ry = float(row[14])
    turn = np.array([[np.cos(ry), 0, np.sin(ry)], [0, 1, 0], [-np.sin(ry), 0, np.cos(ry)]])
    x = [length / 2, length / 2, -length / 2, -length / 2] * 2
    y = [0.0] * 4 + [-height] * 4
    z = [width / 2, -width / 2, -width / 2, width / 2] * 2
    corners = turn @ np.array([x, y, z]) + np.array([[float(v)] for v in row[11:14]])
    homogeneous = projection @ np.vstack([corners, np.ones(8)])
    pixels = homogeneous[:2] / homogeneous[2]
    return [*pixels.min(axis=1), *pixels.max(axis=1)]
