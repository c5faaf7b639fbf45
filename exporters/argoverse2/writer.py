"""Writes the Argoverse 2 sensor dataset: `<split>/<log>/`, one log for each clip.

What the tables hold is said in `tables`, what the maps hold in `maps`. The city of a log's map
file is the town's name.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import feather

from exporters.argoverse2 import tables
from exporters.argoverse2.maps import Ground, map_document, nearby
from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.labels import labels_by_frame
from exporters.nuscenes.sensor_files import jpeg_bytes
from synthgen.geometry.arrays import F64
from synthgen.geometry.se3 import SE3


class _Argoverse2:
    """Argoverse 2 sensor dataset."""

    name = "argoverse2"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write one log.

        Raises:
            ConfigError: The rig has no LiDAR: annotations are timed by one.
        """
        clip.require(self.name, "lidar")
        log = folder / clip.split / tables.log_id(clip.clip_id)
        sensors = [*clip.cameras(), *clip.lidars()]
        names = tables.sensor_names(sensors)
        calibration = clip.calibration
        _write(
            log / "calibration/egovehicle_SE3_sensor", tables.extrinsics_table(calibration, names)
        )
        _write(log / "calibration/intrinsics", tables.intrinsics_table(sensors, names))
        poses: dict[int, SE3] = {}
        images = _write_images(clip, log, names, poses)
        boxes = _write_sweeps(clip, log, poses)
        _write(log / "city_SE3_egovehicle", tables.poses_table(poses))
        _write_map(clip, log / "map")
        counts = {"logs": 1, "images": images, "sweeps": len(clip.frames), "boxes": boxes}
        return {"counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Nothing spans logs."""


FORMAT: Final = _Argoverse2()


def _write_images(clip: ExportClip, log: Path, names: dict[str, str], poses: dict[int, SE3]) -> int:
    """Images of all cameras; notes the rear axle's pose at each. Returns how many."""
    count = 0
    ego_from_axle = clip.calibration.rear_axle_from_ego.inverse()
    for sensor in clip.cameras():
        folder = log / "sensors/cameras" / names[sensor.name]
        folder.mkdir(parents=True)
        sensor_from_axle = sensor.ego_from_sensor.inverse() @ ego_from_axle
        stamped = clip.image_poses(sensor.name)
        for (frame, time, pose), (_, codec, content) in zip(
            stamped, clip.images(sensor.name), strict=True
        ):
            time_ns = tables.absolute_ns(clip.clip_id, time)
            poses[time_ns] = pose @ sensor_from_axle
            origin = f"clip {clip.clip_id}: {sensor.name} frame {frame}"
            (folder / f"{time_ns}.jpg").write_bytes(jpeg_bytes(codec, content, origin))
            count += 1
    return count


def _write_sweeps(clip: ExportClip, log: Path, poses: dict[int, SE3]) -> int:
    """Sweeps and annotations; notes the rear axle's pose at each sweep. Returns boxes."""
    axle_from_ego = clip.calibration.rear_axle_from_ego
    axle_from_lidar = [axle_from_ego @ sensor.ego_from_sensor for sensor in clip.lidars()]
    labels = labels_by_frame(clip.named_rows("boxes3d"))
    frames: list[pa.Table] = []
    for sweeps in zip(*(clip.sweeps(sensor.name) for sensor in clip.lidars()), strict=True):
        first = sweeps[0]
        time_ns = tables.absolute_ns(clip.clip_id, first.timestamp_ns)
        poses[time_ns] = first.world_from_lidar @ axle_from_lidar[0].inverse()
        table = tables.sweep_table(list(zip(sweeps, axle_from_lidar, strict=True)))
        _write(log / f"sensors/lidar/{time_ns}", table)
        named = labels[first.frame_index]
        points_m: F64 = tables.stored_points(table)
        frames.append(
            tables.annotations_table(clip.clip_id, axle_from_ego, [(time_ns, named, points_m)])
        )
    annotations = pa.concat_tables(frames)
    _write(log / "annotations", annotations)
    return int(annotations.num_rows)


def _write_map(clip: ExportClip, folder: Path) -> None:
    folder.mkdir()
    way_m = np.array([frame.world_from_ego.translation_m for frame in clip.frames])
    road_map = nearby(clip.reader.road_map, way_m)
    log = tables.log_id(clip.clip_id)
    city = re.sub(r"[^A-Za-z0-9-]+", "-", clip.reader.manifest["map"]["name"])
    archive = folder / f"log_map_archive_{log}____{city}_city_00000.json"
    archive.write_text(json.dumps(map_document(road_map)) + "\n")
    heights, move = Ground(road_map).raster()
    buffer = io.BytesIO()
    np.save(buffer, heights)
    (folder / f"{log}_ground_height_surface____{city}.npy").write_bytes(buffer.getvalue())
    (folder / f"{log}___img_Sim2_city.json").write_text(json.dumps(move) + "\n")


def _write(path: Path, table: pa.Table) -> None:
    """A table as `<path>.feather`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    feather.write_feather(table, str(path.with_name(f"{path.name}.feather")))
