"""KITTI object, tracking and raw, judged by their devkits and compared with the clips."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.kitti_object.reader import read_kitti_object
from exporters.kitti_tracking.reader import read_kitti_tracking
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.labelled_frame import LabelledFrame
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.rotations import rotation_about_z
from synthgen.geometry.se3 import SE3
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.rows import pose_of_row
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]
Exported = Callable[[str], Path]
Row = dict[str, Any]
Columns = list[str]  # of a label file: type truncated occluded alpha box h w l x y z ry


def centre_for_bottom(row: Columns) -> Columns:
    return [*row[:12], str(float(row[12]) - float(row[8]) / 2), *row[13:]]


def width_length_height(row: Columns) -> Columns:
    height, width, length = row[8:11]
    return [*row[:8], width, length, height, *row[11:]]


def quarter_turn(row: Columns) -> Columns:
    return [*row[:14], str(float(row[14]) + math.pi / 2)]


def alpha_off_by_one(row: Columns) -> Columns:
    return [*row[:3], str(math.remainder(float(row[3]) + 1.0, math.tau)), *row[4:]]


BROKEN: dict[str, Callable[[Columns], Columns]] = {
    "perfect": lambda row: row,
    "centre": centre_for_bottom,
    "size_order": width_length_height,
    "quarter_turn": quarter_turn,
    "alpha": alpha_off_by_one,
}


@pytest.fixture(scope="session")
def judged(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What KITTI's evaluator says of the labels as detections, as they are and spoilt."""
    labels = exported("kitti-object") / "training/label_2"
    root = tmp_path_factory.mktemp("detections")
    for name, spoil in BROKEN.items():
        (root / name).mkdir()
        for path in labels.glob("*.txt"):
            rows = [spoil(line.split()) for line in path.read_text().splitlines()]
            text = "".join(" ".join([*row, "0.9"]) + "\n" for row in rows)
            (root / name / path.name).write_text(text)
    report: dict[str, Any] = run_devkit(
        "kitti", "kitti_evaluation.py", labels, *(root / name for name in BROKEN)
    )
    return report


MODERATE = 1


@pytest.mark.parametrize("kind", ["Car", "Pedestrian", "Cyclist"])
def test_evaluator_gives_perfect_detections_a_hundred(judged: dict[str, Any], kind: str) -> None:
    assert judged["frames"] >= 50
    scores = judged["perfect"][kind]
    assert {name: values[MODERATE] for name, values in scores.items()} == pytest.approx(
        dict.fromkeys(("bbox", "bev", "3d", "aos"), 100.0)
    )


@pytest.mark.parametrize("kind", ["Car", "Cyclist"])
@pytest.mark.parametrize(
    ("spoilt", "score", "most"),
    [("centre", "3d", 1.0), ("size_order", "bev", 1.0), ("quarter_turn", "bev", 1.0)],
)
def test_evaluator_notices_boxes_that_are_wrong(
    judged: dict[str, Any], spoilt: str, score: str, most: float, kind: str
) -> None:
    assert judged[spoilt][kind][score][MODERATE] <= most
    assert judged[spoilt][kind]["bbox"][MODERATE] == pytest.approx(100.0)


def test_evaluator_notices_a_wrong_alpha(judged: dict[str, Any]) -> None:
    # Every angle one radian off: the similarity is (1 + cos 1) / 2 = 0.77.
    assert judged["alpha"]["Cyclist"]["aos"][MODERATE] == pytest.approx(77.0, abs=0.2)


def clips(dataset: Path) -> Iterator[tuple[ClipReader, MountedSensor, MountedSensor]]:
    for clip in open_dataset(dataset):
        sensors = clip.calibration
        yield clip, sensors.of_modality("camera")[0], sensors.of_modality("lidar")[0]


def lidar_boxes(frame: LabelledFrame) -> list[SE3]:
    """Poses of a frame's boxes in the LiDAR frame."""
    assert frame.lidar_from_boxes is not None
    boxes = frame.boxes
    return [
        frame.lidar_from_boxes @ SE3(rotation_about_z(float(yaw)), centre)
        for yaw, centre in zip(boxes.yaw_rad, boxes.centre_m, strict=True)
    ]


def test_tracks_read_back_are_the_clips(exported: Exported, export_dataset: Path) -> None:
    frames = list(read_kitti_tracking(exported("kitti-tracking")))
    compared = 0
    for index, (clip, camera, lidar) in enumerate(clips(export_dataset)):
        truth = {
            (row["frame_index"], row["track_id"]): row
            for row in clip.label_table("boxes3d").to_pylist()
        }
        wanted = {
            (row["frame_index"], row["track_id"])
            for row in clip.label_table("boxes2d").to_pylist()
            if row["camera"] == camera.name and row["visible_px"] > 0 and keeps(row)
        } & truth.keys()
        found = set()
        for frame in (f for f in frames if f.sequence == f"{index:04d}"):
            assert frame.boxes.track_id is not None
            for number, pose in enumerate(lidar_boxes(frame)):
                key = (frame.frame_index, int(frame.boxes.track_id[number]))
                found.add(key)
                expected = lidar.ego_from_sensor.inverse() @ pose_of_row("ego_from_box", truth[key])
                assert math.dist(pose.translation_m, expected.translation_m) < 1e-3
                turn = math.remainder(pose.yaw_rad - expected.yaw_rad, math.tau)
                # KITTI's heading lies in the plane of the camera, ours in that of the LiDAR.
                assert abs(turn) < 1e-4
                compared += 1
        assert found == wanted
    assert compared > 300


