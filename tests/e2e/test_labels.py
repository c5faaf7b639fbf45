"""Labels of clips made by the main program: judged, complete, and made again byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.qa.relabel import relabel
from synthgen.store.clip_reader import open_dataset

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


def test_relabelling_gives_the_same_bytes(tiny_dataset: Path) -> None:
    assert [clip.differing for clip in relabel(tiny_dataset)] == [(), ()]


def test_every_label_table_has_rows(tiny_dataset: Path) -> None:
    (first, *_) = open_dataset(tiny_dataset)
    tables = ["boxes2d", "boxes3d", "tracks", "keypoints"]
    tables += ["points", "targets", "bev", "occupancy", "status"]
    assert {name: first.label_table(name).num_rows > 0 for name in tables} == dict.fromkeys(
        tables, True
    )
