"""`python -m synthgen.preview.label_pictures CLIP_FOLDER OUT_FOLDER`: one picture per label type.

The pictures of `docs/labels.md` are made by this command.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthgen.errors import DatasetError, OutputError
from synthgen.geometry.arrays import F64, U8
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import EDGES
from synthgen.preview.label_pictures_above import (
    bev_picture,
    occupancy_picture,
    points_picture,
    targets_picture,
    tracks_picture,
)
from synthgen.preview.label_scene import Row, Scene, bgr, cuboid_of_row, write_text
from synthgen.preview.palette import EGO, TEXT, colour_of
from synthgen.store.clip_reader import ClipReader

_NEAR_M: Final = 0.1
_CLOSE_UP_PX: Final = 480  # height of the picture of one walker
# Limbs between COCO keypoints (https://cocodataset.org/#keypoints-2020, "skeleton").
_LIMBS: Final = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
    (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip


def boxes2d_picture(scene: Scene) -> U8:
    """Visible boxes (thick), amodal boxes (thin), masks tinted, and who hides whom."""
    image = scene.bgr.copy()
    for row in scene.here("boxes2d"):
        colour = bgr(colour_of(row["category"]))
        if scene.image.instance is not None:
            own = scene.image.instance == row["track_id"]
            image[own] = (0.65 * image[own] + 0.35 * np.array(colour)).astype(np.uint8)
        amodal = _corners(row, "amodal_clipped")
        cv2.rectangle(image, amodal[0], amodal[1], colour, 1, cv2.LINE_AA)
        if row["visible_px"] == 0:
            continue
        box = _corners(row, "visible")
        cv2.rectangle(image, box[0], box[1], colour, 2, cv2.LINE_AA)
        hider = f" by {row['occluder_track_id']}" if row["occluder_track_id"] else ""
        text = f"{row['track_id']} {row['category']} hid {row['occluded_fraction']:.0%}{hider}"
        write_text(image, f"{text} cut {row['truncated_fraction']:.0%}", (box[0][0], box[0][1] - 5))
    return image


def boxes3d_picture(scene: Scene) -> U8:
    """Cuboids of objects that some pixel or point sees, with distance and LiDAR points."""
    image = scene.bgr.copy()
    camera_from_ego = scene.image.world_from_camera.inverse() @ scene.frame.world_from_ego
    seen = {row["track_id"] for row in scene.here("boxes2d") if row["visible_px"]}
    for row in scene.here("boxes3d"):
        if row["track_id"] not in seen:
            continue
        corners_m = camera_from_ego.apply(cuboid_of_row(row).corners_m)
        colour = bgr(colour_of(row["category"]))
        for a, b in corners_m[EDGES]:
            _edge(image, a, b, scene.camera, colour)
        at = camera_from_ego.apply(cuboid_of_row(row).frame_from_box.translation_m)
        u, v = scene.camera.project(np.maximum(at, [-np.inf, -np.inf, _NEAR_M]))
        note = f"{row['distance_m']:.0f} m  {row['lidar_points']} pts  {row['activity']}"
        write_text(image, note, (int(u) - 40, int(v)))
    return image


def keypoints_picture(scene: Scene) -> U8:
    """The walker seen largest: visible joints filled, hidden ones hollow."""
    rows = scene.here("keypoints")
    if not rows:
        raise DatasetError(f"{scene.clip.folder}: no walker with keypoints to picture")
    joints = [np.array(row["xy_px"]).reshape(17, 2) for row in rows]
    largest = int(np.argmax([np.ptp(xy[:, 1]) for xy in joints]))
    xy, seen = joints[largest], rows[largest]["visibility"]
    low = np.floor(xy.min(axis=0) - 0.25 * np.ptp(xy[:, 1])).astype(int)
    high = np.ceil(xy.max(axis=0) + 0.25 * np.ptp(xy[:, 1])).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, scene.bgr.shape[1::-1])
    scale = max(1, _CLOSE_UP_PX // max(int(high[1] - low[1]), 1))
    crop = scene.bgr[low[1] : high[1], low[0] : high[0]]
    image = np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
    at = np.rint((xy - low) * scale).astype(int)
    for a, b in _LIMBS:
        cv2.line(image, at[a].tolist(), at[b].tolist(), bgr(TEXT), 1, cv2.LINE_AA)
    for place, visibility in zip(at.tolist(), seen, strict=True):
        colour = bgr(EGO if visibility == 2 else (255, 90, 60))
        cv2.circle(image, place, 4, colour, -1 if visibility == 2 else 2, cv2.LINE_AA)
    return image.astype(np.uint8)


def status_picture(scene: Scene) -> U8:
    """Verdict of every frame, in order: ok, suspect or rejected."""
    rows = scene.rows("status")
    colours = {"ok": EGO, "suspect": (255, 200, 60), "rejected": (255, 70, 90)}
    strip = np.array([bgr(colours[row["status"]]) for row in rows], dtype=np.uint8)[None]
    wide = cv2.resize(strip, (max(640, 6 * len(rows)), 40), interpolation=cv2.INTER_NEAREST)
    image = np.asarray(wide, dtype=np.uint8)
    counts = {name: sum(row["status"] == name for row in rows) for name in colours}
    write_text(image, "   ".join(f"{count} {name}" for name, count in counts.items()), (8, 25))
    return image


PICTURES: Final[dict[str, Callable[[Scene], U8]]] = {
    "boxes2d": boxes2d_picture,
    "boxes3d": boxes3d_picture,
    "tracks": tracks_picture,
    "keypoints": keypoints_picture,
    "bev": bev_picture,
    "occupancy": occupancy_picture,
    "points": points_picture,
    "targets": targets_picture,
    "status": status_picture,
}


def write_label_pictures(clip: ClipReader, out: Path, version: str | None = None) -> None:
    """Write one JPEG per label table of a clip.

    Args:
        clip: The clip, with rgb and instance images.
        out: Folder of the pictures.
        version: Labels folder; None stands for the clip's own.

    Raises:
        DatasetError: The clip lacks what a picture shows.
        OutputError: A picture cannot be written.
    """
    scene = Scene(clip, version)
    out.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        path = out / f"{name}.jpg"
        if not cv2.imwrite(str(path), draw(scene), [cv2.IMWRITE_JPEG_QUALITY, 88]):
            raise OutputError(f"{path}: cannot write")


def _corners(row: Row, box: str) -> tuple[tuple[int, int], tuple[int, int]]:
    x0, y0, x1, y1 = (
        round(row[f"{box}_{side}_px"]) for side in ("x_min", "y_min", "x_max", "y_max")
    )
    return (x0, y0), (x1 - 1, y1 - 1)


def _edge(
    image: U8, start_m: F64, end_m: F64, camera: PinholeCamera, colour: tuple[int, int, int]
) -> None:
    """Draw the part of an edge that lies beyond the near plane."""
    if start_m[2] > end_m[2]:
        start_m, end_m = end_m, start_m
    if end_m[2] <= _NEAR_M:
        return
    if start_m[2] < _NEAR_M:
        share = (_NEAR_M - start_m[2]) / (end_m[2] - start_m[2])
        start_m = start_m + share * (end_m - start_m)
    a, b = np.clip(camera.project(np.stack([start_m, end_m])), -20000, 20000).astype(int)
    cv2.line(image, a.tolist(), b.tolist(), colour, 1, cv2.LINE_AA)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m synthgen.preview.label_pictures")
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", default=None)
    options = parser.parse_args()
    write_label_pictures(
        ClipReader(options.clip, ("rgb", "instance")), options.out, options.version
    )
