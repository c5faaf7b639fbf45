"""Lane surfaces, kerbs and skirts from sampled lane sections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.geometry import SectionGrid
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.townmap import SurfaceKind
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

SIDEWALK_HEIGHT_M = 0.15
KERB_STONE_M = 0.15
# How far the sides of paved surfaces reach below the road, so that no gap shows to the terrain.
SKIRT_M = 0.3


@dataclass(frozen=True, slots=True)
class LaneStyle:
    """How a lane type is built: height above the road, look, what it is underfoot."""

    height_m: float
    material: Material
    tag: Tag
    kind: SurfaceKind


_ROAD = LaneStyle(0.0, Material.ASPHALT, Tag.ROADS, SurfaceKind.ROAD)
_SIDEWALK = LaneStyle(SIDEWALK_HEIGHT_M, Material.SIDEWALK, Tag.SIDEWALKS, SurfaceKind.SIDEWALK)
_STYLES: dict[str, LaneStyle] = {
    "parking": LaneStyle(0.0, Material.ASPHALT, Tag.ROADS, SurfaceKind.PARKING),
    "shoulder": LaneStyle(0.0, Material.ASPHALT, Tag.ROADS, SurfaceKind.SHOULDER),
    "border": LaneStyle(0.0, Material.CONCRETE, Tag.ROADS, SurfaceKind.SHOULDER),
    "restricted": LaneStyle(0.0, Material.ASPHALT, Tag.ROADS, SurfaceKind.SHOULDER),
    "sidewalk": _SIDEWALK,
    "walking": _SIDEWALK,
    "curb": LaneStyle(SIDEWALK_HEIGHT_M, Material.KERB, Tag.SIDEWALKS, SurfaceKind.SIDEWALK),
    "median": LaneStyle(SIDEWALK_HEIGHT_M, Material.GRASS, Tag.TERRAIN, SurfaceKind.MEDIAN),
    "rail": LaneStyle(0.0, Material.GRAVEL, Tag.RAIL_TRACK, SurfaceKind.ROAD),
}
# Types of OpenDRIVE 1.4 to 1.6 that carry wheels; anything unknown is paved as well.
DRIVING_KINDS = frozenset(
    {"driving", "bidirectional", "bus", "taxi", "HOV", "stop", "slipLane", "roadWorks", "tram"}
    | {"entry", "exit", "onRamp", "offRamp", "connectingRamp"}
    | {"special1", "special2", "special3"}
)
UNPAVED_KINDS = frozenset({"none"})
# Narrower than this a median is a concrete band, not a lawn.
_LAWN_MIN_M = 1.5


def style_of(grid: SectionGrid, lane_id: int) -> LaneStyle | None:
    """How a lane is built, or None where it is not paved."""
    lane = grid.section.lanes[lane_id]
    if lane.kind in UNPAVED_KINDS:
        return None
    style = _STYLES.get(lane.kind, _ROAD)
    column = grid.column(lane_id)
    if style.kind is SurfaceKind.MEDIAN:
        width = np.abs(grid.t[:, column + 1] - grid.t[:, column]).max()
        if width < _LAWN_MIN_M:
            style = LaneStyle(style.height_m, Material.CONCRETE, Tag.GROUND, style.kind)
    if style.height_m > 0.0 and lane.height_m:
        return LaneStyle(lane.height_m, style.material, style.tag, style.kind)
    return style


@dataclass(frozen=True, eq=False, slots=True)
class Strip:
    """One lane of one section, between its two boundary polylines.

    Attributes:
        grid: Its section.
        lane_id: Its lane.
        style: How it is built.
        left_m: (n, 3) boundary, at the lane's own height.
        right_m: (n, 3).
        keep: (n - 1,) bool, quads that no driving lane of another road claims.
    """

    grid: SectionGrid
    lane_id: int
    style: LaneStyle
    left_m: F64
    right_m: F64
    keep: NDArray[np.bool_]

    @property
    def is_driving(self) -> bool:
        """Whether traffic drives on it."""
        return self.grid.section.lanes[self.lane_id].kind in DRIVING_KINDS

    @property
    def width_m(self) -> F64:
        """(n,) width."""
        return np.linalg.norm((self.left_m - self.right_m)[:, :2], axis=1)

    @property
    def quads_m(self) -> F64:
        """(n - 1, 4, 3) corners: left, next left, next right, right."""
        return np.stack(
            [self.left_m[:-1], self.left_m[1:], self.right_m[1:], self.right_m[:-1]], axis=1
        )

    @property
    def triangles_m(self) -> F64:
        """(2 (n - 1), 3, 3) corners of its triangles."""
        quads = self.quads_m
        return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def lane_strips(grids: list[SectionGrid]) -> list[Strip]:
    """Every paved lane of every section, none of it claimed yet."""
    strips = []
    for grid in grids:
        for column, lane_id in enumerate(grid.lane_ids):
            style = style_of(grid, lane_id)
            if style is None or np.ptp(grid.t[:, column : column + 2], axis=1).max() < 0.02:
                continue
            up = np.array([0.0, 0.0, style.height_m])
            keep = np.ones(len(grid.s) - 1, dtype=bool)
            left, right = grid.points[:, column] + up, grid.points[:, column + 1] + up
            strips.append(Strip(grid, lane_id, style, left, right, keep))
    return strips


def add_strips(builder: MeshBuilder, strips: list[Strip]) -> None:
    """Add lane surfaces, kerb stones, kerb faces and skirts."""
    by_lane = {(id(s.grid), s.lane_id): s for s in strips}
    for strip in strips:
        grid, column = strip.grid, strip.grid.column(strip.lane_id)
        left = grid.lane_ids[column - 1] if column else None
        right = grid.lane_ids[column + 1] if column + 1 < len(grid.lane_ids) else None
        neighbours = [by_lane.get((id(grid), n)) if n is not None else None for n in (left, right)]
        _add_top(builder, strip, [n is not None and _drop(strip, n) > 0.01 for n in neighbours])
        _add_side(builder, strip, neighbours[0], strip.left_m, outward=-1)
        _add_side(builder, strip, neighbours[1], strip.right_m, outward=1)
        if strip.style.height_m > 0.0:
            _add_caps(builder, strip)


def _drop(strip: Strip, neighbour: Strip) -> float:
    return strip.style.height_m - neighbour.style.height_m


def _add_top(builder: MeshBuilder, strip: Strip, is_kerbed: list[bool]) -> None:
    """The surface, with a kerb stone along each side that drops to a lower lane."""
    look = (strip.style.material, strip.style.tag)
    s = strip.grid.s
    column = strip.grid.column(strip.lane_id)
    width = np.maximum(strip.width_m, 1e-6)
    share = np.clip(np.minimum(KERB_STONE_M, width / 4) / width, 0.0, 0.5)[:, None]
    t = strip.grid.t
    inner_left, inner_right = strip.left_m, strip.right_m
    if is_kerbed[0]:
        inner_left = strip.left_m + share * (strip.right_m - strip.left_m)
        builder.add_strip(
            strip.left_m, inner_left, (Material.KERB, strip.style.tag), keep=strip.keep
        )
    if is_kerbed[1]:
        inner_right = strip.right_m + share * (strip.left_m - strip.right_m)
        builder.add_strip(
            inner_right, strip.right_m, (Material.KERB, strip.style.tag), keep=strip.keep
        )
    uv = (np.stack([s, t[:, column]], axis=1), np.stack([s, t[:, column + 1]], axis=1))
    builder.add_strip(inner_left, inner_right, look, uv_m=uv, keep=strip.keep)


def _add_side(
    builder: MeshBuilder, strip: Strip, neighbour: Strip | None, edge_m: F64, *, outward: int
) -> None:
    """A vertical face from the strip's edge down to its neighbour, or into the ground."""
    if neighbour is None:
        drop = strip.style.height_m + SKIRT_M
    else:
        drop = _drop(strip, neighbour)
        if drop < 0.005 and neighbour.keep.all():
            return
        drop = max(drop, SKIRT_M)
    below = edge_m - [0.0, 0.0, drop]
    material = Material.KERB if strip.style.height_m > 0.0 else strip.style.material
    tag = strip.style.tag
    s = strip.grid.s
    uv = (np.stack([s, np.zeros_like(s)], axis=1), np.stack([s, np.full_like(s, drop)], axis=1))
    # Facing right (+1) the top is to the left of the foot; facing left it is the other way.
    pair = (edge_m, below) if outward > 0 else (below, edge_m)
    builder.add_strip(*pair, (material, tag), uv_m=uv, keep=strip.keep)


def _add_caps(builder: MeshBuilder, strip: Strip) -> None:
    """Faces across both ends of every kept run of a raised strip."""
    padded = np.concatenate([[False], strip.keep, [False]])
    change = np.flatnonzero(padded[1:] != padded[:-1])
    for row in change:
        begins = bool(padded[row + 1])
        top = np.stack([strip.left_m[row], strip.right_m[row]])
        foot = top - [0.0, 0.0, strip.style.height_m + SKIRT_M]
        corners = np.concatenate([top, foot])
        faces = [[0, 1, 3], [0, 3, 2]] if begins else [[0, 3, 1], [0, 2, 3]]
        builder.add(corners, faces, (Material.KERB, strip.style.tag))
