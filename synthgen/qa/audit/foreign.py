"""Recordings in other formats, real ones above all: labels and what evidence their files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from synthgen.datatypes.labelled_frame import IGNORE, LabelledFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, Bool
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.rotations import yaw_of
from synthgen.qa.audit.evidence import Blobs, no_blobs
from synthgen.qa.audit.labels import Labels, overlaps, turns
from synthgen.qa.sound import BrokenBox, summary
from synthgen.qa.sources import fault_line, open_source, read_sweep

_OCCLUSION_OF_LEVEL: Final = {0: 0.0, 1: 0.5, 2: 0.8}
_TRUNCATION_OF_LEVEL: Final = {0: 0.0, 1: 0.3, 2: 0.8}
# An object in full view nearer than this returns points to any LiDAR in use on cars.
_SURE_RANGE_M: Final = 35.0
_SURE_POINTS: Final = 10.0
_NEAR_PLANE_M: Final = 0.3
_FRAME_S: Final = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """One sequence of a foreign data set.

    Attributes:
        name: Of the sequence.
        frames: Its frames, in order.
        labels: Their boxes.
        blobs: None; images without instances and sweeps without ids cannot be grouped.
        hits: (N,) LiDAR points within each box, NaN where there is no sweep.
        broken: Labels whose numbers are no box; `labels` are without them.
    """

    name: str
    frames: tuple[LabelledFrame, ...]
    labels: Labels
    blobs: Blobs
    hits: F64
    broken: tuple[BrokenBox, ...] = ()


def read_recordings(path: Path, problems: list[str]) -> Iterator[Recording]:
    """Recordings of a foreign data set, one after another.

    Args:
        path: A data set of any format that `synthgen compare` reads.
        problems: Takes a line for each file that cannot be read; its evidence is left out.

    Raises:
        DatasetError: The folder is of no known format, holds no frame or no 3D box.
    """
    source = open_source(path)
    problems += source.problems
    if all(np.isnan(frame.boxes.centre_m).all() for frame in source.frames):
        told = f"; {summary(source.broken, 0)}" if source.broken else ""
        raise DatasetError(
            f"{path}: {source.kind}: holds no 3D box, which is what an audit judges{told}"
        )
    for name, frames in groupby(source.frames, key=lambda frame: frame.sequence):
        own = recording_of(name, tuple(frames), problems)
        yield replace(own, broken=_placed(own, source.broken))


def _placed(recording: Recording, broken: Sequence[BrokenBox]) -> tuple[BrokenBox, ...]:
    """The broken labels of a recording, their frames counted as its own are."""
    number = {frame.frame_index: i for i, frame in enumerate(recording.frames)}
    return tuple(
        replace(box, frame_index=number[box.frame_index])
        for box in broken
        if box.sequence == recording.name
    )


def recording_of(name: str, frames: tuple[LabelledFrame, ...], problems: list[str]) -> Recording:
    """Labels of one sequence, and the points of its sweeps within each box."""
    parts = [_frame_labels(frame, number) for number, frame in enumerate(frames)]
    stamps = [frame.timestamp_ns for frame in frames]
    times_s = np.array(
        [i * _FRAME_S if stamp is None else stamp * 1e-9 for i, stamp in enumerate(stamps)]
    )
    is_placed = all(frame.world_from_boxes is not None for frame in frames)
    labels = replace(_joined(parts, times_s), is_static_frame=is_placed)
    hits = np.concatenate(
        [_points_in_boxes(frame, part, problems) for frame, part in zip(frames, parts, strict=True)]
    )
    known = ~np.isnan(hits) & (labels.occluded == 0) & (labels.truncated < 0.1)
    sure = known & (np.linalg.norm(labels.center_m, axis=1) < _SURE_RANGE_M)
    claimed = np.where(sure, _SURE_POINTS, 0.0)
    labels = labels.with_claims(claimed)
    return Recording(name, frames, labels, no_blobs(len(frames)), hits)


def _joined(parts: Sequence[Labels], times_s: F64) -> Labels:
    labels = parts[0]
    for part in parts[1:]:
        labels = labels.joined(part)
    return labels.at_times(times_s)


def _frame_labels(frame: LabelledFrame, number: int) -> Labels:
    boxes = frame.boxes
    keep = (boxes.category != IGNORE) & ~np.isnan(boxes.centre_m).any(axis=1)
    count = int(keep.sum())
    unknown = np.full(count, np.nan)
    occluded = unknown if boxes.occluded is None else boxes.occluded[keep]
    truncated = unknown if boxes.truncated is None else boxes.truncated[keep]
    if boxes.occluded_kind == "level":
        occluded = np.array([_OCCLUSION_OF_LEVEL.get(v, np.nan) for v in occluded.tolist()])
    if boxes.truncated_kind == "level":
        truncated = np.array([_TRUNCATION_OF_LEVEL.get(v, np.nan) for v in truncated.tolist()])
    image = unknown[:, None, None] * np.ones((1, 1, 4))
    if boxes.xyxy_px is not None:
        image = boxes.xyxy_px[keep][:, None]
    empty = np.full(count, "", dtype=np.str_)
    yaw = boxes.yaw_rad[keep]
    rotation = turns(yaw)
    centre_m = boxes.centre_m[keep].astype(np.float64)
    size_m = boxes.size_lwh_m[keep].astype(np.float64)
    projected, mirrored = (
        _projections(frame, Cuboids(turned, centre_m, size_m)) for turned in (rotation, turns(-yaw))
    )
    world = frame.world_from_boxes
    return Labels(
        frame=np.full(count, number, dtype=np.int64),
        track=None if boxes.track_id is None else boxes.track_id[keep],
        category=boxes.category[keep],
        model=empty,
        logged=empty,
        center_m=centre_m,
        rotation=rotation,
        size_lwh_m=size_m,
        world_m=centre_m if world is None else world.apply(centre_m),
        world_yaw_rad=yaw.astype(np.float64) + (0.0 if world is None else yaw_of(world.rotation)),
        occluded=occluded,
        truncated=truncated,
        claimed_px=np.zeros(count),
        claimed_points=np.zeros(count),
        parent=np.zeros(count, dtype=np.int64),
        has_open_door=np.zeros(count, dtype=np.bool_),
        image_xyxy_px=image.astype(np.float64),
        times_s=np.zeros(1),
        is_static_frame=False,
        projected_xyxy_px=projected,
        mirror_gain=_mirror_gain(image, projected, mirrored, (occluded == 0) & (truncated < 0.1)),
    )


def _mirror_gain(image: F64, projected: F64, mirrored: F64, is_free: Bool) -> F64:
    gain = overlaps(image[:, 0], mirrored[:, 0]) - overlaps(image[:, 0], projected[:, 0])
    return np.where(is_free, gain, np.nan)


def _projections(frame: LabelledFrame, boxes: Cuboids) -> F64:
    """(N, 1, 4) bounds of boxes in the image; NaN where one reaches behind the camera."""
    bounds = np.full((len(boxes), 1, 4), np.nan)
    if frame.camera_matrix is None or frame.camera_from_boxes is None or not len(boxes):
        return bounds
    corners = boxes.moved(frame.camera_from_boxes).corners_m
    ahead = (corners[..., 2] > _NEAR_PLANE_M).all(axis=1)
    image = corners[ahead] @ frame.camera_matrix.T
    xy_px = image[..., :2] / image[..., 2:]
    if frame.image_size_wh is not None:
        xy_px = np.clip(xy_px, 0, frame.image_size_wh)
    bounds[ahead, 0] = np.concatenate([xy_px.min(axis=1), xy_px.max(axis=1)], axis=1)
    return bounds


def _points_in_boxes(frame: LabelledFrame, labels: Labels, problems: list[str]) -> F64:
    """(N,) points of the sweep within each box, NaN without a sweep that can be read."""
    if frame.lidar is None or frame.lidar_from_boxes is None:
        return np.full(len(labels), np.nan)
    try:
        points_m, _intensity = read_sweep(frame.lidar)
    except (OSError, DatasetError, pa.ArrowException) as err:
        problems.append(fault_line(frame.lidar, err))
        return np.full(len(labels), np.nan)
    points_m = frame.lidar_from_boxes.inverse().apply(points_m)
    boxes = Cuboids(labels.rotation, labels.center_m, labels.size_lwh_m)
    return np.array(
        [np.count_nonzero(boxes[i].contains(points_m, 0.1)) for i in range(len(boxes))],
        dtype=np.float64,
    )
