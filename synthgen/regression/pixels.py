"""Images of two datasets, pixel by pixel, where their bytes differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from synthgen.datatypes.images import NO_DEPTH_CM
from synthgen.errors import DatasetError
from synthgen.regression.change import Change, Kind, Tolerances
from synthgen.regression.compare import psnr_db
from synthgen.store import image_codec
from synthgen.store.clip_reader import ClipReader


def measure_images(
    changes: Sequence[Change],
    before: Mapping[str, Path],
    after: Mapping[str, Path],
    tolerances: Tolerances,
) -> list[Change]:
    """The changes, those of images with the number and place of the pixels that differ.

    Args:
        changes: Changes between the datasets.
        before: Clip folder of every slot that the old dataset has.
        after: The same of the new one.
        tolerances: Level R2.
    """
    wanted: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for change in changes:
        if change.kind is Kind.IMAGE and change.camera is not None:
            channel = change.where.split(" ")[1]
            wanted[change.slot, change.camera, channel].add(change.frame_index or 0)
    measured: dict[tuple[str, str], Change] = {}
    for (slot, camera, channel), frames in wanted.items():
        if slot not in before or slot not in after:
            continue
        images = [_images(side[slot], camera, channel, frames) for side in (before, after)]
        for frame in sorted(frames & set(images[0]) & set(images[1])):
            where = f"{camera} {channel} frame {frame}"
            measured[slot, where] = _measured(
                channel, images[0][frame], images[1][frame], tolerances
            )
    return [_merged(change, measured.get((change.slot, change.where))) for change in changes]


def _merged(change: Change, found: Change | None) -> Change:
    if change.kind is not Kind.IMAGE or found is None:
        return change
    return replace(
        change,
        text=found.text,
        amount=found.amount,
        unit=found.unit,
        is_tolerated=found.is_tolerated,
    )


def _images(folder: Path, camera: str, channel: str, frames: set[int]) -> dict[int, np.ndarray]:
    decode = image_codec.decode_rgb if channel in ("rgb", "normals") else image_codec.decode_counts
    images = {}
    try:
        for frame, _codec, content in ClipReader(folder).encoded_images(camera, channel):
            if frame in frames:
                images[frame] = decode(content, f"{folder} {camera} {channel} {frame}")
    except DatasetError:
        return images  # Named as unreadable already.
    return images


def _measured(channel: str, old: np.ndarray, new: np.ndarray, tolerances: Tolerances) -> Change:
    """Text, amount and verdict of one pair of images, as a change without a place."""
    if old.shape != new.shape:
        text = f"size {old.shape[1]}x{old.shape[0]} is now {new.shape[1]}x{new.shape[0]}"
        return Change(Kind.IMAGE, "", "", text)
    delta = np.abs(old.astype(np.int64) - new.astype(np.int64))
    per_pixel = delta.max(axis=-1) if delta.ndim == 3 else delta
    rows, columns = np.nonzero(per_pixel)
    if not len(rows):
        text = "the encoding differs, every pixel is equal"
        return Change(Kind.IMAGE, "", "", text, 0.0, "px", is_tolerated=True)
    place = f"the first at column {columns[0]} row {rows[0]}"
    noun = "pixel differs" if len(rows) == 1 else "pixels differ"
    text = f"{len(rows)} {noun}, {place}, by up to {per_pixel.max()}"
    if channel in ("rgb", "normals"):
        ratio = psnr_db(old, new)
        text += f" ({ratio:.1f} dB)"
        tolerated = ratio >= tolerances.psnr_db
    elif channel == "depth":
        known = (old != NO_DEPTH_CM) & (old > 0)
        share = float(np.median(delta[known] / old[known])) if known.any() else 0.0
        tolerated = share <= tolerances.depth_share
    else:
        tolerated = len(rows) <= tolerances.label_pixels_share * per_pixel.size
    return Change(Kind.IMAGE, "", "", text, float(len(rows)), "px", is_tolerated=bool(tolerated))
