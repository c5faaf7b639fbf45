"""Pieces of an image as numbers: histograms of gradients and of colours."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.geometry.arrays import F64, I64, U8, Bool
from synthgen.qa.canonical import image_boxes
from synthgen.qa.image_table import JPEG_QUALITY

GROUPS: Final = {
    "car": 0, "van": 0, "truck": 0, "bus": 0, "pedestrian": 1, "motorcycle": 2, "bicycle": 2
}  # fmt: skip
SIDE_PX: Final = 64
_CELL_PX: Final = 8
_ANGLES: Final = 9
_COLOUR_CELLS: Final = 2
_MARGIN: Final = 0.15  # of the box, on each side
_LEAST_HEIGHT_PX: Final = 20.0
_MOST_OCCLUDED: Final = {"level": 1.0, "fraction": 0.4}
_MOST_OVERLAP: Final = 0.1
_TRIES: Final = 20
_MOST_A_FRAME: Final = 12


def image_crops(
    frame: LabelledFrame, rgb: U8, focal_px: float, rng: np.random.Generator
) -> tuple[F64, I64]:
    """Features (N, D) of objects and of as many places without, and the group of each.

    Both kinds have the same sizes and heights in the image, so that only content tells them apart.

    Args:
        frame: Labels.
        rgb: Its image.
        focal_px: Focal length that images are brought to, since finer pixels show more.
        rng: Chooses the places.
    """
    boxes_px = image_boxes(frame)
    if boxes_px is None:
        return np.zeros((0, 0)), np.zeros(0, np.int64)
    image, scale = _common(rgb, frame, focal_px)
    boxes_px = boxes_px * scale
    chosen = np.flatnonzero(_is_clear(frame.boxes, boxes_px))
    chosen = chosen[rng.permutation(len(chosen))[:_MOST_A_FRAME]]
    features: list[F64] = []
    groups: list[int] = []
    for row in chosen.tolist():
        features.append(_described(image, boxes_px[row]))
        groups.append(1 + GROUPS[str(frame.boxes.category[row])])
        empty = _empty_place(boxes_px[row], boxes_px, image, rng)
        if empty is not None:
            features.append(_described(image, empty))
            groups.append(0)
    return np.array(features), np.array(groups, dtype=np.int64)


def _common(rgb: U8, frame: LabelledFrame, focal_px: float) -> tuple[U8, float]:
    """The image with pixels of the common size, through the common coder."""
    own = rgb.shape[1] if frame.camera_matrix is None else float(frame.camera_matrix[0, 0])
    scale = min(focal_px / own, 1.0)
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8), scale


def _is_clear(boxes: LabelledBoxes, boxes_px: F64) -> Bool:
    known = np.array([str(name) in GROUPS for name in boxes.category], dtype=np.bool_)
    known &= boxes_px[:, 3] - boxes_px[:, 1] >= _LEAST_HEIGHT_PX
    known &= boxes_px[:, 2] - boxes_px[:, 0] >= _LEAST_HEIGHT_PX / 4
    if boxes.occluded is not None:
        known &= ~(boxes.occluded > _MOST_OCCLUDED[boxes.occluded_kind])
    return known


def _empty_place(own_px: F64, boxes_px: F64, image: U8, rng: np.random.Generator) -> F64 | None:
    """A box of the same size in the same rows of the image that covers no label."""
    wide, high = own_px[2] - own_px[0], own_px[3] - own_px[1]
    room = image.shape[1] - wide
    for _ in range(_TRIES if room > 1 else 0):
        x = rng.uniform(0, room)
        y = own_px[1] + rng.uniform(-0.2, 0.2) * high
        place = np.array([x, y, x + wide, y + high])
        overlap = np.minimum(place[2:], boxes_px[:, 2:]) - np.maximum(place[:2], boxes_px[:, :2])
        hidden = np.prod(np.maximum(overlap, 0), axis=1)
        if not (hidden > _MOST_OVERLAP * wide * high).any():
            return place
    return None


def _described(image: U8, box_px: F64) -> F64:
    wide, high = box_px[2] - box_px[0], box_px[3] - box_px[1]
    half = (0.5 + _MARGIN) * max(wide, high)
    middle = (box_px[:2] + box_px[2:]) / 2
    scale = SIDE_PX / (2 * half)
    shift = np.array([[scale, 0, SIDE_PX / 2 - scale * middle[0]],
                      [0, scale, SIDE_PX / 2 - scale * middle[1]]])  # fmt: skip
    crop = cv2.warpAffine(
        image, shift, (SIDE_PX, SIDE_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return np.concatenate([gradient_histograms(crop), _colours(crop)])


def gradient_histograms(crop: np.ndarray) -> F64:
    """(576,) histograms of gradient directions in cells of 8 px, each row of cells normalised.

    Source: Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005;
    with cells instead of overlapping blocks.
    """
    grey = crop.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    across, down = cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1)
    strength = np.sqrt(np.hypot(across, down))
    turn = (np.arctan2(down, across) % np.pi) / np.pi * _ANGLES
    cells = SIDE_PX // _CELL_PX
    at = np.arange(SIDE_PX) // _CELL_PX
    cell = at[:, None] * cells + at[None]
    index = cell * _ANGLES + np.minimum(turn.astype(np.int64), _ANGLES - 1)
    counts = np.bincount(index.ravel(), strength.ravel(), cells * cells * _ANGLES)
    return np.asarray(counts / (np.linalg.norm(counts) + 1e-6) * cells)


def _colours(crop: np.ndarray) -> F64:
    """Mean and spread of the colours of four quarters, relative to the whole crop's brightness."""
    part = SIDE_PX // _COLOUR_CELLS
    quarters = crop.reshape(_COLOUR_CELLS, part, _COLOUR_CELLS, part, 3).astype(np.float64)
    level = crop.mean() + 1.0
    return np.concatenate(
        [quarters.mean(axis=(1, 3)).ravel() / level, quarters.std(axis=(1, 3)).ravel() / level]
    )
