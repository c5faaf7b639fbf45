"""Heads: a face modelled over rings, hair, beards, spectacles and hats."""

from __future__ import annotations

import numpy as np

from synthgen.simserver.assets.looks import Look
from synthgen.simserver.assets.shapes import (
    F64,
    Shape,
    ellipsoid,
    fan,
    grid,
    join,
    lathe,
    make,
    spline,
    tube,
)
from synthgen.simserver.assets.skeleton import rest_joints
from synthgen.simserver.scene import Material as Mat

# In shares of the stature above the head's joint, at the height z: where the face, the back and
# the sides of the head are, after the profile of an adult head 23 cm high and 19 cm deep.
_FRONT = [(-0.034, 0.026), (-0.016, 0.038), (-0.007, 0.046), (0.004, 0.048), (0.022, 0.047),
          (0.05, 0.048), (0.073, 0.050), (0.09, 0.047), (0.108, 0.036), (0.119, 0.020),
          (0.125, 0.001)]  # fmt: skip
_BACK = [(-0.034, -0.034), (-0.01, -0.036), (0.02, -0.044), (0.05, -0.056), (0.08, -0.059),
         (0.1, -0.050), (0.117, -0.029), (0.125, -0.003)]  # fmt: skip
_SIDE = [(-0.034, 0.024), (-0.012, 0.024), (0.0, 0.029), (0.022, 0.0375), (0.05, 0.043),
         (0.08, 0.0445), (0.1, 0.038), (0.117, 0.021), (0.125, 0.002)]  # fmt: skip
_LEVELS = np.array([-0.034, -0.014, -0.005, 0.003, 0.011, 0.0165, 0.0215, 0.0275, 0.033, 0.038,
                    0.0425, 0.048, 0.056, 0.0635, 0.070, 0.076, 0.085, 0.098, 0.110, 0.120,
                    0.125])  # fmt: skip
# Turn from straight ahead, degrees; dense where the face is.
_TURNS = np.radians(np.concatenate([
    [-145, -112, -88, -68, -52, -39, -28, -19, -11.5, -5.5],
    [0, 5.5, 11.5, 19, 28, 39, 52, 68, 88, 112, 145, 180],
]))  # fmt: skip
# Height of the hairline by the turn from straight ahead: brow, temple, before the ear, nape.
_HAIRLINE = [(0, 0.097), (22, 0.098), (42, 0.090), (58, 0.080), (70, 0.058), (80, 0.044),
             (92, 0.060), (106, 0.058), (118, 0.028), (140, 0.006), (180, 0.004)]  # fmt: skip


def head(look: Look) -> Shape:
    """Skull, face, hair and what is worn on them; its top is at the stature's full height."""
    crown = 1 - float(rest_joints()["crl_Head__C"][2])
    parts = [_skull(look), *_features(look), *_hair(look), *_worn(look)]
    shape = join(parts)
    if look.child:
        # Heads of children are a sixth of their height, with small faces.
        shape = shape.moved(z=-0.125).scaled(1.2, 1.2, 1.13).moved(z=0.125)
    squeeze = crown / shape.bounds_m()[1, 2]
    above = np.where(shape.vertices_m[:, 2] > 0, squeeze, 1.0)
    return Shape(
        shape.vertices_m * np.column_stack([np.ones_like(above), np.ones_like(above), above]),
        shape.triangles, shape.material, shape.tag,
    )  # fmt: skip


def _outline(z: F64, turn: F64, *, grown: F64 | float = 0.0) -> F64:
    """(..., 3) points of the head at heights and turns, pushed outward by `grown`."""
    front, back, side = spline(_FRONT, z), spline(_BACK, z), spline(_SIDE, z)
    middle, deep = (front + back) / 2, (front - back) / 2
    c, s = np.cos(turn), np.sin(turn)
    # Faces are flatter than an ellipse.
    x = middle + (deep + grown) * np.sign(c) * np.abs(c) ** 0.86
    y = (side + grown) * np.sign(s) * np.abs(s) ** 0.92
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def _bump(value: F64, at: float, wide: float) -> F64:
    return np.asarray(np.exp(-(((value - at) / wide) ** 2)))


