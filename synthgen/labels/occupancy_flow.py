"""Whose each voxel of an object is, and where that part of the object was one grid before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.geometry.arrays import F32, I32, U16, Bool, frozen_array
from synthgen.labels.occupancy import VoxelGrid
from synthgen.labels.scene_boxes import EgoScene


@dataclass(frozen=True, eq=False, slots=True)
class ObjectVoxels:
    """The K voxels of one grid that hold objects.

    Attributes:
        voxel: (K,) int32, index into the flattened grid (C order x, y, z), ascending.
        track_id: (K,) uint16, the object in each.
        flow: (K, 3) float32, voxels along x, y and z: from each voxel to where that part of the
            object was in the grid before.
        flow_valid: (K,) bool, where `flow` says something: the object existed then.
    """

    voxel: I32
    track_id: U16
    flow: F32
    flow_valid: Bool

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        count = len(self.voxel)
        for name, shape, dtype in (
            ("voxel", (count,), np.int32),
            ("track_id", (count,), np.uint16),
            ("flow", (count, 3), np.float32),
            ("flow_valid", (count,), np.bool_),
        ):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), shape, dtype))


def object_voxels(
    track_id: U16, scene: EgoScene, before: EgoScene | None, grid: VoxelGrid
) -> ObjectVoxels:
    """The voxels of a grid that hold objects, with their backward flow.

    Args:
        track_id: (X, Y, Z), the object in each voxel, 0 for none.
        scene: Ego and objects of the grid.
        before: The same of the grid before, or None if this is the first.
        grid: Both grids' voxels.
    """
    voxel = np.flatnonzero(track_id)
    own = track_id.ravel()[voxel]
    flow = np.zeros((len(voxel), 3), dtype=np.float32)
    valid = np.zeros(len(voxel), dtype=np.bool_)
    if before is not None and len(before.boxes):
        place = np.searchsorted(before.boxes.track_id, own)
        then = np.minimum(place, len(before.boxes) - 1)
        valid = before.boxes.track_id[then] == own
        centre = np.stack(np.unravel_index(voxel[valid], grid.shape), axis=1) + 0.5
        now = np.searchsorted(scene.boxes.track_id, own[valid])
        here, there = scene.level_boxes.select(now), before.level_boxes.select(then[valid])
        # To box axes now, then out of them as they lay before.
        local_m = np.einsum("kji,kj->ki", here.rotation, grid.to_level(centre) - here.center_m)
        earlier_m = np.einsum("kij,kj->ki", there.rotation, local_m) + there.center_m
        flow[valid] = grid.to_voxels(earlier_m) - centre
    return ObjectVoxels(voxel.astype(np.int32), own, flow, valid)
