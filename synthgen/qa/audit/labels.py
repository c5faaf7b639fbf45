"""The labels of a recording as columns: one row is one 3D box of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synthgen.datatypes.actors import ObjectInfo
from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.geometry.rotations import rotation_from_quat, yaw_of
from synthgen.store.clip_reader import ClipReader
from synthgen.store.tables import pose_names

NO_BOX: Final = np.nan


@dataclass(frozen=True, eq=False, slots=True)
class Labels:
    """N boxes.

    Attributes:
        frame: (N,) position in `times_s`.
        track: (N,) track id, or None where the format has no tracks.
        category: (N,) str.
        model: (N,) str, the blueprint of the actor log, `.seated` added where the object sits in a
            wheelchair; empty where there is no log.
        logged: (N,) str, the category of that actor in the log; empty without one.
        center_m: (N, 3) in the frame of the recording platform (`ego`, or the box frame).
        rotation: (N, 3, 3), box axes in that frame.
        size_lwh_m: (N, 3).
        world_m: (N, 3) centre in a frame that does not move, or in the platform's if unknown.
        world_yaw_rad: (N,) heading in that frame.
        occluded: (N,) stated share of the silhouette that is hidden; NaN unknown.
        truncated: (N,) stated share outside the image; NaN unknown.
        claimed_px: (N,) pixels that the labels claim to see, 0 where none or unknown.
        claimed_points: (N,) LiDAR points that they claim.
        parent: (N,) track id of the cycle under a rider, or 0.
        has_open_door: (N,) stated to have a door open, which reaches out of the box.
        image_xyxy_px: (N, C, 4) visible box per camera; NaN where none.
        times_s: (F,) time of each frame.
        is_static_frame: True where `world_m` does not move with the platform.
        projected_xyxy_px: (N, C, 4) bounds of the 3D box in each image, for data without instance
            images, or None.
        mirror_gain: (N,) by how much the image box of an object in full view would overlap the
            box's projection more with its yaw reversed; NaN where unknown, None without such data.
    """

    frame: I64
    track: I64 | None
    category: NDArray[np.str_]
    model: NDArray[np.str_]
    logged: NDArray[np.str_]
    center_m: F64
    rotation: F64
    size_lwh_m: F64
    world_m: F64
    world_yaw_rad: F64
    occluded: F64
    truncated: F64
    claimed_px: F64
    claimed_points: F64
    parent: I64
    has_open_door: Bool
    image_xyxy_px: F64
    times_s: F64
    is_static_frame: bool
    projected_xyxy_px: F64 | None = None
    mirror_gain: F64 | None = None

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.frame)

    def take(self, rows: I64 | Bool) -> Labels:
        """Some of the boxes, in that order."""
        changes: dict[str, Any] = {
            name: getattr(self, name)[rows] for name in _COLUMNS if getattr(self, name) is not None
        }
        return replace(self, **changes)

    def joined(self, other: Labels) -> Labels:
        """These boxes and then the others."""
        changes: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in _COLUMNS
            if getattr(self, name) is not None
        }
        return replace(self, **changes)

    def at_times(self, times_s: F64) -> Labels:
        """The same boxes, with the time of every frame."""
        return replace(self, times_s=times_s)

    def with_claims(self, claimed_points: F64) -> Labels:
        """The same boxes, with the LiDAR points that each must have."""
        return replace(self, claimed_points=claimed_points)


_COLUMNS: Final = (
    *(
        "frame",
        "track",
        "category",
        "model",
        "logged",
        "center_m",
        "rotation",
        "size_lwh_m",
        "world_m",
    ),
    *("world_yaw_rad", "occluded", "truncated", "claimed_px", "claimed_points", "parent"),
    *("has_open_door", "image_xyxy_px", "projected_xyxy_px", "mirror_gain"),
)
_EDGES: Final = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")


def clip_labels(clip: ClipReader) -> Labels:
    """The 3D boxes of a clip with the 2D boxes that belong to them.

    Raises:
        DatasetError: A table cannot be read.
    """
    boxes = clip.label_table("boxes3d")
    column = {name: boxes[name].to_numpy(zero_copy_only=False) for name in boxes.column_names}
    pose = np.stack([column[name] for name in pose_names("ego_from_box")], axis=1)
    frames = {item.frame_index: i for i, item in enumerate(clip.frames)}
    frame = np.array([frames[i] for i in column["frame_index"].tolist()], dtype=np.int64)
    rotation = rotation_from_quat(pose[:, 3:])
    world_rotation = np.stack([f.world_from_ego.rotation for f in clip.frames])[frame]
    world_origin = np.stack([f.world_from_ego.translation_m for f in clip.frames])[frame]
    model = {item.track_id: model_of(item) for item in clip.objects}
    logged = {item.track_id: item.category for item in clip.objects}
    cameras = [sensor.name for sensor in clip.calibration.of_modality("camera")]
    image, claims = _image_boxes(clip, cameras, column["frame_index"], column["track_id"])
    parent = np.nan_to_num(column["parent_track_id"].astype(np.float64)).astype(np.int64)
    return Labels(
        frame=frame,
        track=column["track_id"].astype(np.int64),
        category=column["category"].astype(np.str_),
        model=np.array([model.get(t, "") for t in column["track_id"].tolist()], dtype=np.str_),
        logged=np.array([logged.get(t, "") for t in column["track_id"].tolist()], dtype=np.str_),
        center_m=pose[:, :3],
        rotation=rotation,
        size_lwh_m=np.stack([column[f"{side}_m"] for side in ("length", "width", "height")], 1),
        world_m=np.einsum("nij,nj->ni", world_rotation, pose[:, :3]) + world_origin,
        world_yaw_rad=yaw_of(world_rotation @ rotation),
        occluded=claims[:, 0],
        truncated=claims[:, 1],
        claimed_px=claims[:, 2],
        claimed_points=column["lidar_points"].astype(np.float64),
        parent=parent,
        has_open_door=_open_doors(clip, column["frame_index"], column["track_id"]),
        image_xyxy_px=image,
        times_s=np.array([item.timestamp_ns * 1e-9 for item in clip.frames]),
        is_static_frame=True,
    )


def model_of(item: ObjectInfo) -> str:
    """The blueprint, told apart by what changes an object's size."""
    # Walkers of CARLA that may use a wheelchair sit in it where this attribute says so.
    is_seated = item.attributes.get("use_wheelchair") == "true"
    return f"{item.blueprint}.seated" if is_seated else item.blueprint