def _relief(look: Look, points: F64) -> F64:
    """How far the face stands out at points of the outline: nose, sockets, lips, chin."""
    y, z = np.abs(points[..., 1]), points[..., 2]
    strong = 0.8 if look.female or look.child else 1.0
    ridge = spline([(0.036, 0.0), (0.040, 0.012), (0.044, 0.0165), (0.052, 0.0115),
                    (0.064, 0.005), (0.074, 0.0)], z)  # fmt: skip
    nose = ridge * strong * _bump(y, 0.0, 0.0068) + 0.005 * _bump(y, 0.010, 0.004) * _bump(
        z, 0.0425, 0.005
    )
    sockets = -0.0058 * _bump(y, 0.0175, 0.0095) * _bump(z, 0.0635, 0.0075)
    brows = 0.0030 * strong * _bump(y, 0.016, 0.014) * _bump(z, 0.0745, 0.005)
    lips = (0.0038 * _bump(z, 0.0262, 0.0030) + 0.0042 * _bump(z, 0.0192, 0.0034)
            - 0.0022 * _bump(z, 0.0130, 0.0035)) * _bump(y, 0.0, 0.014)  # fmt: skip
    chin = 0.0055 * strong * _bump(y, 0.0, 0.015) * _bump(z, 0.0025, 0.0085)
    cheeks = 0.0030 * _bump(y, 0.028, 0.011) * _bump(z, 0.048, 0.013)
    return np.where(points[..., 0] > 0, nose + sockets + brows + lips + chin + cheeks, 0.0)


def _skull(look: Look) -> Shape:
    """Skull and face in one skin; a beard is a part of it in another material."""
    levels, turns = (_LEVELS[::2], _TURNS[1::2]) if look.coarse else (_LEVELS, _TURNS)
    points = _outline(levels[:, None], turns[None])
    points[..., 0] += _relief(look, points)
    shape = grid(points, Mat.SKIN, closed=True).flipped()
    shape = join([shape, fan(points[0], Mat.SKIN).flipped()])
    if look.beard == "none":
        return shape
    at = shape.vertices_m[shape.triangles].mean(axis=1)
    y, z = np.abs(at[:, 1]), at[:, 2]
    jaw = (z < spline([(0.0, 0.012), (0.012, 0.015), (0.024, 0.028), (0.05, 0.045)], y)) | (
        (z > 0.0275) & (z < 0.0355)
    )
    if look.beard == "moustache":
        jaw = (z > 0.0275) & (z < 0.0355) & (y < 0.017)
    worn = jaw & (at[:, 0] > -0.004) & (z > -0.016)
    material = np.where(worn, np.uint8(_hair_material(look)), shape.material)
    return Shape(shape.vertices_m, shape.triangles, material, shape.tag)


def _hair_material(look: Look) -> Mat:
    return Mat.PAINT_4 if look.grey else Mat.HAIR


def _on_face(look: Look, yz: F64, lift: float) -> F64:
    """(..., 3) points on the face in front of places in the y-z plane."""
    z = yz[..., 1]
    wide = np.clip(np.abs(yz[..., 0]) / spline(_SIDE, z), 0.0, 0.98) ** (1 / 0.92)
    points = _outline(z, np.arcsin(wide) * np.sign(yz[..., 0]))
    points[..., 0] += _relief(look, points) + lift
    return points


def _patch(look: Look, outline: list[tuple[float, float]], material: Mat, lift: float) -> Shape:
    """A star-shaped spot on the face, from its anticlockwise outline as seen from the front."""
    ring = np.array(outline)
    # Coarse faces have flat cheeks.
    lift += 0.003 if look.coarse else 0.0
    points = _on_face(look, np.vstack([ring, ring.mean(axis=0)]), lift)
    k = np.arange(len(ring))
    return make(points, np.stack([k, (k + 1) % len(ring), np.full(len(ring), len(ring))], axis=1),
                material)  # fmt: skip


