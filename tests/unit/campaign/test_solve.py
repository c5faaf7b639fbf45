"""The jobs of a plan, solved: one scenario's jobs depend on no other scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthgen.campaign.config import GenerationConfig
from synthgen.campaign.plan import make_plan
from synthgen.campaign.solve import solve_plan

ROOT = Path(__file__).parents[3]


def rows(names: list[str], processes: int = 1) -> list[dict[str, Any]]:
    """The solved jobs of a config with two clips of each scenario."""
    library = ROOT / "scenarios" / "library"
    content = {
        "schema": "synthgen/generation@1",
        "name": "solved",
        "seed": 3,
        "scenarios": [{"file": str(library / f"{name}.yaml"), "clips": 2} for name in names],
        "maps": ["SynthDowntown", "SynthSuburb"],
        "rig": str(ROOT / "sensors/rigs/front.yaml"),
        "simulator": {"kind": "embedded"},
        "out": "out",
    }
    plan = make_plan(GenerationConfig.model_validate(content), ROOT)
    return list(solve_plan(plan, processes=processes))


def test_job_names_its_town_place_and_values() -> None:
    first = rows(["jaywalk_open_road"])[0]
    assert (first["scenario"], first["k"], first["map"]) == (
        "jaywalk_open_road",
        0,
        "SynthDowntown",
    )
    assert first["draw"] is not None
    assert {"ego_speed", "walk_speed", "arrival"} <= set(first["parameters"])


def test_another_scenario_changes_no_job() -> None:
    alone = rows(["jaywalk_open_road"])
    beside = rows(["door_opens_in_path", "jaywalk_open_road", "lead_hard_brake"])
    assert [row for row in beside if row["scenario"] == "jaywalk_open_road"] == alone


def test_number_of_processes_changes_no_job() -> None:
    names = ["jaywalk_open_road", "lead_hard_brake"]
    assert rows(names, processes=2) == rows(names)
