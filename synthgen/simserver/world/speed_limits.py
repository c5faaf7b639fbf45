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
    """Remembers per vehicle the last speed sign whose trigger volume it entered."""

    def __init__(self, town: TownMap) -> None:
        signs = [signal for signal in town.signals if signal.type_id.startswith(PREFIX)]
        self._kmh = np.array([float(s.type_id.removeprefix(PREFIX)) for s in signs])
        self._sign_from_map = np.zeros((len(signs), 2, 3))
        self._half = np.array([s.trigger_extent_m[:2] for s in signs]).reshape(-1, 2)
        for number, sign in enumerate(signs):
            pose = Transform(Vector3D(*sign.pose.location_m), Rotation(*sign.pose.rotation_deg))
            matrix = matrix_of(pose)
            axes = matrix[:2, :2].T
            center = matrix[:2, :3] @ sign.trigger_center_m + matrix[:2, 3]
            self._sign_from_map[number, :, :2] = axes
            self._sign_from_map[number, :, 2] = -axes @ center
        self._passed: dict[int, float] = {}

    def at(self, ids: NDArray[np.uint32], motion: NDArray[np.float64]) -> NDArray[np.float64]:
        """(V,) limit of each vehicle in km/h; `motion` are its columns of the actor table."""
        if len(self._kmh):
            local = (
                np.einsum("sij,vj->vsi", self._sign_from_map[:, :, :2], motion[:, :2])
                + self._sign_from_map[:, :, 2]
            )
            for vehicle, sign in np.argwhere((np.abs(local) < self._half).all(axis=2)):
                self._passed[int(ids[vehicle])] = float(self._kmh[sign])
        return np.array([self._passed.get(int(i), DEFAULT_KMH) for i in ids])
