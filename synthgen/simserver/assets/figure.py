"""The human figure: one shape per bone, dressed, in the frame of that bone at rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthgen.simserver.assets.shapes import (
    F64,
    Shape,
    box,
    ellipsoid,
    fan,
    grid,
    join,
    lathe,
    rounded_box,
    tube,
)
from synthgen.simserver.assets.skeleton import rest_joints
from synthgen.simserver.assets.wheels import cycle_wheel
from synthgen.simserver.scene import Material as Mat


@dataclass(frozen=True, slots=True)
class Look:
    """How a figure is built and dressed.

    Paints: 0 upper garment, 1 lower garment, 2 shoes, 3 bag or trim, 4 grey hair or hat.

    Attributes:
        stature_m: Sole to crown.
        girth: Breadth of trunk and limbs, 1 for an average man.
        female: Narrower shoulders and waist, wider hips.
        child: Larger head, shorter limbs' girth.
        top: `shirt`, `jacket`, `coat`, `vest` (high visibility) or `tee` (bare arms).
        bottom: `trousers`, `shorts`, `skirt` or `dress`.
        hair: `short`, `long`, `bun`, `bald`, `cap`, `hat` or `helmet`.
        grey: Hair in paint 4 instead of the hair material.
        bag: `none`, `backpack` or `shoulder`.
    """

    stature_m: float
    girth: float = 1.0
    female: bool = False
    child: bool = False
    top: str = "shirt"
    bottom: str = "trousers"
    hair: str = "short"
    grey: bool = False
    bag: str = "none"


def figure(look: Look) -> dict[str, Shape]:
    """Shapes by bone name, in metres, each around its own joint."""
    out = {
        "crl_hips__C": _hips(look),
        "crl_spine01__C": _chest(look),
        "crl_Head__C": _head(look),
    }
    builders: dict[str, Callable[[Look], Shape]] = {
        "crl_arm": _upper_arm,
        "crl_foreArm": _forearm,
        "crl_hand": _hand,
        "crl_thigh": _thigh,
        "crl_leg": _shin,
        "crl_foot": _foot,
    }
    for name, builder in builders.items():
        right = builder(look)
        out[f"{name}__R"], out[f"{name}__L"] = right, right.mirrored()
    return {
        name: shape.scaled(look.stature_m, look.stature_m, look.stature_m)
        for name, shape in out.items()
    }


# All shapes below are in shares of the stature.


def _limb(points: F64, radii: F64, material: Mat, *, sides: int = 9) -> Shape:
    """A limb through points with (N, 2) half breadths across and fore-and-aft, ends rounded."""
    start = (
        points[0]
        + (points[0] - points[1]) / np.linalg.norm(points[0] - points[1]) * radii[0, 0] * 0.45
    )
    end = (
        points[-1]
        + (points[-1] - points[-2]) / np.linalg.norm(points[-1] - points[-2]) * radii[-1, 0] * 0.7
    )
    path = np.vstack([start, points, end])
    wide = np.vstack([radii[0] * 0.45, radii, radii[-1] * 0.45])
    return tube(path, wide, material, sides=sides)


def _along(bone: str, child: str, shares: list[float]) -> F64:
    """Points on the straight line from a right-hand bone's joint to its child's."""
    joints = rest_joints()
    line = joints[f"{child}__R"] - joints[f"{bone}__R"]
    return np.array(shares)[:, None] * line


def _girth(look: Look) -> float:
    return look.girth * (0.93 if look.female else 1.0) * (1.08 if look.child else 1.0)


def _trunk(rings: list[tuple[float, float, float, float]], material: Mat, girth: float) -> Shape:
    """A trunk of elliptic rings: z, half breadth, half depth, forward shift."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    # A superellipse: trunks are flatter in front and behind than an ellipse.
    c, s = np.cos(turn), np.sin(turn)
    unit = np.stack([np.sign(c) * np.abs(c) ** 0.8, np.sign(s) * np.abs(s) ** 0.8], axis=1)
    points = np.array([
        np.column_stack([
            shift + unit[:, 0] * depth * girth, unit[:, 1] * breadth * girth,
            np.full(len(turn), z),
        ])
        for z, breadth, depth, shift in rings
    ])  # fmt: skip
    wall = grid(points, material, closed=True).flipped()
    return join([wall, fan(points[0], material).flipped(), fan(points[-1], material)])


