"""Table occupancy: the grids of a clip, their masks, and their objects' flow from grid to grid."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from synthgen.geometry.arrays import U8
from synthgen.labels.columns import Columns
from synthgen.labels.occupancy import ClipSurfaces, OccupancyView, VoxelGrid
from synthgen.labels.occupancy_flow import ObjectVoxels, object_voxels
from synthgen.labels.scene_boxes import EgoScene


def occupancy_columns(
    frame_indices: Sequence[int],
    scenes: Sequence[EgoScene],
    views: Sequence[OccupancyView],
    grid: VoxelGrid,
) -> Columns:
    """Table occupancy of a clip.

    Args:
        frame_indices: Numbers of the captures that get a grid.
        scenes: Ego and objects at each of them.
        views: What each of them saw.
        grid: Voxels around the ego.
    """
    surfaces = ClipSurfaces(views, grid)
    semantic: list[bytes] = []
    objects: list[ObjectVoxels] = []
    for scene, before in zip(scenes, [None, *scenes], strict=False):  # one more before
        occupied = surfaces.occupied(scene)
        semantic.append(_packed(occupied.semantic))
        objects.append(object_voxels(occupied.track_id, scene, before, grid))
    count = len(frame_indices)
    origin = {
        f"origin_{axis}_m": np.full(count, value, dtype=np.float32)
        for axis, value in zip("xyz", grid.origin_m, strict=True)
    }
    return {
        "frame_index": np.array(frame_indices, dtype=np.int32),
        **origin,
        "voxel_m": np.full(count, grid.voxel_m, dtype=np.float32),
        "shape": [list(grid.shape)] * count,
        "semantic": semantic,
        "lidar_mask": [_packed(view.masks["lidar"]) for view in views],
        "camera_mask": [_packed(view.masks["camera"]) for view in views],
        "object_voxel": [part.voxel for part in objects],
        "object_track_id": [part.track_id for part in objects],
        "object_flow": [part.flow.ravel() for part in objects],
        "object_flow_valid": [part.flow_valid for part in objects],
    }


def _packed(values: U8) -> bytes:
    return zlib.compress(np.ascontiguousarray(values).tobytes(), 3)
