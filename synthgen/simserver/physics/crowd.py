"""All walkers of the world."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.bodies import BodySet, box_fields, pose_fields
from synthgen.simserver.physics.records import WALKER

# The 17 bytes of a walker's part of a snapshot record (docs/carla_protocol.md section 9).
WALKER_STATE = np.dtype(
    [("dir_x", "<f4"), ("dir_y", "<f4"), ("dir_z", "<f4"), ("speed", "<f4"), ("jump", "u1")]
)

# Ticks for which a walker placed by the client's crowd keeps its speed without a new state.
PLACED_TICKS = 3


class WalkerCrowd(BodySet):
    """Walkers by actor id. Their actor frame has its origin at mid-height."""

    def __init__(self) -> None:
        super().__init__(WALKER)

    def add(
        self,
        actor_id: int,
        *,
        location: Sequence[float],
        rotation: Sequence[float],
        box_center_m: Sequence[float],
        box_extent_m: Sequence[float],
        mass_kg: float = 75.0,
    ) -> None:
        """Put a walker into the world, standing.

        Args:
            actor_id: New id.
            location: x, y, z of mid-height, metres.
            rotation: pitch, yaw, roll, degrees.
            box_center_m: Box centre in the actor frame.
            box_extent_m: Half sizes of the box; the feet are `box_z - half_z`.
            mass_kg: Decides how a car is slowed by hitting the walker.
        """
        self._append(
            actor_id,
            {
                **pose_fields(location, rotation),
                **box_fields(box_center_m, box_extent_m),
                "mass": mass_kg,
                "inertia": mass_kg,
                "dir_x": 1.0,
                "last_x": location[0],
                "last_y": location[1],
            },
        )

    @property
    def states(self) -> NDArray[np.void]:
        """(n,) packed `WALKER_STATE`: the controls in force."""
        records = self.records
        states = np.zeros(len(records), WALKER_STATE)
        for name in ("dir_x", "dir_y", "dir_z", "speed", "jump"):
            states[name] = records[name]
        return states

    @property
    def distances_m(self) -> NDArray[np.float64]:
        """(n,) float64, metres each walker has walked so far: the phase of its gait."""
        return self.records["distance"].copy()

    def set_transform(
        self, actor_id: int, location: Sequence[float], rotation: Sequence[float] | None = None
    ) -> None:
        """Put a walker somewhere at once; that is no distance walked."""
        super().set_transform(actor_id, location, rotation)
        record = self._records[self._row[actor_id]]
        record["last_x"], record["last_y"] = location[0], location[1]
        record["grounded"] = 0

    def set_target_velocity(self, actor_id: int, velocity: Sequence[float]) -> None:
        """Push a walker to this world velocity; it slows down on its feet from there."""
        record = self._records[self._row[actor_id]]
        before = self.velocity(actor_id)
        super().set_target_velocity(actor_id, velocity)
        self._push(record, before)

    def add_impulse(
        self, actor_id: int, impulse: Sequence[float], location: Sequence[float] | None = None
    ) -> None:
        """Push a walker (N s, world axes); where it is hit does not matter."""
        record = self._records[self._row[actor_id]]
        before = self.velocity(actor_id)
        super().add_impulse(actor_id, impulse)
        self._push(record, before)

    @staticmethod
    def _push(record: Any, before: tuple[float, float, float]) -> None:
        record["push_vx"] += record["vx"] - before[0]
        record["push_vy"] += record["vy"] - before[1]
        if record["vz"] > 0.0:
            record["grounded"] = 0

    def set_control(
        self, actor_id: int, direction: Sequence[float], speed: float, jump: bool
    ) -> None:
        """Keep a `WalkerControl` until the next one.

        Args:
            actor_id: Which walker.
            direction: World direction; its length scales nothing.
            speed: m/s.
            jump: Jump whenever on the ground.
        """
        record = self._records[self._row[actor_id]]
        record["dir_x"], record["dir_y"], record["dir_z"] = direction
        record["speed"] = speed
        record["jump"] = bool(jump)
        record["placed"] = 0
        record["asleep"] = 0

    def control(self, actor_id: int) -> list[object]:
        """The `WalkerControl` in force: [direction, speed, jump]."""
        record = self._records[self._row[actor_id]]
        direction = [float(record[name]) for name in ("dir_x", "dir_y", "dir_z")]
        return [direction, float(record["speed"]), bool(record["jump"])]

    def set_state(
        self, actor_id: int, location: Sequence[float], rotation: Sequence[float], speed: float
    ) -> None:
        """Follow the client's own crowd simulation (`ApplyWalkerState`).

        Args:
            actor_id: Which walker.
            location: x, y, z at foot level.
            rotation: pitch, yaw, roll, degrees.
            speed: m/s, along the yaw.
        """
        row = self._row[actor_id]
        record = self._records[row]
        record["distance"] += math.hypot(location[0] - record["x"], location[1] - record["y"])
        record["x"], record["y"] = location[0], location[1]
        record["z"] = location[2] + record["half_z"] - record["box_z"]
        record["last_x"], record["last_y"] = location[0], location[1]
        record["pitch"], record["yaw"], record["roll"] = rotation
        yaw = math.radians(rotation[1])
        record["dir_x"], record["dir_y"], record["dir_z"] = math.cos(yaw), math.sin(yaw), 0.0
        record["speed"] = speed
        record["vx"], record["vy"] = speed * math.cos(yaw), speed * math.sin(yaw)
        record["placed"] = PLACED_TICKS
        record["asleep"] = 0
        self._publish_pose(row)

    def set_states(self, rows: NDArray[np.int64], states: NDArray[np.float64]) -> None:
        """`set_state` for many walkers at once.

        Args:
            rows: Which walkers, see `rows_of`.
            states: (N, 7) finite: x, y, z at foot level, pitch, yaw, roll, speed.
        """
        # numba: only once something walks
        from synthgen.simserver.physics import command_kernel

        command_kernel.set_states(self._records, self._kinematics, rows, states, PLACED_TICKS)
