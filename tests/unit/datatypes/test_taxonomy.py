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


@pytest.mark.parametrize(
    ("name", "tag", "category"),
    [
        ("ParkedVehicle_mercedes_sprinter_4", 15, "van"),
        ("SM_VolkswagenT2_parked2", 14, "van"),
        ("ParkedVehicle_seat_leon_2", 14, "car"),
        ("FireTruck_1", 15, "truck"),
        ("Sprinter_Poster", 3, None),
    ],
)
def test_vehicle_of_the_map_goes_by_its_name_then_by_its_tag(
    name: str, tag: int, category: str | None
) -> None:
    assert default_taxonomy().category_of_map_object(name, tag) == category


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


def test_every_format_names_or_drops_every_category() -> None:
    taxonomy = default_taxonomy()
    assert {name: set(names.categories) for name, names in taxonomy.formats.items()} == {
        name: set(taxonomy.categories) for name in taxonomy.formats
    }


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("categories: {}", "no entry for car"),
        ("categories: {car: Car, boat: Boat}", "no category boat"),
        ("categories: {car: Car}\n    reads: {Ship: boat}", "reads: no category boat"),
        ("categories: {car: Car}\n    tags: {road: Road}", "no entry for tag unlabeled"),
        ("categories: {car: Car}\n    colour: red", "colour"),
    ],
)
def test_format_with_a_gap_is_refused(tmp_path: Path, section: str, message: str) -> None:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(
        "schema: synthgen/taxonomy@1\ncategories:\n"
        "  - {name: car, group: vehicle, tags: [14], length_m: [2.0, 6.0], width_m: [1.0, 2.0],"
        " height_m: [1.0, 2.0]}\n"
        f'blueprints:\n  - {{pattern: "*", category: car}}\nformats:\n  kitti:\n    {section}\n'
    )
    with pytest.raises(ConfigError, match=message):
        load_taxonomy(path)


def test_name_of_a_format_leads_back_to_our_category() -> None:
    kitti = default_taxonomy().formats["kitti"]
    assert [kitti.category_of(name) for name in ("Car", "Person_sitting", "Misc", "Boat")] == [
        "car",
        "pedestrian",
        None,
        None,
    ]
