"""Labelled frames of two data sets to tables that may be compared.

Formats differ in what they label and how; a classifier would find the file format first. So both
sides get one class list, one camera (the coarser focal length, the smaller field of view), one
label policy and one rounding, and boxes are measured from the camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.geometry.arrays import F64, I64
from synthgen.qa.box_table import RawBoxes, box_table, frame_table
from synthgen.qa.dry_run import NEAR_M as NEAREST_M
from synthgen.qa.dry_run import lost_share, project
from synthgen.qa.policy import Policy, occlusion_level, truncation_level
from synthgen.qa.profile import View
from synthgen.qa.tables import CLASSES, Table
from synthgen.qa.track_table import track_table

# Our category (configs/taxonomy.yaml) to the class compared; all others are left out.
COMPARED: Final = {
    "car": "car",
    "van": "van",
    "truck": "truck",
    "bus": "bus",
    "pedestrian": "pedestrian",
    "motorcycle": "cyclist",
    "bicycle": "cyclist",
}
# Classes that a format cannot express, and where their objects go on both sides.
MERGED: Final[dict[str, dict[str, str]]] = {
    "kitti-object": {"bus": "truck"},
    "kitti-tracking": {"bus": "truck"},
    "nuscenes": {"van": "car"},
    "argoverse2": {"van": "car"},
    "coco": {"van": "car"},
}
BLOCKS: Final = 20
MOST_SEQUENCES: Final = 200
NEAR_M: Final = 25.0


@dataclass(frozen=True, eq=False, slots=True)
class Canonical:
    """One data set as tables.

    Attributes:
        boxes: Boxes that the policy keeps.
        frames: All frames.
        tracks: Tracks of the kept boxes; None without tracks.
        frame_names: (sequence, frame index) of each row of `frames`.
        mount_height_m: Camera above the road, as the near boxes stand; None where unknown.
        notes: What was done or assumed.
    """

    boxes: Table
    frames: Table
    tracks: Table | None
    frame_names: tuple[tuple[str, int], ...]
    mount_height_m: float | None
    notes: tuple[str, ...]


def view_of(frames: Sequence[LabelledFrame]) -> View | None:
    """The camera of most frames, or None where no frame has one."""
    found: dict[tuple[float, ...], int] = {}
    for frame in frames:
        matrix = frame.camera_matrix
        if matrix is None:
            if frame.image_size_wh is None:
                continue
            width, height = frame.image_size_wh
            matrix = _assumed_matrix(width, height)
        focal, centre_x, centre_y = float(matrix[0, 0]), float(matrix[0, 2]), float(matrix[1, 2])
        width, height = frame.image_size_wh or (round(2 * centre_x), round(2 * centre_y))
        key = (width, height, focal, centre_x, centre_y)
        found[key] = found.get(key, 0) + 1
    if not found:
        return None
    wide, high, focal, centre_x, centre_y = max(found, key=lambda k: (found[k], k))
    return View(
        width_px=int(wide), height_px=int(high), focal_px=focal, centre_x_px=centre_x,
        centre_y_px=centre_y,
    )  # fmt: skip


def _assumed_matrix(width: int, height: int) -> F64:
    """Intrinsics of an image that tells none: a field of view of 53 degrees, in the middle."""
    return np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]])


def common_view(a: View | None, b: View | None) -> View | None:
    """The camera that both can be brought to: coarser pixels, smaller field of view."""
    if a is None or b is None:
        return None
    focal = min(a.focal_px, b.focal_px)
    left = min(v.centre_x_px / v.focal_px for v in (a, b)) * focal
    right = min((v.width_px - v.centre_x_px) / v.focal_px for v in (a, b)) * focal
    top = min(v.centre_y_px / v.focal_px for v in (a, b)) * focal
    bottom = min((v.height_px - v.centre_y_px) / v.focal_px for v in (a, b)) * focal
    return View(
        width_px=round(left + right), height_px=round(top + bottom), focal_px=focal,
        centre_x_px=left, centre_y_px=top,
    )  # fmt: skip


def vocabulary(kinds: Sequence[str]) -> dict[str, int]:
    """Our category to the number of the class compared, for data sets of these kinds."""
    moved: dict[str, str] = {}
    for kind in kinds:
        moved.update(MERGED.get(kind, {}))

    def end(name: str) -> str:
        while name in moved:
            name = moved[name]
        return name

    return {ours: CLASSES.index(end(name)) for ours, name in COMPARED.items()}


def canonical(
    frames: Sequence[LabelledFrame],
    *,
    view: View | None,
    policy: Policy,
    classes: dict[str, int],
    level_mount: bool = True,
) -> Canonical:
    """Tables of a data set.

    Args:
        frames: In order of sequence and time.
        view: Camera to bring the boxes to; None leaves pixels out.
        policy: Which boxes count.
        classes: From `vocabulary`.
        level_mount: Measure heights from the road instead of from the camera.
    """
    names, frame_sequence, notes = sequences_of(frames)
    parts = [_boxes(frame, i, view, classes) for i, frame in enumerate(frames)]
    raw = RawBoxes(*(np.concatenate([getattr(p, n) for p in parts]) for n in RawBoxes.__slots__))
    raw = raw.rows(policy.keeps(raw))
    boxes = box_table(raw, frame_sequence, names, view)
    near = boxes["bottom_m"][boxes["range_m"] < NEAR_M]
    mount = -float(np.nanmedian(near)) if np.isfinite(near).any() else None
    if level_mount and mount is not None:
        boxes = boxes.with_columns({"bottom_m": boxes["bottom_m"] + mount})
    times = np.array([np.nan if f.timestamp_ns is None else f.timestamp_ns / 1e9 for f in frames])
    return Canonical(
        boxes=boxes,
        frames=frame_table(boxes, frame_sequence),
        tracks=track_table(boxes, times),
        frame_names=tuple((f.sequence, f.frame_index) for f in frames),
        mount_height_m=mount,
        notes=notes,
    )


def sequences_of(
    frames: Sequence[LabelledFrame],
) -> tuple[tuple[str, ...], I64, tuple[str, ...]]:
    """Names of the sequences, each frame's number among them, and what was assumed."""
    names = tuple(dict.fromkeys(frame.sequence for frame in frames))
    place = {name: i for i, name in enumerate(names)}
    numbers = np.array([place[frame.sequence] for frame in frames], dtype=np.int64)
    untold = len(names) in (1, len(frames)) and frames[0].timestamp_ns is None
    if untold and len(frames) >= 2 * BLOCKS:
        note = (
            f"frames of {names[0]}, ... name no sequence; {BLOCKS} blocks of consecutive frames "
            "stand in, which makes intervals too narrow where frames of one drive are scattered"
        )
        blocks = tuple(f"block_{i:02d}" for i in range(BLOCKS))
        return blocks, np.arange(len(frames)) * BLOCKS // len(frames), (note,)
    if len(names) > MOST_SEQUENCES:
        note = f"{len(names)} sequences are counted as {MOST_SEQUENCES} groups of neighbours"
        groups = tuple(f"group_{i:03d}" for i in range(MOST_SEQUENCES))
        return groups, numbers * MOST_SEQUENCES // len(names), (note,)
    return names, numbers, ()


