"""Reads a committed clip; satisfies `synthgen.datatypes.clip.ClipView`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.pixel_events import PixelEvents
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.road_map import Area, ClipEvent, Lane, RoadMap, SignalChange
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F32
from synthgen.geometry.rotations import rotation_from_quat
from synthgen.geometry.se3 import SE3
from synthgen.store import image_codec, rows
from synthgen.store.layout import (
    CAMERA_CHANNELS,
    CLIP_SCHEMA,
    LABELS_MANIFEST,
    MANIFEST,
    clip_folder,
)
from synthgen.store.states import states_of_table
from synthgen.store.tables import pose_names, vector_names


class ClipTables:
    """What the files of a clip folder hold, whether or not the clip is finished.

    Tables are read on first use, images and sweeps frame by frame.
    """

    def __init__(self, folder: Path, channels: Collection[str] = CAMERA_CHANNELS) -> None:
        """Open a folder.

        Args:
            folder: The clip folder.
            channels: Image channels to decode; the others are None in every frame.
        """
        self.folder = folder
        self._channels = channels

    @cached_property
    def scenario(self) -> dict[str, Any]:
        """The concrete scenario as JSON."""
        document: dict[str, Any] = json.loads(self._bytes("scenario.json"))
        return document

    @cached_property
    def calibration(self) -> Calibration:
        """The rig as mounted."""
        path = self.folder / "calibration.json"
        return Calibration.from_json(self._bytes("calibration.json").decode(), origin=str(path))

    @cached_property
    def objects(self) -> Sequence[ObjectInfo]:
        """All objects, by ascending track id."""
        return tuple(rows.object_of_row(row) for row in self.table("objects").to_pylist())

    @cached_property
    def frames(self) -> Sequence[FrameRecord]:
        """All captures, in order."""
        return tuple(rows.frame_of_row(row) for row in self.table("frames").to_pylist())

    @cached_property
    def ticks(self) -> Sequence[ActorStates]:
        """All simulation steps, in order; environment objects are in every one of them."""
        still = {item.track_id for item in self.objects if item.source == "environment"}
        return states_of_table(self.table("actors"), still)

    @cached_property
    def road_map(self) -> RoadMap:
        """Lanes and areas; empty where the clip has none."""
        if not (self.folder / "map/lanes.parquet").is_file():
            return RoadMap()
        return road_map_in(self.folder / "map")

    @cached_property
    def signals(self) -> Sequence[SignalChange]:
        """Changes of traffic lights, in order."""
        return tuple(
            SignalChange(
                row["tick"],
                row["timestamp_ns"],
                row["signal_id"],
                row["state"],
                np.array([row[name] for name in vector_names("position", "m")]),
            )
            for row in self.table("signals").to_pylist()
        )

    @cached_property
    def events(self) -> Sequence[ClipEvent]:
        """Collisions and lane invasions, in order."""
        return tuple(ClipEvent(**row) for row in self.table("events").to_pylist())

    def table(self, name: str) -> pa.Table:
        """A table by its path without `.parquet`, e.g. `objects` or `map/lanes`.

        Raises:
            DatasetError: The file is missing or damaged.
        """
        return self._table(name)

    def camera_frames(self, name: str) -> Iterator[CameraFrame]:
        """The images of one camera, in the order of `frames`."""
        model = self.calibration.sensor(name).camera
        assert model is not None, "only cameras have frames"
        wanted = [channel for channel in model.channels if channel in self._channels]
        if not wanted:
            for frame_index, timestamp_ns, pose in self.image_poses(name, model.channels[0]):
                yield CameraFrame(name, frame_index, timestamp_ns, pose)
            return
        channels = {c: self._rows(f"cameras/{name}/{c}") for c in wanted}
        for per_channel in zip(*channels.values(), strict=True):
            yield self._camera_frame(name, dict(zip(channels, per_channel, strict=True)))

    def lidar_sweeps(self, name: str) -> Iterator[LidarSweep]:
        """The sweeps of one LiDAR, in the order of `frames`."""
        for row in self._rows(f"lidar/{name}"):
            yield rows.sweep_of_row(name, row)

    def radar_scans(self, name: str) -> Iterator[RadarScan]:
        """The scans of one radar, in the order of `frames`."""
        for row in self._rows(f"radar/{name}"):
            yield rows.scan_of_row(name, row)

    def pixel_events(self, name: str) -> Iterator[PixelEvents]:
        """The events of one event camera, in the order of `frames`."""
        for row in self._rows(f"dvs/{name}"):
            yield rows.pixel_events_of_row(name, row)

    def encoded_images(self, camera: str, channel: str) -> Iterator[tuple[int, str, bytes]]:
        """Frame index, codec and bytes of each image of one channel, undecoded."""
        columns = ["frame_index", "codec", "image"]
        for row in self._rows(f"cameras/{camera}/{channel}", columns):
            yield row["frame_index"], row["codec"], row["image"]

    def image_poses(self, camera: str, channel: str) -> list[tuple[int, int, SE3]]:
        """Frame index, timestamp and `world_from_camera` of each image, without the images.

        Raises:
            DatasetError: The file is missing or damaged.
        """
        columns = ["frame_index", "timestamp_ns", *pose_names("world_from_camera")]
        table = self._table(f"cameras/{camera}/{channel}", columns)
        values = np.column_stack([table[name].to_numpy() for name in columns[2:]])
        rotations = rotation_from_quat(values[:, 3:])
        return [
            (frame_index, timestamp_ns, SE3(rotation, pose[:3]))
            for frame_index, timestamp_ns, pose, rotation in zip(
                table["frame_index"].to_pylist(),
                table["timestamp_ns"].to_pylist(),
                values,
                rotations,
                strict=True,
            )
        ]

    def _camera_frame(self, name: str, row: dict[str, dict[str, Any]]) -> CameraFrame:
        first = next(iter(row.values()))
        origin = f"{self.folder}/cameras/{name} frame {first['frame_index']}"
        images = {
            channel: _DECODERS[channel](cell["image"], f"{origin} {channel}")
            for channel, cell in row.items()
        }
        flow = images.pop("flow", (None, None))
        return CameraFrame(
            name=name,
            frame_index=first["frame_index"],
            timestamp_ns=first["timestamp_ns"],
            world_from_camera=rows.pose_of_row("world_from_camera", first),
            rgb=images.get("rgb"),
            depth_cm=images.get("depth"),
            semantic=images.get("semantic"),
            instance=images.get("instance"),
            normals=images.get("normals"),
            flow_px=flow[0],
            flow_valid=flow[1],
        )

    def _table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        return _read_table(self.folder / f"{name}.parquet", columns)

    def _rows(self, name: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        path = self.folder / f"{name}.parquet"
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=4, columns=columns):
                    yield from _batch_rows(batch)
        except (OSError, pa.ArrowException) as err:
            raise DatasetError(f"{path}: cannot read: {err}") from err

    def _bytes(self, path: str) -> bytes:
        try:
            return (self.folder / path).read_bytes()
        except OSError as err:
            raise DatasetError(f"{self.folder / path}: cannot read: {err.strerror}") from err


class ClipReader(ClipTables):
    """A committed clip: its tables, its manifest and its labels."""

    def __init__(self, folder: Path, channels: Collection[str] = CAMERA_CHANNELS) -> None:
        """Open a clip.

        Args:
            folder: The clip folder.
            channels: Image channels to decode; the others are None in every frame.

        Raises:
            DatasetError: The folder holds no clip of this schema.
        """
        super().__init__(folder, channels)
        self.manifest = _read_manifest(folder / MANIFEST, CLIP_SCHEMA)

    @property
    def clip_id(self) -> str:
        """The clip's name."""
        return str(self.manifest["clip_id"])

    @property
    def labels_version(self) -> str:
        """The labels folder that was made with the clip."""
        return str(self.manifest["labels_version"])

    def label_table(self, name: str, version: str | None = None) -> pa.Table:
        """A label table, e.g. `boxes2d`, of the newest or a named labels folder."""
        return self.table(f"labels/{version or self.labels_version}/{name}")

    def has_labels(self, name: str, version: str | None = None) -> bool:
        """True where the clip has that label table."""
        folder = self.folder / "labels" / (version or self.labels_version)
        return (folder / f"{name}.parquet").is_file()

    def verify(self) -> None:
        """Read every file and compare with the manifest.

        Raises:
            DatasetError: A file is missing or differs; names the first.
        """
        for item in self.manifest["files"]:
            path = self.folder / item["path"]
            content = self._bytes(item["path"])
            if hashlib.sha256(content).hexdigest() != item["sha256"]:
                raise DatasetError(f"{path}: bytes differ from {MANIFEST}")


