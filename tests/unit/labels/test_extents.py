"""Impossible boxes are mended from the best source there is, possible ones are left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthgen.datatypes.actors import ObjectInfo
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.se3 import SE3
from synthgen.labels.clip import label_clip
from synthgen.labels.extents import published_sizes, repaired_objects
from tests.unit.labels.ray_world import Ground, Solid, info_of, scan, states_of, turned
from tests.unit.labels.small_clip import make_clip
from tests.unit.labels.test_keypoints import bones_at

CAR = Solid(np.array([9.0, 2.0, 0.75]), np.array([4.2, 1.8, 1.5]), 2, rotation=turned(0.3))


def repaired(info: ObjectInfo, **evidence: object) -> ObjectInfo:
    given = {"ticks": [], "sweeps": [], **evidence}
    (found,) = repaired_objects(
        [info],
        given["ticks"],  # type: ignore[arg-type]  # the test's own
        given["sweeps"],  # type: ignore[arg-type]
        taxonomy=default_taxonomy(),
        skeleton=default_skeleton(),
    )
    return found


def test_possible_box_is_left_alone() -> None:
    info = info_of(CAR)
    assert repaired(info) is info


def test_two_wheeler_of_width_0_gets_its_published_size() -> None:
    # CARLA issue 3670.
    info = info_of(
        CAR,
        category="motorcycle",
        blueprint="vehicle.kawasaki.ninja",
        size_lwh_m=np.array([2.0, 0.0, 1.5]),
    )
    found = repaired(info)
    assert found.extent_source == "table"
    # Kawasaki Motors Europe, Ninja 400, technical data: 1990 x 710 x 1120 mm without a rider.
    assert abs(found.size_lwh_m[0] - 1.99) < 0.1
    assert 0.6 < found.size_lwh_m[1] < 0.9
    assert found.box_center_m[2] == found.size_lwh_m[2] / 2


def test_box_250_m_high_gets_the_height_of_its_points() -> None:
    sweep = scan([CAR, Ground()], SE3.from_yaw(0.0, [0.0, 0.0, 1.9]))
    info = info_of(CAR, size_lwh_m=np.array([4.2, 1.8, 250.0]))
    found = repaired(info, sweeps=[(states_of([CAR]), sweep)])
    assert found.extent_source == "lidar"
    assert found.size_lwh_m[:2].tolist() == [4.2, 1.8]
    assert abs(found.size_lwh_m[2] - 1.5) < 0.15


def test_box_without_evidence_stays_and_is_rejected() -> None:
    clip = make_clip()
    blind = [replace(sweep, track_id=None) for sweep in clip.lidars["lidar"]]
    flat = [replace(o, size_lwh_m=o.size_lwh_m * [1, 0, 1]) for o in clip.objects]
    tables = label_clip(replace(clip, objects=flat, lidars={"lidar": blind}))
    assert set(tables["status"]["status"]) == {"rejected"}


def walker(height_m: float, center_z_m: float) -> ObjectInfo:
    return ObjectInfo(
        track_id=2,
        category="pedestrian",
        blueprint="walker.pedestrian.0001",
        semantic_tag=12,
        size_lwh_m=np.array([0.6, 0.6, height_m]),
        box_center_m=np.array([0.0, 0.0, center_z_m]),
    )


@pytest.mark.parametrize("yaw", [0.0, 1.3])
def test_walker_with_its_head_cut_off_gets_the_box_of_its_skeleton(yaw: float) -> None:
    # A person 1.75 m tall; the box ends at 1.3 m. CARLA issue 9610.
    pose = SE3.from_yaw(yaw, [5.0, 3.0, 0.0])
    body = Solid(pose.translation_m, np.ones(3), 2, rotation=pose.rotation)
    states = replace(states_of([body]), bones_m={2: bones_at(pose)})
    found = repaired(walker(1.3, 0.65), ticks=[states])
    assert found.extent_source == "skeleton"
    low = found.box_center_m[2] - found.size_lwh_m[2] / 2
    assert abs(low) < 0.05
    assert abs(low + found.size_lwh_m[2] - 1.75) < 0.05


def test_walker_whose_box_holds_it_keeps_it() -> None:
    body = Solid(np.zeros(3), np.ones(3), 2)
    states = replace(states_of([body]), bones_m={2: bones_at(SE3.identity())})
    info = walker(1.8, 0.9)
    assert repaired(info, ticks=[states]) is info


def test_every_published_size_names_its_source() -> None:
    assert len(published_sizes()) >= 7
    assert all(len(row.source) > 10 for row in published_sizes())
