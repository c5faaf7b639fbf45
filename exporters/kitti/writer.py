"""Writes the KITTI object layout: `training/{image_2,velodyne,calib,label_2}` and `ImageSets`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from exporters.kitti.labels import calibration_text, label_row
from exporters.names import KITTI, DropCount
from exporters.staging import staged
from synthgen.datatypes.calibration import MountedSensor
from synthgen.errors import ConfigError
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.image_codec import decode_rgb
from synthgen.store.rows import pose_of_row


def export_kitti_object(dataset: Path, out: Path) -> dict[str, Any]:
    """Export the first camera and LiDAR of every clip; returns counts.

    Raises:
        DatasetError: The dataset cannot be read.
        ConfigError: A clip has no camera with images or no LiDAR.
        OutputError: The folder cannot be written or is there already.
    """
    dropped = DropCount()
    names: list[str] = []
    with staged(out) as folder:
        for clip in open_dataset(dataset):
            names += _export_clip(clip, folder / "training", len(names), dropped)
        (folder / "ImageSets").mkdir()
        (folder / "ImageSets/train.txt").write_text("".join(f"{name}\n" for name in names))
    return {"frames": len(names), "dropped": dropped.summary()}


def _export_clip(clip: ClipReader, training: Path, first: int, dropped: DropCount) -> list[str]:
    camera, lidar = _sensors(clip)
    assert camera.camera is not None, "chosen for its camera"
    folders = {name: training / name for name in ("image_2", "velodyne", "calib", "label_2")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    camera_from_lidar = camera.ego_from_sensor.inverse() @ lidar.ego_from_sensor
    calibration = calibration_text(camera.camera.camera, camera_from_lidar)
    labels = _label_lines(clip, camera, dropped)
    images = clip.encoded_images(camera.name, "rgb")
    sweeps = clip.lidar_sweeps(lidar.name)
    names: list[str] = []
    for (frame_index, codec, content), sweep in zip(images, sweeps, strict=True):
        name = f"{first + len(names):06d}"
        _write_png(folders["image_2"] / f"{name}.png", codec, content)
        points = np.column_stack([sweep.points_m, sweep.intensity]).astype("<f4")
        (folders["velodyne"] / f"{name}.bin").write_bytes(points.tobytes())
        (folders["calib"] / f"{name}.txt").write_text(calibration)
        (folders["label_2"] / f"{name}.txt").write_text("".join(labels[frame_index]))
        names.append(name)
    return names


def _sensors(clip: ClipReader) -> tuple[MountedSensor, MountedSensor]:
    cameras = [s for s in clip.calibration.of_modality("camera") if "rgb" in s.camera.channels]  # type: ignore[union-attr]  # cameras have one
    lidars = clip.calibration.of_modality("lidar")
    if not cameras or not lidars:
        raise ConfigError(
            f"clip {clip.clip_id}: kitti-object needs a camera with rgb and a LiDAR, "
            f"rig {clip.calibration.rig} has {len(cameras)} and {len(lidars)}"
        )
    return cameras[0], lidars[0]


def _label_lines(
    clip: ClipReader, camera: MountedSensor, dropped: DropCount
) -> defaultdict[int, list[str]]:
    boxes3d = {
        (row["frame_index"], row["track_id"]): row
        for row in clip.label_table("boxes3d").to_pylist()
    }
    assert camera.camera is not None, "chosen for its camera"
    model = camera.camera.camera
    camera_from_ego = camera.ego_from_sensor.inverse()
    lines: defaultdict[int, list[str]] = defaultdict(list)
    for row in clip.label_table("boxes2d").to_pylist():
        box3d = boxes3d.get((row["frame_index"], row["track_id"]))
        if row["camera"] != camera.name or row["visible_px"] == 0 or box3d is None:
            continue
        kind = KITTI[row["category"]]
        if kind is None:
            dropped.drop(row["category"])
            continue
        camera_from_box = camera_from_ego @ pose_of_row("ego_from_box", box3d)
        size = np.array([box3d["length_m"], box3d["width_m"], box3d["height_m"]])
        lines[row["frame_index"]].append(label_row(kind, row, model, camera_from_box, size) + "\n")
    return lines


def _write_png(path: Path, codec: str, content: bytes) -> None:
    if codec == "png":
        path.write_bytes(content)
        return
    cv2.imwrite(str(path), cv2.cvtColor(decode_rgb(content, str(path)), cv2.COLOR_RGB2BGR))
