"""The human figure: one shape per bone, dressed, in the frame of that bone at rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synthgen.simserver.assets.heads import head
from synthgen.simserver.assets.looks import Look
from synthgen.simserver.assets.shapes import F64, Shape, ellipsoid, fan, grid, join, spline, tube
from synthgen.simserver.assets.skeleton import rest_joints
from synthgen.simserver.assets.torso import chest, girth_of, hips
from synthgen.simserver.scene import Material as Mat


def figure(look: Look) -> dict[str, Shape]:
    """Shapes by bone name, in metres, each around its own joint."""
    out = {"crl_hips__C": hips(look), "crl_spine01__C": chest(look), "crl_Head__C": head(look)}
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


def _limb(
    bone: str,
    child: str,
    knots: list[tuple[float, float, float]],
    *,
    materials: list[tuple[float, Mat]],
    folds: float = 0.0,
    scale: float = 1.0,
    look: Look,
    shift: int = 0,
    sides: int = 10,
    rows: int = 7,
) -> Shape:
    """A limb along a right-hand bone, its ends rounded.

    Args:
        bone: Whose joint it starts at.
        child: Whose joint it ends at.
        knots: Share of the way, half breadth across, half breadth fore and aft.
        materials: Share of the way up to which each one goes, in order.
        folds: Share by which cloth bulges and creases, most near the ends.
        scale: Of both half breadths.
        look: Whose limb.
        shift: Tells the folds of one limb from those of another.
        sides: Facets around.
        rows: Rings between the first knot and the last.
    """
    sides, rows = look.facets(sides), look.facets(rows)
    joints = rest_joints()
    line = joints[f"{child}__R"] - joints[f"{bone}__R"]
    table = np.array(knots)
    share = np.linspace(table[0, 0], table[-1, 0], rows)
    # Borders between materials are rings of their own.
    inner = [at for at, _ in materials if share[0] < at < share[-1]]
    share = np.sort(np.concatenate([share, inner, [at + 1e-3 for at in inner]]))
    radii = np.stack([spline(table[:, (0, k)], share) for k in (1, 2)], axis=1) * scale
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rng = np.random.default_rng([0xF01D, look.seed, shift])
    bulge = _creases(share, turn, rng) * folds
    length = float(np.linalg.norm(line))
    down = line / length
    across = np.array([0.0, 1.0, 0.0]) - down * down[1]
    across /= np.linalg.norm(across)
    ahead = np.cross(across, down)
    spread = (
        np.cos(turn)[None, :, None] * (radii[:, :1] * (1 + bulge))[..., None] * across
        + np.sin(turn)[None, :, None] * (radii[:, 1:] * (1 + bulge))[..., None] * ahead
    )
    rings = share[:, None, None] * line + spread
    middles = share[:, None] * line
    # Half balls at both ends, so that a bent joint shows no edge.
    start = [middles[0] - down * radii[0].mean() * h + w * spread[0] for h, w in _ROUNDED[::-1]]
    end = [middles[-1] + down * radii[-1].mean() * h + w * spread[-1] for h, w in _ROUNDED]
    skin = grid(np.concatenate([np.array(start), rings, np.array(end)]), Mat.SKIN, closed=True)
    between = (share[1:] + share[:-1]) / 2
    between = np.concatenate([share[:1], share[:1], between, share[-1:], share[-1:]])
    row = np.array([next((m for at, m in materials if s <= at), materials[-1][1]) for s in between])
    shape = Shape(
        skin.vertices_m, skin.triangles, np.repeat(row, 2 * sides).astype(np.uint8), skin.tag
    )
    ends = [fan(start[0], Mat(row[0])), fan(end[-1], Mat(row[-1]))]
    return join([shape, ends[0].flipped(), ends[1]])


# How far out and how wide the rings of a rounded end are, in radii.
_ROUNDED = ((0.55, 0.83), (0.9, 0.42))


def _creases(share: F64, turn: F64, rng: np.random.Generator) -> F64:
    """(rows, sides) -1..1: rings and slanting waves, as cloth gathers at joints."""
    phase = rng.uniform(0, 2 * np.pi, 3)
    near = 0.35 + 0.65 * np.abs(2.0 * share - 1.0)[:, None]
    near *= np.clip(np.minimum(share, 1.0 - share) / 0.12, 0.0, 1.0)[:, None]
    slant = np.sin(23.0 * share[:, None] + 2.0 * np.cos(turn[None] + phase[0]) + phase[1])
    fine = np.sin(41.0 * share[:, None] - 1.5 * np.sin(turn[None] + phase[2]))
    return np.asarray(near * (0.65 * slant + 0.35 * fine), np.float64)


_BARE = {"tee", "vest"}
_LOOSE = {"jacket": 1.14, "coat": 1.16, "hoodie": 1.14, "sweater": 1.06}


def _upper_arm(look: Look) -> Shape:
    scale = girth_of(look) * _LOOSE.get(look.top, 1.0)
    knots = [(0.0, 0.027, 0.032), (0.08, 0.0285, 0.034), (0.25, 0.0285, 0.033),
             (0.6, 0.0255, 0.0285), (1.0, 0.0225, 0.0245)]  # fmt: skip
    if look.top in _BARE:
        cloth = [(0.0, 0.0285, 0.034), (0.08, 0.0305, 0.036), (0.3, 0.0305, 0.0355),
                 (0.52, 0.030, 0.0345)]  # fmt: skip
        sleeve = _limb("crl_arm", "crl_foreArm", cloth, materials=[(2.0, Mat.PAINT_0)],
                       folds=0.05, scale=scale, look=look, rows=6)  # fmt: skip
        arm = _limb("crl_arm", "crl_foreArm", knots[1:], materials=[(2.0, Mat.SKIN)],
                    scale=scale * 0.92, look=look)  # fmt: skip
        return join([sleeve, arm])
    return _limb("crl_arm", "crl_foreArm", knots, materials=_banded(look, 0.0), folds=0.055,
                 scale=scale, look=look)  # fmt: skip


def _banded(look: Look, start: float) -> list[tuple[float, Mat]]:
    """Stripes along a sleeve, or its one colour."""
    if not look.striped:
        return [(2.0, Mat.PAINT_0)]
    edges = start + 0.1 + 0.2 * np.arange(6)
    return [(float(at), (Mat.PAINT_0, Mat.PAINT_5)[k % 2]) for k, at in enumerate(edges)]


def _forearm(look: Look) -> Shape:
    bare = look.top in _BARE
    scale = girth_of(look) * (0.92 if bare else _LOOSE.get(look.top, 1.0))
    knots = [(0.0, 0.0225, 0.0245), (0.22, 0.0228, 0.0252), (0.6, 0.0195, 0.0215),
             (0.97, 0.0155, 0.0180)]  # fmt: skip
    if bare:
        return _limb("crl_foreArm", "crl_hand", knots, materials=[(2.0, Mat.SKIN)], scale=scale,
                     look=look)  # fmt: skip
    cuff = Mat.PAINT_5 if look.top in {"jacket", "coat"} else Mat.PAINT_0
    sleeve = [(at, m) for at, m in _banded(look, 0.1) if at < 0.93] if look.striped else []
    arm = _limb("crl_foreArm", "crl_hand", knots, folds=0.06, scale=scale, look=look, shift=1,
                materials=[*sleeve, (0.93, Mat.PAINT_0), (2.0, cuff)])  # fmt: skip
    wrist = _limb("crl_foreArm", "crl_hand", [(0.8, 0.0135, 0.0165), (1.06, 0.0125, 0.0165)],
                  materials=[(2.0, Mat.SKIN)], rows=2, sides=8, look=look)  # fmt: skip
    return join([arm, wrist])


def _hand(look: Look) -> Shape:
    """A palm, four fingers half bent and a thumb."""
    scale = 1.1 if look.child else 1.0
    palm = ellipsoid((0.0195, 0.0098, 0.0300), Mat.SKIN, (0.003, 0, -0.030), rings=5)
    if look.coarse:
        # Riders hold grips.
        fist = ellipsoid((0.020, 0.017, 0.022), Mat.SKIN, (0.004, -0.007, -0.064), rings=4)
        return join([palm, fist])
    parts = [palm]
    for x, long, bent in ((0.0175, 0.034, 0.006), (0.0075, 0.040, 0.008), (-0.0025, 0.038, 0.010),
                          (-0.0115, 0.030, 0.012)):  # fmt: skip
        path = np.array([
            (x * 0.9, 0.0005, -0.046), (x, -0.001, -0.046 - 0.5 * long),
            (x, -0.001 - bent, -0.046 - 0.98 * long),
        ])  # fmt: skip
        parts.append(tube(path, [0.0055, 0.0052, 0.0036], Mat.SKIN, sides=5))
    thumb = np.array([(0.012, -0.003, -0.014), (0.0245, -0.008, -0.032), (0.0255, -0.011, -0.051)])
    parts.append(tube(thumb, [0.0068, 0.0062, 0.0040], Mat.SKIN, sides=5))
    return join(parts).scaled(scale, scale, 0.98)


# Each leg carries half of a skirt or coat; the halves reach past the middle, so that they look
# like one, and no farther outwards.
_INWARD, _WIDER = np.array([0.0, -0.024, 0.0]), np.array([0.024, 0.0])


def _hanging(look: Look, paint: Mat) -> Shape:
    """The half of a skirt's or coat's lower part that moves with a thigh."""
    joints = rest_joints()
    line = joints["crl_leg__R"] - joints["crl_thigh__R"]
    scale = girth_of(look) * (1.05 if look.female else 1.0)
    share = np.linspace(0.0, 0.86, 7)
    path = share[:, None] * line + _INWARD
    table = np.array([(0.0, 0.052, 0.062), (0.4, 0.057, 0.071), (0.86, 0.065, 0.080)])
    radii = np.stack([np.interp(share, table[:, 0], table[:, k]) for k in (1, 2)], axis=1) * scale
    return tube(path, radii + _WIDER, paint, sides=20)


def _thigh(look: Look) -> Shape:
    scale = girth_of(look) * (1.05 if look.female else 1.0)
    knots = [(-0.1, 0.046, 0.058), (0.06, 0.050, 0.061), (0.25, 0.048, 0.056), (0.6, 0.040, 0.046),
             (1.0, 0.033, 0.037)]  # fmt: skip
    if look.bottom == "trousers":
        leg = _limb("crl_thigh", "crl_leg", knots, materials=[(2.0, Mat.PAINT_1)], folds=0.03,
                    scale=scale, look=look, shift=2, sides=11)  # fmt: skip
        return join([leg, _hanging(look, Mat.PAINT_0)]) if look.top == "coat" else leg
    # Bare where the cloth ends, and no farther up than the cloth hides.
    lower = [(0.5, 0.042, 0.049), *knots[3:]]
    bare = _limb("crl_thigh", "crl_leg", lower, materials=[(2.0, Mat.SKIN)], scale=scale * 0.93,
                 look=look)  # fmt: skip
    if look.bottom == "shorts":
        wide = [(-0.03, 0.053, 0.059), (0.4, 0.052, 0.058), (0.78, 0.049, 0.056)]
        leg = _limb("crl_thigh", "crl_leg", wide, materials=[(2.0, Mat.PAINT_1)], folds=0.03,
                    scale=scale, look=look, shift=2, sides=11)  # fmt: skip
        return join([bare, leg])
    coat = look.bottom == "dress" or look.top == "coat"
    return join([bare, _hanging(look, Mat.PAINT_0 if coat else Mat.PAINT_1)])


def _shin(look: Look) -> Shape:
    cloth = look.bottom == "trousers"
    scale = girth_of(look)
    boot = look.shoes == "boots"
    if cloth and not boot:
        knots = [(0.0, 0.033, 0.037), (0.25, 0.033, 0.039), (0.6, 0.029, 0.034),
                 (0.97, 0.028, 0.034)]  # fmt: skip
        return _limb("crl_leg", "crl_foot", knots, materials=[(2.0, Mat.PAINT_1)], folds=0.045,
                     scale=scale, look=look, shift=3, sides=11, rows=9)  # fmt: skip
    knots = [(0.0, 0.033, 0.037), (0.25, 0.031, 0.038), (0.6, 0.024, 0.029), (0.97, 0.020, 0.025)]
    above = Mat.PAINT_1 if cloth else Mat.SKIN
    sock = Mat.PAINT_2 if boot else (Mat.PAINT_6 if look.shoes == "trainers" else above)
    start = 0.5 if boot else 0.82
    leg = _limb("crl_leg", "crl_foot", knots, materials=[(start, above), (2.0, sock)],
                folds=0.03 if cloth else 0.0, scale=scale * (1.0 if cloth else 0.94),
                look=look, shift=3)  # fmt: skip
    if not boot:
        return leg
    shaft = _limb("crl_leg", "crl_foot", [(0.5, 0.030, 0.035), (0.75, 0.027, 0.032),
                  (0.98, 0.025, 0.031)], materials=[(2.0, Mat.PAINT_2)], folds=0.02, scale=scale,
                  look=look, shift=4, rows=5)  # fmt: skip
    return join([leg, shaft])


# Along a shoe: x, half breadth of the sole, height of the upper, half breadth of its top.
_SHOE = [
    (-0.040, 0.012, 0.034, 0.008), (-0.034, 0.021, 0.048, 0.014), (-0.018, 0.0245, 0.056, 0.019),
    (0.006, 0.0245, 0.057, 0.020), (0.030, 0.0255, 0.046, 0.017), (0.056, 0.0285, 0.034, 0.015),
    (0.080, 0.0300, 0.0275, 0.015), (0.100, 0.0270, 0.0245, 0.014), (0.112, 0.019, 0.020, 0.010),
    (0.117, 0.0090, 0.0140, 0.004),
]  # fmt: skip


def _foot(look: Look) -> Shape:
    """A shoe: a sole flat on the ground, an upper that narrows to the instep, laces."""
    ankle = float(rest_joints()["crl_foot__R"][2])
    sole = 0.0115 if look.shoes == "trainers" else 0.0085
    rings = []
    for x, half, high, top in _SHOE:
        # A last is straight inside and full outside.
        shift = 0.003 * np.sin(np.pi * (x + 0.04) / 0.157)
        y = np.array([1.0, 1.06, 1.0, 0.9, 0.9, 0.0, -0.9, -0.9, -1.0, -1.06, -1.0]) * half
        y[4:7] = (top, 0.0, -top)
        z = np.array([0.0, sole * 0.5, sole, sole, high * 0.86, high, high * 0.86, sole, sole,
                      sole * 0.5, 0.0])  # fmt: skip
        z[4:7] = np.maximum(z[4:7], sole + 0.001)
        rings.append(np.column_stack([np.full(len(y), x), y + shift, z - ankle]))
    wall = grid(np.array(rings), Mat.PAINT_2, closed=True).flipped()
    under = Mat.PAINT_6 if look.shoes == "trainers" else Mat.RUBBER
    column = np.tile(np.repeat(np.arange(11), 2), len(_SHOE) - 1)
    is_sole = np.isin(column, (0, 1, 2, 7, 8, 9, 10))
    wall = Shape(wall.vertices_m, wall.triangles,
                 np.where(is_sole, np.uint8(under), wall.material), wall.tag)  # fmt: skip
    parts = [wall, fan(rings[0], Mat.PAINT_2).flipped(), fan(rings[-1], Mat.PAINT_2)]
    if look.shoes != "boots":
        laces = Mat.PAINT_6 if look.shoes == "trainers" else Mat.PAINT_2
        for x, high in ((0.034, 0.0455), (0.046, 0.0405), (0.058, 0.0350)):
            bar = tube([(x, -0.014, high * 0.9 - ankle), (x, 0.0, high + 0.0012 - ankle),
                        (x, 0.014, high * 0.9 - ankle)], 0.0017, laces, sides=4)  # fmt: skip
            parts.append(bar)
    return join(parts)
