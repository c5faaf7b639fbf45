"""Everything the instance image alone says: visible boxes, pixel counts, COCO masks.

One pass finds the runs of equal ids down the columns; the rest works on the runs, of which
there are about a hundred times fewer than pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from synthgen.geometry.arrays import I64, U16, frozen_array
from synthgen.labels.kernels import encode_counts


@dataclass(frozen=True, eq=False, slots=True)
class Masks:
    """The visible pixels of the M tracks that an instance image shows.

    Attributes:
        shape_hw: Rows and columns of the image.
        track_id: (M,) int64, ascending, at least 1.
        pixels: (M,) int64, visible pixels of each.
        xyxy_px: (M, 4) int64, tightest box around them, corner coordinates.
        run_start: (R,) int64, column-major pixel index at which a run begins, by track.
        run_length: (R,) int64.
        first_run: (M + 1,) int64, runs of track k are `first_run[k]` to `first_run[k + 1]`.
    """

    shape_hw: tuple[int, int]
    track_id: I64
    pixels: I64
    xyxy_px: I64
    run_start: I64
    run_length: I64
    first_run: I64

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for name in ("track_id", "pixels", "run_start", "run_length", "first_run"):
            object.__setattr__(
                self, name, frozen_array(name, getattr(self, name), (None,), np.int64)
            )

    def coco_rle(self) -> list[str]:
        """Compressed run-length strings of the M tracks, as pycocotools reads them.

        Source: `rleToString` of the COCO API, https://github.com/cocodataset/cocoapi
        """
        if not len(self.track_id):
            return []
        text, first_byte = encode_counts(
            self.run_start, self.run_length, self.first_run, self.shape_hw[0] * self.shape_hw[1]
        )
        whole = text.tobytes().decode("ascii")
        bounds = first_byte.tolist()
        return [whole[a:b] for a, b in pairwise(bounds)]


def masks_of(instance: U16) -> Masks:
    """The visible pixels of every track of an instance image.

    Args:
        instance: (H, W) uint16 track ids, 0 where there is none.

    Source: COCO data format, https://cocodataset.org/#format-data (masks run down the columns)
    """
    height, width = instance.shape
    flat = cv2.transpose(instance).ravel()
    change = np.flatnonzero(flat[1:] != flat[:-1])
    start = np.concatenate([[0], change + 1])
    length = np.diff(np.append(start, flat.size))
    run_id = flat[start]
    order = np.argsort(run_id, kind="stable")
    order = order[np.searchsorted(run_id[order], 1) :]
    start, length, run_id = start[order], length[order], run_id[order]
    heads = np.flatnonzero(np.diff(run_id, prepend=np.uint16(0)))
    if not len(heads):
        empty = np.zeros(0, dtype=np.int64)
        boxes = np.zeros((0, 4), dtype=np.int64)
        return Masks((height, width), empty, empty, boxes, empty, empty, np.zeros(1, np.int64))
    last = start + length - 1
    first_column, last_column = start // height, last // height
    spans = first_column != last_column  # such a run reaches a lower and an upper image edge
    top = np.where(spans, 0, start % height)
    bottom = np.where(spans, height - 1, last % height)
    boxes = np.stack(
        [
            np.minimum.reduceat(first_column, heads),
            np.minimum.reduceat(top, heads),
            np.maximum.reduceat(last_column, heads) + 1,
            np.maximum.reduceat(bottom, heads) + 1,
        ],
        axis=1,
    )
    return Masks(
        shape_hw=(height, width),
        track_id=run_id[heads].astype(np.int64),
        pixels=np.add.reduceat(length, heads),
        xyxy_px=boxes,
        run_start=start,
        run_length=length,
        first_run=np.append(heads, len(start)),
    )
