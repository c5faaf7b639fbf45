"""Road signs and traffic lights; faces look along +x, posts stand on the origin."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.colors import BLACK, BLUE, RED, WHITE, YELLOW
from synthgen.simserver.assets.glyphs import stroke, text
from synthgen.simserver.assets.shapes import (
    F64,
    Shape,
    box,
    cylinder,
    grid,
    join,
    lathe,
    make,
    rounded_box,
    tube,
)
from synthgen.simserver.scene import Material, Tag

_P = [Material(Material.PAINT_0 + k) for k in range(8)]
_FACE_X = 0.06


def _plate(outline: F64, material: Material, x: float) -> Shape:
    """A flat face with (N, 2) corners (right, up as seen), anticlockwise for the reader."""
    n = len(outline)
    k = np.arange(1, n - 1)
    vertices = np.column_stack([np.full(n, x), -outline[:, 0], outline[:, 1]])
    # To the reader y points left, so an anticlockwise outline runs clockwise about +x.
    return make(vertices, np.stack([np.zeros_like(k), k + 1, k], axis=1), material)


def _ring(radius: float, sides: int, phase_deg: float = 0.0) -> F64:
    turn = np.radians(phase_deg + 360 * np.arange(sides) / sides)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])


def _rounded(width: float, height: float, radius: float) -> F64:
    corners = [
        (np.array([sx * (width / 2 - radius), sy * (height / 2 - radius)]), start)
        for sx, sy, start in ((1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270))
    ]
    return np.vstack(
        [
            middle + radius * np.column_stack([np.cos(a), np.sin(a)])
            for middle, start in corners
            for a in [np.radians(np.linspace(start, start + 90, 4))]
        ]
    )


def _layers(*layers: tuple[F64, int], z: float) -> Shape:
    """Faces one before the other, with an unpainted back on the first."""
    outline = layers[0][0]
    back = _plate(outline, Material.METAL, _FACE_X - 0.012).flipped()
    edge = np.vstack([outline, outline[:1]])
    rim = np.stack(
        [
            np.column_stack([np.full(len(edge), x), -edge[:, 0], edge[:, 1]])
            for x in (_FACE_X - 0.012, _FACE_X)
        ]
    )
    faces = [_plate(ring, _P[color], _FACE_X + 0.002 * k) for k, (ring, color) in enumerate(layers)]
    return join([back, grid(rim, Material.METAL), *faces]).moved(z=z)


def sign_face(kind: str) -> Shape:
    """A sign's plate, its middle at z = 0.

    Args:
        kind: `stop`, `yield`, `speed_<limit>`, `no_entry`, `pedestrian_crossing`, `parking`,
            `bus_stop`, `priority`, `warning`, `roadworks`.

    Raises:
        KeyError: no such sign.
    """
    ink = _FACE_X + 0.008
    if kind == "stop":
        octagon = _layers((_ring(0.41, 8, 22.5), WHITE), (_ring(0.385, 8, 22.5), RED), z=0.0)
        return join([octagon, text("STOP", 0.24, _P[WHITE], x=ink)])
    if kind == "yield":
        return _layers((_ring(0.46, 3, 270), RED), (_ring(0.29, 3, 270), WHITE), z=0.09)
    if kind.startswith("speed_"):
        digits = kind.removeprefix("speed_")
        if not (digits.isdigit() and 0 < int(digits) < 1000):
            raise KeyError(f"no sign {kind!r}")
        disc = _layers((_ring(0.35, 32), RED), (_ring(0.275, 32), WHITE), z=0.0)
        high = 0.27 if len(digits) < 3 else 0.2
        return join([disc, text(digits, high, _P[BLACK], x=ink)])
    return _FACES[kind]()


def _no_entry() -> Shape:
    disc = _layers((_ring(0.35, 32), WHITE), (_ring(0.335, 32), RED), z=0.0)
    return join([disc, _plate(_rounded(0.5, 0.11, 0.01), _P[WHITE], _FACE_X + 0.008)])


def _pedestrian_crossing() -> Shape:
    square = _layers((_rounded(0.62, 0.62, 0.05), WHITE), (_rounded(0.59, 0.59, 0.04), BLUE), z=0.0)
    white = _plate(_ring(0.27, 3, 90) * (1.0, 1.05), _P[WHITE], _FACE_X + 0.006)
    return join([square, white.moved(z=-0.05), _walking_man(_FACE_X + 0.01, 0.36, -0.05)])


def _walking_man(x: float, height: float, z: float) -> Shape:
    """A pictogram of a walker, in black."""
    h = height
    lines = [
        [(0.02, 0.30), (-0.02, 0.02)],
        [(-0.02, 0.02), (0.10, -0.20), (0.12, -0.42)],
        [(-0.02, 0.02), (-0.12, -0.22), (-0.22, -0.40)],
        [(0.0, 0.24), (0.14, 0.06)],
        [(0.0, 0.24), (-0.14, 0.06)],
    ]
    parts = [
        stroke(np.array(line) * h + np.array([0, z]), 0.075 * h, _P[BLACK], x) for line in lines
    ]
    head = _plate(_ring(0.075 * h, 12) + np.array([0.03 * h, z + 0.40 * h]), _P[BLACK], x)
    return join([*parts, head])


def _parking() -> Shape:
    square = _layers((_rounded(0.6, 0.6, 0.05), WHITE), (_rounded(0.57, 0.57, 0.04), BLUE), z=0.0)
    return join([square, text("P", 0.42, _P[WHITE], x=_FACE_X + 0.008)])


def _bus_stop() -> Shape:
    disc = _layers((_ring(0.25, 28), YELLOW), (_ring(0.22, 28), 6), z=0.0)
    return join([disc, text("H", 0.24, _P[YELLOW], x=_FACE_X + 0.008)])


def _priority() -> Shape:
    return _layers(
        (_ring(0.42, 4), BLACK), (_ring(0.40, 4), WHITE), (_ring(0.29, 4), YELLOW), z=0.0
    )


def _warning() -> Shape:
    plate = _layers((_ring(0.46, 3, 90), RED), (_ring(0.32, 3, 90), WHITE), z=-0.09)
    return join([plate, text("!", 0.30, _P[BLACK], x=_FACE_X + 0.008, z=-0.1)])


def _roadworks() -> Shape:
    plate = _layers((_ring(0.46, 3, 90), RED), (_ring(0.32, 3, 90), WHITE), z=-0.09)
    digger = _walking_man(_FACE_X + 0.008, 0.30, -0.1)
    shovel = stroke(np.array([(0.0, -0.08), (0.13, -0.2)]), 0.02, _P[BLACK], _FACE_X + 0.008)
    heap = _plate(
        np.array([(0.06, -0.235), (0.2, -0.235), (0.13, -0.17)]), _P[BLACK], _FACE_X + 0.008
    )
    return join([plate, digger, shovel, heap])


_FACES = {
    "no_entry": _no_entry,
    "pedestrian_crossing": _pedestrian_crossing,
    "parking": _parking,
    "bus_stop": _bus_stop,
    "priority": _priority,
    "warning": _warning,
    "roadworks": _roadworks,
}
SIGNS = (
    "stop",
    "yield",
    *(f"speed_{v}" for v in (20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 130)),
    *_FACES,
)


def sign(kind: str, *, face_m: float = 2.3) -> Shape:
    """A sign on its post; the middle of the face at a height."""
    face = sign_face(kind).moved(z=face_m)
    top = float(face.bounds_m()[1, 2])
    post = cylinder(0.03, top - 0.02, Material.METAL, sides=10).moved(z=(top - 0.02) / 2)
    return join([post.tagged(Tag.POLES), face.tagged(Tag.TRAFFIC_SIGNS)])


def light_head() -> Shape:
    """A three-lamp signal head around the origin, lenses towards +x."""
    case = rounded_box((0.22, 0.34, 1.0), 0.05, Material.PLASTIC)
    board = box((0.015, 0.62, 1.28), Material.PLASTIC, (-0.03, 0, 0))
    edge = stroke(_rounded(0.60, 1.26, 0.05)[[*range(16), 0]], 0.025, _P[WHITE], -0.02)
    parts = [case, board, edge]
    bulbs = (Material.BULB_RED, Material.BULB_YELLOW, Material.BULB_GREEN)
    for z, bulb in zip((0.32, 0.0, -0.32), bulbs, strict=True):
        lens = lathe([(0.125, 0.11), (0.09, 0.135), (0.0, 0.145)], bulb, sides=20, axis="x")
        parts.append(lens.moved(z=z))
        # A visor over the upper two thirds of the lens.
        turn = np.radians(np.linspace(-35, 215, 15))
        rim = np.column_stack([np.zeros(15), 0.145 * np.cos(turn), 0.145 * np.sin(turn) + z])
        deep = np.stack([rim + np.array([0.10, 0, 0]), rim + np.array([0.28, 0, 0])])
        deep[1, :, 0] -= 0.07 * (1 - np.sin(turn)) / 2
        hood = grid(deep, Material.PLASTIC)
        parts += [hood, hood.flipped().scaled(1.0, 0.985, 1.0)]
    return join(parts).tagged(Tag.TRAFFIC_LIGHT)


HEAD_BACK_M = 0.14


def light_pole(height: float, arm: float) -> Shape:
    """A post at the origin whose arm of a given length runs along +y at a height."""
    post = tube(
        [(0, 0, 0), (0, 0, height * 0.5), (0, 0, height + 0.35)],
        np.array([0.11, 0.095, 0.075]),
        Material.METAL,
        sides=12,
    )
    foot = cylinder(0.19, 0.1, Material.METAL, sides=14).moved(z=0.05)
    box_ = rounded_box((0.22, 0.26, 0.5), 0.03, Material.METAL).moved(-0.16, 0, 0.95)
    button = box((0.05, 0.09, 0.2), _P[YELLOW], (0.11, 0, 1.1))
    parts = [post, foot, box_, button]
    if arm > 0.4:
        path = [(0, 0, height - 0.02), (0, arm * 0.5, height + 0.1), (0, arm + 0.25, height + 0.12)]
        parts.append(tube(path, np.array([0.07, 0.06, 0.045]), Material.METAL, sides=10))
    return join(parts).tagged(Tag.POLES)


def traffic_light(height: float, arm: float) -> dict[str, tuple[Shape, tuple[float, float, float]]]:
    """Parts of a complete light: pole, head over the road, second head on the post.

    Faces look along +x, the arm runs along +y: over the road of a driver who keeps right.

    Args:
        height: Of the main head's middle, metres.
        arm: How far it hangs over the road, metres.
    """
    head = light_head()
    out = {"pole": (light_pole(height, arm), (0.0, 0.0, 0.0))}
    out["head"] = (head, (HEAD_BACK_M + 0.06, arm if arm > 0.4 else 0.0, height))
    if arm > 2.0:
        out["head_low"] = (head.scaled(0.8, 0.8, 0.8), (0.22, 0.0, 2.9))
    return out
