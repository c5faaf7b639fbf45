"""Oriented boxes: one (`Cuboid`), or many as arrays (`Cuboids`).

Corner k of a box has the signs of `CORNER_SIGNS[k]` along (length, left, up); corners 0 to 3
are the bottom, seen from above counter-clockwise from rear right; 4 to 7 lie above them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.geometry.arrays import F64, I64, Bool, frozen_array
from synthgen.geometry.rotations import yaw_of
from synthgen.geometry.se3 import SE3

CORNER_SIGNS: F64 = np.array(
    [[x, y, z] for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))], dtype=np.float64
)
EDGES: I64 = np.array(
    [[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]]
)


@dataclass(frozen=True, eq=False, slots=True)
class Cuboid:
    """One oriented box.

    Attributes:
        frame_from_box: Pose of the box; its origin is the centre, x along the length, z up.
        size_lwh_m: (3,) float64, full length, width and height, metres.
    """

    frame_from_box: SE3
    size_lwh_m: F64

    def __post_init__(self) -> None:
        """Check the size and make it read-only."""
        size = frozen_array("size_lwh_m", self.size_lwh_m, (3,), np.float64)
        object.__setattr__(self, "size_lwh_m", size)

    @property
    def corners_m(self) -> F64:
        """Corners (8, 3), metres, in the order of `CORNER_SIGNS`."""
        return self.frame_from_box.apply(CORNER_SIGNS * self.size_lwh_m / 2)

    def contains(self, points_m: F64, margin_m: float = 0.0) -> Bool:
        """Which points (N, 3), metres, lie in the box grown by `margin_m` on every side: (N,)."""
        points_box_m = np.abs(self.frame_from_box.inverse().apply(points_m))
        return np.asarray(np.all(points_box_m <= self.size_lwh_m / 2 + margin_m, axis=-1))

    def ray_entry(self, origin_m: F64, directions: F64) -> F64:
        """Where rays enter the box, in lengths of their direction.

        Args:
            origin_m: (3,) start of all rays, metres.
            directions: (N, 3), need not have unit length.

        Returns:
            (N,): `t` such that `origin + t * direction` is the first point of the ray in the
            box; 0 for a start within it; infinity where the ray misses.

        Source: Kay and Kajiya 1986, "Ray tracing complex scenes" (slabs).
        """
        box_from_frame = self.frame_from_box.inverse()
        start_m = box_from_frame.apply(origin_m)
        direction = box_from_frame.rotate(directions)
        half_m = self.size_lwh_m / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            first = (-half_m - start_m) / direction
            second = (half_m - start_m) / direction
        # 0 / 0: the ray lies in a face plane, which does not bound it.
        near = np.nan_to_num(np.minimum(first, second), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        far = np.nan_to_num(np.maximum(first, second), nan=np.inf, posinf=np.inf, neginf=-np.inf)
        entry = np.maximum(near.max(axis=-1), 0.0)
        return np.where(entry <= far.min(axis=-1), entry, np.inf)


@dataclass(frozen=True, eq=False, slots=True)
class Cuboids:
    """Many oriented boxes in one frame.

    Attributes:
        rotation: (N, 3, 3) float64, turns box axes into the frame.
        center_m: (N, 3) float64, metres.
        size_lwh_m: (N, 3) float64, full sizes, metres.
    """

    rotation: F64
    center_m: F64
    size_lwh_m: F64

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        count = len(self.center_m)
        shapes = {"rotation": (count, 3, 3), "center_m": (count, 3), "size_lwh_m": (count, 3)}
        for name, shape in shapes.items():
            value = frozen_array(name, getattr(self, name), shape, np.float64)
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.center_m)

    def __getitem__(self, index: int) -> Cuboid:
        """One of the boxes."""
        return Cuboid(SE3(self.rotation[index], self.center_m[index]), self.size_lwh_m[index])

    def select(self, keep: Bool | I64) -> Cuboids:
        """The boxes of a mask or of indices."""
        return Cuboids(self.rotation[keep], self.center_m[keep], self.size_lwh_m[keep])

    def moved(self, dst_from_src: SE3) -> Cuboids:
        """The same boxes in another frame."""
        return Cuboids(
            dst_from_src.rotation @ self.rotation,
            dst_from_src.apply(self.center_m),
            self.size_lwh_m,
        )

    @property
    def corners_m(self) -> F64:
        """Corners (N, 8, 3), metres, in the order of `CORNER_SIGNS`."""
        local_m = CORNER_SIGNS * self.size_lwh_m[:, None, :] / 2
        return np.asarray(local_m @ self.rotation.transpose(0, 2, 1) + self.center_m[:, None, :])

    @property
    def yaw_rad(self) -> F64:
        """Headings (N,) in the xy plane of the frame."""
        return yaw_of(self.rotation)