def _arc(y: float, z: float, half: tuple[float, float], tilt: float = 0.0) -> list:  # type: ignore[type-arg]
    """An almond of half sizes about a place, its outer corner raised."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    across = half[0] * np.cos(turn)
    up = half[1] * np.sin(turn) * np.abs(np.sin(turn)) ** 0.2 + tilt * across
    return list(zip((y + across).tolist(), (z + up).tolist(), strict=True))


def _features(look: Look) -> list[Shape]:
    """Eyes, lids, brows, lips, nostrils and ears."""
    eye_z, eye_y = 0.0635, 0.0175
    white = _patch(look, _arc(eye_y, eye_z, (0.0088, 0.0036), 0.08), Mat.EYE, 0.0012)
    iris = _patch(look, _arc(eye_y, eye_z + 0.0004, (0.0035, 0.0034)), Mat.PLASTIC, 0.0020)
    lash = _patch(
        look,
        [(0.0085, 0.0632), (0.013, 0.0664), (0.0175, 0.0676), (0.022, 0.0672), (0.0268, 0.0645),
         (0.022, 0.0688), (0.0175, 0.0696), (0.012, 0.0682)],
        Mat.PLASTIC if look.female else Mat.HAIR, 0.0018,
    )  # fmt: skip
    thick = 0.0016 if look.female or look.child else 0.0026
    brow = [(0.008, 0.0735), (0.016, 0.0765), (0.024, 0.0765), (0.030, 0.0725),
            (0.024, 0.0765 + thick), (0.016, 0.0765 + thick), (0.008, 0.0735 + thick)]  # fmt: skip
    hair = _patch(look, brow, _hair_material(look), 0.0014)
    nostril = _patch(look, _arc(0.0055, 0.0385, (0.0028, 0.0013)), Mat.LIPS, 0.0022)
    ear = ellipsoid((0.0095, 0.0050, 0.0170), Mat.SKIN, (0, 0, 0), rings=4)
    bowl = ellipsoid((0.0050, 0.0022, 0.0095), Mat.LIPS, (0.001, 0.0042, 0.001), rings=3)
    ears = join([ear, bowl]).turned("z", -16.0).turned("y", -8.0).moved(-0.006, 0.0445, 0.054)
    upper = [(-0.0135, 0.0232), (-0.006, 0.0228), (0.0, 0.0226), (0.006, 0.0228),
             (0.0135, 0.0232), (0.006, 0.0274), (0.0015, 0.0268), (-0.0015, 0.0268),
             (-0.006, 0.0274)]  # fmt: skip
    lower = [(-0.012, 0.0224), (-0.007, 0.0176), (0.0, 0.0166), (0.007, 0.0176), (0.012, 0.0224)]
    mouth = [_patch(look, upper, Mat.LIPS, 0.0008), _patch(look, lower, Mat.LIPS, 0.0008)]
    sides = [white, iris, lash, hair, nostril, ears]
    return [*(shape.both_sides() for shape in sides), *mouth]


def _scalp(
    look: Look, thick: float, *, top: float = 0.125, line: float = 0.0, rough: float = 0.0
) -> Shape:
    """Hair over the skull, from the hairline upward, ending thin there.

    Args:
        look: Whose hair.
        thick: How far it stands out.
        top: It ends at this height; below the crown it leaves a bald head.
        line: How far its lower edge is raised.
        rough: Share by which its thickness differs from lock to lock.
    """
    edge = spline(_HAIRLINE, np.abs(np.degrees(_TURNS))) + line
    share = np.array([0.0, 0.06, 0.16, 0.32, 0.5, 0.68, 0.82, 0.93, 1.0])[:, None]
    z = edge[None] + (top - edge[None]) * np.sin(share * np.pi / 2)
    rng = np.random.default_rng([0x4A12, look.seed])
    stands = thick * (0.25 + 0.75 * np.minimum(share / 0.16, 1.0)) * np.ones_like(z)
    stands *= 1.0 + rough * rng.uniform(-1.0, 1.0, stands.shape)
    if top < 0.125:
        stands *= np.minimum((1.0 - share) / 0.2, 1.0)
    points = _outline(np.minimum(z, top), _TURNS[None], grown=stands)
    points[..., 2] += stands * share * (top >= 0.125)
    return grid(points, _hair_material(look), closed=True).flipped()


def _curtain(look: Look, end: float, thick: float) -> Shape:
    """Hair that hangs behind and beside the head down to a height."""
    share = np.linspace(0, 1, 7)[:, None]
    turn = np.radians(np.linspace(72, 288, 17))[None]
    open_ = np.abs(turn - np.pi)
    z = 0.075 + (end + 0.012 * open_ - 0.075) * share
    level = np.maximum(z, 0.03)
    grown = thick * (0.7 + 0.5 * np.sin(share * np.pi * 0.8)) * np.ones_like(z)
    wave = 1.0 + 0.12 * np.cos(turn * 9.0 + look.seed)
    points = _outline(level, turn, grown=grown * wave)
    points[..., 2] = z
    return grid(points, _hair_material(look)).flipped()


def _hair(look: Look) -> list[Shape]:
    """Hair by style; what hats hide is left out."""
    if look.hair in {"helmet", "fullface", "scarf"}:
        return []
    style = "crop" if look.hair in {"cap", "hat", "beanie"} else look.hair
    if style == "bald":
        return [_scalp(look, 0.003, top=0.078)] if look.grey else []
    if style == "crop":
        return [_scalp(look, 0.0035)]
    if style == "curly":
        return [_scalp(look, 0.016, rough=0.35, line=0.002)]
    volume = {"short": 0.0075, "crew": 0.0045, "long": 0.009, "bob": 0.010}.get(style, 0.006)
    parts = [_scalp(look, volume, rough=0.16 if style == "short" else 0.05)]
    material = _hair_material(look)
    if style == "long":
        parts.append(_curtain(look, -0.065, 0.011))
    if style == "bob":
        parts.append(_curtain(look, -0.004, 0.013))
    if style == "bun":
        parts.append(ellipsoid((0.020, 0.024, 0.021), material, (-0.066, 0, 0.082), rings=6))
    if style == "tail":
        path = [(-0.054, 0, 0.085), (-0.076, 0, 0.082), (-0.082, 0, 0.05), (-0.076, 0, 0.0),
                (-0.070, 0, -0.03)]  # fmt: skip
        parts.append(tube(path, [0.009, 0.014, 0.016, 0.012, 0.004], material, sides=9))
    return parts


def _worn(look: Look) -> list[Shape]:
    """Hat, helmet, scarf or spectacles."""
    parts = []
    if look.glasses:
        parts.append(_glasses(look))
    if look.hair == "helmet":
        shell = ellipsoid((0.074, 0.064, 0.070), Mat.PAINT_4, (-0.004, 0, 0.062), rings=10)
        keep = shell.vertices_m[:, 2] > 0.060 + 0.25 * shell.vertices_m[:, 0]
        parts.append(shell.where(np.asarray(keep[shell.triangles].all(axis=1))))
        strap = tube([(0.008, 0.047, 0.07), (0.016, 0.043, 0.02), (0.026, 0.0, -0.014),
                      (0.016, -0.043, 0.02), (0.008, -0.047, 0.07)], 0.0022, Mat.PLASTIC,
                     sides=4)  # fmt: skip
        parts.append(strap)
    if look.hair == "fullface":
        parts += _full_face(look)
    if look.hair in {"cap", "hat", "beanie"}:
        parts += _hat(look.hair)
    if look.hair == "scarf":
        parts.append(_headscarf())
    return parts


def _full_face(look: Look) -> list[Shape]:
    """A motorcyclist's helmet: a shell down to the chin, with a dark visor."""
    shell = ellipsoid((0.080, 0.067, 0.082), Mat.PAINT_4, (0.0, 0, 0.050), rings=look.facets(12))
    # By quads, so that edges are straight.
    quads = shell.vertices_m[shell.triangles].reshape(-1, 6, 3).mean(axis=1)
    at = np.repeat(quads, 2, axis=0)
    visor = (at[:, 0] > 0.022) & (at[:, 2] > 0.036) & (at[:, 2] < 0.088)
    material = np.where(visor, np.uint8(Mat.GLASS), shell.material)
    shell = Shape(shell.vertices_m, shell.triangles, material, shell.tag)
    vent = tube([(0.079, -0.014, 0.022), (0.0815, 0.0, 0.022), (0.079, 0.014, 0.022)], 0.0035,
                Mat.PLASTIC, sides=4)  # fmt: skip
    return [shell.where(at[:, 2] > -0.020), vent]


