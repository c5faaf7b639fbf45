"""A stroke alphabet for sign faces, flat in the y-z plane, read from the +x side.

Seen from +x, with z up, CARLA's y axis points to the left; so text runs towards -y.
"""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.shapes import F64, Shape, join, make
from synthgen.simserver.scene import Material

# Strokes in a cell 0.6 wide and 1 high, after the plain sans of road signs.
_WIDTH = 0.6


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, stop: float) -> F64:
    turn = np.radians(np.linspace(start, stop, max(3, int(abs(stop - start) / 20) + 1)))
    return np.column_stack([cx + rx * np.cos(turn), cy + ry * np.sin(turn)])


def _line(*points: tuple[float, float]) -> F64:
    return np.array(points, np.float64)


_STROKES: dict[str, list[F64]] = {
    "0": [_arc(0.3, 0.5, 0.24, 0.44, 0, 360)],
    "1": [_line((0.12, 0.76), (0.34, 0.94), (0.34, 0.06))],
    "2": [np.vstack([_arc(0.3, 0.68, 0.23, 0.26, 165, -35), _line((0.08, 0.07), (0.54, 0.07))])],
    "3": [_arc(0.28, 0.72, 0.22, 0.22, 150, -90), _arc(0.28, 0.29, 0.24, 0.23, 90, -150)],
    "4": [_line((0.44, 0.06), (0.44, 0.94), (0.06, 0.3), (0.56, 0.3))],
    "5": [_line((0.52, 0.93), (0.14, 0.93), (0.11, 0.48)),
          _arc(0.29, 0.33, 0.24, 0.26, 145, -150)],
    "6": [_arc(0.3, 0.32, 0.23, 0.26, 0, 360), _line((0.08, 0.36), (0.2, 0.72), (0.42, 0.95))],
    "7": [_line((0.07, 0.93), (0.53, 0.93), (0.22, 0.06))],
    "8": [_arc(0.3, 0.72, 0.2, 0.21, 0, 360), _arc(0.3, 0.28, 0.24, 0.23, 0, 360)],
    "9": [_arc(0.3, 0.68, 0.23, 0.26, 0, 360), _line((0.52, 0.64), (0.4, 0.28), (0.18, 0.05))],
    "S": [np.vstack([_arc(0.3, 0.71, 0.22, 0.22, 20, 250), _arc(0.3, 0.28, 0.23, 0.22, 80, -160)])],
    "T": [_line((0.04, 0.93), (0.56, 0.93)), _line((0.3, 0.93), (0.3, 0.05))],
    "O": [_arc(0.3, 0.5, 0.25, 0.44, 0, 360)],
    "P": [np.vstack([_line((0.1, 0.05), (0.1, 0.93)), _arc(0.3, 0.7, 0.22, 0.23, 90, -90),
                     _line((0.1, 0.47))])],
    "B": [_line((0.3, 0.5), (0.1, 0.5), (0.1, 0.93), (0.3, 0.93)),
          _arc(0.3, 0.715, 0.2, 0.215, 90, -90), _arc(0.3, 0.285, 0.23, 0.225, 90, -90),
          _line((0.3, 0.06), (0.1, 0.06), (0.1, 0.5))],
    "U": [np.vstack([_line((0.1, 0.94), (0.1, 0.3)), _arc(0.3, 0.3, 0.2, 0.24, 180, 360),
                     _line((0.5, 0.3), (0.5, 0.94))])],
    "H": [_line((0.1, 0.05), (0.1, 0.95)), _line((0.5, 0.05), (0.5, 0.95)),
          _line((0.1, 0.5), (0.5, 0.5))],
    "E": [_line((0.52, 0.93), (0.1, 0.93), (0.1, 0.06), (0.52, 0.06)),
          _line((0.1, 0.5), (0.44, 0.5))],
    "L": [_line((0.1, 0.95), (0.1, 0.06), (0.5, 0.06))],
    "N": [_line((0.1, 0.04), (0.1, 0.94), (0.5, 0.06), (0.5, 0.96))],
    "R": [np.vstack([_line((0.1, 0.05), (0.1, 0.93)), _arc(0.3, 0.7, 0.22, 0.23, 90, -90),
                     _line((0.1, 0.47))]), _line((0.3, 0.47), (0.54, 0.05))],
    "F": [_line((0.52, 0.93), (0.1, 0.93), (0.1, 0.05)), _line((0.1, 0.5), (0.44, 0.5))],
    "I": [_line((0.3, 0.05), (0.3, 0.95))],
    "C": [_arc(0.32, 0.5, 0.25, 0.44, 45, 315)],
    "A": [_line((0.04, 0.04), (0.3, 0.96), (0.56, 0.04)), _line((0.14, 0.34), (0.46, 0.34))],
    "M": [_line((0.06, 0.04), (0.06, 0.94), (0.3, 0.4), (0.54, 0.94), (0.54, 0.04))],
    "X": [_line((0.06, 0.04), (0.54, 0.96)), _line((0.06, 0.96), (0.54, 0.04))],
    "!": [_line((0.3, 0.95), (0.3, 0.32)), _line((0.3, 0.16), (0.3, 0.06))],
}  # fmt: skip


def stroke(points: F64, width: float, material: Material, x: float = 0.0) -> Shape:
    """A ribbon along (N, 2) points of a face, mitred, at a distance `x` before it.

    Args:
        points: Rightwards and upwards coordinates as the reader sees them, metres.
        width: Of the ribbon, metres.
        material: Its material.
        x: Distance before the y-z plane.
    """
    step = np.diff(points, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    normal = np.column_stack([-step[:, 1], step[:, 0]])
    closed = np.allclose(points[0], points[-1])
    before = np.vstack([normal[-1:] if closed else normal[:1], normal])
    after = np.vstack([normal, normal[:1] if closed else normal[-1:]])
    mitre = before + after
    mitre /= np.maximum(np.einsum("ij,ij->i", mitre, after)[:, None], 0.35)
    left, right = points + mitre * width / 2, points - mitre * width / 2
    flat = np.concatenate([left, right])
    n = len(points)
    k = np.arange(n - 1)
    faces = np.concatenate(
        [np.stack([k, k + n, k + 1], axis=1), np.stack([k + 1, k + n, k + 1 + n], axis=1)]
    )
    vertices = np.column_stack([np.full(len(flat), x), -flat[:, 0], flat[:, 1]])
    return make(vertices, faces[:, ::-1], material)


def text(
    words: str,
    height: float,
    material: Material,
    *,
    x: float = 0.0,
    z: float = 0.0,
    weight: float = 0.17,
) -> Shape:
    """Words centred on the x axis' foot at a height `z`, as ribbons.

    Args:
        words: Of the letters known here.
        height: Of a letter, metres.
        material: Of the letters.
        x: Distance before the y-z plane.
        z: Height of the middle of the letters.
        weight: Width of a stroke as a share of the height.

    Raises:
        KeyError: a letter has no strokes.
    """
    advance = _WIDTH + 0.14
    start = -(len(words) * advance - 0.14) / 2
    parts = [
        stroke(
            (line + np.array([start + k * advance, -0.5])) * height + np.array([0, z]),
            weight * height,
            material,
            x,
        )
        for k, letter in enumerate(words)
        for line in _STROKES[letter]
    ]
    return join(parts)
