"""The bird's-eye view around the ego: semantic, instance and backward-flow rasters.

Row 0 is farthest ahead, column 0 farthest left; the ego's origin is the corner in the middle.
The view is level: of the ego's pose only position and heading count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from synthgen.datatypes.road_map import Lane, RoadMap
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.errors import InternalError
from synthgen.geometry.arrays import F32, F64, I64, U8, U16, Bool
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.polygon import convex_hull
from synthgen.geometry.se3 import SE3
from synthgen.labels.columns import Columns
from synthgen.labels.raster_kernels import fill_polygons, mark_points
from synthgen.labels.scene_boxes import EgoScene, SceneBoxes, level_ego_from_world

DRIVABLE, LANE, DIVIDER, CROSSWALK, SIDEWALK = 1, 2, 4, 8, 16
GROUP_BITS: Final = {"vehicle": 32, "pedestrian": 64, "cyclist": 128, "object": 256}
FLOW_STEPS: Final = 256.0  # per cell
FLOW_ZERO: Final = 32768

_AS_CELLS: Final = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_AREA_BITS: Final = {"crosswalk": CROSSWALK}
_LANE_BITS: Final = {
    "driving": DRIVABLE,
    "bidirectional": DRIVABLE,
    "parking": DRIVABLE,
    "biking": DRIVABLE,
    "entry": DRIVABLE,
    "exit": DRIVABLE,
    "onRamp": DRIVABLE,
    "offRamp": DRIVABLE,
    "sidewalk": SIDEWALK,
}


@dataclass(frozen=True, slots=True)
class BevGrid:
    """Square raster of `cells` x `cells` cells, each `cell_m` wide."""

    cells: int = 200
    cell_m: float = 0.5

    @property
    def extent_m(self) -> float:
        """Side length."""
        return self.cells * self.cell_m

    def to_cells(self, xy_ego_m: F64) -> F64:
        """Row and column (..., 2), fractional, of level ego positions (..., 2)."""
        return np.asarray(self.cells / 2 - xy_ego_m / self.cell_m)


@dataclass(frozen=True, eq=False, slots=True)
class _Shapes:
    """N polygons or dense lines of the map, world frame.

    Attributes:
        xy_m: (P, 2) points of all of them.
        first: (N + 1,) points of shape k are `first[k]` to `first[k + 1]`.
        bit: (N,) uint16, layer of each.
        center_m: (N, 2) middle of each one's bounds.
        radius_m: (N,) distance from there to the bounds' corners.
    """

    xy_m: F64
    first: I64
    bit: U16
    center_m: F64
    radius_m: F64

    def near(self, xy_m: F64, reach_m: float) -> I64:
        """Indices of the shapes that may come within `reach_m` of a place (2,)."""
        gap_m = np.linalg.norm(self.center_m - xy_m, axis=1) - self.radius_m
        return np.flatnonzero(gap_m < reach_m)


@dataclass(frozen=True, eq=False, slots=True)
class BevMap:
    """The map's shapes, ready to be drawn from any place."""

    polygons: _Shapes
    lines: _Shapes


@dataclass(frozen=True, eq=False, slots=True)
class BevFrame:
    """Rasters of one capture.

    Attributes:
        semantic: (N, N) uint16, one bit a layer, see `docs/clip_format.md`.
        instance: (N, N) uint16, track ids, 0 where there is no object.
        flow_cells: (N, N, 2) float32, rows and columns from each object cell to where that
            part of the object was in the raster of the capture before.
        flow_valid: (N, N) bool, where `flow_cells` says something.
    """

    semantic: U16
    instance: U16
    flow_cells: F32
    flow_valid: Bool


def bev_map(road_map: RoadMap, grid: BevGrid) -> BevMap:
    """The map's shapes for a grid of this resolution."""
    polygons = [
        (np.concatenate([lane.left_m, lane.right_m[::-1]]), _LANE_BITS[lane.kind])
        for lane in road_map.lanes
        if lane.kind in _LANE_BITS
    ]
    polygons += [
        (area.polygon_m, _AREA_BITS[area.kind])
        for area in road_map.areas
        if area.kind in _AREA_BITS
    ]
    # Finer than a cell, so that a line marks every cell it passes through but for clipped corners.
    step_m = grid.cell_m / 3
    lines = [
        (dense_line(line.astype(np.float64)[:, :2], step_m), bit)
        for lane in road_map.lanes
        if _LANE_BITS.get(lane.kind) == DRIVABLE
        for line, bit in _lane_lines(lane)
        if len(line) > 1
    ]
    return BevMap(_shapes([p for p in polygons if len(p[0]) > 2]), _shapes(lines))


