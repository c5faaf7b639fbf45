"""Wheels: tyre, rim and spokes around the y axis, the outside towards +y."""

from __future__ import annotations

from functools import cache

import numpy as np

from synthgen.simserver.assets.shapes import Shape, join, lathe, make, tube
from synthgen.simserver.scene import Material


@cache
def car_wheel(radius: float, width: float, rim: float = 0.66, spokes: int = 5) -> Shape:
    """A road wheel.

    Args:
        radius: Of the tyre, metres.
        width: Of the tyre, metres.
        rim: Rim radius as a fraction of the tyre's.
        spokes: How many; 0 is a steel disc.
    """
    half, hub = width / 2, rim * radius
    tread = [
        (hub, -half * 0.86),
        (radius * 0.9, -half),
        (radius * 0.985, -half * 0.82),
        (radius, -half * 0.5),
        (radius, half * 0.5),
        (radius * 0.985, half * 0.82),
        (radius * 0.9, half),
        (hub, half * 0.86),
    ]
    parts = [
        lathe(tread, Material.RUBBER, sides=20, axis="y"),
        lathe([(0, -half * 0.5), (hub, -half * 0.86)], Material.PLASTIC, sides=20, axis="y"),
    ]
    lip = [(hub, half * 0.86), (hub * 0.93, half * 0.9), (hub * 0.9, half * 0.35)]
    parts.append(lathe(lip, Material.RIM, sides=20, axis="y"))
    if spokes:
        parts.append(
            lathe([(hub * 0.9, half * 0.3), (0, half * 0.3)], Material.PLASTIC, sides=20, axis="y")
        )
        turn = 2 * np.pi * np.arange(spokes) / spokes
        parts += [_spoke(a, hub, half) for a in turn]
        cap = [(hub * 0.24, half * 0.3), (hub * 0.22, half * 0.82), (0, half * 0.86)]
        parts.append(lathe(cap, Material.RIM, sides=12, axis="y"))
    else:
        disc = [(hub * 0.9, half * 0.35), (hub * 0.62, half * 0.2), (hub * 0.4, half * 0.75)]
        parts.append(
            lathe([*disc, (0, half * 0.75)], Material.RIM, sides=20, axis="y")
        )  # fmt: skip
    return join(parts)


def _spoke(angle: float, hub: float, half: float) -> Shape:
    """One tapered spoke in the wheel's outer plane, pointing at an angle."""
    inner, outer = hub * 0.16, hub * 0.93
    near, far = hub * 0.15, hub * 0.105
    top_near, top_far = half * 0.78, half * 0.84
    low = half * 0.3
    corners = [
        (inner, low, -near), (outer, low, -far), (outer, low, far), (inner, low, near),
        (inner, top_near, -near * 0.8), (outer, top_far, -far * 0.8),
        (outer, top_far, far * 0.8), (inner, top_near, near * 0.8),
    ]  # fmt: skip
    quads = [(4, 7, 6, 5), (0, 4, 5, 1), (3, 2, 6, 7)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return make(corners, faces, Material.RIM).turned("y", float(np.degrees(angle)))


@cache
def cycle_wheel(radius: float, tyre: float, spokes: int, rim_width: float = 0.02) -> Shape:
    """A spoked wheel of a bicycle (many thin spokes) or a cast one of a motorcycle (few).

    Args:
        radius: Outer radius, metres.
        tyre: Tyre's thickness, metres.
        spokes: How many.
        rim_width: Radial depth of the rim, metres.
    """
    turn = np.linspace(0, 2 * np.pi, 8)
    ring = np.column_stack([np.cos(turn), np.sin(turn)]) * tyre / 2 + (radius - tyre / 2, 0)
    parts = [lathe(ring, Material.RUBBER, sides=28, axis="y")]
    edge = radius - tyre * 0.8
    w = tyre * 0.42
    band = [(edge, -w), (edge, w), (edge - rim_width, w * 0.7), (edge - rim_width, -w * 0.7)]
    parts.append(lathe([*band, band[0]], Material.RIM, sides=28, axis="y"))
    hub = max(0.022, tyre * 0.45)
    parts.append(
        lathe([(0, -hub * 1.6), (hub, -hub * 1.6), (hub, hub * 1.6), (0, hub * 1.6)],
              Material.METAL, sides=10, axis="y")
    )  # fmt: skip
    thick = 0.0022 if spokes > 8 else tyre * 0.16
    for k in range(spokes):
        angle = 2 * np.pi * k / spokes
        side = hub * (1.2 if k % 2 else -1.2)
        skew = angle + (0.25 if spokes > 8 else 0.0) * (1 if k % 4 < 2 else -1)
        start = (hub * np.cos(angle), side, hub * np.sin(angle))
        reach = edge - rim_width * 0.5
        end = (reach * np.cos(skew), 0, reach * np.sin(skew))
        parts.append(tube([start, end], thick, Material.RIM, sides=3 if spokes > 8 else 5,
                          capped=False))  # fmt: skip
    return join(parts)
