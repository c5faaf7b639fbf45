"""Occupancy of an analytic scene against a finer scan of it, and masks against plain sampling."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from synthgen.datatypes.images import CameraFrame
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.clip import label_clip
from synthgen.labels.occupancy import (
    FREE,
    ClipSurfaces,
    OccupancyView,
    VoxelGrid,
    observed,
    seen_surfaces,
)
from synthgen.labels.occupancy_table import occupancy_columns
from synthgen.labels.scene_boxes import EgoScene, scene_boxes
from synthgen.labels.voxel_kernels import first_in_each_cube, level_steps, mark_rays
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    Thing,
    cast,
    directions_of,
    ego_info,
    info_of,
    photograph,
    scan,
    states_of,
    turned,
)
from tests.unit.labels.small_clip import make_clip

CAMERA = PinholeCamera(480, 270, 300.0, 300.0, 240.0, 135.0)
FINE = PinholeCamera(960, 540, 600.0, 600.0, 480.0, 270.0)
MOUNT = SE3.from_yaw(0.0, [1.5, 0.0, 1.6]) @ FORWARD_CAMERA
LIDAR = SE3.from_yaw(0.0, [0.0, 0.0, 1.9])
GRID = VoxelGrid(0.4, (100, 100, 12), (-20.0, -20.0, -0.5))
WALL = Solid(np.array([14.2, -7.0, 1.4]), np.array([8.0, 0.5, 2.8]), 0, tag=3)


def car(time_s: float) -> Solid:
    center = np.array([8.0 + 3.0 * time_s, 2.1, 0.65])
    return Solid(center, np.array([4.2, 1.8, 1.2]), 2, rotation=turned(0.2))


def ego(time_s: float) -> SE3:
    return SE3.from_yaw(0.05, [2.0 * time_s, 0.3, 0.0])


TIMES = [0.0, 0.5, 1.0]


def things(time_s: float) -> list[Thing]:
    return [car(time_s), WALL, Ground()]


@pytest.fixture(scope="module")
def grids() -> list[np.ndarray]:
    views, boxes = [], []
    for time_s in TIMES:
        image = photograph(things(time_s), CAMERA, ego(time_s) @ MOUNT)
        sweep = scan(things(time_s), ego(time_s) @ LIDAR, elevations=64, azimuths=720)
        here = scene_boxes([ego_info(), info_of(car(0))], states_of([car(time_s)]))
        views.append(OccupancyView(seen_surfaces([(image, CAMERA)], [sweep], here, GRID), {}))
        boxes.append(here)
    surfaces = ClipSurfaces(views, GRID)
    return [
        surfaces.occupied(EgoScene(ego(t), here)).semantic
        for t, here in zip(TIMES, boxes, strict=True)
    ]


def finer_truth(at_s: float) -> np.ndarray:
    """Tag of most hits in each voxel, objects first, from twice as many rays, moved on."""
    hits, tags = [], []
    for time_s in TIMES:
        for origin, rays in (
            ((ego(time_s) @ MOUNT).translation_m, directions_of(FINE, ego(time_s) @ MOUNT)),
            ((ego(time_s) @ LIDAR).translation_m, sphere() @ (ego(time_s) @ LIDAR).rotation.T),
        ):
            t, index = cast(things(time_s), origin, rays)
            keep = (index >= 0) & (t < 120.0)
            points = (origin + rays * np.where(keep, t, 0)[..., None])[keep]
            on_car = index[keep] == 0
            points[on_car] += car(at_s).center_m - car(time_s).center_m
            hits.append(points)
            tags.append(np.array([14, 3, 1])[index[keep]])
    world, tag = np.concatenate(hits), np.concatenate(tags)
    cos, sin = np.cos(0.05), np.sin(0.05)
    offset = world - ego(at_s).translation_m
    ahead = cos * offset[:, 0] + sin * offset[:, 1]
    level = np.stack([ahead, cos * offset[:, 1] - sin * offset[:, 0], offset[:, 2]], axis=1)
    voxel = np.floor((level - np.array([-20.0, -20.0, -0.5])) / 0.4).astype(int)
    inside = ((voxel >= 0) & (voxel < [100, 100, 12])).all(axis=1)
    counts = np.zeros((100, 100, 12, 15))
    np.add.at(counts, (*voxel[inside].T, tag[inside]), 1)
    counts[..., 14] *= 1e6  # objects before scenery
    return np.where(counts.any(-1), counts.argmax(-1), FREE)


def sphere() -> np.ndarray:
    up = np.linspace(-0.4, 0.1, 128)[:, None]
    around = np.linspace(-np.pi, np.pi, 1440, endpoint=False)[None, :]
    flat = np.cos(up)
    return np.stack([flat * np.cos(around), flat * np.sin(around), np.sin(up) + 0 * around], -1)


@pytest.mark.parametrize("index", [0, 2])
def test_mean_iou_over_observed_voxels(grids: list[np.ndarray], index: int) -> None:
    time_s = TIMES[index]
    image = photograph(things(time_s), CAMERA, ego(time_s) @ MOUNT)
    sweep = scan(things(time_s), ego(time_s) @ LIDAR, elevations=64, azimuths=720)
    masks = observed(ego(time_s), [(image, CAMERA)], [sweep], GRID)
    seen = (masks["lidar"] | masks["camera"]) == 1
    found, truth = grids[index][seen], finer_truth(time_s)[seen]
    ious = [
        ((found == tag) & (truth == tag)).sum() / ((found == tag) | (truth == tag)).sum()
        for tag in (14, 3, 1, FREE)
    ]
    assert np.mean(ious) >= 0.95


def test_moving_car_leaves_no_trail(grids: list[np.ndarray]) -> None:
    level = (ego(1.0).inverse()).apply(np.array([[7.0, 2.1, 0.9]]))  # where its tail was at first
    voxel = tuple(np.floor(GRID.to_voxels(level)).astype(int)[0])
    assert grids[2][voxel] == FREE


def test_side_seen_earlier_is_still_there(grids: list[np.ndarray]) -> None:
    whole = (grids[2] == 14).sum()
    single = OccupancyView(
        seen_surfaces(
            [(photograph(things(1.0), CAMERA, ego(1.0) @ MOUNT), CAMERA)],
            [],
            scene_boxes([ego_info(), info_of(car(0))], states_of([car(1.0)])),
            GRID,
        ),
        {},
    )
    boxes = scene_boxes([ego_info(), info_of(car(0))], states_of([car(1.0)]))
    assert (
        ClipSurfaces([single], GRID).occupied(EgoScene(ego(1.0), boxes)).semantic == 14
    ).sum() < whole


def test_ray_marks_the_voxels_it_crosses() -> None:
    rng = np.random.default_rng(2)
    start, ends = np.array([2.3, 4.1, 1.7]), rng.uniform(-2, 12, size=(40, 3))
    mask = np.zeros((10, 10, 10), dtype=np.uint8)
    mark_rays(mask, start, ends)
    along = np.linspace(0, 1, 20001)[:, None, None]
    samples = np.floor(start + along * (ends - start)).astype(int).reshape(-1, 3)
    inside = ((samples >= 0) & (samples < 10)).all(axis=1)
    expected = np.zeros_like(mask)
    expected[tuple(samples[inside].T)] = 1
    # Fine sampling may miss a corner that is cut by less than a step, and nothing else.
    assert (mask >= expected).all()
    assert (mask != expected).sum() <= 2


def test_one_point_is_left_in_each_cube_for_each_tag_and_object() -> None:
    rng = np.random.default_rng(7)
    points_m = rng.uniform(-2, 2, (5000, 3))
    tag = rng.integers(0, 3, 5000).astype(np.uint8)
    track_id = rng.integers(0, 2, 5000).astype(np.int32)
    described = np.column_stack([np.floor(points_m / 0.5), tag, track_id])
    _, first = np.unique(described, axis=0, return_index=True)
    found = first_in_each_cube(points_m, tag, track_id, 0.5)
    assert np.array_equal(found, np.sort(first))


def test_level_neighbours_are_joined_and_steps_and_objects_are_not() -> None:
    world_m = np.array([[0.0, 0, 0], [0.9, 0, 0.05], [1.8, 0, 0.3], [0, 0.9, 0], [9, 0, 0.05]])
    tag = np.ones(5, dtype=np.uint8)
    track_id = np.array([0, 0, 0, 2, 0], dtype=np.int32)
    a, b = np.array([0, 1, 0, 1]), np.array([1, 2, 3, 4])
    points_m, origin = level_steps(world_m, tag, track_id, a, b, 0.1, 3.0, 0.4)
    assert np.allclose(points_m, [[0.3, 0, 1 / 60], [0.6, 0, 2 / 60]])
    assert origin.tolist() == [0, 0]


def test_camera_sees_up_to_the_surface_and_no_farther() -> None:
    wall = Solid(np.array([10.0, 0.0, 1.6]), np.array([0.2, 100.0, 100.0]), 0, tag=3)
    image: CameraFrame = photograph(
        [wall], CAMERA, SE3.from_yaw(0.0, [0.0, 0.0, 1.6]) @ FORWARD_CAMERA
    )
    mask = observed(SE3.identity(), [(image, CAMERA)], [], GRID)["camera"]
    ahead = mask[:, 50, 5]  # a row of voxels straight ahead: x from -20 + 0.4 i, at z 1.7
    assert ahead[:51].sum() == 0
    # Surface at 9.9 m, centres up to 9.9 + 0.2 m are seen: -20 + 0.4 (i + 0.5) <= 10.1.
    assert np.flatnonzero(ahead).max() == 74
    assert ahead[52:75].all()


def test_table_has_a_row_per_period_and_unpacks() -> None:
    table = label_clip(make_clip())["occupancy"]
    assert list(table["frame_index"]) == [0, 5, 10]
    shape = table["shape"][0]
    grid = np.frombuffer(zlib.decompress(table["semantic"][0]), np.uint8).reshape(shape)  # type: ignore[arg-type]
    assert set(np.unique(grid)) <= {1, 12, 14, FREE}
    assert (grid == 14).any()


def test_no_captures_make_an_empty_table() -> None:
    assert len(occupancy_columns([], [], [], GRID)["frame_index"]) == 0
