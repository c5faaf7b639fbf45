"""The ground grid: heights and surface kinds under wheels and feet."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.raster import BRIDGE_CLEARANCE_M, count_owners, draw_heights
from synthgen.simserver.maps.surfaces import Strip
from synthgen.simserver.maps.townmap import GroundGrid, MapError, SurfaceKind

F64 = NDArray[np.float64]

CELL_M = 0.25
MAX_NODES = 6_000_000
# A grid of decks takes 24 MB in the largest town, and a tick looks at each.
MAX_DECKS = 7
# How far the grid reaches beyond the roads.
MARGIN_M = 60.0
# Where two surfaces claim a place the one of higher rank stays.
SURFACE_RANK = {
    SurfaceKind.MEDIAN: 1,
    SurfaceKind.SIDEWALK: 2,
    SurfaceKind.SHOULDER: 3,
    SurfaceKind.PARKING: 4,
    SurfaceKind.ROAD: 5,
}


@dataclass(frozen=True, eq=False, slots=True)
class Raster:
    """The frame of a grid over the town: `shape` nodes, `cell_m` apart, from `origin_m`."""

    origin_m: F64
    cell_m: float
    shape: tuple[int, int]

    def nodes(self, xy_m: F64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of the nearest node to each of (..., 2) points."""
        index = np.rint((xy_m - self.origin_m) / self.cell_m).astype(np.int64)
        rows, cols = self.shape
        row = np.minimum(np.maximum(index[..., 1], 0), rows - 1)
        return row, np.minimum(np.maximum(index[..., 0], 0), cols - 1)


def raster_over(strips: list[Strip]) -> Raster:
    """A grid frame around every strip, coarser for a town so large that memory asks for it."""
    corners = np.concatenate([s.quads_m.reshape(-1, 3)[:, :2] for s in strips])
    low = np.floor(corners.min(axis=0) - MARGIN_M)
    size = np.ceil(corners.max(axis=0) + MARGIN_M) - low
    cell = max(CELL_M, float(np.sqrt(size[0] * size[1] / MAX_NODES)))
    cols, rows = (int(np.ceil(v / cell)) + 1 for v in size)
    return Raster(low, cell, (rows, cols))


def driving_coverage(raster: Raster, strips: list[Strip]) -> NDArray[np.int32]:
    """How many roads carry traffic over each node, (H, W)."""
    count = np.zeros(raster.shape, dtype=np.int32)
    last = np.full(raster.shape, -1, dtype=np.int32)
    names = {r: i for i, r in enumerate(dict.fromkeys(s.grid.road.road_id for s in strips))}
    driving = [s for s in strips if s.is_driving]
    if driving:
        driving.sort(key=lambda s: names[s.grid.road.road_id])
        triangles = np.concatenate([s.triangles_m for s in driving])
        owners = np.concatenate(
            [np.full(2 * len(s.keep), names[s.grid.road.road_id], np.int32) for s in driving]
        )
        count_owners(triangles, owners, raster.origin_m, raster.cell_m, count, last)
    return count


def drop_claimed_quads(raster: Raster, strips: list[Strip]) -> None:
    """Clear `keep` of raised quads that mostly lie on another road's driving lanes.

    What crosses above or below them is another level.
    """
    driving = [s for s in strips if s.is_driving]
    if not driving:
        return
    heights = paved_heights(raster, driving)
    for strip in strips:
        if strip.style.height_m <= 0.0:
            continue
        samples = np.einsum("pk,qkd->qpd", _WEIGHTS9, strip.quads_m)
        row, col = raster.nodes(samples[..., :2])
        levels = np.concatenate([heights.z_m[None, row, col], heights.decks_m[:, row, col]])
        levels[0, heights.rank[row, col] == 0] = np.nan
        is_level = np.abs(levels - samples[..., 2]) <= BRIDGE_CLEARANCE_M
        strip.keep[:] = is_level.any(axis=0).mean(axis=1) < 0.4


_GRID9 = [(u, v) for u in (0.15, 0.5, 0.85) for v in (0.15, 0.5, 0.85)]
# Bilinear weights of the corners (left, next left, next right, right) at nine inner points.
_WEIGHTS9 = np.array([[(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v] for u, v in _GRID9])


@dataclass(frozen=True, eq=False, slots=True)
class Heights:
    """What `draw_heights` leaves: arrays (H, W), (K, H, W) for the decks; `rank` 0 is unpaved."""

    z_m: NDArray[np.float32]
    rank: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    decks_m: NDArray[np.float32]


def paved_heights(raster: Raster, strips: list[Strip]) -> Heights:
    """Heights of every kept strip at the nodes."""
    triangles = np.concatenate([s.triangles_m[np.tile(s.keep, 2)] for s in strips])
    counts = [2 * int(s.keep.sum()) for s in strips]
    ranks = np.repeat([SURFACE_RANK[s.style.kind] for s in strips], counts).astype(np.uint8)
    kinds = np.repeat([int(s.style.kind) for s in strips], counts).astype(np.uint8)
    for decks in range(1, MAX_DECKS + 1):
        heights = Heights(
            np.zeros(raster.shape, np.float32),
            np.zeros(raster.shape, np.uint8),
            np.zeros(raster.shape, np.uint8),
            np.full((decks, *raster.shape), np.nan, np.float32),
        )
        if draw_heights(
            triangles,
            ranks,
            kinds,
            raster.origin_m,
            raster.cell_m,
            heights.z_m,
            heights.rank,
            heights.kind,
            heights.decks_m,
        ):
            return heights
    raise MapError(f"expected at most {MAX_DECKS + 1} roads one above the other at any place")


def ground_grid(raster: Raster, heights: Heights, terrain_m: NDArray[np.float32]) -> GroundGrid:
    """The grid that the world asks: paved heights where there are any, terrain elsewhere."""
    paved = heights.rank > 0
    has_bridge = bool(np.isfinite(heights.decks_m).any())
    return GroundGrid(
        raster.origin_m,
        raster.cell_m,
        np.where(paved, heights.z_m, terrain_m).astype(np.float32),
        np.where(paved, heights.kind, np.uint8(SurfaceKind.TERRAIN)).astype(np.uint8),
        heights.decks_m if has_bridge else None,
    )


def spread(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill unknown nodes with the nearest known value."""
    unknown = (~known).astype(np.uint8)
    _, label = cv2.distanceTransformWithLabels(
        unknown, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(label.max()) + 1, values.dtype)
    by_label[label[known]] = values[known]
    filled: NDArray[np.float32] = by_label[label]
    return filled
