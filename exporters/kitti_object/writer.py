"""Writes the KITTI object layout: `training/{image_2,velodyne,calib,label_2}` and `ImageSets`.

The first camera and the first LiDAR of each clip; frames are numbered through all clips.
`ImageSets/{train,val,test}.txt` hold the splits. Frames, units and what the rows cannot express:
see `exporters/kitti/labels.py`. Besides, KITTI object has no time and no ego pose; other cameras
and radars are left out.

Source: KITTI object development kit, readme.txt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.kitti.labels import calibration_text, label_row
from exporters.kitti.sensors import camera_and_lidar, pinhole, write_png, write_velodyne
from exporters.splits import SPLITS
from synthgen.datatypes.calibration import MountedSensor
from synthgen.store.rows import pose_of_row


class KittiObject:
    """The format `kitti-object`."""

    name = "kitti-object"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the frames of one clip."""
        camera, lidar = camera_and_lidar(clip, self.name)
        training = folder / "training"
        folders = {name: training / name for name in ("image_2", "velodyne", "calib", "label_2")}
        for path in folders.values():
            path.mkdir(parents=True, exist_ok=True)
        camera_from_lidar = camera.ego_from_sensor.inverse() @ lidar.ego_from_sensor
        calibration = calibration_text(pinhole(camera), camera_from_lidar)
        labels = _label_lines(clip, camera)
        frames: list[str] = []
        for (frame_index, codec, content), sweep in zip(
            clip.images(camera.name), clip.sweeps(lidar.name), strict=True
        ):
            name = f"{clip.first_frame + frame_index:06d}"
            write_png(folders["image_2"] / f"{name}.png", codec, content)
            write_velodyne(folders["velodyne"] / f"{name}.bin", sweep)
            (folders["calib"] / f"{name}.txt").write_text(calibration)
            (folders["label_2"] / f"{name}.txt").write_text("".join(labels[frame_index]))
            frames.append(name)
        boxes = sum(map(len, labels.values()))
        return {
            "split": clip.split,
            "frames": frames,
            "counts": {"frames": len(frames), "boxes": boxes},
        }

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write the lists of frames."""
        lists = folder / "ImageSets"
        lists.mkdir(exist_ok=True)
        files = {split: (lists / f"{split}.txt").open("w") for split in SPLITS}
        try:
            for part in parts:
                files[part["split"]].writelines(f"{name}\n" for name in part["frames"])
        finally:
            for file in files.values():
                file.close()


def _label_lines(clip: ExportClip, camera: MountedSensor) -> defaultdict[int, list[str]]:
    boxes3d = {(row["frame_index"], row["track_id"]): row for row in clip.rows("boxes3d")}
    camera_from_ego = camera.ego_from_sensor.inverse()
    lines: defaultdict[int, list[str]] = defaultdict(list)
    for kind, row in clip.named_rows("boxes2d"):
        box3d = boxes3d.get((row["frame_index"], row["track_id"]))
        if row["camera"] != camera.name or row["visible_px"] == 0 or box3d is None:
            continue
        camera_from_box = camera_from_ego @ pose_of_row("ego_from_box", box3d)
        size = np.array([box3d["length_m"], box3d["width_m"], box3d["height_m"]])
        line = label_row(kind, row, pinhole(camera), camera_from_box, size)
        lines[row["frame_index"]].append(line + "\n")
    return lines


FORMAT: Final = KittiObject()
