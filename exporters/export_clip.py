"""One clip as an exporter sees it: what the user selected of it, in the format's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from exporters.selection import Selection
from synthgen.datatypes.calibration import Calibration, MountedSensor
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.errors import ConfigError, DatasetError
from synthgen.geometry.arrays import U8, U16
from synthgen.geometry.se3 import SE3
from synthgen.store.clip_reader import ClipReader

Row = dict[str, Any]

_NEEDS = {"camera": "a camera with rgb", "lidar": "a LiDAR"}


class ExportClip:
    """A clip with the user's selection applied.

    Frames that `--where` leaves out do not appear in `frames`, `images`, `sweeps`, `scans` or in
    any table; objects that it leaves out do not appear in the tables.

    Attributes:
        reader: The whole clip, unfiltered.
        index: Dense number of the clip in this export, from 0.
        name: Unique in the export, `<scenario>-<slot number>`.
        split: `train`, `val` or `test`.
        first_frame: Captures of all clips before this one: with it a frame has a number of its own
            in the whole export, `first_frame + frame_index`.
        names: Our categories in the format's words, None where it drops them.
        fisheyes: True where the format can say how a fisheye sees, or need not.
        dropped: Labels without a word in the format, as counted by `word`, by our category.
        kept: Labels with one.
    """

    def __init__(
        self,
        reader: ClipReader,
        *,
        index: int,
        name: str,
        split: str,
        first_frame: int,
        names: Mapping[str, str | None],
        fisheyes: bool,
        selection: Selection,
    ) -> None:
        self.reader = reader
        self.index = index
        self.name = name
        self.split = split
        self.first_frame = first_frame
        self.names = names
        self.fisheyes = fisheyes
        self.dropped: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._selected = selection.of_clip(reader)

    @property
    def clip_id(self) -> str:
        """The clip's name in the dataset."""
        return self.reader.clip_id

    @cached_property
    def calibration(self) -> Calibration:
        """The rig without `left_out`: a pinhole in a fisheye's place would lie."""
        rig = self.reader.calibration
        return replace(rig, sensors=tuple(s for s in rig.sensors if s.name not in self.left_out))

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Names of the cameras whose lens the format cannot express."""
        cameras = () if self.fisheyes else self.reader.calibration.of_modality("camera")
        return tuple(s.name for s in cameras if s.camera is not None and s.camera.fisheye)

    def require(self, form: str, *modalities: Literal["camera", "lidar"]) -> None:
        """Refuse a rig that lacks what a format cannot do without.

        Raises:
            ConfigError: Names the format, the rig, and what it lacks.
        """
        has = {"camera": self.cameras(), "lidar": self.lidars()}
        missing = [_NEEDS[modality] for modality in modalities if not has[modality]]
        if missing:
            fisheyes = f" besides the fisheyes {', '.join(self.left_out)}" if self.left_out else ""
            raise ConfigError(
                f"clip {self.clip_id}: {form} needs {' and '.join(_NEEDS[m] for m in modalities)}, "
                f"rig {self.calibration.rig} lacks {' and '.join(missing)}{fisheyes}"
            )

    @cached_property
    def frames(self) -> tuple[FrameRecord, ...]:
        """The selected captures, in order."""
        return tuple(f for f in self.reader.frames if self._selected.has_frame(f.frame_index))

    def table(self, name: str) -> pa.Table:
        """A label table (`boxes2d`, `boxes3d`, `tracks`, …) with the selected rows only."""
        return self._selected.filtered(self.reader.label_table(name))

    def rows(self, name: str) -> list[Row]:
        """The selected rows of a label table."""
        rows: list[Row] = self.table(name).to_pylist()
        return rows

    def word(self, category: str) -> str | None:
        """The format's word for one label of a category, or None; counted as kept or dropped.

        Raises:
            DatasetError: There is no such category.
        """
        if category not in self.names:
            raise DatasetError(
                f"{self.reader.folder}: category {category}: expected one of "
                f"{', '.join(self.names)}; was the clip made by a newer version?"
            )
        found = self.names[category]
        (self.dropped if found is None else self.kept)[category] += 1
        return found

    def named_rows(self, name: str) -> list[tuple[str, Row]]:
        """The selected rows with the format's word for each, without those it has none for.

        Counts them: call it for the one table that stands for the format's labels.
        """
        named = ((self.word(row["category"]), row) for row in self.rows(name))
        return [(word, row) for word, row in named if word is not None]

    def cameras(self, channel: str = "rgb") -> tuple[MountedSensor, ...]:
        """The cameras that deliver a channel, in the order of the rig."""
        return tuple(
            sensor
            for sensor in self.calibration.of_modality("camera")
            if sensor.camera is not None and channel in sensor.camera.channels
        )

    def lidars(self) -> tuple[MountedSensor, ...]:
        """The LiDARs, in the order of the rig."""
        return self.calibration.of_modality("lidar")

    def images(self, camera: str, channel: str = "rgb") -> Iterator[tuple[int, str, bytes]]:
        """Frame index, codec (`png`, `jpeg`) and bytes as stored, of the selected frames."""
        for frame_index, codec, content in self.reader.encoded_images(camera, channel):
            if self._selected.has_frame(frame_index):
                yield frame_index, codec, content

    def image_poses(self, camera: str, channel: str = "rgb") -> list[tuple[int, int, SE3]]:
        """Frame index, timestamp and `world_from_camera` of each of `images`."""
        poses = self.reader.image_poses(camera, channel)
        return [item for item in poses if self._selected.has_frame(item[0])]

    def point_labels(self, lidar: str) -> Iterator[tuple[int, U8, U16]]:
        """Frame index, CARLA tags (N,) and track ids (N,) of the points of each of `sweeps`."""
        table = self.reader.label_table("points")
        for number in range(table.num_rows):
            frame_index = table["frame_index"][number].as_py()
            if table["lidar"][number].as_py() == lidar and self._selected.has_frame(frame_index):
                tags, tracks = (
                    table[name][number].values.to_numpy() for name in ("semantic_tag", "track_id")
                )
                yield frame_index, tags, tracks

    def sweeps(self, lidar: str) -> Iterator[LidarSweep]:
        """The sweeps of the selected frames."""
        for sweep in self.reader.lidar_sweeps(lidar):
            if self._selected.has_frame(sweep.frame_index):
                yield sweep

    def scans(self, radar: str) -> Iterator[RadarScan]:
        """The radar scans of the selected frames."""
        for scan in self.reader.radar_scans(radar):
            if self._selected.has_frame(scan.frame_index):
                yield scan
