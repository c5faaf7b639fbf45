"""Flow of occupied voxels against the motion that moved them, and against the grid before."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.geometry.se3 import SE3
from synthgen.labels.clip import label_clip
from synthgen.labels.occupancy import VoxelGrid
from synthgen.labels.occupancy_flow import ObjectVoxels, object_voxels
from synthgen.labels.scene_boxes import EgoScene, scene_boxes
from tests.unit.labels.ray_world import Solid, ego_info, info_of, states_of, turned
from tests.unit.labels.small_clip import ego_pose, make_clip, walking

GRID = VoxelGrid(0.4, (60, 60, 12), (-12.0, -12.0, -1.0))
# The ego climbs and turns; the flow is level, so that its pitch and roll must not matter.
EGO_NOW = SE3(turned(0.5, 0.04, -0.03), np.array([20.0, 7.0, 1.2]))
EGO_BEFORE = SE3(turned(0.38, -0.02, 0.01), np.array([18.5, 6.2, 1.0]))


def truck(moment: str) -> Solid:
    """A truck that turns and pitches on its way downhill."""
    center, rotation = {
        "now": ([24.0, 9.0, 1.9], turned(1.1, 0.10, 0.02)),
        "before": ([22.7, 6.1, 2.3], turned(0.9, -0.05, 0.0)),
    }[moment]
    return Solid(np.array(center), np.array([7.0, 2.4, 2.8]), 5, rotation=rotation)


NEWCOMER = Solid(np.array([17.0, 3.0, 1.8]), np.array([1.6, 1.6, 1.6]), 9)


def scene_of(solids: list[Solid], ego: SE3) -> EgoScene:
    infos = [ego_info(), *(info_of(solid) for solid in solids)]
    return EgoScene(ego, scene_boxes(infos, states_of(solids, ego=ego)))


def level_points(ego: SE3, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """World positions (X, Y, Z, 3) of the voxel centres and their indices, from the definition."""
    index = np.moveaxis(np.indices(GRID.shape), 0, -1)
    level = (index + 0.5) * 0.4 + np.array([-12.0, -12.0, -1.0])
    return level @ turned(yaw).T + ego.translation_m, index


def solid_voxels(solid: Solid, world: np.ndarray) -> np.ndarray:
    local = (world - solid.center_m) @ solid.rotation
    return np.asarray((np.abs(local) <= solid.size_lwh_m / 2).all(-1))


@pytest.fixture(scope="module")
def found() -> ObjectVoxels:
    world, _ = level_points(EGO_NOW, 0.5)
    track_id = np.zeros(GRID.shape, dtype=np.uint16)
    track_id[solid_voxels(truck("now"), world)] = 5
    track_id[solid_voxels(NEWCOMER, world)] = 9
    now = scene_of([truck("now"), NEWCOMER], EGO_NOW)
    return object_voxels(track_id, now, scene_of([truck("before")], EGO_BEFORE), GRID)


def test_flow_leads_to_where_the_part_was(found: ObjectVoxels) -> None:
    world, index = level_points(EGO_NOW, 0.5)
    own = found.track_id == 5
    at = world.reshape(-1, 3)[found.voxel[own]]
    part = (at - truck("now").center_m) @ truck("now").rotation
    earlier = part @ truck("before").rotation.T + truck("before").center_m
    level = (earlier - EGO_BEFORE.translation_m) @ turned(0.38)
    voxel = (level - np.array([-12.0, -12.0, -1.0])) / 0.4
    expected = voxel - (index.reshape(-1, 3)[found.voxel[own]] + 0.5)
    assert own.sum() > 500
    assert np.abs(expected).max() > 4
    np.testing.assert_allclose(found.flow[own], expected, atol=1e-3)
    assert found.flow_valid[own].all()


def test_flow_ends_in_the_same_object_of_the_grid_before(found: ObjectVoxels) -> None:
    before, _ = level_points(EGO_BEFORE, 0.38)
    held = solid_voxels(truck("before"), before)
    own = found.track_id == 5
    start = np.stack(np.unravel_index(found.voxel[own], GRID.shape), axis=1)
    end = start + 0.5 + found.flow[own]
    # The centre of a voxel at the surface may end half a voxel's diagonal from the next centre.
    around = np.array([[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)])
    near = np.floor(end).astype(int)[:, None] + around
    assert held[tuple(np.moveaxis(near, -1, 0))].any(axis=1).all()
    assert held[tuple(np.floor(end).astype(int).T)].mean() > 0.9


def test_newcomer_has_no_flow(found: ObjectVoxels) -> None:
    own = found.track_id == 9
    assert own.sum() > 20
    assert not found.flow_valid[own].any()


def test_first_grid_has_no_flow() -> None:
    track_id = np.zeros(GRID.shape, dtype=np.uint16)
    track_id[3, 4, 5] = 5
    first = object_voxels(track_id, scene_of([truck("now")], EGO_NOW), None, GRID)
    assert first.voxel.tolist() == [(3 * 60 + 4) * 12 + 5]
    assert first.flow_valid.tolist() == [False]


def test_walker_of_a_clip_flows_as_it_walked() -> None:
    # Grids are five captures or 1 s apart; the ego heads at 0.1 rad and drives 2 m/s along x.
    table = label_clip(make_clip())["occupancy"]
    own = np.asarray(table["object_track_id"][1]) == 3
    flow = np.asarray(table["object_flow"][1]).reshape(-1, 3)[own]
    now, before = ego_pose(1.0).inverse(), ego_pose(0.0).inverse()
    step = before.apply(walking(0.0).center_m) - now.apply(walking(1.0).center_m)
    assert own.sum() > 4
    np.testing.assert_allclose(flow, np.broadcast_to(step / 0.4, flow.shape), atol=1e-4)
