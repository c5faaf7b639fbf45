"""Which lane a point is in, and how far from its centre line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from synthgen.datatypes.road_map import Lane
from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.labels.line_kernels import distances

_CANDIDATES = 24  # nearest centre-line pieces looked at; lanes of a junction overlap
_MAX_PIECE_M = 2.0
# A car across its lane still belongs to it, one the wrong way round too, but of two overlapping
# lanes of a junction the one it follows wins: half a turn counts as much as this offset.
_METRES_PER_HALF_TURN = 4.0


@dataclass(frozen=True, eq=False, slots=True)
class LanePlaces:
    """Where N points are on the lanes.

    Attributes:
        lane: (N,) int64, index of the lane; 0 where `is_on_lane` is False.
        along_m: (N,) float64, along the centre line from where the lane begins.
        offset_m: (N,) float64, from the centre line, positive left.
        heading_rad: (N,) float64, driving direction there.
        is_on_lane: (N,) bool.
    """

    lane: I64
    along_m: F64
    offset_m: F64
    heading_rad: F64
    is_on_lane: Bool


class LaneIndex:
    """Centre lines of lanes cut into short pieces, searched by distance."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        pieces = [_pieces(index, lane) for index, lane in enumerate(lanes)]
        self.lanes = tuple(lanes)
        rows = np.concatenate(pieces) if pieces else np.zeros((0, 9))
        self._start, self._step = rows[:, 0:2], rows[:, 2:4]
        self._left_m, self._right_m = rows[:, 4], rows[:, 5]
        self._z_m = rows[:, 6]
        self._begin_m = rows[:, 7]
        self._lane = rows[:, 8].astype(np.int64)
        self._tree = cKDTree(self._start + self._step / 2) if len(rows) else None

    def places(self, points_m: F64, yaw_rad: F64) -> LanePlaces:
        """The lane of each point.

        Args:
            points_m: (N, 3), world.
            yaw_rad: (N,) headings, which decide between lanes that overlap.
        """
        count = len(points_m)
        if self._tree is None or count == 0:
            nothing = np.zeros(count)
            return LanePlaces(
                nothing.astype(np.int64), nothing, nothing, nothing, np.zeros(count, dtype=np.bool_)
            )
        near = min(_CANDIDATES, len(self._start))
        _, piece = self._tree.query(points_m[:, :2], k=np.arange(1, near + 1))
        step = self._step[piece]
        length = np.maximum(np.linalg.norm(step, axis=-1), 1e-9)
        along = step / length[..., None]
        delta = points_m[:, None, :2] - self._start[piece]
        forward = (delta * along).sum(-1)
        offset = along[..., 0] * delta[..., 1] - along[..., 1] * delta[..., 0]
        heading = np.arctan2(along[..., 1], along[..., 0])
        inside = (offset <= self._left_m[piece]) & (offset >= -self._right_m[piece])
        inside &= (forward >= -0.05) & (forward <= length + 0.05)
        inside &= np.abs(points_m[:, None, 2] - self._z_m[piece]) < 4.0  # not the bridge above
        turned = np.abs(np.sin((heading - yaw_rad[:, None]) / 2))  # 0 along, 1 against
        cost = np.where(inside, np.abs(offset) + _METRES_PER_HALF_TURN * turned, np.inf)
        best = np.argmin(cost, axis=1)
        rows = np.arange(count)
        return LanePlaces(
            lane=np.where(inside[rows, best], self._lane[piece[rows, best]], 0),
            along_m=self._begin_m[piece[rows, best]] + forward[rows, best],
            offset_m=offset[rows, best],
            heading_rad=heading[rows, best],
            is_on_lane=inside[rows, best],
        )


def _pieces(index: int, lane: Lane) -> F64:
    """Pieces (P, 9) of one lane.

    Columns: start x y, step x y, half widths left and right, z, way from the lane's begin, index.
    """
    center = lane.center_m.astype(np.float64)
    if len(center) < 2:
        return np.zeros((0, 9))
    line = _dense(center)
    start, step = line[:-1], np.diff(line, axis=0)
    middle = start + step / 2
    left_m = distance_to_line(middle[:, :2], lane.left_m[:, :2].astype(np.float64))
    right_m = distance_to_line(middle[:, :2], lane.right_m[:, :2].astype(np.float64))
    begin_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(step[:-1, :2], axis=1))])
    label = np.full(len(start), float(index))
    return np.column_stack(
        [start[:, :2], step[:, :2], left_m, right_m, middle[:, 2], begin_m, label]
    )


def _dense(line: F64) -> F64:
    """A polyline (P, 3) with points added so that no segment is longer than `_MAX_PIECE_M`."""
    step = np.diff(line, axis=0)
    length_m = np.linalg.norm(step[:, :2], axis=1)
    parts = np.maximum(1, np.ceil(length_m / _MAX_PIECE_M)).astype(np.int64)
    segment = np.repeat(np.arange(len(step)), parts)
    part = np.arange(len(segment)) - np.repeat(np.cumsum(parts) - parts, parts) + 1
    share = part / parts[segment]
    return np.concatenate([line[:1], line[segment] + step[segment] * share[:, None]])


def distance_to_line(points: F64, line: F64) -> F64:
    """Distances (N,) from points (N, 2) to a polyline (M, 2)."""
    if len(line) < 2:
        return np.zeros(len(points))
    distance_m: F64 = distances(np.ascontiguousarray(points), np.ascontiguousarray(line))
    return distance_m
