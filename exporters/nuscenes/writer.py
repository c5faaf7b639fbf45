"""Writes nuScenes v1.0: tables, sensor files, point labels, CAN bus and maps.

How frames, units and origins map is said where it happens: `sensors` (rig, ego, LiDAR axes),
`tables` (time, poses, global frame), `annotations`, `sensor_files`, `point_labels`, `can_bus`,
`map_expansion`. Splits are ours: `splits.json` names `synth_train`, `synth_val`, `synth_test`,
which DetectionEval and TrackingEval take; the devkit's own split names hold no scene of ours.
A town is none of the devkit's four: before `NuScenesMap(root, town)`, say
`nuscenes.map_expansion.map_api.locations.append(town)`; before `get_map_mask`, which asks for
the name once more, set the map's `map_name` to one of the four.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from exporters.box_points import points_in_boxes
from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part, format_names
from exporters.nuscenes import can_bus, tables
from exporters.nuscenes.annotations import KeyBoxes, annotation_rows, key_boxes
from exporters.nuscenes.map_expansion import map_document
from exporters.nuscenes.map_frame import map_frame
from exporters.nuscenes.map_raster import basemap, png_bytes, semantic_mask
from exporters.nuscenes.point_labels import panoptic_bytes, point_classes, point_label_row
from exporters.nuscenes.sensor_files import jpeg_bytes, lidar_bytes, radar_bytes
from exporters.nuscenes.sensors import (
    Channel,
    calibrated_sensor_row,
    channels_of,
    reference_lidar,
    sensor_row,
)
from exporters.nuscenes.tables import Capture
from exporters.nuscenes.tokens import key_frames, scene_name, token
from synthgen.datatypes.frames import FrameRecord
from synthgen.errors import ConfigError, DatasetError
from synthgen.geometry.arrays import F32, F64, I64
from synthgen.geometry.se3 import SE3
from synthgen.store.clip_reader import ClipTables

Row = dict[str, Any]

_CLIP_TABLES: Final = (
    *("instance", "calibrated_sensor", "ego_pose", "log", "scene", "sample", "sample_data"),
    *("sample_annotation", "lidarseg", "panoptic"),
)
_SPLITS: Final = {"train": "synth_train", "val": "synth_val", "test": "synth_test"}


class _NuScenes:
    """nuScenes v1.0."""

    name = "nuscenes"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the sensor files, point labels and CAN messages of one scene."""
        scene = _Scene.of(clip, folder)
        scene.write_cameras()
        lidar_counts = scene.write_lidars()
        radar_counts = scene.write_radars()
        scene.write_can_bus()
        boxes = [scene.boxes[index] for index in scene.keys]
        annotations, instances = annotation_rows(clip.clip_id, boxes, lidar_counts, radar_counts)
        rows = scene.rows | {"sample_annotation": annotations, "instance": instances}
        return {
            "split": clip.split,
            "scene": scene_name(clip.index),
            "location": scene.location,
            "map_sha256": clip.reader.manifest["map"]["sha256"],
            "clip_folder": str(clip.reader.folder.resolve()),
            "sensors": [sensor_row(channel) for channel in scene.channels],
            "lights": {c.signal_id: c.position_m.tolist() for c in clip.reader.signals},
            "tables": rows,
            "counts": {
                "scenes": 1,
                "samples": len(rows["sample"]),
                "sensor_files": len(rows["sample_data"]),
                "boxes": len(annotations),
            },
        }

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write the tables, the splits and the maps."""
        version = folder / tables.VERSION
        version.mkdir(exist_ok=True)
        sensors: dict[str, Row] = {}
        splits: dict[str, list[str]] = {name: [] for name in _SPLITS.values()}
        towns: dict[str, _Town] = {}
        with _TableFiles(version, _CLIP_TABLES) as files:
            for part in parts:
                for name, rows in part["tables"].items():
                    files.add(name, rows)
                sensors |= {row["token"]: row for row in part["sensors"]}
                splits[_SPLITS[part["split"]]].append(part["scene"])
                _add_town(towns, part)
        for name in ("lidarseg", "panoptic"):
            # The devkit takes a table that is there for one that covers every key frame.
            if files.counts[name] == 0:
                (version / f"{name}.json").unlink()
        _write_json(version / "sensor.json", list(sensors.values()))
        _write_json(version / "splits.json", splits)
        for name, rows in tables.static_tables().items():
            _write_json(version / f"{name}.json", rows)
        logs = {location: town.logs for location, town in towns.items()}
        _write_json(version / "map.json", [tables.map_row(*item) for item in logs.items()])
        for location, town in towns.items():
            _write_town(folder / "maps", location, town)


FORMAT: Final = _NuScenes()


@dataclass(eq=False, slots=True)
class _Scene:
    """One clip on its way out: what its files and rows have in common."""

    clip: ExportClip
    folder: Path
    location: str
    global_from_world: SE3
    channels: tuple[Channel, ...]
    reference: Channel
    keys: tuple[int, ...]
    boxes: dict[int, KeyBoxes]
    rows: dict[str, list[Row]]

    @staticmethod
    def of(clip: ExportClip, folder: Path) -> _Scene:
        """The scene of a clip, with the rows that need no sensor file.

        Raises:
            ConfigError: The rig has no LiDAR: samples are timed by one.
        """
        clip.require(_NuScenes.name, "lidar")
        channels = channels_of(clip.calibration)
        reference = reference_lidar(channels)
        global_from_world = map_frame(clip.reader.road_map).global_from_world
        keys = key_frames(clip.frames)
        poses = {
            frame.frame_index: global_from_world @ frame.world_from_ego
            for frame in clip.frames
            if frame.frame_index in keys
        }
        boxes = key_boxes(clip.named_rows("boxes3d"), poses)
        location = clip.reader.manifest["map"]["name"]
        rows = _scene_rows(clip, location, channels, keys)
        return _Scene(
            clip, folder, location, global_from_world, channels, reference, keys, boxes, rows
        )

    def write_cameras(self) -> None:
        """Images, and their rows."""
        for channel in self._of_modality("camera"):
            name = channel.sensor.name
            captures = [
                self._capture(channel, *item) for item in self.clip.image_poses(name, "rgb")
            ]
            images = self.clip.images(name)
            for capture, (_, codec, content) in zip(captures, images, strict=True):
                origin = f"clip {self.clip.clip_id}: {name} frame {capture.frame_index}"
                self._write(channel, capture, jpeg_bytes(codec, content, origin))
            self._add_rows(channel, captures)

    def write_lidars(self) -> dict[int, I64]:
        """Sweeps and point labels, and their rows; returns points in the boxes of each sample."""
        counts: dict[int, I64] = {}
        for channel in self._of_modality("lidar"):
            captures: list[Capture] = []
            for sweep in self.clip.sweeps(channel.sensor.name):
                capture = self._capture(
                    channel, sweep.frame_index, sweep.timestamp_ns, sweep.world_from_lidar
                )
                points_m = channel.points_m(sweep.points_m)
                self._write(channel, capture, lidar_bytes(points_m, sweep))
                captures.append(capture)
                if channel is self.reference and capture.frame_index in self.keys:
                    counts[capture.frame_index] = self._points_in_boxes(channel, capture, points_m)
            self._add_rows(channel, captures)
            if channel is self.reference:
                self._check_samples(captures)
                self.rows["sample"] = tables.sample_rows(
                    self.clip.clip_id, [c for c in captures if c.frame_index in self.keys]
                )
        self._write_point_labels()
        return counts

    def write_radars(self) -> dict[int, I64]:
        """Scans, and their rows; returns points of all radars in the boxes of each sample."""
        counts = {index: np.zeros(len(self.boxes[index].boxes), np.int64) for index in self.keys}
        frames = {frame.frame_index: frame for frame in self.clip.frames}
        for channel in self._of_modality("radar"):
            captures: list[Capture] = []
            for scan in self.clip.scans(channel.sensor.name):
                capture = self._capture(
                    channel, scan.frame_index, scan.timestamp_ns, scan.world_from_radar
                )
                velocity = _sensor_velocity(frames[scan.frame_index], scan.world_from_radar)
                self._write(channel, capture, radar_bytes(scan, velocity))
                captures.append(capture)
                if capture.frame_index in self.keys:
                    points_m = scan.points_m.astype(np.float32)
                    counts[capture.frame_index] += self._points_in_boxes(channel, capture, points_m)
            self._add_rows(channel, captures)
        return counts

    def write_can_bus(self) -> None:
        """CAN messages of the selected captures, and of the ticks between them."""
        clip, frames = self.clip, self.clip.frames
        first, last = frames[0].tick, frames[-1].tick
        ticks = [states for states in clip.reader.ticks if first <= states.tick <= last]
        ego_from_axle = clip.calibration.rear_axle_from_ego.inverse()
        poses = can_bus.pose_messages(clip.clip_id, ticks, self.global_from_world, ego_from_axle)
        inertial = clip.reader.table("inertial").to_pylist()
        messages: dict[str, list[Row]] = {
            "ms_imu": can_bus.imu_messages(clip.clip_id, inertial, poses),
            "pose": poses,
            "steeranglefeedback": can_bus.steering_messages(clip.clip_id, frames),
            "vehicle_monitor": can_bus.vehicle_messages(clip.clip_id, frames, ticks),
            "zoe_veh_info": can_bus.zoe_vehicle_messages(clip.clip_id, frames),
            "zoesensors": can_bus.zoe_sensor_messages(clip.clip_id, frames),
        }
        files: dict[str, Any] = messages | {
            "meta": can_bus.meta_of(messages),
            "route": can_bus.route_of(poses),
        }
        (self.folder / "can_bus").mkdir(exist_ok=True)
        for name, content in files.items():
            _write_json(self.folder / f"can_bus/{scene_name(clip.index)}_{name}.json", content)

    def _write_point_labels(self) -> None:
        """Class and object of each point of the key frames: lidarseg and panoptic."""
        names = format_names(FORMAT.name)
        classes = point_classes(self.clip.reader.objects, names.categories, names.tags)
        for name in ("lidarseg", "panoptic"):
            (self.folder / name / tables.VERSION).mkdir(parents=True, exist_ok=True)
        for frame_index, tags, tracks in self.clip.point_labels(self.reference.sensor.name):
            if frame_index not in self.keys:
                continue
            data_token = tables.sample_data_token(self.clip.clip_id, self.reference, frame_index)
            content = {
                "lidarseg": classes.lidarseg(tags, tracks).tobytes(),
                "panoptic": panoptic_bytes(classes.panoptic(tags, tracks)),
            }
            for name, data in content.items():
                row = point_label_row(name, data_token)
                (self.folder / row["filename"]).write_bytes(data)
                self.rows[name].append(row)

    def _of_modality(self, modality: str) -> Iterator[Channel]:
        for channel in self.channels:
            if channel.sensor.modality == modality:
                for kind in ("samples", "sweeps"):
                    (self.folder / kind / channel.name).mkdir(parents=True, exist_ok=True)
                yield channel

    def _capture(
        self, channel: Channel, frame_index: int, timestamp_ns: int, world_from_sensor: SE3
    ) -> Capture:
        pose = self.global_from_world @ world_from_sensor @ channel.sensor_from_ego
        return Capture(frame_index, timestamp_ns, pose)

    def _write(self, channel: Channel, capture: Capture, content: bytes) -> None:
        is_key = capture.frame_index in self.keys
        name = tables.file_name(self.clip.clip_id, channel, capture, is_key=is_key)
        (self.folder / name).write_bytes(content)

    def _add_rows(self, channel: Channel, captures: Sequence[Capture]) -> None:
        clip_id = self.clip.clip_id
        self.rows["sample_data"] += tables.sample_data_rows(clip_id, channel, captures, self.keys)
        self.rows["ego_pose"] += tables.ego_pose_rows(clip_id, channel, captures)

    def _points_in_boxes(self, channel: Channel, capture: Capture, points_m: F32) -> I64:
        channel_from_global = (capture.global_from_ego @ channel.ego_from_channel).inverse()
        boxes = self.boxes[capture.frame_index].boxes.moved(channel_from_global)
        return points_in_boxes(boxes, points_m)

    def _check_samples(self, captures: Sequence[Capture]) -> None:
        if not set(self.keys) <= {capture.frame_index for capture in captures}:
            raise DatasetError(
                f"clip {self.clip.clip_id}: {self.reference.sensor.name} lacks sweeps of key frames"
            )


def _scene_rows(
    clip: ExportClip, location: str, channels: Sequence[Channel], keys: Sequence[int]
) -> dict[str, list[Row]]:
    """Rows of one clip by table; those that come with sensor files are empty yet."""
    rows: dict[str, list[Row]] = {name: [] for name in _CLIP_TABLES}
    description = tables.description_of(clip.name, clip.frames[0].weather)
    name = scene_name(clip.index)
    rows["scene"] = [tables.scene_row(clip.clip_id, name, description, keys)]
    rows["log"] = [
        tables.log_row(
            clip.clip_id,
            location=location,
            vehicle=clip.calibration.ego_blueprint,
        )
    ]
    rows["calibrated_sensor"] = [calibrated_sensor_row(clip.clip_id, c) for c in channels]
    return rows


def _sensor_velocity(frame: FrameRecord, world_from_sensor: SE3) -> F64:
    """(3,) velocity of a sensor over ground in its own frame, metres per second."""
    arm_m = world_from_sensor.translation_m - frame.world_from_ego.translation_m
    rate = frame.world_from_ego.rotate(frame.angular_velocity_radps)
    return world_from_sensor.inverse().rotate(frame.velocity_mps + np.cross(rate, arm_m))


@dataclass(eq=False, slots=True)
class _Town:
    """What the finish needs to know of a map."""

    sha256: str
    clip_folder: Path
    logs: list[str]
    lights: dict[str, list[float]]


def _add_town(towns: dict[str, _Town], part: Part) -> None:
    """Note the town of a clip.

    Raises:
        ConfigError: Two maps of one name differ: nuScenes knows maps by name.
    """
    location, clip_folder = part["location"], Path(part["clip_folder"])
    town = towns.setdefault(location, _Town(part["map_sha256"], clip_folder, [], {}))
    if town.sha256 != part["map_sha256"]:
        raise ConfigError(f"map {location}: two maps of this name differ; rename one of them")
    town.logs += [row["token"] for row in part["tables"]["log"]]
    town.lights |= part["lights"]


def _write_town(maps: Path, location: str, town: _Town) -> None:
    road_map = ClipTables(town.clip_folder).road_map
    frame = map_frame(road_map)
    for kind in ("expansion", "basemap"):
        (maps / kind).mkdir(parents=True, exist_ok=True)
    document = map_document(location, road_map, frame, town.lights)
    _write_json(maps / f"expansion/{location}.json", document)
    (maps / f"basemap/{location}.png").write_bytes(png_bytes(basemap(road_map, frame)))
    mask = maps / f"{token('map', location)}.png"
    mask.write_bytes(png_bytes(semantic_mask(road_map, frame)))


class _TableFiles:
    """JSON arrays that grow row by row, so that a large export needs no more memory."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.counts = dict.fromkeys(names, 0)
        self._stack = ExitStack()
        self._folder = folder
        self._files = {
            name: self._stack.enter_context((folder / f"{name}.json").open("w")) for name in names
        }

    def __enter__(self) -> _TableFiles:
        for file in self._files.values():
            file.write("[")
        return self

    def add(self, name: str, rows: Iterable[Row]) -> None:
        """Append rows to a table."""
        for row in rows:
            self._files[name].write(",\n" if self.counts[name] else "\n")
            self._files[name].write(json.dumps(row))
            self.counts[name] += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            for file in self._files.values():
                file.write("\n]\n")
        self._stack.close()


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document) + "\n")
