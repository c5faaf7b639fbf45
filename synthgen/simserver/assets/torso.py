"""Trunk and hips of the figure, with what is worn and carried on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synthgen.simserver.assets.looks import Look
from synthgen.simserver.assets.shapes import (
    F64,
    Shape,
    box,
    ellipsoid,
    fan,
    grid,
    join,
    rounded_box,
    spline,
    tube,
)
from synthgen.simserver.scene import Material as Mat

Ring = tuple[float, float, float, float]
"""Height, half breadth, half depth, forward shift; shares of the stature."""

_SIDES, _ROWS = 20, 16
# What goes over the chest: share by which it stands off.
_THICK = {"jacket": 1.07, "coat": 1.08, "hoodie": 1.08, "sweater": 1.04}


def girth_of(look: Look) -> float:
    """Breadth of trunk and limbs."""
    return look.girth * (0.93 if look.female else 1.0) * (1.08 if look.child else 1.0)


def _turns(sides: int) -> F64:
    return np.linspace(0, 2 * np.pi, sides, endpoint=False)


def _unit(sides: int) -> F64:
    """A superellipse: trunks are flatter in front and behind than an ellipse."""
    c, s = np.cos(_turns(sides)), np.sin(_turns(sides))
    return np.stack([np.sign(c) * np.abs(c) ** 0.8, np.sign(s) * np.abs(s) ** 0.8], axis=1)


def _surface(rings: list[Ring], heights: F64, girth: float, sides: int = _SIDES) -> F64:
    """(rows, sides, 3) points of a trunk at heights."""
    table = np.array(rings)
    half, deep, shift = (spline(table[:, (0, k)], heights) for k in (1, 2, 3))
    unit = _unit(sides)
    return np.stack([
        shift[:, None] + unit[None, :, 0] * deep[:, None] * girth,
        unit[None, :, 1] * half[:, None] * girth,
        np.broadcast_to(heights[:, None], (len(heights), sides)),
    ], axis=-1)  # fmt: skip


def _sheath(points: F64, material: Mat, *, capped: bool = True) -> Shape:
    wall = grid(points, material, closed=True).flipped()
    if not capped:
        return wall
    return join([wall, fan(points[0], material).flipped(), fan(points[-1], material)])


def _trunk(
    rings: list[Ring], material: Mat, girth: float, *, rows: int = 0, capped: bool = True
) -> Shape:
    heights = np.array([ring[0] for ring in rings])
    if rows:
        heights = np.linspace(heights[0], heights[-1], rows)
    return _sheath(_surface(rings, heights, girth), material, capped=capped)


def _creased(points: F64, look: Look, folds: float) -> F64:
    """Points of a garment with slanting folds that gather towards its lower end."""
    rng = np.random.default_rng([0xC107, look.seed])
    phase = rng.uniform(0, 2 * np.pi, 2)
    z = points[..., 2]
    low = (z.max() - z) / max(float(np.ptp(z)), 1e-6)
    turn = _turns(points.shape[1])
    wave = np.sin(95.0 * z + 2.0 * np.cos(turn * 2 + phase[0]) + phase[1])
    pleat = np.sin(turn * 5 + phase[0])[None] * low
    stretched = 1 + folds * (0.25 + 0.75 * low) * (0.6 * wave + 0.6 * pleat)
    out = points.copy()
    out[..., :2] *= stretched[..., None]
    return out


def hips(look: Look) -> Shape:
    """Hips with belt, and the lower end of what is worn above."""
    girth = girth_of(look)
    wide = 1.08 if look.female else 1.0
    dress = look.bottom == "dress"
    lower = Mat.PAINT_0 if dress else Mat.PAINT_1
    rings: list[Ring] = [
        (-0.07, 0.050, 0.045, -0.002), (-0.045, 0.086 * wide, 0.060, -0.003),
        (-0.01, 0.098 * wide, 0.068, -0.004), (0.03, 0.092, 0.062, 0.0),
        (0.06, 0.082, 0.056, 0.002), (0.075, 0.078, 0.053, 0.002),
    ]  # fmt: skip
    parts = [_trunk(rings, lower, girth, rows=6)]
    if look.bottom in {"skirt", "dress"}:
        hem: list[Ring] = [
            (-0.10, 0.102, 0.070, 0.0), (-0.05, 0.105, 0.074, 0.0), (0.03, 0.094, 0.066, 0.0),
        ]  # fmt: skip
        parts.append(_trunk(hem, lower, girth, rows=4))
    if look.top == "coat":
        parts += _coat_tail(girth)
    elif not dress:
        parts += _hem(look, girth * wide)
    return join(parts)


def _coat_tail(girth: float) -> list[Shape]:
    skirt: list[Ring] = [
        (-0.10, 0.106, 0.076, -0.004), (-0.03, 0.109, 0.080, -0.002), (0.02, 0.104, 0.074, 0.0),
        (0.085, 0.092, 0.066, 0.002),
    ]  # fmt: skip
    belt: list[Ring] = [(0.052, 0.1, 0.0715, 0.001), (0.072, 0.0965, 0.0695, 0.002)]
    pockets = [
        rounded_box((0.006, 0.042, 0.006), 0.002, Mat.PAINT_3).moved(0.0765, 0.05, 0.005),
    ]
    return [
        _trunk(skirt, Mat.PAINT_0, girth, rows=6),
        _trunk(belt, Mat.PAINT_3, girth),
        *(p.both_sides() for p in pockets),
    ]


def _hem(look: Look, girth: float) -> list[Shape]:
    """The lower end of a shirt worn outside, or a belt where it is tucked in."""
    if look.top == "shirt":
        belt: list[Ring] = [(0.046, 0.0925, 0.0625, 0.001), (0.066, 0.0875, 0.0595, 0.002)]
        tucked: list[Ring] = [(0.060, 0.0865, 0.0595, 0.002), (0.095, 0.082, 0.058, 0.002)]
        buckle = box((0.004, 0.020, 0.017), Mat.METAL, (0.0645 * girth, 0, 0.056))
        return [_trunk(belt, Mat.PLASTIC, girth), _trunk(tucked, Mat.PAINT_0, girth), buckle]
    rings: list[Ring] = [
        (-0.014, 0.103, 0.073, -0.003), (0.002, 0.1025, 0.0725, -0.002), (0.03, 0.097, 0.067, 0.0),
        (0.085, 0.085, 0.059, 0.002),
    ]  # fmt: skip
    heights = np.linspace(-0.014, 0.085, look.facets(6))
    points = _surface(rings, heights, girth * _THICK.get(look.top, 1.0))
    parts = [_sheath(_creased(points, look, 0.02), Mat.PAINT_0)]
    if look.top in {"hoodie", "jacket", "sweater"}:
        band: list[Ring] = [(-0.018, 0.1, 0.0705, -0.003), (0.0, 0.1045, 0.0745, -0.002)]
        paint = Mat.PAINT_5 if look.top == "jacket" else Mat.PAINT_0
        parts.append(_trunk(band, paint, girth * _THICK[look.top]))
    return parts


def _chest_rings(look: Look) -> list[Ring]:
    shoulder = 0.97 if look.female else 1.0
    bust = 0.011 if look.female and not look.child else 0.0
    return [
        (-0.09, 0.078, 0.055, 0.0), (-0.05, 0.080, 0.058, 0.002),
        (0.0, 0.088, 0.064, 0.003 + bust / 2), (0.035, 0.0925, 0.0655 + bust / 3, 0.004 + bust),
        (0.07, 0.098, 0.065, 0.003 + bust / 2), (0.10, 0.105 * shoulder, 0.060, 0.0),
        (0.125, 0.106 * shoulder, 0.052, -0.005), (0.142, 0.093 * shoulder, 0.044, -0.008),
        (0.152, 0.072, 0.038, -0.009), (0.162, 0.050, 0.034, -0.008), (0.172, 0.035, 0.031, -0.006),
    ]  # fmt: skip


def chest(look: Look) -> Shape:
    """Trunk and neck with the upper garment, its collar, and bags on the back."""
    girth = girth_of(look) * _THICK.get(look.top, 1.0)
    rings = _chest_rings(look)
    heights = np.linspace(-0.09, 0.172, look.facets(_ROWS))
    points = _creased(_surface(rings, heights, girth, look.facets(_SIDES)), look, 0.018)
    body = _sheath(points, Mat.PAINT_0)
    if look.striped:
        body = _with_stripes(body, points)
    neck = np.array([(-0.006, 0, 0.12), (-0.003, 0, 0.17), (0.0, 0, 0.20), (0.004, 0, 0.225)])
    slim = 0.026 if look.female or look.child else 0.030
    parts = [body, tube(neck, np.full((4, 2), slim), Mat.SKIN, sides=10)]
    parts += _front(look, points)
    parts += _collar(look)
    parts += _bag(look)
    return join(parts)


def _with_stripes(body: Shape, points: F64) -> Shape:
    rows = len(points) - 1
    pale = np.repeat(np.arange(rows) % 2 == 1, 2 * points.shape[1])
    material = body.material.copy()
    material[: len(pale)] = np.where(pale, np.uint8(Mat.PAINT_5), material[: len(pale)])
    return Shape(body.vertices_m, body.triangles, material, body.tag)


def _strip(points: F64, outline: list[tuple[float, float, float]], material: Mat) -> Shape:
    """A strip on the front of a trunk: height, and y of its two edges, row by row."""
    heights, table = points[:, 0, 2], np.array(outline)
    # A row at each ring of the trunk, so that none of it comes through.
    inner = heights[(heights > table[0, 0]) & (heights < table[-1, 0])]
    rows = []
    for z in np.unique(np.concatenate([table[:, 0], inner])):
        k = int(np.clip(np.searchsorted(heights, z) - 1, 0, len(heights) - 2))
        t = np.clip((z - heights[k]) / (heights[k + 1] - heights[k]), 0, 1)
        ring = points[k] * (1 - t) + points[k + 1] * t
        ring = ring[ring[:, 0] > np.median(ring[:, 0])]
        ring = ring[np.argsort(ring[:, 1])]
        left, right = (np.interp(z, table[:, 0], table[:, j]) for j in (1, 2))
        y = np.linspace(left, right, 5)
        x = np.interp(y, ring[:, 1], ring[:, 0]) + 0.0026
        rows.append(np.column_stack([x, y, np.full(len(y), z)]))
    return grid(np.array(rows), material).flipped()


def _front(look: Look, points: F64) -> list[Shape]:
    """Buttons, zips, lapels, prints: what the front of a garment has."""
    fronts: dict[str, Callable[[F64], list[Shape]]] = {
        "vest": _reflective,
        "shirt": _shirt_front,
        "jacket": _jacket_front,
        "coat": _coat_front,
        "hoodie": _hoodie_front,
    }
    if look.top in fronts:
        return fronts[look.top](points)
    if look.top == "tee" and look.seed % 3 == 0:
        return [_strip(points, [(z, -0.040, 0.040) for z in (0.025, 0.05, 0.075)], Mat.PAINT_5)]
    return []


def _shirt_front(points: F64) -> list[Shape]:
    placket = [(z, -0.007, 0.007) for z in np.linspace(-0.085, 0.15, 8)]
    pocket = [(0.045, 0.026, 0.056), (0.078, 0.026, 0.056)]
    return [_strip(points, outline, Mat.PAINT_5) for outline in (placket, pocket)]


def _jacket_front(points: F64) -> list[Shape]:
    """Worn open at the neck, over a shirt."""
    inner = [(-0.02, -0.002, 0.002), (0.05, -0.014, 0.014), (0.11, -0.03, 0.03),
             (0.15, -0.038, 0.038)]  # fmt: skip
    lapel = [(-0.02, 0.002, 0.006), (0.05, 0.014, 0.03), (0.085, 0.022, 0.048),
             (0.11, 0.030, 0.044), (0.148, 0.036, 0.048)]  # fmt: skip
    fastened = [(z, -0.003, 0.003) for z in (-0.089, -0.055, -0.02)]
    lapels = _strip(points, lapel, Mat.PAINT_0).moved(x=0.003).both_sides()
    return [_strip(points, inner, Mat.PAINT_5), _strip(points, fastened, Mat.METAL), lapels]


def _coat_front(points: F64) -> list[Shape]:
    edge = [(z, 0.006, 0.009) for z in np.linspace(-0.085, 0.09, 6)]
    scarf = [(0.10, -0.006, 0.006), (0.13, -0.024, 0.024), (0.16, -0.034, 0.034)]
    buttons = [
        ellipsoid((0.003, 0.006, 0.006), Mat.PLASTIC, (_at(points, z, 0.018) + 0.002, 0.018, z),
                  rings=4)
        for z in (-0.06, -0.01, 0.04)
    ]  # fmt: skip
    return [_strip(points, edge, Mat.PLASTIC), _strip(points, scarf, Mat.PAINT_5), *buttons]


def _hoodie_front(points: F64) -> list[Shape]:
    pouch = [(-0.085, -0.056, 0.056), (-0.06, -0.056, 0.056), (-0.03, -0.04, 0.04)]
    cord = [(0.10, 0.016, 0.0195), (0.145, 0.014, 0.0175)]
    cords = _strip(points, cord, Mat.PAINT_6).moved(x=0.002).both_sides()
    return [_strip(points, pouch, Mat.PAINT_0).moved(x=0.004), cords]


def _at(points: F64, z: float, y: float) -> float:
    """How far forward a trunk reaches at a height."""
    ring = points[int(np.argmin(np.abs(points[:, 0, 2] - z)))]
    ring = ring[ring[:, 0] > np.median(ring[:, 0])]
    ring = ring[np.argsort(ring[:, 1])]
    return float(np.interp(y, ring[:, 1], ring[:, 0]))


def _reflective(points: F64) -> list[Shape]:
    """Bands of a high-visibility vest: two around, one over each shoulder (EN ISO 20471)."""
    grown = points.copy()
    grown[..., :2] *= 1.02
    heights = grown[:, 0, 2]
    bands = []
    for low in (-0.055, 0.005):
        rows = np.array([
            [[np.interp(z, heights, column[:, k]) for k in range(3)]
             for column in grown.transpose(1, 0, 2)]
            for z in (low, low + 0.027)
        ])  # fmt: skip
        bands.append(grid(rows, Mat.PAINT_3, closed=True).flipped())
    over = _strip(points, [(z, 0.045, 0.066) for z in np.linspace(0.035, 0.14, 6)], Mat.PAINT_3)
    front = _strip(points, [(z, -0.002, 0.002) for z in (-0.088, 0.02, 0.13)], Mat.PLASTIC)
    return [*bands, over.both_sides(), front]


def _collar(look: Look) -> list[Shape]:
    """The neckline of each kind of top."""
    if look.top in {"tee", "sweater", "vest"}:
        ring: list[Ring] = [(0.160, 0.047, 0.040, -0.005), (0.172, 0.041, 0.037, -0.004)]
        paint = Mat.PAINT_5 if look.striped else Mat.PAINT_0
        return [_trunk(ring, paint, 1.0, capped=False)]
    if look.top == "hoodie":
        hood: list[Ring] = [
            (0.115, 0.070, 0.052, -0.030), (0.14, 0.078, 0.058, -0.030),
            (0.165, 0.066, 0.052, -0.024), (0.182, 0.046, 0.042, -0.014),
        ]  # fmt: skip
        return [_trunk(hood, Mat.PAINT_0, 1.0, rows=6)]
    high = 0.188 if look.top in {"jacket", "coat"} else 0.184
    turn = np.linspace(0.42, 2 * np.pi - 0.42, 18)
    rows = []
    for z, r, dip in ((0.158, 0.044, 0.012), (high, 0.038, 0.010), (high + 0.002, 0.042, 0.012),
                      (0.158, 0.052, 0.022)):  # fmt: skip
        low = dip * np.clip(np.cos(turn), 0, 1)
        rows.append(np.column_stack([-0.006 + r * np.cos(turn), r * 1.06 * np.sin(turn), z - low]))
    paint = Mat.PAINT_5 if look.top == "shirt" else Mat.PAINT_0
    return [grid(np.array(rows), paint).flipped()]


def _bag(look: Look) -> list[Shape]:
    """A backpack, or a bag on a strap across the chest."""
    if look.bag == "backpack":
        pack = rounded_box((0.080, 0.15, 0.21), 0.035, Mat.PAINT_3, steps=3).moved(-0.102, 0, 0.03)
        pocket = rounded_box((0.03, 0.115, 0.085), 0.014, Mat.PAINT_3).moved(-0.138, 0, -0.022)
        zips = [box((0.003, 0.10, 0.003), Mat.METAL, (-0.1535, 0, 0.014)),
                box((0.06, 0.152, 0.003), Mat.PLASTIC, (-0.105, 0, 0.085))]  # fmt: skip
        loop = tube([(-0.075, -0.014, 0.132), (-0.072, 0.0, 0.146), (-0.075, 0.014, 0.132)],
                    0.004, Mat.PLASTIC, sides=4)  # fmt: skip
        strap = tube([(-0.07, 0.06, 0.12), (-0.045, 0.064, 0.148), (0.0, 0.066, 0.158),
                      (0.045, 0.066, 0.135), (0.066, 0.066, 0.09), (0.066, 0.072, 0.04),
                      (0.05, 0.085, -0.02), (0.0, 0.096, -0.05)],
                     np.array([(0.013, 0.006)] * 8), Mat.PAINT_3, sides=6)  # fmt: skip
        return [pack, pocket, *zips, loop, strap.both_sides()]
    if look.bag == "shoulder":
        sack = rounded_box((0.15, 0.040, 0.115), 0.014, Mat.PAINT_3).moved(-0.01, 0.114, -0.14)
        flap = rounded_box((0.153, 0.047, 0.062), 0.010, Mat.PAINT_3).moved(-0.01, 0.115, -0.11)
        line = [(0.0, -0.055, 0.158), (0.058, -0.02, 0.12), (0.082, 0.03, 0.04),
                (0.076, 0.08, -0.05), (0.01, 0.118, -0.09)]  # fmt: skip
        back = [(0.0, -0.055, 0.158), (-0.056, -0.02, 0.12), (-0.068, 0.03, 0.04),
                (-0.06, 0.08, -0.05), (-0.02, 0.118, -0.09)]  # fmt: skip
        straps = [tube(path, 0.006, Mat.PAINT_3, sides=5) for path in (line, back)]
        return [sack, flap, *straps]
    return []
