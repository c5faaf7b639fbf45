"""Rows of `sample_annotation` and `instance`: 3D boxes at key frames, in the global frame.

Translation is the centre of the box, size is width, length, height, rotation w, x, y, z with the
box's x ahead. `num_lidar_pts` counts the points of the exported sweep of the reference LiDAR
within the box, `num_radar_pts` those of all radars, as nuScenes does: they may differ from the
label's counts, which go by the points' own ids. Velocity is not stored: the devkit takes the
difference of the positions one sample before and after. An object that leaves the labels' range
and comes back stays one instance; across such a gap of more than 1.5 s the devkit gives none.
Visibility is the label's share over all cameras, in nuScenes' four bins. Attributes follow the
activity; a cycle is ridden unless it is parked.

Cannot express: boxes between key frames, occluders, 2D boxes, keypoints, exact visibility.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from exporters.nuscenes.tables import chained
from exporters.nuscenes.tokens import token
from synthgen.geometry.arrays import I64
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.rotations import quat_from_rotation, rotation_from_quat
from synthgen.geometry.se3 import SE3
from synthgen.store.tables import pose_names

Row = dict[str, Any]

_VISIBILITY_EDGES: Final = (0.4, 0.6, 0.8)
_CYCLES: Final = ("vehicle.bicycle", "vehicle.motorcycle")


@dataclass(frozen=True, eq=False, slots=True)
class KeyBoxes:
    """The labelled boxes of one sample.

    Attributes:
        frame_index: Capture number.
        names: nuScenes category of each.
        labels: Their rows of boxes3d.
        boxes: Themselves, global frame.
    """

    frame_index: int
    names: tuple[str, ...]
    labels: tuple[Row, ...]
    boxes: Cuboids


def key_boxes(
    named_rows: Sequence[tuple[str, Row]], global_from_actor: Mapping[int, SE3]
) -> dict[int, KeyBoxes]:
    """The boxes of each sample by frame index.

    Args:
        named_rows: nuScenes category and row of boxes3d, any frames.
        global_from_actor: Frame index of each sample -> pose of our ego frame (actor origin).
    """
    by_frame: defaultdict[int, list[tuple[str, Row]]] = defaultdict(list)
    for name, row in named_rows:
        by_frame[row["frame_index"]].append((name, row))
    return {
        frame_index: _key_boxes(frame_index, by_frame[frame_index], pose)
        for frame_index, pose in global_from_actor.items()
    }


def _key_boxes(frame_index: int, named: list[tuple[str, Row]], pose: SE3) -> KeyBoxes:
    columns = (*pose_names("ego_from_box"), "length_m", "width_m", "height_m")
    values = np.array([[row[column] for column in columns] for _, row in named])
    position_m, quat, size_m = np.split(values.reshape(-1, len(columns)), [3, 7], axis=1)
    boxes = Cuboids(rotation_from_quat(quat), position_m, size_m).moved(pose)
    names, rows = tuple(name for name, _ in named), tuple(row for _, row in named)
    return KeyBoxes(frame_index, names, rows, boxes)


def annotation_rows(
    clip_id: str,
    samples: Sequence[KeyBoxes],
    lidar_counts: Mapping[int, I64],
    radar_counts: Mapping[int, I64],
) -> tuple[list[Row], list[Row]]:
    """Rows of `sample_annotation`, chained along each object, and of `instance`.

    Args:
        clip_id: Of the clip.
        samples: In time order.
        lidar_counts: Frame index -> points in each box.
        radar_counts: The same of all radars together.
    """
    chains: defaultdict[int, list[Row]] = defaultdict(list)
    category_of: dict[int, str] = {}
    rows: list[Row] = []
    for sample in samples:
        quats = quat_from_rotation(sample.boxes.rotation).tolist()
        for index, label in enumerate(sample.labels):
            track_id, name = label["track_id"], sample.names[index]
            row = _annotation_row(clip_id, sample, index, quats[index])
            row["num_lidar_pts"] = int(lidar_counts[sample.frame_index][index])
            row["num_radar_pts"] = int(radar_counts[sample.frame_index][index])
            chains[track_id].append(row)
            category_of[track_id] = name
            rows.append(row)
    instances = [
        {
            "token": token("instance", clip_id, track_id),
            "category_token": token("category", category_of[track_id]),
            "nbr_annotations": len(chain),
            "first_annotation_token": chain[0]["token"],
            "last_annotation_token": chain[-1]["token"],
        }
        for track_id, chain in sorted(chains.items())
    ]
    for chain in chains.values():
        chained(chain)
    return rows, instances


def _annotation_row(clip_id: str, sample: KeyBoxes, index: int, quat_wxyz: Sequence[float]) -> Row:
    label = sample.labels[index]
    length, width, height = sample.boxes.size_lwh_m[index].tolist()
    attribute = attribute_of(sample.names[index], label["activity"])
    return {
        "token": token("sample_annotation", clip_id, sample.frame_index, label["track_id"]),
        "sample_token": token("sample", clip_id, sample.frame_index),
        "instance_token": token("instance", clip_id, label["track_id"]),
        "visibility_token": visibility_token(label["visible_fraction"]),
        "attribute_tokens": [] if attribute is None else [token("attribute", attribute)],
        "translation": sample.boxes.center_m[index].tolist(),
        "size": [width, length, height],
        "rotation": quat_wxyz,
        "prev": "",
        "next": "",
        "num_lidar_pts": 0,
        "num_radar_pts": 0,
    }


def visibility_token(visible_fraction: float | None) -> str:
    """`1` (below 40 %) to `4` (80 % and more); unknown, for want of cameras, is `1`."""
    share = visible_fraction or 0.0
    return str(1 + sum(share >= edge for edge in _VISIBILITY_EDGES))


def attribute_of(category: str, activity: str) -> str | None:
    """The attribute that nuScenes allows for a category, or None."""
    if category in _CYCLES:
        return "cycle.without_rider" if activity == "parked" else "cycle.with_rider"
    if category.startswith("vehicle."):
        return "vehicle.stopped" if activity == "waiting" else f"vehicle.{activity}"
    if category.startswith("human.pedestrian."):
        return "pedestrian.standing" if activity in ("standing", "waiting") else "pedestrian.moving"
    return None
