"""Objects of a clip: what never changes (`ObjectInfo`) and where they are (`ActorStates`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from synthgen.geometry.arrays import F32, F64, I32, U8, U32, frozen_array
from synthgen.geometry.rotations import rotation_from_quat
from synthgen.geometry.se3 import SE3

EGO_TRACK_ID = 1


@dataclass(frozen=True, eq=False, slots=True)
class ObjectInfo:
    """One row of the objects table: what never changes about an object.

    Attributes:
        track_id: 1, 2, … dense; the ego car is 1.
        category: Name of `configs/taxonomy.yaml`.
        blueprint: CARLA blueprint id, or the mesh name of an environment object.
        semantic_tag: CARLA tag of its pixels.
        size_lwh_m: (3,) float64, full size.
        box_center_m: (3,) float64, centre of the box in the actor frame.
        name: The scenario's name for it.
        extent_source: `server`, `table` or `skeleton`: who says how large it is.
        source: `actor`, or `environment` for objects that are part of the map.
        role: `ego`, `critical`, `actor`, `traffic`, `parked` or `prop`.
        parent_track_id: The cycle of a rider, or None.
        colour_rgb: Paint, 0 to 255, or None.
        special_type: E.g. `emergency`, or None.
        attributes: Attributes of the blueprint.
    """

    track_id: int
    category: str
    blueprint: str
    semantic_tag: int
    size_lwh_m: F64
    box_center_m: F64
    name: str | None = None
    extent_source: str = "server"
    source: str = "actor"
    role: str = "traffic"
    parent_track_id: int | None = None
    colour_rgb: tuple[int, int, int] | None = None
    special_type: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        for name in ("size_lwh_m", "box_center_m"):
            array = frozen_array(name, getattr(self, name), (3,), np.float64)
            object.__setattr__(self, name, array)


@dataclass(frozen=True, eq=False)
class ActorStates:
    """All objects that exist at one tick, environment objects included; N rows.

    Attributes:
        tick: Simulation step, 0 = start of the clip.
        timestamp_ns: Clip-relative time.
        track_id: (N,) int32, ascending.
        position_m: (N, 3) float64, origin of the actor frame in the world.
        quat_wxyz: (N, 4) float64, turns actor axes into world axes.
        velocity_mps: (N, 3) float64, world, as the simulator states it.
        acceleration_mps2: (N, 3) float64, world, as the simulator states it.
        angular_velocity_radps: (N, 3) float64, actor frame, as the simulator states it.
        light_state: (N,) uint32, CARLA's vehicle light flags.
        door_state: (N,) uint8 bit masks, or None.
        steer_rad: (N,) float32, or None.
        bones_m: Track id of a walker -> (B, 3) float32, world, in the order of the bone table
            of `configs/keypoints.yaml`; NaN where the server has no such bone.
    """

    tick: int
    timestamp_ns: int
    track_id: I32
    position_m: F64
    quat_wxyz: F64
    velocity_mps: F64
    acceleration_mps2: F64
    angular_velocity_radps: F64
    light_state: U32
    door_state: U8 | None = None
    steer_rad: F32 | None = None
    bones_m: Mapping[int, F32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the columns and make them read-only."""
        count = len(self.track_id)
        kinds: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "track_id": ((), np.int32),
            "position_m": ((3,), np.float64),
            "quat_wxyz": ((4,), np.float64),
            "velocity_mps": ((3,), np.float64),
            "acceleration_mps2": ((3,), np.float64),
            "angular_velocity_radps": ((3,), np.float64),
            "light_state": ((), np.uint32),
            "door_state": ((), np.uint8),
            "steer_rad": ((), np.float32),
        }
        for name, (width, dtype) in kinds.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, frozen_array(name, value, (count, *width), dtype))

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.track_id)

    @cached_property
    def rotation(self) -> F64:
        """Rotations (N, 3, 3) of actor axes into world axes."""
        return rotation_from_quat(self.quat_wxyz)

    def row_of(self, track_id: int) -> int | None:
        """Row of one object, or None if it does not exist at this tick."""
        rows = np.flatnonzero(self.track_id == track_id)
        return int(rows[0]) if len(rows) else None

    def world_from_actor(self, row: int) -> SE3:
        """Pose of the object in one row."""
        return SE3(self.rotation[row], self.position_m[row])
