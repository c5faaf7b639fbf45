"""Feather tables of an Argoverse 2 log.

Frames: `egovehicle` is the middle of the rear axle on the ground, `city` our world unchanged, both
x ahead or east, z up, right-handed. Boxes and sweeps are in the ego frame at their own timestamp;
box sizes are length, width, height, rotations qw, qx, qy, qz. Cameras are optical frames. The
principal point counts from the centre of the first pixel (ours from its corner). Times are
nanoseconds of a made-up date that depends on the clip.

Sweeps hold the points of all LiDARs at a capture: x, y, z in float16, as Argoverse stores them
(steps of 6 cm beyond 64 m, 3 cm beyond 32 m), intensity 0..255, laser numbers of one LiDAR after
the other, and `offset_ns` from the sweep's timestamp, which is the end of our turn: not positive.
`num_interior_pts` counts the points as stored. A lone LiDAR is `up_lidar`, and `down_lidar` sits in
its place without points of its own.

Cannot express: radar, IMU, roll of the shutter, occlusion, 2D boxes, masks.

Source: av2 0.3.6, and https://argoverse.github.io/user-guide/datasets/sensor.html.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from exporters.box_points import points_in_boxes
from exporters.nuscenes.tokens import epoch_us, token
from synthgen.datatypes.calibration import Calibration, MountedSensor
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.geometry.arrays import F64
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.se3 import SE3
from synthgen.store.rows import pose_of_row

Row = dict[str, Any]

_POSE_NAMES: Final = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
_HALF_PIXEL: Final = 0.5
_CAMERAS: Final = {
    "front": "ring_front_center",
    "front_left": "ring_front_left",
    "front_right": "ring_front_right",
    "left": "ring_side_left",
    "right": "ring_side_right",
    "rear_left": "ring_rear_left",
    "rear_right": "ring_rear_right",
    "stereo_left": "stereo_front_left",
    "stereo_right": "stereo_front_right",
}
_LIDARS: Final = ("up_lidar", "down_lidar")


def log_id(clip_id: str) -> str:
    """The log's name, a UUID."""
    return str(uuid.UUID(token("log", clip_id)))


def track_uuid(clip_id: str, track_id: int) -> str:
    """The name of an object, a UUID."""
    return str(uuid.UUID(token("track", clip_id, track_id)))


def absolute_ns(clip_id: str, timestamp_ns: int) -> int:
    """Nanoseconds since 1970 of a clip-relative time."""
    return epoch_us(clip_id) * 1000 + timestamp_ns


def sensor_names(sensors: Sequence[MountedSensor]) -> dict[str, str]:
    """Our names of cameras and LiDARs -> Argoverse's; sensors that it has no name for keep ours."""
    names: dict[str, str] = {}
    lidars = iter(_LIDARS)
    for sensor in sensors:
        name = sensor.name
        if sensor.modality == "camera":
            name = _CAMERAS.get(sensor.role, name)
        elif sensor.modality == "lidar":
            name = next(lidars, name)
        names[sensor.name] = sensor.name if name in names.values() else name
    return names


def extrinsics_table(calibration: Calibration, names: Mapping[str, str]) -> pa.Table:
    """`egovehicle_SE3_sensor`: where each sensor sits."""
    sensors = [sensor for sensor in calibration.sensors if sensor.name in names]
    poses = {
        names[sensor.name]: calibration.rear_axle_from_ego @ sensor.ego_from_sensor
        for sensor in sensors
    }
    if _LIDARS[0] in poses:
        # av2 reads no sweep of a car that has not both of Argoverse's LiDARs.
        poses.setdefault(_LIDARS[1], poses[_LIDARS[0]])
    return pa.table({"sensor_name": list(poses)} | _pose_columns(list(poses.values())))


def intrinsics_table(sensors: Sequence[MountedSensor], names: Mapping[str, str]) -> pa.Table:
    """`intrinsics` of the cameras; our lenses do not distort."""
    models = [(names[s.name], s.camera.camera) for s in sensors if s.camera is not None]
    count = len(models)
    return pa.table(
        {
            "sensor_name": [name for name, _ in models],
            "fx_px": [model.fx_px for _, model in models],
            "fy_px": [model.fy_px for _, model in models],
            "cx_px": [model.cx_px - _HALF_PIXEL for _, model in models],
            "cy_px": [model.cy_px - _HALF_PIXEL for _, model in models],
            **{name: np.zeros(count) for name in ("k1", "k2", "k3")},
            "height_px": np.array([model.height_px for _, model in models], dtype=np.uint16),
            "width_px": np.array([model.width_px for _, model in models], dtype=np.uint16),
        }
    )


