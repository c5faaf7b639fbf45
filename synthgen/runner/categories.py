"""The category of what CARLA names otherwise: by base type, or by semantic tag."""

from __future__ import annotations

from typing import Final

import carla

_BASE_TYPES: Final = {
    "car": "car",
    "van": "van",
    "truck": "truck",
    "bus": "bus",
    "motorcycle": "motorcycle",
    "bicycle": "bicycle",
}
# CARLA 0.9.16, Sensors reference, semantic segmentation tags.
_TAGS: Final = {
    12: "pedestrian",
    14: "car",
    15: "truck",
    16: "bus",
    18: "motorcycle",
    19: "bicycle",
}


def category_of(actor: carla.Actor) -> str:
    """Category of an actor: its blueprint's base type, `pedestrian`, or `prop`."""
    if actor.type_id.startswith("walker."):
        return "pedestrian"
    if actor.type_id.startswith("vehicle."):
        return _BASE_TYPES.get(actor.attributes.get("base_type", "car"), "car")
    return "prop"


def category_of_tag(tag: int) -> str:
    """Category of an environment object: its tag's, or `prop`."""
    return _TAGS.get(tag, "prop")
