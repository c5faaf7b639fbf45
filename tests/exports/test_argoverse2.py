"""Argoverse 2 exports, judged by av2: loader, map and the official detection evaluation."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import feather

from exporters.export import ExportOptions, export
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server, pytest.mark.heavy]

CATEGORIES = {
    "car": "REGULAR_VEHICLE",
    "van": "REGULAR_VEHICLE",
    "truck": "TRUCK",
    "bus": "BUS",
    "bicycle": "BICYCLE",
    "motorcycle": "MOTORCYCLE",
    "pedestrian": "PEDESTRIAN",
    "traffic_cone": "CONSTRUCTION_CONE",
}


@pytest.fixture(scope="module")
def split(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("argoverse2") / "out"
    export(export_dataset, "argoverse2", out, ExportOptions(shares={"val": 1.0}, jobs=1))
    return out / "val"


@pytest.fixture(scope="module")
def truth(export_dataset: Path, split: Path) -> pd.DataFrame:
    """The clips' boxes in the ego frame of the rear axle, from the clips' own tables."""
    logs = sorted(path.name for path in split.iterdir())
    return pd.concat(truth_of_clip(clip, logs, split) for clip in open_dataset(export_dataset))


def truth_of_clip(clip: ClipReader, logs: list[str], split: Path) -> pd.DataFrame:
    rows = clip.label_table("boxes3d").to_pandas()
    rows = rows[rows.category.isin(CATEGORIES)]
    times = clip.table("frames").to_pandas().set_index("frame_index").timestamp_ns
    log, start_ns = log_of(clip, logs, split)
    axle = clip.calibration.rear_axle_from_ego.translation_m
    quat = [f"ego_from_box_q{part}" for part in "wxyz"]
    frame = pd.DataFrame(
        {
            "log_id": log,
            "timestamp_ns": start_ns + rows.frame_index.map(times),
            "category": rows.category.map(CATEGORIES),
            "track_id": rows.track_id,
            **{f"t{a}_m": rows[f"ego_from_box_{a}_m"] + axle[k] for k, a in enumerate("xyz")},
            **{name: rows[name] for name in ("length_m", "width_m", "height_m")},
            **{name.removeprefix("ego_from_box_"): rows[name] for name in quat},
        }
    )
    return frame.assign(score=1.0)


def log_of(clip: ClipReader, logs: list[str], split: Path) -> tuple[str, int]:
    """The clip's log, found by the ego's way, and the time of its first sweep."""
    pose = clip.frames[-1].world_from_ego
    axle = pose.apply(clip.calibration.rear_axle_from_ego.inverse().translation_m)
    for log in logs:
        poses = feather.read_feather(split / log / "city_SE3_egovehicle.feather")
        if np.linalg.norm(poses[["tx_m", "ty_m", "tz_m"]].to_numpy()[-1] - axle) < 1e-3:
            return log, int(poses.timestamp_ns.iloc[0])
    raise AssertionError(f"no log ends where clip {clip.clip_id} does")


def swap_quaternion(frame: pd.DataFrame) -> pd.DataFrame:
    names = ["qw", "qx", "qy", "qz"]
    return frame.assign(
        **dict(zip(names, frame[["qx", "qy", "qz", "qw"]].to_numpy().T, strict=True))
    )


def swap_size(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(length_m=frame.width_m, width_m=frame.length_m)


def turn(frame: pd.DataFrame) -> pd.DataFrame:
    half = math.sqrt(0.5)
    w, x, y, z = (frame[f"q{part}"] for part in "wxyz")
    return frame.assign(qw=half * (w - z), qx=half * (x + y), qy=half * (y - x), qz=half * (w + z))


def lower(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(tz_m=frame.tz_m - frame.height_m / 2)


FAULTS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "perfect": lambda frame: frame,
    "roi": lambda frame: frame,
    "quaternion_order": swap_quaternion,
    "size_order": swap_size,
    "yaw": turn,
    "origin": lower,
}


@pytest.fixture(scope="module")
def kit(split: Path, truth: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    work = tmp_path_factory.mktemp("kit")
    (work / "predictions").mkdir()
    (work / "out").mkdir()
    # The evaluation drops labels without points; a perfect detector must not see them either.
    stored = pd.concat(
        feather.read_feather(path).assign(log_id=path.parent.name)
        for path in split.glob("*/annotations.feather")
    )
    near = truth.merge(stored, on=["log_id", "timestamp_ns", "category"], suffixes=("", "_stored"))
    gap = sum((near[f"t{axis}_m"] - near[f"t{axis}_m_stored"]).abs() for axis in "xyz")
    seen = near[(gap < 1e-3) & (near.num_interior_pts > 0)][truth.columns]
    for name, fault in FAULTS.items():
        path = work / f"predictions/{name}.feather"
        feather.write_feather(fault(seen).drop(columns="track_id"), str(path))
    return run_devkit("av2", "av2_kit.py", split, work / "predictions", work / "out")


def boxes_of(kit: Any) -> pd.DataFrame:
    return pd.DataFrame(
        [{"log_id": log, **box} for log, found in kit["logs"].items() for box in found["boxes"]]
    )


def test_boxes_read_back_are_the_clips(kit: Any, truth: pd.DataFrame) -> None:
    read = boxes_of(kit)
    assert len(read) == len(truth)
    pairs = truth.merge(read, on=["log_id", "timestamp_ns"])
    centers = np.array(pairs.center.tolist())
    pairs = pairs[
        np.linalg.norm(centers - pairs[["tx_m", "ty_m", "tz_m"]].to_numpy(), axis=1) < 1e-3
    ]
    assert len(pairs) == len(truth)
    assert (pairs.category_x == pairs.category_y).all()
    np.testing.assert_allclose(
        np.array(pairs.lwh.tolist()), pairs[["length_m", "width_m", "height_m"]], atol=1e-3
    )
    w, x, y, z = (pairs[f"q{part}"] for part in "wxyz")
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    assert np.abs(np.remainder(pairs.yaw - yaw + np.pi, 2 * np.pi) - np.pi).max() < 1e-4
    tracks = pairs.groupby(["log_id", "track_id"]).track
    assert (tracks.nunique() == 1).all()
    assert pairs.track.nunique() == len(tracks)
    assert all(uuid.UUID(name) for name in pairs.track.unique())


def test_points_in_boxes_are_as_many_as_stored(kit: Any) -> None:
    read = boxes_of(kit)
    assert (read.stored == read.recounted).all()
    assert read.stored.sum() > 1000


def test_every_sweep_has_its_images(kit: Any) -> None:
    for log in kit["logs"].values():
        assert set(log["images"].values()) == {len(log["times"])}
        assert log["has_closest_image"]


def test_map_lies_under_the_ego(kit: Any) -> None:
    for found in kit["maps"].values():
        assert found["on_drivable"] == found["in_roi"] == found["poses"]
        assert found["height_known"] == found["poses"]
        assert found["near_lanes"] > 0
        assert found["known_successors"] > 0
        assert found["crossings"] > 0


@pytest.mark.parametrize("case", ["perfect", "roi"])
def test_perfect_detections_have_no_error(kit: Any, case: str) -> None:
    assert "REGULAR_VEHICLE" in kit["detection"][case]
    for name, scores in kit["detection"][case].items():
        assert scores["AP"] == pytest.approx(1.0), name
        assert max(scores[error] for error in ("ATE", "ASE", "AOE")) < 1e-3, name


@pytest.mark.parametrize(
    ("fault", "error", "least"),
    [
        ("quaternion_order", "AOE", 0.5),
        ("size_order", "ASE", 0.3),
        ("yaw", "AOE", 1.5),
        ("origin", "ATE", 0.5),
    ],
)
def test_true_positive_errors_catch(kit: Any, fault: str, error: str, least: float) -> None:
    assert max(scores[error] for scores in kit["detection"][fault].values()) > least
