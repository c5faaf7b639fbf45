"""Labels of LiDAR points and radar targets against the solids that the rays hit."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.geometry.se3 import SE3
from synthgen.labels.points import label_points, label_targets, target_counts
from synthgen.labels.scene_boxes import scene_boxes
from tests.unit.labels.ray_world import (
    Ground,
    Solid,
    Thing,
    cast,
    ego_info,
    info_of,
    scan,
    states_of,
    turned,
)

WORLD_FROM_RADAR = SE3(turned(0.3, 0.02), np.array([1.0, -2.0, 0.6]))
SIZE = np.array([4.2, 1.8, 1.5])
WALKER = Solid(
    np.array([9.0, 1.2, 0.9]), np.array([0.5, 0.6, 1.8]), 3, tag=12, category="pedestrian"
)
SOLIDS = [
    Solid(np.array([14.0, 2.0, 0.78]), SIZE, 2, rotation=turned(0.9)),
    WALKER,
    Solid(np.array([22.0, 6.0, 0.78]), SIZE, 4, rotation=turned(-0.4)),
]
WALL = Solid(np.array([30.0, 0.0, 2.0]), np.array([0.4, 40.0, 4.0]), 0, tag=3)
BOXES = scene_boxes([ego_info(), *(info_of(s) for s in SOLIDS)], states_of(SOLIDS))


@pytest.fixture(scope="module")
def scan_and_hits() -> tuple[RadarScan, np.ndarray]:
    """Targets of random rays, as float32 angles and ranges, and the track each ray hit."""
    rng = np.random.default_rng(4)
    azimuth, altitude = rng.uniform(-0.5, 0.5, 3000), rng.uniform(-0.1, 0.1, 3000)
    flat = np.cos(altitude)
    body = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(altitude)], axis=1)
    things: list[Thing] = [*SOLIDS, WALL, Ground()]
    directions = body @ WORLD_FROM_RADAR.rotation.T
    range_m, index = cast(things, WORLD_FROM_RADAR.translation_m, directions)
    # The ground right under an object is as near to its box as the object: it is not asked here.
    keep = (index >= 0) & (index < 4) & (range_m < 60)
    tracks = np.array([thing.track_id for thing in things])[index[keep]]
    ranges, angles, heights = (
        values[keep].astype(np.float32) for values in (range_m, azimuth, altitude)
    )
    still = np.zeros_like(ranges)
    return RadarScan("radar", 0, 0, WORLD_FROM_RADAR, ranges, angles, heights, still), tracks


def test_targets_belong_to_the_solid_they_hit(scan_and_hits: tuple[RadarScan, np.ndarray]) -> None:
    radar, hits = scan_and_hits
    table = label_targets(radar, BOXES)
    assert set(hits.tolist()) == {0, 2, 3, 4}
    np.testing.assert_array_equal(np.asarray(table["track_id"][0]), hits)


def test_targets_per_object_are_counted(scan_and_hits: tuple[RadarScan, np.ndarray]) -> None:
    radar, hits = scan_and_hits
    expected = [np.count_nonzero(hits == track_id) for track_id in (2, 3, 4)]
    assert target_counts(label_targets(radar, BOXES), BOXES).tolist() == expected
    assert min(expected) > 10


def test_target_of_two_boxes_is_of_the_smaller() -> None:
    van = Solid(np.array([9.0, 1.2, 1.2]), np.array([5.0, 2.2, 2.4]), 5)
    boxes = scene_boxes([ego_info(), info_of(WALKER), info_of(van)], states_of([WALKER, van]))
    one = np.ones(1, dtype=np.float32)
    radar = RadarScan("radar", 0, 0, SE3.from_yaw(0.0, [8.0, 1.2, 1.0]), one, 0 * one, 0 * one, one)
    assert np.asarray(label_targets(radar, boxes)["track_id"][0]).tolist() == [3]


def test_points_without_ids_take_class_and_track_of_their_box() -> None:
    blind = scan([*SOLIDS, WALL], SE3.from_yaw(0.0, [0.0, 0.0, 1.9]))
    assert blind.track_id is not None
    sweep = LidarSweep(
        "lidar", 0, 0, blind.world_from_lidar, blind.points_m, blind.intensity, blind.ring,
        blind.time_offset_ns,
    )  # fmt: skip
    table = label_points(sweep, BOXES)
    found, tags = np.asarray(table["track_id"][0]), np.asarray(table["semantic_tag"][0])
    # Float32 points lie on either side of the face; those within are the object's.
    assert set(np.unique(found)) == {0, 2, 3, 4}
    assert (found[found > 0] == blind.track_id[found > 0]).all()
    assert {(int(t), int(g)) for t, g in zip(found, tags, strict=True)} == {
        (0, 0), (2, 14), (3, 12), (4, 14),
    }  # fmt: skip


def test_points_among_no_objects_have_no_track() -> None:
    nobody = scene_boxes([ego_info()], states_of([]))
    sweep = LidarSweep(
        "lidar", 0, 0, SE3.identity(), np.ones((2, 3), dtype=np.float32),
        np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.uint16), np.zeros(2, dtype=np.int32),
    )  # fmt: skip
    table = label_points(sweep, nobody)
    assert np.asarray(table["track_id"][0]).tolist() == [0, 0]
    assert np.asarray(table["semantic_tag"][0]).tolist() == [0, 0]
