"""Occupancy grids in Occ3D's frame and classes.

Occ3D's grid is 200 x 200 x 16 voxels of 0.4 m, from (-40, -40, -1) to (40, 40, 5.4) in the ego
frame of nuScenes: rear axle, with the car's pitch and roll. Ours lies in the level frame of the
actor origin, so each voxel of Occ3D takes what our voxel around its centre holds: edges move by at
most half a voxel along each axis. Voxels beyond our grid are free and unobserved.
Classes 0 to 16 are those of nuScenes-lidarseg's challenge, 17 is free. A voxel has CARLA's tag;
one within the box of an object that CARLA has no tag for (cones, barriers) gets its category.

Cannot express: who occupies a voxel, flow.

Source: Occ3D-nuScenes, https://github.com/Tsinghua-MARS-Lab/Occ3D, "Occ3D-nuScenes" data format.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from synthgen.datatypes.taxonomy import CARLA_TAGS
from synthgen.geometry.arrays import F64, U8
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3

Row = dict[str, Any]

SHAPE: Final = (200, 200, 16)
VOXEL_M: Final = 0.4
ORIGIN_M: Final = (-40.0, -40.0, -1.0)
CLASSES: Final = (
    *("others", "barrier", "bicycle", "bus", "car", "construction_vehicle", "motorcycle"),
    *("pedestrian", "traffic_cone", "trailer", "truck", "driveable_surface", "other_flat"),
    *("sidewalk", "terrain", "manmade", "vegetation"),
)
FREE: Final = 17
_OUR_FREE: Final = 255
_FROM_BOXES: Final = ("barrier", "traffic_cone")


@dataclass(frozen=True, eq=False, slots=True)
class OccupancyGrid:
    """One sample, each (200, 200, 16) uint8 over x, y, z of the ego frame.

    Attributes:
        semantics: Class, 17 where free.
        mask_lidar: 1 where a ray of the LiDARs passed or ended.
        mask_camera: 1 where a camera looked.
    """

    semantics: U8
    mask_lidar: U8
    mask_camera: U8


def class_of_tag(tags: Mapping[str, str | None]) -> U8:
    """Occ3D's class (256,) of each CARLA tag; `FREE` for our free."""
    table = np.full(256, CLASSES.index("others"), dtype=np.uint8)
    for tag, name in enumerate(CARLA_TAGS):
        table[tag] = CLASSES.index(tags[name] or "others")
    table[_OUR_FREE] = FREE
    return table


def centres_m() -> F64:
    """Centres (N, 3) of all voxels in the ego frame, in C order."""
    index = np.indices(SHAPE).reshape(3, -1).T
    return np.asarray((index + 0.5) * VOXEL_M + np.array(ORIGIN_M))


def occupancy_grid(
    row: Mapping[str, Any],
    *,
    level_from_axle: SE3,
    classes: U8,
    boxes: Iterable[tuple[str, Cuboid]],
) -> OccupancyGrid:
    """The grid of one sample.

    Args:
        row: Of the table occupancy.
        level_from_axle: From the rear axle to the level frame of the actor origin.
        classes: Of `class_of_tag`.
        boxes: Occ3D class and box (rear axle frame) of the objects.
    """
    origin = np.array([row[f"origin_{axis}_m"] for axis in "xyz"], dtype=np.float64)
    centres = centres_m()
    voxel = np.floor((level_from_axle.apply(centres) - origin) / row["voxel_m"]).astype(np.int64)
    shape = tuple(row["shape"])
    inside = ((voxel >= 0) & (voxel < np.array(shape))).all(axis=1)
    source = np.ravel_multi_index(tuple(voxel[inside].T), shape)

    def taken(name: str, outside: int) -> U8:
        values = np.frombuffer(zlib.decompress(row[name]), dtype=np.uint8)
        grid = np.full(len(centres), outside, dtype=np.uint8)
        grid[inside] = values[source]
        return grid

    semantics = classes[taken("semantic", _OUR_FREE)]
    for name, box in boxes:
        if name in _FROM_BOXES:
            own = box.contains(centres, margin_m=VOXEL_M / 2)
            is_other = (semantics != FREE) & (semantics == CLASSES.index("others"))
            semantics[own & is_other] = CLASSES.index(name)
    return OccupancyGrid(
        semantics.reshape(SHAPE),
        taken("lidar_mask", 0).reshape(SHAPE),
        taken("camera_mask", 0).reshape(SHAPE),
    )
