"""2D labels in fisheye images against renders through the lens formula, all around the lens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.camera import FisheyeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.boxes2d import Boxes2d, label_camera_frame
from synthgen.labels.invariants import check_image
from synthgen.labels.keypoints import joint_visibility
from synthgen.labels.occupancy import VoxelGrid, observed
from synthgen.labels.panorama import visible_fractions
from synthgen.labels.scene_boxes import SceneBoxes, scene_boxes
from synthgen.labels.settings import LabelSettings
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    Thing,
    cast,
    ego_info,
    info_of,
    states_of,
    turned,
)

WIDTH, HEIGHT, FOCAL = 480, 360, 145.0  # 190 degrees across
CENTRE = (238.0, 184.0)
WORLD_FROM_CAMERA = SE3(turned(0.3, 0.15, 0.05), np.array([0.5, -0.2, 1.1])) @ FORWARD_CAMERA
COEFFICIENTS = {"equidistant": (), "kannala_brandt": (-0.02, 0.003, 0.0, 0.0)}
LENSES = [pytest.param(name, id=name) for name in COEFFICIENTS]


def ring_of(angle: np.ndarray, lens: str) -> np.ndarray:
    """Distance from the middle, focal lengths: OpenCV, "Fisheye camera model"."""
    terms = [k * angle ** (2 * n) for n, k in enumerate(COEFFICIENTS[lens], 1)]
    return np.asarray(angle * (1 + sum(terms, np.zeros_like(angle))))


def rays(lens: str, margin: int = 0) -> np.ndarray:
    """Unit rays (H, W, 3), world, of an image with so many pixels more on every side."""
    u, v = np.meshgrid(
        np.arange(-margin, WIDTH + margin) + 0.5, np.arange(-margin, HEIGHT + margin) + 0.5
    )
    x, y = (u - CENTRE[0]) / FOCAL, (v - CENTRE[1]) / FOCAL
    ring = np.hypot(x, y)
    table = np.linspace(0, 3.0, 30001)
    angle = np.interp(ring, ring_of(table, lens), table)
    side = np.sin(angle) / ring
    body = np.stack([x * side, y * side, np.cos(angle)], -1)
    return body @ WORLD_FROM_CAMERA.rotation.T


def camera_of(lens: str) -> FisheyeCamera:
    return FisheyeCamera(WIDTH, HEIGHT, FOCAL, FOCAL, *CENTRE, COEFFICIENTS[lens])


def scene() -> list[Solid]:
    """Boxes ahead, beside and behind the lens, one half beyond the image, one behind another."""
    rows = [
        (2, 0.0, 7.0, (4.2, 1.8, 1.5), 0.7),
        (3, 0.05, 11.0, (5.0, 2.0, 3.0), 0.1),
        (4, 1.0, 3.5, (4.2, 1.8, 1.5), 0.2),
        (5, 1.65, 3.0, (4.2, 1.8, 1.5), 0.4),
        (6, -1.2, 5.0, (0.6, 0.7, 1.8), 0.0),
        (7, -1.6, 4.0, (3.0, 1.6, 1.4), 1.2),
        (8, 3.1, 6.0, (4.2, 1.8, 1.5), 0.0),
    ]
    return [
        Solid(
            np.array([0.5 + away * np.cos(0.3 + at), -0.2 + away * np.sin(0.3 + at), size[2] / 2]),
            np.array(size),
            track_id,
            rotation=turned(yaw),
        )
        for track_id, at, away, size, yaw in rows
    ]


def photograph(things: Sequence[Thing], lens: str) -> CameraFrame:
    t, index = cast(things, WORLD_FROM_CAMERA.translation_m, rays(lens))
    ids = np.array([thing.track_id for thing in things] + [0], dtype=np.uint16)
    tags = np.array([thing.tag for thing in things] + [11], dtype=np.uint8)
    depth_cm = np.where(t < 655.0, np.rint(np.where(t < 655.0, t, 0) * 100), 65535)
    return CameraFrame(
        "cam", 0, 0, WORLD_FROM_CAMERA,
        depth_cm=depth_cm.astype(np.uint16), instance=ids[index], semantic=tags[index],
    )  # fmt: skip


def labelled(lens: str) -> tuple[Boxes2d, CameraFrame, SceneBoxes]:
    frame = photograph([*scene(), Ground()], lens)
    boxes = scene_boxes([ego_info(), *(info_of(s) for s in scene())], states_of(scene()))
    return label_camera_frame(frame, camera_of(lens), boxes, LabelSettings()), frame, boxes


def project(points_world_m: np.ndarray, lens: str) -> np.ndarray:
    seen = (points_world_m - WORLD_FROM_CAMERA.translation_m) @ WORLD_FROM_CAMERA.rotation
    across = np.hypot(seen[:, 0], seen[:, 1])
    ring = ring_of(np.arctan2(across, seen[:, 2]), lens)
    return np.asarray(FOCAL * ring[:, None] * seen[:, :2] / across[:, None] + CENTRE)


def in_view(points_world_m: np.ndarray, lens: str) -> np.ndarray:
    """Those of the points that are at most 0.3 rad farther off the axis than the image."""
    seen = (points_world_m - WORLD_FROM_CAMERA.translation_m) @ WORLD_FROM_CAMERA.rotation
    table = np.linspace(0, 3.0, 30001)
    corner = np.hypot(WIDTH - CENTRE[0], CENTRE[1]) / FOCAL  # the farthest is at the top right
    limit = np.interp(corner, ring_of(table, lens), table) + 0.3
    angle = np.arctan2(np.hypot(seen[:, 0], seen[:, 1]), seen[:, 2])
    return np.asarray(points_world_m[angle <= limit])


def surface(solid: Solid) -> np.ndarray:
    """A fine net of points (P, 3), world, on the six faces."""
    net = np.linspace(-0.5, 0.5, 161)
    u, v = (grid.ravel() for grid in np.meshgrid(net, net))
    end = np.full_like(u, 0.5)
    sides = [(end, u, v), (-end, u, v), (u, end, v), (u, -end, v), (u, v, end), (u, v, -end)]
    local = np.concatenate([np.stack(side, -1) for side in sides]) * solid.size_lwh_m
    return np.asarray(solid.center_m + local @ solid.rotation.T)


def hull_mask(points_px: np.ndarray, margin: int) -> np.ndarray:
    """Pixels of the widened image whose centres lie in the convex hull of points."""
    sub = 16
    hull = cv2.convexHull(((points_px + margin - 0.5) * sub).astype(np.int32))
    canvas = np.zeros((HEIGHT + 2 * margin, WIDTH + 2 * margin), dtype=np.uint8)
    cv2.fillConvexPoly(canvas, hull, 1, shift=4)
    return np.asarray(canvas > 0)


@pytest.mark.parametrize("lens", LENSES)
def test_objects_at_and_beyond_a_right_angle_have_labels(lens: str) -> None:
    labels, frame, _ = labelled(lens)
    assert {2, 3, 4, 5, 6, 7} <= set(labels.track_id.tolist())
    assert 8 not in labels.track_id
    assert frame.instance is not None
    counts = np.bincount(frame.instance.ravel(), minlength=9)
    assert labels.visible_px.tolist() == counts[labels.track_id].tolist()
    assert counts[5] > 300


@pytest.mark.parametrize("lens", LENSES)
def test_amodal_boxes_bound_the_surface(lens: str) -> None:
    labels, _, _ = labelled(lens)
    by_id = {s.track_id: s for s in scene()}
    for row, track_id in enumerate(labels.track_id.tolist()):
        at = project(in_view(surface(by_id[track_id]), lens), lens)
        whole = [*at.min(axis=0), *at.max(axis=0)]
        np.testing.assert_allclose(labels.amodal_xyxy_px[row], whole, atol=1.0)


@pytest.mark.parametrize("lens", LENSES)
def test_fractions_and_occluders_are_those_of_the_render(lens: str) -> None:
    labels, frame, _ = labelled(lens)
    assert frame.instance is not None
    assert frame.depth_cm is not None
    inside = np.s_[250:-250, 250:-250]
    occluders = {}
    for row, track_id in enumerate(labels.track_id.tolist()):
        solid = next(s for s in scene() if s.track_id == track_id)
        whole = hull_mask(project(in_view(surface(solid), lens), lens), 250)
        part = whole[inside]
        assert abs(labels.truncated_fraction[row] - (1 - part.sum() / whole.sum())) < 0.01
        own = solid.hit(WORLD_FROM_CAMERA.translation_m, rays(lens))
        hidden = part & (frame.instance != track_id) & (frame.depth_cm < (own - 0.05) * 100)
        # The hull bulges over the box, whose own pixels alone count.
        shown = part & np.isfinite(own)
        share = (hidden & shown).sum() / shown.sum()
        assert abs(labels.occluded_fraction[row] - share) < 0.02
        occluders[track_id] = int(labels.occluder_track_id[row])
    assert occluders[3] == 2
    assert labels.occluded_fraction[labels.track_id.tolist().index(3)] > 0.2
    assert (labels.truncated_fraction > 0.05).sum() >= 1


@pytest.mark.parametrize("lens", LENSES)
def test_clean_labels_pass_the_invariants(lens: str) -> None:
    labels, frame, boxes = labelled(lens)
    votes = check_image(
        frame, camera_of(lens), boxes, labels, taxonomy=default_taxonomy(), range_m=60.0
    )
    assert [str(finding) for finding in votes.findings] == []


def test_moved_box_is_found_by_its_depths() -> None:
    labels, frame, boxes = labelled("equidistant")
    moved = scene_boxes(
        [ego_info(), *(info_of(s) for s in scene())],
        states_of([*scene()[:-1], _shifted(scene()[-1])]),
    )
    assert len(moved) == len(boxes)
    wrong = scene_boxes(
        [ego_info(), *(info_of(s) for s in scene())], states_of([_shifted(s) for s in scene()])
    )
    votes = check_image(
        frame, camera_of("equidistant"), wrong, labels, taxonomy=default_taxonomy(), range_m=60.0
    )
    assert "depth_outside_box" in {finding.check for finding in votes.findings}


def _shifted(solid: Solid) -> Any:
    return Solid(
        solid.center_m + np.array([0.0, 0.6, 0.0]),
        solid.size_lwh_m,
        solid.track_id,
        rotation=solid.rotation,
    )


def test_joint_beside_the_lens_is_where_the_formula_says() -> None:
    _, frame, _ = labelled("equidistant")
    place = np.array([[0.5 + 2 * np.cos(0.3 + 1.62), -0.2 + 2 * np.sin(0.3 + 1.62), 1.4]])
    joint = WORLD_FROM_CAMERA.inverse().apply(place)
    visibility, xy_px = joint_visibility(
        frame, camera_of("equidistant"), joint, 99, LabelSettings()
    )
    np.testing.assert_allclose(xy_px, project(place, "equidistant"), atol=1e-6)
    assert visibility.tolist() == [2]


def test_panorama_sees_what_the_fisheye_sees() -> None:
    labels, frame, boxes = labelled("equidistant")
    shares = visible_fractions([(frame, camera_of("equidistant"))], boxes, LabelSettings())
    by_id = dict(zip(boxes.track_id.tolist(), shares.tolist(), strict=True))
    assert by_id[2] > 0.95
    assert by_id[8] == 0.0
    expected = 1 - labels.occluded_fraction[labels.track_id.tolist().index(3)]
    assert abs(by_id[3] - expected) < 0.1


def test_occupancy_mask_reaches_the_surfaces_around_the_lens() -> None:
    _, frame, _ = labelled("equidistant")
    grid = VoxelGrid(0.4, (60, 60, 8), (-12.0, -12.0, -0.5))
    mask = observed(SE3.identity(), [(frame, camera_of("equidistant"))], [], grid)["camera"]
    # A metre beside the lens, at 1.62 rad off its axis, nothing is in the way; inside a car it is.
    beside = np.array([[0.5 + np.cos(0.3 + 1.6), -0.2 + np.sin(0.3 + 1.6), 1.3]])
    voxel = tuple(np.floor(grid.to_voxels(beside)).astype(int)[0])
    inside = tuple(np.floor(grid.to_voxels(scene()[1].center_m[None])).astype(int)[0])
    assert mask[voxel] == 1
    assert mask[inside] == 0