def _hat(kind: str) -> list[Shape]:
    """A cap, a brimmed hat or a knitted one."""
    low = {"cap": 0.078, "hat": 0.090, "beanie": 0.070}[kind]
    share = np.linspace(0, 1, 8)[:, None]
    z = low + (0.125 - low) * np.sin(share * np.pi / 2)
    tilt = 0.16 if kind != "hat" else 0.0
    points = _outline(z, _TURNS[None], grown=0.009 if kind == "cap" else 0.011)
    points[..., 2] += tilt * points[..., 0] * (1 - share) + 0.008 * share
    dome = grid(points, Mat.PAINT_4, closed=True).flipped()
    if kind == "beanie":
        rows = np.repeat([1.06, 1.06], [1, 1])[:, None, None]
        rim = points[:2] * np.concatenate([rows, rows, np.ones_like(rows)], axis=2)
        return [dome, grid(rim, Mat.PAINT_4, closed=True).flipped()]
    if kind == "cap":
        turn = np.radians(np.linspace(-62, 62, 13))[None]
        out = np.array([0.0, 0.026, 0.046])[:, None] * np.cos(turn * 1.35) ** 0.5
        peak = _outline(np.full_like(out, low), turn, grown=0.009)
        peak[..., 0] += out
        peak[..., 2] += tilt * peak[..., 0] * 0.6 + 0.004 - 2.2 * peak[..., 1] ** 2
        return [dome, grid(peak, Mat.PAINT_4).flipped()]
    brim = lathe([(0.05, 0.0), (0.094, -0.003), (0.096, 0.0), (0.05, 0.004)], Mat.PAINT_4, sides=24)
    band = lathe([(0.0605, 0.002), (0.0605, 0.012)], Mat.PAINT_3, sides=20).scaled(1.04, 0.9, 1)
    return [dome, brim.moved(-0.004, 0, low), band.moved(-0.004, 0, low)]


