"""Labels of clips made by the main program: judged, complete, and made again byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from synthgen.datatypes.actors import EGO_TRACK_ID
from synthgen.qa.relabel import relabel
from synthgen.store.clip_reader import ClipReader, open_dataset

pytestmark = pytest.mark.server


def failures(dataset: Path) -> list[str]:
    """Every failed check of every frame, with the clip and frame it belongs to."""
    return [
        f"{clip.clip_id} frame {row['frame_index']}: {check}"
        for clip in open_dataset(dataset)
        for row in clip.label_table("status").to_pylist()
        for check in row["failed_checks"]
    ]


def test_labels_pass_the_invariants(tiny_dataset: Path) -> None:
    clips = open_dataset(tiny_dataset)
    labels = sum(clip.label_table("boxes2d").num_rows for clip in clips)
    assert labels > 100
    assert len(failures(tiny_dataset)) <= 0.005 * labels, failures(tiny_dataset)


def test_at_most_one_frame_in_a_hundred_is_rejected(tiny_dataset: Path) -> None:
    states = [
        status
        for clip in open_dataset(tiny_dataset)
        for status in clip.label_table("status")["status"].to_pylist()
    ]
    assert states.count("rejected") <= 0.01 * len(states), failures(tiny_dataset)


def test_no_pixel_or_point_of_a_road_user_lacks_a_label(tiny_dataset: Path) -> None:
    missing = ("unlabelled_pixels", "unlabelled_points", "missing_label", "unknown_track")
    assert [line for line in failures(tiny_dataset) if any(m in line for m in missing)] == []


def positions(clip: ClipReader) -> Iterator[dict[int, np.ndarray]]:
    """Median place in the world of the pixels of each instance, capture by capture."""
    camera = clip.calibration.sensor("cam_front").camera
    assert camera is not None
    for image in clip.camera_frames("cam_front"):
        assert image.instance is not None
        assert image.depth_cm is not None
        found = {}
        for track_id in np.unique(image.instance[image.instance > EGO_TRACK_ID]).tolist():
            row, column = np.nonzero((image.instance == track_id) & (image.depth_cm < 65535))
            if len(row) >= 20:
                rays = camera.camera.rays(np.stack([column + 0.5, row + 0.5], axis=1))
                seen_m = rays * (image.depth_cm[row, column] / 100.0)[:, None]
                found[track_id] = np.median(image.world_from_camera.apply(seen_m), axis=0)
        yield found


def switches(earlier: dict[int, np.ndarray], now: dict[int, np.ndarray]) -> list[tuple[int, int]]:
    """Pairs of ids: the first left its place between two captures, the second has come to it."""
    kept = {k for k in now if k in earlier and np.linalg.norm(now[k] - earlier[k]) < 1.5}
    return [
        (old, new)
        for old in earlier.keys() - kept
        for new in now.keys() - kept
        if np.linalg.norm(now[new] - earlier[old]) < 1.5
    ]


def test_what_is_seen_keeps_its_id(tiny_dataset: Path) -> None:
    captures = [list(positions(clip)) for clip in open_dataset(tiny_dataset)]
    pairs = [pair for clip in captures for pair in pairwise(clip)]
    assert sum(len(earlier.keys() & now.keys()) for earlier, now in pairs) > 50
    assert [switch for earlier, now in pairs for switch in switches(earlier, now)] == []


def test_relabelling_gives_the_same_bytes(tiny_dataset: Path) -> None:
    assert [clip.differing for clip in relabel(tiny_dataset)] == [(), ()]


def test_every_label_table_has_rows(tiny_dataset: Path) -> None:
    (first, *_) = open_dataset(tiny_dataset)
    tables = ["boxes2d", "boxes3d", "tracks", "keypoints"]
    tables += ["points", "targets", "bev", "occupancy", "status"]
    assert {name: first.label_table(name).num_rows > 0 for name in tables} == dict.fromkeys(
        tables, True
    )
