"""Walls, roofs, cornices and balconies of one building, in the frame of its plot.

The plot's frame: u along the street front, v away from the street, z up from the ground; u, v
turn like CARLA's x, y. Footprints run (u0, v0), (u1, v0), (u1, v1), (u0, v1): their walls face
outwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

Rect = tuple[float, float, float, float]
Corner = tuple[float, float, float]


@dataclass(frozen=True, eq=False, slots=True)
class Plot:
    """Where a building stands: front corner, directions, size, ground, distance from the street."""

    corner_m: F64
    along: F64
    away: F64
    width_m: float
    depth_m: float
    z_m: float
    setback_m: float = 0.0

    @property
    def outline_m(self) -> F64:
        """(4, 2) corners on the map."""
        u, v = self.along * self.width_m, self.away * self.depth_m
        return self.corner_m[:2] + np.array([0 * u, u, u + v, v])

    @property
    def yaw_deg(self) -> float:
        """CARLA yaw of the street front."""
        return float(np.degrees(np.arctan2(self.along[1], self.along[0])))

    def to_map(self, local: F64) -> F64:
        """(N, 3) points (u, v, z) on the map."""
        xy = self.corner_m[:2] + local[:, :1] * self.along + local[:, 1:2] * self.away
        return np.column_stack([xy, local[:, 2] + self.z_m])


def _ring(rect: Rect) -> list[tuple[float, float]]:
    u0, v0, u1, v1 = rect
    return [(u0, v0), (u1, v0), (u1, v1), (u0, v1)]


class BuildingParts:
    """Collects the faces of one building; `finish` adds them to the static mesh."""

    def __init__(
        self,
        builder: MeshBuilder,
        plot: Plot,
        index: int,
        variant: int,
        tag: Tag = Tag.BUILDINGS,
    ) -> None:
        self._builder, self.plot, self._tag = builder, plot, tag
        self.index, self._variant = index, variant
        self._corners: list[Corner] = []
        self._uv: list[tuple[float, float]] = []
        self._triangles: list[tuple[int, int, int]] = []
        self._materials: list[int] = []

    def finish(self) -> tuple[F64, F64]:
        """Add everything to the mesh; gives its lowest and highest u, v, z."""
        local = np.array(self._corners)
        self._builder.add(
            self.plot.to_map(local),
            self._triangles,
            (np.array(self._materials, dtype=np.int32), self._tag),
            uv_m=np.array(self._uv),
            object_index=self.index + 1,
            variant=self._variant,
        )
        return local.min(axis=0), local.max(axis=0)

    def face(
        self, corners: Sequence[Corner], material: Material, uv: Sequence[tuple[float, float]]
    ) -> None:
        """A flat convex face; it looks where the cross product of its first two edges points."""
        first = len(self._corners)
        self._corners += corners
        self._uv += uv
        for k in range(1, len(corners) - 1):
            self._triangles.append((first, first + k, first + k + 1))
            self._materials.append(material)

    def flat(self, corners: Sequence[Corner], material: Material, *, flip: bool = False) -> None:
        """A face whose surface coordinates do not matter; `flip` turns it round."""
        ordered = list(reversed(corners)) if flip else list(corners)
        self.face(ordered, material, [(c[0], c[1]) for c in ordered])

    def wall(
        self,
        p: tuple[float, float],
        q: tuple[float, float],
        z: tuple[float, float],
        material: Material,
        uv_from: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """A wall from p to q, (u, v) each; it faces -v when it runs along +u.

        Seen from the street +u runs to the left, so the surface coordinate falls from p to q:
        letters on the wall read the right way round.
        """
        length = math.hypot(q[0] - p[0], q[1] - p[1])
        z0, z1 = z
        u, v = uv_from
        w = u - length
        self.face(
            [(*p, z0), (*q, z0), (*q, z1), (*p, z1)],
            material,
            [(u, v), (w, v), (w, v + z1 - z0), (u, v + z1 - z0)],
        )

    def prism(
        self,
        rect: Rect,
        z: tuple[float, float],
        material: Material,
        roof: Material | None = None,
        front: Material | None = None,
        v_from: float = 0.0,
    ) -> None:
        """Four walls over a rectangle (u0, v0, u1, v1), and a lid of `roof`."""
        u0, v0, u1, v1 = rect
        ring = _ring(rect)
        along = u1 - u0
        for k, side in enumerate((u1 - u0, v1 - v0, u1 - u0, v1 - v0)):
            skin = front if front is not None and k == 0 else material
            self.wall(ring[k], ring[(k + 1) % 4], z, skin, (along, v_from))
            along -= side
        if roof is not None:
            self.lid(rect, z[1], roof)

    def lid(self, rect: Rect, z: float, material: Material) -> None:
        """A horizontal face that looks up."""
        self.flat([(u, v, z) for u, v in _ring(rect)], material)

    def box(self, rect: Rect, z: tuple[float, float], material: Material) -> None:
        """A closed box: walls, lid and underside."""
        self.prism(rect, z, material, roof=material)
        self.flat([(u, v, z[0]) for u, v in _ring(rect)], material, flip=True)

    def parapet_roof(self, rect: Rect, z: float, height_m: float = 0.6) -> None:
        """A flat roof behind a low wall."""
        u0, v0, u1, v1 = rect
        t = 0.25
        inner = (u0 + t, v0 + t, u1 - t, v1 - t)
        self.lid(inner, z, Material.ROOF)
        a, b, top = _ring(rect), _ring(inner), z + height_m
        for k in range(4):
            j = (k + 1) % 4
            self.wall(a[k], a[j], (z, top), Material.CONCRETE)
            self.wall(b[j], b[k], (z, top), Material.CONCRETE)
            crown = [(*a[k], top), (*a[j], top), (*b[j], top), (*b[k], top)]
            self.flat(crown, Material.CONCRETE)

    def gable_roof(
        self, rect: Rect, z: float, rise_m: float, material: Material, overhang_m: float = 0.45
    ) -> None:
        """A roof with its ridge along u, closed by gable walls; eaves hang over."""
        u0, v0, u1, v1 = rect
        mid = (v0 + v1) / 2
        for u, a, b in ((u0, v1, v0), (u1, v0, v1)):
            uv = [(a, 0.0), (b, 0.0), (mid, rise_m)]
            self.face([(u, a, z), (u, b, z), (u, mid, z + rise_m)], material, uv)
        o, drop, thick = overhang_m, overhang_m * rise_m / (mid - v0), 0.18
        a, b = u0 - o, u1 + o
        for eave, flip in ((v0 - o, False), (v1 + o, True)):
            low, high = z - drop + thick, z + rise_m + thick
            face = [(a, eave, low), (b, eave, low), (b, mid, high), (a, mid, high)]
            under = [(u, v, w - thick) for u, v, w in face]
            self.flat(face, Material.ROOF, flip=flip)
            self.flat(under, Material.WOOD, flip=not flip)
            self.flat([under[0], under[1], face[1], face[0]], Material.WOOD, flip=flip)
            self.flat([under[0], under[3], face[3], face[0]], Material.WOOD, flip=not flip)
            self.flat([under[1], under[2], face[2], face[1]], Material.WOOD, flip=flip)

    def balcony(self, u: float, z: float, width_m: float, reach_m: float) -> None:
        """A slab with a railing in front of the street wall (v = 0)."""
        self.box((u, -reach_m, u + width_m, 0.0), (z - 0.15, z), Material.CONCRETE)
        self.box((u, -reach_m, u + width_m, -reach_m + 0.06), (z, z + 1.0), Material.METAL)
        self.box((u, -reach_m, u + 0.06, 0.0), (z, z + 1.0), Material.METAL)
        self.box((u + width_m - 0.06, -reach_m, u + width_m, 0.0), (z, z + 1.0), Material.METAL)
