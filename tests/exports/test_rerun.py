"""Rerun recordings by `rerun rrd verify` and by its table reader."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.export import export
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.clip_truth import (
    WorldBox,
    assert_same,
    boxes2d,
    difference,
    greatest_box_difference,
    matrix_of,
    world_boxes,
    yaw_of,
)
from tests.exports.devkits import devkit_python, run_devkit

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def clip(export_dataset: Path) -> ClipReader:
    return open_dataset(export_dataset)[0]


@pytest.fixture(scope="module")
def path(export_dataset: Path, clip: ClipReader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rerun") / "out"
    export(export_dataset, "rerun", out)
    slot = clip.manifest["slot"]
    (found,) = out.glob(f"*/{slot['scenario']}-{slot['k']:04d}.rrd")
    return found


@pytest.fixture(scope="module")
def read(path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = run_devkit(
        "containers", "rerun_read.py", path, tmp_path_factory.mktemp("rerun_files")
    )
    return found


def verify(path: Path) -> subprocess.CompletedProcess[str]:
    program = devkit_python("containers").with_name("rerun")
    command = [str(program), "rrd", "verify", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def entity(read: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Rows of an entity that are not timeless."""
    rows: list[dict[str, Any]] = read["entities"][name]
    return [row for row in rows if row.get("frame") is not None]


def transform(row: dict[str, Any]) -> np.ndarray:
    return matrix_of(row["Transform3D:translation"][0], row["Transform3D:quaternion"][0])


def cuboids(read: dict[str, Any], scale: float = 2.0) -> dict[tuple[int, int], WorldBox]:
    """The objects as the viewer places them; Rerun stores half sizes."""
    world_from_ego = {row["frame"]: transform(row) for row in entity(read, "/world/ego")}
    found = {}
    for row in entity(read, "/world/ego/objects"):
        boxes = zip(
            row["track_id"],
            row["Boxes3D:centers"],
            row["Boxes3D:quaternions"],
            row["Boxes3D:half_sizes"],
            strict=True,
        )
        for track, center, quat, half in boxes:
            placed = world_from_ego[row["frame"]] @ matrix_of(center, quat)
            size = [scale * part for part in half]
            key = (row["frame"], track)
            found[key] = WorldBox(placed[:3, 3].tolist(), yaw_of(placed), size)
    return found


def rectangles(read: dict[str, Any]) -> dict[tuple[str, int, int], list[float]]:
    return {
        (camera, row["frame"], track): [*np.subtract(center, half), *np.add(center, half)]
        for camera in ("cam_front", "cam_rear")
        for row in entity(read, f"/world/ego/{camera}/boxes")
        for track, center, half in zip(
            row["track_id"], row["Boxes2D:centers"], row["Boxes2D:half_sizes"], strict=True
        )
    }


def test_rerun_verifies_every_recording(path: Path) -> None:
    done = verify(path)
    assert done.returncode == 0, done.stderr
    assert "verified without error" in done.stdout + done.stderr


def test_rerun_notices_a_recording_that_was_cut_short(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    copy = tmp_path / "cut.rrd"
    copy.write_bytes(content[: len(content) * 9 // 10])
    assert verify(copy).returncode != 0


def test_one_recording_and_one_blueprint(read: dict[str, Any], clip: ClipReader) -> None:
    assert read["recordings"] == [{"application": "synthgen", "id": clip.clip_id}]
    assert read["blueprints"] == 1


def test_cuboids_stand_where_the_clip_says(read: dict[str, Any], clip: ClipReader) -> None:
    assert_same(cuboids(read), world_boxes(clip))


def test_rectangles_are_the_visible_boxes(read: dict[str, Any], clip: ClipReader) -> None:
    assert greatest_box_difference(rectangles(read), boxes2d(clip)) < 1e-3


def test_every_capture_has_a_row_of_every_entity(read: dict[str, Any], clip: ClipReader) -> None:
    names = (
        "ego",
        "ego/objects",
        "ego/cam_front/rgb",
        "ego/cam_rear/boxes",
        "ego/lidar_top/points",
    )
    frames = [{row["frame"] for row in entity(read, f"/world/{name}")} for name in names]
    assert frames == [{frame.frame_index for frame in clip.frames}] * len(names)


def test_points_are_the_clips(read: dict[str, Any], clip: ClipReader) -> None:
    rows = {row["frame"]: row for row in entity(read, "/world/ego/lidar_top/points")}
    sweep = list(clip.lidar_sweeps("lidar_top"))[7]
    points = np.load(rows[7]["Points3D:positions"])
    np.testing.assert_array_equal(points, sweep.points_m)


def test_images_are_the_clips_bytes(read: dict[str, Any], clip: ClipReader) -> None:
    rows = entity(read, "/world/ego/cam_front/rgb")
    stored = {index: content for index, _, content in clip.encoded_images("cam_front", "rgb")}
    assert {r["frame"]: Path(r["EncodedImage:blob"]).read_bytes() for r in rows} == stored


def test_times_are_the_clips(read: dict[str, Any], clip: ClipReader) -> None:
    times = {row["frame"]: round(row["time"] * 1e9) for row in entity(read, "/world/ego")}
    assert times == {frame.frame_index: frame.timestamp_ns for frame in clip.frames}


def test_half_sizes_taken_for_full_ones_are_noticed(read: dict[str, Any], clip: ClipReader) -> None:
    assert difference(cuboids(read, scale=1.0), world_boxes(clip)).size_m > 0.1


def test_boxes_of_another_frame_are_noticed(read: dict[str, Any], clip: ClipReader) -> None:
    found = {(frame + 1, track): box for (frame, track), box in cuboids(read).items()}
    assert difference(found, world_boxes(clip)).position_m > 0.1