def _boxes(
    frame: LabelledFrame, number: int, view: View | None, classes: dict[str, int]
) -> RawBoxes:
    every = frame.boxes
    category = np.array([classes.get(str(c), -1) for c in every.category], dtype=np.int64)
    centre, yaw = _from_camera(frame, every)
    xyxy = _pixels(frame, every, view)
    truncated = _level(every.truncated, every.truncated_kind, truncation_level, len(every))
    if every.xyxy_px is None and view is not None and frame.camera_from_boxes is not None:
        xyxy, lost = _projected(centre, every.size_lwh_m, yaw, view)
        truncated = truncation_level(lost)
    inside = ~((xyxy[:, 2] - xyxy[:, 0] <= 0) | (xyxy[:, 3] - xyxy[:, 1] <= 0))
    if view is not None:
        inside &= ~np.isnan(xyxy).any(axis=1)
    rows = np.flatnonzero((category >= 0) & inside)
    track = every.track_id if every.track_id is not None else np.full(len(every), -1)
    raw = RawBoxes(
        frame=np.full(len(every), number),
        category=category,
        track=track,
        centre_m=centre,
        size_lwh_m=every.size_lwh_m,
        yaw_rad=yaw,
        xyxy_px=xyxy,
        truncated=truncated,
        occluded=_level(every.occluded, every.occluded_kind, occlusion_level, len(every)),
    )
    return raw.rows(rows)


def image_boxes(frame: LabelledFrame) -> F64 | None:
    """(N, 4) boxes in the frame's own image, NaN where unseen; None where there is no camera."""
    boxes, view = frame.boxes, view_of([frame])
    if boxes.xyxy_px is not None or view is None or frame.camera_from_boxes is None:
        return boxes.xyxy_px
    centre, yaw = _from_camera(frame, boxes)
    return _projected(centre, boxes.size_lwh_m, yaw, view)[0]


def _pixels(frame: LabelledFrame, boxes: LabelledBoxes, view: View | None) -> F64:
    """(N, 4) image boxes as the common camera would have them; NaN without one."""
    own = view_of([frame])
    if boxes.xyxy_px is None or view is None or own is None:
        return np.full((len(boxes), 4), np.nan)
    scale = view.focal_px / own.focal_px
    centre = np.array([own.centre_x_px, own.centre_y_px] * 2)
    wanted = np.array([view.centre_x_px, view.centre_y_px] * 2)
    moved = (boxes.xyxy_px - centre) * scale + wanted
    clipped: F64 = np.clip(moved, 0, [view.width_px, view.height_px] * 2)
    return clipped


def _projected(centre: F64, size: F64, yaw: F64, view: View) -> tuple[F64, F64]:
    """(N, 4) image boxes of cuboids, and the share of each outside the view; NaN behind it."""
    amodal, clipped = project(centre, size, yaw, view)
    lost = lost_share(amodal, clipped)
    unseen = ~(centre[:, 0] > NEAREST_M) | ~(lost < 1)
    return np.where(unseen[:, None], np.nan, clipped), np.where(unseen, np.nan, lost)


def _from_camera(frame: LabelledFrame, boxes: LabelledBoxes) -> tuple[F64, F64]:
    """Centres and headings in the camera's place: x along the view, y left, z up."""
    if frame.camera_from_boxes is None or frame.box_frame == "camera_flu":
        return boxes.centre_m, boxes.yaw_rad
    optical = frame.camera_from_boxes.apply(boxes.centre_m)
    ahead = np.stack([np.cos(boxes.yaw_rad), np.sin(boxes.yaw_rad), 0 * boxes.yaw_rad], axis=1)
    turned = frame.camera_from_boxes.rotate(ahead)
    centre = np.stack([optical[:, 2], -optical[:, 0], -optical[:, 1]], axis=1)
    return centre, np.arctan2(-turned[:, 0], turned[:, 2])


def _level(values: F64 | None, kind: str, of_fraction: object, count: int) -> F64:
    if values is None:
        return np.full(count, np.nan)
    if kind == "fraction":
        assert callable(of_fraction)
        return np.asarray(of_fraction(values), dtype=np.float64)
    # KITTI's 3 means unknown.
    return np.where(values >= 3, np.nan, values)
