"""Motion of every object from its tracked poses, by central differences over the ticks.

What a simulator states about velocities is not used: CARLA reports 0 for walkers
(https://github.com/carla-simulator/carla/issues/4773).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.actors import ActorStates
from synthgen.geometry.arrays import F64, frozen_array
from synthgen.geometry.rotations import yaw_of


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """One object from its first to its last tick; T ticks without a gap.

    Attributes:
        first: Index in the clip's ticks of the first one.
        velocity_mps: (T, 3) float64, world.
        acceleration_mps2: (T, 3) float64, world.
        yaw_rate_radps: (T,) float64.
        travelled_m: Greatest distance from where it was first.
    """

    first: int
    velocity_mps: F64
    acceleration_mps2: F64
    yaw_rate_radps: F64
    travelled_m: float

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        shapes = {
            "velocity_mps": (None, 3),
            "acceleration_mps2": (None, 3),
            "yaw_rate_radps": (None,),
        }
        for name, shape in shapes.items():
            object.__setattr__(
                self, name, frozen_array(name, getattr(self, name), shape, np.float64)
            )

    @property
    def end(self) -> int:
        """Index after the last tick."""
        return self.first + len(self.velocity_mps)


def motions(
    ticks: Sequence[ActorStates], box_center_m: Mapping[int, F64]
) -> dict[int, tuple[Motion, ...]]:
    """Motion of every object; more than one piece if it vanished and came back.

    Args:
        ticks: All simulation steps, in order.
        box_center_m: Centre of each object's box in its actor frame (3,); its motion is told.
    """
    seen: dict[int, list[tuple[int, int]]] = {}
    for tick_index, states in enumerate(ticks):
        for row, track_id in enumerate(states.track_id.tolist()):
            seen.setdefault(track_id, []).append((tick_index, row))
    time_s = np.array([states.timestamp_ns for states in ticks]) * 1e-9
    found = {}
    for track_id, places in seen.items():
        index = np.array([place[0] for place in places])
        rotation = np.stack([ticks[i].rotation[row] for i, row in places])
        origin_m = np.stack([ticks[i].position_m[row] for i, row in places])
        center_m = origin_m + rotation @ box_center_m[track_id]
        pieces = np.split(np.arange(len(index)), np.flatnonzero(np.diff(index) > 1) + 1)
        found[track_id] = tuple(
            _motion(int(index[piece[0]]), time_s[index[piece]], center_m[piece], rotation[piece])
            for piece in pieces
        )
    return found


def _motion(first: int, time_s: F64, center_m: F64, rotation: F64) -> Motion:
    velocity_mps = time_derivative(center_m, time_s)
    yaw_rad = np.unwrap(yaw_of(rotation))
    return Motion(
        first=first,
        velocity_mps=velocity_mps,
        acceleration_mps2=time_derivative(velocity_mps, time_s),
        yaw_rate_radps=time_derivative(yaw_rad[:, None], time_s)[:, 0],
        travelled_m=float(np.linalg.norm(center_m - center_m[0], axis=1).max()),
    )


def time_derivative(values: F64, time_s: F64) -> F64:
    """Rate of change (T, D) of values (T, D): central differences, second order at the ends.

    A single value changes at rate 0.
    """
    if len(values) < 2:
        return np.zeros_like(values)
    if len(values) == 2:
        return np.asarray(np.gradient(values, time_s, axis=0))
    return np.asarray(np.gradient(values, time_s, axis=0, edge_order=2))