def _lane_lines(lane: Lane) -> list[tuple[F32, int]]:
    lines: list[tuple[F32, int]] = []
    if lane.kind in ("driving", "bidirectional"):
        lines.append((lane.center_m, LANE))
    if lane.left_marking.lower() != "none":
        lines.append((lane.left_m, DIVIDER))
    if lane.right_marking.lower() != "none":
        lines.append((lane.right_m, DIVIDER))
    return lines


def _shapes(parts: Sequence[tuple[F32 | F64, int]]) -> _Shapes:
    xy_m = [points[:, :2].astype(np.float64) for points, _ in parts]
    bounds = np.array([[xy.min(axis=0), xy.max(axis=0)] for xy in xy_m]).reshape(-1, 2, 2)
    return _Shapes(
        xy_m=np.concatenate([np.zeros((0, 2)), *xy_m]),
        first=np.cumsum([0, *(len(xy) for xy in xy_m)]),
        bit=np.array([bit for _, bit in parts], dtype=np.uint16),
        center_m=bounds.mean(axis=1),
        radius_m=np.linalg.norm(bounds[:, 1] - bounds[:, 0], axis=1) / 2,
    )


def dense_line(line: F64, step_m: float) -> F64:
    """Points (P, 2) along a polyline (M, 2), at most `step_m` apart."""
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    at_m = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted_m = np.linspace(0.0, at_m[-1], max(2, int(np.ceil(at_m[-1] / step_m)) + 1))
    return np.stack([np.interp(wanted_m, at_m, line[:, axis]) for axis in range(2)], axis=1)


def bev_frame(
    scene: EgoScene, before: EgoScene | None, shapes: BevMap, grid: BevGrid, taxonomy: Taxonomy
) -> BevFrame:
    """The rasters of one capture.

    Args:
        scene: Ego and objects.
        before: The same one capture earlier, or None at the first one.
        shapes: The map.
        grid: Resolution.
        taxonomy: Which layer each category is drawn in.
    """
    level_from_world = level_ego_from_world(scene.world_from_ego)
    semantic = np.zeros((grid.cells, grid.cells), dtype=np.uint16)
    _draw_map(semantic, level_from_world, shapes, grid)
    instance = np.zeros_like(semantic)
    drawn = _draw_objects(instance, scene.boxes, level_from_world, grid)
    bits = np.zeros(int(scene.boxes.track_id.max(initial=0)) + 1, dtype=np.uint16)
    for row in drawn:
        group = taxonomy.category(scene.boxes.infos[row].category).group
        bits[scene.boxes.track_id[row]] = GROUP_BITS[group]
    semantic |= bits[instance]
    flow_cells, flow_valid = _backward_flow(instance, scene, before, grid)
    return BevFrame(semantic, instance, flow_cells, flow_valid)


def _draw_map(raster: U16, level_from_world: SE3, shapes: BevMap, grid: BevGrid) -> None:
    ego_xy_m = level_from_world.inverse().translation_m[:2]
    reach_m = grid.extent_m / np.sqrt(2)
    rotation, offset_m = level_from_world.rotation[:2, :2], level_from_world.translation_m[:2]
    cells_from_world = np.column_stack([-rotation / grid.cell_m, grid.to_cells(offset_m)])
    areas, lines = shapes.polygons, shapes.lines
    chosen = areas.near(ego_xy_m, reach_m)
    fill_polygons(raster, areas.xy_m, areas.first, chosen, areas.bit, cells_from_world, True)
    chosen = lines.near(ego_xy_m, reach_m)
    mark_points(raster, lines.xy_m, lines.first, chosen, lines.bit, cells_from_world)


def _draw_objects(
    instance: U16, boxes: SceneBoxes, level_from_world: SE3, grid: BevGrid
) -> list[int]:
    """Draw footprints, the highest last; returns the rows of the objects drawn.

    An object too small to hold a cell centre gets the cell that its centre is in.
    """
    level = boxes.world.moved(level_from_world)
    corners_m = level.corners_m
    reach_m = grid.extent_m / 2
    is_near = (np.abs(corners_m[:, :, :2]).min(axis=1) <= reach_m).all(axis=1)
    rows = np.flatnonzero(is_near)
    rows = rows[np.argsort(corners_m[rows, :, 2].max(axis=1), kind="stable")]
    if not len(rows):
        return []
    corners, first = footprints(level.select(rows), grid)
    ids = boxes.track_id[rows].astype(np.uint16)
    fill_polygons(instance, corners, first, np.arange(len(ids)), ids, _AS_CELLS, False)
    middle = np.floor(grid.to_cells(level.center_m[rows, :2])).astype(np.int64)
    is_inside = ((middle >= 0) & (middle < grid.cells)).all(axis=1)
    is_missing = is_inside & ~np.isin(ids, instance)
    for index in np.flatnonzero(is_missing):
        at = middle[index, 0], middle[index, 1]
        if instance[at] == 0:
            instance[at] = ids[index]
    return [int(row) for row in rows]


