"""Repair of cuboids that a simulator states wrongly, and whence the repaired size comes.

CARLA has given two-wheelers of width 0 (issue 3670), boxes 250 m high (issue 5841) and walkers a
capsule that cuts the head off (issue 9610). In order: a table of published outer sizes, the
walker's own skeleton, the hull of the object's LiDAR points. What none of them can mend stays as
it is, and the invariants reject it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import as_file, files
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.skeleton import Skeleton
from synthgen.datatypes.strict_yaml import load_model
from synthgen.datatypes.taxonomy import Category, Taxonomy
from synthgen.geometry.arrays import F64, Bool

_HEAD_TOP_M: Final = 0.2  # crown above the joint of skull and spine, person of 1.75 m (ANSUR II)
_SOLE_M: Final = 0.08  # sole below the ankle joint, likewise
_FLESH_M: Final = 0.1  # limbs and trunk around their joints
_CUT_M: Final = 0.05  # joints this far above or below the box: it cuts the walker
_MIN_HITS: Final = 20
_UPRIGHT_BONES: Final = ("crl_Head__C", "crl_neck__C", "crl_hips__C", "crl_foot__L", "crl_foot__R")


@dataclass(frozen=True, slots=True)
class PublishedSize:
    """Outer size of the blueprints that match a pattern, and who says so."""

    pattern: str
    size_lwh_m: tuple[float, float, float]
    source: str


@cache
def published_sizes() -> tuple[PublishedSize, ...]:
    """The table that comes with the program, `configs/extents.yaml`."""
    with as_file(files("configs") / "extents.yaml") as path:
        document = load_model(path, _ExtentsFile)
    return tuple(PublishedSize(r.pattern, r.size_lwh_m, r.source) for r in document.sizes)


def faulty_dimensions(size_lwh_m: F64, category: Category) -> Bool:
    """Which of length, width and height (3,) cannot be: below half or above twice the range."""
    low, high = np.array(category.size_range_lwh_m).T
    return np.asarray(~np.isfinite(size_lwh_m) | (size_lwh_m < low / 2) | (size_lwh_m > 2 * high))


def repaired_objects(
    objects: Sequence[ObjectInfo],
    ticks: Sequence[ActorStates],
    sweeps: Iterable[tuple[ActorStates, LidarSweep]],
    *,
    taxonomy: Taxonomy,
    skeleton: Skeleton,
) -> tuple[ObjectInfo, ...]:
    """The objects, those with impossible sizes repaired; `extent_source` says from what.

    Args:
        objects: The objects table.
        ticks: All simulation steps; walkers' bones are taken from them.
        sweeps: Every sweep with the states of its tick; read only if something needs its points.
        taxonomy: Credible sizes.
        skeleton: Bone table.
    """
    mended = []
    unmended: dict[int, Bool] = {}
    for info in objects:
        fixed = _by_skeleton(info, ticks, skeleton) if info.category == "pedestrian" else info
        faulty = faulty_dimensions(fixed.size_lwh_m, taxonomy.category(info.category))
        if faulty.any():
            fixed = _by_table(fixed)
            faulty = faulty_dimensions(fixed.size_lwh_m, taxonomy.category(info.category))
        if faulty.any():
            unmended[info.track_id] = faulty
        mended.append(fixed)
    if not unmended:
        return tuple(mended)
    hulls = _lidar_hulls(sweeps, unmended)
    return tuple(
        _by_hull(info, unmended[info.track_id], hulls[info.track_id])
        if info.track_id in hulls
        else info
        for info in mended
    )


def _by_table(info: ObjectInfo) -> ObjectInfo:
    for row in published_sizes():
        if fnmatchcase(info.blueprint, row.pattern):
            size = np.array(row.size_lwh_m)
            center = np.array([info.box_center_m[0], info.box_center_m[1], size[2] / 2])
            return replace(info, size_lwh_m=size, box_center_m=center, extent_source="table")
    return info


def _by_skeleton(info: ObjectInfo, ticks: Sequence[ActorStates], skeleton: Skeleton) -> ObjectInfo:
    """The box around all joints at all ticks, if the stated box cuts head or feet."""
    joints = _joints_in_actor(info.track_id, ticks)
    if joints is None:
        return info
    upright = [skeleton.bone(name) for name in _UPRIGHT_BONES]
    heights_m = joints[:, upright, 2]
    scale = float(np.nanmax(heights_m) - np.nanmin(heights_m)) / 1.5  # head to ankle of an adult
    low_m = info.box_center_m[2] - info.size_lwh_m[2] / 2
    high_m = info.box_center_m[2] + info.size_lwh_m[2] / 2
    if np.nanmax(heights_m) <= high_m - _CUT_M * scale and np.nanmin(heights_m) >= low_m - _CUT_M:
        return info
    flat = joints[:, :, :2].reshape(-1, 2)
    low = np.append(np.nanmin(flat, axis=0) - _FLESH_M, np.nanmin(heights_m) - _SOLE_M * scale)
    high = np.append(np.nanmax(flat, axis=0) + _FLESH_M, np.nanmax(heights_m) + _HEAD_TOP_M * scale)
    return replace(
        info, size_lwh_m=high - low, box_center_m=(low + high) / 2, extent_source="skeleton"
    )


def _joints_in_actor(track_id: int, ticks: Sequence[ActorStates]) -> F64 | None:
    """All joints of a walker (T, B, 3) in its actor frame, or None without a skeleton."""
    found = []
    for states in ticks:
        row = states.row_of(track_id)
        if row is not None and track_id in states.bones_m:
            bones_m = states.bones_m[track_id].astype(np.float64)
            found.append(states.world_from_actor(row).inverse().apply(bones_m))
    joints = np.array(found)
    if not len(found) or np.isnan(joints).all():
        return None
    return joints


def _lidar_hulls(
    sweeps: Iterable[tuple[ActorStates, LidarSweep]], wanted: Mapping[int, Bool]
) -> dict[int, F64]:
    """Bounds (2, 3) in the actor frame of the LiDAR points of each wanted object."""
    points: dict[int, list[F64]] = {track_id: [] for track_id in wanted}
    for states, sweep in sweeps:
        if sweep.track_id is None:
            continue
        for track_id, parts in points.items():
            row = states.row_of(track_id)
            own = np.flatnonzero(sweep.track_id == track_id)
            if row is None or not len(own):
                continue
            world_m = sweep.world_from_lidar.apply(sweep.points_m[own].astype(np.float64))
            parts.append(states.world_from_actor(row).inverse().apply(world_m))
    clouds = {track_id: np.concatenate(parts) for track_id, parts in points.items() if parts}
    return {
        track_id: np.stack([cloud.min(axis=0), cloud.max(axis=0)])
        for track_id, cloud in clouds.items()
        if len(cloud) >= _MIN_HITS
    }


def _by_hull(info: ObjectInfo, faulty: Bool, bounds_m: F64) -> ObjectInfo:
    """Only what is impossible is replaced: points show the near sides alone."""
    size = np.where(faulty, bounds_m[1] - bounds_m[0], info.size_lwh_m)
    center = np.where(faulty, bounds_m.mean(axis=0), info.box_center_m)
    return replace(info, size_lwh_m=size, box_center_m=center, extent_source="lidar")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Size(_Strict):
    pattern: str
    size_lwh_m: tuple[float, float, float]
    source: str


class _ExtentsFile(_Strict):
    schema_: Literal["synthgen/extents@1"] = Field(alias="schema")
    sizes: list[_Size]
