"""Writes WebDataset shards: `<split>/<clip index>-<part>.tar`, one sample per capture.

Key: `<clip>-<frame>`, no dots. Members of a sample: `<camera>.rgb.png|jpg` as the clip holds them,
`<camera>.depth.pngraw` and so on for images of numbers (the name keeps decoders of pictures, which
would cut 16 bits to 8, away from them: read them with `cv2.imdecode(…, cv2.IMREAD_UNCHANGED)`),
`<lidar>.npy` and `<radar>.npy` (structured arrays: x, y, z in the sensor's frame, metres,
then intensity, ring, … by name), `json` (times, poses, calibration, boxes2d, boxes3d, in our own
frames and units: see `docs/clip_format.md`; `class` is the taxonomy's word). `shards.json` lists
the shards of each split with their number of samples.

Shards are plain tar files (ustar, or pax for long or non-ASCII names) with no times and no owners:
equal clips give equal bytes. A shard holds at most 1 GB of one clip.

Cannot express: what spans captures (tracks, road map) beyond what each sample repeats.

Source: https://github.com/webdataset/webdataset, "The WebDataset Format".
"""

from __future__ import annotations

import heapq
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.labels import Labelled, labels_by_frame, other_named_rows
from exporters.sensor_points import scan_points, sweep_points
from exporters.webdataset.shards import Shards
from synthgen.store.layout import canonical_json, readable_json

_COLOURED: Final = ("rgb", "normals")
_PICTURES: Final = {"jpeg": "jpg"}
_Member = tuple[int, str, bytes]  # frame index, name after the key, content


class _WebDataset:
    """WebDataset shards."""

    name = "webdataset"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the clip's shards."""
        (folder / clip.split).mkdir(parents=True)
        members = heapq.merge(*_streams(clip), key=itemgetter(0))
        with Shards(folder / clip.split, f"{clip.index:06d}") as shards:
            for frame_index, sample in groupby(members, key=itemgetter(0)):
                key = f"{clip.clip_id}-{frame_index:06d}"
                shards.write([(f"{key}.{name}", content) for _, name, content in sample])
        found = [{"path": f"{clip.split}/{name}", "samples": n} for name, n in shards.samples]
        counts = {"shards": len(found), "samples": sum(n for _, n in shards.samples)}
        return {"split": clip.split, "shards": found, "counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write the list of shards."""
        splits: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for part in parts:
            splits[part["split"]] += part["shards"]
        document = {"schema": "synthgen/shards@1", "splits": splits}
        (folder / "shards.json").write_bytes(readable_json(document))


FORMAT: Final = _WebDataset()


def _streams(clip: ExportClip) -> list[Iterator[_Member]]:
    """The members of every sensor, each in order of captures."""
    streams = [_documents(clip)]
    calibration = clip.calibration
    for camera in calibration.of_modality("camera"):
        assert camera.camera is not None, "a camera has a model"
        streams += [_images(clip, camera.name, channel) for channel in camera.camera.channels]
    streams += [_sweeps(clip, lidar.name) for lidar in calibration.of_modality("lidar")]
    streams += [_scans(clip, radar.name) for radar in calibration.of_modality("radar")]
    return streams


def _documents(clip: ExportClip) -> Iterator[_Member]:
    boxes = {
        "boxes3d": labels_by_frame(clip.named_rows("boxes3d")),
        "boxes2d": labels_by_frame(other_named_rows(clip, "boxes2d")),
    }
    calibration = json.loads(clip.calibration.to_json())
    taken = {frame.frame_index for frame in clip.frames}
    for row in clip.reader.table("frames").to_pylist():
        if row["frame_index"] not in taken:
            continue
        labels = {name: _rows(found[row["frame_index"]]) for name, found in boxes.items()}
        document = {
            "clip_id": clip.clip_id,
            "clip": clip.name,
            "split": clip.split,
            "frame": row,
            "calibration": calibration,
            **labels,
        }
        yield row["frame_index"], "json", canonical_json(document)


def _rows(labelled: Iterable[Labelled]) -> list[dict[str, Any]]:
    return [{"class": label, **row} for label, row in labelled]


def _images(clip: ExportClip, camera: str, channel: str) -> Iterator[_Member]:
    for frame_index, codec, content in clip.images(camera, channel):
        suffix = _PICTURES.get(codec, codec) if channel in _COLOURED else "pngraw"
        yield frame_index, f"{camera}.{channel}.{suffix}", content


def _sweeps(clip: ExportClip, lidar: str) -> Iterator[_Member]:
    for sweep in clip.sweeps(lidar):
        yield sweep.frame_index, f"{lidar}.npy", _npy(sweep_points(sweep))


def _scans(clip: ExportClip, radar: str) -> Iterator[_Member]:
    for scan in clip.scans(radar):
        yield scan.frame_index, f"{radar}.npy", _npy(scan_points(scan))


def _npy(points: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, points, allow_pickle=False)
    return content.getvalue()
