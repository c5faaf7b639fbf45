"""Names of nuScenes records: stable hashes, so that clips can be exported in any order.

A token is 32 hexadecimal digits, as in nuScenes. `sample_data` and its `ego_pose` share one.
Scenes are numbered from 2000, beyond the 1110 of nuScenes, so that nobody takes ours for theirs;
the CAN bus API reads four-digit names only, so it serves the first 8000 clips of an export.
Timestamps are microseconds of a made-up date between 2020 and 2023 that depends on the clip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from synthgen.datatypes.frames import FrameRecord

FIRST_SCENE: Final = 2000
KEY_PERIOD_NS: Final = 500_000_000
_EPOCH_S: Final = 1_600_000_000
_EPOCH_RANGE_S: Final = 100_000_000


def token(kind: str, *parts: object) -> str:
    """The token of a record: a hash of its kind and of what makes it unique."""
    text = "|".join([kind, *(str(part) for part in parts)])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def scene_name(index: int) -> str:
    """`scene-2000`, `scene-2001`, …: the form that the CAN bus API asks for."""
    return f"scene-{FIRST_SCENE + index:04d}"


@lru_cache(maxsize=16)
def epoch_us(clip_id: str) -> int:
    """Microseconds of the clip's time zero: whole seconds, the same in every export."""
    return (_EPOCH_S + int(token("epoch", clip_id), 16) % _EPOCH_RANGE_S) * 1_000_000


def timestamp_us(clip_id: str, timestamp_ns: int) -> int:
    """Absolute microseconds of a clip-relative time."""
    return epoch_us(clip_id) + timestamp_ns // 1000


def key_frames(frames: Sequence[FrameRecord]) -> tuple[int, ...]:
    """Frame indices of the samples: the first capture, then one every half second.

    Captures that come between, at 10 Hz four of five, are sweeps.
    """
    keys: list[FrameRecord] = []
    for frame in frames:
        if not keys or frame.timestamp_ns - keys[-1].timestamp_ns >= KEY_PERIOD_NS:
            keys.append(frame)
    return tuple(frame.frame_index for frame in keys)
