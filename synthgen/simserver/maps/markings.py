"""Lane markings as paint bands a few millimetres above the road.

Source: ASAM OpenDRIVE 1.6, 9.6 road markings. Dash lengths where the file gives none follow
the German guideline RMS: 3 m and 6 m gap in town, 6 m and 12 m gap on motorways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.maps.geometry import SectionGrid
from synthgen.simserver.maps.ground import Raster
from synthgen.simserver.maps.mesh_builder import MeshBuilder
from synthgen.simserver.maps.road_records import RoadLink, RoadMark, RoadNetwork
from synthgen.simserver.maps.surfaces import style_of
from synthgen.simserver.scene import Material, Tag

F64 = NDArray[np.float64]

PAINT_LIFT_M = 0.005
_KERB_GAP_M = 0.05
_PROBE_M = 0.4
# Paint ends so far before a crosswalk; one nearer to a junction than this belongs to it.
_CROSSWALK_GAP_M, _JUNCTION_REACH_M = 0.9, 9.0
_TOWN_DASH, _MOTORWAY_DASH, _DOTS = (3.0, 6.0), (6.0, 12.0), (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class _Line:
    """One painted line: offset to the left of the boundary, and its dash or None."""

    offset_m: float
    width_m: float
    dash: tuple[float, float] | None
    phase_m: float = 0.0


@dataclass(frozen=True, eq=False, slots=True)
class _Canvas:
    raster: Raster
    coverage: NDArray[np.int32]
    stretches: list[tuple[float, float]]


def unpainted_stretches(network: RoadNetwork) -> dict[str, list[tuple[float, float]]]:
    """Stretches of s per road where crosswalks lie; at a junction they reach to the road's end."""
    stretches: dict[str, list[tuple[float, float]]] = {}
    for road in network.roads.values():
        for item in road.objects:
            if item.kind != "crosswalk" or road.in_junction:
                continue
            corners = np.array(item.local_corners or [(item.length / 2, item.width / 2, 0.0)])
            along = corners[:, 0] * np.cos(item.heading) - corners[:, 1] * np.sin(item.heading)
            half = float(np.abs(along).max()) + _CROSSWALK_GAP_M
            low, high = item.s - half, item.s + half
            if low < _JUNCTION_REACH_M and _meets_junction(road.predecessor):
                low = 0.0
            if high > road.length - _JUNCTION_REACH_M and _meets_junction(road.successor):
                high = road.length
            stretches.setdefault(road.road_id, []).append((low, high))
    return stretches


def _meets_junction(link: RoadLink | None) -> bool:
    return link is not None and link.kind == "junction"


def add_markings(
    builder: MeshBuilder,
    grids: list[SectionGrid],
    raster: Raster,
    coverage: NDArray[np.int32],
    stretches: dict[str, list[tuple[float, float]]],
) -> None:
    """Paint the road marks of every lane boundary.

    Args:
        builder: Gets the paint.
        grids: Sampled sections.
        raster: Frame of `coverage`.
        coverage: (H, W) number of roads that carry traffic over each node.
        stretches: Per road, where to leave the paint out.
    """
    for grid in grids:
        for lane_id, lane in grid.section.lanes.items():
            if not lane.marks or (lane_id not in grid.lane_ids and lane_id != 0):
                continue
            column = _boundary_column(grid, lane_id)
            ends = [*(m.s_offset_m for m in lane.marks[1:]), np.inf]
            for mark, end in zip(lane.marks, ends, strict=True):
                span = (
                    grid.section.s0 + max(mark.s_offset_m, 0.0),
                    min(grid.section.s0 + end, grid.section.s1),
                )
                if span[1] - span[0] > 0.05:
                    lines = _lines(mark, grid, lane_id, column)
                    canvas = _Canvas(raster, coverage, stretches.get(grid.road.road_id, []))
                    _paint(builder, grid, column, span, lines, _material(mark), canvas)


def _boundary_column(grid: SectionGrid, lane_id: int) -> int:
    if lane_id == 0:
        return grid.center_column
    column = grid.column(lane_id)
    return column if lane_id > 0 else column + 1


def _material(mark: RoadMark) -> Material:
    yellow = mark.color in ("yellow", "orange")
    return Material.LANE_PAINT_YELLOW if yellow else Material.LANE_PAINT_WHITE


