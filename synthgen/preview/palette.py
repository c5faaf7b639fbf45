"""Colours of categories in every picture (R, G, B; chosen to differ in lightness as well)."""

from __future__ import annotations

from typing import Final

Colour = tuple[int, int, int]

_CATEGORIES: Final[dict[str, Colour]] = {
    "car": (64, 156, 255),
    "van": (94, 106, 255),
    "truck": (160, 110, 255),
    "bus": (214, 110, 240),
    "motorcycle": (255, 150, 60),
    "bicycle": (255, 200, 60),
    "pedestrian": (255, 70, 90),
}
OTHER: Final[Colour] = (150, 160, 170)
EGO: Final[Colour] = (60, 220, 130)
TEXT: Final[Colour] = (235, 238, 242)
BACKGROUND: Final[Colour] = (22, 25, 30)


def colour_of(category: str) -> Colour:
    """The colour of a category."""
    return _CATEGORIES.get(category, OTHER)
