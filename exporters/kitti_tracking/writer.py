"""Writes the KITTI tracking layout: a sequence `training/*/<4 digits>` for each clip.

`image_02`, `velodyne`, `oxts`, `calib`, `label_02`, and beside them for TrackEval
`evaluate_tracking.seqmap.{train,val,test}` with the splits. The first camera and the first LiDAR.
A track keeps the clip's `track_id`. Truncation is a level here: 0 to 5 %, 1 to 50 %, 2 above.
Frames, units and what the rows cannot express: see `exporters/kitti/labels.py` and `oxts.py`.
Besides, KITTI tracking has no timestamps: readers take it for 10 Hz, whatever the clip has. Frames
that `--where` leaves out close up.

Source: KITTI tracking development kit, readme.txt; TrackEval, docs/KITTI-format.txt.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.kitti.labels import KittiLabel, calibration_rows, labels_of_clip, numbers_text
from exporters.kitti.oxts import oxts_lines
from exporters.kitti.sensors import camera_and_lidar, frames_of_both, write_png, write_velodyne
from exporters.splits import SPLITS
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.frames import FrameRecord

_TRUNCATED = 0.05
_LARGELY_TRUNCATED = 0.5


class KittiTracking:
    """The format `kitti-tracking`."""

    name = "kitti-tracking"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the sequence of one clip."""
        camera, lidar = camera_and_lidar(clip, self.name)
        sequence = f"{clip.index:04d}"
        training = folder / "training"
        images, sweeps = training / "image_02" / sequence, training / "velodyne" / sequence
        for path in (images, sweeps, *(training / n for n in ("oxts", "calib", "label_02"))):
            path.mkdir(parents=True, exist_ok=True)
        labels = labels_of_clip(clip, camera)
        lines: list[str] = []
        records: list[FrameRecord] = []
        for number, frame in enumerate(frames_of_both(clip, camera, lidar)):
            write_png(images / f"{number:06d}.png", frame.codec, frame.content)
            write_velodyne(sweeps / f"{number:06d}.bin", frame.sweep)
            own = labels.get(frame.record.frame_index, ())
            lines += [label_line(number, label) for label in own]
            records.append(frame.record)
        (training / f"label_02/{sequence}.txt").write_text("".join(lines))
        (training / f"calib/{sequence}.txt").write_text(calibration_text(camera, lidar))
        (training / f"oxts/{sequence}.txt").write_text("".join(oxts_lines(records)))
        return {
            "split": clip.split,
            "sequence": sequence,
            "frames": len(records),
            "counts": {"sequences": 1, "frames": len(records), "boxes": len(lines)},
        }

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write the sequence maps."""
        maps: dict[str, list[str]] = {split: [] for split in SPLITS}
        for part in parts:
            maps[part["split"]].append(f"{part['sequence']} empty 000000 {part['frames']:06d}\n")
        for split, lines in maps.items():
            (folder / f"training/evaluate_tracking.seqmap.{split}").write_text("".join(lines))


def label_line(frame: int, label: KittiLabel) -> str:
    """One line of a label file."""
    truncated = int(label.truncated_fraction > _TRUNCATED)
    truncated += int(label.truncated_fraction > _LARGELY_TRUNCATED)
    head = f"{frame} {label.track_id} {label.kind} {truncated} {label.occluded}"
    return f"{head} {label.numbers_text}\n"


def calibration_text(camera: MountedSensor, lidar: MountedSensor) -> str:
    """The seven lines of a calib file, in the tracking benchmark's spelling."""
    rows = calibration_rows(camera, lidar)
    named = [(f"P{k}:", rows["P"]) for k in range(4)]
    named += [("R_rect", rows["R"]), ("Tr_velo_cam", rows["velo_to_cam"])]
    named += [("Tr_imu_velo", rows["imu_to_velo"])]
    return "".join(f"{name} {numbers_text(values)}\n" for name, values in named)


FORMAT: Final = KittiTracking()
