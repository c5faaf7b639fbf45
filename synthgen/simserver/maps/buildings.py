"""Buildings along the streets: city blocks, towers, houses with gardens, a far skyline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.building_parts import BuildingParts, Plot
from synthgen.simserver.maps.gardens import enclose_garden, lay_driveway
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.objects import ObjectList
from synthgen.simserver.maps.sites import Character, Land, StreetSide, disc
from synthgen.simserver.maps.townmap import Pose, SurfaceKind
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

_SHOP_M, _STOREY_M = 3.8, 3.2
# Walls go so far into the ground, where it slopes.
_FOOTING_M = 1.5
_CORNER_M = 4.0


class Builders:
    """Plots out buildings; everything random comes from one generator."""

    def __init__(
        self, builder: MeshBuilder, objects: ObjectList, land: Land, rng: np.random.Generator
    ) -> None:
        self._builder, self._objects, self._land, self._rng = builder, objects, land, rng
        low, high = land.bounds_m
        self._center = (low + high) / 2
        self._radius = float(np.linalg.norm(high - low)) / 2

    def line_street(self, side: StreetSide) -> None:
        """Build along one side of a street."""
        # Beyond a median's edge lies a traffic island.
        is_island = side.strip.style.kind is SurfaceKind.MEDIAN
        if side.character is Character.MOTORWAY or is_island:
            return
        length = float(side.distance_m[-1])
        if side.character is Character.CITY:
            self._line(side, -_CORNER_M, length + _CORNER_M)
        elif not side.in_junction:
            self._line(side, 0.0, length)

    def _line(self, side: StreetSide, start: float, end: float) -> None:
        rng = self._rng
        at = start
        while at < end:
            as_house = side.character is Character.TOWN and (
                not side.has_walk or rng.random() < 0.85
            )
            width = float(rng.uniform(10.0, 14.0) if as_house else rng.uniform(10.0, 24.0))
            width = min(width, end - at)
            if width < (9.0 if as_house else 7.0):
                return
            step = self._house(side, at, width) if as_house else self._block(side, at, width)
            at += step

    def _plot(
        self,
        side: StreetSide,
        at: float,
        width: float,
        setbacks: list[float],
        depths: list[float],
    ) -> Plot | None:
        p, q = side.at(side.line_m, at)[:2], side.at(side.line_m, at + width)[:2]
        span = float(np.hypot(*(q - p)))
        if span < 0.7 * width:
            return None
        along = (q - p) / span
        away = np.array([-along[1], along[0]])
        # Where more pavement follows the edge, this is no street front.
        if not self._land.is_free(disc((p + q) / 2 + 1.5 * away, 0.1)):
            return None
        for setback in setbacks:
            for depth in depths:
                corner = p + away * setback
                outline = corner + np.array(
                    [0 * along, along * span, along * span + away * depth, away * depth]
                )
                # Shrunk by a cell, so that a wall may touch the neighbour's.
                inner = outline.mean(axis=0) + (outline - outline.mean(axis=0)) * (
                    1.0 - 1.2 / min(span, depth)
                )
                if self._land.is_free(inner):
                    z = float(np.median(self._land.height(outline)))
                    return Plot(corner, along, away, span, depth, z, setback)
        return None

    def _begin(self, plot: Plot, height_m: float) -> BuildingParts:
        """Take the land and number the building."""
        self._land.take(plot.outline_m)
        variant = int(self._rng.integers(1, 2**31 - 1))
        x, y = (float(v) for v in plot.corner_m[:2])
        pose = Pose((x, y, plot.z_m), (0.0, plot.yaw_deg, 0.0))
        half = np.array([plot.width_m, plot.depth_m, height_m]) / 2
        index = self._objects.add("Building", Tag.BUILDINGS, pose, (half, half), variant=variant)
        return BuildingParts(self._builder, plot, index, variant)

    def _finish(self, parts: BuildingParts) -> None:
        """Add the building to the mesh and fit its box to it."""
        self._objects.fit_box(parts.index, *parts.finish())

    def _block(self, side: StreetSide, at: float, width: float) -> float:
        """A city house wall to wall with its neighbours; gives how far along it reaches."""
        rng = self._rng
        depth = float(rng.uniform(11.0, 16.0))
        city = side.character is Character.CITY
        setbacks = [0.25, 1.25, 2.5, 4.0] if city else [2.0, 3.0, 5.0]
        plot = self._plot(side, at, width, setbacks, [depth, 0.75 * depth, 7.5])
        if plot is None:
            return 2.5
        centrality = 1.0 - min(1.0, float(np.hypot(*(plot.corner_m - self._center))) / self._radius)
        if city and width > 15.0 and plot.depth_m > 10.0 and rng.random() < 0.1 + 0.3 * centrality:
            self._tower(plot, centrality)
        else:
            floors = int(rng.integers(2, 5) + round(4 * centrality)) if city else 2
            self._perimeter_block(plot, floors)
        gap = float(rng.uniform(3.0, 5.0)) if rng.random() < (0.1 if city else 0.5) else 0.0
        return width + gap

    def _perimeter_block(self, plot: Plot, floors: int) -> None:
        rng = self._rng
        w, d = plot.width_m, plot.depth_m
        eave = _SHOP_M + floors * _STOREY_M
        pitched = bool(rng.random() < 0.4)
        rise = 0.42 * d if pitched else 0.6
        parts = self._begin(plot, eave)
        rect = (0.0, 0.0, w, d)
        has_shops = bool(rng.random() < 0.75)
        ground_floor = Material.SHOPFRONT if has_shops else Material.FACADE
        parts.prism(rect, (-_FOOTING_M, 0.0), Material.CONCRETE)
        parts.prism(rect, (0.0, _SHOP_M), Material.FACADE, front=ground_floor)
        parts.prism(rect, (_SHOP_M, eave), Material.FACADE)
        parts.box((0.0, -0.12, w, 0.02), (_SHOP_M - 0.2, _SHOP_M + 0.05), Material.CONCRETE)
        parts.box((0.0, -0.4, w, 0.02), (eave - 0.45, eave - 0.05), Material.CONCRETE)
        if pitched:
            parts.gable_roof(rect, eave, rise, Material.FACADE, overhang_m=0.3)
        else:
            parts.parapet_roof(rect, eave)
            self._roof_clutter(parts, rect, eave)
        if rng.random() < 0.55:
            self._balconies(parts, w, floors)
        self._finish(parts)

    def _balconies(self, parts: BuildingParts, width: float, floors: int) -> None:
        wide = float(self._rng.uniform(2.2, 3.2))
        count = int((width - 2.0) // (wide + 2.0))
        if count < 1:
            return
        pitch = width / count
        for floor in range(1, floors):
            for k in range(count):
                u = (k + 0.5) * pitch - wide / 2
                parts.balcony(u, _SHOP_M + floor * _STOREY_M - 0.05, wide, 0.45)

    def _roof_clutter(
        self, parts: BuildingParts, rect: tuple[float, float, float, float], z: float
    ) -> None:
        rng = self._rng
        u0, v0, u1, v1 = rect
        su = float(rng.uniform(u0 + 1.0, max(u0 + 1.1, u1 - 5.0)))
        sv = float(rng.uniform(v0 + 2.0, max(v0 + 2.1, v1 - 5.0)))
        house = (su, sv, min(su + 3.5, u1 - 0.5), min(sv + 3.0, v1 - 0.5))
        parts.prism(house, (z, z + 2.3), Material.CONCRETE, roof=Material.ROOF)
        for _ in range(int(rng.integers(1, 4))):
            u = float(rng.uniform(u0 + 0.8, u1 - 2.0))
            v = float(rng.uniform(v0 + 0.8, v1 - 2.0))
            parts.prism((u, v, u + 1.2, v + 1.0), (z, z + 1.1), Material.METAL, Material.METAL)

    def _tower(self, plot: Plot, centrality: float) -> None:
        rng = self._rng
        floors = int(rng.integers(9, 15) + round(8 * centrality))
        podium, top = 2 * _STOREY_M + _SHOP_M, _SHOP_M + floors * _STOREY_M
        w, d = plot.width_m, plot.depth_m
        parts = self._begin(plot, top)
        rect = (0.0, 0.0, w, d)
        parts.prism(rect, (-_FOOTING_M, 0.0), Material.CONCRETE)
        parts.prism(rect, (0.0, _SHOP_M), Material.FACADE, front=Material.SHOPFRONT)
        parts.prism(rect, (_SHOP_M, podium), Material.FACADE)
        parts.parapet_roof(rect, podium)
        inset = float(rng.uniform(1.2, 2.2))
        shaft = (inset, inset, w - inset, d - inset / 2)
        skin = Material.FACADE
        split = podium + (top - podium) * float(rng.uniform(0.6, 0.85))
        parts.prism(shaft, (podium, split), skin)
        parts.parapet_roof(shaft, split, 0.4)
        u0, v0, u1, v1 = shaft
        crown = (u0 + 1.5, v0 + 1.5, u1 - 1.5, v1 - 1.0)
        parts.prism(crown, (split, top), skin, v_from=split - podium)
        parts.parapet_roof(crown, top)
        parts.prism(
            (crown[0] + 2, crown[1] + 2, crown[2] - 2, crown[3] - 2),
            (top, top + 3.0),
            Material.METAL,
            roof=Material.ROOF,
        )
        self._finish(parts)

    def _house(self, side: StreetSide, at: float, width: float) -> float:
        """A house in its garden; gives how far along it reaches."""
        rng = self._rng
        setback = float(rng.uniform(5.0, 9.0))
        plot = self._plot(side, at, width, [setback, setback + 3.0], [9.5, 8.0])
        gap = float(rng.uniform(5.0, 10.0))
        if plot is None:
            return 4.0
        floors = int(rng.integers(1, 3))
        eave = 0.3 + floors * 2.8
        w, d = plot.width_m, plot.depth_m
        garage = 3.4 if rng.random() < 0.6 else 0.0
        rise = float(rng.uniform(0.28, 0.5)) * d
        parts = self._begin(plot, eave)
        main = (garage, 0.0, w, d)
        skin = Material.BRICK if rng.random() < 0.35 else Material.FACADE
        parts.prism(main, (-_FOOTING_M, 0.3), Material.CONCRETE)
        parts.prism(main, (0.3, eave), Material.FACADE)
        parts.gable_roof(main, eave, rise, skin)
        chimney = garage + (w - garage) * float(rng.uniform(0.2, 0.8))
        stack = (chimney, d * 0.55, chimney + 0.7, d * 0.55 + 0.7)
        parts.prism(stack, (eave, eave + rise + 0.8), Material.BRICK, Material.CONCRETE)
        door = garage + 0.5 + (w - garage - 2.0) * float(rng.uniform(0.0, 1.0))
        parts.box((door, -0.06, door + 1.1, 0.05), (0.3, 2.45), Material.WOOD)
        parts.box((door - 0.4, -1.1, door + 1.5, 0.0), (-0.3, 0.28), Material.CONCRETE)
        parts.box((door - 0.3, -1.2, door + 1.4, 0.05), (2.6, 2.75), Material.ROOF)
        if garage:
            hall = (0.0, 1.2, garage, d * 0.8)
            parts.prism(hall, (-_FOOTING_M, 2.6), Material.CONCRETE, roof=Material.ROOF)
            parts.box((0.35, 1.14, garage - 0.35, 1.25), (0.05, 2.2), Material.METAL)
            lay_driveway(self._builder, self._land, plot, (0.3, garage))
        self._finish(parts)
        if rng.random() < 0.6:
            self._enclose(plot, garage, door)
        return width + gap

    def _enclose(self, plot: Plot, garage: float, door: float) -> None:
        """Hedge or fence in front of a house, open at the driveway and the door."""
        enclose_garden(
            self._builder,
            self._objects,
            self._land,
            plot,
            [(garage + 0.5 if garage else -1.5, door - 0.5), (door + 1.6, plot.width_m + 1.5)],
            hedge=bool(self._rng.random() < 0.6),
            variant=int(self._rng.integers(1, 2**31 - 1)),
        )

    def skyline(self) -> None:
        """Plain towers beyond the last street of a city."""
        rng = self._rng
        low, high = self._land.bounds_m
        half = (high - low) / 2
        for angle in np.sort(rng.uniform(0.0, 2 * np.pi, 110)):
            away = np.array([np.cos(angle), np.sin(angle)])
            edge = float(np.min(half / np.maximum(np.abs(away), 1e-6)))
            corner = self._center + away * (edge + float(rng.uniform(25.0, 260.0)))
            w, d = rng.uniform(14.0, 34.0, 2)
            height = float(rng.choice([3, 4, 6, 9, 14, 20])) * _STOREY_M + float(rng.uniform(0, 5))
            along = np.array([1.0, 0.0])
            plot = Plot(corner, along, np.array([0.0, 1.0]), float(w), float(d), 0.0)
            parts = self._begin(plot, height)
            parts.prism(
                (0.0, 0.0, float(w), float(d)), (-6.0, height), Material.FACADE, Material.ROOF
            )
            self._finish(parts)
