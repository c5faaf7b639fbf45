"""Writes the KITTI object layout: `training/{image_2,velodyne,calib,label_2}` and `ImageSets`.

The first camera and the first LiDAR of each clip; frames are numbered through all clips.
`ImageSets/{train,val,test}.txt` hold the splits. Frames, units and what the rows cannot express:
see `exporters/kitti/labels.py`. Besides, KITTI object has no tracks, no time and no ego pose; other
cameras and radars are left out.

Source: KITTI object development kit, readme.txt.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.kitti.labels import KittiLabel, calibration_rows, labels_of_clip, numbers_text
from exporters.kitti.sensors import camera_and_lidar, frames_of_both, write_png, write_velodyne
from exporters.splits import SPLITS
from synthgen.datatypes.calibration import MountedSensor


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
        calibration = calibration_text(camera, lidar)
        labels = labels_of_clip(clip, camera)
        frames: list[str] = []
        for frame in frames_of_both(clip, camera, lidar):
            frame_index = frame.record.frame_index
            name = f"{clip.first_frame + frame_index:06d}"
            write_png(folders["image_2"] / f"{name}.png", frame.codec, frame.content)
            write_velodyne(folders["velodyne"] / f"{name}.bin", frame.sweep)
            (folders["calib"] / f"{name}.txt").write_text(calibration)
            text = "".join(label_line(label) for label in labels.get(frame_index, ()))
            (folders["label_2"] / f"{name}.txt").write_text(text)
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


def label_line(label: KittiLabel) -> str:
    """One line of a label file."""
    return f"{label.kind} {label.truncated_fraction:.2f} {label.occluded} {label.numbers_text}\n"


def calibration_text(camera: MountedSensor, lidar: MountedSensor) -> str:
    """The seven lines of a calib file."""
    rows = calibration_rows(camera, lidar)
    named = [(f"P{k}", rows["P"]) for k in range(4)]
    named += [("R0_rect", rows["R"]), ("Tr_velo_to_cam", rows["velo_to_cam"])]
    named += [("Tr_imu_to_velo", rows["imu_to_velo"])]
    return "".join(f"{name}: {numbers_text(values)}\n" for name, values in named)


FORMAT: Final = KittiObject()
