"""3D boxes and the 4D bird's-eye table: every object in range, at every capture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.actors import EGO_TRACK_ID, ActorStates, ObjectInfo
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.road_map import RoadMap
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.geometry.arrays import F64, I32, I64, Bool
from synthgen.geometry.rotations import quat_from_rotation, wrap_angle
from synthgen.labels.columns import Columns, nullable
from synthgen.labels.frame import FrameLabels
from synthgen.labels.lanes import LaneIndex, LanePlaces
from synthgen.labels.motion import Motion, motions
from synthgen.labels.riders import ridden_boxes
from synthgen.labels.settings import LabelSettings

BRAKE_LIGHT = 0x8  # CARLA, VehicleLightState.Brake
_LANE_KINDS = ("driving", "biking", "parking", "bidirectional")
_STILL_M = 0.1  # an object that never gets farther than this is static


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """All (frame, object) pairs in range, frame by frame; R rows."""

    frame: I64  # place in the clip's frames
    box: I64  # row in that frame's boxes
    track_id: I64
    infos: tuple[ObjectInfo, ...]
    center_m: F64
    rotation: F64
    velocity_mps: F64
    acceleration_mps2: F64
    yaw_rate_radps: F64
    is_static: Bool
    light_state: I64
    door_state: I64


@dataclass(frozen=True, eq=False, slots=True)
class ClipTables:
    """The tables boxes3d and tracks."""

    boxes3d: Columns
    tracks: Columns


def track_tables(
    objects: Sequence[ObjectInfo],
    frames: Sequence[FrameRecord],
    ticks: Sequence[ActorStates],
    labels: Sequence[FrameLabels],
    road_map: RoadMap,
    *,
    taxonomy: Taxonomy,
    settings: LabelSettings,
) -> ClipTables:
    """The tables boxes3d and tracks of a clip.

    Args:
        objects: The objects table.
        frames: All captures, in order.
        ticks: All simulation steps, in order.
        labels: What the sensors say, one per capture.
        road_map: Lanes; may be empty.
        taxonomy: Tells vehicles from walkers.
        settings: Range and speed limits.
    """
    index_of_tick = {states.tick: index for index, states in enumerate(ticks)}
    tick_index = np.array([index_of_tick[frame.tick] for frame in frames], dtype=np.int64)
    moved = motions(ticks, {info.track_id: info.box_center_m for info in objects})
    rows = _rows(frames, ticks, labels, moved, tick_index, settings)
    lanes = LaneIndex([lane for lane in road_map.lanes if lane.kind in _LANE_KINDS])
    yaw_rad = np.arctan2(rows.rotation[:, 1, 0], rows.rotation[:, 0, 0])
    places = lanes.places(rows.center_m, yaw_rad)
    measured = _measured(rows, labels)
    ego_velocity_mps = np.array(
        [
            _at(moved[EGO_TRACK_ID], index).velocity_mps[
                index - _at(moved[EGO_TRACK_ID], index).first
            ]
            for index in tick_index
        ]
    ).reshape(-1, 3)
    return ClipTables(
        boxes3d=_boxes3d(rows, frames, measured, places, taxonomy, settings)
        | {"rider_union": _rider_unions(rows, frames, labels)},
        tracks=_tracks(rows, frames, measured, places, lanes, ego_velocity_mps, taxonomy)
        | _births_and_deaths(rows, tick_index, moved),
    )


def _at(pieces: tuple[Motion, ...], tick_index: int) -> Motion:
    """The piece of an object's motion that covers a tick."""
    return next(piece for piece in pieces if piece.first <= tick_index < piece.end)


def _rows(
    frames: Sequence[FrameRecord],
    ticks: Sequence[ActorStates],
    labels: Sequence[FrameLabels],
    moved: dict[int, tuple[Motion, ...]],
    tick_index: I64,
    settings: LabelSettings,
) -> _Rows:
    """All objects in range at all captures."""
    parts: list[tuple[int, int]] = []
    for index, (frame, label) in enumerate(zip(frames, labels, strict=True)):
        offset_m = label.boxes.world.center_m - frame.world_from_ego.translation_m
        is_near = np.linalg.norm(offset_m[:, :2], axis=1) <= settings.range_m
        parts += [(index, int(row)) for row in np.flatnonzero(is_near)]
    count = len(parts)
    infos, velocity, acceleration, yaw_rate, static, lights = [], [], [], [], [], []
    doors: list[int] = []
    for index, row in parts:
        boxes = labels[index].boxes
        info = boxes.infos[row]
        piece = _at(moved[info.track_id], int(tick_index[index]))
        at = int(tick_index[index]) - piece.first
        infos.append(info)
        velocity.append(piece.velocity_mps[at])
        acceleration.append(piece.acceleration_mps2[at])
        yaw_rate.append(piece.yaw_rate_radps[at])
        static.append(all(part.travelled_m <= _STILL_M for part in moved[info.track_id]))
        lights.append(int(ticks[tick_index[index]].light_state[boxes.rows[row]]))
        states = ticks[tick_index[index]]
        doors.append(0 if states.door_state is None else int(states.door_state[boxes.rows[row]]))
    worlds = [labels[index].boxes.world for index in range(len(labels))]
    return _Rows(
        frame=np.array([part[0] for part in parts], dtype=np.int64),
        box=np.array([part[1] for part in parts], dtype=np.int64),
        track_id=np.array([info.track_id for info in infos], dtype=np.int64),
        infos=tuple(infos),
        center_m=np.array([worlds[i].center_m[row] for i, row in parts]).reshape(count, 3),
        rotation=np.array([worlds[i].rotation[row] for i, row in parts]).reshape(count, 3, 3),
        velocity_mps=np.array(velocity).reshape(count, 3),
        acceleration_mps2=np.array(acceleration).reshape(count, 3),
        yaw_rate_radps=np.array(yaw_rate).reshape(count),
        is_static=np.array(static, dtype=np.bool_),
        light_state=np.array(lights, dtype=np.int64),
        door_state=np.array(doors, dtype=np.int64),
    )


