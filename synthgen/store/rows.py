"""Records to table rows and back: the one place that knows which field is which column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.frames import FrameRecord, Weather
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.pixel_events import PixelEvents
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.road_map import SignalChange
from synthgen.geometry.se3 import SE3
from synthgen.store import image_codec
from synthgen.store.tables import pose_names, vector_names

Row = dict[str, Any]

_VECTORS = {
    "velocity_mps": vector_names("velocity", "mps"),
    "acceleration_mps2": vector_names("acceleration", "mps2"),
    "angular_velocity_radps": vector_names("angular_velocity", "radps"),
}


def pose_row(name: str, pose: SE3) -> Row:
    """The seven columns of a pose."""
    values = [*pose.translation_m.tolist(), *pose.quat_wxyz.tolist()]
    return dict(zip(pose_names(name), values, strict=True))


def pose_of_row(name: str, row: Mapping[str, Any]) -> SE3:
    """The pose that `pose_row` wrote."""
    values = [row[column] for column in pose_names(name)]
    return SE3.from_quat(values[3:], values[:3])


def stored_pose(pose: SE3) -> SE3:
    """A pose as it is read again: through its quaternion, hence with other last digits."""
    return pose_of_row("pose", pose_row("pose", pose))


def columns_of(rows: Iterable[Row], names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows turned into columns."""
    listed = list(rows)
    return {name: [row[name] for row in listed] for name in names}


def frame_row(frame: FrameRecord) -> Row:
    """A row of the frames table."""
    row: Row = {
        name: getattr(frame, name)
        for name in (
            "frame_index",
            "tick",
            "timestamp_ns",
            "throttle",
            "brake",
            "steer_rad",
            "reverse",
            "gear",
            "speed_limit_mps",
            "lane_id",
        )
    }
    row |= pose_row("world_from_ego", frame.world_from_ego)
    for field, names in _VECTORS.items():
        row |= dict(zip(names, getattr(frame, field).tolist(), strict=True))
    return row | {field.name: getattr(frame.weather, field.name) for field in fields(Weather)}


def frame_of_row(row: Mapping[str, Any]) -> FrameRecord:
    """The record that `frame_row` wrote."""
    plain: dict[str, Any] = {
        name: row[name]
        for name in (
            "frame_index",
            "tick",
            "timestamp_ns",
            "throttle",
            "brake",
            "steer_rad",
            "reverse",
            "gear",
            "speed_limit_mps",
            "lane_id",
        )
    }
    vectors: dict[str, Any] = {
        field: np.array([row[name] for name in names], dtype=np.float64)
        for field, names in _VECTORS.items()
    }
    weather = Weather(**{field.name: row[field.name] for field in fields(Weather)})
    return FrameRecord(
        **plain,
        **vectors,
        world_from_ego=pose_of_row("world_from_ego", row),
        weather=weather,
    )


def object_row(item: ObjectInfo) -> Row:
    """A row of the objects table."""
    colour = item.colour_rgb or (None, None, None)
    row: Row = {
        name: getattr(item, name)
        for name in (
            "track_id",
            "name",
            "category",
            "blueprint",
            "semantic_tag",
            "extent_source",
            "source",
            "role",
            "parent_track_id",
            "special_type",
        )
    }
    row |= dict(zip(("length_m", "width_m", "height_m"), item.size_lwh_m.tolist(), strict=True))
    row |= dict(zip(vector_names("box_center", "m"), item.box_center_m.tolist(), strict=True))
    row |= dict(zip(("colour_r", "colour_g", "colour_b"), colour, strict=True))
    row["attributes"] = json.dumps(dict(item.attributes), sort_keys=True)
    return row


def object_of_row(row: Mapping[str, Any]) -> ObjectInfo:
    """The record that `object_row` wrote."""
    red, green, blue = row["colour_r"], row["colour_g"], row["colour_b"]
    return ObjectInfo(
        track_id=row["track_id"],
        category=row["category"],
        blueprint=row["blueprint"],
        semantic_tag=row["semantic_tag"],
        size_lwh_m=np.array([row["length_m"], row["width_m"], row["height_m"]]),
        box_center_m=np.array([row[name] for name in vector_names("box_center", "m")]),
        name=row["name"],
        extent_source=row["extent_source"],
        source=row["source"],
        role=row["role"],
        parent_track_id=row["parent_track_id"],
        colour_rgb=None if red is None else (red, green, blue),
        special_type=row["special_type"],
        attributes=json.loads(row["attributes"]),
    )


def actor_rows(states: ActorStates, frame_index: int | None, keep: Sequence[bool]) -> list[Row]:
    """Rows of the actors table for one tick, of the objects where `keep` is true."""
    rows = []
    for number in np.flatnonzero(keep).tolist():
        track_id = int(states.track_id[number])
        row: Row = {
            "tick": states.tick,
            "frame_index": frame_index,
            "timestamp_ns": states.timestamp_ns,
            "track_id": track_id,
            "light_state": int(states.light_state[number]),
            "door_state": None if states.door_state is None else int(states.door_state[number]),
            "steer_rad": None if states.steer_rad is None else float(states.steer_rad[number]),
        }
        values = [*states.position_m[number].tolist(), *states.quat_wxyz[number].tolist()]
        row |= dict(zip(pose_names("world_from_actor"), values, strict=True))
        for field, names in _VECTORS.items():
            row |= dict(zip(names, getattr(states, field)[number].tolist(), strict=True))
        bones = states.bones_m.get(track_id)
        row["bones"] = None if bones is None else bones.ravel()
        rows.append(row)
    return rows


