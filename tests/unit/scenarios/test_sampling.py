"""Ways of spreading values over slots, the fitted screen, and the tools around a scenario file."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import scenariogeneration
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from scenarios.calibration import fit_calibration, load_calibration
from scenarios.loader import load_scenario
from scenarios.openscenario import LOSSES, export_openscenario
from scenarios.preview import draw_preview
from scenarios.sampling import pair_coverage, pairwise_rows, spread_uniforms
from scenarios.spec import ScenarioSpec
from scenarios.tools import LIBRARY, SCHEMA_FILE, check_file, library, sample, schema_text
from synthgen.datatypes.seeds import rng_for, seed_for
from synthgen.errors import ConfigError
from synthgen.store.tables import AREAS, LANES
from tests.unit.scenarios.factories import town

HEAD = "schema: synthgen/scenario@1\nname: base\nwhere: {kind: straight}\n"
EGO = "ego: {behaviour: [{do: follow_lane, speed: 10 m/s}]}\n"


def spec_with(tmp_path: Path, text: str) -> ScenarioSpec:
    file = tmp_path / "s.yaml"
    file.write_text(HEAD + EGO + text)
    return load_scenario(file)


def free(name: str, n: int) -> np.ndarray:
    return np.full(n, 0.5)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=6))
def test_pairwise_rows_hold_every_pair(sizes: list[int]) -> None:
    rows = pairwise_rows(sizes)
    assert pair_coverage(rows, sizes) == 1.0
    assert len(rows) <= np.prod(sizes)


def test_pairwise_needs_few_rows() -> None:
    # 13,824 combinations of 8 factors; allpairspy needs 25 rows (docs/scenarios.md 3.1), and no
    # method needs fewer than the product of the two largest axes.
    assert 24 <= len(pairwise_rows([6, 4, 4, 3, 3, 2, 2, 4])) <= 40


def test_grid_crosses_its_axes(tmp_path: Path) -> None:
    spec = spec_with(
        tmp_path,
        'params: {a: {grid: ["1 m", "2 m"]}, b: {grid: ["1 s", "2 s", "3 s"]}}\n'
        "sampling: {method: grid}\n",
    )
    found = set()
    for k in range(6):
        uniforms = spread_uniforms(spec, 1, k, free)
        found.add(tuple(float(d.quantile(uniforms(name, 1))[0]) for name, d in spec.params.items()))
    assert found == set(itertools.product((1.0, 2.0), (1.0, 2.0, 3.0)))


def test_sobol_fills_every_eighth_of_each_parameter(tmp_path: Path) -> None:
    spec = spec_with(
        tmp_path,
        'params: {a: {uniform: ["0 m", "1 m"]}, b: {uniform: ["0 s", "1 s"]}}\n'
        "sampling: {method: sobol}\n",
    )
    for name in ("a", "b"):
        first = [spread_uniforms(spec, 5, k, free)(name, 4)[0] for k in range(8)]
        # A shifted net of 8 points has gaps of one eighth.
        assert np.diff(np.sort(first)) == pytest.approx(np.full(7, 1 / 8))


def test_streams_are_those_of_the_recipe() -> None:
    # crc32("a") = 0xE8B7BE43 and crc32("b") = 0x71BEEFF9 (IEEE 802.3).
    sequence = np.random.SeedSequence(3, spawn_key=(0xE8B7BE43, 1, 2, 0x71BEEFF9))
    assert rng_for(3, "a", 1, 2, "b").random() == np.random.default_rng(sequence).random()
    assert seed_for(3, "a", 1, 2, "b") == int(sequence.generate_state(1, np.uint32)[0])


def test_calibration_is_fitted_written_and_read(tmp_path: Path) -> None:
    runs = [
        {"start_delay_s": 0.1, "actor_speed_ratio": 0.9, "ego_speed_ratio": 1.0} for _ in range(8)
    ]
    file = tmp_path / "screen.yaml"
    file.write_text(fit_calibration(runs).model_dump_json(by_alias=True))
    found = load_calibration(file)
    assert (found.start_delay_s, found.walk_speed_ratio, found.walk_speed_sd) == (0.1, 0.9, 0.0)


def test_calibration_of_too_few_runs_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 runs with an encounter, at least 8"):
        fit_calibration([{"hit": 1.0}])


def test_published_schema_is_the_models() -> None:
    assert SCHEMA_FILE.read_text() == schema_text()


def test_library_holds_24_scenarios_and_every_behaviour() -> None:
    entries = library()
    used = {
        step.do
        for entry in entries
        for actor in load_scenario(entry.file).actors.values()
        for step in actor.behaviour
    }
    assert len(entries) >= 24
    asked = (
        "follow_lane turn follow_path cross_road dart_out walk_along hesitate turn_back cut_in "
        "brake run_red_light open_door reverse idle follow_prop"
    )
    assert set(asked.split()) <= used


def test_constraints_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    spec_with(
        tmp_path,
        'params: {a: {uniform: ["0 m", "1 m"]}}\nconstraints: ["a > 0", "a > 0.99"]\n',
    )
    with pytest.raises(ConfigError, match=r"constraints: .* the worst is 'a > 0.99'"):
        check_file(tmp_path / "s.yaml")


def test_export_is_openscenario_1_0_and_names_its_losses(tmp_path: Path) -> None:
    concrete = sample(LIBRARY / "jaywalk_parked_van.yaml", town(), seed=7)
    export_openscenario(concrete, tmp_path / "x.xosc", map_file="town.xodr")
    root = ET.parse(tmp_path / "x.xosc").getroot()
    header = root.find("FileHeader")
    assert header is not None
    assert (header.get("revMajor"), header.get("revMinor")) == ("1", "0")
    assert LOSSES in header.get("description", "")
    names = {e.get("name") for e in root.iter("ScenarioObject")}
    assert names == {"hero", "van", "car_behind", "walker"}
    export_openscenario(concrete, tmp_path / "again.xosc", map_file="town.xodr")
    assert (tmp_path / "again.xosc").read_bytes() == (tmp_path / "x.xosc").read_bytes()


@pytest.mark.parametrize("name", ["jaywalk_parked_van", "cart_leading_adult", "left_turn_cyclist"])
def test_export_keeps_the_schema_of_openscenario_1_0(name: str, tmp_path: Path) -> None:
    # scenariogeneration installs the schemas of ASAM beside itself.
    folder = Path(scenariogeneration.__file__).parents[1] / "schemas"
    schema = xmlschema.XMLSchema(folder / "OpenSCENARIO_1_0.xsd")
    concrete = sample(LIBRARY / f"{name}.yaml", town(), seed=7)
    export_openscenario(concrete, tmp_path / "x.xosc", map_file="town.xodr")
    assert [fault.reason for fault in schema.iter_errors(tmp_path / "x.xosc")] == []


def test_preview_is_a_picture_and_the_same_twice(tmp_path: Path) -> None:
    concrete = sample(LIBRARY / "jaywalk_parked_van.yaml", town(), seed=7)
    draw_preview(concrete, town(), tmp_path / "a.png")
    draw_preview(concrete, town(), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_map_tables_have_the_store_s_schemas() -> None:
    index = town()
    assert pq.read_schema(index.lanes_parquet).equals(LANES)
    assert pq.read_schema(index.areas_parquet).equals(AREAS)


def test_lane_table_knows_who_follows_whom() -> None:
    rows = pq.read_table(town().lanes_parquet).to_pylist()
    by_id = {row["lane_id"]: row for row in rows}
    for row in rows:
        for successor in row["successors"]:
            assert row["lane_id"] in by_id[successor]["predecessors"]


def test_schema_accepts_units_and_refuses_bare_numbers() -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    duration = schema["properties"]["duration"]["anyOf"]
    assert not any(option.get("type") == "number" for option in duration)
