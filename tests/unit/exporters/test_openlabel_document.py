from __future__ import annotations

import math

import pytest

from exporters.openlabel import document
from synthgen.geometry.se3 import SE3
from tests.unit.exporters.label_rows import make_box2d, make_box3d


def test_cuboid_is_centre_quaternion_x_first_and_full_size() -> None:
    half = math.sqrt(0.5)
    expected = [10.0, -2.0, 0.75, 0.0, 0.0, half, half, 4.5, 1.8, 1.5]
    assert document.cuboid(make_box3d())["val"] == pytest.approx(expected)


def test_transform_has_its_quaternion_x_first() -> None:
    # 180 degrees about z.
    pose = document.transform_data(SE3.from_quat([0, 0, 0, 1], [1, 2, 3]))
    assert pose == {"quaternion": [0, 0, 1, 0], "translation": [1, 2, 3]}


def test_box_is_centre_and_size() -> None:
    amodal, visible = document.boxes(make_box2d())
    assert visible["val"] == [105.0, 50.0, 10.0, 20.0]
    assert amodal["val"] == [105.25, 50.0, 11.5, 22.0]


def test_an_unseen_object_has_no_visible_box() -> None:
    (amodal,) = document.boxes(make_box2d(visible_px=0))
    assert amodal["name"] == "cam_front_amodal"


@pytest.mark.parametrize(
    ("frames", "expected"),
    [([], []), ([4], [(4, 4)]), ([5, 1, 2, 3], [(1, 3), (5, 5)])],
)
def test_intervals_hold_exactly_the_frames(
    frames: list[int], expected: list[tuple[int, int]]
) -> None:
    found = [(i["frame_start"], i["frame_end"]) for i in document.intervals(frames)]
    assert found == expected


def test_pointers_name_every_kind_of_data_with_its_frames() -> None:
    rows3d = [make_box3d(frame_index=k) for k in (0, 1, 3)]
    frames = document.frame_objects(rows3d, [make_box2d(frame_index=3, track_id=3)])
    item = {"track_id": 3, "name": None, "category": "car", "blueprint": "b", "role": "traffic"}
    entry = document.object_entry("car", item, {k: f["3"] for k, f in frames.items()})
    pointers = entry["object_data_pointers"]
    assert pointers["cuboid"]["frame_intervals"] == document.intervals([0, 1, 3])
    assert pointers["cam_front_visible"] == {
        "type": "bbox",
        "frame_intervals": document.intervals([3]),
    }
    assert entry["name"] == "car 3"


def test_relation_names_rider_and_cycle_by_their_keys() -> None:
    found = document.relation(4, 5, [0, 1])
    assert found["rdf_subjects"] == [{"type": "object", "uid": "4"}]
    assert found["rdf_objects"] == [{"type": "object", "uid": "5"}]
