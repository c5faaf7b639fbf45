"""Fill junction gaps with asphalt, and lay the land around the roads."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.ground import SURFACE_RANK, Heights, Raster, spread
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.surfaces import Strip
from synthgen.simserver.maps.townmap import SurfaceKind
from synthgen.simserver.scene import Material, Tag

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A gap between paved surfaces belongs to a junction when this share of it lies in its hull.
_INSIDE_SHARE = 0.6
# Patches that close a gap lie this much below the lanes around them.
_PATCH_DROP_M = 0.003
_PATCH_LENGTH_NODES = 8
# Terrain grid: one vertex every so many ground nodes, and blocks of so many terrain cells.
_NODES_PER_CELL = 4
_CELLS_PER_BLOCK = 16
_GAP_OUTSIDE_M, _GAP_BELOW_M = 0.03, 0.08
_HORIZON_M = 900.0
_PLAZA_M = 3.0


def fill_junction_gaps(
    builder: MeshBuilder, raster: Raster, heights: Heights, strips: list[Strip], level_m: F32
) -> None:
    """Pave what connecting roads leave open inside their junction; edits `heights`.

    `level_m` is the height of the nearest carriageway at every node.
    """
    hulls = _junction_hulls(raster, strips)
    # Number 0 is what is no gap.
    count, gaps = cv2.connectedComponents((heights.rank == 0).astype(np.uint8), connectivity=4)
    if count < 3 or not hulls.any():
        return
    size = np.bincount(gaps.ravel(), minlength=count)
    inside = np.bincount(gaps[hulls], minlength=count)
    is_gap = inside > _INSIDE_SHARE * size
    is_gap[0] = False
    gap = is_gap[gaps]
    if not gap.any():
        return
    heights.z_m[gap] = level_m[gap]
    heights.kind[gap] = SurfaceKind.ROAD
    heights.rank[gap] = SURFACE_RANK[SurfaceKind.SHOULDER]
    under = cv2.dilate(gap.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    _add_patches(builder, raster, under, level_m - np.float32(_PATCH_DROP_M))


def _junction_hulls(raster: Raster, strips: list[Strip]) -> Mask:
    mask = np.zeros(raster.shape, np.uint8)
    by_junction: dict[str, list[F64]] = {}
    for strip in strips:
        if strip.grid.road.in_junction and strip.is_driving:
            corners = np.concatenate([strip.left_m, strip.right_m])[:, :2]
            by_junction.setdefault(strip.grid.road.junction, []).append(corners)
    for parts in by_junction.values():
        row, col = raster.nodes(np.concatenate(parts))
        hull = cv2.convexHull(np.stack([col, row], axis=1).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
    return mask > 0


def _add_patches(builder: MeshBuilder, raster: Raster, mask: Mask, z_m: F32) -> None:
    """Rows of small rectangles over every node of a mask."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    row, begin = np.nonzero(np.diff(padded, axis=1) == 1)
    _, end = np.nonzero(np.diff(padded, axis=1) == -1)
    pieces = [
        (r, c, min(c + _PATCH_LENGTH_NODES, e))
        for r, b, e in zip(row, begin, end, strict=True)
        for c in range(b, e, _PATCH_LENGTH_NODES)
    ]
    r, c0, c1 = np.array(pieces).T
    half = raster.cell_m / 2
    x0 = raster.origin_m[0] + c0 * raster.cell_m - half
    x1 = raster.origin_m[0] + (c1 - 1) * raster.cell_m + half
    y = raster.origin_m[1] + r * raster.cell_m
    za, zb = z_m[r, c0], z_m[r, c1 - 1]
    corners = np.stack(
        [
            np.stack([x0, y - half, za], axis=1),
            np.stack([x1, y - half, zb], axis=1),
            np.stack([x1, y + half, zb], axis=1),
            np.stack([x0, y + half, za], axis=1),
        ],
        axis=1,
    )
    first = 4 * np.arange(len(corners))[:, None, None]
    triangles = first + np.array([[0, 1, 2], [0, 2, 3]])
    builder.add(corners.reshape(-1, 3), triangles.reshape(-1, 3), (Material.ASPHALT, Tag.ROADS))


