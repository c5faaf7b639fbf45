"""Motion of every object from its tracked poses, by central differences over the ticks.

What a simulator states about velocities is not used: CARLA reports 0 for walkers
(https://github.com/carla-simulator/carla/issues/4773).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.actors import ActorStates
from synthgen.geometry.arrays import F64, I64, frozen_array
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
    tick_index = np.repeat(np.arange(len(ticks)), [len(states.track_id) for states in ticks])
    track_id = np.concatenate([np.zeros(0, np.int32), *(states.track_id for states in ticks)])
    order = np.lexsort((tick_index, track_id))
    rotation = np.concatenate([np.zeros((0, 3, 3)), *(s.rotation for s in ticks)])[order]
    origin_m = np.concatenate([np.zeros((0, 3)), *(s.position_m for s in ticks)])[order]
    tick_index, track_id = tick_index[order], track_id[order]
    is_new = (np.diff(track_id) != 0) | (np.diff(tick_index) > 1)
    pieces = np.split(np.arange(len(order)), np.flatnonzero(is_new) + 1) if len(order) else []
    together: dict[tuple[int, int], list[I64]] = {}
    for piece in pieces:
        together.setdefault((int(tick_index[piece[0]]), len(piece)), []).append(piece)
    time_s = np.array([states.timestamp_ns for states in ticks]) * 1e-9
    found: dict[int, list[Motion]] = {}
    for (first, count), alike in sorted(together.items()):
        center_m = [origin_m[p] + rotation[p] @ box_center_m[int(track_id[p[0]])] for p in alike]
        moved = _motions(
            first, time_s[first : first + count], center_m, [rotation[p] for p in alike]
        )
        for piece, motion in zip(alike, moved, strict=True):
            found.setdefault(int(track_id[piece[0]]), []).append(motion)
    return {track_id: tuple(parts) for track_id, parts in found.items()}


def _motions(
    first: int, time_s: F64, center_m: Sequence[F64], rotation: Sequence[F64]
) -> list[Motion]:
    """Of objects there at the same T ticks: of each, centres (T, 3) and rotations (T, 3, 3)."""
    at_m = np.concatenate(center_m, axis=1)
    velocity_mps = time_derivative(at_m, time_s)
    acceleration_mps2 = time_derivative(velocity_mps, time_s)
    yaw_rad = np.unwrap(np.stack([yaw_of(turn) for turn in rotation], axis=1), axis=0)
    yaw_rate_radps = time_derivative(yaw_rad, time_s)
    return [
        Motion(
            first=first,
            velocity_mps=velocity_mps[:, 3 * k : 3 * k + 3],
            acceleration_mps2=acceleration_mps2[:, 3 * k : 3 * k + 3],
            yaw_rate_radps=yaw_rate_radps[:, k],
            travelled_m=float(np.linalg.norm(own_m - own_m[0], axis=1).max()),
        )
        for k, own_m in enumerate(center_m)
    ]


def time_derivative(values: F64, time_s: F64) -> F64:
    """Rate of change (T, D) of values (T, D): central differences, second order at the ends.

    A single value changes at rate 0.
    """
    if len(values) < 2:
        return np.zeros_like(values)
    if len(values) == 2:
        return np.asarray(np.gradient(values, time_s, axis=0))
    return np.asarray(np.gradient(values, time_s, axis=0, edge_order=2))
