"""A manual wheelchair."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.shapes import Shape, box, join, lathe, tube
from synthgen.simserver.assets.wheels import cycle_wheel
from synthgen.simserver.scene import Material as Mat


def wheelchair() -> dict[str, tuple[Shape, tuple[float, float, float]]]:
    """Frame and two drive wheels of a manual wheelchair by part name, with their pivots.

    Metres, from the ground up; the seat is over the origin.
    """
    bars = [
        tube(points, 0.012, Mat.METAL, sides=6)
        for points in (
            [(-0.28, 0.22, 0.93), (-0.24, 0.22, 0.55), (-0.2, 0.22, 0.50), (0.2, 0.22, 0.50),
             (0.26, 0.22, 0.46), (0.36, 0.2, 0.16)],
            [(-0.24, 0.22, 0.50), (-0.2, 0.22, 0.22), (0.22, 0.22, 0.22), (0.26, 0.22, 0.46)],
            [(-0.24, 0.24, 0.72), (0.1, 0.24, 0.72), (0.12, 0.24, 0.5)],
            [(-0.40, 0.22, 0.94), (-0.28, 0.22, 0.93)],
        )
    ]  # fmt: skip
    rest = box((0.18, 0.16, 0.015), Mat.PLASTIC, (0.45, 0.11, 0.11))
    caster = lathe([(0, -0.015), (0.07, -0.015), (0.07, 0.015), (0, 0.015)], Mat.RUBBER,
                   sides=14, axis="y").moved(0.24, 0.24, 0.07)  # fmt: skip
    fork = tube([(0.24, 0.22, 0.24), (0.24, 0.255, 0.07)], 0.01, Mat.METAL, sides=5)
    frame = join([*bars, rest, caster, fork]).both_sides()
    seat = box((0.42, 0.42, 0.04), Mat.PLASTIC, (0.0, 0, 0.49))
    back = box((0.03, 0.42, 0.4), Mat.PLASTIC, (-0.25, 0, 0.73))
    wheel = cycle_wheel(0.30, 0.03, 20)
    hoop = tube(
        [(0.25 * np.cos(a), 0.035, 0.25 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 25)],
        0.008, Mat.CHROME, sides=5, capped=False,
    )  # fmt: skip
    right = join([wheel, hoop])
    return {
        "wheelchair": (join([frame, seat, back]), (0.0, 0.0, 0.0)),
        "wheel_rr": (right, (-0.08, 0.285, 0.30)),
        "wheel_rl": (right.mirrored(), (-0.08, -0.285, 0.30)),
    }