def _hips(look: Look) -> Shape:
    g = _girth(look)
    wide = 1.08 if look.female else 1.0
    lower = Mat.PAINT_1
    rings = [
        (-0.075, 0.045, 0.045, 0.0), (-0.05, 0.088 * wide, 0.064, -0.002),
        (-0.01, 0.098 * wide, 0.068, -0.004), (0.03, 0.092, 0.062, 0.0),
        (0.06, 0.082, 0.056, 0.002), (0.075, 0.078, 0.053, 0.002),
    ]  # fmt: skip
    parts = [_trunk(rings, Mat.PAINT_0 if look.bottom == "dress" else lower, g)]
    if look.bottom in {"skirt", "dress"}:
        hem = [(-0.11, 0.112, 0.098, 0.0), (-0.05, 0.108, 0.082, 0.0), (0.03, 0.094, 0.066, 0.0)]
        parts.append(_trunk(hem, Mat.PAINT_0 if look.bottom == "dress" else lower, g))
    if look.top == "coat":
        hem = [(-0.10, 0.116, 0.102, -0.004), (-0.03, 0.112, 0.084, -0.002),
               (0.02, 0.104, 0.074, 0.0), (0.085, 0.092, 0.066, 0.002)]  # fmt: skip
        parts.append(_trunk(hem, Mat.PAINT_0, g))
    elif look.bottom != "dress":
        hem = [(-0.012, 0.103 * wide, 0.073, -0.003), (0.03, 0.097, 0.067, 0.0),
               (0.08, 0.085, 0.059, 0.002)]  # fmt: skip
        parts.append(_trunk(hem, Mat.PAINT_0, g))
    return join(parts)


def _chest(look: Look) -> Shape:
    g = _girth(look)
    shoulder = 0.97 if look.female else 1.0
    bust = 0.010 if look.female and not look.child else 0.0
    rings = [
        (-0.09, 0.078, 0.055, 0.0), (-0.05, 0.080, 0.058, 0.002),
        (0.0, 0.088, 0.064, 0.003 + bust / 2), (0.055, 0.094, 0.066, 0.003 + bust),
        (0.10, 0.104 * shoulder, 0.062, 0.0), (0.135, 0.101 * shoulder, 0.050, -0.006),
        (0.148, 0.082 * shoulder, 0.042, -0.008), (0.160, 0.056, 0.035, -0.008),
        (0.170, 0.034, 0.030, -0.006),
    ]  # fmt: skip
    thick = 1.06 if look.top in {"jacket", "coat"} else 1.0
    parts = [_trunk(rings, Mat.PAINT_0, g * thick)]
    neck = np.array([(-0.006, 0, 0.13), (0.0, 0, 0.20), (0.004, 0, 0.225)])
    parts.append(tube(neck, np.full((3, 2), 0.031), Mat.SKIN, sides=10))
    if look.top in {"jacket", "coat"}:
        collar = [(0.135, 0.05, 0.048, -0.004), (0.17, 0.042, 0.042, -0.002)]
        parts.append(_trunk(collar, Mat.PAINT_0, g))
    if look.top == "vest":
        for z in (-0.02, 0.05):
            ring = [(z, 0.098, 0.073, 0.003), (z + 0.018, 0.099, 0.073, 0.003)]
            parts.append(_trunk(ring, Mat.PAINT_3, g))
    if look.bag == "backpack":
        pack = rounded_box((0.085, 0.15, 0.21), 0.035, Mat.PAINT_3).moved(-0.105, 0, 0.03)
        strap = tube([(-0.07, 0.06, 0.12), (0.0, 0.068, 0.158), (0.062, 0.066, 0.09),
                      (0.05, 0.085, -0.02)], 0.011, Mat.PAINT_3, sides=5)  # fmt: skip
        parts.append(join([pack, strap.both_sides()]))
    if look.bag == "shoulder":
        sack = rounded_box((0.15, 0.05, 0.12), 0.025, Mat.PAINT_3).moved(-0.01, 0.115, -0.14)
        line = [(0.0, -0.055, 0.158), (0.058, -0.02, 0.12), (0.078, 0.03, 0.04),
                (0.072, 0.08, -0.05), (0.01, 0.118, -0.09)]  # fmt: skip
        strap = tube(line, 0.008, Mat.PAINT_3, sides=5)
        parts += [sack, strap]
    return join(parts)


