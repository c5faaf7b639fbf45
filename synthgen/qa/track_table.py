"""The track table: one row a track, motion as seen from the moving ego."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64
from synthgen.qa.tables import Table, empty_table

COLUMNS: Final = (
    "category", "duration_s", "gap_share", "closing_mps", "crossing_mps", "nearest_m",
    "closing_change_mps2", "turn_radps", "ttc_s",
)  # fmt: skip
MIN_ROWS: Final = 4
TTC_LIMIT_S: Final = 20.0


def track_table(boxes: Table, time_s: F64) -> Table | None:
    """Tracks with at least four boxes.

    Speeds are differences of the position seen from the ego's camera, so the ego's own motion is
    in them on both sides of a comparison: data sets without ego poses can be compared too.

    Args:
        boxes: Box table with the columns `track` and `frame`.
        time_s: (F,) time of each frame within its sequence, NaN where unknown.

    Returns:
        The table, or None where the boxes have no tracks or the frames no times.
    """
    tracked = boxes.rows(~np.isnan(boxes["track"]) & ~np.isnan(boxes["ahead_m"]))
    times = time_s[tracked["frame"].astype(np.int64)] if len(time_s) else np.zeros(0)
    if not len(tracked) or np.isnan(times).all():
        return None
    order = np.lexsort((tracked["frame"], tracked["track"], tracked.sequence))
    tracked, times = tracked.rows(order), times[order]
    key = np.stack([tracked.sequence, tracked["track"].astype(np.int64)])
    first = np.flatnonzero(np.any(np.diff(key, axis=1, prepend=-2), axis=0))
    rows = [
        (int(tracked.sequence[part[0]]), _row(tracked, times, part))
        for part in np.split(np.arange(len(tracked)), first[1:])
        if len(part) >= MIN_ROWS and times[part[-1]] > times[part[0]]
    ]
    if not rows:
        return empty_table(COLUMNS, boxes.sequences)
    values = np.array([row for _, row in rows])
    columns = {name: values[:, i] for i, name in enumerate(COLUMNS)}
    sequence = np.array([number for number, _ in rows], dtype=np.int64)
    return Table(sequence, boxes.sequences, columns)


def _row(boxes: Table, times: F64, part: np.ndarray) -> list[float]:
    time, frame = times[part], boxes["frame"][part]
    ahead, left = boxes["ahead_m"][part], boxes["left_m"][part]
    span = time[-1] - time[0]
    # A straight line through the positions: label noise would swamp frame-to-frame differences.
    closing, change = _motion(time, ahead)
    crossing, _ = _motion(time, left)
    yaw = np.unwrap(boxes["yaw_rad"][part])
    return [
        float(np.median(boxes["category"][part])),
        float(span),
        float(1 - len(part) / (frame[-1] - frame[0] + 1)),
        -closing,
        abs(crossing),
        float(np.hypot(ahead, left).min()),
        abs(change),
        abs(_motion(time, yaw)[0]),
        _least_ttc(time, ahead, left, boxes["length_m"][part]),
    ]


def _motion(time: F64, position: F64) -> tuple[float, float]:
    """Mean speed, and mean acceleration, of a parabola through the positions."""
    t = time - time.mean()
    design = np.stack([np.ones_like(t), t, t**2 / 2], axis=1)
    _, speed, acceleration = np.linalg.lstsq(design, position, rcond=None)[0]
    return float(speed), float(acceleration)


def _least_ttc(time: F64, ahead: F64, left: F64, length: F64) -> float:
    """Least time to collision while in the ego's corridor; the limit where there is none."""
    speed = -np.gradient(ahead, time)
    in_way = (np.abs(left) < 1.5) & (speed > 0.5)
    if not in_way.any():
        return TTC_LIMIT_S
    gap = np.maximum(ahead - length / 2, 0.0)
    return float(min(np.min(gap[in_way] / speed[in_way]), TTC_LIMIT_S))
