"""Checks of the track table through time, and of labels against masks for a common delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.geometry.rotations import wrap_angle
from synthgen.labels.boxes2d import Boxes2d
from synthgen.labels.columns import Columns
from synthgen.labels.verdict import Votes

_JUMP_M: Final = 0.12
_MOST_ACCELERATION_MPS2: Final = 15.0  # more only in a crash, which is then worth a look
_MOST_SPEED_MPS: Final = {"pedestrian": 7.0, "cyclist": 40.0, "vehicle": 70.0, "object": 70.0}
_MOST_YAW_STEP_RAD: Final = 0.6
_MOST_SLIP_RAD: Final = np.deg2rad(25.0)
_SLIP_FROM_MPS: Final = 2.0
_WINDOW: Final = 4  # captures before and after over which velocities are added up
# Rows before and after from whose positions a row's own is foretold.
_PREDICTIONS: Final = ((-1, 1), (-2, 2), (-2, -1), (1, 2))
_WAY_M, _WAY_SHARE = 0.2, 0.05
_LAG_S: Final = 0.025  # half a tick
_LAG_MIN_ROWS: Final = 15
_LAG_MIN_SPEED_PXPS: Final = 20.0


def check_tracks(tracks: Columns, taxonomy: Taxonomy) -> dict[int, Votes]:
    """Votes of time on each frame's labels: frame index -> votes."""
    votes: dict[int, Votes] = {}
    track_id = np.asarray(tracks["track_id"])
    for one in np.unique(track_id).tolist():
        own = np.flatnonzero(track_id == one)
        _check_track(tracks, own, int(one), taxonomy, votes)
    return votes


def _check_track(
    tracks: Columns, own: I64, track_id: int, taxonomy: Taxonomy, votes: dict[int, Votes]
) -> None:
    frame = np.asarray(tracks["frame_index"])[own]
    time_s = np.asarray(tracks["timestamp_ns"])[own] * 1e-9
    xy_m = np.stack([np.asarray(tracks["x_m"])[own], np.asarray(tracks["y_m"])[own]], axis=1)
    velocity = np.stack(
        [np.asarray(tracks["velocity_x_mps"])[own], np.asarray(tracks["velocity_y_mps"])[own]],
        axis=1,
    )
    yaw_rad = np.asarray(tracks["yaw_rad"])[own]
    category = [tracks["category"][row] for row in own.tolist()]
    group = taxonomy.category(str(category[0])).group
    size = np.stack([np.asarray(tracks[n])[own] for n in ("length_m", "width_m", "height_m")], 1)
    usual_size = np.median(size, axis=0)
    speed = np.linalg.norm(velocity, axis=1)
    acceleration = np.hypot(
        np.asarray(tracks["acceleration_x_mps2"])[own],
        np.asarray(tracks["acceleration_y_mps2"])[own],
    )
    failed = {
        "position_jump": _jumps(frame, time_s, xy_m),
        "velocity": _velocity_differs(frame, time_s, xy_m, velocity),
        "heading_step": _steps(frame, yaw_rad) if group != "object" else np.zeros(len(own), bool),
        "too_fast": speed > _MOST_SPEED_MPS[group],
        "too_much_force": acceleration > _MOST_ACCELERATION_MPS2,
        "size_changes": (np.abs(size - usual_size) > 0.05 * usual_size).any(axis=1),
        "class_changes": np.array([name != category[0] for name in category]),
    }
    if group in ("vehicle", "cyclist"):
        slip = wrap_angle(np.arctan2(velocity[:, 1], velocity[:, 0]) - yaw_rad)
        sideways = np.minimum(np.abs(slip), np.pi - np.abs(slip)) > _MOST_SLIP_RAD  # or reversing
        failed["moves_sideways"] = sideways & (speed > _SLIP_FROM_MPS)
    for index, number in enumerate(frame.tolist()):
        bad = {check: bool(where[index]) for check, where in failed.items()}
        votes.setdefault(number, Votes()).vote("time", track_id, bad)


def _jumps(frame: I64, time_s: F64, xy_m: F64) -> Bool:
    """Rows (N,) whose position fits none of the predictions from before and after.

    Up to four predictions are compared and the second best counts, so that a neighbour's fault
    is not this row's (`docs/labels.md`).
    """
    rows = np.arange(len(frame))
    misses = np.full((len(rows), len(_PREDICTIONS)), np.inf)
    for column, (a, b) in enumerate(_PREDICTIONS):
        own = rows[(rows + a >= 0) & (rows + b < len(rows))]
        # Not where the object was out of range in between.
        own = own[(frame[own + a] - frame[own] == a) & (frame[own + b] - frame[own] == b)]
        since_s, span_s = time_s[own] - time_s[own + a], time_s[own + b] - time_s[own + a]
        share = (since_s / span_s)[:, None]
        expected = xy_m[own + a] + share * (xy_m[own + b] - xy_m[own + a])
        until_s = np.abs(time_s[own] - time_s[own + b])
        bend_m = _MOST_ACCELERATION_MPS2 * np.abs(since_s) * until_s / 2
        misses[own, column] = np.linalg.norm(xy_m[own] - expected, axis=1) - bend_m
    second = np.sort(misses, axis=1)[:, 1]
    return np.asarray(np.isfinite(second) & (second > _JUMP_M))