def _head(look: Look) -> Shape:
    """Skull, jaw, nose, ears and hair; its crown is at the stature's full height."""
    crown = 1 - float(rest_joints()["crl_Head__C"][2])
    material = Mat.PAINT_4 if look.grey else Mat.HAIR
    skull = ellipsoid((0.055, 0.045, 0.062), Mat.SKIN, (-0.002, 0, 0.062), rings=10)
    jaw = ellipsoid((0.040, 0.034, 0.044), Mat.SKIN, (0.012, 0, 0.036), rings=8)
    nose = ellipsoid((0.012, 0.007, 0.013), Mat.SKIN, (0.053, 0, 0.05), rings=5)
    ear = ellipsoid((0.011, 0.005, 0.017), Mat.SKIN, (-0.002, 0.046, 0.052), rings=5)
    eye = ellipsoid((0.005, 0.007, 0.004), Mat.PLASTIC, (0.047, 0.018, 0.064), rings=4)
    mouth = box((0.004, 0.024, 0.004), Mat.BULB_RED, (0.0495, 0, 0.024)).made_of(Mat.SKIN)
    parts = [skull, jaw, nose, ear.both_sides(), eye.both_sides(), mouth, *_hair(look, material)]
    shape = join(parts)
    if look.child:
        shape = shape.scaled(1.22, 1.22, 1.0)
    squeeze = crown / shape.bounds_m()[1, 2]
    above = np.where(shape.vertices_m[:, 2] > 0, squeeze, 1.0)
    return Shape(
        shape.vertices_m * np.column_stack([np.ones_like(above), np.ones_like(above), above]),
        shape.triangles, shape.material, shape.tag,
    )  # fmt: skip


def _hair(look: Look, material: Mat) -> list[Shape]:
    if look.hair == "bald":
        return []
    if look.hair == "helmet":
        shell = ellipsoid((0.074, 0.064, 0.070), Mat.PAINT_4, (-0.004, 0, 0.062), rings=10)
        return [_cut(shell, lambda p: p[:, 2] > 0.052 - 0.25 * p[:, 0])]
    cap = ellipsoid((0.062, 0.052, 0.069), material, (-0.007, 0, 0.061), rings=10)
    # Above a line that runs from the forehead down to the nape.
    parts = [_cut(cap, lambda p: p[:, 2] > 0.078 + 0.75 * np.minimum(p[:, 0], 0.03))]
    if look.hair == "long":
        parts.append(ellipsoid((0.036, 0.054, 0.075), material, (-0.035, 0, 0.015), rings=8))
    if look.hair == "bun":
        parts.append(ellipsoid((0.024, 0.026, 0.024), material, (-0.064, 0, 0.075), rings=6))
    if look.hair in {"cap", "hat"}:
        dome = ellipsoid((0.066, 0.056, 0.060), Mat.PAINT_4, (-0.004, 0, 0.076), rings=8)
        parts.append(_cut(dome, lambda p: p[:, 2] > 0.072))
        if look.hair == "cap":
            peak = ellipsoid((0.045, 0.045, 0.006), Mat.PAINT_4, (0.062, 0, 0.082), rings=6)
        else:
            peak = ellipsoid((0.094, 0.086, 0.006), Mat.PAINT_4, (-0.004, 0, 0.08), rings=8)
        parts.append(peak)
    return parts


def _cut(shape: Shape, above: Callable[[F64], np.ndarray]) -> Shape:
    """The triangles whose corners all satisfy a condition."""
    good = above(shape.vertices_m)
    return shape.where(np.asarray(good[shape.triangles].all(axis=1)))


def _sleeve(look: Look) -> float:
    return {"jacket": 1.14, "coat": 1.12}.get(look.top, 1.0)


def _upper_arm(look: Look) -> Shape:
    g = _girth(look) * _sleeve(look)
    points = _along("crl_arm", "crl_foreArm", [0.02, 0.3, 0.65, 1.0])
    radii = np.array([(0.027, 0.031), (0.028, 0.031), (0.025, 0.027), (0.022, 0.023)]) * g
    if look.top in {"tee", "vest"}:
        cut = _along("crl_arm", "crl_foreArm", [0.02, 0.3, 0.5])
        sleeve = _limb(cut, radii[:3] * 1.08, Mat.PAINT_0)
        return join([sleeve, _limb(points, radii * 0.92, Mat.SKIN)])
    return _limb(points, radii, Mat.PAINT_0)


