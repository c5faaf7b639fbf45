"""Past and future of every track around one capture, in the world and seen from the ego."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.frames import FrameRecord
from synthgen.geometry.arrays import F64, I64, Bool, frozen_array
from synthgen.geometry.rotations import wrap_angle
from synthgen.labels.columns import Columns


@dataclass(frozen=True, eq=False, slots=True)
class TrackWindows:
    """K tracks over W captures, the present one at index `past`.

    Attributes:
        track_id: (K,) those that exist at the present capture, ascending.
        world: (K, W, 5) float64 x, y, yaw, velocity x, velocity y: metres, radians, m/s.
        ego: (K, W, 5) the same in the present ego frame, velocities of the object alone.
        valid: (K, W) bool; where False the object was out of range or did not exist.
    """

    track_id: I64
    world: F64
    ego: F64
    valid: Bool

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for name in ("world", "ego"):
            array = frozen_array(name, getattr(self, name), (None, None, 5), np.float64)
            object.__setattr__(self, name, array)


def track_windows(
    tracks: Columns, frames: Sequence[FrameRecord], present: int, *, past: int, future: int
) -> TrackWindows:
    """Windows of all tracks in range at one capture.

    Args:
        tracks: Table tracks of the clip.
        frames: Its captures, in order.
        present: Place of the present capture among them.
        past: Captures before it.
        future: Captures after it.
    """
    place = {frame.frame_index: k for k, frame in enumerate(frames)}
    at = np.array([place[int(f)] for f in np.asarray(tracks["frame_index"])], dtype=np.int64)
    all_ids = np.asarray(tracks["track_id"], dtype=np.int64)
    track_id = np.unique(all_ids[at == present])
    names = ("x_m", "y_m", "yaw_rad", "velocity_x_mps", "velocity_y_mps")
    values = np.stack([np.asarray(tracks[name], dtype=np.float64) for name in names], axis=1)
    world = np.zeros((len(track_id), past + 1 + future, 5))
    valid = np.zeros(world.shape[:2], dtype=np.bool_)
    inside = (at >= present - past) & (at <= present + future) & np.isin(all_ids, track_id)
    row, column = np.searchsorted(track_id, all_ids[inside]), at[inside] - present + past
    world[row, column] = values[inside]
    valid[row, column] = True
    pose = frames[present].world_from_ego
    cos, sin = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    turn = np.array([[cos, sin], [-sin, cos]])
    ego = np.zeros_like(world)
    ego[..., 0:2] = (world[..., 0:2] - pose.translation_m[:2]) @ turn.T
    ego[..., 2] = wrap_angle(world[..., 2] - pose.yaw_rad)
    ego[..., 3:5] = world[..., 3:5] @ turn.T
    ego[~valid] = 0.0
    return TrackWindows(track_id, world, ego, valid)
