"""Three kinds of servers, three ways to link their ids; wrong links are measured as such."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.identity import InstanceLink, ProbeImage, ProbeSweep, probe_instances
from synthgen.labels.scene_boxes import scene_boxes
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    ego_info,
    info_of,
    photograph,
    scan,
    states_of,
    turned,
)

CAMERA = PinholeCamera(320, 180, 200.0, 200.0, 160.0, 90.0)
WORLD_FROM_CAMERA = SE3.from_yaw(0.0, [1.5, 0.0, 1.6]) @ FORWARD_CAMERA
WORLD_FROM_LIDAR = SE3.from_yaw(0.0, [0.0, 0.0, 1.9])
SOLIDS = [
    Solid(
        np.array([9.0 + 5 * k, -6.0 + 3.3 * k, 0.78]),
        np.array([4.2, 1.8, 1.5]),
        k + 2,
        rotation=turned(0.2 * k),
    )
    for k in range(5)
]
# Track -> actor; track 6 is a parked car of the map and has none.
ACTORS = {2: 301, 3: 302, 4: 65536 + 17, 5: 305}


def probe(paint: dict[int, int], lidar_ids: dict[int, int] | None) -> InstanceLink:
    """Link a server that paints track k as `paint[k]`, whose LiDAR calls it `lidar_ids[k]`."""
    frame = photograph([*SOLIDS, Ground()], CAMERA, WORLD_FROM_CAMERA)
    assert frame.instance is not None
    assert frame.depth_cm is not None
    assert frame.semantic is not None
    table = np.zeros(65536, dtype=np.uint16)
    for track, painted in paint.items():
        table[track] = painted
    boxes = scene_boxes([ego_info(), *(info_of(s) for s in SOLIDS)], states_of(SOLIDS))
    image = ProbeImage(
        WORLD_FROM_CAMERA, CAMERA, table[frame.instance], frame.depth_cm, frame.semantic, boxes
    )
    sweeps = []
    if lidar_ids is not None:
        sweep = scan([*SOLIDS, Ground()], WORLD_FROM_LIDAR, elevations=64, azimuths=720)
        assert sweep.track_id is not None
        ids = np.array([lidar_ids.get(int(track), 0) for track in sweep.track_id], dtype=np.uint32)
        world_m = WORLD_FROM_LIDAR.apply(sweep.points_m.astype(np.float64))
        sweeps = [ProbeSweep(world_m, ids)]
    return probe_instances([image], sweeps, ACTORS, taxonomy=default_taxonomy())


def linked(link: InstanceLink, paint: dict[int, int]) -> dict[int, int]:
    return {track: int(link.track_of_id[painted]) for track, painted in paint.items()}


def test_server_that_paints_actor_ids_is_linked_by_them() -> None:
    paint = {2: 301, 3: 302, 4: 17, 5: 305}  # 16 bits: 65536 + 17 wraps to 17
    link = probe({**paint, 6: 0}, None)
    assert link.method == "actor_id" or link.rates["actor_id"] > 0.7
    assert linked(link, paint) == {2: 2, 3: 3, 4: 4, 5: 5}


def test_server_with_ids_of_its_own_is_linked_by_lidar_where_that_suffices() -> None:
    everyone = {**ACTORS, 6: 0x8001}
    paint = {2: 901, 3: 35, 4: 7, 5: 60000, 6: 12}
    link = probe(paint, everyone)
    found = linked(link, paint)
    assert {track: found[track] for track in ACTORS} == {2: 2, 3: 3, 4: 4, 5: 5}
    assert link.rates["actor_id"] < 0.1


def test_parked_car_of_the_map_is_linked_by_where_it_stands() -> None:
    paint = {2: 901, 3: 35, 4: 7, 5: 60000, 6: 12}
    link = probe(paint, None)
    assert link.method == "geometry"
    assert link.match_rate > 0.99
    assert linked(link, paint) == {2: 2, 3: 3, 4: 4, 5: 5, 6: 6}


def test_ids_that_two_actors_share_are_linked_to_neither() -> None:
    wrapped = {2: 301, 3: 301 + 65536}
    frame = photograph([*SOLIDS, Ground()], CAMERA, WORLD_FROM_CAMERA)
    assert frame.instance is not None
    assert frame.depth_cm is not None
    assert frame.semantic is not None
    painted = np.where(np.isin(frame.instance, [2, 3]), 301, 0).astype(np.uint16)
    boxes = scene_boxes([ego_info(), *(info_of(s) for s in SOLIDS)], states_of(SOLIDS))
    image = ProbeImage(WORLD_FROM_CAMERA, CAMERA, painted, frame.depth_cm, frame.semantic, boxes)
    link = probe_instances([image], [], wrapped, taxonomy=default_taxonomy())
    assert link.rates["actor_id"] == 0.0


def test_swapped_ids_are_measured_as_wrong() -> None:
    link = probe({2: 302, 3: 301, 4: 17, 5: 305, 6: 0}, None)
    assert link.rates["actor_id"] < 0.8
    assert link.method == "geometry"
    assert link.track_of_id[302] == 2


@pytest.mark.parametrize("bits", [15])
def test_server_of_15_bit_ids_is_linked_too(bits: int) -> None:
    paint = {2: 301, 3: 302, 4: (65536 + 17) % (1 << bits), 5: 305}
    link = probe({**paint, 6: 0}, None)
    assert linked(link, paint) == {2: 2, 3: 3, 4: 4, 5: 5}
