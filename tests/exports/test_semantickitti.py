"""SemanticKITTI, read by a reader written from the published format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthgen.store.clip_reader import open_dataset

pytestmark = [pytest.mark.server, pytest.mark.slow]
Exported = Callable[[str], Path]

# semantic-kitti-api, config/semantic-kitti.yaml: class numbers beside CARLA's tags.
ROAD, SIDEWALK, BUILDING, CAR, PERSON = 40, 48, 50, 10, 30
BICYCLIST, MOVING_CAR, MOVING_BICYCLIST, MOVING_PERSON = 31, 252, 253, 254
CARLA_ROAD, CARLA_SIDEWALK, CARLA_BUILDING = 1, 2, 3


def read_sweep(sequence: Path, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (N, 4), classes (N,), instances (N,), as semantic-kitti-api's laserscan.py."""
    points = np.fromfile(sequence / f"velodyne/{number:06d}.bin", dtype=np.float32).reshape(-1, 4)
    labels = np.fromfile(sequence / f"labels/{number:06d}.label", dtype=np.uint32)
    return points, labels & 0xFFFF, labels >> 16


def read_poses(sequence: Path) -> tuple[np.ndarray, np.ndarray]:
    """Poses (N, 4, 4) of the camera, relative to its first, and camera_from_lidar (4, 4)."""
    calibration = {
        line.split(":")[0]: np.array(line.split()[1:], dtype=np.float64)
        for line in (sequence / "calib.txt").read_text().splitlines()
    }
    rows = np.loadtxt(sequence / "poses.txt").reshape(-1, 3, 4)
    last = np.broadcast_to([[[0.0, 0.0, 0.0, 1.0]]], (len(rows), 1, 4))
    camera_from_lidar = np.vstack([calibration["Tr"].reshape(3, 4), [0, 0, 0, 1]])
    return np.concatenate([rows, last], axis=1), camera_from_lidar


def test_every_point_has_the_class_of_what_it_hit(exported: Exported, export_dataset: Path) -> None:
    seen: set[int] = set()
    for index, clip in enumerate(open_dataset(export_dataset)):
        sequence = exported("semantickitti") / f"sequences/{index:02d}"
        for sweep in clip.lidar_sweeps("lidar_top"):
            points, classes, instances = read_sweep(sequence, sweep.frame_index)
            assert sweep.semantic_tag is not None
            assert sweep.track_id is not None
            np.testing.assert_array_equal(points[:, :3], sweep.points_m)
            still = sweep.track_id == 0
            for tag, expected in (
                (CARLA_ROAD, ROAD),
                (CARLA_SIDEWALK, SIDEWALK),
                (CARLA_BUILDING, BUILDING),
            ):
                assert set(classes[still & (sweep.semantic_tag == tag)]) <= {expected}
            labelled = instances > 0
            np.testing.assert_array_equal(instances[labelled], sweep.track_id[labelled])
            seen |= set(classes.tolist())
    assert {ROAD, BUILDING, CAR} <= seen


def test_moving_objects_have_the_moving_classes(exported: Exported, export_dataset: Path) -> None:
    moving = {"pedestrian": MOVING_PERSON, "car": MOVING_CAR, "bicycle": MOVING_BICYCLIST}
    resting = {"pedestrian": {PERSON}, "car": {CAR}, "bicycle": {11, BICYCLIST}}
    checked: set[int] = set()
    for index, clip in enumerate(open_dataset(export_dataset)):
        sequence = exported("semantickitti") / f"sequences/{index:02d}"
        rows = clip.label_table("boxes3d").to_pylist()
        for row in (r for r in rows if r["lidar_points"] > 0 and r["category"] in moving):
            _, classes, instances = read_sweep(sequence, row["frame_index"])
            own = set(classes[instances == row["track_id"]].tolist())
            moves = row["activity"] in ("moving", "crossing")
            expected = {moving[row["category"]]} if moves else resting[row["category"]]
            assert own <= expected
            checked |= own
    assert {MOVING_PERSON, MOVING_BICYCLIST, CAR} <= checked


def test_poses_lay_sweeps_on_each_other(exported: Exported, export_dataset: Path) -> None:
    sequence = exported("semantickitti") / "sequences/00"
    poses, camera_from_lidar = read_poses(sequence)
    sweeps = list(next(iter(open_dataset(export_dataset))).lidar_sweeps("lidar_top"))
    first_world = np.linalg.inv(matrix(sweeps[0].world_from_lidar))
    for pose, sweep in zip(poses, sweeps, strict=True):
        found = np.linalg.inv(camera_from_lidar) @ pose @ camera_from_lidar
        np.testing.assert_allclose(found, first_world @ matrix(sweep.world_from_lidar), atol=1e-6)


def matrix(pose: object) -> np.ndarray:
    rotation, translation = pose.rotation, pose.translation_m  # type: ignore[attr-defined]  # an SE3
    return np.vstack([np.hstack([rotation, translation[:, None]]), [0, 0, 0, 1]])
