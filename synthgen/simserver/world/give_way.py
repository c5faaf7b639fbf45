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
    """Who has to wait at the stop and yield signs of a town.

    Attributes:
        approaches: Stop lines of the signs, see `approach_table`.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._signs = [signal for signal in signals if signal.type_id in (STOP, YIELD)]
        self.approaches = approach_table(self._signs)
        self._stands_since_s: dict[int, float] = {}

    @property
    def is_needed(self) -> bool:
        """Whether the town has such signs at all."""
        return bool(self._signs)

    def waiting(
        self, sign_of: NDArray[np.int64], ids: list[int], motion: NDArray[np.float32], time_s: float
    ) -> list[int]:
        """Which of the vehicles, by their number, a sign holds in this frame.

        Args:
            sign_of: (V,) number of the sign each vehicle is at, -1 for none.
            ids: Actor ids of the vehicles.
            motion: (V, 15) float32, their rows of the actor table.
            time_s: Simulated time.
        """
        waits: list[int] = []
        stands: dict[int, float] = {}
        for number in (sign_of >= 0).nonzero()[0].tolist():
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
            if must_stop or _is_taken(sign.conflicts, rivals):
                waits.append(number)
        self._stands_since_s = stands
        return waits


def _is_taken(ways: F64, motion: NDArray[np.float32]) -> bool:
    """Whether a vehicle drives on one of the ways."""
    if not len(ways) or not len(motion):
        return False
    gaps = np.linalg.norm(motion[:, None, :2] - ways[None, :, :2], axis=2)
    along = np.cos(np.radians(motion[:, None, 4]) - ways[None, :, 2])
    return bool(((gaps < ON_WAY_M) & (along > SAME_DIRECTION_COS)).any())