def open_dataset(dataset: Path) -> list[ClipReader]:
    """All clips of a dataset, sorted by clip id.

    Raises:
        DatasetError: There is no dataset at that path.
    """
    clips = dataset / "clips"
    if not clips.is_dir():
        raise DatasetError(f"{dataset}: expected a dataset (a folder with clips/), found none")
    ids = sorted(path.parent.name for path in clips.glob(f"*/*/{MANIFEST}"))
    return [ClipReader(clip_folder(dataset, clip_id)) for clip_id in ids]


def read_labels_manifest(clip: Path, version: str) -> dict[str, Any]:
    """The manifest of one labels folder."""
    return _read_manifest(clip / "labels" / version / LABELS_MANIFEST, "synthgen/labels@1")


def _read_manifest(path: Path, schema: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        found = document["schema"]
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise DatasetError(f"{path}: expected a manifest of schema {schema}: {err}") from err
    if found != schema:
        raise DatasetError(
            f"{path}: expected schema {schema}, found {found}; "
            "read it with the version of synthgen that wrote it"
        )
    return document


def _read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        # `pq.read_table` takes half as long again: it treats the file as a data set.
        with pq.ParquetFile(path) as file:
            return file.read(columns)
    except (OSError, pa.ArrowException) as err:
        raise DatasetError(f"{path}: cannot read: {err}") from err


def road_map_in(folder: Path) -> RoadMap:
    """Lanes and areas of a folder's `lanes.parquet` and `areas.parquet`.

    Raises:
        DatasetError: One of them is missing or damaged.
    """
    lanes, areas = (_read_table(folder / f"{name}.parquet") for name in ("lanes", "areas"))
    return RoadMap(_lanes(lanes), _areas(areas))


def _batch_rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows of a batch; list cells become numpy arrays, large binaries bytes."""
    for number in range(batch.num_rows):
        yield {
            name: _cell(column[number])
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }


def _cell(scalar: pa.Scalar) -> Any:
    if isinstance(scalar, pa.ListScalar):
        return None if scalar.values is None else scalar.values.to_numpy(zero_copy_only=False)
    return scalar.as_py()


def _polylines(column: pa.ChunkedArray) -> list[F32]:
    """The points (P, 3) of each row of a column of lists x, y, z, x, y, z, …."""
    lists = column.combine_chunks()
    points = lists.values.to_numpy().reshape(-1, 3)
    ends = lists.offsets.to_numpy() // 3
    return [points[first:last] for first, last in pairwise(ends.tolist())]


def _lanes(table: pa.Table) -> tuple[Lane, ...]:
    sides = {side: f"{side}_xyz_m" for side in ("center", "left", "right")}
    lines = [_polylines(table[name]) for name in sides.values()]
    rows = table.drop_columns(list(sides.values())).to_pylist()
    lanes: list[Lane] = []
    for row, *points in zip(rows, *lines, strict=True):
        ends: dict[str, Any] = {
            name: tuple(row.pop(name)) for name in ("predecessors", "successors")
        }
        named: dict[str, Any] = {
            f"{side}_m": line for side, line in zip(sides, points, strict=True)
        }
        lanes.append(Lane(**row, **ends, **named))
    return tuple(lanes)


def _areas(table: pa.Table) -> tuple[Area, ...]:
    columns = [table[name].to_pylist() for name in ("area_id", "kind", "signal_id")]
    rings = _polylines(table["polygon_xyz_m"])
    return tuple(
        Area(area_id, kind, ring, signal_id)
        for area_id, kind, signal_id, ring in zip(*columns, rings, strict=True)
    )


_DECODERS: dict[str, Any] = {
    "rgb": image_codec.decode_rgb,
    "depth": image_codec.decode_counts,
    "semantic": image_codec.decode_counts,
    "instance": image_codec.decode_counts,
    "normals": image_codec.decode_normals,
    "flow": image_codec.decode_flow,
}
