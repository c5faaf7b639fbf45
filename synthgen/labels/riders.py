"""Riders and their cycles: two linked objects, and one box around both.

CARLA draws a rider as part of its cycle, so most clips hold one object for both; servers that
spawn riders of their own link them by `parent_track_id`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.labels.scene_boxes import SceneBoxes


def union_box(cycle: Cuboid, rider: Cuboid) -> Cuboid:
    """Smallest box along the cycle's axes that holds both."""
    cycle_from_frame = cycle.frame_from_box.inverse()
    corners_m = cycle_from_frame.apply(np.concatenate([cycle.corners_m, rider.corners_m]))
    low, high = corners_m.min(axis=0), corners_m.max(axis=0)
    frame_from_union = cycle.frame_from_box @ SE3(np.eye(3), (low + high) / 2)
    return Cuboid(frame_from_union, high - low)


def ridden_boxes(boxes: SceneBoxes) -> Mapping[int, Cuboid]:
    """Track id of every cycle with a rider of its own -> box around the two, world frame."""
    row_of = {track_id: row for row, track_id in enumerate(boxes.track_id.tolist())}
    found: dict[int, Cuboid] = {}
    for row, info in enumerate(boxes.infos):
        parent = info.parent_track_id
        if parent is not None and parent in row_of:
            cycle = found.get(parent, boxes.world[row_of[parent]])
            found[parent] = union_box(cycle, boxes.world[row])
    return found
