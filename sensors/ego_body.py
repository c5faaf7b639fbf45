"""The ego vehicle's body as two convex solids: what is inside it, and which rays it stops.

A generic saloon, stretched to the vehicle's length, width and height: a lower body with bonnet and
boot, and a cabin that narrows towards the roof. Close enough to find a sensor that sits in the
bodywork; rendered shapes differ by some centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.geometry.arrays import F64

BoolArray = np.ndarray

# (x / length, z / height), counter-clockwise seen from the left with x ahead.
_LOWER = (
    (-0.5, 0.2),
    (0.5, 0.2),
    (0.5, 0.48),
    (0.42, 0.58),
    (0.22, 0.68),
    (-0.44, 0.70),
    (-0.5, 0.62),
)
_CABIN = ((-0.40, 0.66), (0.24, 0.66), (0.06, 0.97), (-0.06, 1.0), (-0.18, 0.97))
_ROOF_NARROWS = 0.30
_WAIST = 0.66


@dataclass(frozen=True, eq=False, slots=True)
class EgoBody:
    """Half-spaces normal . p <= offset of two convex solids, ego frame, metres.

    Attributes:
        size_lwh_m: Outer length, width and height.
        solids: Normals (n, 3) and offsets (n,) of each solid.
    """

    size_lwh_m: tuple[float, float, float]
    solids: tuple[tuple[F64, F64], ...]

    @staticmethod
    def of_size(length_m: float, width_m: float, height_m: float) -> EgoBody:
        """The body of a saloon of this size."""
        half_m = width_m / 2
        lower = _solid(_LOWER, length_m, height_m, half_m, lean=0.0)
        cabin = _solid(
            _CABIN,
            length_m,
            height_m,
            half_m,
            lean=_ROOF_NARROWS * half_m / (height_m * (1 - _WAIST)),
        )
        return EgoBody((length_m, width_m, height_m), (lower, cabin))

    def depth_m(self, point_m: F64) -> float:
        """How deep a point (3,) is inside the body; 0 or less outside."""
        return max(float((offsets - normals @ point_m).min()) for normals, offsets in self.solids)

    def stops(self, origin_m: F64, directions: F64, *, beyond_m: float = 0.05) -> BoolArray:
        """(n,) bool: whether a ray (n, 3) from a point meets the body beyond a short way."""
        hit = np.zeros(len(directions), dtype=bool)
        for normals, offsets in self.solids:
            along = directions @ normals.T
            gap = offsets - normals @ origin_m
            with np.errstate(divide="ignore", invalid="ignore"):
                at = gap / along
            enter = np.where(along < 0, at, -np.inf).max(axis=1)
            leave = np.where(along > 0, at, np.inf).min(axis=1)
            misses_slab = ((along == 0) & (gap < 0)).any(axis=1)
            hit |= ~misses_slab & (np.maximum(enter, beyond_m) < leave)
        return hit


def _solid(
    outline: tuple[tuple[float, float], ...],
    length_m: float,
    height_m: float,
    half_width_m: float,
    *,
    lean: float,
) -> tuple[F64, F64]:
    """Planes of an outline in x and z drawn out over the width; sides lean inwards by `lean`."""
    points = np.array(outline) * [length_m, height_m]
    edges = np.roll(points, -1, axis=0) - points
    outward = np.stack([edges[:, 1], np.zeros(len(edges)), -edges[:, 0]], axis=1)
    corners = np.insert(points, 1, 0.0, axis=1)
    waist_m = _WAIST * height_m
    sides = np.array([[0.0, 1.0, lean], [0.0, -1.0, lean]])
    normals = np.concatenate([outward, sides])
    offsets = np.concatenate(
        [(outward * corners).sum(axis=1), np.full(2, half_width_m + lean * waist_m)]
    )
    scale = np.linalg.norm(normals, axis=1)
    return normals / scale[:, None], offsets / scale
