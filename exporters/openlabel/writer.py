"""Writes ASAM OpenLABEL 1.0: `<split>/<clip>/openlabel.json`, images and sweeps beside it.

`<camera>/<frame>.png|jpg` are the images, `<lidar>/<frame>.pcd` and `<radar>/<frame>.pcd` the
points. What the document says and cannot say is at the top of `exporters.openlabel.document`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part
from exporters.labels import other_named_rows
from exporters.openlabel import document
from exporters.pcd import pcd_bytes
from exporters.sensor_points import scan_points, sweep_points
from synthgen import __version__


class _OpenLabel:
    """ASAM OpenLABEL 1.0."""

    name = "openlabel"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the clip's document and sensor files."""
        home = folder / clip.split / clip.name
        uris: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for stream, frame_index, suffix, content in _files(clip):
            uri = f"{stream}/{frame_index:06d}.{suffix}"
            path = home / uri
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            uris[frame_index][stream] = uri
        home.mkdir(parents=True, exist_ok=True)
        openlabel = clip_document(clip, uris)
        text = json.dumps({"openlabel": openlabel}, ensure_ascii=False, allow_nan=False)
        (home / "openlabel.json").write_text(text + "\n", encoding="utf-8")
        return {"counts": {"files": 1, "objects": len(openlabel["objects"])}}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Nothing spans clips."""


FORMAT: Final = _OpenLabel()


def _files(clip: ExportClip) -> Iterator[tuple[str, int, str, bytes]]:
    """Stream, frame index, file suffix and bytes of everything the sensors saw."""
    for camera in clip.cameras():
        for frame_index, codec, content in clip.images(camera.name):
            yield camera.name, frame_index, "png" if codec == "png" else "jpg", content
    for lidar in clip.lidars():
        for sweep in clip.sweeps(lidar.name):
            yield lidar.name, sweep.frame_index, "pcd", pcd_bytes(sweep_points(sweep))
    for radar in clip.calibration.of_modality("radar"):
        for scan in clip.scans(radar.name):
            yield radar.name, scan.frame_index, "pcd", pcd_bytes(scan_points(scan))


def clip_document(clip: ExportClip, uris: defaultdict[int, dict[str, str]]) -> dict[str, Any]:
    """The content of `openlabel`.

    Args:
        clip: The clip.
        uris: Files of each frame by stream, relative to the document.
    """
    calibration = clip.calibration
    boxes3d, boxes2d = clip.named_rows("boxes3d"), other_named_rows(clip, "boxes2d")
    labels = {row["track_id"]: label for label, row in [*boxes3d, *boxes2d]}
    found = document.frame_objects((row for _, row in boxes3d), (row for _, row in boxes2d))
    frames = {
        str(frame.frame_index): {
            "frame_properties": document.frame_properties(frame, uris[frame.frame_index]),
            "objects": {
                key: {"object_data": data} for key, data in found.get(frame.frame_index, {}).items()
            },
        }
        for frame in clip.frames
    }
    return {
        "metadata": {
            "schema_version": "1.0.0",
            "file_version": "1",
            "name": clip.name,
            "annotator": f"synthgen {__version__}",
            "comment": f"clip {clip.clip_id}, split {clip.split}",
        },
        "coordinate_systems": document.coordinate_systems(calibration),
        "streams": document.streams(calibration.sensors),
        "frame_intervals": document.intervals(frame.frame_index for frame in clip.frames),
        "objects": _objects(clip, labels, found),
        "relations": _relations(clip, found),
        "frames": frames,
    }


def _objects(
    clip: ExportClip, labels: dict[int, str], found: document.FrameObjects
) -> dict[str, Any]:
    """Every object with data in some frame, by key."""
    objects: dict[str, Any] = {}
    for item in clip.reader.table("objects").to_pylist():
        key = str(item["track_id"])
        frames = {index: data[key] for index, data in found.items() if key in data}
        if frames:
            objects[key] = document.object_entry(labels[item["track_id"]], item, frames)
    return objects


def _relations(clip: ExportClip, found: document.FrameObjects) -> dict[str, Any]:
    """Who rides what, while both are labelled."""
    relations: dict[str, Any] = {}
    for item in clip.reader.table("objects").to_pylist():
        rider, cycle = item["track_id"], item["parent_track_id"]
        both = {str(rider), str(cycle)}
        frames = [index for index, objects in found.items() if both <= objects.keys()]
        if cycle is not None and frames:
            relations[str(len(relations))] = document.relation(rider, cycle, frames)
    return relations