def _measured(rows: _Rows, labels: Sequence[FrameLabels]) -> Columns:
    """Columns that come from sensor data."""
    fraction = [labels[i].visible_fraction for i in rows.frame]
    return {
        "lidar_points": _gathered([label.lidar_points for label in labels], rows),
        "radar_points": _gathered([label.radar_points for label in labels], rows),
        "visible_px": _gathered([label.visible_px for label in labels], rows),
        "visible_fraction": [
            None if values is None else float(values[row])
            for values, row in zip(fraction, rows.box.tolist(), strict=True)
        ],
    }


def _gathered(per_frame: Sequence[I32], rows: _Rows) -> I32:
    values = [per_frame[i][row] for i, row in zip(rows.frame, rows.box, strict=True)]
    return np.array(values, dtype=np.int32)


def _sizes(rows: _Rows) -> Columns:
    size_lwh_m = np.array([info.size_lwh_m for info in rows.infos]).reshape(-1, 3)
    return {name: size_lwh_m[:, k] for k, name in enumerate(("length_m", "width_m", "height_m"))}


def _boxes3d(
    rows: _Rows,
    frames: Sequence[FrameRecord],
    measured: Columns,
    places: LanePlaces,
    taxonomy: Taxonomy,
    settings: LabelSettings,
) -> Columns:
    ego_rotation = np.array([f.world_from_ego.rotation for f in frames]).reshape(-1, 3, 3)
    ego_m = np.array([f.world_from_ego.translation_m for f in frames]).reshape(-1, 3)
    turn = ego_rotation[rows.frame]
    center_ego_m = np.einsum("nji,nj->ni", turn, rows.center_m - ego_m[rows.frame])
    quat = quat_from_rotation(np.einsum("nji,njk->nik", turn, rows.rotation)).reshape(-1, 4)
    table: Columns = {
        "frame_index": np.array([frames[i].frame_index for i in rows.frame], dtype=np.int32),
        "track_id": rows.track_id.astype(np.int32),
        "category": [info.category for info in rows.infos],
    }
    table |= {f"ego_from_box_{axis}_m": center_ego_m[:, k] for k, axis in enumerate("xyz")}
    table |= {f"ego_from_box_q{part}": quat[:, k] for k, part in enumerate("wxyz")}
    return (
        table
        | _sizes(rows)
        | {
            "distance_m": np.linalg.norm(center_ego_m, axis=1).astype(np.float32),
            "lidar_points": measured["lidar_points"],
            "radar_points": measured["radar_points"],
            "visible_fraction": measured["visible_fraction"],
            "is_static": rows.is_static,
            "activity": _activities(rows, places, taxonomy, settings),
            "extent_source": [info.extent_source for info in rows.infos],
            "parent_track_id": [info.parent_track_id for info in rows.infos],
        }
    )


def _rider_unions(
    rows: _Rows, frames: Sequence[FrameRecord], labels: Sequence[FrameLabels]
) -> list[list[float] | None]:
    """Of every cycle with a rider of its own: the box around both, in the ego frame."""
    unions = [ridden_boxes(label.boxes) for label in labels]
    found: list[list[float] | None] = []
    for index, track_id in zip(rows.frame.tolist(), rows.track_id.tolist(), strict=True):
        box = unions[index].get(track_id)
        if box is None:
            found.append(None)
            continue
        pose = frames[index].world_from_ego.inverse() @ box.frame_from_box
        found.append([*pose.translation_m, *pose.quat_wxyz, *box.size_lwh_m])
    return found