def signal_row(change: SignalChange) -> Row:
    """A row of the signals table."""
    position = dict(zip(vector_names("position", "m"), change.position_m.tolist(), strict=True))
    names = ("tick", "timestamp_ns", "signal_id", "state")
    return {name: getattr(change, name) for name in names} | position


def image_rows(frame: CameraFrame, rgb_codec: image_codec.Codec) -> dict[str, Row]:
    """A row for each channel the frame has, encoded, by channel name."""
    encoded: dict[str, tuple[str, bytes]] = {}
    if frame.rgb is not None:
        encoded["rgb"] = (rgb_codec, image_codec.encode_rgb(frame.rgb, rgb_codec))
    for channel, image in (
        ("depth", frame.depth_cm),
        ("semantic", frame.semantic),
        ("instance", frame.instance),
    ):
        if image is not None:
            encoded[channel] = ("png", image_codec.encode_counts(image))
    if frame.normals is not None:
        encoded["normals"] = ("png", image_codec.encode_normals(frame.normals))
    if frame.flow_px is not None and frame.flow_valid is not None:
        encoded["flow"] = ("png", image_codec.encode_flow(frame.flow_px, frame.flow_valid))
    common = {
        "frame_index": frame.frame_index,
        "timestamp_ns": frame.timestamp_ns,
        **pose_row("world_from_camera", frame.world_from_camera),
    }
    return {
        channel: {**common, "codec": codec, "image": content}
        for channel, (codec, content) in encoded.items()
    }


def sweep_row(sweep: LidarSweep) -> Row:
    """A row of a LiDAR file."""
    return {
        "frame_index": sweep.frame_index,
        "timestamp_ns": sweep.timestamp_ns,
        **pose_row("world_from_lidar", sweep.world_from_lidar),
        "x_m": sweep.points_m[:, 0],
        "y_m": sweep.points_m[:, 1],
        "z_m": sweep.points_m[:, 2],
        **{name: getattr(sweep, name) for name in _SWEEP_COLUMNS},
    }


_SWEEP_COLUMNS = (
    "intensity",
    "ring",
    "time_offset_ns",
    "semantic_tag",
    "track_id",
    "cos_incidence",
)


def sweep_of_row(name: str, row: Mapping[str, Any]) -> LidarSweep:
    """The sweep that `sweep_row` wrote; list cells are numpy arrays or None."""
    points_m = np.stack([row["x_m"], row["y_m"], row["z_m"]], axis=1)
    return LidarSweep(
        name=name,
        frame_index=row["frame_index"],
        timestamp_ns=row["timestamp_ns"],
        world_from_lidar=pose_of_row("world_from_lidar", row),
        points_m=points_m,
        **{column: row[column] for column in _SWEEP_COLUMNS},
    )


_EVENT_COLUMNS = ("x_px", "y_px", "time_offset_ns", "polarity")


def pixel_events_row(events: PixelEvents) -> Row:
    """A row of an event camera's file."""
    return {
        "frame_index": events.frame_index,
        "timestamp_ns": events.timestamp_ns,
        **pose_row("world_from_camera", events.world_from_camera),
        **{name: getattr(events, name) for name in _EVENT_COLUMNS},
    }


def pixel_events_of_row(name: str, row: Mapping[str, Any]) -> PixelEvents:
    """The events that `pixel_events_row` wrote; list cells are numpy arrays."""
    return PixelEvents(
        name=name,
        frame_index=row["frame_index"],
        timestamp_ns=row["timestamp_ns"],
        world_from_camera=pose_of_row("world_from_camera", row),
        **{column: row[column] for column in _EVENT_COLUMNS},
    )


_SCAN_COLUMNS = ("range_m", "azimuth_rad", "altitude_rad", "radial_velocity_mps", "track_id")


def scan_row(scan: RadarScan) -> Row:
    """A row of a radar file."""
    return {
        "frame_index": scan.frame_index,
        "timestamp_ns": scan.timestamp_ns,
        **pose_row("world_from_radar", scan.world_from_radar),
        **{name: getattr(scan, name) for name in _SCAN_COLUMNS},
    }


def scan_of_row(name: str, row: Mapping[str, Any]) -> RadarScan:
    """The scan that `scan_row` wrote; list cells are numpy arrays or None."""
    return RadarScan(
        name=name,
        frame_index=row["frame_index"],
        timestamp_ns=row["timestamp_ns"],
        world_from_radar=pose_of_row("world_from_radar", row),
        **{column: row[column] for column in _SCAN_COLUMNS},
    )
