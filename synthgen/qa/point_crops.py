"""Surroundings of a LiDAR point as numbers: what stands there, how high, how wide, how bright."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.geometry.arrays import F64, I64
from synthgen.geometry.rotations import rotation_about_z
from synthgen.qa.image_crops import GROUPS

RADII_M: Final = (0.5, 1.2, 2.5)
_STEPS_M: Final = (0.3, 0.8, 1.3, 1.8, 2.5, 4.0)
_GROUND_M: Final = 0.25
_LEAST_POINTS: Final = 6
_MOST_A_FRAME: Final = 12
_MARGIN_M: Final = 0.1
_AWAY_M: Final = 1.0
_ALIKE: Final = 0.2  # places without objects are as far away as objects, within a fifth
_MOST_M: Final = 60.0


def point_crops(
    frame: LabelledFrame, points_m: F64, intensity: F64, rng: np.random.Generator
) -> tuple[F64, I64]:
    """Features (N, D) around points of objects and of other upright things, and the group of each.

    Args:
        frame: Labels.
        points_m: (P, 3) sweep in the frame of the boxes.
        intensity: (P,) 0 to 1.
        rng: Chooses the points.
    """
    if not len(points_m):
        return np.zeros((0, 0)), np.zeros(0, np.int64)
    height_m = _above_ground(points_m)
    upright = np.flatnonzero((height_m > _GROUND_M) & (height_m < _STEPS_M[-1]))
    owner = _owners(frame.boxes, points_m[upright])
    away_m = np.linalg.norm(points_m[upright, :2], axis=1)
    tree = cKDTree(points_m[:, :2])
    features: list[F64] = []
    groups: list[int] = []
    for box in rng.permutation(len(frame.boxes)).tolist():
        group = GROUPS.get(str(frame.boxes.category[box]))
        own = np.flatnonzero((owner == box) & (away_m < _MOST_M))
        if group is None or len(own) < _LEAST_POINTS or len(groups) >= 2 * _MOST_A_FRAME:
            continue
        chosen = int(rng.choice(own))
        alike = np.abs(away_m - away_m[chosen]) < _ALIKE * away_m[chosen]
        others = np.flatnonzero((owner == _NOBODY) & alike)
        for point, label in ((chosen, 1 + group), *((int(o), 0) for o in _one(others, rng))):
            centre = upright[point]
            features.append(_described(points_m, height_m, intensity, tree, centre))
            groups.append(label)
    return np.array(features), np.array(groups, dtype=np.int64)


def _one(rows: I64, rng: np.random.Generator) -> I64:
    return rng.choice(rows, 1) if len(rows) else rows


_NOBODY: Final = -1
_NEAR: Final = -2


def _above_ground(points_m: F64) -> F64:
    """(P,) height over the lowest point of the neighbourhood (cells of 4 m, smoothed)."""
    cell_m = 4.0
    cell = np.floor(points_m[:, :2] / cell_m).astype(np.int64)
    cell -= cell.min(axis=0)
    wide = cell.max(axis=0) + 1
    low = np.full(wide, np.inf)
    np.minimum.at(low, (cell[:, 0], cell[:, 1]), points_m[:, 2])
    padded = np.pad(low, 1, constant_values=np.inf)
    around = np.stack(
        [padded[i : i + wide[0], j : j + wide[1]] for i in range(3) for j in range(3)]
    )
    filled = np.isfinite(low)
    # The median of the neighbours' lowest points: one stray echo under the road moves nothing.
    ground = np.zeros(low.shape)
    ground[filled] = np.nanmedian(np.where(np.isinf(around), np.nan, around)[:, filled], axis=0)
    return np.asarray(points_m[:, 2] - ground[cell[:, 0], cell[:, 1]])


def _owners(boxes: LabelledBoxes, points_m: F64) -> I64:
    """(P,) box that each point lies in; -1 far from all boxes, -2 in between."""
    owner = np.full(len(points_m), _NOBODY, dtype=np.int64)
    for box in np.flatnonzero(~np.isnan(boxes.centre_m).any(axis=1)).tolist():
        local = (points_m - boxes.centre_m[box]) @ rotation_about_z(float(boxes.yaw_rad[box]))
        half = boxes.size_lwh_m[box] / 2
        near = (np.abs(local[:, :2]) < half[:2] + _AWAY_M).all(axis=1)
        owner[near & (owner == _NOBODY)] = _NEAR
        owner[(np.abs(local) < half + _MARGIN_M).all(axis=1)] = box
    return owner


def _described(
    points_m: F64, height_m: F64, intensity: F64, tree: cKDTree, centre: np.int64
) -> F64:
    parts: list[F64] = []
    range_m = float(np.linalg.norm(points_m[centre, :2]))
    for radius_m in RADII_M:
        near = np.array(tree.query_ball_point(points_m[centre, :2], radius_m), dtype=np.int64)
        near = near[(height_m[near] > _GROUND_M) & (height_m[near] < _STEPS_M[-1])]
        parts.append(_shape(points_m[near], height_m[near], intensity[near], range_m))
    return np.concatenate(parts)


def _shape(points_m: F64, height_m: F64, intensity: F64, range_m: float) -> F64:
    # Returns fall with the square of the range; what is left tells of size and gaps.
    count = np.log1p(len(points_m)) + 2 * np.log(max(range_m, 1.0) / 10)
    spread = np.linalg.eigvalsh(np.cov(points_m[:, :2].T)) if len(points_m) > 2 else np.zeros(2)
    bins = np.histogram(height_m, bins=(_GROUND_M, *_STEPS_M))[0] / len(points_m)
    ends = np.quantile(height_m, [0.0, 0.5, 1.0])
    return np.concatenate(
        [[count, intensity.mean(), intensity.std()], np.sqrt(np.maximum(spread, 0)), ends, bins]
    )
