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
from synthgen.simserver.assets.figure import figure
from synthgen.simserver.assets.gait import CHAIR_X_M, bone_poses, seated_poses
from synthgen.simserver.assets.looks import Look
from synthgen.simserver.assets.shapes import F64, Shape
from synthgen.simserver.assets.skeleton import bones
from synthgen.simserver.assets.wheelchair import wheelchair
from synthgen.simserver.scene import F32

Color = tuple[int, int, int]

WORKER = 52
# Half of what people wear in a street is black, grey, navy or beige.
_TOPS: tuple[Color, ...] = (
    (40, 46, 62), (34, 34, 37), (58, 60, 64), (110, 112, 114), (176, 174, 168), (208, 204, 194),
    (120, 108, 90), (66, 74, 60), (84, 92, 108), (118, 44, 46), (60, 84, 104), (150, 122, 72),
    (104, 68, 84), (168, 96, 66), (92, 120, 128), (52, 66, 58), (150, 160, 172), (136, 60, 52),
)  # fmt: skip
_UNDER: tuple[Color, ...] = (
    (205, 204, 198), (168, 182, 200), (48, 50, 56), (150, 52, 52), (190, 180, 156), (96, 108, 124),
)  # fmt: skip
_BOTTOMS: tuple[Color, ...] = (
    (44, 52, 72), (32, 33, 36), (104, 96, 80), (62, 64, 68), (70, 82, 104), (118, 106, 86),
    (52, 60, 84), (40, 40, 44),
)  # fmt: skip
_SHOES: tuple[Color, ...] = (
    (30, 29, 29), (84, 60, 42), (196, 194, 188), (70, 72, 76), (88, 76, 64), (50, 54, 64),
)  # fmt: skip
_BAGS: tuple[Color, ...] = (
    (96, 42, 40), (40, 42, 46), (98, 72, 48), (50, 70, 58), (62, 70, 96), (120, 112, 96),
)  # fmt: skip
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

    wardrobe = _wardrobe(female=female, child=child)
    chosen = {part: pick(words) for part, words in wardrobe.items()}
    girth = float(rng.uniform(0.90, 1.08))
    glasses, striped = bool(rng.random() < 0.22), bool(rng.random() < 0.3)
    elderly = body.startswith("elderly")
    if elderly:
        chosen |= {"top": pick(("coat", "sweater", "jacket")), "bottom": "trousers"}
        chosen |= {"hair": pick(("bun", "bob", "hat") if female else ("hat", "bald", "short"))}
        chosen["bag"] = "shoulder" if female else "none"
    if number in POLICE:
        chosen |= {"top": "shirt", "bottom": "trousers", "hair": "cap", "bag": "none"}
    if number == WORKER:
        chosen |= {"top": "vest", "bottom": "trousers", "hair": "helmet", "bag": "none"}
        chosen["shoes"] = "boots"
    if seated and chosen["bottom"] in {"skirt", "dress"}:
        chosen["bottom"] = "trousers"
    if chosen["bottom"] == "dress" and chosen["top"] not in {"coat", "tee"}:
        chosen["top"] = "sweater"
    plain = number in POLICE or chosen["top"] not in {"tee", "sweater"}
    return Look(
        stature_m=stature, girth=1.0 if child else girth, female=female, child=child,
        top=chosen["top"], bottom=chosen["bottom"], hair=chosen["hair"], grey=elderly,
        beard="none" if female or child else chosen["beard"],
        glasses=glasses or elderly, striped=striped and not plain, shoes=chosen["shoes"],
        bag="none" if seated else chosen["bag"], seed=number,
    )  # fmt: skip


def _wardrobe(*, female: bool, child: bool) -> dict[str, tuple[str, ...]]:
    """What a walker may wear, the usual more than once."""
    tops: tuple[str, ...] = ("shirt", "jacket", "tee", "coat", "hoodie", "sweater")
    bags: tuple[str, ...] = ("none", "none", "backpack", "shoulder")
    if child:
        tops, bags = ("tee", "sweater", "hoodie", "jacket"), ("none", "none", "backpack")
    elif female:
        bags = ("none", "shoulder", "shoulder", "backpack")
    return {
        "top": tops,
        "bottom": ("trousers", "trousers", "skirt", "dress") if female else
                  ("trousers", "trousers", "trousers", "shorts"),
        "hair": ("long", "bun", "tail", "bob", "long", "curly", "beanie") + (
            () if child else ("scarf",)
        ) if female else ("short", "crew", "short", "curly", "cap", "beanie") + (
            () if child else ("bald",)
        ),
        "beard": ("none", "none", "none", "full", "moustache"),
        "shoes": ("trainers", "shoes", "trainers", "boots") if not child else ("trainers",),
        "bag": bags,
    }  # fmt: skip


def _colors(blueprint_id: str, variant: int) -> F32:
    number = walker_number(blueprint_id)
    rng = np.random.default_rng(np.random.SeedSequence([0xC010, number, abs(variant)]))

    def shade(colors: tuple[Color, ...]) -> F64:
        base = np.array(colors[int(rng.integers(len(colors)))], np.float64)
        return np.clip(base * rng.uniform(0.85, 1.15) + rng.uniform(-8, 8, 3), 8, 235)

    rows = [shade(_TOPS), shade(_BOTTOMS), shade(_SHOES), shade(_BAGS)]
    # Grey hair of the elderly; hats, caps and scarves of others.
    aged = walker_class(blueprint_id).startswith("elderly")
    grey = np.full(3, rng.uniform(110, 200)) if aged else shade(_TOPS)
    under = shade(_UNDER)
    if number in POLICE:
        navy = np.array([26.0, 32.0, 52.0])
        rows = [navy, navy * 0.9, np.full(3, 24.0), np.full(3, 40.0)]
        grey, under = navy, navy * 1.25
    if number == WORKER:
        rows[0], rows[3] = np.array([236.0, 110.0, 24.0]), np.array([228.0, 230.0, 220.0])
        rows[2] = np.array([58.0, 46.0, 38.0])
        grey = np.array([240.0, 190.0, 30.0])
    rows += [grey, under, np.full(3, 208.0), np.full(3, 200.0)]
    return linear(np.array(rows))