def _image_boxes(
    clip: ClipReader, cameras: Sequence[str], frame_index: I64, track_id: I64
) -> tuple[F64, F64]:
    """(N, C, 4) visible boxes, and (N, 3) least hidden, least truncated share and pixels seen."""
    row_of = {
        key: i for i, key in enumerate(zip(frame_index.tolist(), track_id.tolist(), strict=True))
    }
    image = np.full((len(frame_index), len(cameras), 4), NO_BOX)
    claims = np.tile([np.nan, np.nan, 0.0], (len(frame_index), 1))
    number = {name: i for i, name in enumerate(cameras)}
    names = ["frame_index", "track_id", "camera", *(f"visible_{edge}" for edge in _EDGES)]
    names += ["occluded_fraction", "truncated_fraction", "visible_px", "ignore"]
    table = clip.label_table("boxes2d").select(names).to_pylist()
    for row in table:
        i = row_of.get((row["frame_index"], row["track_id"]))
        if i is None or row["visible_x_min_px"] is None or row["ignore"]:
            continue
        image[i, number[row["camera"]]] = [row[f"visible_{edge}"] for edge in _EDGES]
        if row["visible_px"] > claims[i, 2]:
            claims[i] = row["occluded_fraction"], row["truncated_fraction"], row["visible_px"]
    return image, claims


def _open_doors(clip: ClipReader, frame_index: I64, track_id: I64) -> Bool:
    """(N,) boxes of vehicles with a door open."""
    table = clip.label_table("tracks").select(["frame_index", "track_id", "open_doors"])
    frame, track, doors = (column.to_numpy(zero_copy_only=False) for column in table.columns)
    is_open = np.nan_to_num(doors.astype(np.float64)) > 0
    opened = set(zip(frame[is_open].tolist(), track[is_open].tolist(), strict=True))
    keys = zip(frame_index.tolist(), track_id.tolist(), strict=True)
    return np.array([key in opened for key in keys], dtype=np.bool_)


def turns(yaw_rad: F64) -> F64:
    """Rotation matrices (N, 3, 3) about z."""
    return rotation_from_quat(
        np.stack([np.cos(yaw_rad / 2), 0 * yaw_rad, 0 * yaw_rad, np.sin(yaw_rad / 2)], axis=1)
    )


def overlaps(box: F64, others: F64) -> F64:
    """(n,) intersection over union of one image box, or of n, with (n, 4) others."""
    low = np.maximum(box[..., :2], others[:, :2])
    high = np.minimum(box[..., 2:], others[:, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=1)
    area = np.prod(box[..., 2:] - box[..., :2], axis=-1) + np.prod(
        others[:, 2:] - others[:, :2], axis=1
    )
    return np.asarray(both / np.maximum(area - both, 1e-9))
