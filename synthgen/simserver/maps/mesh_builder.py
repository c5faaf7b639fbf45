"""Collect triangles of many kinds into one `Mesh`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthgen.simserver.scene import Material, Mesh, Tag

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


class MeshBuilder:
    """Grows by chunks; `build` joins them."""

    def __init__(self) -> None:
        self._chunks: list[tuple[F64, I32, F64, I32]] = []
        self._vertex_count = 0
        self.triangle_count = 0

    def add(
        self,
        vertices_m: F64,
        triangles: ArrayLike,
        look: tuple[Material | NDArray[np.int32], Tag],
        *,
        uv_m: F64 | None = None,
        object_index: int = 0,
        variant: int | NDArray[np.int32] = 0,
    ) -> None:
        """Append triangles of one tag.

        Args:
            vertices_m: (V, 3) map frame.
            triangles: (T, 3) indices into `vertices_m`.
            look: Material, one or (T,), and tag.
            uv_m: (V, 2) surface coordinates; x and y where not given.
            object_index: Index + 1 of the environment object, 0 for none.
            variant: Seed of the look, one number or (T,).
        """
        tri = np.asarray(triangles, dtype=np.int32).reshape(-1, 3)
        if not len(tri):
            return
        facts = np.empty((len(tri), 4), dtype=np.int32)
        facts[:, 0], facts[:, 1] = look
        facts[:, 2], facts[:, 3] = object_index, variant
        uv = vertices_m[:, :2] if uv_m is None else uv_m
        self._chunks.append((vertices_m, tri + self._vertex_count, uv, facts))
        self._vertex_count += len(vertices_m)
        self.triangle_count += len(tri)

    def add_strip(
        self,
        left_m: F64,
        right_m: F64,
        look: tuple[Material, Tag],
        *,
        uv_m: tuple[F64, F64] | None = None,
        keep: NDArray[np.bool_] | None = None,
    ) -> None:
        """Append a band between two polylines, facing up when `left` is left of `right`.

        Args:
            left_m: (N, 3).
            right_m: (N, 3).
            look: Material and tag.
            uv_m: (N, 2) surface coordinates of both polylines.
            keep: (N - 1,) which quads to keep; all where not given.
        """
        n = len(left_m)
        i = np.arange(n - 1)
        width = np.linalg.norm(right_m - left_m, axis=1)
        wide = (width[:-1] > 0.005) | (width[1:] > 0.005)
        i = i[wide if keep is None else wide & keep]
        triangles = np.stack([[i, i + 1, n + i + 1], [i, n + i + 1, n + i]]).transpose(2, 0, 1)
        uv = None if uv_m is None else np.concatenate(uv_m)
        self.add(np.concatenate([left_m, right_m]), triangles.reshape(-1, 3), look, uv_m=uv)

    def build(self) -> Mesh:
        """The mesh of everything added so far."""
        if not self._chunks:
            self.add(np.zeros((3, 3)), [[0, 1, 2]], (Material.GRASS, Tag.TERRAIN))
        vertices, triangles, uv, facts = (
            np.concatenate([c[k] for c in self._chunks]) for k in range(4)
        )
        return Mesh(
            vertices_m=np.ascontiguousarray(vertices, dtype=np.float32),
            triangles=np.ascontiguousarray(triangles, dtype=np.int32),
            material=facts[:, 0].astype(np.uint8),
            tag=facts[:, 1].astype(np.uint8),
            uv_m=np.ascontiguousarray(uv, dtype=np.float32),
            object_index=np.ascontiguousarray(facts[:, 2]),
            variant=np.ascontiguousarray(facts[:, 3]),
        )