def _activities(
    rows: _Rows, places: LanePlaces, taxonomy: Taxonomy, settings: LabelSettings
) -> list[str]:
    """What each object does: `moving`, `waiting`, `stopped`, `parked`, `crossing`, `standing`.

    Who stands now but moves at another time of the clip is waiting.
    """
    is_moving = np.linalg.norm(rows.velocity_mps[:, :2], axis=1) >= settings.moving_mps
    activities = []
    for index, info in enumerate(rows.infos):
        group = taxonomy.category(info.category).group
        if group == "pedestrian":
            on_road = places.is_on_lane[index]
            moving = "crossing" if on_road else "moving"
            still = "standing" if rows.is_static[index] else "waiting"
            activities.append(moving if is_moving[index] else still)
        elif is_moving[index]:
            activities.append("moving")
        elif group == "object":
            activities.append("standing")
        else:
            is_parked = info.role == "parked" or info.source == "environment"
            still = "stopped" if rows.is_static[index] else "waiting"
            activities.append("parked" if is_parked else still)
    return activities


def _tracks(
    rows: _Rows,
    frames: Sequence[FrameRecord],
    measured: Columns,
    places: LanePlaces,
    lanes: LaneIndex,
    ego_velocity_mps: F64,
    taxonomy: Taxonomy,
) -> Columns:
    yaw_rad = np.arctan2(rows.rotation[:, 1, 0], rows.rotation[:, 0, 0])
    ego_rotation = np.array([f.world_from_ego.rotation for f in frames]).reshape(-1, 3, 3)
    ego_m = np.array([f.world_from_ego.translation_m for f in frames]).reshape(-1, 3)
    ego_yaw_rad = np.arctan2(ego_rotation[:, 1, 0], ego_rotation[:, 0, 0])
    turn = ego_rotation[rows.frame]
    from_ego_m = np.einsum("nji,nj->ni", turn, rows.center_m - ego_m[rows.frame])
    relative_mps = np.einsum("nji,nj->ni", turn, rows.velocity_mps - ego_velocity_mps[rows.frame])
    is_vehicle = np.array(
        [taxonomy.category(info.category).group in ("vehicle", "cyclist") for info in rows.infos],
        dtype=np.bool_,
    ) & np.array([info.source == "actor" for info in rows.infos], dtype=np.bool_)
    table: Columns = {
        "frame_index": np.array([frames[i].frame_index for i in rows.frame], dtype=np.int32),
        "timestamp_ns": np.array([frames[i].timestamp_ns for i in rows.frame], dtype=np.int64),
        "track_id": rows.track_id.astype(np.int32),
        "category": [info.category for info in rows.infos],
        "x_m": rows.center_m[:, 0],
        "y_m": rows.center_m[:, 1],
        "z_m": rows.center_m[:, 2],
        "yaw_rad": yaw_rad,
        "velocity_x_mps": rows.velocity_mps[:, 0],
        "velocity_y_mps": rows.velocity_mps[:, 1],
        "acceleration_x_mps2": rows.acceleration_mps2[:, 0],
        "acceleration_y_mps2": rows.acceleration_mps2[:, 1],
        "yaw_rate_radps": rows.yaw_rate_radps,
        "ego_x_m": from_ego_m[:, 0],
        "ego_y_m": from_ego_m[:, 1],
        "ego_yaw_rad": wrap_angle(yaw_rad - ego_yaw_rad[rows.frame]),
        "ego_velocity_x_mps": relative_mps[:, 0],
        "ego_velocity_y_mps": relative_mps[:, 1],
    }
    on_lane = places.is_on_lane
    names = [
        lanes.lanes[k].lane_id if on else None for k, on in zip(places.lane, on_lane, strict=True)
    ]
    return (
        table
        | _sizes(rows)
        | {name: measured[name] for name in ("lidar_points", "visible_px", "visible_fraction")}
        | {
            "lane_id": names,
            "lane_along_m": nullable(places.along_m, on_lane),
            "lane_offset_m": nullable(places.offset_m, on_lane),
            "brake_lights": nullable((rows.light_state & BRAKE_LIGHT) > 0, is_vehicle),
            "open_doors": nullable(rows.door_state, is_vehicle),
        }
    )


def _births_and_deaths(
    rows: _Rows, tick_index: I64, moved: dict[int, tuple[Motion, ...]]
) -> Columns:
    """Why each stay in range begins and ends, on its first and last row."""
    count = len(rows.frame)
    birth: list[str | None] = [None] * count
    death: list[str | None] = [None] * count
    last_frame = len(tick_index) - 1
    for track_id in np.unique(rows.track_id).tolist():
        own = np.flatnonzero(rows.track_id == track_id)
        frame = rows.frame[own]
        for stay in np.split(np.arange(len(own)), np.flatnonzero(np.diff(frame) > 1) + 1):
            first, last = int(frame[stay[0]]), int(frame[stay[-1]])
            birth[own[stay[0]]] = (
                "start"
                if first == 0
                else "entered_range"
                if _exists(moved[track_id], int(tick_index[first - 1]))
                else "spawned"
            )
            death[own[stay[-1]]] = (
                "end"
                if last == last_frame
                else "left_range"
                if _exists(moved[track_id], int(tick_index[last + 1]))
                else "destroyed"
            )
    return {"birth_reason": birth, "death_reason": death}


def _exists(pieces: tuple[Motion, ...], tick_index: int) -> bool:
    return any(piece.first <= tick_index < piece.end for piece in pieces)
