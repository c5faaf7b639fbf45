"""2D labels of box scenes against renders of each box alone, and on a wider image."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.datatypes.images import CameraFrame
from synthgen.errors import DatasetError
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.boxes2d import Boxes2d, label_camera_frame
from synthgen.labels.scene_boxes import scene_boxes
from synthgen.labels.settings import LabelSettings
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    Thing,
    directions_of,
    ego_info,
    info_of,
    photograph,
    states_of,
    turned,
    widened,
)

CAMERA = PinholeCamera(320, 180, 200.0, 205.0, 162.0, 88.0)
WORLD_FROM_CAMERA = SE3.from_yaw(0.2, [1.0, -0.5, 1.6]) @ FORWARD_CAMERA


def random_scene(seed: int) -> list[Solid]:
    """Twelve boxes ahead, some beyond the image edge, and two walls of scenery."""
    rng = np.random.default_rng(seed)
    solids = []
    for track_id in range(2, 14):
        forward, aside = rng.uniform(6, 45), rng.uniform(-1, 1)
        body_m = np.array([forward, aside * forward, 0.0])
        solids.append(
            Solid(
                center_m=turned(0.2) @ body_m + np.array([1.0, -0.5, rng.uniform(0.5, 2.0)]),
                size_lwh_m=rng.uniform([1.0, 0.6, 0.8], [6.0, 2.5, 3.0]),
                track_id=track_id,
                rotation=turned(rng.uniform(-3, 3), rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)),
            )
        )
    wall = Solid(turned(0.2) @ np.array([5.0, -1.8, 1.0]), np.array([0.3, 1.0, 3.0]), 0, tag=3)
    return [*solids, wall]


def labels_of(solids: list[Solid], *, with_ground: bool = True) -> tuple[Boxes2d, CameraFrame]:
    things: list[Thing] = [*solids, Ground()] if with_ground else list(solids)
    frame = photograph(things, CAMERA, WORLD_FROM_CAMERA)
    infos = [ego_info(), *(info_of(s) for s in solids if s.track_id)]
    boxes = scene_boxes(infos, states_of(solids))
    return label_camera_frame(frame, CAMERA, boxes, LabelSettings()), frame


def alone(solid: Solid, camera: PinholeCamera) -> np.ndarray:
    """Pixels (H, W) of a solid with nothing else in the world."""
    rays = directions_of(camera, WORLD_FROM_CAMERA)
    return np.asarray(np.isfinite(solid.hit(WORLD_FROM_CAMERA.translation_m, rays)))


def own_depth(solid: Solid) -> np.ndarray:
    """Depth (H, W) of a solid with nothing else in the world."""
    rays = directions_of(CAMERA, WORLD_FROM_CAMERA)
    return np.asarray(solid.hit(WORLD_FROM_CAMERA.translation_m, rays))


def bounds(mask: np.ndarray) -> list[float]:
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


SEEDS = [pytest.param(seed, id=f"scene{seed}") for seed in range(6)]


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_the_objects_that_meet_the_image(seed: int) -> None:
    solids = random_scene(seed)
    labels, _ = labels_of(solids)
    expected = {s.track_id for s in solids if s.track_id and alone(s, CAMERA).sum() > 2}
    # An object that touches less than two pixel centres may be in the table or not.
    assert expected <= set(labels.track_id.tolist())
    slivers = set(labels.track_id.tolist()) - expected
    assert all(labels.hull_px[labels.track_id == track_id] <= 2 for track_id in slivers)


@pytest.mark.parametrize("seed", SEEDS)
def test_visible_boxes_and_pixels_are_those_of_the_render(seed: int) -> None:
    labels, frame = labels_of(random_scene(seed))
    assert frame.instance is not None
    for row in np.flatnonzero(labels.visible_px):
        mask = frame.instance == labels.track_id[row]
        assert labels.visible_px[row] == mask.sum()
        assert labels.visible_xyxy_px[row].tolist() == bounds(mask)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_amodal_boxes_bound_the_object_surface(seed: int) -> None:
    solids = random_scene(seed)
    labels, _ = labels_of(solids)
    by_id = {s.track_id: s for s in solids}
    for row in np.flatnonzero(labels.hull_px > 2):
        x, y = surface_px(by_id[int(labels.track_id[row])])
        whole = [x.min(), y.min(), x.max(), y.max()]
        np.testing.assert_allclose(labels.amodal_xyxy_px[row], whole, atol=1.0)
        inside = (x >= 0) & (x <= CAMERA.width_px) & (y >= 0) & (y <= CAMERA.height_px)
        x, y = x[inside], y[inside]
        part = [x.min(), y.min(), x.max(), y.max()]
        np.testing.assert_allclose(labels.amodal_clipped_xyxy_px[row], part, atol=1.0)


def surface_px(solid: Solid) -> tuple[np.ndarray, np.ndarray]:
    """Image positions x and y of a fine net of points on a box's six faces."""
    net = np.linspace(-0.5, 0.5, 101)
    u, v = (grid.ravel() for grid in np.meshgrid(net, net))
    end = np.full_like(u, 0.5)
    sides = [(end, u, v), (-end, u, v), (u, end, v), (u, -end, v), (u, v, end), (u, v, -end)]
    local_m = np.concatenate([np.stack(side, -1) for side in sides]) * solid.size_lwh_m
    world_m = solid.center_m + local_m @ solid.rotation.T
    seen_m = (world_m - WORLD_FROM_CAMERA.translation_m) @ WORLD_FROM_CAMERA.rotation
    seen_m = seen_m[seen_m[:, 2] >= 0.1]
    return (
        CAMERA.fx_px * seen_m[:, 0] / seen_m[:, 2] + CAMERA.cx_px,
        CAMERA.fy_px * seen_m[:, 1] / seen_m[:, 2] + CAMERA.cy_px,
    )


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_truncated_fraction_is_the_share_beyond_the_image(seed: int) -> None:
    solids = random_scene(seed)
    labels, _ = labels_of(solids)
    wide = widened(CAMERA, 2)
    by_id = {s.track_id: s for s in solids}
    for row in np.flatnonzero(labels.hull_px > 200)[:4]:  # smaller ones: pixels are too coarse
        solid = by_id[int(labels.track_id[row])]
        expected = 1 - alone(solid, CAMERA).sum() / alone(solid, wide).sum()
        assert abs(labels.truncated_fraction[row] - expected) < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_occluded_fraction_and_occluder_follow_from_the_hidden_pixels(seed: int) -> None:
    solids = random_scene(seed)
    labels, frame = labels_of(solids)
    assert frame.instance is not None
    assert frame.depth_cm is not None
    by_id = {s.track_id: s for s in solids}
    for row in np.flatnonzero(labels.hull_px > 60):
        track_id = int(labels.track_id[row])
        silhouette = alone(by_id[track_id], CAMERA)
        hidden = silhouette & (frame.instance != track_id)
        hidden &= frame.depth_cm < (own_depth(by_id[track_id]) - 0.05) * 100
        assert abs(labels.occluded_fraction[row] - hidden.sum() / silhouette.sum()) < 0.02
        winner, lead = most_frequent(frame.instance[hidden])
        # Pixels on the rim, and hidden by less than the margin, may be judged either way.
        if lead > 3:
            assert labels.occluder_track_id[row] == winner
            assert (labels.occluder_tag[row] > 0) == (winner == 0)


