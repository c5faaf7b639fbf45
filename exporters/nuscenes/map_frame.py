"""The global frame of nuScenes: our world moved so that a town has positive coordinates.

The devkit's map masks start at (0, 0) in the lower left corner and call everything beyond them
off the road without a word, so a town is moved by whole metres, with a margin around its roads
for whatever stands beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.road_map import RoadMap
from synthgen.geometry.se3 import SE3

_MARGIN_M: Final = 100.0


@dataclass(frozen=True, slots=True)
class MapFrame:
    """Where a town's global frame lies and how large its canvas is.

    Attributes:
        origin_xy_m: Global (0, 0) in our world, whole metres.
        size_xy_m: Extent of the canvas, whole metres.
    """

    origin_xy_m: tuple[float, float]
    size_xy_m: tuple[float, float]

    @property
    def global_from_world(self) -> SE3:
        """The move, without turning."""
        x, y = self.origin_xy_m
        return SE3(np.eye(3), np.array([-x, -y, 0.0]))


def map_frame(road_map: RoadMap) -> MapFrame:
    """The frame of a town; all its clips hold the whole map, so they agree on it."""
    lines = [line[:, :2] for lane in road_map.lanes for line in (lane.left_m, lane.right_m)]
    lines += [area.polygon_m[:, :2] for area in road_map.areas]
    if not lines:
        return MapFrame((0.0, 0.0), (1.0, 1.0))
    points = np.concatenate(lines)
    low = [math.floor(value - _MARGIN_M) for value in points.min(axis=0).tolist()]
    high = [math.ceil(value + _MARGIN_M) for value in points.max(axis=0).tolist()]
    return MapFrame((low[0], low[1]), (high[0] - low[0], high[1] - low[1]))