def footprints(level: Cuboids, grid: BevGrid) -> tuple[F64, I64]:
    """Outlines of boxes seen from above, as rows and columns, and where each one begins."""
    cells = grid.to_cells(level.corners_m[:, :, :2])
    is_upright = np.abs(level.rotation[:, 2, 2] - 1) < 1e-9
    outlines = [
        cells[index, :4] if is_upright[index] else convex_hull(cells[index])
        for index in range(len(level))
    ]
    first = np.concatenate([[0], np.cumsum([len(outline) for outline in outlines])])
    return np.concatenate(outlines), first.astype(np.int64)


def _backward_flow(
    instance: U16, scene: EgoScene, before: EgoScene | None, grid: BevGrid
) -> tuple[F32, Bool]:
    """Flow and its validity from object cells to the raster of the capture before."""
    flow = np.zeros((*instance.shape, 2), dtype=np.float32)
    valid = np.zeros(instance.shape, dtype=np.bool_)
    if before is None:
        return flow, valid
    shared = np.intersect1d(scene.boxes.track_id, before.boxes.track_id)
    if not len(shared):
        return flow, valid
    matrix = np.zeros((int(shared[-1]) + 1, 2, 3))
    now = np.searchsorted(scene.boxes.track_id, shared)
    then = np.searchsorted(before.boxes.track_id, shared)
    matrix[shared] = _planar_motion(scene, now, before, then)
    known = np.zeros(65536, dtype=np.bool_)
    known[shared] = True
    row, column = np.nonzero(known[instance])
    move = matrix[instance[row, column]]
    cell = np.stack([row + 0.5, column + 0.5], axis=1)
    xy_m = (grid.cells / 2 - cell) * grid.cell_m
    earlier_m = np.einsum("nij,nj->ni", move[:, :, :2], xy_m) + move[:, :, 2]
    flow[row, column] = grid.to_cells(earlier_m) - cell
    valid[row, column] = True
    return flow, valid


def _planar_motion(scene: EgoScene, now: I64, before: EgoScene, then: I64) -> F64:
    """Per object (K, 2, 3): takes level ego xy of a part of it to where that was before."""
    level_now = scene.level_boxes.select(now)
    level_then = before.level_boxes.select(then)
    turn = level_then.yaw_rad - level_now.yaw_rad
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], axis=1)
    center_now, center_then = level_now.center_m[:, :2], level_then.center_m[:, :2]
    offset = center_then - np.einsum("nij,nj->ni", rotation, center_now)
    return np.concatenate([rotation, offset[:, :, None]], axis=2)


class BevRasters:
    """Table bev in the making, capture by capture."""

    def __init__(self, road_map: RoadMap, grid: BevGrid, taxonomy: Taxonomy) -> None:
        self._shapes = bev_map(road_map, grid)
        self._grid = grid
        self._taxonomy = taxonomy
        self._before: EgoScene | None = None
        self._images: list[tuple[bytes, bytes, bytes]] = []

    def add(self, scene: EgoScene) -> None:
        """Draw the next capture."""
        frame = bev_frame(scene, self._before, self._shapes, self._grid, self._taxonomy)
        self._before = scene
        self._images.append(
            (encode_png(frame.semantic), encode_png(frame.instance), encode_flow(frame))
        )

    def columns(self, frame_indices: Sequence[int]) -> Columns:
        """Table bev; `frame_indices` are the numbers of the captures."""
        count = len(self._images)
        semantic, instance, flow = zip(*self._images, strict=True) if count else ((), (), ())
        return {
            "frame_index": np.array(frame_indices, dtype=np.int32),
            "cell_m": np.full(count, self._grid.cell_m, dtype=np.float32),
            "extent_m": np.full(count, self._grid.extent_m, dtype=np.float32),
            "semantic": semantic,
            "instance": instance,
            "flow": flow,
        }


def encode_png(image: U16 | U8) -> bytes:
    """The image as PNG."""
    done, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise InternalError(f"png: cannot encode an image of {image.shape} {image.dtype}")
    return data.tobytes()


def encode_flow(frame: BevFrame) -> bytes:
    """Flow as 16-bit BGR PNG: R = columns, G = rows, in 1/256 cell + 32768; B = 1 where valid."""
    image = np.zeros((*frame.instance.shape, 3), dtype=np.uint16)
    row, column = np.nonzero(frame.flow_valid)
    image[row, column, 0] = 1
    steps = np.rint(frame.flow_cells[row, column] * FLOW_STEPS) + FLOW_ZERO
    image[row, column, 1:] = np.clip(steps, 0, 65535)
    return encode_png(image)
