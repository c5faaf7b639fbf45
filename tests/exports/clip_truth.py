"""What a clip says, in the few words in which exports are compared with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.store.clip_reader import ClipReader

Key = tuple[int, int]  # frame index, track id
EDGES = ("x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True, slots=True)
class WorldBox:
    """A cuboid in the world: centre and size in metres, heading in radians."""

    center_m: Sequence[float]
    yaw_rad: float
    size_lwh_m: Sequence[float]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far what was read back is from the clip, at most."""

    missing: frozenset[Key]
    extra: frozenset[Key]
    position_m: float
    yaw_rad: float
    size_m: float


def world_boxes(clip: ClipReader) -> dict[Key, WorldBox]:
    """Every labelled object of every capture, from the table that keeps them in the world."""
    return {
        (row["frame_index"], row["track_id"]): WorldBox(
            [row["x_m"], row["y_m"], row["z_m"]],
            row["yaw_rad"],
            [row["length_m"], row["width_m"], row["height_m"]],
        )
        for row in clip.label_table("tracks").to_pylist()
    }


def difference(found: Mapping[Key, WorldBox], truth: Mapping[Key, WorldBox]) -> Difference:
    """The greatest differences between boxes of the same frame and track."""
    both = sorted(found.keys() & truth.keys())
    pairs = [(found[key], truth[key]) for key in both]
    return Difference(
        missing=frozenset(truth.keys() - found.keys()),
        extra=frozenset(found.keys() - truth.keys()),
        position_m=_greatest(math.dist(a.center_m, b.center_m) for a, b in pairs),
        yaw_rad=_greatest(abs(math.remainder(a.yaw_rad - b.yaw_rad, math.tau)) for a, b in pairs),
        size_m=_greatest(np.abs(np.subtract(a.size_lwh_m, b.size_lwh_m)).max() for a, b in pairs),
    )


def assert_same(found: Mapping[Key, WorldBox], truth: Mapping[Key, WorldBox]) -> None:
    """The project's bar: 1 mm, 1e-4 rad, ids one to one."""
    differs = difference(found, truth)
    assert differs.missing == differs.extra == frozenset()
    assert len(truth) > 100
    assert differs.position_m < 1e-3
    assert differs.yaw_rad < 1e-4
    assert differs.size_m < 1e-3


def _greatest(values: Iterable[float]) -> float:
    return float(max(values, default=math.inf))


def boxes2d(clip: ClipReader, kind: str = "visible") -> dict[tuple[str, int, int], list[float]]:
    """Corners of the boxes by camera, frame index and track id; visible ones need a pixel."""
    return {
        (row["camera"], row["frame_index"], row["track_id"]): [
            row[f"{kind}_{edge}_px"] for edge in EDGES
        ]
        for row in clip.label_table("boxes2d").to_pylist()
        if kind != "visible" or row["visible_px"] > 0
    }


def greatest_box_difference(
    found: Mapping[Any, Sequence[float]], truth: Mapping[Any, Sequence[float]]
) -> float:
    """Pixels between corners of the same box; infinite unless the boxes are the same ones."""
    if found.keys() != truth.keys() or not truth:
        return math.inf
    return float(max(np.abs(np.subtract(found[key], truth[key])).max() for key in truth))


def rotation_of(quat_xyzw: Sequence[float]) -> np.ndarray:
    """(3, 3) rotation, by Shepperd's product form: none of the project's own code."""
    x, y, z, w = quat_xyzw
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def matrix_of(translation: Sequence[float], quat_xyzw: Sequence[float]) -> np.ndarray:
    """(4, 4) homogeneous transform."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_of(quat_xyzw)
    matrix[:3, 3] = translation
    return matrix


def yaw_of(matrix: np.ndarray) -> float:
    """Heading of the x axis."""
    return math.atan2(matrix[1, 0], matrix[0, 0])
