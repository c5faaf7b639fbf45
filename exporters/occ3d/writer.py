"""Writes Occ3D-nuScenes: `gts/<scene>/<sample>/labels.npz` and `annotations.json`.

Scenes, samples, cameras and poses carry the names and tokens that the `nuscenes` export of the
same clips has: move both into one root. A sample without a stored grid has no file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part, format_names
from exporters.labels import labels_by_frame
from exporters.nuscenes import tables
from exporters.nuscenes.map_frame import map_frame
from exporters.nuscenes.sensors import Channel, calibrated_sensor_row, channels_of
from exporters.nuscenes.tokens import key_frames, scene_name, timestamp_us, token
from exporters.occ3d.grids import OccupancyGrid, class_of_tag, occupancy_grid
from synthgen.datatypes.frames import FrameRecord
from synthgen.geometry.cuboid import Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.store.rows import pose_of_row

Row = dict[str, Any]

_SPLITS: Final = ("train", "val", "test")


class _Occ3d:
    """Occ3D-nuScenes."""

    name = "occ3d"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the grids of one scene."""
        scene = scene_name(clip.index)
        stored = {row["frame_index"]: row for row in clip.rows("occupancy")}
        keys = set(key_frames(clip.frames)) & set(stored)
        labels = labels_by_frame(clip.named_rows("boxes3d"))
        classes = class_of_tag(format_names(self.name).tags)
        infos: list[Row] = []
        for frame in clip.frames:
            if frame.frame_index not in keys:
                continue
            axle_from_ego = clip.calibration.rear_axle_from_ego
            grid = occupancy_grid(
                stored[frame.frame_index],
                level_from_axle=_level_from_ego(frame) @ axle_from_ego.inverse(),
                classes=classes,
                boxes=[_box(name, row, axle_from_ego) for name, row in labels[frame.frame_index]],
            )
            sample = token("sample", clip.clip_id, frame.frame_index)
            path = f"gts/{scene}/{sample}/labels.npz"
            _write_grid(folder / path, grid)
            infos.append({"token": sample, "gt_path": path} | _info(clip, frame))
        for earlier, later in pairwise(infos):
            earlier["next"], later["prev"] = later["token"], earlier["token"]
        counts = {"scenes": 1, "grids": len(infos)}
        return {"split": clip.split, "scene": scene, "infos": infos, "counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write `annotations.json`, scene by scene."""
        with (folder / "annotations.json").open("w") as file:
            for split in _SPLITS:
                names = [part["scene"] for part in parts if part["split"] == split]
                file.write(f'{"{" if split == _SPLITS[0] else ","}"{split}_split": ')
                file.write(f"{json.dumps(names)}\n")
            file.write(',"scene_infos": {')
            for number, part in enumerate(parts):
                samples = {info.pop("token"): info for info in part["infos"]}
                separator = "," if number else ""
                file.write(f"{separator}\n{json.dumps(part['scene'])}: {json.dumps(samples)}")
            file.write("\n}}\n")


FORMAT: Final = _Occ3d()


def _level_from_ego(frame: FrameRecord) -> SE3:
    """From the ego to the level frame that our grids are in (`docs/clip_format.md`, occupancy)."""
    pose = frame.world_from_ego
    return SE3.from_yaw(pose.yaw_rad, pose.translation_m).inverse() @ pose


def _box(name: str, row: Row, axle_from_ego: SE3) -> tuple[str, Cuboid]:
    size = np.array([row["length_m"], row["width_m"], row["height_m"]])
    return name, Cuboid(axle_from_ego @ pose_of_row("ego_from_box", row), size)


def _info(clip: ExportClip, frame: FrameRecord) -> Row:
    """Times and poses of a sample, as `annotations.json` has them."""
    calibration = clip.calibration
    global_from_world = map_frame(clip.reader.road_map).global_from_world
    pose = global_from_world @ frame.world_from_ego @ calibration.rear_axle_from_ego.inverse()
    cameras = [c for c in channels_of(calibration) if c.sensor.modality == "camera"]
    return {
        "timestamp": timestamp_us(clip.clip_id, frame.timestamp_ns),
        "camera_sensor": {
            tables.sample_data_token(clip.clip_id, camera, frame.frame_index): _camera(
                clip, camera, frame, pose
            )
            for camera in cameras
        },
        "ego_pose": _pose(pose),
        "prev": "",
        "next": "",
    }


def _camera(clip: ExportClip, camera: Channel, frame: FrameRecord, pose: SE3) -> Row:
    capture = tables.Capture(frame.frame_index, frame.timestamp_ns, pose)
    path = tables.file_name(clip.clip_id, camera, capture, is_key=True)
    row: Mapping[str, Any] = calibrated_sensor_row(clip.clip_id, camera)
    return {
        "img_path": path,
        "intrinsics": row["camera_intrinsic"],
        "extrinsic": {"translation": row["translation"], "rotation": row["rotation"]},
        "ego_pose": _pose(pose),
    }


def _pose(pose: SE3) -> Row:
    return {"translation": pose.translation_m.tolist(), "rotation": pose.quat_wxyz.tolist()}


def _write_grid(path: Path, grid: OccupancyGrid) -> None:
    path.parent.mkdir(parents=True)
    np.savez_compressed(
        path,
        semantics=grid.semantics,
        mask_lidar=grid.mask_lidar,
        mask_camera=grid.mask_camera,
    )
