"""Every blueprint gets a category, and the file's faults are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.datatypes.taxonomy import default_taxonomy, load_taxonomy
from synthgen.errors import ConfigError


@pytest.mark.parametrize(
    ("blueprint", "base_type", "category"),
    [
        ("vehicle.lincoln.mkz_2020", "car", "car"),
        ("vehicle.mitsubishi.fusorosa", "", "bus"),
        ("vehicle.some.newcomer", "van", "van"),
        ("vehicle.bh.crossbike", "bicycle", "bicycle"),
        ("vehicle.vespa.zx125", "", "motorcycle"),
        ("walker.pedestrian.0012", "", "pedestrian"),
        ("static.prop.trafficcone01", "", "traffic_cone"),
        ("static.prop.kiosk_01", "", "prop"),
    ],
)
def test_blueprint_has_category(blueprint: str, base_type: str, category: str) -> None:
    found = default_taxonomy().category_of_blueprint(blueprint, {"base_type": base_type})
    assert found == category


def test_parked_cars_of_the_map_are_cars() -> None:
    assert default_taxonomy().category_of_tag(14) == "car"


def test_buildings_are_no_objects() -> None:
    assert default_taxonomy().category_of_tag(3) is None


def test_road_user_tags_are_those_of_carla() -> None:
    assert default_taxonomy().labelled_tags() == {12, 13, 14, 15, 16, 17, 18, 19}


def test_rule_with_unknown_category_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(
        "schema: synthgen/taxonomy@1\ncategories: []\nblueprints:\n"
        '  - {pattern: "vehicle.*", category: boat}\n'
    )
    with pytest.raises(ConfigError, match="no category boat"):
        load_taxonomy(path)
