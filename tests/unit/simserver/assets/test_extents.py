import numpy as np
import pytest

from synthgen.simserver.assets.extents import (
    box_of,
    can_use_wheelchair,
    size_table,
    walker_age,
    walker_gender,
)

WALKERS = [f"walker.pedestrian.{i:04d}" for i in range(1, 53)]
# CARLA 0.9.16, Docs/catalogue_vehicles.md and bp_library.md.
VEHICLE_NAMES = """
audi.a2 audi.etron audi.tt bh.crossbike bmw.grandtourer carlamotors.carlacola
carlamotors.european_hgv carlamotors.firetruck chevrolet.impala citroen.c3 diamondback.century
dodge.charger_2020 dodge.charger_police dodge.charger_police_2020 ford.ambulance ford.crown
ford.mustang gazelle.omafiets harley-davidson.low_rider jeep.wrangler_rubicon kawasaki.ninja
lincoln.mkz_2017 lincoln.mkz_2020 mercedes.coupe mercedes.coupe_2020 mercedes.sprinter
micro.microlino mini.cooper_s mini.cooper_s_2021 mitsubishi.fusorosa nissan.micra nissan.patrol
nissan.patrol_2021 seat.leon tesla.cybertruck tesla.model3 toyota.prius vespa.zx125
volkswagen.t2 volkswagen.t2_2021 yamaha.yzf
"""


def test_every_row_names_a_source() -> None:
    assert [key for key, row in size_table().items() if len(row.source) < 10] == []


def test_every_catalogue_vehicle_has_a_row() -> None:
    assert [v for v in VEHICLE_NAMES.split() if f"vehicle.{v}" not in size_table()] == []


@pytest.mark.parametrize("walker", WALKERS)
def test_walker_box_is_centred_at_mid_height(walker: str) -> None:
    np.testing.assert_array_equal(box_of(walker, {})[0], np.zeros(3))


def test_model3_box_is_carlas() -> None:
    center, extent = box_of("vehicle.tesla.model3", {})
    # Half sizes users read from a CARLA server: 2.3959, 1.0817, 0.7438.
    np.testing.assert_allclose(extent, [2.396, 1.0815, 0.744], atol=1e-3)
    np.testing.assert_allclose(center, [0, 0, 0.744], atol=1e-3)


def test_wheelchair_changes_the_box() -> None:
    _, extent = box_of("walker.pedestrian.0001", {"use_wheelchair": "True"})
    assert extent[2] < 0.7


def test_children_cannot_use_the_wheelchair() -> None:
    assert not can_use_wheelchair("walker.pedestrian.0009")
    standing = box_of("walker.pedestrian.0009", {})
    asked = box_of("walker.pedestrian.0009", {"use_wheelchair": "true"})
    np.testing.assert_array_equal(standing[1], asked[1])


def test_age_and_gender_follow_the_catalogue() -> None:
    assert (walker_age(WALKERS[11]), walker_gender(WALKERS[11])) == ("child", "male")
    assert (walker_age(WALKERS[49]), walker_gender(WALKERS[49])) == ("teenager", "female")


@pytest.mark.parametrize("key", ["vehicle.unknown.car", "walker.pedestrian.0053", "walker.x"])
def test_unknown_blueprint_is_refused(key: str) -> None:
    with pytest.raises(KeyError, match="blueprint"):
        box_of(key, {})
