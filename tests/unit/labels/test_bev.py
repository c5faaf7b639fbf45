"""Bird's-eye rasters against point-in-shape tests cell by cell, and flow against the motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from synthgen.datatypes.road_map import Area, Lane, RoadMap
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.se3 import SE3
from synthgen.labels.bev import (
    BevFrame,
    BevGrid,
    bev_frame,
    bev_map,
    encode_flow,
    encode_png,
)
from synthgen.labels.scene_boxes import EgoScene, scene_boxes
from tests.unit.labels.ray_world import Solid, ego_info, info_of, states_of, turned

GRID = BevGrid(cells=200, cell_m=0.25)
EGO = SE3.from_yaw(0.4, [100.0, -20.0, 3.0])


def cell_centres() -> np.ndarray:
    """World xy (200, 200, 2) of all cells, from the words of the definition."""
    ahead = 25.0 - 0.25 * (np.arange(200) + 0.5)
    left = 25.0 - 0.25 * (np.arange(200) + 0.5)
    x, y = np.meshgrid(ahead, left, indexing="ij")
    cos, sin = np.cos(0.4), np.sin(0.4)
    return np.stack([100 + cos * x - sin * y, -20 + sin * x + cos * y], axis=-1)


def make_scene(solids: list[Solid], ego: SE3 = EGO) -> EgoScene:
    infos = [ego_info(), *(info_of(solid) for solid in solids)]
    return EgoScene(ego, scene_boxes(infos, states_of(solids, ego=ego)))


def cars(time_s: float = 0.0) -> list[Solid]:
    rng = np.random.default_rng(3)
    solids = []
    for track_id in range(2, 14):
        start = np.array([100.0, -20.0, 3.7]) + rng.uniform([-22, -22, 0], [22, 22, 0])
        speed, rate, yaw = rng.uniform(0, 10), rng.uniform(-1, 1), rng.uniform(-3, 3)
        velocity = np.array([np.cos(yaw), np.sin(yaw), 0.0]) * speed
        rotation = turned(yaw + rate * time_s)
        solids.append(
            Solid(
                start + velocity * time_s,
                rng.uniform([3, 1.6, 1.4], [9, 2.6, 3]),
                track_id,
                rotation=rotation,
            )
        )
    return solids


def inside(solid: Solid, xy: np.ndarray) -> np.ndarray:
    local = (xy - solid.center_m[:2]) @ solid.rotation[:2, :2]
    return np.asarray((np.abs(local) <= solid.size_lwh_m[:2] / 2).all(-1))


def draw(solids: list[Solid], road_map: RoadMap | None = None) -> BevFrame:
    shapes = bev_map(road_map or RoadMap(), GRID)
    return bev_frame(make_scene(solids), None, shapes, GRID, default_taxonomy())


def test_cells_of_each_object_are_those_with_the_centre_in_its_footprint() -> None:
    frame = draw(cars())
    centres = cell_centres()
    by_height = sorted(cars(), key=lambda s: s.center_m[2] + s.size_lwh_m[2] / 2)
    expected = np.zeros((200, 200), dtype=np.uint16)
    for solid in by_height:
        expected[inside(solid, centres)] = solid.track_id
    np.testing.assert_array_equal(frame.instance, expected)
    np.testing.assert_array_equal((frame.semantic & 32) > 0, expected > 0)


def test_tilted_object_covers_the_outline_seen_from_above() -> None:
    solid = Solid(
        np.array([100.0, -20.0, 3.0]), np.array([4.0, 2, 2]), 2, rotation=turned(0.3, 0.5)
    )
    # Pitched by 0.5 the box is 4 cos + 2 sin long from above.
    length = 4 * np.cos(0.5) + 2 * np.sin(0.5)
    flat = Solid(solid.center_m, np.array([length, 2, 2]), 2, rotation=turned(0.3))
    np.testing.assert_array_equal(draw([solid]).instance > 0, inside(flat, cell_centres()))


def test_object_smaller_than_a_cell_has_one() -> None:
    walker = Solid(
        np.array([103.0, -18.0, 4.0]), np.array([0.05, 0.05, 1.8]), 7, category="pedestrian"
    )
    frame = draw([walker])
    assert (frame.instance == 7).sum() == 1
    assert frame.semantic[frame.instance == 7].tolist() == [64]


def test_ahead_is_up_and_left_is_left() -> None:
    at = EGO.apply(np.array([10.0, 5.0, 0.5]))
    row, column = np.argwhere(draw([Solid(at, np.ones(3), 2)]).instance == 2).mean(axis=0)
    assert abs(row + 0.5 - (100 - 10 / 0.25)) < 1
    assert abs(column + 0.5 - (100 - 5 / 0.25)) < 1


@pytest.fixture(scope="module")
def road() -> RoadMap:
    x = np.linspace(60, 140, 50)
    half = np.array([0, 1.75, 0])
    line = np.stack([x, -20 + 5 * np.sin(x / 15), np.zeros(50)], axis=1)
    lane = Lane("1:0:-1", 1, 0, -1, "driving", line, line + half, line - half, "solid")
    walk = Lane(
        "1:0:-2", 1, 0, -2, "sidewalk", line - [0, 3, 0], line - [0, 1.75, 0], line - [0, 4.25, 0]
    )
    crossing = np.array([[103, -25, 0], [106, -25, 0], [106, -15, 0], [103, -15, 0.0]])
    return RoadMap((lane, walk), (Area("c1", "crosswalk", crossing),))


def test_map_layers_cover_their_shapes(road: RoadMap) -> None:
    semantic = draw([], road).semantic
    x, y = np.moveaxis(cell_centres(), -1, 0)
    knots = np.linspace(60, 140, 50)
    middle = np.interp(x, knots, -20 + 5 * np.sin(knots / 15))
    drivable = np.abs(y - middle) <= 1.75
    sidewalk = (y < middle - 1.75) & (y > middle - 4.25)
    crosswalk = (x > 103) & (x < 106) & (y > -25) & (y < -15)
    for bit, expected in ((1, drivable), (16, sidewalk), (8, crosswalk)):
        found = (semantic & bit) > 0
        assert (found & expected).sum() / (found | expected).sum() >= 0.98


def test_lines_mark_cells_along_them_and_no_others(road: RoadMap) -> None:
    semantic = draw([], road).semantic
    x, y = np.moveaxis(cell_centres(), -1, 0)
    knots = np.linspace(60, 140, 50)
    middle = np.interp(x, knots, -20 + 5 * np.sin(knots / 15))
    reach = 0.25 * 0.75 * np.sqrt(1 + (5 / 15) ** 2)  # half a cell's diagonal, line at a slope
    assert (np.abs(y - middle)[(semantic & 2) > 0] <= reach).all()
    assert (np.abs(y - middle - 1.75)[(semantic & 4) > 0] <= reach).all()
    near = np.abs(y - middle - 1.75) < 0.05
    assert ((semantic & 4) > 0)[near].mean() > 0.97


def test_flow_leads_to_where_the_part_was() -> None:
    ego_before = SE3.from_yaw(0.35, [99.0, -20.4, 3.0])
    now, before = make_scene(cars(0.1)), make_scene(cars(0.0), ego_before)
    frame = bev_frame(now, before, bev_map(RoadMap(), GRID), GRID, default_taxonomy())
    centres = cell_centres()
    cos, sin = np.cos(0.35), np.sin(0.35)
    for solid, earlier in zip(cars(0.1), cars(0.0), strict=True):
        own = frame.instance == solid.track_id
        local = (centres[own] - solid.center_m[:2]) @ solid.rotation[:2, :2]
        world = local @ earlier.rotation[:2, :2].T + earlier.center_m[:2]
        offset = world - [99.0, -20.4]
        ahead = cos * offset[:, 0] + sin * offset[:, 1]
        left = -sin * offset[:, 0] + cos * offset[:, 1]
        cells = np.stack([100 - ahead / 0.25, 100 - left / 0.25], axis=1)
        flow = cells - (np.argwhere(own) + 0.5)
        np.testing.assert_allclose(frame.flow_cells[own], flow, atol=1e-3)
        assert frame.flow_valid[own].all()


def test_newcomer_has_no_flow() -> None:
    before = make_scene(cars()[:3])
    frame = bev_frame(
        make_scene(cars()), before, bev_map(RoadMap(), GRID), GRID, default_taxonomy()
    )
    assert frame.flow_valid[frame.instance == 2].all()
    assert not frame.flow_valid[frame.instance == 9].any()


def test_stored_flow_reads_back_to_a_fraction_of_a_cell() -> None:
    frame = bev_frame(
        make_scene(cars(0.1)),
        make_scene(cars(0.0)),
        bev_map(RoadMap(), GRID),
        GRID,
        default_taxonomy(),
    )
    image = cv2.imdecode(np.frombuffer(encode_flow(frame), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    valid = image[..., 0] == 1
    np.testing.assert_array_equal(valid, frame.flow_valid)
    stored = (image[..., 1:].astype(np.float64) - 32768) / 256
    np.testing.assert_allclose(stored[valid], frame.flow_cells[valid], atol=1 / 256)


def test_stored_instances_read_back() -> None:
    frame = draw(cars())
    data = np.frombuffer(encode_png(frame.instance), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), frame.instance)
