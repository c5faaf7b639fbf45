"""WebDataset shards by the webdataset package."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.export import export
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.clip_truth import (
    EDGES,
    WorldBox,
    assert_same,
    boxes2d,
    difference,
    greatest_box_difference,
    matrix_of,
    world_boxes,
    yaw_of,
)
from tests.exports.devkits import run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def clip(export_dataset: Path) -> ClipReader:
    return open_dataset(export_dataset)[0]


@pytest.fixture(scope="module")
def exported(export_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("webdataset") / "out"
    export(export_dataset, "webdataset", out)
    return out


@pytest.fixture(scope="module")
def samples(exported: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_devkit(
        "containers", "webdataset_read.py", *sorted(exported.glob("*/*.tar"))
    )
    return found


@pytest.fixture(scope="module")
def own(samples: list[dict[str, Any]], clip: ClipReader) -> list[dict[str, Any]]:
    return [sample for sample in samples if sample["json"]["clip_id"] == clip.clip_id]


def pose(row: dict[str, Any], name: str, quat: str = "xyzw") -> np.ndarray:
    translation = [row[f"{name}_{axis}_m"] for axis in "xyz"]
    return matrix_of(translation, [row[f"{name}_q{axis}"] for axis in quat])


def cuboids(samples: list[dict[str, Any]], quat: str = "xyzw") -> dict[Any, WorldBox]:
    found = {}
    for sample in samples:
        frame = sample["json"]["frame"]
        world_from_ego = pose(frame, "world_from_ego")
        for row in sample["json"]["boxes3d"]:
            placed = world_from_ego @ pose(row, "ego_from_box", quat)
            size = [row["length_m"], row["width_m"], row["height_m"]]
            key = (frame["frame_index"], row["track_id"])
            found[key] = WorldBox(placed[:3, 3].tolist(), yaw_of(placed), size)
    return found


def test_one_sample_for_every_capture(samples: list[dict[str, Any]], export_dataset: Path) -> None:
    truth = [
        f"{clip.clip_id}-{frame.frame_index:06d}"
        for clip in open_dataset(export_dataset)
        for frame in clip.frames
    ]
    assert sorted(sample["key"] for sample in samples) == sorted(truth)


def test_the_list_of_shards_counts_the_samples(
    exported: Path, samples: list[dict[str, Any]]
) -> None:
    splits = json.loads((exported / "shards.json").read_text())["splits"]
    shards = [shard for of_split in splits.values() for shard in of_split]
    assert {str(p.relative_to(exported)) for p in exported.glob("*/*.tar")} == {
        shard["path"] for shard in shards
    }
    assert sum(shard["samples"] for shard in shards) == len(samples)


def test_cuboids_stand_where_the_clip_says(own: list[dict[str, Any]], clip: ClipReader) -> None:
    assert_same(cuboids(own), world_boxes(clip))


def test_boxes_are_the_clips(own: list[dict[str, Any]], clip: ClipReader) -> None:
    found = {
        (row["camera"], row["frame_index"], row["track_id"]): [
            row[f"visible_{edge}_px"] for edge in EDGES
        ]
        for sample in own
        for row in sample["json"]["boxes2d"]
        if row["visible_px"] > 0
    }
    assert greatest_box_difference(found, boxes2d(clip)) == 0


def test_pictures_are_the_clips(own: list[dict[str, Any]], clip: ClipReader) -> None:
    frames = [frame.rgb for frame in clip.camera_frames("cam_front")]
    found = [sample["arrays"]["cam_front.rgb.png"]["sha256"] for sample in own]
    assert found == [hashlib.sha256(rgb.tobytes()).hexdigest() for rgb in frames if rgb is not None]


def test_no_picture_decoder_cuts_depth_to_eight_bits(own: list[dict[str, Any]]) -> None:
    assert not any("depth" in name for sample in own for name in sample["arrays"])
    assert all("cam_front.depth.pngraw" in sample["names"] for sample in own)


def test_points_are_the_clips(own: list[dict[str, Any]], clip: ClipReader) -> None:
    counts = [sample["arrays"]["lidar_top.npy"]["shape"] for sample in own]
    assert counts == [[len(sweep)] for sweep in clip.lidar_sweeps("lidar_top")]
    assert own[0]["arrays"]["lidar_top.npy"]["fields"][:5] == ["x", "y", "z", "intensity", "ring"]


def test_equal_exports_have_equal_bytes(
    export_dataset: Path, exported: Path, tmp_path: Path
) -> None:
    export(export_dataset, "webdataset", tmp_path / "again")
    shards = sorted(path.relative_to(exported) for path in exported.glob("*/*.tar"))
    first = [(exported / shard).read_bytes() for shard in shards]
    assert [(tmp_path / "again" / shard).read_bytes() for shard in shards] == first


def test_another_order_of_the_quaternion_is_noticed(
    own: list[dict[str, Any]], clip: ClipReader
) -> None:
    assert difference(cuboids(own, quat="wxyz"), world_boxes(clip)).yaw_rad > 0.1


def test_samples_of_another_clip_are_noticed(
    samples: list[dict[str, Any]], own: list[dict[str, Any]], clip: ClipReader
) -> None:
    others = [sample for sample in samples if sample not in own]
    differs = difference(cuboids(others), world_boxes(clip))
    assert differs.missing or differs.extra or differs.position_m > 1
    assert not math.isnan(differs.position_m)