def _forearm(look: Look) -> Shape:
    bare = look.top in {"tee", "vest"}
    g = _girth(look) * (0.92 if bare else _sleeve(look))
    points = _along("crl_foreArm", "crl_hand", [0.0, 0.3, 0.7, 1.0])
    radii = np.array([(0.023, 0.024), (0.023, 0.025), (0.018, 0.020), (0.015, 0.017)]) * g
    return _limb(points, radii, Mat.SKIN if bare else Mat.PAINT_0)


def _hand(look: Look) -> Shape:
    g = 1.1 if look.child else 1.0
    palm = ellipsoid((0.021, 0.011, 0.032), Mat.SKIN, (0.003, 0, -0.036), rings=6)
    fingers = ellipsoid((0.018, 0.010, 0.028), Mat.SKIN, (0.004, -0.004, -0.074), rings=6)
    thumb = ellipsoid((0.008, 0.008, 0.022), Mat.SKIN, (0.022, -0.006, -0.036), rings=5)
    return join([palm, fingers, thumb]).scaled(g, g, 0.98)


# Each leg carries half of a skirt or coat; the halves reach past the middle, so that they look
# like one, and no farther outwards.
_INWARD, _WIDER = np.array([0.0, -0.024, 0.0]), np.array([0.024, 0.0])


def _thigh(look: Look) -> Shape:
    g = _girth(look) * (1.05 if look.female else 1.0)
    points = _along("crl_thigh", "crl_leg", [-0.02, 0.25, 0.6, 1.0])
    radii = np.array([(0.050, 0.056), (0.048, 0.054), (0.040, 0.045), (0.032, 0.036)]) * g
    loose = np.array([(0.052, 0.062), (0.058, 0.072), (0.066, 0.080)]) * g
    hem = _along("crl_thigh", "crl_leg", [0.0, 0.4, 0.84])
    if look.bottom == "trousers":
        leg = _limb(points, radii, Mat.PAINT_1, sides=10)
        if look.top == "coat":
            return join([leg, tube(hem + _INWARD, loose + _WIDER, Mat.PAINT_0, sides=16)])
        return leg
    bare = _limb(points, radii * 0.93, Mat.SKIN, sides=10)
    if look.bottom != "shorts":
        paint = Mat.PAINT_0 if look.bottom == "dress" else Mat.PAINT_1
        return join([bare, tube(hem + _INWARD, loose + _WIDER, paint, sides=16)])
    leg = _limb(_along("crl_thigh", "crl_leg", [-0.02, 0.25, 0.75]), radii[:3] * 1.06, Mat.PAINT_1)
    return join([bare, leg])


def _shin(look: Look) -> Shape:
    cloth = look.bottom == "trousers"
    g = _girth(look) * (1.06 if cloth else 0.94)
    points = _along("crl_leg", "crl_foot", [0.0, 0.25, 0.6, 0.93])
    radii = np.array([(0.032, 0.036), (0.032, 0.038), (0.026, 0.030), (0.022, 0.026)]) * g
    return _limb(points, radii, Mat.PAINT_1 if cloth else Mat.SKIN, sides=10)


def _foot(look: Look) -> Shape:
    """A shoe: sole flat on the ground, heel behind the ankle, toe turned up a little."""
    del look
    ankle = float(rest_joints()["crl_foot__R"][2])
    sections = [
        (-0.040, 0.016, 0.030), (-0.028, 0.023, 0.052), (0.0, 0.024, 0.058), (0.035, 0.026, 0.046),
        (0.072, 0.030, 0.032), (0.100, 0.027, 0.025), (0.116, 0.016, 0.018),
    ]  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    rings = []
    for x, half, high in sections:
        y = half * np.cos(turn)
        z = np.where(np.sin(turn) < 0, 0.25 * np.sin(turn), np.sin(turn))
        flat = np.where(np.sin(turn) < -0.3, -0.25, z)
        rings.append(np.column_stack([
            np.full(len(turn), x), y, -ankle + (flat + 0.25) / 1.25 * high
        ]))  # fmt: skip
    wall = grid(np.array(rings), Mat.PAINT_2, closed=True).flipped()
    caps = [fan(rings[0], Mat.PAINT_2).flipped(), fan(rings[-1], Mat.PAINT_2)]
    return join([wall, *caps])


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
