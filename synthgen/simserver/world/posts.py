"""The posts of lights and signs as boxes that stop vehicles and walkers."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.maps.townmap import OrientedBoxes, SurfaceKind, TownMap

# Half widths of what `assets.signs` draws.
_LIGHT_POST_M, _SIGN_POST_M = 0.11, 0.03
_DRIVEN = (SurfaceKind.ROAD, SurfaceKind.PARKING, SurfaceKind.SHOULDER)


def solid_posts(town: TownMap) -> OrientedBoxes:
    """Boxes of the posts that stand beside the carriageway.

    A file may place a signal where no ground beside the road is near: such a post is seen, but
    traffic passes it. Of each box `object_index` is the signal's number in the town.
    """
    feet = np.array([signal.pose.location_m for signal in town.signals]).reshape(-1, 3)
    numbers = np.flatnonzero(~np.isin(town.ground(feet[:, :2])[2], _DRIVEN))
    signals = [town.signals[number] for number in numbers]
    half_z = np.array([signal.head_height_m / 2 for signal in signals])
    is_light = [signal.type_id == "traffic.traffic_light" for signal in signals]
    half = np.where(is_light, _LIGHT_POST_M, _SIGN_POST_M)
    return OrientedBoxes(
        feet[numbers] + np.column_stack([0.0 * half, 0.0 * half, half_z]),
        np.column_stack([half, half, half_z]),
        np.radians([signal.pose.yaw_deg for signal in signals]),
        numbers.astype(np.int32),
    )
