"""Rows of the nuScenes tables that tell of scenes, samples, sensor files and ego poses.

Frames: `global` is our world, moved so that the whole map has positive coordinates (`MapFrame`);
z stays. Every `sample_data` has an `ego_pose` of its own: the rear axle when that sensor
measured, pitch, roll and height included (nuScenes' own poses are flat). Rotations are w, x, y, z.
Time: captures at 10 Hz; one every half second is a sample (key frame), the others are sweeps that
belong to the next sample (after the last one, to it). All sensors of our rigs measure at once:
nuScenes' 20 Hz LiDAR and 12 Hz cameras are not imitated.

Cannot express: rejected frames, weather as numbers (the description tells it in words).

Source: nuscenes-devkit 1.2.0, docs/schema_nuscenes.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np

from exporters.nuscenes.sensors import Channel
from exporters.nuscenes.tokens import epoch_us, timestamp_us, token
from synthgen.datatypes.frames import Weather
from synthgen.geometry.rotations import quat_from_rotation
from synthgen.geometry.se3 import SE3

Row = dict[str, Any]

VERSION: Final = "v1.0-trainval"
_SUFFIX: Final = {"camera": "jpg", "lidar": "pcd.bin", "radar": "pcd"}
_WETNESS_OF_RAIN: Final = 20.0  # percent of precipitation that a person would call rain


@dataclass(frozen=True, eq=False, slots=True)
class Capture:
    """What one sensor measured once.

    Attributes:
        frame_index: Capture number.
        timestamp_ns: Clip-relative time.
        global_from_ego: Rear axle at that time.
    """

    frame_index: int
    timestamp_ns: int
    global_from_ego: SE3


def file_name(clip_id: str, channel: Channel, capture: Capture, *, is_key: bool) -> str:
    """Path of a sensor file below the root."""
    folder = "samples" if is_key else "sweeps"
    stamp = timestamp_us(clip_id, capture.timestamp_ns)
    suffix = _SUFFIX[channel.sensor.modality]
    return f"{folder}/{channel.name}/n-{clip_id}__{channel.name}__{stamp}.{suffix}"


def sample_rows(clip_id: str, keys: Sequence[Capture]) -> list[Row]:
    """Rows of `sample`, chained in time; `keys` are the reference LiDAR's."""
    rows = [
        {
            "token": token("sample", clip_id, key.frame_index),
            "timestamp": timestamp_us(clip_id, key.timestamp_ns),
            "prev": "",
            "next": "",
            "scene_token": token("scene", clip_id),
        }
        for key in keys
    ]
    return chained(rows)


def sample_data_rows(
    clip_id: str, channel: Channel, captures: Sequence[Capture], keys: Sequence[int]
) -> list[Row]:
    """Rows of `sample_data` of one channel, chained in time.

    Args:
        clip_id: Of the clip.
        channel: The sensor.
        captures: All it measured, in order.
        keys: Frame indices of the samples, ascending.
    """
    camera = channel.sensor.camera
    size_wh = (camera.camera.width_px, camera.camera.height_px) if camera else (0, 0)
    rows = []
    for capture in captures:
        is_key = capture.frame_index in keys
        following = bisect_left(keys, capture.frame_index)
        sample = keys[min(following, len(keys) - 1)]
        data_token = sample_data_token(clip_id, channel, capture.frame_index)
        rows.append(
            {
                "token": data_token,
                "sample_token": token("sample", clip_id, sample),
                "ego_pose_token": data_token,
                "calibrated_sensor_token": token("calibrated_sensor", clip_id, channel.name),
                "timestamp": timestamp_us(clip_id, capture.timestamp_ns),
                "fileformat": "jpg" if channel.sensor.modality == "camera" else "pcd",
                "is_key_frame": is_key,
                "height": size_wh[1],
                "width": size_wh[0],
                "filename": file_name(clip_id, channel, capture, is_key=is_key),
                "prev": "",
                "next": "",
            }
        )
    return chained(rows)


def sample_data_token(clip_id: str, channel: Channel, frame_index: int) -> str:
    """Token of one sensor file and of its ego pose."""
    return token("sample_data", clip_id, channel.name, frame_index)


