"""Opens any data set that QA can compare, ours or a real one.

What cannot be read is noted, one line a fault, and left out; the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pyarrow as pa
from pyarrow import feather

from synthgen.datatypes.labelled_frame import LabelledFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, U8
from synthgen.qa.clip_frames import clip_frames
from synthgen.qa.sound import BrokenBox, sound_sequences, summary, without_broken
from synthgen.store.clip_reader import ClipReader
from synthgen.store.image_codec import decode_rgb

_TOLD: Final = 3  # problems in one message
Reader = Callable[[Path], Iterator[LabelledFrame]]

_READERS: Final = {
    "kitti-object": ("exporters.kitti_object.reader", "read_kitti_object"),
    "kitti-tracking": ("exporters.kitti_tracking.reader", "read_kitti_tracking"),
    "coco": ("exporters.coco.reader", "read_coco"),
    "nuscenes": ("exporters.nuscenes.reader", "read_nuscenes"),
    "argoverse2": ("exporters.argoverse2.reader", "read_argoverse2"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """One data set, opened.

    Attributes:
        path: Where it is.
        kind: `synthgen`, or a key of the readers.
        frames: Its labelled frames, by sequence and time.
        problems: What could not be read, one line each; images and sweeps add to it when read.
        broken: Labels whose numbers are no box; `frames` are without them.
    """

    path: Path
    kind: str
    frames: tuple[LabelledFrame, ...]
    problems: list[str] = field(default_factory=list)
    broken: tuple[BrokenBox, ...] = ()

    @property
    def left_out(self) -> list[str]:
        """One line on the broken labels, where there are any."""
        if not self.broken:
            return []
        return [f"{self.path}: {summary(self.broken, sum(len(f.boxes) for f in self.frames))}"]

    def images(self, limit: int) -> Iterator[tuple[int, U8]]:
        """Row of `frames` and RGB image (H, W, 3) of at most `limit` frames, evenly spread."""
        if self.kind == "synthgen":
            yield from self._clip_images(limit)
            return
        rows = [i for i, frame in enumerate(self.frames) if frame.image is not None]
        for row in _spread(rows, limit):
            path = self.frames[row].image
            assert path is not None, "chosen for its image"
            try:
                yield row, decode_rgb(path.read_bytes(), str(path))
            except (OSError, DatasetError, cv2.error) as err:
                self.problems.append(fault_line(path, err))

    def sweeps(self, limit: int) -> Iterator[tuple[int, F64, F64]]:
        """Row of `frames`, points (N, 3) and intensity (N,) of at most `limit` sweeps."""
        if self.kind == "synthgen":
            yield from self._clip_sweeps(limit)
            return
        rows = [i for i, frame in enumerate(self.frames) if frame.lidar is not None]
        for row in _spread(rows, limit):
            path = self.frames[row].lidar
            assert path is not None, "chosen for its sweep"
            try:
                points, intensity = read_sweep(path)
            except (OSError, DatasetError, pa.ArrowException) as err:
                self.problems.append(fault_line(path, err))
                continue
            pose = self.frames[row].lidar_from_boxes
            # The boxes' frame has x ahead, which the LiDAR's need not have.
            yield row, points if pose is None else pose.inverse().apply(points), intensity

    def in_box_frame(self, row: int, points_m: F64) -> F64:
        """Points of a sweep in the frame of the boxes: those of our clips come in the sensor's."""
        pose = self.frames[row].lidar_from_boxes
        if self.kind != "synthgen" or pose is None:
            return points_m
        return pose.inverse().apply(points_m)

    def _clip_images(self, limit: int) -> Iterator[tuple[int, U8]]:
        wanted = set(_spread(list(range(len(self.frames))), limit))
        if not wanted:
            return
        for clip, rows in self._clips():
            camera = next(
                (s for s in clip.calibration.of_modality("camera") if "rgb" in _channels(s)), None
            )
            if camera is None:
                continue
            try:
                for index, _, content in clip.encoded_images(camera.name, "rgb"):
                    if rows.get(index) in wanted:
                        yield rows[index], decode_rgb(content, f"{clip.folder} frame {index}")
            except (DatasetError, cv2.error) as err:
                self.problems.append(fault_line(clip.folder, err))

    def _clip_sweeps(self, limit: int) -> Iterator[tuple[int, F64, F64]]:
        wanted = set(_spread(list(range(len(self.frames))), limit))
        if not wanted:
            return
        for clip, rows in self._clips():
            lidars = clip.calibration.of_modality("lidar")
            if not lidars:
                continue
            try:
                for sweep in clip.lidar_sweeps(lidars[0].name):
                    row = rows.get(sweep.frame_index)
                    if row in wanted and row is not None:
                        yield (
                            row,
                            np.asarray(sweep.points_m, np.float64),
                            np.asarray(sweep.intensity, np.float64),
                        )
            except DatasetError as err:
                self.problems.append(fault_line(clip.folder, err))

    def _clips(self) -> Iterator[tuple[ClipReader, dict[int, int]]]:
        rows: dict[str, dict[int, int]] = {}
        for row, frame in enumerate(self.frames):
            rows.setdefault(frame.sequence, {})[frame.frame_index] = row
        for clip_id, of_clip in rows.items():
            yield ClipReader(self.path / "clips" / clip_id[:2] / clip_id), of_clip


def _channels(sensor: object) -> tuple[str, ...]:
    camera = getattr(sensor, "camera", None)
    return tuple(camera.channels) if camera is not None else ()


