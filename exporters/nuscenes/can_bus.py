"""CAN bus messages of a scene: `can_bus/<scene>_<message>.json`.

`pose` and `ms_imu` come once a simulation tick (20 Hz instead of 50 and 100 Hz), the driver's
controls once a capture. Frames: `pos` and `orientation` are the rear axle in the global frame;
`vel`, `accel` and `rotation_rate` are in the ego frame, and `accel` includes gravity, as in
nuScenes. `ms_imu` is what the rig's IMU measured; without one the message list is empty.
The steering wheel is taken to turn 16 times as far as the road wheels: the clip knows those only.
`route` is the way that the ego took: a clip holds no planned route.

Cannot express: battery, wheel speeds, torques, pedals' raw counts. Messages carry the keys below
and no others.

Source: nuscenes-devkit 1.2.0, python-sdk/nuscenes/can_bus/README.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from exporters.nuscenes.tokens import timestamp_us
from synthgen.datatypes.actors import EGO_TRACK_ID, ActorStates
from synthgen.datatypes.frames import FrameRecord
from synthgen.geometry.arrays import F64
from synthgen.geometry.rotations import quat_from_rotation, rotation_from_quat
from synthgen.geometry.se3 import SE3

Message = dict[str, Any]

GRAVITY_MPS2: Final = 9.80665
_STEERING_RATIO: Final = 16.0
_KMH_PER_MPS: Final = 3.6
# CARLA's VehicleLightState flags.
_RIGHT_BLINKER, _LEFT_BLINKER = 0x10, 0x20


def pose_messages(
    clip_id: str, ticks: Sequence[ActorStates], global_from_world: SE3, ego_from_axle: SE3
) -> list[Message]:
    """`pose`: where the rear axle is and how it moves, once a tick.

    Args:
        clip_id: Of the clip.
        ticks: All simulation steps.
        global_from_world: Move of the map.
        ego_from_axle: nuScenes' ego frame in ours.
    """
    present = [
        (states, row) for states in ticks if (row := states.row_of(EGO_TRACK_ID)) is not None
    ]
    if not present:
        return []

    def column(name: str) -> F64:
        return np.array([getattr(states, name)[row] for states, row in present])

    arm_m, rate = ego_from_axle.translation_m, column("angular_velocity_radps")
    rotation = rotation_from_quat(column("quat_wxyz"))
    position_m = global_from_world.apply(column("position_m") + rotation @ arm_m)
    orientation = global_from_world.rotation @ rotation @ ego_from_axle.rotation
    lift = np.array([0.0, 0.0, GRAVITY_MPS2])
    accel = _to_ego(rotation, column("acceleration_mps2") + lift)
    columns = {
        "accel": accel + np.cross(rate, np.cross(rate, arm_m)),
        "orientation": quat_from_rotation(orientation),
        "pos": position_m,
        "rotation_rate": rate,
        "vel": _to_ego(rotation, column("velocity_mps")) + np.cross(rate, arm_m),
    }
    listed = {name: values.tolist() for name, values in columns.items()}
    return [
        {name: values[index] for name, values in listed.items()}
        | {"utime": timestamp_us(clip_id, states.timestamp_ns)}
        for index, (states, _) in enumerate(present)
    ]


def _to_ego(rotation: F64, vectors: F64) -> F64:
    """Vectors (N, 3) of the world in the ego frames whose axes are `rotation` (N, 3, 3)."""
    return np.asarray(np.einsum("nji,nj->ni", rotation, vectors))


def imu_messages(
    clip_id: str, inertial_rows: Sequence[Mapping[str, Any]], poses: Sequence[Message]
) -> list[Message]:
    """`ms_imu`: what the IMU measured, with the orientation of the car at that time.

    Args:
        clip_id: Of the clip.
        inertial_rows: Rows of the table inertial, any sensors.
        poses: `pose_messages`.
    """
    orientation = {pose["utime"]: pose["orientation"] for pose in poses}
    messages = []
    for row in inertial_rows:
        utime = timestamp_us(clip_id, row["timestamp_ns"])
        if row["acceleration_x_mps2"] is None or utime not in orientation:
            continue
        messages.append(
            {
                "linear_accel": [row[f"acceleration_{axis}_mps2"] for axis in "xyz"],
                "q": orientation[utime],
                "rotation_rate": [row[f"angular_velocity_{axis}_radps"] for axis in "xyz"],
                "utime": utime,
            }
        )
    return messages


def steering_messages(clip_id: str, frames: Sequence[FrameRecord]) -> list[Message]:
    """`steeranglefeedback`: the steering wheel, radians, positive left."""
    return [
        {"utime": _utime(clip_id, frame), "value": frame.steer_rad * _STEERING_RATIO}
        for frame in frames
    ]


def vehicle_messages(
    clip_id: str, frames: Sequence[FrameRecord], ticks: Sequence[ActorStates]
) -> list[Message]:
    """`vehicle_monitor`: controls, speed in km/h, yaw rate in degrees per second, blinkers."""
    lights = {states.tick: _ego_lights(states) for states in ticks}
    return [
        {
            "brake": frame.brake * 126.0,  # nuScenes' range is 0 to 126
            "brake_switch": 2 if frame.brake > 0 else 1,
            "gear_position": frame.gear,
            "left_signal": int(lights.get(frame.tick, 0) & _LEFT_BLINKER > 0),
            "right_signal": int(lights.get(frame.tick, 0) & _RIGHT_BLINKER > 0),
            "steering": math.degrees(frame.steer_rad * _STEERING_RATIO),
            "throttle": frame.throttle * 1000.0,  # nuScenes' range is 0 to 1000
            "utime": _utime(clip_id, frame),
            "vehicle_speed": _speed_mps(frame) * _KMH_PER_MPS,
            "yaw_rate": math.degrees(frame.angular_velocity_radps[2]),
        }
        for frame in frames
    ]


def zoe_sensor_messages(clip_id: str, frames: Sequence[FrameRecord]) -> list[Message]:
    """`zoesensors`: pedals as shares and the steering wheel, radians, positive left."""
    return [
        {
            "brake_sensor": frame.brake,
            "steering_sensor": frame.steer_rad * _STEERING_RATIO,
            "throttle_sensor": frame.throttle,
            "utime": _utime(clip_id, frame),
        }
        for frame in frames
    ]


def zoe_vehicle_messages(clip_id: str, frames: Sequence[FrameRecord]) -> list[Message]:
    """`zoe_veh_info`: accelerations of the ego frame, distance driven, steering in degrees."""
    messages, driven_m = [], 0.0
    for number, frame in enumerate(frames):
        if number:
            step = (
                frame.world_from_ego.translation_m - frames[number - 1].world_from_ego.translation_m
            )
            driven_m += float(np.linalg.norm(step))
        accel = frame.world_from_ego.inverse().rotate(frame.acceleration_mps2)
        messages.append(
            {
                "longitudinal_accel": float(accel[0]),
                "odom": driven_m,
                "odom_speed": _speed_mps(frame) * _KMH_PER_MPS,
                "steer_corrected": math.degrees(frame.steer_rad * _STEERING_RATIO),
                "transversal_accel": float(accel[1]),
                "utime": _utime(clip_id, frame),
            }
        )
    return messages


def route_of(poses: Sequence[Message]) -> list[list[float]]:
    """`route`: the way taken, x and y."""
    return [pose["pos"][:2] for pose in poses]


def meta_of(messages: Mapping[str, Sequence[Message]]) -> dict[str, Any]:
    """`meta`: count, first and last time, and range of every scalar, for each message."""
    return {name: _meta(rows) for name, rows in messages.items()}


def _meta(rows: Sequence[Message]) -> dict[str, Any]:
    if not rows:
        return {"message_count": 0, "var_stats": {}}
    times = [row["utime"] for row in rows]
    stats = {}
    for key in sorted(rows[0].keys() - {"utime"}):
        values = np.array([row[key] for row in rows], dtype=np.float64)
        stats[key] = {
            "max": values.max(axis=0).tolist(),
            "mean": values.mean(axis=0).tolist(),
            "min": values.min(axis=0).tolist(),
            "std": values.std(axis=0).tolist(),
        }
    span_us = times[-1] - times[0]
    return {
        "message_count": len(rows),
        "message_freq": (len(rows) - 1) / span_us * 1e6 if span_us else 0.0,
        "timespan": span_us / 1e6,
        "var_stats": stats,
    }


def _utime(clip_id: str, frame: FrameRecord) -> int:
    return timestamp_us(clip_id, frame.timestamp_ns)


def _speed_mps(frame: FrameRecord) -> float:
    return float(np.linalg.norm(frame.velocity_mps))


def _ego_lights(states: ActorStates) -> int:
    row = states.row_of(EGO_TRACK_ID)
    return 0 if row is None else int(states.light_state[row])
