"""The speed limit each vehicle last passed, as CARLA's signs tell it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.townmap import TownMap
from synthgen.simserver.wire.structs import Rotation, Transform, Vector3D
from synthgen.simserver.world.poses import matrix_of

# CARLA's limit before the first sign, km/h.
DEFAULT_KMH = 30.0
PREFIX = "traffic.speed_limit."


class SpeedLimits:
    """Remembers per vehicle the last speed sign whose trigger volume it entered.

    Attributes:
        signs: (S, 9) a sign a row, as `road_kernel` takes them.
    """

    def __init__(self, town: TownMap) -> None:
        signs = [signal for signal in town.signals if signal.type_id.startswith(PREFIX)]
        self.signs = np.zeros((len(signs), 9))
        for row, sign in zip(self.signs, signs, strict=True):
            pose = Transform(Vector3D(*sign.pose.location_m), Rotation(*sign.pose.rotation_deg))
            matrix = matrix_of(pose)
            axes = matrix[:2, :2].T
            center = matrix[:2, :3] @ sign.trigger_center_m + matrix[:2, 3]
            row[0:2], row[3:5] = axes
            row[[2, 5]] = -axes @ center
            row[6:8] = sign.trigger_extent_m[:2]
            row[8] = float(sign.type_id.removeprefix(PREFIX))
        self._limits: dict[int, float] = {}
        self._ids: list[int] = []
        self._of_vehicle = np.zeros(0)

    def of(self, ids: list[int]) -> NDArray[np.float64]:
        """(V,) limit of each vehicle in km/h, to be written where one passes a sign."""
        if ids != self._ids:
            self._limits |= dict(zip(self._ids, self._of_vehicle.tolist(), strict=True))
            self._limits = {i: self._limits.get(i, DEFAULT_KMH) for i in ids}
            self._ids = list(ids)
            self._of_vehicle = np.array([self._limits[i] for i in ids])
        return self._of_vehicle