def poses_table(city_from_ego: Mapping[int, SE3]) -> pa.Table:
    """`city_SE3_egovehicle`: the rear axle at each timestamp that a sensor has."""
    times = sorted(city_from_ego)
    columns = {"timestamp_ns": np.array(times, dtype=np.int64)}
    return pa.table(columns | _pose_columns([city_from_ego[time] for time in times]))


def sweep_table(sweeps: Sequence[tuple[LidarSweep, SE3]]) -> pa.Table:
    """The points of one capture.

    Args:
        sweeps: Of each LiDAR, with `ego_from_lidar` (rear axle).
    """
    points_m = np.concatenate([np.zeros((0, 3)), *(_ego_points(*item) for item in sweeps)])
    first_laser, lasers = 0, [np.zeros(0, dtype=np.int64)]
    for sweep, _ in sweeps:
        lasers.append(sweep.ring.astype(np.int64) + first_laser)
        first_laser += int(sweep.ring.max(initial=0)) + 1
    intensity = np.concatenate([sweep.intensity for sweep, _ in sweeps]) * 255
    return pa.table(
        {
            **{axis: points_m[:, k].astype(np.float16) for k, axis in enumerate("xyz")},
            "intensity": np.rint(intensity).clip(0, 255).astype(np.uint8),
            "laser_number": np.concatenate(lasers).clip(0, 255).astype(np.uint8),
            "offset_ns": np.concatenate([s.time_offset_ns for s, _ in sweeps]).astype(np.int32),
        }
    )


def _ego_points(sweep: LidarSweep, ego_from_lidar: SE3) -> F64:
    return ego_from_lidar.apply(sweep.points_m.astype(np.float64))


def stored_points(table: pa.Table) -> F64:
    """Points (N, 3) of a sweep table as a reader gets them."""
    return np.stack([table[axis].to_numpy().astype(np.float64) for axis in "xyz"], axis=1)


def annotations_table(
    clip_id: str, axle_from_ego: SE3, frames: Sequence[tuple[int, list[tuple[str, Row]], F64]]
) -> pa.Table:
    """`annotations`: every box at every sweep.

    Args:
        clip_id: Of the clip.
        axle_from_ego: From our ego frame to Argoverse's.
        frames: Timestamp, named rows of boxes3d and stored points (N, 3) of each sweep, in order.
    """
    columns: dict[str, list[Any]] = {name: [] for name in _ANNOTATION_COLUMNS}
    poses: list[SE3] = []
    for timestamp_ns, named, points_m in frames:
        boxes = [axle_from_ego @ pose_of_row("ego_from_box", row) for _, row in named]
        sizes = [[row["length_m"], row["width_m"], row["height_m"]] for _, row in named]
        counts = points_in_boxes(_cuboids(boxes, sizes), points_m)
        poses += boxes
        columns["timestamp_ns"] += [timestamp_ns] * len(named)
        columns["track_uuid"] += [track_uuid(clip_id, row["track_id"]) for _, row in named]
        columns["category"] += [name for name, _ in named]
        for k, name in enumerate(("length_m", "width_m", "height_m")):
            columns[name] += [size[k] for size in sizes]
        columns["num_interior_pts"] += counts.tolist()
    typed = {name: pa.array(columns[name], kind) for name, kind in _ANNOTATION_COLUMNS.items()}
    counts_last = typed.pop("num_interior_pts")
    return pa.table(typed | _pose_columns(poses) | {"num_interior_pts": counts_last})


_ANNOTATION_COLUMNS: Final = {
    "timestamp_ns": pa.int64(),
    "track_uuid": pa.string(),
    "category": pa.string(),
    "length_m": pa.float64(),
    "width_m": pa.float64(),
    "height_m": pa.float64(),
    "num_interior_pts": pa.int64(),
}


def _cuboids(poses: Sequence[SE3], sizes: Sequence[Sequence[float]]) -> Cuboids:
    return Cuboids(
        np.array([pose.rotation for pose in poses]).reshape(-1, 3, 3),
        np.array([pose.translation_m for pose in poses]).reshape(-1, 3),
        np.array(sizes, dtype=np.float64).reshape(-1, 3),
    )


def _pose_columns(poses: Sequence[SE3]) -> dict[str, F64]:
    values = np.array([[*pose.quat_wxyz, *pose.translation_m] for pose in poses]).reshape(-1, 7)
    return {name: values[:, k] for k, name in enumerate(_POSE_NAMES)}
