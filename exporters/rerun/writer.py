"""Writes one Rerun recording per clip: `<split>/<clip>.rrd`, with a blueprint to open it by.

Timelines: `time` (clip-relative) and `frame`. Entities and what they cannot express are said in
`exporters.rerun.entities`. Recordings are bound to Rerun's version (newer viewers read older
recordings): look at them, do not archive them. Two exports of a clip say the same but differ in
their bytes, since Rerun numbers its chunks by chance.
"""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import rerun as rr

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.labels import Labelled, labels_by_frame, other_named_rows
from exporters.rerun import entities
from exporters.sensor_points import scan_points, sweep_points
from synthgen.datatypes.calibration import MountedSensor
from synthgen.geometry.arrays import U16
from synthgen.geometry.se3 import SE3

# The last bytes of a recording (rerun-sdk 0.41): a mark and the number of footers.
_FOOTER: Final = b"RRF2FOOT"
_FOOTER_END_BYTES: Final = 12


class _Rerun:
    """Rerun recordings."""

    name = "rerun"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the clip's recording."""
        path = folder / clip.split / f"{clip.name}.rrd"
        path.parent.mkdir(parents=True)
        # Rerun writes in a thread of its own, which logs what the disk says and ends.
        with suppress(RuntimeError):
            _write(clip, path)
        if not _is_whole(path):
            raise OSError(errno.EIO, "Rerun could not finish its file; is the disk full?")
        return {"counts": {"files": 1, "captures": len(clip.frames)}}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Nothing spans clips."""


FORMAT: Final = _Rerun()


def _write(clip: ExportClip, path: Path) -> None:
    with rr.RecordingStream(
        "synthgen", recording_id=clip.clip_id, send_properties=False
    ) as recording:
        recording.save(path, default_blueprint=entities.blueprint(clip.cameras()))
        recording.send_recording_name(clip.name)
        recording.set_log_time_enabled(False)
        recording.set_log_tick_enabled(False)
        _Recording(recording, clip).log()
        recording.flush()
        recording.disconnect()


def _is_whole(path: Path) -> bool:
    """True where a recording has its footer, which is written last."""
    with path.open("rb") as file:
        file.seek(-_FOOTER_END_BYTES, os.SEEK_END)
        return file.read().startswith(_FOOTER)


class _Recording:
    """A clip on its way into a recording, stream by stream."""

    def __init__(self, recording: rr.RecordingStream, clip: ExportClip) -> None:
        self._recording = recording
        self._clip = clip
        self._times_ns = {frame.frame_index: frame.timestamp_ns for frame in clip.frames}
        self._class_ids = {name: k for k, name in enumerate(clip.names, start=1)}

    def log(self) -> None:
        """Log everything."""
        self._constants()
        self._ego()
        self._objects()
        boxes2d: defaultdict[str, list[Labelled]] = defaultdict(list)
        for label, row in other_named_rows(self._clip, "boxes2d"):
            boxes2d[row["camera"]].append((label, row))
        calibration = self._clip.calibration
        for sensor in calibration.of_modality("camera"):
            self._camera(sensor, boxes2d[sensor.name])
        class_of_track = self._class_of_track()
        for sensor in calibration.of_modality("lidar"):
            for sweep in self._clip.sweeps(sensor.name):
                points = entities.points3d(sweep_points(sweep), class_of_track)
                self._at(sweep.frame_index, f"{_path(sensor)}/points", points)
        for sensor in calibration.of_modality("radar"):
            for scan in self._clip.scans(sensor.name):
                points = entities.points3d(scan_points(scan), class_of_track)
                self._at(scan.frame_index, f"{_path(sensor)}/points", points)

    def _constants(self) -> None:
        log, reader = self._recording.log, self._clip.reader
        log(entities.WORLD_PATH, rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        context = entities.classes(list(self._class_ids))
        log(entities.WORLD_PATH, context, static=True)
        borders = entities.lane_borders(reader.road_map.lanes)
        log(f"{entities.WORLD_PATH}/map", borders, static=True)
        ego = reader.objects[0]
        body = entities.body(SE3(np.eye(3), ego.box_center_m), ego.size_lwh_m)
        log(f"{entities.EGO_PATH}/body", body, static=True)
        for sensor in self._clip.calibration.sensors:
            log(_path(sensor), entities.transform(sensor.ego_from_sensor), static=True)

    def _ego(self) -> None:
        for frame in self._clip.frames:
            pose = entities.transform(frame.world_from_ego)
            self._at(frame.frame_index, entities.EGO_PATH, pose)

    def _objects(self) -> None:
        boxes = labels_by_frame(self._clip.named_rows("boxes3d"))
        for frame_index in self._times_ns:
            found = entities.boxes3d(boxes[frame_index], self._class_ids)
            self._at(frame_index, f"{entities.EGO_PATH}/objects", *found)

    def _camera(self, sensor: MountedSensor, labelled: list[Labelled]) -> None:
        assert sensor.camera is not None, "a camera has a model"
        path, clip = _path(sensor), self._clip
        if sensor.camera.fisheye is None:
            self._recording.log(path, entities.pinhole(sensor.camera.camera), static=True)
        if "rgb" in sensor.camera.channels:
            for frame_index, codec, content in clip.images(sensor.name, "rgb"):
                self._at(frame_index, f"{path}/rgb", entities.image(codec, content))
        if "depth" in sensor.camera.channels:
            for frame_index, _, content in clip.images(sensor.name, "depth"):
                self._at(frame_index, f"{path}/depth", entities.depth(content))
        boxes = labels_by_frame(labelled)
        for frame_index in self._times_ns:
            found = entities.boxes2d(boxes[frame_index], self._class_ids)
            self._at(frame_index, f"{path}/boxes", *found)

    def _class_of_track(self) -> U16:
        """Class id by track id; 0 for those that are no object of the export."""
        objects = self._clip.reader.objects
        found = np.zeros(objects[-1].track_id + 1, dtype=np.uint16)
        for item in objects:
            found[item.track_id] = self._class_ids[item.category]
        return found

    def _at(
        self, frame_index: int, path: str, first: rr.AsComponents, *more: rr.AsComponents
    ) -> None:
        self._recording.set_time("frame", sequence=frame_index)
        time = np.timedelta64(self._times_ns[frame_index], "ns")
        self._recording.set_time("time", duration=time)
        self._recording.log(path, first, *more)


def _path(sensor: MountedSensor) -> str:
    return entities.sensor_path(sensor.name)
