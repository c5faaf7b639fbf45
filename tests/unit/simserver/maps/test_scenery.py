from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthgen.simserver.maps import known_maps, load_map
from synthgen.simserver.maps.townmap import SurfaceKind, TownMap
from synthgen.simserver.scene import Tag
from tests.unit.simserver.maps.tiny_roads import lane, opendrive, road, sections

F64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def downtown() -> TownMap:
    return load_map("SynthDowntown", known_maps()["SynthDowntown"].read_text(encoding="utf-8"))


def in_boxes(points: F64, center: F64, extent: F64, yaw: F64) -> NDArray[np.bool_]:
    """(N,) whether points (N, 2) lie in any of B upright boxes."""
    offset = points[:, None] - center[None, :, :2]
    cos, sin = np.cos(yaw), np.sin(yaw)
    along = offset[..., 0] * cos + offset[..., 1] * sin
    aside = -offset[..., 0] * sin + offset[..., 1] * cos
    return np.asarray(((np.abs(along) < extent[:, 0]) & (np.abs(aside) < extent[:, 1])).any(axis=1))


def test_nothing_solid_stands_where_vehicles_spawn(downtown: TownMap) -> None:
    poses = np.array([[*p.location_m[:2], np.radians(p.yaw_deg)] for p in downtown.spawn_points])
    ahead = np.stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])], axis=1)
    right = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    spread = [a * ahead + b * right for a in (-2.3, 0.0, 2.3) for b in (-0.95, 0.0, 0.95)]
    points = np.concatenate([poses[:, :2] + d for d in spread])
    boxes = downtown.static_boxes
    assert not in_boxes(points, boxes.center_m, boxes.extent_m, boxes.yaw_rad).any()


def test_nothing_solid_but_parked_vehicles_stands_on_the_road(downtown: TownMap) -> None:
    boxes = downtown.static_boxes
    parked = np.array([o.name.startswith("Parked") for o in downtown.objects])
    others = ~parked[boxes.object_index]
    corners = [
        boxes.center_m[others, :2]
        + (a * boxes.extent_m[others, :1])
        * np.stack([np.cos(boxes.yaw_rad[others]), np.sin(boxes.yaw_rad[others])], axis=1)
        + (b * boxes.extent_m[others, 1:2])
        * np.stack([-np.sin(boxes.yaw_rad[others]), np.cos(boxes.yaw_rad[others])], axis=1)
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    kinds = downtown.ground(np.concatenate(corners))[2]
    assert not np.isin(kinds, [SurfaceKind.ROAD, SurfaceKind.PARKING]).any()


def test_no_post_beside_a_road_stands_on_the_bridge_over_it() -> None:
    wide = sections(left=lane(1) + lane(2), right=lane(-1) + lane(-2))
    below = road(300.0, lanes=wide)
    deck = '<elevation s="0" a="7" b="0" c="0" d="0"/>'
    above = road(
        300.0, road_id=2, x=150.0, y=-150.0, heading=np.pi / 2, elevation=deck,
        lanes=sections(left=lane(1), right=lane(-1)),
    )  # fmt: skip
    town = load_map("Bridge", opendrive(below, above))
    x, y = np.array([o.pose.location_m[:2] for o in town.objects if o.is_solid]).T
    assert not ((np.abs(x - 150.0) < 3.4) & (np.abs(y) < 150.0)).any()
    assert not ((np.abs(y) < 6.9) & (x > 0.0) & (x < 300.0)).any()


def test_vehicles_park_on_parking_lanes(downtown: TownMap) -> None:
    places = [o.pose.location_m[:2] for o in downtown.objects if o.name.startswith("Parked")]
    assert len(places) > 50
    assert (downtown.ground(np.array(places))[2] == SurfaceKind.PARKING).all()


def test_buildings_fit_their_boxes(downtown: TownMap) -> None:
    mesh = downtown.static
    assert mesh.object_index is not None
    for item in downtown.objects[:400:7]:
        if item.tag is not Tag.BUILDINGS:
            continue
        used = np.unique(mesh.triangles[mesh.object_index == item.index + 1])
        yaw = np.radians(item.box_rotation_deg[1])
        turn = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        local = (mesh.vertices_m[used] - item.box_center_m) @ turn.T
        assert np.abs(local).max(axis=0) == pytest.approx(item.box_extent_m, abs=0.02)


def test_objects_are_numbered_and_named_apart(downtown: TownMap) -> None:
    assert [o.index for o in downtown.objects] == list(range(len(downtown.objects)))
    assert len({o.name for o in downtown.objects}) == len(downtown.objects)


def test_street_lamps_hang_over_the_road(downtown: TownMap) -> None:
    heads = np.array([light.location_m for light in downtown.street_lights])
    kinds = downtown.ground(heads[:, :2])[2]
    assert np.isin(kinds, [SurfaceKind.TERRAIN, SurfaceKind.SIDEWALK]).mean() < 0.02


def test_each_material_coordinate_is_finite(downtown: TownMap) -> None:
    mesh = downtown.static
    assert mesh.uv_m is not None
    assert np.isfinite(mesh.uv_m).all()
    assert np.isfinite(mesh.vertices_m).all()


def test_mesh_stays_small_enough_to_trace_fast(downtown: TownMap) -> None:
    assert len(downtown.static.triangles) < 600_000
