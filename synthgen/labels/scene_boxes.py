"""The boxes of all labelled objects at one tick, and the ego among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.actors import EGO_TRACK_ID, ActorStates, ObjectInfo
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import I32, I64, Bool, frozen_array
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.se3 import SE3


@dataclass(frozen=True, eq=False, slots=True)
class SceneBoxes:
    """Boxes of all objects but the ego at one tick, by ascending track id.

    Attributes:
        track_id: (N,) int32.
        world: The N boxes in the world.
        infos: What never changes about each.
        rows: (N,) int64, row of each in the tick's `ActorStates`.
    """

    track_id: I32
    world: Cuboids
    infos: tuple[ObjectInfo, ...]
    rows: I64

    def __post_init__(self) -> None:
        """Check the ids and make them read-only."""
        count = len(self.world)
        for name, dtype in (("track_id", np.int32), ("rows", np.int64)):
            array = frozen_array(name, getattr(self, name), (count,), dtype)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.track_id)

    def select(self, keep: Bool | I64) -> SceneBoxes:
        """The objects of a mask or of indices."""
        indices = np.arange(len(self))[keep]
        return SceneBoxes(
            self.track_id[indices],
            self.world.select(indices),
            tuple(self.infos[index] for index in indices),
            self.rows[indices],
        )


@dataclass(frozen=True, eq=False, slots=True)
class EgoScene:
    """Where the ego and all objects are at one capture."""

    world_from_ego: SE3
    boxes: SceneBoxes

    @property
    def level_boxes(self) -> Cuboids:
        """The boxes in the level ego frame."""
        return self.boxes.world.moved(level_ego_from_world(self.world_from_ego))


def level_ego_from_world(world_from_ego: SE3) -> SE3:
    """The level ego frame: the ego's position and heading, without pitch and roll."""
    return SE3.from_yaw(world_from_ego.yaw_rad, world_from_ego.translation_m).inverse()


def scene_boxes(objects: Sequence[ObjectInfo], states: ActorStates) -> SceneBoxes:
    """Boxes in the world of all objects but the ego that exist at one tick.

    Args:
        objects: The objects table.
        states: Where they are.

    Raises:
        DatasetError: A state belongs to no object of the table.
    """
    by_id = {info.track_id: info for info in objects}
    ids = states.track_id.tolist()
    unknown = [track_id for track_id in ids if track_id not in by_id]
    if unknown:
        raise DatasetError(f"tick {states.tick}: no row in objects for track {unknown[0]}")
    rows = np.array(
        [k for k, track_id in enumerate(ids) if track_id != EGO_TRACK_ID], dtype=np.int64
    )
    rows = rows[np.argsort(states.track_id[rows], kind="stable")]
    infos = tuple(by_id[int(track_id)] for track_id in states.track_id[rows])
    size_lwh_m = np.array([info.size_lwh_m for info in infos]).reshape(-1, 3)
    offset_m = np.array([info.box_center_m for info in infos]).reshape(-1, 3)
    rotation = states.rotation[rows]
    center_m = states.position_m[rows] + np.einsum("nij,nj->ni", rotation, offset_m)
    return SceneBoxes(states.track_id[rows], Cuboids(rotation, center_m, size_lwh_m), infos, rows)
