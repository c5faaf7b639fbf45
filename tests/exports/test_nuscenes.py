"""nuScenes exports, judged by nuscenes-devkit and by our own check of every reference."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.export import ExportOptions, export
from synthgen.store.clip_reader import open_dataset
from tests.exports.devkits import run_devkit
from tests.exports.nuscenes_check import faults
from tests.exports.nuscenes_truth import (
    TruthBox,
    matched,
    samples_of,
    truth_of_clip,
    write_predictions,
)

pytestmark = [pytest.mark.server, pytest.mark.slow]
TP_ERRORS = ("trans_err", "scale_err", "orient_err", "vel_err", "attr_err")


@pytest.fixture(scope="module")
def root(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nuscenes") / "out"
    export(export_dataset, "nuscenes", out, ExportOptions(shares={"val": 1.0}, jobs=1))
    return out


@pytest.fixture(scope="module")
def truth(export_dataset: Path) -> list[TruthBox]:
    return [box for clip in open_dataset(export_dataset) for box in truth_of_clip(clip)]


@pytest.fixture(scope="module")
def kit(root: Path, truth: list[TruthBox], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the devkit says of the export and of the predictions made from the clips."""
    work = tmp_path_factory.mktemp("kit")
    write_predictions(samples_of(root), truth, work / "predictions")
    (work / "out").mkdir()
    return run_devkit("nuscenes", "nuscenes_kit.py", root, work / "predictions", work / "out")


def test_every_reference_chain_and_file_is_whole(root: Path) -> None:
    assert faults(root) == []


def break_prev(rows: list[Any]) -> None:
    next(row for row in rows if row["prev"])["prev"] = ""


def break_next(rows: list[Any]) -> None:
    next(row for row in rows if row["next"])["next"] = ""


def double_token(rows: list[Any]) -> None:
    rows[1]["token"] = rows[0]["token"]


def swap_times(rows: list[Any]) -> None:
    later = next(row for row in rows if row["prev"])
    earlier = next(row for row in rows if row["token"] == later["prev"])
    later["timestamp"], earlier["timestamp"] = earlier["timestamp"], later["timestamp"]


def drop_row(rows: list[Any]) -> None:
    rows.pop()


@pytest.mark.parametrize(
    ("table", "plant"),
    [
        ("sample_annotation", break_prev),
        ("sample_annotation", break_next),
        ("sample_data", break_next),
        ("sample", break_prev),
        ("ego_pose", double_token),
        ("sample", swap_times),
        ("sample_data", swap_times),
        ("instance", drop_row),
        ("visibility", drop_row),
        ("lidarseg", drop_row),
    ],
)
def test_check_finds_a_planted_fault(
    root: Path, tmp_path: Path, table: str, plant: Callable[[list[Any]], None]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, copy_function=hard_link)
    path = copy / f"v1.0-trainval/{table}.json"
    rows = json.loads(path.read_text())
    plant(rows)
    path.unlink()
    path.write_text(json.dumps(rows))
    assert faults(copy)


def test_check_finds_a_missing_file(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "copy", copy_function=hard_link)
    next((tmp_path / "copy/sweeps").rglob("*.jpg")).unlink()
    assert any("missing" in fault for fault in faults(tmp_path / "copy"))


def hard_link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def test_boxes_read_back_are_the_clips(kit: Any, root: Path, truth: list[TruthBox]) -> None:
    pairs = matched(samples_of(root), truth)
    assert len(pairs) > 300
    assert max(distance for *_, distance in pairs) < 1e-3
    tokens = [annotation["token"] for _, annotation, _, _ in pairs]
    assert len(set(tokens)) == len(tokens) == len(kit["annotations"])
    of_track = {(box.clip_id, box.track_id): row["instance_token"] for box, row, _, _ in pairs}
    assert all(
        of_track[box.clip_id, box.track_id] == row["instance_token"] for box, row, _, _ in pairs
    )
    assert len(set(of_track.values())) == len(of_track)


def test_headings_and_sizes_read_back_are_the_clips(
    kit: Any, root: Path, truth: list[TruthBox]
) -> None:
    read = {row["token"]: row for row in kit["annotations"]}
    for box, annotation, _, _ in matched(samples_of(root), truth):
        row = read[annotation["token"]]
        assert abs(math.remainder(row["yaw"] - box.yaw_rad, 2 * math.pi)) < 1e-4
        length, width, height = box.size_lwh_m
        np.testing.assert_allclose(row["wlh"], [width, length, height], atol=1e-3)


