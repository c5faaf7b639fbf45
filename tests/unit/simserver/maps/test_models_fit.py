"""The boxes of environment objects against the models that draw them."""

from __future__ import annotations

import pytest

from synthgen.simserver.assets.library import model_of
from synthgen.simserver.maps import known_maps, load_map
from synthgen.simserver.maps.townmap import EnvironmentObject


def one_of_each_model() -> dict[str, EnvironmentObject]:
    found: dict[str, EnvironmentObject] = {}
    for name in ("SynthDowntown", "SynthSuburb"):
        town = load_map(name, known_maps()[name].read_text(encoding="utf-8"))
        for item in town.objects:
            if item.model_key is not None:
                found.setdefault(item.model_key, item)
    return found


def test_boxes_of_objects_are_those_of_their_models() -> None:
    for key, item in one_of_each_model().items():
        model = model_of(key, item.attributes, item.variant)
        height = item.box_center_m[2] - item.pose.location_m[2]
        assert model.box_extent_m == pytest.approx(item.box_extent_m, abs=0.02), key
        assert model.box_center_m[2] == pytest.approx(height, abs=0.02), key
