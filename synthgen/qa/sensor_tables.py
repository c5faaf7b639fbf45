"""Images and sweeps of a data set: one row of statistics a frame, and what they show on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.geometry.arrays import F64, U8
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.rotations import rotation_about_z
from synthgen.qa import image_table, lidar_table
from synthgen.qa.canonical import Canonical
from synthgen.qa.sources import Source
from synthgen.qa.tables import Table

MEAN_WH: Final = (160, 90)
INTENSITY_BINS: Final = np.linspace(0, 1, 33)
_FAR_M: Final = 80.0
_CHROMA: Final = 32.0
_LEAST_RETURNS: Final = 5


@dataclass(frozen=True, eq=False, slots=True)
class ImageLook:
    """What the images of one side show on average.

    Attributes:
        mean_rgb: (90, 160, 3) uint8.
        power: (19,) log10 of the power at `image_table.FREQUENCIES`.
        chroma: (24, 24) share of the pixels by colour: b* of CIELAB (top row yellow, bottom blue)
            and a* (left green, right red), each from -32 to 32; stronger ones at the rim.
    """

    mean_rgb: U8
    power: F64
    chroma: F64


@dataclass(frozen=True, eq=False, slots=True)
class SweepLook:
    """What the sweeps of one side show on average.

    Attributes:
        seen: (24, 90) share of sweeps with a return, by elevation (top row highest) and azimuth.
        intensity: (32,) share of the returns by `INTENSITY_BINS`.
        box_range_m: (N,) range of each labelled object.
        box_points: (N,) returns within it.
        box_category: (N,) its category.
        box_intensity: (N,) mean intensity of these returns; NaN where there are fewer than five.
    """

    seen: F64
    intensity: F64
    box_range_m: F64
    box_points: F64
    box_category: NDArray[np.str_]
    box_intensity: F64


@dataclass(frozen=True, eq=False, slots=True)
class Images:
    """Images of one side: statistics, patches by scale, and the look of them (None without any)."""

    table: Table
    patches: list[F64]
    look: ImageLook | None


def image_statistics(source: Source, side: Canonical, limit: int) -> Images:
    """Statistics of at most `limit` images."""
    rows: list[int] = []
    values: list[F64] = []
    patches: list[list[F64]] = []
    small: list[F64] = []
    power: list[F64] = []
    chroma: list[F64] = []
    rng = np.random.default_rng(0)
    for row, rgb in source.images(limit):
        image = image_table.prepared(rgb)
        rows.append(row)
        values.append(image_table.statistics(image))
        patches.append(image_table.patches(image, rng))
        shrunk = cv2.resize(image, MEAN_WH, interpolation=cv2.INTER_AREA)
        small.append(shrunk.astype(np.float64))
        chroma.append(_chroma(np.asarray(shrunk, dtype=np.uint8)))
        power.append(image_table.power_spectrum(image))
    scales = [np.concatenate(level) for level in zip(*patches, strict=True)]
    look = None
    if rows:
        mean_rgb = np.mean(small, axis=0).round().astype(np.uint8)
        look = ImageLook(mean_rgb, np.mean(power, axis=0), np.mean(chroma, axis=0))
    return Images(_table(rows, values, image_table.STATISTICS, side), scales, look)


def _chroma(rgb: U8) -> F64:
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    red, yellow = np.clip(lab[:, 1:], -_CHROMA + 0.1, _CHROMA - 0.1).T
    edges = np.linspace(-_CHROMA, _CHROMA, 25)
    return np.asarray(np.histogram2d(-yellow, red, bins=(edges, edges))[0] / len(lab))


def sweep_statistics(source: Source, side: Canonical, limit: int) -> tuple[Table, SweepLook | None]:
    """Statistics of at most `limit` sweeps, and the look of them (None without any)."""
    rows: list[int] = []
    values: list[F64] = []
    seen: list[F64] = []
    bright: list[F64] = []
    objects: list[tuple[np.ndarray, ...]] = []
    for row, points_m, intensity in source.sweeps(limit):
        rows.append(row)
        values.append(lidar_table.statistics(points_m, intensity))
        seen.append(lidar_table.range_image_cells(points_m)[::-1].astype(np.float64))
        bright.append(np.histogram(intensity, INTENSITY_BINS)[0] / max(len(intensity), 1))
        objects.append(_object_points(source, row, points_m, intensity))
    look = None
    if rows:
        columns = (np.concatenate(column) for column in zip(*objects, strict=True))
        look = SweepLook(np.mean(seen, axis=0), np.mean(bright, axis=0), *columns)
    return _table(rows, values, lidar_table.STATISTICS, side), look


def _object_points(
    source: Source, row: int, points_m: F64, intensity: F64
) -> tuple[np.ndarray, ...]:
    """Range of each object of a frame, returns in its box, its category, their mean intensity."""
    boxes = source.frames[row].boxes
    known = np.flatnonzero(~np.isnan(boxes.centre_m).any(axis=1))
    range_m = np.linalg.norm(boxes.centre_m[known], axis=1)
    known, range_m = known[range_m < _FAR_M], range_m[range_m < _FAR_M]
    rotation = np.array([rotation_about_z(float(yaw)) for yaw in boxes.yaw_rad[known]])
    cuboids = Cuboids(rotation.reshape(-1, 3, 3), boxes.centre_m[known], boxes.size_lwh_m[known])
    placed_m = source.in_box_frame(row, points_m)
    own = [intensity[cuboids[i].contains(placed_m, 0.1)] for i in range(len(known))]
    counts = np.array([len(values) for values in own], dtype=np.float64)
    means = [float(v.mean()) if len(v) >= _LEAST_RETURNS else np.nan for v in own]
    return range_m, counts, boxes.category[known], np.array(means, dtype=np.float64)


def _table(rows: list[int], values: list[F64], names: Sequence[str], side: Canonical) -> Table:
    matrix = np.array(values).reshape(len(values), len(names))
    number = np.array(rows, dtype=np.int64)
    columns = {name: matrix[:, i] for i, name in enumerate(names)}
    return Table(
        side.frames.sequence[number],
        side.frames.sequences,
        {**columns, "frame": number.astype(np.float64)},
    )
