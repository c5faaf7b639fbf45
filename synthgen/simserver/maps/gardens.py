"""What stands between a house and its street: a hedge or a picket fence, and a driveway."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.maps.building_parts import BuildingParts, Plot
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.objects import ObjectList
from synthgen.simserver.maps.sites import Land
from synthgen.simserver.maps.townmap import Pose
from synthgen.simserver.scene import Material, Tag

_FROM_WALK_M, _PIECE_M = 0.7, 1.6
_HEDGE_M, _HEDGE_HEIGHT_M = 0.5, 1.0
_PICKET_M, _PICKET_GAP_M, _FENCE_HEIGHT_M = 0.09, 0.2, 0.95


def lay_driveway(builder: MeshBuilder, land: Land, plot: Plot, span: tuple[float, float]) -> None:
    """A concrete strip from the street to the garage, over the land between two u."""
    v = np.linspace(-plot.setback_m + 0.1, 1.3, max(2, int(plot.setback_m) + 1))
    left, right = (plot.corner_m[:2] + u * plot.along + v[:, None] * plot.away for u in span)
    z = np.maximum(land.height(left), land.height(right)) + 0.04
    builder.add_strip(
        np.column_stack([right, z]),
        np.column_stack([left, z]),
        (Material.CONCRETE, Tag.GROUND),
    )
    land.take(np.array([left[0], right[0], right[-1], left[-1]]))


def enclose_garden(
    builder: MeshBuilder,
    objects: ObjectList,
    land: Land,
    plot: Plot,
    spans: list[tuple[float, float]],
    *,
    hedge: bool,
    variant: int,
) -> None:
    """A hedge or fence along the street, over each stretch of u where the land is free."""
    v = -plot.setback_m + _FROM_WALK_M
    for u0, u1 in spans:
        ends = np.array([[u0, v, 0.0], [u1, v, 0.0]])
        foot = plot.to_map(ends)[:, :2]
        if u1 - u0 < 1.5 or not land.is_free(foot[[0, 1, 1, 0]]):
            continue
        yaw = plot.yaw_deg
        z = float(land.height(foot).min())
        pose = Pose((float(foot[0, 0]), float(foot[0, 1]), z), (0.0, yaw, 0.0))
        place = Plot(foot[0], plot.along, plot.away, u1 - u0, _HEDGE_M, z)
        tag = Tag.VEGETATION if hedge else Tag.FENCES
        half = np.array([(u1 - u0) / 2, _HEDGE_M / 2, 0.5])
        name = "Hedge" if hedge else "Fence"
        index = objects.add(name, tag, pose, (half, half), variant=variant)
        parts = BuildingParts(builder, place, index, variant, tag)
        for a in np.arange(0.0, u1 - u0 - 0.1, _PIECE_M):
            b = min(float(a) + _PIECE_M, u1 - u0)
            ground = float(land.height(place.to_map(np.array([[a, 0, 0], [b, 0, 0]]))[:, :2]).min())
            (_hedge if hedge else _fence)(parts, float(a), b, ground - z)
        objects.fit_box(index, *parts.finish())
        land.take(foot[[0, 1, 1, 0]])


def _hedge(parts: BuildingParts, a: float, b: float, z: float) -> None:
    parts.prism(
        (a, 0.0, b, _HEDGE_M), (z - 0.1, z + _HEDGE_HEIGHT_M), Material.FOLIAGE, Material.FOLIAGE
    )


def _fence(parts: BuildingParts, a: float, b: float, z: float) -> None:
    for rail in (0.3, 0.7):
        parts.box((a, 0.04, b, 0.08), (z + rail, z + rail + 0.07), Material.WOOD)
    for u in np.arange(a, b - _PICKET_M, _PICKET_GAP_M):
        picket = (float(u), 0.0, float(u) + _PICKET_M, 0.03)
        parts.prism(picket, (z - 0.1, z + _FENCE_HEIGHT_M), Material.WOOD, Material.WOOD)