def most_frequent(ids: np.ndarray) -> tuple[int, int]:
    """The most frequent id, and by how many it leads."""
    counts = np.sort(np.bincount(ids, minlength=2))
    return int(np.bincount(ids, minlength=2).argmax()), int(counts[-1] - counts[-2])


def test_occluders_are_met_in_the_test_scenes() -> None:
    found = [labels_of(random_scene(seed))[0] for seed in range(6)]
    assert sum(int((part.occluder_track_id > 0).sum()) for part in found) > 10
    assert sum(int((part.occluder_tag > 0).sum()) for part in found) > 2
    assert sum(int((part.truncated_fraction > 0.1).sum()) for part in found) > 5


def test_free_standing_object_is_not_occluded() -> None:
    labels, _ = labels_of([Solid(np.array([12.0, 1.0, 0.75]), np.array([4.0, 1.8, 1.5]), 2)])
    assert labels.occluded_fraction.tolist() == [0.0]
    assert labels.occluder_track_id.tolist() == [0]


def test_thin_object_in_its_box_is_not_occluded_by_what_lies_behind() -> None:
    # A ball fills 79 % of its box's front; the ground seen past it is farther than the box.
    ball = Solid(np.array([12.0, 2.0, 1.0]), np.array([2.0, 2, 2]), 2, is_sphere=True)
    labels, _ = labels_of([ball])
    assert labels.occluded_fraction[0] < 0.005
    assert labels.visible_px[0] < 0.85 * labels.hull_px[0]