def _lines(mark: RoadMark, grid: SectionGrid, lane_id: int, column: int) -> list[_Line]:
    base = _kerb_shift(grid, column, mark.width_m)
    if mark.lines:
        return [
            _Line(
                base + line.t_offset_m,
                line.width_m,
                (line.length_m, line.space_m) if line.length_m > 0 and line.space_m > 0 else None,
                line.s_offset_m,
            )
            for line in mark.lines
        ]
    motorway = grid.road.kind in ("motorway", "rural")
    dashes = {
        "solid": None,
        "broken": _MOTORWAY_DASH if motorway else _TOWN_DASH,
        "botts": _DOTS,
    }
    words = [w for w in mark.kind.split() if w in dashes]
    if len(words) == 1:
        return [_Line(base, mark.width_m, dashes[words[0]])]
    # Two words go from the reference line outwards, on lane 0 from left to right.
    outward = 1.0 if lane_id > 0 else -1.0
    return [
        _Line(base + side * outward * mark.width_m, mark.width_m, dashes[word])
        for word, side in zip(words[:2], (-1.0, 1.0), strict=False)
    ]


def _kerb_shift(grid: SectionGrid, column: int, width_m: float) -> float:
    """Keep paint off a kerb that stands on the boundary."""
    raised = []
    for neighbour in (column - 1, column):
        known = 0 <= neighbour < len(grid.lane_ids)
        style = style_of(grid, grid.lane_ids[neighbour]) if known else None
        raised.append(style is not None and style.height_m > 0.01)
    if raised[0] == raised[1]:
        return 0.0
    shift = width_m / 2 + _KERB_GAP_M
    return -shift if raised[0] else shift


def _paint(
    builder: MeshBuilder,
    grid: SectionGrid,
    column: int,
    span: tuple[float, float],
    lines: list[_Line],
    material: Material,
    canvas: _Canvas,
) -> None:
    for line in lines:
        s = _paint_stations(grid.s, span, line, grid.section.s0, canvas.stretches)
        middle = (s[:-1] + s[1:]) / 2
        keep = _is_painted(middle, line, grid.section.s0) & (np.diff(s) > 1e-3)
        for low, high in canvas.stretches:
            keep &= (middle < low) | (middle > high)
        if grid.road.in_junction and keep.any():
            keep &= _is_clear(grid, column, middle, canvas.raster, canvas.coverage)
        if not keep.any():
            continue
        left = boundary_points(grid, column, s, line.offset_m + line.width_m / 2)
        right = boundary_points(grid, column, s, line.offset_m - line.width_m / 2)
        uv = (
            np.stack([s, np.full_like(s, line.width_m)], axis=1),
            np.stack([s, np.zeros_like(s)], axis=1),
        )
        lift = np.array([0.0, 0.0, PAINT_LIFT_M])
        builder.add_strip(left + lift, right + lift, (material, Tag.ROAD_LINES), uv_m=uv, keep=keep)


def _paint_stations(
    s: F64,
    span: tuple[float, float],
    line: _Line,
    origin: float,
    stretches: list[tuple[float, float]],
) -> F64:
    cuts = [s[(s > span[0]) & (s < span[1])], np.array(span)]
    cuts += [np.clip(stretch, *span) for stretch in stretches]
    if line.dash is not None:
        # Dashes count from the section's start, so that a mark written in pieces stays even.
        starts = np.arange(origin + line.phase_m, span[1], sum(line.dash))
        cuts += [np.clip(starts, *span), np.clip(starts + line.dash[0], *span)]
    return np.unique(np.concatenate(cuts))


def _is_painted(s: F64, line: _Line, start: float) -> NDArray[np.bool_]:
    if line.dash is None:
        return np.ones(len(s), dtype=bool)
    return ((s - start - line.phase_m) % sum(line.dash)) < line.dash[0]


def boundary_points(grid: SectionGrid, column: int, s: F64, left_m: float) -> F64:
    """Points on the sampled surface beside a lane boundary, (len(s), 3).

    The surface is flat between stations, so this interpolates the stations instead of the
    road: paint stays at one height above the triangles below it.
    """
    edge = grid.points[:, column] + left_m * grid.across
    points = np.empty((len(s), 3))
    for k in range(3):
        points[:, k] = np.interp(s, grid.s, edge[:, k])
    return points


def _is_clear(
    grid: SectionGrid, column: int, s: F64, raster: Raster, coverage: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Inside a junction paint stays at its rim and between lanes that nothing crosses."""
    probes = [boundary_points(grid, column, s, d)[:, :2] for d in (_PROBE_M, -_PROBE_M)]
    left, right = coverage[raster.nodes(np.array(probes))]
    rim = ((left == 0) & (right <= 1)) | ((right == 0) & (left <= 1))
    return rim | ((left == 1) & (right == 1) & (column != grid.center_column))