def _headscarf() -> Shape:
    """A scarf around the head that leaves the face free and falls over the shoulders."""
    turn = np.radians(np.linspace(48, 312, 27))[None]
    share = np.linspace(0, 1, 12)[:, None]
    z = -0.045 + 0.17 * np.sin(share * np.pi / 2)
    # The opening is an oval: above the brow it closes.
    top = np.radians(np.interp(z, [-0.045, 0.0, 0.05, 0.085, 0.1], [4.0, 40.0, 56.0, 36.0, 1.0]))
    turn = top + (turn - turn[0, 0]) / np.ptp(turn) * (2 * np.pi - 2 * top)
    grown = 0.009 + 0.016 * np.clip((0.0 - z) / 0.045, 0, 1) * np.ones_like(turn)
    points = _outline(np.broadcast_to(z, turn.shape).copy(), turn, grown=grown)
    points[..., 2] += 0.007 * share
    return grid(points, Mat.PAINT_4).flipped()


def _glasses(look: Look) -> Shape:
    """Two rims, a bridge and temples."""
    turn = np.linspace(0, 2 * np.pi, 11)
    rim = np.stack([0.0185 + 0.0125 * np.cos(turn), 0.063 + 0.0095 * np.sin(turn)], axis=1)
    at = _on_face(look, rim, 0.0)
    at[:, 0] = 0.0535 - 6.0 * (rim[:, 0] - 0.012) ** 2
    temple = [(0.046, 0.031, 0.066), (0.03, 0.0425, 0.066), (-0.006, 0.0475, 0.064)]
    bridge = [(0.0555, 0.006, 0.064), (0.0575, 0.0, 0.065)]
    side = [tube(path, 0.0013, Mat.PLASTIC, sides=4) for path in (at, np.array(temple),
                                                                    np.array(bridge))]  # fmt: skip
    return join(side).both_sides()
