"""Which blob belongs to which box, by geometry alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from synthgen.geometry.arrays import F64, I64
from synthgen.qa.audit.evidence import Blobs
from synthgen.qa.audit.labels import Labels

# A surface may lie this far outside its box: depth is stored in centimetres, boxes fit to 2 cm.
MARGIN_M: Final = 0.07
# Boxes are those of cars with closed doors; an open one reaches so far out at most.
DOOR_M: Final = 1.1


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Every box with the blob of each sensor that has most points in it.

    Attributes:
        box: (M,) row of the labels.
        blob: (M,) blob.
        inside: (M,) share of the blob's points within the box.
        extent_m: (M, 2, 3) least and greatest coordinates of its points in the box's frame.
        eye_m: (M, 3) the sensor in the box's frame.
        cover: (B,) greatest share of each blob's points within any one box.
        hits: (N,) points of all blobs within each box.
    """

    box: I64
    blob: I64
    inside: F64
    extent_m: F64
    eye_m: F64
    cover: F64
    hits: F64

    def with_hits(self, hits: F64) -> Pairs:
        """The same pairs, with other counts of points within each box."""
        return replace(self, hits=hits)


def match(labels: Labels, blobs: Blobs) -> Pairs:
    """Pair boxes with blobs, frame by frame."""
    parts: list[tuple[I64, I64, F64, F64, F64]] = []
    cover = np.zeros(len(blobs))
    hits = np.zeros(len(labels))
    by_frame = np.argsort(labels.frame, kind="stable")
    box_cuts = np.searchsorted(labels.frame[by_frame], np.arange(blobs.frames + 1))
    blob_cuts = np.searchsorted(blobs.frame, np.arange(blobs.frames + 1))
    for frame in range(blobs.frames):
        boxes = by_frame[box_cuts[frame] : box_cuts[frame + 1]]
        own = np.arange(blob_cuts[frame], blob_cuts[frame + 1])
        if len(boxes) and len(own):
            parts.append(_match_frame(labels, blobs, boxes, own, cover, hits))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Pairs(empty, empty, np.zeros(0), np.zeros((0, 2, 3)), np.zeros((0, 3)), cover, hits)
    box, blob, inside, extent_m, eye_m = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    return Pairs(box, blob, inside, extent_m, eye_m, cover, hits)


def _match_frame(
    labels: Labels, blobs: Blobs, boxes: I64, own: I64, cover: F64, hits: F64
) -> tuple[I64, I64, F64, F64, F64]:
    first, last = blobs.start[own[0]], blobs.start[own[-1] + 1]
    starts = blobs.start[own] - first
    sizes = np.diff(np.append(starts, last - first))
    points_m = blobs.points_m[first:last]
    local_m = np.einsum(
        "bij,bpi->bpj",
        labels.rotation[boxes],
        points_m[None] - labels.center_m[boxes][:, None],
        optimize=True,
    )
    half_m = labels.size_lwh_m[boxes][:, None] / 2 + MARGIN_M
    half_m[labels.has_open_door[boxes], :, 1] += DOOR_M
    within = (np.abs(local_m) <= half_m).all(axis=2)
    filled = np.flatnonzero(sizes > 0)
    counts = np.zeros((len(boxes), len(own)))
    counts[:, filled] = np.add.reduceat(within, starts[filled], axis=1)
    share = counts / np.maximum(sizes, 1)
    cover[own] = share.max(axis=0)
    hits[boxes] = counts.sum(axis=1)
    pairs: list[tuple[int, int]] = []
    sensor = blobs.camera[own]
    for number in np.unique(sensor):
        of_sensor = np.flatnonzero(sensor == number)
        best = of_sensor[counts[:, of_sensor].argmax(axis=1)]
        rows = np.flatnonzero(counts[np.arange(len(boxes)), best] > 0)
        pairs += list(zip(rows.tolist(), best[rows].tolist(), strict=True))
    extents = np.zeros((len(pairs), 2, 3))
    for i, (b, s) in enumerate(pairs):
        mine = local_m[b, starts[s] : starts[s] + sizes[s]]
        extents[i] = mine.min(axis=0), mine.max(axis=0)
    rows = np.array([pair[0] for pair in pairs], dtype=np.int64)
    columns = np.array([pair[1] for pair in pairs], dtype=np.int64)
    eye_m = np.einsum(
        "mij,mi->mj",
        labels.rotation[boxes[rows]],
        blobs.origin_m[sensor[columns]] - labels.center_m[boxes[rows]],
    )
    return boxes[rows], own[columns], share[rows, columns], extents, eye_m
