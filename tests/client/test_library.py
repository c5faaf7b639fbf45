"""The whole library on towns of ours and of CARLA's: it runs, or says what the map lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.bench.library import library_names, sweep_library

pytestmark = [pytest.mark.server, pytest.mark.long]

REAL_MAPS = Path(__file__).parents[3] / "shared" / "data" / "maps"
REAL_TOWNS = ("Town01", "Town02", "Town10HD")


def test_every_scenario_runs_on_two_towns_of_ours(tmp_path: Path) -> None:
    towns = ("SynthDowntown", "SynthSuburb", "SynthMotorway")
    rows = sweep_library(tmp_path, maps=towns, workers=2)["rows"]
    ran = dict.fromkeys(library_names(), 0)
    for row in rows:
        ran[row["scenario"]] += row["status"] == "ran"
    assert {name: count for name, count in ran.items() if count < 2} == {}


@pytest.mark.skipif(not REAL_MAPS.is_dir(), reason="CARLA's maps are not beside the project")
def test_real_town_runs_a_scenario_or_names_what_it_lacks(tmp_path: Path) -> None:
    towns = [str(REAL_MAPS / f"{name}.xodr") for name in REAL_TOWNS]
    rows = sweep_library(tmp_path, maps=towns, workers=2)["rows"]
    assert {row["status"] for row in rows} <= {"ran", "no_site"}
    refused = [row["why"] for row in rows if row["status"] == "no_site"]
    assert [why for why in refused if "nearest miss" not in why and "has no" not in why] == []
