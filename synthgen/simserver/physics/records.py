"""The arrays that the physics kernels work on: one record per actor.

Units are SI and radians, except `pitch`, `yaw`, `roll`, which are kept in degrees so that a pose
comes back exactly as it was put. Axes are CARLA's: x forward, y right, z up, yaw clockwise seen
from above.
"""

from __future__ import annotations

import numpy as np

# How many points of a torque or steering curve and how many forward gears are kept.
CURVE_POINTS = 24
GEARS = 16

_F = "f8"


def _f64(*names: str) -> list[tuple[str, str]]:
    return [(name, _F) for name in names]


# What every actor that takes part in the physics has.
_BODY: list[tuple[str, str]] = [
    ("actor_id", "i8"),
    ("simulate", "i8"),  # 0: stays exactly where it is put
    ("gravity", "i8"),
    ("collides", "i8"),
    ("asleep", "i8"),  # settled: not integrated until something wakes it
    *_f64(
        "x",
        "y",
        "z",
        "pitch",
        "yaw",
        "roll",  # actor frame in the world, degrees
        "vx",
        "vy",
        "vz",  # world velocity of the centre of mass
        "wx",
        "wy",
        "wz",  # roll, pitch and yaw rate
        "last_vx",
        "last_vy",
        "last_vz",  # velocity at the end of the last tick
        "mass",
        "inertia",  # about the vertical axis
        "com_x",  # centre of mass ahead of the actor frame's origin
        "box_x",
        "box_y",
        "box_z",  # box centre in the actor frame
        "half_x",
        "half_y",
        "half_z",
        "force_x",
        "force_y",
        "force_z",  # for the coming tick
        "torque_z",
    ),
]

# The leading fields keep numba from taking one record type for a subtype of another.
PROP = np.dtype([("rests", "i8"), *_BODY])

WALKER = np.dtype(
    [
        ("jump", "i8"),
        *_BODY,
        ("grounded", "i8"),
        ("placed", "i8"),  # ticks for which the client's own crowd placed this walker
        *_f64(
            "dir_x",
            "dir_y",
            "dir_z",
            "speed",  # WalkerControl
            "walk_vx",
            "walk_vy",  # velocity by its own legs
            "push_vx",
            "push_vy",  # velocity left from being pushed
            "distance",  # walked so far
            "last_x",
            "last_y",  # at the end of the last tick
        ),
    ]
)

VEHICLE = np.dtype(
    [
        # VehicleControl
        *_f64("throttle", "steer", "brake"),
        *_BODY,
        ("hand_brake", "i8"),
        ("reverse", "i8"),
        ("manual", "i8"),
        ("gear_command", "i8"),
        # VehicleAckermannControl and its two controllers
        ("ackermann", "i8"),
        *_f64("ack_steer", "ack_steer_speed", "ack_speed", "ack_accel"),
        *_f64("ack_speed_kp", "ack_speed_ki", "ack_speed_kd"),
        *_f64("ack_accel_kp", "ack_accel_ki", "ack_accel_kd"),
        *_f64("ack_speed_integral", "ack_accel_integral"),
        *_f64("ack_last_speed", "ack_last_accel", "ack_filtered_accel", "ack_last_filtered"),
        *_f64("ack_accel_target", "ack_pedal"),
        # constant velocity, in the vehicle frame
        ("constant", "i8"),
        *_f64("const_x", "const_y", "const_z"),
        # state of the driveline and of the wheels
        ("gear", "i8"),
        *_f64("shift_left_s", "since_shift_s", "rpm", "steer_now", "wheel_angle"),
        *_f64("spin_front", "spin_rear", "turned_front", "turned_rear"),
        *_f64("roll_speed_front", "roll_speed_rear"),
        # state of the suspension: the ground plane under the wheels, and loads per unit mass
        ("plane_known", "i8"),
        ("settled_ticks", "i8"),
        # heights under the leading wheels, how far they have climbed, what that cost this tick
        *_f64("lead_left", "lead_right", "kerb_rise", "kerb_impulse_x", "kerb_impulse_y"),
        *_f64("plane_z", "plane_pitch", "plane_roll", "support", "accel_x", "accel_y"),
        # tyre forces of the last step: longitudinal, lateral, load, slip, per axle
        *_f64("fx_front", "fx_rear", "fy_front", "fy_rear", "load_front", "load_rear"),
        *_f64("alpha_front", "alpha_rear"),
        # parameters
        ("two_wheeled", "i8"),
        ("drive", "i8"),  # 0 front, 1 rear, 2 all
        ("auto_box", "i8"),
        ("gear_count", "i8"),
        ("torque_points", "i8"),
        ("steer_points", "i8"),
        *_f64("axle_front", "axle_rear", "track", "com_z", "com_dz", "moment"),
        *_f64("friction_front", "friction_rear", "stiff_front", "stiff_rear"),
        *_f64("max_steer", "radius_front", "radius_rear"),
        *_f64("brake_front", "brake_rear", "hand_brake_front", "hand_brake_rear", "wheel_damping"),
        *_f64("max_rpm", "damping_full", "damping_closed", "shift_time_s", "final_ratio"),
        *_f64("drag_area", "rolling"),
        ("torque_rpm", _F, (CURVE_POINTS,)),
        ("torque_nm", _F, (CURVE_POINTS,)),
        ("steer_kmh", _F, (CURVE_POINTS,)),
        ("steer_scale", _F, (CURVE_POINTS,)),
        ("gear_ratio", _F, (GEARS,)),
        ("gear_down", _F, (GEARS,)),
        ("gear_up", _F, (GEARS,)),
    ]
)
