"""Writes COCO detection: `images/` and `annotations/instances.json`.

The box is the visible one (x, y, width, height from the top-left corner), the mask is RLE, `area`
is the mask's. Ids start at 1. Beyond COCO: `track_id`, `occluded`, `truncated`, the amodal box and
the depth stand in each annotation, where COCO's readers leave them alone.

Cannot express: 3D boxes, time (images carry `clip_id`, `camera` and `frame_index`).

Source: COCO data format, https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from exporters.names import COCO
from exporters.staging import staged
from synthgen.store.clip_reader import ClipReader, open_dataset

_EDGES = ("x_min", "y_min", "x_max", "y_max")


def export_coco(dataset: Path, out: Path) -> dict[str, Any]:
    """Export all cameras of all clips; returns counts.

    Raises:
        DatasetError: The dataset cannot be read.
        OutputError: The folder cannot be written or is there already.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    with staged(out) as folder:
        (folder / "images").mkdir()
        (folder / "annotations").mkdir()
        for clip in open_dataset(dataset):
            _export_clip(clip, folder / "images", images, annotations)
        document = {
            "info": {"description": f"synthgen dataset {dataset.name}"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": [{"id": k, "name": name} for k, name in enumerate(COCO, start=1)],
        }
        (folder / "annotations/instances.json").write_text(json.dumps(document))
    return {"images": len(images), "annotations": len(annotations), "dropped": {}}


def _export_clip(
    clip: ClipReader,
    folder: Path,
    images: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
) -> None:
    boxes = defaultdict(list)
    for row in clip.label_table("boxes2d").to_pylist():
        if row["visible_px"] > 0:
            boxes[row["camera"], row["frame_index"]].append(row)
    for sensor in clip.calibration.of_modality("camera"):
        if sensor.camera is None or "rgb" not in sensor.camera.channels:
            continue
        size = sensor.camera.camera.height_px, sensor.camera.camera.width_px
        for frame_index, codec, content in clip.encoded_images(sensor.name, "rgb"):
            suffix = "png" if codec == "png" else "jpg"
            name = f"{clip.clip_id}_{sensor.name}_{frame_index:05d}.{suffix}"
            (folder / name).write_bytes(content)
            image = _image(len(images) + 1, name, size)
            image |= {"clip_id": clip.clip_id, "camera": sensor.name, "frame_index": frame_index}
            images.append(image)
            for row in boxes[sensor.name, frame_index]:
                annotations.append(annotation(len(annotations) + 1, image["id"], row, size))


def _image(image_id: int, name: str, size_hw: tuple[int, int]) -> dict[str, Any]:
    height, width = size_hw
    return {"id": image_id, "file_name": name, "width": width, "height": height}


def annotation(
    annotation_id: int, image_id: int, row: dict[str, Any], size_hw: tuple[int, int]
) -> dict[str, Any]:
    """One annotation of a boxes2d row.

    Args:
        annotation_id: At least 1: COCO's evaluation takes 0 for "no match".
        image_id: Id of its image.
        row: Row of boxes2d with at least one visible pixel.
        size_hw: Rows and columns of the image.
    """
    left, top, right, low = (row[f"visible_{edge}_px"] for edge in _EDGES)
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": COCO.index(row["category"]) + 1,
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
