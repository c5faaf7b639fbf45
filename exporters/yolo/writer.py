"""Writes YOLO detection: `images/<split>/`, `labels/<split>/`, `data.yaml`.

One image and one label file for each camera and capture, `<clip>_<camera>_<frame>`; a capture
without objects has an empty label file. What a line holds is said in `exporters.yolo.labels`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from exporters.export_clip import ExportClip
from exporters.formats import ExportContext, Part, format_names
from exporters.yolo.labels import dataset_yaml, label_line


class _Yolo:
    """YOLO detection."""

    name = "yolo"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the clip's images and label files.

        Raises:
            ConfigError: The rig has no camera with images.
        """
        clip.require(self.name, "camera")
        images, labels = folder / "images" / clip.split, folder / "labels" / clip.split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        lines = _lines(clip)
        count = 0
        for sensor in clip.cameras():
            for frame_index, codec, content in clip.images(sensor.name):
                stem = f"{clip.name}_{sensor.name}_{frame_index:06d}"
                suffix = "png" if codec == "png" else "jpg"
                (images / f"{stem}.{suffix}").write_bytes(content)
                text = "".join(lines[sensor.name, frame_index])
                (labels / f"{stem}.txt").write_text(text)
                count += 1
        boxes = sum(map(len, lines.values()))
        return {"split": clip.split, "counts": {"images": count, "boxes": boxes}}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write `data.yaml`."""
        splits = sorted({part["split"] for part in parts})
        for split in {"train", "val", *splits}:
            for kind in ("images", "labels"):
                (folder / kind / split).mkdir(parents=True, exist_ok=True)
        (folder / "data.yaml").write_text(dataset_yaml(splits, context.names.classes))


FORMAT: Final = _Yolo()


def _lines(clip: ExportClip) -> defaultdict[tuple[str, int], list[str]]:
    """Label lines by camera and frame index."""
    classes = format_names("yolo").classes
    models = {sensor.name: sensor.camera for sensor in clip.cameras()}
    lines: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for label, row in clip.named_rows("boxes2d"):
        model = models.get(row["camera"])
        if model is None or row["visible_px"] == 0 or row["ignore"]:
            continue
        line = label_line(classes.index(label), row, model.camera)
        lines[row["camera"], row["frame_index"]].append(f"{line}\n")
    return lines
