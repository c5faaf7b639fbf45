"""Compiled: the commands of a whole fleet or crowd, put into its records."""

import math

import numba as nb

from synthgen.simserver.physics.compiled import fast_kernel
from synthgen.simserver.physics.records import VEHICLE, WALKER

_ROWS = nb.int64[::1]
_TABLE = nb.float64[:, ::1]


@fast_kernel(
    nb.void(nb.from_dtype(VEHICLE)[::1], _ROWS, _TABLE),
)
def set_controls(vehicles, rows, controls):
    """`VehicleFleet.set_controls`."""
    for k in range(len(rows)):
        v = vehicles[rows[k]]
        v.throttle = min(max(controls[k, 0], 0.0), 1.0)
        v.steer = min(max(controls[k, 1], -1.0), 1.0)
        v.brake = min(max(controls[k, 2], 0.0), 1.0)
        v.hand_brake = nb.int64(controls[k, 3] != 0.0)
        v.reverse = nb.int64(controls[k, 4] != 0.0)
        v.manual = nb.int64(controls[k, 5] != 0.0)
        v.gear_command = nb.int64(controls[k, 6])
        v.ackermann = 0


@fast_kernel(
    nb.void(
        *(nb.from_dtype(WALKER)[::1], nb.float32[:, ::1], _ROWS, _TABLE, nb.int64),
    ),
)
def set_states(walkers, kinematics, rows, states, ticks):
    """`WalkerCrowd.set_states`."""
    for k in range(len(rows)):
        w = walkers[rows[k]]
        yaw = states[k, 4] * (math.pi / 180.0)
        cos, sin = math.cos(yaw), math.sin(yaw)
        w.distance += math.hypot(states[k, 0] - w.x, states[k, 1] - w.y)
        w.x, w.y = states[k, 0], states[k, 1]
        w.z = states[k, 2] + w.half_z - w.box_z
        w.last_x, w.last_y = w.x, w.y
        w.pitch, w.yaw, w.roll = states[k, 3], states[k, 4], states[k, 5]
        w.dir_x, w.dir_y, w.dir_z = cos, sin, 0.0
        w.speed = states[k, 6]
        w.vx, w.vy = w.speed * cos, w.speed * sin
        w.placed, w.asleep = ticks, 0
        pose = kinematics[rows[k]]
        pose[0], pose[1], pose[2] = w.x, w.y, w.z
        pose[3], pose[4], pose[5] = w.pitch, w.yaw, w.roll
