"""What stop and yield signs make vehicles do: as in CARLA a vehicle that must wait is told Red.

It is at no traffic light then, which is how a Traffic Manager knows that a sign holds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import Signal
from synthgen.simserver.world.traffic_lights import approach_table

F64 = NDArray[np.float64]

STOP, YIELD = "traffic.stop", "traffic.yield"
# How long a vehicle stands at a stop sign, and what counts as standing.
STOP_S = 2.0
STANDING_MPS = 0.1
# A vehicle this near to a way through the junction, and going along it, is on that way.
ON_WAY_M = 2.0
SAME_DIRECTION_COS = 0.5


class GiveWay:
    """Who has to wait at the stop and yield signs of a town."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._signs = [signal for signal in signals if signal.type_id in (STOP, YIELD)]
        self._approaches = approach_table(self._signs)
        self._stands_since_s: dict[int, float] = {}

    def must_wait(
        self, ids: list[int], motion: NDArray[np.float32], half_length_m: F64, time_s: float
    ) -> NDArray[np.bool_]:
        """(V,) whether a sign holds each vehicle in this frame.

        Args:
            ids: Actor ids of the vehicles.
            motion: (V, 15) float32, their rows of the actor table.
            half_length_m: (V,) distance from the origin to the front.
            time_s: Simulated time.
        """
        waits = np.zeros(len(ids), np.bool_)
        if not self._signs:
            return waits
        from synthgen.simserver.world import road_kernel  # numba: only once something drives

        sign_of = np.full(len(ids), -1, np.int64)
        road_kernel.find_lights(motion, half_length_m, *self._approaches, sign_of)
        at_sign = np.flatnonzero(sign_of >= 0)
        stands: dict[int, float] = {}
        for number in at_sign.tolist():
            sign = self._signs[sign_of[number]]
            speed_mps = float(np.hypot(motion[number, 6], motion[number, 7]))
            since_s = self._stands_since_s.get(ids[number])
            if since_s is None and speed_mps < STANDING_MPS:
                since_s = time_s
            if since_s is not None:
                stands[ids[number]] = since_s
            has_stopped = since_s is not None and time_s - since_s >= STOP_S - 1e-6
            must_stop = sign.type_id == STOP and not has_stopped
            rivals = motion[sign_of != sign_of[number]]
            waits[number] = must_stop or _is_taken(sign.conflicts, rivals)
        self._stands_since_s = stands
        return waits


def _is_taken(ways: F64, motion: NDArray[np.float32]) -> bool:
    """Whether a vehicle drives on one of the ways."""
    if not len(ways) or not len(motion):
        return False
    gaps = np.linalg.norm(motion[:, None, :2] - ways[None, :, :2], axis=2)
    along = np.cos(np.radians(motion[:, None, 4]) - ways[None, :, 2])
    return bool(((gaps < ON_WAY_M) & (along > SAME_DIRECTION_COS)).any())
