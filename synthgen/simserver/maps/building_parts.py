"""Walls, roofs, cornices and balconies of one building, in the frame of its plot.

The plot's frame: u along the street front, v away from the street, z up from the ground; u, v
turn like CARLA's x, y. Footprints run (u0, v0), (u1, v0), (u1, v1), (u0, v1): their walls face
outwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

Rect = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False, slots=True)
class Plot:
    """Where a building stands: front corner, directions, size, height of the ground."""

    corner_m: F64
    along: F64
    away: F64
    width_m: float
    depth_m: float
    z_m: float

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


class BuildingParts:
    """Adds pieces of one building to the static mesh."""

    def __init__(self, builder: MeshBuilder, plot: Plot, index: int, variant: int) -> None:
        self._builder, self.plot = builder, plot
        self.index, self._variant = index, variant
        self._low, self._high = np.full(3, np.inf), np.full(3, -np.inf)

    @property
    def bounds_m(self) -> tuple[F64, F64]:
        """Lowest and highest u, v, z of everything added so far."""
        return self._low, self._high

    def quad(self, corners: F64, material: Material, uv: F64) -> None:
        """A flat face, seen from the side from which its corners run clockwise on the map."""
        self.mesh(corners, [[0, 1, 2], [0, 2, 3]], material, uv)

    def mesh(
        self,
        local: F64,
        triangles: list[list[int]],
        material: Material,
        uv: F64,
        tag: Tag = Tag.BUILDINGS,
    ) -> None:
        """Any triangles in the plot's frame."""
        self._low = np.minimum(self._low, local.min(axis=0))
        self._high = np.maximum(self._high, local.max(axis=0))
        self._builder.add(
            self.plot.to_map(local),
            triangles,
            (material, tag),
            uv_m=uv,
            object_index=self.index + 1,
            variant=self._variant,
        )

    def wall(
        self,
        p: F64,
        q: F64,
        z: tuple[float, float],
        material: Material,
        uv_from: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """A wall from p to q, (u, v) each; it faces -v when it runs along +u.

        Seen from the street +u runs to the left, so the surface coordinate falls from p to q:
        letters on the wall read the right way round.
        """
        length = float(np.hypot(*(q - p)))
        z0, z1 = z
        corners = np.array([[*p, z0], [*q, z0], [*q, z1], [*p, z1]])
        u, v = uv_from
        uv = np.array([[u, v], [u - length, v], [u - length, v + z1 - z0], [u, v + z1 - z0]])
        self.quad(corners, material, uv)

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
        ring = np.array([[u0, v0], [u1, v0], [u1, v1], [u0, v1], [u0, v0]])
        along = u1 - u0
        for k in range(4):
            skin = front if front is not None and k == 0 else material
            self.wall(ring[k], ring[k + 1], z, skin, (along, v_from))
            along -= float(np.hypot(*(ring[k + 1] - ring[k])))
        if roof is not None:
            self.lid(rect, z[1], roof)

    def lid(self, rect: Rect, z: float, material: Material) -> None:
        """A horizontal face that looks up."""
        u0, v0, u1, v1 = rect
        corners = np.array([[u0, v0, z], [u1, v0, z], [u1, v1, z], [u0, v1, z]])
        self.quad(corners, material, corners[:, :2])

    def box(self, rect: Rect, z: tuple[float, float], material: Material) -> None:
        """A closed box: walls, lid and underside."""
        self.prism(rect, z, material, roof=material)
        u0, v0, u1, v1 = rect
        under = np.array([[u0, v1, z[0]], [u1, v1, z[0]], [u1, v0, z[0]], [u0, v0, z[0]]])
        self.quad(under, material, under[:, :2])

    def parapet_roof(self, rect: Rect, z: float, height_m: float = 0.6) -> None:
        """A flat roof behind a low wall."""
        u0, v0, u1, v1 = rect
        t = 0.25
        inner = (u0 + t, v0 + t, u1 - t, v1 - t)
        self.lid(inner, z, Material.ROOF)
        a = np.array([[u0, v0], [u1, v0], [u1, v1], [u0, v1]])
        b = np.array([[u0 + t, v0 + t], [u1 - t, v0 + t], [u1 - t, v1 - t], [u0 + t, v1 - t]])
        top = z + height_m
        for k in range(4):
            j = (k + 1) % 4
            self.wall(a[k], a[j], (z, top), Material.CONCRETE)
            self.wall(b[j], b[k], (z, top), Material.CONCRETE)
            crown = np.array([[*a[k], top], [*a[j], top], [*b[j], top], [*b[k], top]])
            self.quad(crown, Material.CONCRETE, crown[:, :2])

    def gable_roof(
        self, rect: Rect, z: float, rise_m: float, material: Material, overhang_m: float = 0.45
    ) -> None:
        """A roof with its ridge along u, closed by gable walls; eaves hang over."""
        u0, v0, u1, v1 = rect
        mid = (v0 + v1) / 2
        for u, sign in ((u0, -1), (u1, 1)):
            gable = np.array([[u, v0, z], [u, v1, z], [u, mid, z + rise_m]])
            order = [[0, 1, 2]] if sign > 0 else [[1, 0, 2]]
            self.mesh(gable, order, material, gable[:, 1:] - [v0, 0.0])
        slope = rise_m / (mid - v0)
        o, drop, thick = overhang_m, overhang_m * slope, 0.18
        a, b = u0 - o, u1 + o
        for eave, inward in ((v0 - o, 1), (v1 + o, -1)):
            low, high = z - drop + thick, z + rise_m + thick
            face = np.array([[a, eave, low], [b, eave, low], [b, mid, high], [a, mid, high]])
            under = face - [0.0, 0.0, thick]
            run = float(np.hypot(mid - eave, high - low))
            uv = np.array([[a, 0], [b, 0], [b, run], [a, run]])
            self.quad(face if inward > 0 else face[::-1], Material.ROOF, uv)
            self.quad(under[::-1] if inward > 0 else under, Material.WOOD, uv[::-1])
            rim = np.array([under[0], under[1], face[1], face[0]])
            self.quad(rim if inward > 0 else rim[::-1], Material.WOOD, uv)
            for k, out in ((0, -1), (1, 1)):
                edge = np.array([under[k], under[3 - k], face[3 - k], face[k]])
                facing = out * inward > 0
                self.quad(edge if facing else edge[::-1], Material.WOOD, uv)

    def balcony(self, u: float, z: float, width_m: float, reach_m: float) -> None:
        """A slab with a railing in front of the street wall (v = 0)."""
        self.box((u, -reach_m, u + width_m, 0.0), (z - 0.15, z), Material.CONCRETE)
        self.box((u, -reach_m, u + width_m, -reach_m + 0.06), (z, z + 1.0), Material.METAL)
        self.box((u, -reach_m, u + 0.06, 0.0), (z, z + 1.0), Material.METAL)
        self.box((u + width_m - 0.06, -reach_m, u + width_m, 0.0), (z, z + 1.0), Material.METAL)