def test_velocity_of_the_devkit_is_the_true_one_but_for_acceleration(
    kit: Any, root: Path, truth: list[TruthBox]
) -> None:
    # A difference over half a second before or after is off by a quarter of a second of
    # acceleration (10 m/s2 at most), and a centred one by far less.
    read = {row["token"]: row for row in kit["annotations"]}
    gaps = [
        math.dist(read[row["token"]]["velocity"][:2], box.true_velocity_mps)
        for box, row, _, _ in matched(samples_of(root), truth)
        if box.velocity_mps is not None
    ]
    assert np.median(gaps) < 0.05
    assert max(gaps) < 2.5


def test_points_in_boxes_are_as_many_as_stored(kit: Any) -> None:
    assert [row["recounted"] for row in kit["annotations"]] == [
        row["stored"] for row in kit["annotations"]
    ]
    assert sum(row["stored"] for row in kit["annotations"]) > 1000


def test_perfect_detections_have_no_error(kit: Any) -> None:
    perfect = kit["detection"]["perfect"]
    assert {"car", "pedestrian"} <= perfect.keys()
    for name, scores in perfect.items():
        assert scores["ap"] == pytest.approx(1.0), name
        known = {error: scores[error] for error in TP_ERRORS if not math.isnan(scores[error])}
        assert max(known.values()) < 1e-3, name
        assert {"trans_err", "scale_err"} <= known.keys()


@pytest.mark.parametrize(
    ("fault", "error", "least"),
    [
        ("quaternion_order", "orient_err", 0.5),
        ("size_order", "scale_err", 0.3),
        ("yaw", "orient_err", 1.5),
        ("velocity", "vel_err", 0.1),
        ("origin", "trans_err", 0.8),
    ],
)
def test_true_positive_errors_catch(kit: Any, fault: str, error: str, least: float) -> None:
    scores = kit["detection"][fault].values()
    assert max(score[error] for score in scores if not math.isnan(score[error])) > least


def test_perfect_tracks_score_one(kit: Any) -> None:
    for name, scores in kit["tracking"]["perfect"].items():
        assert scores["amota"] == pytest.approx(1.0), name
        assert scores["amotp"] == pytest.approx(0.0, abs=1e-3), name
        assert scores["ids"] == 0, name


def test_tracks_that_change_their_ids_are_caught(kit: Any) -> None:
    assert kit["tracking"]["switched_ids"]["car"]["ids"] > 0
    assert kit["tracking"]["switched_ids"]["car"]["amota"] < 0.99


def test_ten_sweeps_hold_ten_times_the_points(kit: Any) -> None:
    sweeps = kit["sweeps"]
    assert sweeps["many"] > 8 * sweeps["one"]
    assert sweeps["lags"] == [round(0.1 * k, 3) for k in range(10)]


def test_radar_files_are_read(kit: Any, root: Path) -> None:
    sensors = json.loads((root / "v1.0-trainval/sensor.json").read_text())
    radars = sum(row["modality"] == "radar" for row in sensors)
    assert radars >= 1
    assert kit["radar"]["files"] == radars * len(samples_of(root))
    assert kit["radar"]["points"] > 0


def test_can_pose_is_the_ego_pose(kit: Any) -> None:
    can = kit["can_bus"]
    assert can["time_gap_us"] == 0
    assert can["pose_gap_m"] < 1e-3
    assert can["misaligned"] == []
    assert all(count > 0 for count in can["counts"].values())
    assert can["accel_z"] == pytest.approx(9.8, abs=0.5)


def test_map_lies_under_the_ego(kit: Any) -> None:
    found = kit["map"]
    assert found["on_drivable"] == found["on_mask"] == found["lane_found"] == found["poses"]
    offsets, turns = np.array(found["lane_gaps"]).T
    assert np.median(offsets) < 0.5
    assert np.median(turns) < 0.1
    assert found["outgoing"] > 0
    assert set(found["invalid"].values()) == {0}


def test_map_has_every_layer(kit: Any) -> None:
    empty = {name for name, count in kit["map"]["layers"].items() if count == 0}
    assert empty == set()
    assert all(0 <= share < 1 for share in kit["map"]["patch_share"])
    assert kit["map"]["patch_share"][0] > 0.05
