"""Writes one MCAP file per clip: `<split>/<clip>.mcap`.

Topics: `/tf`, `/map`, `/objects`, `/<camera>/{rgb,depth,semantic,instance,normals,flow}`,
`/<camera>/calibration`, `/<camera>/boxes`, `/<lidar>/points`, `/<radar>/points`, `/<gnss>/fix`.
What the messages hold and cannot hold is said in `exporters.mcap.messages`.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import foxglove
from foxglove.channels import (
    CameraCalibrationChannel,
    CompressedImageChannel,
    FrameTransformsChannel,
    ImageAnnotationsChannel,
    LocationFixChannel,
    PointCloudChannel,
    SceneUpdateChannel,
)
from foxglove.mcap import MCAPCompression, MCAPWriteOptions

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.labels import labels_by_frame, other_named_rows
from exporters.mcap import messages
from exporters.mcap.fault_keeping_file import FaultKeepingFile
from exporters.sensor_points import scan_points, sweep_points
from synthgen import __version__
from synthgen.datatypes.calibration import MountedSensor

_Timed = tuple[int, Any, Any]  # time in nanoseconds, channel, message
_CHUNK_BYTES: Final = 4 * 1024 * 1024


class _Mcap:
    """MCAP with Foxglove schemas."""

    name = "mcap"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the clip's file."""
        path = folder / clip.split / f"{clip.name}.mcap"
        path.parent.mkdir(parents=True)
        context = foxglove.Context()
        # No threads: equal clips give equal bytes.
        options = MCAPWriteOptions(
            compression=MCAPCompression.Zstd, compression_threads=0, chunk_size=_CHUNK_BYTES
        )
        count = 0
        with (
            FaultKeepingFile(path) as file,
            foxglove.open_mcap(file, context=context, writer_options=options) as writer,
        ):
            writer.write_metadata("synthgen", _facts(clip))
            for time_ns, channel, message in heapq.merge(
                *_streams(clip, context), key=itemgetter(0)
            ):
                channel.log(message, log_time=time_ns)
                count += 1
                if file.fault is not None:
                    break
        return {"counts": {"files": 1, "messages": count}}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Nothing spans clips."""


FORMAT: Final = _Mcap()


def _facts(clip: ExportClip) -> dict[str, str]:
    manifest = clip.reader.manifest
    return {
        "clip_id": clip.clip_id,
        "name": clip.name,
        "generator": f"synthgen {__version__}",
        "simulator": json.dumps(manifest["simulator"], sort_keys=True),
        "map": manifest["map"]["name"],
    }


def _streams(clip: ExportClip, context: foxglove.Context) -> list[Iterator[_Timed]]:
    """The messages of every topic, each in order of time."""
    streams = [
        _tree(clip, FrameTransformsChannel("/tf", context=context)),
        _road(clip, SceneUpdateChannel("/map", context=context)),
        _objects(clip, SceneUpdateChannel("/objects", context=context)),
    ]
    boxes2d: defaultdict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for label, row in other_named_rows(clip, "boxes2d"):
        boxes2d[row["camera"]].append((label, row))
    calibration = clip.calibration
    for sensor in calibration.of_modality("camera"):
        streams += _camera(clip, sensor, context)
        boxes = ImageAnnotationsChannel(f"/{sensor.name}/boxes", context=context)
        streams.append(_boxes(clip, boxes2d[sensor.name], boxes))
    for sensor in calibration.of_modality("lidar"):
        points = PointCloudChannel(f"/{sensor.name}/points", context=context)
        streams.append(_sweeps(clip, sensor.name, points))
    for sensor in calibration.of_modality("radar"):
        points = PointCloudChannel(f"/{sensor.name}/points", context=context)
        streams.append(_scans(clip, sensor.name, points))
    for sensor in calibration.of_modality("gnss"):
        fixes = LocationFixChannel(f"/{sensor.name}/fix", context=context)
        streams.append(_fixes(clip, sensor.name, fixes))
    return streams


def _tree(clip: ExportClip, channel: Any) -> Iterator[_Timed]:
    sensors = clip.calibration.sensors
    for frame in clip.frames:
        tree = messages.transforms(frame.timestamp_ns, frame.world_from_ego, sensors)
        yield frame.timestamp_ns, channel, tree


def _road(clip: ExportClip, channel: Any) -> Iterator[_Timed]:
    for frame in clip.frames[:1]:
        lanes = messages.lanes(frame.timestamp_ns, clip.reader.road_map.lanes)
        yield frame.timestamp_ns, channel, lanes


def _objects(clip: ExportClip, channel: Any) -> Iterator[_Timed]:
    boxes = labels_by_frame(clip.named_rows("boxes3d"))
    for frame in clip.frames:
        scene = messages.scene(frame.timestamp_ns, boxes[frame.frame_index])
        yield frame.timestamp_ns, channel, scene


def _camera(
    clip: ExportClip, sensor: MountedSensor, context: foxglove.Context
) -> list[Iterator[_Timed]]:
    assert sensor.camera is not None, "a camera has a model"
    name = sensor.name
    model = CameraCalibrationChannel(f"/{name}/calibration", context=context)
    streams = [_calibrations(clip, sensor, model)]
    for image_channel in sensor.camera.channels:
        images = CompressedImageChannel(f"/{name}/{image_channel}", context=context)
        streams.append(_images(clip, name, image_channel, images))
    return streams


def _calibrations(clip: ExportClip, sensor: MountedSensor, channel: Any) -> Iterator[_Timed]:
    assert sensor.camera is not None, "a camera has a model"
    for frame in clip.frames:
        model = messages.calibration(frame.timestamp_ns, sensor.name, sensor.camera)
        yield frame.timestamp_ns, channel, model


def _images(clip: ExportClip, name: str, image_channel: str, channel: Any) -> Iterator[_Timed]:
    times_ns = _times_ns(clip)
    for frame_index, codec, content in clip.images(name, image_channel):
        time_ns = times_ns[frame_index]
        yield time_ns, channel, messages.image(time_ns, name, codec, content)


def _boxes(
    clip: ExportClip, labelled: list[tuple[str, dict[str, Any]]], channel: Any
) -> Iterator[_Timed]:
    boxes = labels_by_frame(labelled)
    for frame in clip.frames:
        found = messages.image_boxes(frame.timestamp_ns, boxes[frame.frame_index])
        yield frame.timestamp_ns, channel, found


def _sweeps(clip: ExportClip, name: str, channel: Any) -> Iterator[_Timed]:
    for sweep in clip.sweeps(name):
        points = messages.point_cloud(sweep.timestamp_ns, name, sweep_points(sweep))
        yield sweep.timestamp_ns, channel, points


def _scans(clip: ExportClip, name: str, channel: Any) -> Iterator[_Timed]:
    for scan in clip.scans(name):
        points = messages.point_cloud(scan.timestamp_ns, name, scan_points(scan))
        yield scan.timestamp_ns, channel, points


def _fixes(clip: ExportClip, name: str, channel: Any) -> Iterator[_Timed]:
    times_ns = set(_times_ns(clip).values())
    for row in clip.reader.table("inertial").to_pylist():
        if row["sensor"] == name and row["timestamp_ns"] in times_ns:
            yield row["timestamp_ns"], channel, messages.location(row["timestamp_ns"], row)


def _times_ns(clip: ExportClip) -> dict[int, int]:
    return {frame.frame_index: frame.timestamp_ns for frame in clip.frames}
