from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from exporters.occ3d.grids import CLASSES, FREE, class_of_tag, occupancy_grid
from synthgen.datatypes.taxonomy import CARLA_TAGS, default_taxonomy
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3

TAGS = class_of_tag(default_taxonomy().formats["occ3d"].tags)
BUS = CARLA_TAGS.index("bus")


def row_with(voxel: tuple[int, int, int], tag: int) -> dict[str, Any]:
    """A stored grid whose only occupied voxel is `voxel`, seen by the LiDAR alone."""
    semantic = np.full((200, 200, 16), 255, np.uint8)
    semantic[voxel] = tag
    mask = np.zeros((200, 200, 16), np.uint8)
    seen = mask.copy()
    seen[voxel] = 1
    origin = {f"origin_{axis}_m": v for axis, v in zip("xyz", (-40.0, -40.0, -1.0), strict=True)}
    content = {"semantic": semantic, "lidar_mask": seen, "camera_mask": mask}
    packed = {name: zlib.compress(array.tobytes()) for name, array in content.items()}
    return {"voxel_m": 0.4, "shape": [200, 200, 16], **origin, **packed}


def test_words_are_those_of_occ3d() -> None:
    names = default_taxonomy().formats["occ3d"]
    assert set(names.classes) | set(filter(None, names.tags.values())) <= set(CLASSES)
    assert len(CLASSES) == FREE == 17
    assert TAGS[255] == FREE


def test_grid_of_the_same_frame_is_copied() -> None:
    grid = occupancy_grid(
        row_with((150, 90, 5), BUS), level_from_axle=SE3.identity(), classes=TAGS, boxes=[]
    )
    assert np.argwhere(grid.semantics != FREE).tolist() == [[150, 90, 5]]
    assert grid.semantics[150, 90, 5] == CLASSES.index("bus")
    assert np.argwhere(grid.mask_lidar).tolist() == [[150, 90, 5]]
    assert not grid.mask_camera.any()


def test_grid_moves_with_the_rear_axle() -> None:
    # The rear axle is 1.6 m behind the actor origin: everything is 4 voxels farther ahead of it.
    behind = SE3(np.eye(3), np.array([-1.6, 0.0, 0.0]))
    row = row_with((150, 90, 5), BUS)
    grid = occupancy_grid(row, level_from_axle=behind, classes=TAGS, boxes=[])
    assert np.argwhere(grid.semantics != FREE).tolist() == [[154, 90, 5]]


@pytest.mark.parametrize(
    ("tag", "name"), [("static", "traffic_cone"), ("road", "driveable_surface")]
)
def test_cone_is_known_by_its_box_and_takes_no_voxel_of_the_road(tag: str, name: str) -> None:
    row = row_with((100, 100, 3), CARLA_TAGS.index(tag))
    cone = Cuboid(SE3(np.eye(3), np.array([0.2, 0.2, 0.4])), np.array([0.4, 0.4, 0.8]))
    grid = occupancy_grid(
        row, level_from_axle=SE3.identity(), classes=TAGS, boxes=[("traffic_cone", cone)]
    )
    assert CLASSES[grid.semantics[100, 100, 3]] == name
