"""Compiled: the vehicles' part of a snapshot, with the light and the signs each of them is at."""

from __future__ import annotations

import numba as nb
import numpy as np

from synthgen.kernels import helper, kernel
from synthgen.simserver.physics.records import VEHICLE
from synthgen.simserver.wire.snapshot import VEHICLE_ROW

ZONE_AFTER_LINE_M = 1.5
ZONE_BEFORE_LINE_M = 5.0
# A driver brakes for a red light at about this rate; it sets how far ahead the light counts.
COMFORT_BRAKING_MPS2 = 4.0
REACTION_S = 0.3
SAME_DIRECTION_COS = 0.7
SAME_LEVEL_M = 4.0
NOWHERE = -1

_LANES = nb.types.Tuple((nb.float64[:, ::1], nb.int64[::1]))


# Columns of a lane table: x, y, z of the stop line, cosine and sine of the lane's direction,
# half its width. Its second part says whose line it is.
@helper()
def _line_ahead(pose, half_length, lanes):
    """Whose stop line a vehicle's front is at."""
    table, owners = lanes
    yaw = np.radians(np.float64(pose[4]))
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y, z = pose[0] + cos * half_length, pose[1] + sin * half_length, pose[2]
    speed = np.hypot(pose[6], pose[7])
    before = speed * REACTION_S + speed * speed / (2.0 * COMFORT_BRAKING_MPS2)
    before = max(before, ZONE_BEFORE_LINE_M)
    nearest = np.inf
    found = NOWHERE
    for a in range(len(table)):
        dx, dy = x - table[a, 0], y - table[a, 1]
        along = dx * table[a, 3] + dy * table[a, 4]
        if along <= -before or along >= ZONE_AFTER_LINE_M or abs(along) >= nearest:
            continue
        across = dy * table[a, 3] - dx * table[a, 4]
        if abs(across) >= table[a, 5] or abs(z - table[a, 2]) >= SAME_LEVEL_M:
            continue
        if cos * table[a, 3] + sin * table[a, 4] <= SAME_DIRECTION_COS:
            continue
        nearest = abs(along)
        found = owners[a]
    return found


# Rows of `signs`: map to sign frame (2 x 3), half sizes, km/h.
@helper()
def _passed_limit(pose, signs, limit_kmh):
    x, y = pose[0], pose[1]
    for s in range(len(signs)):
        ahead = signs[s, 0] * x + signs[s, 1] * y + signs[s, 2]
        if abs(ahead) >= signs[s, 6]:
            continue
        aside = signs[s, 3] * x + signs[s, 4] * y + signs[s, 5]
        if abs(aside) < signs[s, 7]:
            limit_kmh = signs[s, 8]
    return limit_kmh


@kernel(
    nb.void(
        *(nb.from_dtype(VEHICLE_ROW)[::1], nb.int64[::1], nb.from_dtype(VEHICLE)[::1]),
        *(nb.float32[:, ::1], nb.float64[::1]),
        *(_LANES, nb.uint8[::1], nb.int64[::1]),
        *(_LANES, nb.float64[:, ::1], nb.float64[::1], nb.int64[::1]),
    ),
    nogil=True,
    error_model="numpy",
)
def write_vehicles(
    rows,
    slots,
    vehicles,
    motion,
    half_length,
    light_lanes,
    light_states,
    light_ids,
    sign_lanes,
    speed_signs,
    limits_kmh,
    sign_of,
):
    """Write the rows of all vehicles; `limits_kmh` is carried on, `sign_of` filled in.

    `light_states` and `light_ids` end with what a vehicle at no light is told.
    """
    for v in range(len(vehicles)):
        row, vehicle, pose = rows[slots[v]], vehicles[v], motion[slots[v]]
        row.throttle = vehicle.throttle
        row.steer = vehicle.steer
        row.brake = vehicle.brake
        row.hand_brake = vehicle.hand_brake
        row.reverse = vehicle.reverse
        row.manual_gear_shift = vehicle.manual
        row.gear = vehicle.gear
        limits_kmh[v] = _passed_limit(pose, speed_signs, limits_kmh[v])
        row.speed_limit_kmh = limits_kmh[v]
        light = _line_ahead(pose, half_length[v], light_lanes)
        row.light_state = light_states[light]
        row.at_traffic_light = light != NOWHERE
        row.light_id = light_ids[light]
        sign_of[v] = _line_ahead(pose, half_length[v], sign_lanes)
