"""What a scenario asks of the town itself, its lights, before anyone is on stage."""

from __future__ import annotations

from pathlib import Path

import carla
import pytest

from scenarios.compile import compile_draw
from scenarios.concrete import Signal
from scenarios.loader import load_scenario
from scenarios.placement.map_index import load_index
from synthgen.datatypes.clip_job import (
    CaptureSettings,
    ClipJob,
    MapSource,
    RigSource,
    SimulatorKind,
    Slot,
)
from synthgen.errors import ScenarioRejected
from synthgen.runner.dressing import dress_world

pytestmark = pytest.mark.server

LIBRARY = Path(__file__).parents[2] / "scenarios" / "library"


def test_draw_that_needs_a_light_the_town_lacks_is_rejected(world: carla.World) -> None:
    town = world.get_map()
    index = load_index(town.to_opendrive(), town.name.rpartition("/")[2])
    spec = load_scenario(LIBRARY / "jaywalk_open_road.yaml")
    concrete = compile_draw(spec, index=index, root_seed=7, k=0, draw=0, prescreen=False)
    dark = concrete.model_copy(update={"signals": (Signal(signal_id="90210", state="red"),)})
    job = ClipJob(
        slot=Slot(scenario=spec.name, k=0),
        draw=0,
        clip_id="0" * 16,
        seed=7,
        scenario={},
        rig=RigSource(path="rig", content={}),
        map=MapSource(name=index.name, path=None, sha256=None),
        capture=CaptureSettings(),
        simulator=SimulatorKind(kind="embedded", quality="low"),
        dataset="-",
    )
    with pytest.raises(ScenarioRejected, match="no_light: 90210"):
        dress_world(world, job, dark)
