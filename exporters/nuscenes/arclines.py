"""Centre lines as nuScenes' `arcline_path_3`: chains of arcs and straight pieces.

A nuScenes path has three parts of one radius, e.g. left, straight, right. Each piece of a centre
line needs one part only: a left or right arc as the first one, or a straight line as the second,
the others have length 0. Arcs pass through the points of the centre line exactly; headings agree
where they meet but for the rounding of the polyline.

Source: nuscenes-devkit 1.2.0, nuscenes/map_expansion/arcline_path_utils.py.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from exporters.road_areas import thin_line
from synthgen.geometry.arrays import F32, F64

_STRAIGHT_RAD: Final = 1e-4  # a piece that turns by less is straight
_STRAIGHT_RADIUS_M: Final = 999.999  # as nuScenes writes


def arcline_paths(center_m: F32 | F64) -> list[dict[str, Any]]:
    """The pieces of a centre line (P, 2 or more columns), in its order and frame."""
    line = thin_line(center_m)
    if len(line) < 2:
        return []
    headings = _headings(line)
    return [
        _piece(line[k], line[k + 1], float(headings[k]), float(headings[k + 1]))
        for k in range(len(line) - 1)
    ]


def _headings(line: F64) -> F64:
    """Headings (P,) at the points: between those of the pieces, nearer the longer one's.

    For pieces of equal length that is the heading of the circle through the point and its
    neighbours; a long piece beside a short one is a straight one before a bend.
    """
    steps = np.diff(line, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    chords = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    turn = np.diff(chords)
    share = lengths[1:] / (lengths[:-1] + lengths[1:])
    inner = chords[:-1] + turn * share
    first = 2 * chords[0] - inner[0] if len(inner) else chords[0]
    last = 2 * chords[-1] - inner[-1] if len(inner) else chords[-1]
    return np.concatenate([[first], inner, [last]])


def _piece(start: F64, end: F64, heading: float, end_heading: float) -> dict[str, Any]:
    chord = end - start
    length = float(np.linalg.norm(chord))
    along = math.atan2(chord[1], chord[0])
    turn = math.remainder(end_heading - heading, 2 * math.pi)
    if abs(turn) < _STRAIGHT_RAD:
        shape, radius, parts, turn = "LSR", _STRAIGHT_RADIUS_M, [0.0, length, 0.0], 0.0
    else:
        radius = length / (2 * math.sin(abs(turn) / 2))
        shape, parts = ("LSL" if turn > 0 else "RSR"), [radius * abs(turn), 0.0, 0.0]
    return {
        "start_pose": [float(start[0]), float(start[1]), along - turn / 2],
        "end_pose": [float(end[0]), float(end[1]), along + turn / 2],
        "shape": shape,
        "radius": radius,
        "segment_length": parts,
    }