def open_source(path: Path) -> Source:
    """A data set by what its folder holds.

    Raises:
        DatasetError: There is nothing there, the format is unknown, or no frame can be read.
    """
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    kind = kind_of(path)
    problems: list[str] = []
    broken: tuple[BrokenBox, ...] = ()
    if kind == "synthgen":
        frames = tuple(_clip_dataset(path, problems))
    else:
        frames, broken = without_broken(
            sound_sequences(path, _foreign(kind, path, problems), problems)
        )
    if not frames:
        raise DatasetError(_in_short(problems) or f"{path}: {kind}: holds no frame")
    return Source(path, kind, frames, problems, broken)


def _in_short(problems: list[str]) -> str:
    """The first problems, and how many there are more."""
    more = len(problems) - _TOLD
    return "\n".join(problems[:_TOLD] + ([f"... and {more} more like these"] if more > 0 else []))


def kind_of(path: Path) -> str:
    """What a data set is, by its files.

    Raises:
        DatasetError: It is none of the known formats.
    """
    if path.is_file() and path.suffix == ".json":
        return "coco"
    marks = (
        ("synthgen", ("clips", "dataset.json")),
        ("kitti-tracking", ("label_02", "training/label_02")),
        ("kitti-object", ("label_2", "training/label_2")),
        ("nuscenes", ("v1.0-*/sample.json", "sample.json")),
        ("argoverse2", tuple("*/" * deep + "annotations.feather" for deep in range(4))),
        ("coco", ("annotations/instances*.json",)),
    )
    for kind, patterns in marks:
        if any(next(path.glob(pattern), None) is not None for pattern in patterns):
            return kind
    known = ", ".join(kind for kind, _ in marks)
    raise DatasetError(f"{path}: not a data set of a known format ({known})")


def _clip_dataset(path: Path, problems: list[str]) -> list[LabelledFrame]:
    frames: list[LabelledFrame] = []
    for folder in sorted((path / "clips").glob("*/*")):
        try:
            frames += clip_frames(ClipReader(folder))
        except DatasetError as err:
            problems.append(fault_line(folder, err))
    return frames


def _foreign(kind: str, path: Path, problems: list[str]) -> list[LabelledFrame]:
    module, name = _READERS[kind]
    try:
        read = getattr(import_module(module), name)
    except ModuleNotFoundError as err:
        raise DatasetError(f"{path}: {kind} cannot be read by this version") from err
    frames: list[LabelledFrame] = []
    if kind in ("kitti-object", "kitti-tracking"):
        return list(read(path, faults=problems))
    parts = [path]
    if kind == "argoverse2":  # each log is read for itself, so that a broken one spoils no other
        parts = sorted(file.parent for file in path.rglob("annotations.feather"))
    if kind == "coco" and path.is_dir():
        parts = sorted(path.glob("annotations/instances*.json"))
    if kind == "nuscenes":
        tables = _nuscenes_tables(path)
        parts, read = [tables.parent], partial(read, version=tables.name)
    for part in parts:
        folder = {"images": _coco_images(part)} if kind == "coco" else {}
        try:
            for frame in read(part, **folder):
                frames.append(frame)
        except DatasetError as err:
            problems.append(fault_line(part, err))
    return frames


def _nuscenes_tables(path: Path) -> Path:
    """The folder of a nuScenes version: the path itself, or the only one in it."""
    if (path / "sample.json").is_file():
        return path.absolute()
    versions = sorted(p.parent for p in path.glob("v1.0-*/sample.json"))
    if len(versions) > 1:
        names = ", ".join(version.name for version in versions)
        raise DatasetError(f"{path}: expected one version, found {names}; name one: {versions[-1]}")
    return versions[0]


def _coco_images(instances: Path) -> Path:
    """Folder of the images of an instances file: COCO's own is `val2017/`, ours `images/val/`."""
    root, split = instances.parent.parent, instances.stem.removeprefix("instances_")
    places = (root / "images" / split, root / split, root / "images")
    return next((place for place in places if place.is_dir()), root)


def _spread(rows: list[int], limit: int) -> list[int]:
    if len(rows) <= limit:
        return rows
    if limit < 1:
        return []
    return [rows[i] for i in np.linspace(0, len(rows) - 1, limit).astype(int).tolist()]


def read_sweep(path: Path) -> tuple[F64, F64]:
    """Points (N, 3) and intensity (N,) of 0 to 1, of a KITTI, nuScenes or Argoverse file.

    Raises:
        DatasetError: The file is cut off.
    """
    if path.suffix == ".feather":
        table = feather.read_table(path)
        columns = [table[n].to_numpy().astype(np.float64) for n in ("x", "y", "z", "intensity")]
        return np.stack(columns[:3], axis=1), columns[3] / 255
    width = 5 if path.name.endswith(".pcd.bin") else 4
    content = path.read_bytes()
    if len(content) % (4 * width) or not content:
        raise DatasetError(
            f"{path}: expected whole points of {4 * width} bytes, found {len(content)} (cut off?)"
        )
    points = np.frombuffer(content, dtype="<f4").reshape(-1, width).astype(np.float64)
    return points[:, :3], points[:, 3] / (255 if width == 5 else 1)


def fault_line(path: Path, err: Exception) -> str:
    """What is wrong with a file, in one line that names it."""
    text = str(err).splitlines()[0] if str(err) else type(err).__name__
    return text if str(path) in text else f"{path}: {text}"
