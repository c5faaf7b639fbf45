"""Writes SemanticKITTI: `sequences/<NN>/{velodyne,labels,poses.txt,calib.txt,times.txt}`.

One sequence for each clip, the first LiDAR. A label is 32 bits a point: class in the lower 16,
instance in the upper (the clip's `track_id`, 0 for none). Objects that move (boxes3d `activity`
`moving` or `crossing`) get the moving classes 252 to 259. `poses.txt` is in the frame of the first
camera, relative to its first pose, `calib.txt` holds `Tr` from LiDAR to camera; without a camera
that frame is the LiDAR's with its axes renamed. `splits.json` lists the sequences of each split.

Objects that `--where` leaves out keep their points' classes but lose instance and movement.
Cannot express: boxes, track attributes; no voxel files are written. Frames that `--where` leaves
out close up.

Source: Behley et al. 2019, "SemanticKITTI"; semantic-kitti-api, config/semantic-kitti.yaml.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part, format_names
from exporters.kitti.label_files import OPTICAL_FROM_FLU
from exporters.kitti.labels import matrix_3x4, numbers_text
from exporters.kitti.sensors import pinhole, write_velodyne
from exporters.splits import SPLITS
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.taxonomy import CARLA_TAGS
from synthgen.geometry.arrays import U16, U32
from synthgen.geometry.se3 import SE3

# fmt: off
CLASSES: Final[Mapping[str, int]] = {
    "car": 10, "bicycle": 11, "bus": 13, "motorcycle": 15, "on-rails": 16, "truck": 18,
    "other-vehicle": 20, "person": 30, "bicyclist": 31, "motorcyclist": 32, "road": 40,
    "parking": 44, "sidewalk": 48, "other-ground": 49, "building": 50, "fence": 51,
    "other-structure": 52, "lane-marking": 60, "vegetation": 70, "trunk": 71, "terrain": 72,
    "pole": 80, "traffic-sign": 81, "other-object": 99,
}
MOVING: Final[Mapping[str, int]] = {
    "car": 252, "bicyclist": 253, "person": 254, "motorcyclist": 255, "on-rails": 256,
    "bus": 257, "truck": 258, "other-vehicle": 259,
}
# fmt: on
_RIDDEN: Final = {"bicycle": "bicyclist", "motorcycle": "motorcyclist"}
_RIDER_TAG: Final = CARLA_TAGS.index("rider")
_MOVES: Final = ("moving", "crossing")


class SemanticKitti:
    """The format `semantickitti`."""

    name = "semantickitti"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the sequence of one clip.

        Raises:
            ConfigError: The rig has no LiDAR.
        """
        clip.require(self.name, "lidar")
        lidar = clip.lidars()[0]
        sequence = f"{clip.index:02d}"
        root = folder / "sequences" / sequence
        for name in ("velodyne", "labels"):
            (root / name).mkdir(parents=True)
        labeller = _Labeller(clip)
        camera_from_lidar, projection = _camera(clip, lidar)
        poses: list[SE3] = []
        times: list[str] = []
        for number, sweep in enumerate(clip.sweeps(lidar.name)):
            write_velodyne(root / f"velodyne/{number:06d}.bin", sweep)
            labels = labeller.labels(sweep)
            (root / f"labels/{number:06d}.label").write_bytes(labels.astype("<u4").tobytes())
            times.append(f"{sweep.timestamp_ns / 1e9:e}\n")
            poses.append(sweep.world_from_lidar @ camera_from_lidar.inverse())
        relative = [poses[0].inverse() @ pose for pose in poses]
        (root / "poses.txt").write_text(
            "".join(f"{numbers_text(matrix_3x4(pose))}\n" for pose in relative)
        )
        calibration = [*(f"P{k}: {projection}" for k in range(4))]
        calibration.append(f"Tr: {numbers_text(matrix_3x4(camera_from_lidar))}")
        (root / "calib.txt").write_text("".join(f"{line}\n" for line in calibration))
        (root / "times.txt").write_text("".join(times))
        counts = {"sequences": 1, "sweeps": len(poses)}
        return {"split": clip.split, "sequence": sequence, "counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write which sequence is in which split."""
        splits: dict[str, list[str]] = {split: [] for split in SPLITS}
        for part in parts:
            splits[part["split"]].append(part["sequence"])
        (folder / "splits.json").write_text(json.dumps(splits, indent=1) + "\n")


def _camera(clip: ExportClip, lidar: MountedSensor) -> tuple[SE3, str]:
    """The frame of the poses, from the LiDAR's, and a projection as text."""
    cameras = clip.cameras()
    if not cameras:
        return OPTICAL_FROM_FLU, numbers_text(np.eye(3, 4))
    matrix = np.hstack([pinhole(cameras[0]).matrix, np.zeros((3, 1))])
    return cameras[0].ego_from_sensor.inverse() @ lidar.ego_from_sensor, numbers_text(matrix)


class _Labeller:
    """Gives the points of one clip their labels."""

    def __init__(self, clip: ExportClip) -> None:
        names = format_names(SemanticKitti.name)
        self._tags = np.array([CLASSES.get(names.tags[tag] or "", 0) for tag in CARLA_TAGS])
        self._category = {item.track_id: item.category for item in clip.reader.objects}
        self._words = names.categories
        self._moving: defaultdict[int, set[int]] = defaultdict(set)
        self._kept: defaultdict[int, set[int]] = defaultdict(set)
        for word, row in clip.named_rows("boxes3d"):
            del word
            self._kept[row["frame_index"]].add(row["track_id"])
            if row["activity"] in _MOVES:
                self._moving[row["frame_index"]].add(row["track_id"])

    def labels(self, sweep: LidarSweep) -> U32:
        """(N,) uint32 label of each point; 0 where the LiDAR tells neither tag nor object."""
        count = len(sweep)
        tags = np.zeros(count, np.uint8) if sweep.semantic_tag is None else sweep.semantic_tag
        tracks = np.zeros(count, np.uint16) if sweep.track_id is None else sweep.track_id
        classes = self._tags[tags]
        instances = np.zeros(count, dtype=np.uint32)
        for track in np.unique(tracks[tracks > 0]).tolist():
            own = tracks == track
            classes[own] = self._class_of(track, sweep.frame_index, tags[own])
            if track in self._kept[sweep.frame_index]:
                instances[own] = track
        return (classes.astype(np.uint32) | (instances << np.uint32(16))).astype(np.uint32)

    def _class_of(self, track: int, frame_index: int, tags: U16) -> int:
        """The class of an object's points in one sweep."""
        word = self._words[self._category[track]] or ""
        moving = track in self._moving[frame_index]
        if word in _RIDDEN and (moving or bool((tags == _RIDER_TAG).any())):
            word = _RIDDEN[word]
        return MOVING.get(word, CLASSES.get(word, 0)) if moving else CLASSES.get(word, 0)


FORMAT: Final = SemanticKitti()
