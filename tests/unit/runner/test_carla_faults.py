"""Faults that CARLA servers have, in what the client receives: repaired or rejected with a reason.

Each server below tells the same analytic scene; the way from its bytes to the labels is ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthgen.labels.clip import LabelTables, label_clip
from synthgen.labels.settings import LabelSettings
from tests.unit.labels.ray_world import Solid
from tests.unit.runner.raw_captures import (
    CAR,
    MOTORCYCLE,
    NINJA_SIZE,
    PARKED,
    WALKER,
    Scenery,
    Server,
    captured_clip,
    decoded,
    scene,
)

SETTINGS = LabelSettings(occupancy_period=0, bev_cells=20)  # their tables are not looked at


def labels_of(server: Server, captures: int = 6) -> LabelTables:
    return label_clip(captured_clip(server, captures), SETTINGS)


def statuses(tables: LabelTables) -> set[Any]:
    return set(tables["status"]["status"])


def reasons(tables: LabelTables) -> set[str]:
    rows: Any = tables["status"]["failed_checks"]
    return {name.partition(":")[0].partition("@")[0] for names in rows for name in names}


def of_track(tables: LabelTables, table: str, column: str, track_id: int) -> np.ndarray:
    own = np.asarray(tables[table]["track_id"]) == track_id
    return np.array(np.asarray(tables[table][column], dtype=None)[own])


def test_scene_of_a_faultless_server_is_ok() -> None:
    # Its poses say that the walker stands (states hold velocity 0, CARLA issue 4773), and its map
    # vehicles carry ids in images that the client is not told (issue 9685).
    tables = labels_of(Server())
    assert statuses(tables) == {"ok"}, reasons(tables)
    assert set(tables["boxes2d"]["track_id"]) == {MOTORCYCLE, WALKER, PARKED, CAR}


def test_walker_of_speed_0_gets_the_speed_of_its_poses() -> None:
    tables = labels_of(Server())
    speed = of_track(tables, "tracks", "velocity_y_mps", WALKER)
    np.testing.assert_allclose(speed, -1.4, atol=1e-6)


def test_two_wheeler_of_width_0_is_repaired_from_published_sizes() -> None:
    length, _, height = NINJA_SIZE / 2
    tables = labels_of(Server(extents={MOTORCYCLE: (length, 0.0, height)}))
    assert set(of_track(tables, "boxes3d", "extent_source", MOTORCYCLE)) == {"table"}
    width = of_track(tables, "boxes3d", "width_m", MOTORCYCLE)
    np.testing.assert_allclose(width, NINJA_SIZE[1], atol=0.1)
    assert "degenerate" not in reasons(tables)


def test_box_250_m_high_is_repaired_from_its_points() -> None:
    tables = labels_of(Server(extents={CAR: (2.1, 0.9, 125.0)}))
    assert set(of_track(tables, "boxes3d", "extent_source", CAR)) == {"lidar"}
    assert of_track(tables, "boxes3d", "height_m", CAR).max() < 1.8
    assert "absurd_size" not in reasons(tables)


def test_poses_one_tick_old_are_rejected() -> None:
    tables = labels_of(Server(lag_ticks=1), captures=22)  # fewer rows tell no delay
    assert statuses(tables) == {"rejected"}
    assert "labels_late" in reasons(tables)


def test_parked_car_that_no_list_has_is_rejected() -> None:
    tables = labels_of(Server(lists_parked=False))
    assert statuses(tables) == {"rejected"}
    assert {"unlabelled_pixels", "unlabelled_points"} <= reasons(tables)


def test_actors_whose_ids_are_equal_in_16_bits_are_rejected() -> None:
    shared = {MOTORCYCLE: 301, WALKER: 302, CAR: 65536 + 301}
    painted = {track: actor % 65536 for track, actor in shared.items()} | {PARKED: 0x9123}
    tables = labels_of(Server(actors={1: 300, **shared}, painted=painted, hits=shared))
    assert "rejected" in statuses(tables)
    assert reasons(tables) & {"depth_outside_box", "mask_outside_box", "unlabelled_pixels"}


def test_points_know_actors_whose_ids_are_equal_in_16_bits() -> None:
    shared = {MOTORCYCLE: 301, WALKER: 302, CAR: 65536 + 301}
    painted = {track: actor % 65536 for track, actor in shared.items()} | {PARKED: 0x9123}
    wrapped = Server(actors={1: 300, **shared}, painted=painted, hits=shared)
    (one,) = decoded(wrapped, captures=1)
    (usual,) = decoded(Server(), captures=1)
    np.testing.assert_array_equal(one.lidars[0].track_id, usual.lidars[0].track_id)


def test_parked_car_behind_another_is_linked_when_it_comes_into_view() -> None:
    # A wall hides it from both sensors for two captures, when the numbering is found out.
    wall = Solid(np.array([13.5, 3.5, 1.5]), np.array([0.2, 5.0, 3.0]), 0, tag=3)
    behind = Server(scenery=(Scenery(wall, until_tick=4),))
    seen, usual = (
        [
            int(np.count_nonzero(one.cameras[0].instance == PARKED))
            for one in decoded(server, captures=3)
        ]
        for server in (behind, Server())
    )
    assert seen[:2] == [0, 0]
    assert seen[2] == usual[2] > 100


@pytest.mark.parametrize("paint", [301, 0x9123])
def test_scenery_painted_in_the_id_of_an_object_is_none(paint: int) -> None:
    # Engine ids of scenery are 16-bit too, so some equal an actor's.
    wall = Solid(np.array([24.0, -9.0, 1.5]), np.array([0.5, 4.0, 3.0]), 0, tag=3)
    tables = labels_of(Server(scenery=(Scenery(wall, paint),)))
    assert statuses(tables) == {"ok"}, reasons(tables)


def test_points_on_a_parked_car_without_an_id_are_its_own() -> None:
    (one,) = decoded(Server(), captures=1)
    sweep = one.lidars[0]
    world_m = sweep.world_from_lidar.apply(sweep.points_m.astype(np.float64))
    parked = scene(0.0)[2]
    on_it = (np.abs(world_m - parked.center_m) <= parked.size_lwh_m / 2 + 0.01).all(axis=1)
    assert on_it.sum() > 20
    assert sweep.track_id is not None
    assert set(sweep.track_id[on_it & (sweep.semantic_tag == 14)].tolist()) == {PARKED}
