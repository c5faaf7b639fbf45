"""YOLO detection lines from our records.

The box is the visible one: centre and size as shares of the image's width and height, from its
top-left corner. Eight decimals hold a pixel of the widest camera to a thousandth. Objects without
a visible pixel, and those marked to be ignored, have no line. One line is class, x, y, width,
height and never a polygon, since readers take a file with one polygon for polygons throughout.

Cannot express: track ids, masks beside boxes, occlusion, distance, 3D.

Source: https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthgen.geometry.camera import PinholeCamera


def label_line(class_index: int, row: Mapping[str, Any], camera: PinholeCamera) -> str:
    """One line of a label file, of a row of boxes2d with at least one visible pixel."""
    left, right = row["visible_x_min_px"], row["visible_x_max_px"]
    top, low = row["visible_y_min_px"], row["visible_y_max_px"]
    width, height = camera.width_px, camera.height_px
    shares = (
        (left + right) / 2 / width,
        (top + low) / 2 / height,
        (right - left) / width,
        (low - top) / height,
    )
    return " ".join([str(class_index), *(f"{share:.8f}" for share in shares)])


def dataset_yaml(splits: Sequence[str], names: Sequence[str]) -> str:
    """The text of `data.yaml`.

    Args:
        splits: Those with images.
        names: Class names, by class index.
    """
    folders = {split: f"images/{split}" for split in splits}
    # Ultralytics insists on both of these; an empty folder is found when somebody trains on it.
    folders = {"train": "images/train", "val": "images/val", **folders}
    lines = [f"{split}: {folder}" for split, folder in folders.items()]
    classes = [f"  {index}: {name}" for index, name in enumerate(names)]
    return "\n".join([*lines, "names:", *classes]) + "\n"