def ego_pose_rows(clip_id: str, channel: Channel, captures: Sequence[Capture]) -> list[Row]:
    """Rows of `ego_pose`: the rear axle each time the sensor measured."""
    rotations = np.array([capture.global_from_ego.rotation for capture in captures])
    quats = quat_from_rotation(rotations.reshape(-1, 3, 3)).tolist()
    return [
        {
            "token": sample_data_token(clip_id, channel, capture.frame_index),
            "timestamp": timestamp_us(clip_id, capture.timestamp_ns),
            "rotation": quat,
            "translation": capture.global_from_ego.translation_m.tolist(),
        }
        for capture, quat in zip(captures, quats, strict=True)
    ]


def scene_row(clip_id: str, name: str, description: str, keys: Sequence[int]) -> Row:
    """The row of `scene` of a clip."""
    return {
        "token": token("scene", clip_id),
        "log_token": token("log", clip_id),
        "nbr_samples": len(keys),
        "first_sample_token": token("sample", clip_id, keys[0]),
        "last_sample_token": token("sample", clip_id, keys[-1]),
        "name": name,
        "description": description,
    }


def log_row(clip_id: str, *, location: str, vehicle: str) -> Row:
    """The row of `log` of a clip: nuScenes' log is a drive, ours a clip."""
    day = datetime.fromtimestamp(epoch_us(clip_id) // 1_000_000, tz=UTC).date()
    return {
        "token": token("log", clip_id),
        "logfile": f"n-{clip_id}",
        "vehicle": vehicle,
        "date_captured": day.isoformat(),
        "location": location,
    }


def map_row(location: str, log_tokens: Sequence[str]) -> Row:
    """A row of `map`: one for each location."""
    return {
        "category": "semantic_prior",
        "token": token("map", location),
        "filename": f"maps/{token('map', location)}.png",
        "log_tokens": list(log_tokens),
    }


def description_of(name: str, weather: Weather) -> str:
    """The scene in words, weather included, as nuScenes' descriptions have it."""
    words = [name]
    if weather.sun_altitude_rad < 0:
        words.append("night")
    if weather.precipitation >= _WETNESS_OF_RAIN:
        words.append("rain")
    return ", ".join(words)


def chained(rows: list[Row]) -> list[Row]:
    """The same rows with `prev` and `next` set, in their order."""
    for earlier, later in pairwise(rows):
        earlier["next"], later["prev"] = later["token"], earlier["token"]
    return rows


def static_tables() -> Mapping[str, list[Row]]:
    """The tables that are the same in every export: `category`, `attribute`, `visibility`."""
    return {
        "category": [
            {"token": token("category", name), "name": name, "description": "", "index": index}
            for index, name in enumerate(CATEGORIES)
        ],
        "attribute": [
            {"token": token("attribute", name), "name": name, "description": ""}
            for name in ATTRIBUTES
        ],
        "visibility": [
            {
                "token": str(number),
                "level": level,
                "description": f"visibility of whole object is {level[1:]}%",
            }
            for number, level in enumerate(_VISIBILITY_LEVELS, start=1)
        ],
    }


_VISIBILITY_LEVELS: Final = ("v0-40", "v40-60", "v60-80", "v80-100")

# The classes of nuScenes-lidarseg in the order of their index; the devkit refuses any other name.
CATEGORIES: Final = (
    "noise",
    "animal",
    "human.pedestrian.adult",
    "human.pedestrian.child",
    "human.pedestrian.construction_worker",
    "human.pedestrian.personal_mobility",
    "human.pedestrian.police_officer",
    "human.pedestrian.stroller",
    "human.pedestrian.wheelchair",
    "movable_object.barrier",
    "movable_object.debris",
    "movable_object.pushable_pullable",
    "movable_object.trafficcone",
    "static_object.bicycle_rack",
    "vehicle.bicycle",
    "vehicle.bus.bendy",
    "vehicle.bus.rigid",
    "vehicle.car",
    "vehicle.construction",
    "vehicle.emergency.ambulance",
    "vehicle.emergency.police",
    "vehicle.motorcycle",
    "vehicle.trailer",
    "vehicle.truck",
    "flat.driveable_surface",
    "flat.other",
    "flat.sidewalk",
    "flat.terrain",
    "static.manmade",
    "static.other",
    "static.vegetation",
    "vehicle.ego",
)

ATTRIBUTES: Final = (
    "vehicle.moving",
    "vehicle.stopped",
    "vehicle.parked",
    "cycle.with_rider",
    "cycle.without_rider",
    "pedestrian.sitting_lying_down",
    "pedestrian.standing",
    "pedestrian.moving",
)