def keeps(row: Row) -> bool:
    """The categories that configs/taxonomy.yaml drops for KITTI."""
    return row["category"] not in ("rider", "traffic_cone", "barrier", "prop")


def test_points_in_each_box_are_those_of_the_clip(exported: Exported, export_dataset: Path) -> None:
    frames = {f.frame_index: f for f in read_kitti_object(exported("kitti-object"))}
    first, compared = 0, 0
    for clip, _, lidar in clips(export_dataset):
        rows: dict[int, list[Row]] = {}
        for row in clip.label_table("boxes3d").to_pylist():
            rows.setdefault(row["frame_index"], []).append(row)
        for sweep in clip.lidar_sweeps(lidar.name):
            frame = frames[first + sweep.frame_index]
            assert frame.lidar is not None
            points = np.fromfile(frame.lidar, dtype="<f4").reshape(-1, 4)
            np.testing.assert_array_equal(points[:, :3], sweep.points_m)
            exported_counts = sorted(
                int(Cuboid(pose, size).contains(points[:, :3].astype(np.float64)).sum())
                for pose, size in zip(lidar_boxes(frame), frame.boxes.size_lwh_m, strict=True)
            )
            true_counts = [
                upright_count(row, lidar, sweep.points_m) for row in rows[sweep.frame_index]
            ]
            for count in exported_counts:
                assert count in true_counts
            compared += sum(count > 0 for count in exported_counts)
        first += len(clip.frames)
    assert compared > 100


def upright_count(row: Row, lidar: MountedSensor, points_m: Any) -> int:
    """Points within a box of the clip, stood upright as KITTI's must stand."""
    pose = lidar.ego_from_sensor.inverse() @ pose_of_row("ego_from_box", row)
    upright = SE3(rotation_about_z(pose.yaw_rad), pose.translation_m)
    size = np.array([row["length_m"], row["width_m"], row["height_m"]])
    return int(Cuboid(upright, size).contains(points_m.astype(np.float64)).sum())


def test_trackeval_finds_the_tracks_and_notices_swapped_ids(
    exported: Exported, tmp_path: Path
) -> None:
    training = exported("kitti-tracking") / "training"
    for path in (training / "label_02").glob("*.txt"):
        rows = [line.split() for line in path.read_text().splitlines()]
        for tracker, spoil in {"perfect": 0, "swapped": 1000}.items():
            folder = tmp_path / tracker / "data"
            folder.mkdir(parents=True, exist_ok=True)
            # From frame 40 on, every object bears a new id.
            spoilt = [[r[0], str(int(r[1]) + spoil * (int(r[0]) >= 40)), *r[2:]] for r in rows]
            text = "".join(" ".join([*row, "0.9"]) + "\n" for row in spoilt)
            (folder / path.name).write_text(text)
    report = run_devkit("vision", "trackeval_kitti.py", training, tmp_path, "car")
    assert report["perfect"] == pytest.approx({"HOTA": 1.0, "MOTA": 1.0, "IDF1": 1.0})
    assert report["swapped"]["IDF1"] < 0.9


def test_datumaro_reads_every_label(exported: Exported) -> None:
    folder = exported("kitti-object")
    found = run_devkit("vision", "datumaro_read.py", folder, "kitti")
    files = list((folder / "training/label_2").glob("*.txt"))
    rows = [line for path in files for line in path.read_text().splitlines()]
    assert found["items"] == len(files)
    assert found["kinds"] == {"bbox": len(rows)}
    assert sum(found["labels"].values()) == len(rows)


def test_pykitti_reads_the_drive_as_it_was_driven(exported: Exported, export_dataset: Path) -> None:
    found = run_devkit("vision", "pykitti_raw.py", exported("kitti-raw"), "2000_01_01", "0001")
    clip, camera, lidar = next(clips(export_dataset))
    start = clip.frames[0].world_from_ego.translation_m
    path = np.array(found["world_from_imu"])
    for pose, frame in zip(path - path[0], clip.frames, strict=True):
        moved = frame.world_from_ego.translation_m - start
        np.testing.assert_allclose(pose[:3, 3], moved, atol=1e-3)
    for pose, frame in zip(path, clip.frames, strict=True):
        np.testing.assert_allclose(pose[:3, :3], frame.world_from_ego.rotation, atol=1e-6)
    ego_from_camera = np.linalg.inv(np.array(found["cam2_from_velo"]) @ found["velo_from_imu"])
    np.testing.assert_allclose(ego_from_camera[:3, 3], camera.ego_from_sensor.translation_m)
    np.testing.assert_allclose(ego_from_camera[:3, :3], camera.ego_from_sensor.rotation, atol=1e-9)
    sweep = next(clip.lidar_sweeps(lidar.name))
    np.testing.assert_array_equal(
        np.array(found["first_sweep"], dtype=np.float32)[:, :3], sweep.points_m
    )
    assert found["seconds"] == pytest.approx([f.timestamp_ns / 1e9 for f in clip.frames])
    assert found["image_size"] == [480, 270]