def _velocity_differs(frame: I64, time_s: F64, xy_m: F64, velocity: F64) -> Bool:
    """Rows (N,) around which the velocities do not add up to the way travelled."""
    count = len(frame)
    rows = np.arange(count)
    low, high = np.maximum(0, rows - _WINDOW), np.minimum(count - 1, rows + _WINDOW)
    is_known = (high - low >= _WINDOW) & (frame[high] - frame[low] == high - low)
    middle_mps = (velocity[1:] + velocity[:-1]) / 2
    added_m = np.zeros((count, 2))
    np.cumsum(middle_mps * np.diff(time_s)[:, None], axis=0, out=added_m[1:])
    way_m, travelled_m = added_m[high] - added_m[low], xy_m[high] - xy_m[low]
    allowed_m = _WAY_M + _WAY_SHARE * np.linalg.norm(travelled_m, axis=1)
    return np.asarray(is_known & (np.linalg.norm(way_m - travelled_m, axis=1) > allowed_m))


def _steps(frame: I64, yaw_rad: F64) -> Bool:
    """Rows (N,) that are turned against both neighbours, or the only one there is."""
    found = np.zeros(len(frame), dtype=np.bool_)
    if len(frame) < 2:
        return found
    step = np.abs(wrap_angle(np.diff(yaw_rad))) > _MOST_YAW_STEP_RAD
    step &= np.diff(frame) == 1
    before = np.concatenate([[step[0]], step])
    after = np.concatenate([step, [step[-1]]])
    return np.asarray(before & after)


def common_delay(
    labels: Sequence[Sequence[Boxes2d]], timestamps_ns: Mapping[int, int]
) -> float | None:
    """Seconds by which labels lag behind the images, or None if too little moves to tell.

    Where a whole object is in view, the middle of its mask moves with the middle of its amodal
    box. If labels are late, their difference is the delay times the speed in the image, for
    movement to the left and to the right alike; a mask that is not in the middle of its box makes
    the two differ. The smaller of the two is given, 0 if they disagree.

    Args:
        labels: The 2D labels of every frame, camera by camera.
        timestamps_ns: Frame index -> time.
    """
    series: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
    for frame in labels:
        for part in frame:
            time_s = timestamps_ns[part.frame_index] * 1e-9
            whole = (part.visible_px > 60) & (part.occluded_fraction < 0.02)
            whole &= part.truncated_fraction == 0
            for row in np.flatnonzero(whole).tolist():
                mask_x = float(part.visible_xyxy_px[row, [0, 2]].mean())
                box_x = float(part.amodal_xyxy_px[row, [0, 2]].mean())
                key = (part.camera, int(part.track_id[row]))
                series.setdefault(key, []).append((time_s, box_x, mask_x - box_x))
    speeds, offsets = [], []
    for points in series.values():
        time_s, box_x, offset = np.array(points).T
        if len(points) < 5:
            continue
        speeds.append(np.gradient(box_x, time_s))
        offsets.append(offset)
    if not speeds:
        return None
    speed, offset = np.concatenate(speeds), np.concatenate(offsets)
    to_right = _slope(speed, offset, speed > _LAG_MIN_SPEED_PXPS)
    to_left = _slope(speed, offset, speed < -_LAG_MIN_SPEED_PXPS)
    if to_right is None or to_left is None:
        return None
    if to_right * to_left <= 0:
        return 0.0
    return min(to_right, to_left, key=abs)


def _slope(speed: F64, offset: F64, keep: Bool) -> float | None:
    """Median of offset over speed, weighted by speed; None for too few rows."""
    if np.count_nonzero(keep) < _LAG_MIN_ROWS:
        return None
    ratios, weight = offset[keep] / speed[keep], np.abs(speed[keep])
    order = np.argsort(ratios)
    total = np.cumsum(weight[order])
    return float(ratios[order][np.searchsorted(total, total[-1] / 2)])


def is_late(delay_s: float | None) -> bool:
    """The labels of the clip are not of the time of its images."""
    return delay_s is not None and abs(delay_s) > _LAG_S
