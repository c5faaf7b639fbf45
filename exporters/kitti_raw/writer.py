"""Writes the KITTI raw layout: `<date>/<date>_drive_0001_sync/…` for each clip.

Calibration is per date in KITTI, and clips may have different rigs: clip number k is a recording of
day k after 2000-01-01, with calibration files of its own. `image_02` (the first camera; 00, 01 and
03 are not there, while their calibration repeats its), `velodyne_points` (the first LiDAR), `oxts`,
`tracklet_labels.xml`. `splits.json` lists the drives of each split.

Tracklets are in the LiDAR frame, the position is the centre of the bottom face, `rz` the heading;
they hold every object of the clip's boxes3d that LiDAR or camera met. A tracklet is a run of
frames without a gap, as the format wants it, so an object that was away makes two.

Cannot express: track ids (the tracklets' order is that of the clip's), roll and pitch, masks, a
share of truncation or occlusion. Frames that `--where` leaves out close up.

Source: KITTI raw development kit, readme.txt and tracklets/.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import numpy as np

from exporters.export_clip import ExportClip, Row
from exporters.formats import ExportContext, Part
from exporters.kitti.labels import calibration_rows, numbers_text, occlusion_level
from exporters.kitti.oxts import oxts_lines
from exporters.kitti.sensors import (
    camera_and_lidar,
    frames_of_both,
    pinhole,
    write_png,
    write_velodyne,
)
from exporters.splits import SPLITS
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.frames import FrameRecord
from synthgen.store.rows import pose_of_row

_FIRST_DAY: Final = datetime(2000, 1, 1)  # without a zone, as KITTI's
_IN_IMAGE, _TRUNCATED, _OUT_OF_IMAGE = 0, 1, 2
_LABELLED = 2  # a pose's "state": 0 unset, 1 interpolated, 2 labelled


class KittiRaw:
    """The format `kitti-raw`."""

    name = "kitti-raw"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the drive of one clip."""
        camera, lidar = camera_and_lidar(clip, self.name)
        date = f"{_FIRST_DAY + timedelta(days=clip.index):%Y_%m_%d}"
        drive = folder / date / f"{date}_drive_0001_sync"
        folders = {name: drive / name for name in ("image_02", "velodyne_points", "oxts")}
        for path in folders.values():
            (path / "data").mkdir(parents=True)
        records: list[FrameRecord] = []
        for number, frame in enumerate(frames_of_both(clip, camera, lidar)):
            write_png(folders["image_02"] / f"data/{number:010d}.png", frame.codec, frame.content)
            write_velodyne(folders["velodyne_points"] / f"data/{number:010d}.bin", frame.sweep)
            records.append(frame.record)
        for number, line in enumerate(oxts_lines(records)):
            (folders["oxts"] / f"data/{number:010d}.txt").write_text(line)
        for path in folders.values():
            (path / "timestamps.txt").write_text(_times(records, clip.index))
        for name, text in _calibration_files(camera, lidar).items():
            (drive.parent / name).write_text(text)
        tracklets = list(_tracklets(clip, records, camera, lidar))
        _write_tracklets(tracklets, drive / "tracklet_labels.xml")
        boxes = sum(len(tracklet.poses) for tracklet in tracklets)
        return {
            "split": clip.split,
            "drive": f"{date}/{drive.name}",
            "counts": {"drives": 1, "frames": len(records), "boxes": boxes},
        }

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write which drive is in which split."""
        splits: dict[str, list[str]] = {split: [] for split in SPLITS}
        for part in parts:
            splits[part["split"]].append(part["drive"])
        (folder / "splits.json").write_text(json.dumps(splits, indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class _Tracklet:
    kind: str
    size_lwh_m: tuple[float, float, float]
    first_frame: int
    poses: Sequence[dict[str, float | int]]


def _times(records: Sequence[FrameRecord], day_number: int) -> str:
    day = _FIRST_DAY + timedelta(days=day_number)
    lines = []
    for frame in records:
        seconds, rest_ns = divmod(frame.timestamp_ns, 10**9)
        lines.append(f"{day + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}.{rest_ns:09d}\n")
    return "".join(lines)


def _calibration_files(camera: MountedSensor, lidar: MountedSensor) -> dict[str, str]:
    rows = calibration_rows(camera, lidar)
    model = pinhole(camera)
    size = numbers_text(np.array([model.width_px, model.height_px], dtype=np.float64))
    head = "calib_time: 01-Jan-2000 00:00:00\n"
    lines = [f"{head}corner_dist: 0.000000e+00\n"]
    for k in range(4):
        named = {
            "S": size,
            "K": numbers_text(model.matrix),
            "D": numbers_text(np.zeros(5)),
            "R": numbers_text(np.eye(3)),
            "T": numbers_text(np.zeros(3)),
            "S_rect": size,
            "R_rect": numbers_text(rows["R"]),
            "P_rect": numbers_text(rows["P"]),
        }
        lines += [f"{name}_0{k}: {text}\n" for name, text in named.items()]
    rigid = {
        name: f"{head}R: {numbers_text(rows[key][:, :3])}\nT: {numbers_text(rows[key][:, 3])}\n"
        for name, key in (("velo_to_cam", "velo_to_cam"), ("imu_to_velo", "imu_to_velo"))
    }
    rigid["velo_to_cam"] += "delta_f: 0.000000e+00 0.000000e+00\n"
    rigid["velo_to_cam"] += "delta_c: 0.000000e+00 0.000000e+00\n"
    return {
        "calib_cam_to_cam.txt": "".join(lines),
        **{f"calib_{name}.txt": text for name, text in rigid.items()},
    }


def _tracklets(
    clip: ExportClip,
    records: Sequence[FrameRecord],
    camera: MountedSensor,
    lidar: MountedSensor,
) -> Iterator[_Tracklet]:
    """Runs of frames of each object, by track and time."""
    numbers = {frame.frame_index: number for number, frame in enumerate(records)}
    seen = {
        (row["frame_index"], row["track_id"]): row
        for row in clip.rows("boxes2d")
        if row["camera"] == camera.name and row["visible_px"] > 0
    }
    tracks: defaultdict[int, list[Row]] = defaultdict(list)
    for row in (r for r in clip.rows("boxes3d") if r["frame_index"] in numbers):
        if row["lidar_points"] > 0 or (row["frame_index"], row["track_id"]) in seen:
            tracks[row["track_id"]].append(row)
    lidar_from_ego = lidar.ego_from_sensor.inverse()
    for track_id in sorted(tracks):
        rows = sorted(tracks[track_id], key=lambda row: numbers[row["frame_index"]])
        for _, pairs in groupby(
            enumerate(rows), key=lambda pair: numbers[pair[1]["frame_index"]] - pair[0]
        ):
            run = [row for _, row in pairs]
            words = [clip.word(row["category"]) for row in run]
            if words[0] is None:
                continue
            poses = []
            for row in run:
                box = lidar_from_ego @ pose_of_row("ego_from_box", row)
                place = box.translation_m - np.array([0.0, 0.0, row["height_m"] / 2])
                flags = _flags(seen.get((row["frame_index"], track_id)))
                poses.append(_pose(place.tolist(), box.yaw_rad, flags))
            size = (run[0]["length_m"], run[0]["width_m"], run[0]["height_m"])
            yield _Tracklet(words[0], size, numbers[run[0]["frame_index"]], poses)


def _flags(box2d: Row | None) -> tuple[int, int]:
    """Occlusion (-1 unset, 0 to 2) and truncation as the tracklets code them."""
    if box2d is None:
        return -1, _OUT_OF_IMAGE
    truncation = _TRUNCATED if box2d["truncated_fraction"] > 0 else _IN_IMAGE
    return occlusion_level(box2d["occluded_fraction"]), truncation


def _pose(
    place_m: Sequence[float], yaw_rad: float, flags: tuple[int, int]
) -> dict[str, float | int]:
    occlusion, truncation = flags
    pose: dict[str, float | int] = dict(zip(("tx", "ty", "tz"), place_m, strict=True))
    pose |= {"rx": 0.0, "ry": 0.0, "rz": yaw_rad, "state": _LABELLED}
    pose |= {"occlusion": occlusion, "occlusion_kf": 0, "truncation": truncation}
    unset = ("amt_occlusion", "amt_border_l", "amt_border_r")
    pose |= dict.fromkeys(unset, -1.0)
    return pose | {"amt_occlusion_kf": -1, "amt_border_kf": -1}


def _write_tracklets(tracklets: Sequence[_Tracklet], path: Path) -> None:
    """The XML that boost's archive makes, as the development kit reads it."""
    root = ElementTree.Element(
        "boost_serialization", signature="serialization::archive", version="9"
    )
    attributes = {"class_id": "0", "tracking_level": "0", "version": "0"}
    listed = ElementTree.SubElement(root, "tracklets", attributes)
    _text(listed, {"count": len(tracklets), "item_version": 1})
    for tracklet in tracklets:
        item = ElementTree.SubElement(listed, "item")
        length, width, height = tracklet.size_lwh_m
        _text(item, {"objectType": tracklet.kind, "h": height, "w": width, "l": length})
        _text(item, {"first_frame": tracklet.first_frame})
        poses = ElementTree.SubElement(item, "poses")
        _text(poses, {"count": len(tracklet.poses), "item_version": 2})
        for pose in tracklet.poses:
            _text(ElementTree.SubElement(poses, "item"), pose)
        _text(item, {"finished": 1})
    ElementTree.indent(root, space="\t")
    ElementTree.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)


def _text(parent: ElementTree.Element, values: Mapping[str, float | int | str]) -> None:
    for name, value in values.items():
        child = ElementTree.SubElement(parent, name)
        child.text = f"{value:.9g}" if isinstance(value, float) else str(value)


FORMAT: Final = KittiRaw()
