"""Walker models: which body and clothes each blueprint wears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synthgen.simserver.assets.colors import linear
from synthgen.simserver.assets.extents import (
    POLICE,
    can_use_wheelchair,
    size_table,
    uses_wheelchair,
    walker_class,
    walker_number,
)
from synthgen.simserver.assets.figure import Look, figure, wheelchair
from synthgen.simserver.assets.gait import CHAIR_X_M, bone_poses, seated_poses
from synthgen.simserver.assets.shapes import F64, Shape
from synthgen.simserver.assets.skeleton import bones
from synthgen.simserver.scene import F32

Color = tuple[int, int, int]

WORKER = 52
_TOPS: tuple[Color, ...] = (
    (44, 58, 92), (150, 34, 40), (36, 38, 42), (196, 196, 190), (66, 92, 70), (196, 150, 60),
    (90, 100, 120), (120, 70, 96), (216, 120, 60), (70, 120, 150), (128, 110, 88), (230, 226, 214),
)  # fmt: skip
_BOTTOMS: tuple[Color, ...] = (
    (40, 50, 78), (30, 31, 34), (92, 84, 70), (62, 64, 70), (70, 84, 110), (110, 96, 76),
)  # fmt: skip
_SHOES: tuple[Color, ...] = ((30, 28, 28), (90, 60, 38), (214, 214, 210), (70, 72, 78))
_BAGS: tuple[Color, ...] = ((120, 34, 34), (40, 44, 50), (96, 66, 40), (40, 80, 60), (60, 70, 110))
SEATED_STATURE_M = 1.58


@dataclass(frozen=True, slots=True)
class BuiltWalker:
    """Shapes by bone with their joints at rest in the actor frame, and the colours."""

    shapes: Mapping[str, Shape]
    pivots_m: Mapping[str, tuple[float, float, float]]
    palette: F32


def build_walker(blueprint_id: str, attributes: Mapping[str, str], variant: int) -> BuiltWalker:
    """The parts of a walker, standing or in a wheelchair."""
    seated = uses_wheelchair(attributes) and can_use_wheelchair(blueprint_id)
    look = look_of(blueprint_id, seated=seated)
    shapes = dict(figure(look))
    order = {name: k for k, name in enumerate(bones())}
    poses = seated_poses(look.stature_m) if seated else bone_poses(look.stature_m)
    pivots = {name: _point(poses[order[name], :, 3]) for name in shapes}
    if seated:
        # A seated figure's parts are stored as they sit.
        shapes = {
            name: Shape(
                shape.vertices_m @ poses[order[name], :, :3].T.astype(np.float64),
                shape.triangles, shape.material, shape.tag,
            )
            for name, shape in shapes.items()
        }  # fmt: skip
        low = -size_table()["walker.class.wheelchair"].size_lwh_m[2] / 2
        for name, (shape, at) in wheelchair().items():
            shapes[name] = shape
            pivots[name] = (at[0] + CHAIR_X_M, at[1], at[2] + low)
    return BuiltWalker(shapes, pivots, _colors(blueprint_id, variant))


def _point(values: F32) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return (x, y, z)


def look_of(blueprint_id: str, *, seated: bool = False) -> Look:
    """Body, clothes, hair and bag of a walker blueprint."""
    number = walker_number(blueprint_id)
    body = walker_class(blueprint_id)
    stature = SEATED_STATURE_M if seated else size_table()[f"walker.class.{body}"].size_lwh_m[2]
    female = body.endswith("_female") or (body == "child_small")
    child = body.startswith("child")
    rng = np.random.default_rng(np.random.SeedSequence([0x77A1, number]))

    def pick(words: tuple[str, ...]) -> str:
        return words[int(rng.integers(len(words)))]

    top = pick(("shirt", "jacket", "tee", "coat") if not child else ("tee", "shirt", "jacket"))
    bottom = pick(("trousers", "trousers", "skirt", "dress") if female else
                  ("trousers", "trousers", "trousers", "shorts"))  # fmt: skip
    hair = pick(("long", "bun", "long", "short") if female else ("short", "short", "cap", "bald"))
    bag = pick(
        ("none", "shoulder", "shoulder", "backpack") if female else ("none", "none", "backpack")
    )
    girth = float(rng.uniform(0.92, 1.03))
    if body.startswith("elderly"):
        top, bottom, bag = "coat", "trousers", "none"
        hair = "bun" if female else "hat"
    if number in POLICE:
        top, bottom, hair, bag = "shirt", "trousers", "cap", "none"
    if number == WORKER:
        top, bottom, hair, bag = "vest", "trousers", "helmet", "none"
    if seated and bottom in {"skirt", "dress"}:
        bottom = "trousers"
    return Look(
        stature_m=stature, girth=1.0 if child else girth, female=female, child=child, top=top,
        bottom=bottom, hair="short" if child and hair == "bald" else hair,
        grey=body.startswith("elderly"), bag="none" if seated else bag,
    )  # fmt: skip


def _colors(blueprint_id: str, variant: int) -> F32:
    number = walker_number(blueprint_id)
    rng = np.random.default_rng(np.random.SeedSequence([0xC010, number, abs(variant)]))

    def shade(colors: tuple[Color, ...]) -> F64:
        base = np.array(colors[int(rng.integers(len(colors)))], np.float64)
        return np.clip(base * rng.uniform(0.85, 1.15) + rng.uniform(-8, 8, 3), 8, 245)

    rows = [shade(_TOPS), shade(_BOTTOMS), shade(_SHOES), shade(_BAGS)]
    grey = np.full(3, rng.uniform(110, 200))
    if number in POLICE:
        navy = np.array([26.0, 32.0, 52.0])
        rows = [navy, navy * 0.9, np.full(3, 24.0), np.full(3, 40.0)]
        grey = navy
    if number == WORKER:
        rows[0], rows[3] = np.array([236.0, 110.0, 24.0]), np.array([228.0, 230.0, 220.0])
        grey = np.array([240.0, 190.0, 30.0])
    rows += [grey, np.full(3, 60.0), np.full(3, 120.0), np.full(3, 200.0)]
    return linear(np.array(rows))
