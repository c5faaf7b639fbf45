"""Writes COCO detection: `images/<split>/` and `annotations/instances_<split>.json`.

The box is the visible one (x, y, width, height from the top-left corner), the mask is RLE, `area`
is the mask's. Ids start at 1. Beyond COCO: `track_id`, `occluded`, `truncated`, the amodal box and
the depth stand in each annotation, where COCO's readers leave them alone.

Cannot express: 3D boxes, time (images carry `clip_id`, `camera` and `frame_index`).

Source: COCO data format, https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from exporters.export_clip import ExportClip, Row
from exporters.formats import ExportContext, Part
from exporters.splits import SPLITS

_EDGES = ("x_min", "y_min", "x_max", "y_max")


class Coco:
    """The format `coco`."""

    name = "coco"

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the images of one clip; the part holds its rows."""
        images_folder = folder / "images" / clip.split
        images_folder.mkdir(parents=True)
        boxes = defaultdict(list)
        for word, row in clip.named_rows("boxes2d"):
            if row["visible_px"] > 0:
                boxes[row["camera"], row["frame_index"]].append((word, row))
        images: list[dict[str, Any]] = []
        for sensor in clip.cameras():
            assert sensor.camera is not None, "chosen for its camera"
            size = sensor.camera.camera.height_px, sensor.camera.camera.width_px
            for frame_index, codec, content in clip.images(sensor.name):
                suffix = "png" if codec == "png" else "jpg"
                name = f"{clip.clip_id}_{sensor.name}_{frame_index:05d}.{suffix}"
                (images_folder / name).write_bytes(content)
                rows = boxes[sensor.name, frame_index]
                images.append(
                    {
                        "file_name": name,
                        "width": size[1],
                        "height": size[0],
                        "clip_id": clip.clip_id,
                        "camera": sensor.name,
                        "frame_index": frame_index,
                        "annotations": [annotation(word, row, size) for word, row in rows],
                    }
                )
        counts = {"images": len(images), "annotations": sum(len(i["annotations"]) for i in images)}
        return {"split": clip.split, "images": images, "counts": counts}

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Number images and annotations, and write one file per split."""
        classes = {word: k for k, word in enumerate(context.names.classes, start=1)}
        (folder / "annotations").mkdir(exist_ok=True)
        for split in SPLITS:
            document = _document(parts, split, classes)
            document["info"] = {"description": f"synthgen dataset {context.dataset_name}"}
            path = folder / f"annotations/instances_{split}.json"
            path.write_text(json.dumps(document))


def _document(parts: Iterable[Part], split: str, classes: dict[str, int]) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for part in parts:
        if part["split"] != split:
            continue
        for image in part["images"]:
            rows = image.pop("annotations")
            images.append({"id": len(images) + 1, **image})
            for row in rows:
                ids = {"id": len(annotations) + 1, "image_id": len(images)}
                annotations.append(ids | {"category_id": classes[row.pop("category")]} | row)
    categories = [{"id": k, "name": word} for word, k in classes.items()]
    return {
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def annotation(word: str, row: Row, size_hw: tuple[int, int]) -> dict[str, Any]:
    """One annotation of a boxes2d row, still without ids.

    Args:
        word: COCO category.
        row: Row of boxes2d with at least one visible pixel.
        size_hw: Rows and columns of the image.
    """
    left, top, right, low = (row[f"visible_{edge}_px"] for edge in _EDGES)
    return {
        "category": word,
        "bbox": [left, top, right - left, low - top],
        "area": row["visible_px"],
        "segmentation": {"size": list(size_hw), "counts": row["mask_rle"]},
        "iscrowd": 0,
        "track_id": row["track_id"],
        "occluded": round(row["occluded_fraction"], 4),
        "truncated": round(row["truncated_fraction"], 4),
        "amodal_bbox": [row[f"amodal_{edge}_px"] for edge in _EDGES],
        "depth_m": row["depth_median_m"],
    }


FORMAT: Final = Coco()
