"""Reads a COCO instances file, COCO's own or exported, as `LabelledFrame`s.

A box is corner to corner (x, y, x + width, y + height); crowds become regions to ignore. Files of
ours also give sequence, track and occlusion. There are no 3D boxes: those columns are NaN.

Source: COCO data format, https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exporters.foreign_files import expected_content, size_wh
from synthgen.datatypes.labelled_frame import IGNORE, OTHER, LabelledBoxes, LabelledFrame
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64


def read_coco(annotations: Path, images: Path | None = None) -> Iterator[LabelledFrame]:
    """The images of an instances file, in its order.

    Args:
        annotations: E.g. `annotations/instances_val.json`.
        images: Folder of the image files, or None where they are not wanted.

    Raises:
        DatasetError: The file is missing or is not of the format.
    """
    with expected_content(annotations, "COCO instances"):
        document = json.loads(_content(annotations))
        for table in ("categories", "images"):
            _expect_unique(document[table], table)
        words = {row["id"]: str(row["name"]) for row in document["categories"]}
        rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in document["annotations"]:
            rows[row["image_id"]].append(row)
        # A file cut down to some of its images may keep the others' annotations, but not alone.
        if rows and not rows.keys() & {image["id"] for image in document["images"]}:
            raise ValueError(f"no annotation is of an image of the file: {next(iter(rows))!r}")
        for number, image in enumerate(document["images"]):
            boxes = _boxes(rows[image["id"]], words)
            yield _frame(image, number, boxes, images)


def _expect_unique(rows: Sequence[dict[str, Any]], table: str) -> None:
    """Raise a ValueError where two rows of a table have one id."""
    seen: set[Any] = set()
    for row in rows:
        if row["id"] in seen:
            raise ValueError(f"two rows of {table} have the id {row['id']!r}")
        seen.add(row["id"])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise DatasetError(f"{path}: cannot read: {err.strerror}") from err


def _frame(
    image: dict[str, Any], number: int, boxes: LabelledBoxes, images: Path | None
) -> LabelledFrame:
    clip_id, camera = image.get("clip_id"), image.get("camera")
    path = None if images is None else images / image["file_name"]
    return LabelledFrame(
        sequence=f"{clip_id}/{camera}" if clip_id else image["file_name"],
        frame_index=int(image.get("frame_index", number)),
        timestamp_ns=None,
        image=path if path is not None and path.is_file() else None,
        image_size_wh=size_wh(image["width"], image["height"]),
        camera_matrix=None,
        camera_from_boxes=None,
        lidar=None,
        lidar_from_boxes=None,
        box_frame="camera_flu",
        boxes=boxes,
    )


def _boxes(rows: Sequence[dict[str, Any]], words: dict[int, str]) -> LabelledBoxes:
    names = default_taxonomy().formats["coco"]
    native = [words[row["category_id"]] for row in rows]
    category = [
        IGNORE if row.get("iscrowd") else names.category_of(word) or OTHER
        for row, word in zip(rows, native, strict=True)
    ]
    bbox = np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(-1, 4)
    has_tracks = bool(rows) and all("track_id" in row for row in rows)
    track_id = np.array([row["track_id"] for row in rows], dtype=np.int64) if has_tracks else None
    count = len(rows)
    return LabelledBoxes(
        category=np.array(category, dtype=np.str_),
        native_category=np.array(native, dtype=np.str_),
        track_id=track_id,
        xyxy_px=np.hstack([bbox[:, :2], bbox[:, :2] + bbox[:, 2:]]),
        truncated=_share(rows, "truncated"),
        occluded=_share(rows, "occluded"),
        occluded_kind="fraction",
        centre_m=np.full((count, 3), np.nan),
        size_lwh_m=np.full((count, 3), np.nan),
        yaw_rad=np.full(count, np.nan),
        score=_share(rows, "score") if rows and all("score" in row for row in rows) else None,
    )


def _share(rows: Sequence[dict[str, Any]], name: str) -> F64:
    return np.array([row.get(name, np.nan) for row in rows], dtype=np.float64)
