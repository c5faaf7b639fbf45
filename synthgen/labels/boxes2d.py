"""2D labels of one image: visible and amodal box, occlusion, truncation, occluder, depth, mask.

The definitions are those of `docs/clip_format.md`, table boxes2d.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F32, F64, I32, I64, U8, Bool
from synthgen.geometry.camera import FisheyeCamera, Lens
from synthgen.geometry.cuboid import Cuboids
from synthgen.labels.columns import Columns, nullable
from synthgen.labels.kernels import hidden_pixels, hulls_in_image, visible_depths
from synthgen.labels.masks import Masks, masks_of
from synthgen.labels.outlines import outline_points, pixel_rays
from synthgen.labels.scene_boxes import SceneBoxes
from synthgen.labels.settings import LabelSettings

_SIDES: Final = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
BOXES2D_COLUMNS: Final = (
    "frame_index",
    "camera",
    "track_id",
    "category",
    *(f"visible_{side}" for side in _SIDES),
    "visible_px",
    *(f"amodal_{side}" for side in _SIDES),
    *(f"amodal_clipped_{side}" for side in _SIDES),
    "occluded_fraction",
    "truncated_fraction",
    "occluder_track_id",
    "occluder_tag",
    "depth_min_m",
    "depth_median_m",
    "distance_m",
    "mask_rle",
    "ignore",
    "ignore_reason",
)


@dataclass(frozen=True, eq=False, slots=True)
class Boxes2d:
    """2D labels of the M objects whose amodal box meets one image.

    Attributes:
        camera: Name of the camera.
        frame_index: Capture number.
        row: (M,) int64, row of each object in the frame's `SceneBoxes`.
        track_id: (M,) int32.
        visible_px: (M,) int32, pixels seen.
        visible_xyxy_px: (M, 4) float32; meaningless where `visible_px` is 0.
        amodal_xyxy_px: (M, 4) float32, bounds of the hull, beyond the image too.
        amodal_clipped_xyxy_px: (M, 4) float32, bounds of the hull within the image.
        hull_px: (M,) int32, pixel centres of the image in the hull.
        occluded_fraction: (M,) float32.
        truncated_fraction: (M,) float32.
        occluder_track_id: (M,) int32; 0 where none.
        occluder_tag: (M,) uint8; counts where something hides it and `occluder_track_id` is 0.
        depth_min_m: (M,) float32; meaningless where `has_depth` is False.
        depth_median_m: (M,) float32; likewise.
        has_depth: (M,) bool, some visible pixel has a depth.
        distance_m: (M,) float32, camera to box centre.
        mask_rle: M compressed COCO masks; empty text where nothing is seen.
    """

    camera: str
    frame_index: int
    row: I64
    track_id: I32
    visible_px: I32
    visible_xyxy_px: F32
    amodal_xyxy_px: F32
    amodal_clipped_xyxy_px: F32
    hull_px: I32
    occluded_fraction: F32
    truncated_fraction: F32
    occluder_track_id: I32
    occluder_tag: U8
    depth_min_m: F32
    depth_median_m: F32
    has_depth: Bool
    distance_m: F32
    mask_rle: tuple[str, ...]

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.track_id)

    def columns(self, categories: list[str], settings: LabelSettings) -> Columns:
        """The rows of table boxes2d; `categories` holds the category of each."""
        seen = self.visible_px > 0
        small = seen & (self.visible_px < settings.min_visible_px)
        by_track = self.occluder_track_id > 0
        by_tag = ~by_track & (self.occluded_fraction > 0)
        reasons: list[str | None] = [
            "hidden" if not is_seen else "small" if is_small else None
            for is_seen, is_small in zip(seen.tolist(), small.tolist(), strict=True)
        ]
        table: Columns = {
            "frame_index": np.full(len(self), self.frame_index, dtype=np.int32),
            "camera": [self.camera] * len(self),
            "track_id": self.track_id,
            "category": list(categories),
        }
        for side, name in enumerate(_SIDES):
            table[f"visible_{name}"] = nullable(self.visible_xyxy_px[:, side], seen)
        table["visible_px"] = self.visible_px
        for side, name in enumerate(_SIDES):
            table[f"amodal_{name}"] = self.amodal_xyxy_px[:, side]
        for side, name in enumerate(_SIDES):
            table[f"amodal_clipped_{name}"] = self.amodal_clipped_xyxy_px[:, side]
        return table | {
            "occluded_fraction": self.occluded_fraction,
            "truncated_fraction": self.truncated_fraction,
            "occluder_track_id": nullable(self.occluder_track_id, by_track),
            "occluder_tag": nullable(self.occluder_tag, by_tag),
            "depth_min_m": nullable(self.depth_min_m, self.has_depth),
            "depth_median_m": nullable(self.depth_median_m, self.has_depth),
            "distance_m": self.distance_m,
            "mask_rle": [text or None for text in self.mask_rle],
            "ignore": ~seen | small,
            "ignore_reason": reasons,
        }


def label_camera_frame(
    frame: CameraFrame, camera: Lens, boxes: SceneBoxes, settings: LabelSettings
) -> Boxes2d:
    """2D labels of every object in range, or seen, whose amodal box meets the image.

    Args:
        frame: Images of one camera; needs depth and instance, takes the tag of an occluder
            that is no object from semantic.
        camera: Its intrinsics.
        boxes: The objects at the same tick.
        settings: Near plane, margins and range.

    Raises:
        DatasetError: A needed channel is missing or not of the camera's size.
    """
    if frame.instance is None or frame.depth_cm is None:
        raise DatasetError(f"camera {frame.name}: 2D labels need depth and instance images")
    if frame.instance.shape != (camera.height_px, camera.width_px):
        raise DatasetError(
            f"camera {frame.name}: expected {camera.height_px} x {camera.width_px} pixels, "
            f"got {frame.instance.shape[0]} x {frame.instance.shape[1]}"
        )
    in_camera = boxes.world.moved(frame.world_from_camera.inverse())
    xy_px, is_point = outline_points(in_camera, camera, settings.near_plane_m)
    hull, hull_size, amodal, clipped, truncated = hulls_in_image(
        xy_px, is_point, camera.width_px, camera.height_px
    )
    masks = masks_of(frame.instance)
    row = np.flatnonzero(hull_size)
    distance_m = np.linalg.norm(in_camera.center_m[row], axis=1)
    is_shown = np.isin(boxes.track_id[row], masks.track_id)
    row = row[is_shown | (distance_m <= settings.range_m)]
    counts = _hidden_by(
        frame,
        camera,
        hull[row],
        hull_size[row],
        in_camera.select(row),
        boxes.track_id[row],
        settings,
    )
    if isinstance(camera, FisheyeCamera):
        # The hull of what lies behind the lens covers an image that no part of it is in.
        is_met = counts[0] > 0
        row, counts = row[is_met], counts[:, is_met]
    hull_px, hidden_px, by_track, by_tag = counts
    cuboids, track_id = in_camera.select(row), boxes.track_id[row]
    least_cm, twice_median_cm = _depths(frame, masks)
    mask, is_seen = _match(masks.track_id, track_id)
    texts = masks.coco_rle()
    return Boxes2d(
        camera=frame.name,
        frame_index=frame.frame_index,
        row=row,
        track_id=track_id,
        visible_px=_taken(masks.pixels, mask, is_seen).astype(np.int32),
        visible_xyxy_px=_taken(masks.xyxy_px, mask, is_seen).astype(np.float32),
        amodal_xyxy_px=amodal[row].astype(np.float32),
        amodal_clipped_xyxy_px=clipped[row].astype(np.float32),
        hull_px=hull_px.astype(np.int32),
        occluded_fraction=(hidden_px / np.maximum(hull_px, 1)).astype(np.float32),
        truncated_fraction=truncated[row].astype(np.float32),
        occluder_track_id=np.maximum(by_track, 0).astype(np.int32),
        occluder_tag=np.maximum(by_tag, 0).astype(np.uint8),
        depth_min_m=(_taken(least_cm, mask, is_seen) / 100).astype(np.float32),
        depth_median_m=(_taken(twice_median_cm, mask, is_seen) / 200).astype(np.float32),
        has_depth=is_seen & (_taken(least_cm, mask, is_seen) >= 0),
        distance_m=np.linalg.norm(cuboids.center_m, axis=1).astype(np.float32),
        mask_rle=tuple(
            texts[index] if seen else ""
            for index, seen in zip(mask.tolist(), is_seen.tolist(), strict=True)
        ),
    )


def _hidden_by(
    frame: CameraFrame,
    camera: Lens,
    hull: F64,
    hull_size: I64,
    cuboids: Cuboids,
    track_id: I32,
    settings: LabelSettings,
) -> I64:
    """`hidden_pixels` of the objects in the image, (4, N)."""
    tags = frame.semantic
    if tags is None:
        tags = np.broadcast_to(np.uint8(0), (camera.height_px, camera.width_px))
    counts = hidden_pixels(
        hull,
        hull_size,
        cuboids.rotation,
        cuboids.center_m,
        cuboids.size_lwh_m,
        track_id,
        *pixel_rays(camera),
        frame.instance,
        frame.depth_cm,
        isinstance(camera, FisheyeCamera),
        tags,
        settings.occlusion_margin_m,
    )
    return np.stack(counts)


def _depths(frame: CameraFrame, masks: Masks) -> tuple[I64, I64]:
    """Least and twice the median depth of each mask, centimetres; -1 where none."""
    highest = int(masks.track_id[-1]) if len(masks.track_id) else 0
    pixels = np.zeros(highest + 1, dtype=np.int64)
    pixels[masks.track_id] = masks.pixels
    least_cm, twice_median_cm = visible_depths(frame.instance, frame.depth_cm, pixels)
    return least_cm[masks.track_id], twice_median_cm[masks.track_id]


def _match(known: I64, wanted: I32) -> tuple[I64, Bool]:
    """Index in the ascending `known` of each of `wanted`, and whether it is there."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    index = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return index, known[index] == wanted


def _taken(values: I64, index: I64, is_there: Bool) -> I64:
    """`values[index]`, 0 where not there."""
    if not len(values):
        return np.zeros((len(index), *values.shape[1:]), dtype=np.int64)
    keep = is_there.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(keep, values[index], 0)