def test_depths_of_a_wall_facing_the_camera() -> None:
    turn = turned(0.2)
    wall = Solid(
        turn @ np.array([10.25, 0.0, 0.0]) + np.array([1.0, -0.5, 1.6]),
        np.array([0.5, 3.0, 2.0]),
        2,
        rotation=turn,
    )
    labels, _ = labels_of([wall])
    assert labels.depth_min_m.tolist() == [10.0]
    assert labels.depth_median_m.tolist() == [10.0]
    assert abs(labels.distance_m[0] - 10.25) < 1e-5


def test_far_object_has_a_label_where_it_is_seen() -> None:
    far = Solid(np.array([160.0, 30.0, 1.5]), np.array([8.0, 2.5, 3.0]), 2)
    seen, _ = labels_of([far])
    assert seen.track_id.tolist() == [2]
    wall = Solid(np.array([80.0, 15.0, 2.0]), np.array([1.0, 12.0, 4.0]), 0, tag=3)
    hidden, _ = labels_of([far, wall])
    assert hidden.track_id.tolist() == []
    near, _ = labels_of([Solid(np.array([85.0, 16.0, 1.5]), np.array([4.0, 2.0, 1.5]), 2), wall])
    assert near.track_id.tolist() == [2]
    assert near.visible_px.tolist() == [0]


def test_box_behind_the_camera_is_dropped() -> None:
    labels, _ = labels_of([Solid(np.array([-12.0, 1.0, 0.75]), np.array([4.0, 1.8, 1.5]), 2)])
    assert len(labels) == 0


def test_box_through_the_near_plane_is_cut_there() -> None:
    # Camera frame: x 0.5 to 1.5 left, 2 m long half behind the camera. Its left edge at the near
    # plane 0.1 m is u = 162 - 200 * 1.5 / 0.1; its right edge ends at depth 1: 162 - 200 * 0.5.
    turn = turned(0.2)
    box = Solid(
        turn @ np.array([0.0, 1.0, 0.0]) + np.array([1.0, -0.5, 1.6]),
        np.array([2.0, 1.0, 1.0]),
        2,
        rotation=turn,
    )
    labels, _ = labels_of([box], with_ground=False)
    np.testing.assert_allclose(labels.amodal_xyxy_px[0, [0, 2]], [-2838.0, 62.0], atol=1e-3)


def test_camera_without_instance_image_is_refused() -> None:
    boxes = scene_boxes([ego_info()], states_of([]))
    frame = CameraFrame("cam", 0, 0, WORLD_FROM_CAMERA, depth_cm=np.zeros((180, 320), np.uint16))
    with pytest.raises(DatasetError, match="camera cam: 2D labels need depth and instance"):
        label_camera_frame(frame, CAMERA, boxes, LabelSettings())