def lay_terrain(
    builder: MeshBuilder, raster: Raster, heights: Heights, rng: np.random.Generator
) -> F32:
    """Add the land to the horizon; gives its height at every ground node, (H, W)."""
    paved = heights.rank > 0
    step = _NODES_PER_CELL
    level = spread(heights.z_m, paved)
    kernel = np.ones((2 * step + 3, 2 * step + 3), np.uint8)
    level = cv2.erode(level, kernel)
    land = (~paved).astype(np.uint8)
    distance = cv2.distanceTransform(land, cv2.DIST_L2, cv2.DIST_MASK_5) * raster.cell_m
    level = _smooth_away(level, distance, raster.cell_m)
    near_paved = cv2.dilate(paved.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    level -= np.where(near_paved, _GAP_BELOW_M, _GAP_OUTSIDE_M).astype(np.float32)

    block = step * _CELLS_PER_BLOCK
    pad = [(0, -(n - 1) % block) for n in raster.shape]
    coarse = np.pad(level, pad, mode="edge")[::step, ::step].copy()
    busy = _busy_blocks(np.pad(paved, pad))
    _flatten_quiet_blocks(coarse, busy)
    hidden = _hidden_cells(np.pad(paved, pad))
    _add_cells(builder, raster, coarse, busy, hidden, _plaza_cells(heights, distance, pad))
    _add_horizon(builder, raster, coarse, rng)
    return _upsample(coarse, raster.shape)


def _smooth_away(level: F32, distance: F32, cell_m: float) -> F32:
    """Blend to a blurred height with distance from the roads: no creases half way between two."""
    small = cv2.resize(level, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigmaX=20.0 / (8.0 * cell_m))
    wide = cv2.resize(blurred, (level.shape[1], level.shape[0]), interpolation=cv2.INTER_LINEAR)
    share = np.clip((distance - 2.0) / 25.0, 0.0, 1.0)
    share = share * share * (3.0 - 2.0 * share)
    return (level * (1.0 - share) + wide * share).astype(np.float32)


def _busy_blocks(paved: Mask) -> Mask:
    block = _NODES_PER_CELL * _CELLS_PER_BLOCK
    grown = cv2.dilate(paved.astype(np.uint8), np.ones((13, 13), np.uint8))
    rows, cols = ((n - 1) // block for n in grown.shape)
    inner = grown[: rows * block, : cols * block].reshape(rows, block, cols, block)
    return inner.max(axis=(1, 3)) > 0


def _hidden_cells(paved: Mask) -> Mask:
    """Terrain cells that lie wholly below pavement."""
    step = _NODES_PER_CELL
    inner = cv2.erode(paved.astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, cols = ((n - 1) // step for n in paved.shape)
    return inner[: rows * step, : cols * step].reshape(rows, step, cols, step).min(axis=(1, 3)) > 0


def _flatten_quiet_blocks(coarse: F32, busy: Mask) -> None:
    """Make blocks far from roads bilinear, so that one quad draws each without a crack."""
    size = _CELLS_PER_BLOCK
    ramp = np.linspace(0.0, 1.0, size + 1, dtype=np.float32)
    for i, j in np.argwhere(~busy):
        r, c = i * size, j * size
        patch = coarse[r : r + size + 1, c : c + size + 1]
        top = patch[0, 0] * (1 - ramp) + patch[0, -1] * ramp
        bottom = patch[-1, 0] * (1 - ramp) + patch[-1, -1] * ramp
        patch[:] = top * (1 - ramp[:, None]) + bottom * ramp[:, None]


def _plaza_cells(heights: Heights, distance: F32, pad: list[tuple[int, int]]) -> Mask:
    """Terrain cells between sidewalks and house fronts, paved where sidewalks are wide."""
    step = _NODES_PER_CELL
    walk = heights.kind == SurfaceKind.SIDEWALK
    broad = cv2.erode(walk.astype(np.uint8), np.ones((9, 9), np.uint8))
    reach = cv2.dilate(broad, np.ones((41, 41), np.uint8)) > 0
    plaza = np.pad(reach & (distance < _PLAZA_M), pad)
    rows, cols = ((n - 1) // step for n in plaza.shape)
    cells = plaza[: rows * step, : cols * step].reshape(rows, step, cols, step)
    return np.asarray(cells.mean(axis=(1, 3)) > 0.5)


def _add_cells(
    builder: MeshBuilder, raster: Raster, coarse: F32, busy: Mask, hidden: Mask, plaza: Mask
) -> None:
    size, pitch = _CELLS_PER_BLOCK, raster.cell_m * _NODES_PER_CELL
    rows, cols = coarse.shape
    x, y = np.meshgrid(np.arange(cols) * pitch, np.arange(rows) * pitch)
    vertices = np.stack([x + raster.origin_m[0], y + raster.origin_m[1], coarse], axis=-1)
    fine = np.repeat(np.repeat(busy, size, axis=0), size, axis=1) & ~hidden
    r, c = np.nonzero(fine)
    quiet_r, quiet_c = (size * v for v in np.nonzero(~busy))
    quads = np.concatenate(
        [_quad_corners(r, c, 1, cols), _quad_corners(quiet_r, quiet_c, size, cols)]
    )
    is_plaza = np.concatenate([plaza[r, c], np.zeros(len(quiet_r), dtype=bool)])
    for chosen, look in (
        (quads[~is_plaza], (Material.GRASS, Tag.TERRAIN)),
        (quads[is_plaza], (Material.CONCRETE, Tag.GROUND)),
    ):
        triangles = np.concatenate([chosen[:, [0, 1, 2]], chosen[:, [0, 2, 3]]])
        used, index = np.unique(triangles, return_inverse=True)
        points = vertices.reshape(-1, 3)[used].astype(np.float64)
        builder.add(points, index.reshape(-1, 3), look)


def _quad_corners(
    r: NDArray[np.int64], c: NDArray[np.int64], size: int, cols: int
) -> NDArray[np.int64]:
    first = r * cols + c
    return np.stack([first, first + size, first + size * cols + size, first + size * cols], axis=1)


def _add_horizon(
    builder: MeshBuilder, raster: Raster, coarse: F32, rng: np.random.Generator
) -> None:
    """Rings of land from the edge of the grid to the horizon, rising to low hills."""
    pitch = raster.cell_m * _NODES_PER_CELL * _CELLS_PER_BLOCK
    rim_r, rim_c = _rim(coarse.shape, _CELLS_PER_BLOCK)
    scale = raster.cell_m * _NODES_PER_CELL
    rim = np.stack([rim_c * scale + raster.origin_m[0], rim_r * scale + raster.origin_m[1]], axis=1)
    center = rim.mean(axis=0)
    outward = (rim - center) / np.linalg.norm(rim - center, axis=1, keepdims=True)
    phases = rng.uniform(0.0, 2.0 * np.pi, 4)
    rings = [np.column_stack([rim, coarse[rim_r, rim_c]])]
    for distance in (pitch, 60.0, 150.0, 300.0, 550.0, _HORIZON_M):
        xy = rim + outward * distance
        angle = np.arctan2(outward[:, 1], outward[:, 0])
        hills = sum(np.sin(k * angle + p) for k, p in zip((3, 5, 9, 14), phases, strict=True))
        rise = (distance / _HORIZON_M) ** 2 * (14.0 + 6.0 * hills)
        base = coarse[rim_r, rim_c] * (1 - distance / _HORIZON_M) + (
            coarse.mean() * distance / _HORIZON_M
        )
        rings.append(np.column_stack([xy, base + rise]))
    for inner, outer in itertools.pairwise(rings):
        closed_in, closed_out = (
            np.concatenate([inner, inner[:1]]),
            np.concatenate([outer, outer[:1]]),
        )
        builder.add_strip(closed_out, closed_in, (Material.GRASS, Tag.TERRAIN))


def _rim(shape: tuple[int, ...], step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, cols = shape[0] - 1, shape[1] - 1
    across, down = np.arange(0, cols, step), np.arange(0, rows, step)
    r = np.concatenate([np.zeros_like(across), down, np.full_like(across, rows), rows - down])
    c = np.concatenate([across, np.full_like(down, cols), cols - across, np.zeros_like(down)])
    return r, c


def _upsample(coarse: F32, shape: tuple[int, int]) -> F32:
    """Bilinear heights at the ground nodes from the terrain's vertices."""
    step = _NODES_PER_CELL
    rows, cols = (np.arange(n) / step for n in shape)
    grid_x, grid_y = np.meshgrid(cols.astype(np.float32), rows.astype(np.float32))
    return cv2.remap(coarse, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
