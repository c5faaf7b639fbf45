"""Semantic occupancy around the ego, from all points and depths that the clip's sensors saw.

Points on scenery are gathered in the world, points on objects in the frame of the object's box,
so that a car seen from the side now and from behind later is whole in both frames. A voxel that
holds points of an object carries the object's tag, otherwise that of most of the points on
scenery in it; the others are free or were never observed: the masks tell which voxels this
frame's LiDARs and cameras looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.actors import EGO_TRACK_ID
from synthgen.datatypes.images import NO_DEPTH_CM, CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.geometry.arrays import F64, I32, I64, U8, U16, frozen_array
from synthgen.geometry.camera import FisheyeCamera, Lens
from synthgen.geometry.se3 import SE3
from synthgen.labels.scene_boxes import EgoScene, SceneBoxes, level_ego_from_world
from synthgen.labels.voxel_kernels import (
    first_in_each_cube,
    level_steps,
    mark_rays,
    mark_view,
    write_majority,
)

_Surfaces = tuple[F64, U8, I32]  # points in the world, tags, track ids

FREE = 255
SKY_TAG = 11
_NEAR_M = 0.1
_PIXEL_STRIDE = 2  # every so many rows and columns of a depth image
_THIN_SHARE = 0.25  # points are thinned to one per cube of this share of a voxel
# Far ground is seen at a flat angle, a point every metre; neighbours on it are joined.
_JOIN_LEVEL_M = 0.1  # greatest difference in height
_JOIN_STEP_M = 0.2
_JOIN_MOST_M = 3.0  # greatest distance
_NEXT_BEAM_RAD = 0.01  # greatest difference in azimuth of neighbours on two rings


@dataclass(frozen=True, slots=True)
class VoxelGrid:
    """Voxels in the level ego frame (the ego's position and heading, without pitch and roll).

    Attributes:
        voxel_m: Edge of a voxel.
        shape: Voxels along x (ahead), y (left) and z (up).
        origin_m: Lowest corner; 80 m x 80 m around the ego, 1 m below it to 5.4 m above.
    """

    voxel_m: float = 0.4
    shape: tuple[int, int, int] = (200, 200, 16)
    origin_m: tuple[float, float, float] = (-40.0, -40.0, -1.0)

    def to_voxels(self, points_m: F64) -> F64:
        """Voxel positions (N, 3), fractional, of points (N, 3) of the level ego frame."""
        return np.asarray((points_m - np.array(self.origin_m)) / self.voxel_m)

    def to_level(self, voxels: F64) -> F64:
        """Points (N, 3) of the level ego frame, metres, of voxel positions (N, 3)."""
        return np.asarray(voxels * self.voxel_m + np.array(self.origin_m))


@dataclass(frozen=True, eq=False, slots=True)
class TaggedPoints:
    """Points on surfaces, each of one scenery or object.

    Attributes:
        points_m: (N, 3) float64; world frame where `track_id` is 0, else the object's box frame.
        tag: (N,) uint8, CARLA tag.
        track_id: (N,) int32.
    """

    points_m: F64
    tag: U8
    track_id: I32

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        set_field = object.__setattr__
        set_field(self, "points_m", frozen_array("points_m", self.points_m, (None, 3), np.float64))
        set_field(self, "tag", frozen_array("tag", self.tag, (None,), np.uint8))
        set_field(self, "track_id", frozen_array("track_id", self.track_id, (None,), np.int32))

    def __len__(self) -> int:
        """Number of points."""
        return len(self.tag)


@dataclass(frozen=True, eq=False, slots=True)
class OccupancyView:
    """What one capture adds to the clip's occupancy.

    Attributes:
        points: Surfaces seen.
        masks: `lidar` and `camera` -> (X, Y, Z) uint8, 1 where observed.
    """

    points: TaggedPoints
    masks: Mapping[str, U8]


@dataclass(frozen=True, eq=False, slots=True)
class Occupied:
    """What each voxel of one grid holds.

    Attributes:
        semantic: (X, Y, Z) uint8, CARLA tag, `FREE` where no surface is.
        track_id: (X, Y, Z) uint16, the object in each, 0 for none.
    """

    semantic: U8
    track_id: U16


def seen_surfaces(
    cameras: Sequence[tuple[CameraFrame, Lens]],
    sweeps: Sequence[LidarSweep],
    boxes: SceneBoxes,
    grid: VoxelGrid,
) -> TaggedPoints:
    """All surface points of one capture that carry a class, thinned out.

    Args:
        cameras: Images with depth, semantic and instance, and their intrinsics.
        sweeps: Sweeps; those without class and track are left out.
        boxes: The objects at the same tick.
        grid: Its voxel size sets how far points are thinned out.
    """
    parts = [_of_image(frame, camera) for frame, camera in cameras if frame.semantic is not None]
    parts += [
        _of_sweep(sweep)
        for sweep in sweeps
        if sweep.semantic_tag is not None and sweep.track_id is not None
    ]
    # Thinned out one by one: all points of six cameras at once are hundreds of megabytes.
    return _united([_thinned(*_in_own_frames(*part, boxes), grid) for part in parts], grid)


def _united(parts: Sequence[TaggedPoints], grid: VoxelGrid) -> TaggedPoints:
    """All points of several views, thinned out again."""
    points_m = np.concatenate([np.zeros((0, 3)), *(part.points_m for part in parts)])
    tag = np.concatenate([np.zeros(0, np.uint8), *(part.tag for part in parts)])
    track_id = np.concatenate([np.zeros(0, np.int32), *(part.track_id for part in parts)])
    return _thinned(points_m, tag, track_id, grid)


def _of_image(frame: CameraFrame, camera: Lens) -> _Surfaces:
    assert frame.depth_cm is not None, "checked by label_frame"
    assert frame.instance is not None, "checked by label_frame"
    assert frame.semantic is not None, "checked by seen_surfaces"
    every = slice(_PIXEL_STRIDE // 2, None, _PIXEL_STRIDE)
    depth_cm, tag = frame.depth_cm[every, every], frame.semantic[every, every]
    track_id = frame.instance[every, every].astype(np.int32)
    height, width = frame.depth_cm.shape
    columns, rows = np.meshgrid(np.arange(width)[every] + 0.5, np.arange(height)[every] + 0.5)
    pixels = np.stack([columns, rows], axis=-1)
    world_m = frame.world_from_camera.apply(camera.rays(pixels) * (depth_cm / 100.0)[..., None])
    is_surface = (depth_cm != NO_DEPTH_CM) & (tag != SKY_TAG)
    index = np.arange(depth_cm.size).reshape(depth_cm.shape)
    flat = (world_m.reshape(-1, 3), tag.ravel(), track_id.ravel())
    below = is_surface[:-1] & is_surface[1:]
    joined = _joined(*flat, index[:-1][below], index[1:][below])
    seen = is_surface.ravel()
    return _stacked((flat[0][seen], flat[1][seen], flat[2][seen]), joined)


def _of_sweep(sweep: LidarSweep) -> _Surfaces:
    assert sweep.semantic_tag is not None, "checked by seen_surfaces"
    assert sweep.track_id is not None, "checked by seen_surfaces"
    world_m = sweep.world_from_lidar.apply(sweep.points_m.astype(np.float64))
    surfaces = (world_m, sweep.semantic_tag, sweep.track_id.astype(np.int32))
    azimuth = np.arctan2(sweep.points_m[:, 1], sweep.points_m[:, 0])
    order = np.lexsort((azimuth, sweep.ring))
    bounds = np.searchsorted(sweep.ring[order], np.arange(int(sweep.ring.max(initial=0)) + 2))
    lower, upper = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for ring in range(len(bounds) - 2):
        own = order[bounds[ring] : bounds[ring + 1]]
        above = order[bounds[ring + 1] : bounds[ring + 2]]
        if not len(above):
            continue
        nearest = np.minimum(np.searchsorted(azimuth[above], azimuth[own]), len(above) - 1)
        close = np.abs(azimuth[above[nearest]] - azimuth[own]) < _NEXT_BEAM_RAD
        lower.append(own[close])
        upper.append(above[nearest[close]])
    joined = _joined(*surfaces, np.concatenate(lower), np.concatenate(upper))
    return _stacked(surfaces, joined)


def _joined(world_m: F64, tag: U8, track_id: I32, a: I64, b: I64) -> _Surfaces:
    """Points between pairs of neighbours (K,) that lie on the same level ground."""
    points_m, origin = level_steps(
        world_m, tag, track_id, a, b, _JOIN_LEVEL_M, _JOIN_MOST_M, _JOIN_STEP_M
    )
    return points_m, tag[origin], track_id[origin]


def _stacked(one: _Surfaces, other: _Surfaces) -> _Surfaces:
    return (
        np.concatenate([one[0], other[0]]),
        np.concatenate([one[1], other[1]]),
        np.concatenate([one[2], other[2]]),
    )


def _in_own_frames(world_m: F64, tag: U8, track_id: I32, boxes: SceneBoxes) -> tuple[F64, U8, I32]:
    """Points of objects in their box frames; those of the ego and unknown objects are dropped."""
    row = np.minimum(np.searchsorted(boxes.track_id, track_id), max(len(boxes) - 1, 0))
    known = boxes.track_id[row] == track_id if len(boxes) else np.zeros(len(row), dtype=np.bool_)
    keep = (known & (track_id != EGO_TRACK_ID)) | (track_id == 0)
    world_m, tag, track_id, row, known = (
        values[keep] for values in (world_m, tag, track_id, row, known)
    )
    offset_m = world_m[known] - boxes.world.center_m[row[known]]
    own = world_m.copy()
    own[known] = np.einsum("pji,pj->pi", boxes.world.rotation[row[known]], offset_m)
    return own, tag, track_id


def _thinned(points_m: F64, tag: U8, track_id: I32, grid: VoxelGrid) -> TaggedPoints:
    """One point per small cube, tag and object."""
    first = first_in_each_cube(points_m, tag, track_id, grid.voxel_m * _THIN_SHARE)
    return TaggedPoints(points_m[first], tag[first], track_id[first])


def observed(
    world_from_ego: SE3,
    cameras: Sequence[tuple[CameraFrame, Lens]],
    sweeps: Sequence[LidarSweep],
    grid: VoxelGrid,
) -> dict[str, U8]:
    """Which voxels the LiDARs' rays crossed, and which the cameras looked at.

    Args:
        world_from_ego: The ego at this capture.
        cameras: Images with depth, and their intrinsics.
        sweeps: Sweeps of all LiDARs.
        grid: Voxels around the ego.
    """
    level_from_world = level_ego_from_world(world_from_ego)
    masks = {name: np.zeros(grid.shape, dtype=np.uint8) for name in ("lidar", "camera")}
    for sweep in sweeps:
        level_from_lidar = level_from_world @ sweep.world_from_lidar
        ends = grid.to_voxels(level_from_lidar.apply(sweep.points_m.astype(np.float64)))
        mark_rays(masks["lidar"], grid.to_voxels(level_from_lidar.translation_m), ends)
    for frame, camera in cameras:
        camera_from_level = (level_from_world @ frame.world_from_camera).inverse()
        assert frame.depth_cm is not None, "checked by label_frame"
        if isinstance(camera, FisheyeCamera):
            _mark_fisheye_view(masks["camera"], camera, camera_from_level, grid, frame.depth_cm)
            continue
        matrix = np.column_stack(
            [
                camera_from_level.rotation * grid.voxel_m,
                camera_from_level.apply(np.array(grid.origin_m)),
            ]
        )
        intrinsics = np.array([camera.fx_px, camera.fy_px, camera.cx_px, camera.cy_px])
        mark_view(masks["camera"], matrix, intrinsics, frame.depth_cm, grid.voxel_m / 2)
    return masks


def _mark_fisheye_view(
    mask: U8, camera: FisheyeCamera, camera_from_level: SE3, grid: VoxelGrid, depth_cm: U16
) -> None:
    """`mark_view` of a fisheye image."""
    centre = np.moveaxis(np.indices(grid.shape, dtype=np.float64), 0, -1).reshape(-1, 3) + 0.5
    points_m = camera_from_level.apply(grid.to_level(centre))
    voxel = np.flatnonzero(camera.sees(points_m, _NEAR_M))
    column, row = np.floor(camera.project(points_m[voxel])).astype(np.int64).T
    inside = (column >= 0) & (column < camera.width_px) & (row >= 0) & (row < camera.height_px)
    voxel, column, row = voxel[inside], column[inside], row[inside]
    nearest_cm = (camera.depths(points_m[voxel]) - grid.voxel_m / 2) * 100.0
    mask.ravel()[voxel[nearest_cm <= depth_cm[row, column]]] = 1


class ClipSurfaces:
    """All surfaces of a clip, sorted so that one capture's are found quickly."""

    def __init__(self, views: Sequence[OccupancyView], grid: VoxelGrid) -> None:
        whole = _united([view.points for view in views], grid)
        order = np.argsort(whole.track_id, kind="stable")
        self._points_m = whole.points_m[order]
        self._tag = whole.tag[order]
        self._track_id = whole.track_id[order]
        self.grid = grid

    def occupied(self, scene: EgoScene) -> Occupied:
        """What the voxels around the ego hold; objects that do not exist then leave none."""
        level_from_world = level_ego_from_world(scene.world_from_ego)
        level = scene.level_boxes
        semantic = np.full(self.grid.shape, FREE, dtype=np.uint8)
        owner = np.zeros(self.grid.shape, dtype=np.uint16)
        ids = np.concatenate([[0], scene.boxes.track_id])  # 0: scenery, in the world's frame
        first, last = self._spans(ids)
        write_majority(
            semantic,
            owner,
            self._points_m,
            self._tag,
            first,
            last,
            ids.astype(np.uint16),
            np.concatenate([level_from_world.rotation[None], level.rotation]),
            np.concatenate([level_from_world.translation_m[None], level.center_m]),
            np.array(self.grid.origin_m),
            self.grid.voxel_m,
        )
        return Occupied(semantic, owner)

    def _spans(self, track_id: I64) -> tuple[I64, I64]:
        """Where the points of each track begin and end."""
        wanted = track_id.astype(self._track_id.dtype)  # Of another type, all points are cast.
        return (
            np.searchsorted(self._track_id, wanted, side="left"),
            np.searchsorted(self._track_id, wanted, side="right"),
        )
