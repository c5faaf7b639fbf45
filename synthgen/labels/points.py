"""Labels of points: class and track of LiDAR points, track of radar targets, points per object."""

from __future__ import annotations

from typing import Final

import numpy as np

from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.geometry.arrays import F64, I32, I64, U16
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.se3 import SE3
from synthgen.labels.columns import Columns
from synthgen.labels.scene_boxes import SceneBoxes

POINT_COLUMNS: Final = ("frame_index", "lidar", "semantic_tag", "track_id")
TARGET_COLUMNS: Final = ("frame_index", "radar", "track_id")
# A radar's target lies on the surface, so on a face of the box but for rounding and noise.
_SURFACE_M: Final = 0.1


def point_counts(
    point_track_id: U16 | None, points_m: F64, world_from_sensor: SE3, boxes: SceneBoxes
) -> I32:
    """Points on each object (N,): by the points' own ids, or inside its box without ids.

    Args:
        point_track_id: (P,) track of each point, or None.
        points_m: (P, 3), sensor frame.
        world_from_sensor: Pose the points are seen from.
        boxes: The N objects.
    """
    if point_track_id is None:
        return _points_in_boxes(points_m, boxes.world.moved(world_from_sensor.inverse()))
    highest = int(boxes.track_id[-1]) if len(boxes) else 0
    hits = np.bincount(point_track_id, minlength=highest + 1)
    return hits[boxes.track_id].astype(np.int32)


def label_points(sweep: LidarSweep, boxes: SceneBoxes) -> Columns:
    """The row of table points of one sweep.

    Class and track come from the sweep where the simulator gave them; else a point takes those
    of the smallest box it lies in, and 0 where it lies in none.
    """
    track_id, tag = sweep.track_id, sweep.semantic_tag
    if track_id is None:
        points_m = sweep.points_m.astype(np.float64)
        row = smallest_box(points_m, boxes.world.moved(sweep.world_from_lidar.inverse()))
        track_id = _owners(boxes)[row]
        if tag is None:
            # Row -1, in no box, is the 0 at the end.
            tag = np.array([*(info.semantic_tag for info in boxes.infos), 0], dtype=np.uint8)[row]
    return {
        "frame_index": np.array([sweep.frame_index], dtype=np.int32),
        "lidar": [sweep.name],
        "semantic_tag": [tag if tag is not None else np.zeros(len(sweep), dtype=np.uint8)],
        "track_id": [track_id],
    }


def label_targets(scan: RadarScan, boxes: SceneBoxes) -> Columns:
    """The row of table targets of one scan: the object that each target is a part of.

    It comes from the scan where the simulator gave it (CARLA's radar does not); else a target is
    of the smallest box that it lies in or on, and of none where it lies in none.
    """
    track_id = scan.track_id
    if track_id is None:
        in_radar = boxes.world.moved(scan.world_from_radar.inverse())
        track_id = _owners(boxes)[smallest_box(scan.points_m, in_radar, _SURFACE_M)]
    return {
        "frame_index": np.array([scan.frame_index], dtype=np.int32),
        "radar": [scan.name],
        "track_id": [track_id],
    }


def target_counts(targets: Columns, boxes: SceneBoxes) -> I32:
    """Targets on each object (N,), all radars of one capture together."""
    ids = [np.zeros(0, np.uint16), *(np.asarray(part) for part in targets["track_id"])]
    return np.bincount(np.concatenate(ids), minlength=65536)[boxes.track_id].astype(np.int32)


def _owners(boxes: SceneBoxes) -> U16:
    """Track ids (N + 1,) of the rows of `smallest_box`; the last is 0, for row -1."""
    return np.append(boxes.track_id, 0).astype(np.uint16)


def smallest_box(points_m: F64, boxes: Cuboids, margin_m: float = 0.0) -> I64:
    """Row (P,) of the smallest box, grown by a margin, that holds each point; -1 for none."""
    box, point = _pairs_inside(points_m, boxes, margin_m)
    largest_first = np.argsort(-np.prod(boxes.size_lwh_m, axis=1)[box], kind="stable")
    found = np.full(len(points_m), -1, dtype=np.int64)
    found[point[largest_first]] = box[largest_first]
    return found


def _points_in_boxes(points_m: F64, boxes: Cuboids) -> I32:
    """Number of points (P, 3) within each of N boxes of the same frame: (N,)."""
    box, _ = _pairs_inside(points_m, boxes, 0.0)
    return np.bincount(box, minlength=len(boxes)).astype(np.int32)


def _pairs_inside(points_m: F64, boxes: Cuboids, margin_m: float) -> tuple[I64, I64]:
    """Indices of boxes and points, pair by pair, of all points that lie in a grown box."""
    reach_m = np.linalg.norm(boxes.size_lwh_m / 2 + margin_m, axis=1)
    gap_x = np.abs(boxes.center_m[:, None, 0] - points_m[:, 0])
    gap_y = np.abs(boxes.center_m[:, None, 1] - points_m[:, 1])
    box, point = np.nonzero((gap_x <= reach_m[:, None]) & (gap_y <= reach_m[:, None]))
    offset_m = points_m[point] - boxes.center_m[box]
    local_m = np.einsum("pji,pj->pi", boxes.rotation[box], offset_m)
    is_inside = (np.abs(local_m) <= boxes.size_lwh_m[box] / 2 + margin_m).all(axis=1)
    return box[is_inside], point[is_inside]
