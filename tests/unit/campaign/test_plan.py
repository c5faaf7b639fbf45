"""The plan: the same everywhere, resumed from what is committed, never mixed with another."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from synthgen.campaign.config import PACKAGE_ROOT, GenerationConfig, load_config
from synthgen.campaign.faults import Fault, FaultKind
from synthgen.campaign.forecast import forecast, frames_per_clip, refuse_absurd
from synthgen.campaign.plan import (
    Plan,
    committed_slots,
    make_plan,
    open_dataset,
    pending,
)
from synthgen.campaign.plan_notes import plan_notes
from synthgen.campaign.quarantine import quarantined_slots, write_quarantine
from synthgen.datatypes.clip_job import CaptureSettings, Slot
from synthgen.errors import ConfigError, DatasetError

JAYWALK = {"file": "scenarios/library/jaywalk_parked_van.yaml", "clips": 3}


def make(folder: Path, **changes: Any) -> Plan:
    """The plan of a small config; its maps are files of any text, for a plan only hashes them."""
    for name in ("North", "South"):
        (folder / f"{name}.xodr").write_text(f"<OpenDRIVE>{name}</OpenDRIVE>")
    fields: dict[str, Any] = {
        "schema": "synthgen/generation@1",
        "name": "test",
        "seed": 1,
        "scenarios": [JAYWALK],
        "maps": [str(folder / "North.xodr")],
        "rig": "sensors/rigs/front.yaml",
        "simulator": {"kind": "embedded"},
        "out": "out",
        **changes,
    }
    return make_plan(GenerationConfig.model_validate(fields), folder)


def commit(dataset: Path, k: int) -> None:
    """A clip folder that has nothing but the part of a manifest that the planner reads."""
    clip = dataset / "clips" / f"{k:02x}" / f"{k:02x}"
    clip.mkdir(parents=True)
    slot = {"scenario": "jaywalk_parked_van", "k": k}
    (clip / "clip.json").write_text(json.dumps({"slot": slot}))


def test_plan_is_the_same_twice(tmp_path: Path) -> None:
    assert make(tmp_path).digest == make(tmp_path).digest


@pytest.mark.parametrize("changes", [{"workers": 7}, {"executor": "ray"}, {"name": "other"}])
def test_who_makes_it_is_no_part_of_the_plan(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert make(tmp_path, **changes).digest == make(tmp_path).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"max_draws": 3},
        {"capture": {"period_ticks": 4}},
        {"simulator": {"kind": "embedded", "quality": "low"}},
        {"scenarios": [{**JAYWALK, "weather": [{"preset": "ClearNoon"}]}]},
    ],
)
def test_what_clips_depend_on_is_part_of_the_plan(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert make(tmp_path, **changes).digest != make(tmp_path).digest


def test_map_is_known_by_its_content(tmp_path: Path) -> None:
    before = make(tmp_path).digest
    other = tmp_path / "moved"
    other.mkdir()
    assert make(other).digest == before
    (tmp_path / "North.xodr").write_text("<OpenDRIVE>rebuilt</OpenDRIVE>")
    config_maps = {"maps": [str(tmp_path / "North.xodr")]}
    assert make(other, **config_maps).digest != before


def test_slots_count_on_over_entries_and_take_maps_and_weathers_in_turn(tmp_path: Path) -> None:
    maps = [str(tmp_path / "North.xodr"), str(tmp_path / "South.xodr")]
    rain = {**JAYWALK, "clips": 2, "weather": [{"preset": "SoftRainNoon"}]}
    plan = make(tmp_path, scenarios=[JAYWALK, rain], maps=maps)
    rows = [(t.slot.k, t.map.name, bool(t.overrides)) for t in plan.slots]
    assert rows == [
        (0, "North", False),
        (1, "South", False),
        (2, "North", False),
        (3, "South", True),
        (4, "North", True),
    ]


def rig_for(folder: Path, blueprint: str) -> str:
    """The front rig, meant for another vehicle."""
    front = PACKAGE_ROOT / "sensors/rigs/front.yaml"
    lines = ["schema: synthgen/rig@1", "name: other", f"includes: [{front}]"]
    file = folder / "rig.yaml"
    file.write_text("\n".join([*lines, f"ego_blueprint: {blueprint}", ""]))
    return str(file)


def test_ego_is_the_vehicle_that_the_rig_is_meant_for(tmp_path: Path) -> None:
    plan = make(tmp_path, rig=rig_for(tmp_path, "vehicle.mercedes.sprinter"))
    assert plan.slots[0].overrides == {"ego_model": "vehicle.mercedes.sprinter"}


def test_mounts_within_the_body_of_the_ego_are_told(tmp_path: Path) -> None:
    assert plan_notes(make(tmp_path)) == []
    # The front rig's camera, 1.68 m high, would look at a van's inside.
    notes = plan_notes(make(tmp_path, rig=rig_for(tmp_path, "vehicle.mercedes.sprinter")))
    assert notes[0].startswith("rig other: cam_front: sits ")


def test_clips_of_another_length_than_the_scenario_says_are_told(tmp_path: Path) -> None:
    [note] = plan_notes(make(tmp_path, capture={"duration_s": 4.0}))
    assert note == (
        "scenario jaywalk_parked_van: says duration 8 s, its clips are 4 s long: the config's "
        "capture.duration_s counts"
    )


def test_what_a_scenario_asks_for_in_vain_is_told(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    text = (PACKAGE_ROOT / str(JAYWALK["file"])).read_text()
    own.write_text(text.replace("control: path", "control: tm"))
    [note] = plan_notes(make(tmp_path, scenarios=[{"file": str(own), "clips": 2}]))
    assert note.startswith(f"{own}:")
    assert "the Traffic Manager drives traffic only" in note


def test_capture_of_nothing_is_refused() -> None:
    # 2.5 s are 50 ticks of 50 ms.
    with pytest.raises(ValueError, match=r"nothing would be captured.* 50 ticks"):
        CaptureSettings(duration_s=2.5, tick_s=0.05, period_ticks=51)
    assert frames_per_clip(CaptureSettings(duration_s=2.5, tick_s=0.05, period_ticks=50)) == 1


def test_scenarios_of_the_library_have_names(tmp_path: Path) -> None:
    named = make(tmp_path, scenarios=[{**JAYWALK, "file": "jaywalk_parked_van"}])
    assert named.digest == make(tmp_path).digest


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"rig": "nuscene"}, "rig nuscene: no such file .*; did you mean nuscenes?"),
        ({"rig": "rigs/kiti.yaml"}, "did you mean kitti?"),
        ({"scenarios": [{"file": "jaywalk_van", "clips": 1}]}, "did you mean jaywalk_parked_van?"),
    ],
)
def test_misspelt_name_is_met_with_the_right_one(
    tmp_path: Path, changes: dict[str, Any], hint: str
) -> None:
    with pytest.raises(ConfigError, match=hint):
        make(tmp_path, **changes)


def test_scenario_that_names_its_ego_keeps_it(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    text = (PACKAGE_ROOT / str(JAYWALK["file"])).read_text()
    own.write_text(text.replace("\nego:\n", "\nego:\n  model: vehicle.nissan.patrol\n"))
    scenarios = [{"file": str(own), "clips": 1}]
    plan = make(tmp_path, rig=rig_for(tmp_path, "vehicle.mercedes.sprinter"), scenarios=scenarios)
    assert plan.slots[0].overrides == {}


def test_rig_for_a_vehicle_of_unknown_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rig other: ego_blueprint: .*vehicle\.no\.car"):
        make(tmp_path, rig=rig_for(tmp_path, "vehicle.no.car"))


def test_committed_slots_are_left_out(tmp_path: Path) -> None:
    plan = make(tmp_path)
    commit(tmp_path / "out", 1)
    assert [task.slot.k for task in pending(plan, tmp_path / "out")] == [0, 2]


def test_unreadable_manifest_is_named(tmp_path: Path) -> None:
    commit(tmp_path, 1)
    (tmp_path / "clips" / "01" / "01" / "clip.json").write_text("{")
    with pytest.raises(DatasetError, match=r"clip\.json"):
        committed_slots(tmp_path)


def test_dataset_of_another_plan_is_refused_with_the_difference(tmp_path: Path) -> None:
    open_dataset(tmp_path / "out", make(tmp_path))
    open_dataset(tmp_path / "out", make(tmp_path))
    with pytest.raises(ConfigError, match=r"another plan \(seed\)"):
        open_dataset(tmp_path / "out", make(tmp_path, seed=2))


def test_frames_of_eight_seconds_at_ten_hertz(tmp_path: Path) -> None:
    assert frames_per_clip(CaptureSettings(duration_s=8.0, tick_s=0.05, period_ticks=2)) == 80
    assert forecast(make(tmp_path)).frames == 240


def test_absurd_job_is_refused(tmp_path: Path) -> None:
    plan = make(tmp_path, scenarios=[{**JAYWALK, "clips": 10_000}])
    with pytest.raises(ConfigError, match="forecast 800000 frames"):
        refuse_absurd(plan, 10**12)


def test_quarantine_says_why_and_how_to_see_it_again(tmp_path: Path) -> None:
    plan = make(tmp_path)
    slot = Slot(scenario="jaywalk_parked_van", k=1)
    jobs = tmp_path / "run" / "faults"
    jobs.mkdir(parents=True)
    (jobs / f"{slot.name}.2.job.json").write_text("{}")
    fault = Fault(kind=FaultKind.SIMULATOR, signature="run|7|SIGSEGV", message="m")
    write_quarantine(tmp_path, plan, slot, "it crashes", [fault], can_try_again=True)
    record = json.loads((tmp_path / "quarantine" / f"{slot.name}.json").read_text())
    assert record["faults"][0]["signature"] == "run|7|SIGSEGV"
    assert any(f"{slot.name}.2.job.json" in command for command in record["reproduce"])
    assert quarantined_slots(tmp_path) == {slot.name}


def test_commands_of_a_quarantined_slot_can_be_pasted_whatever_the_folder(tmp_path: Path) -> None:
    dataset = tmp_path / "Mein Prüfstand's"
    plan = make(tmp_path)
    slot = Slot(scenario="jaywalk_parked_van", k=1)
    jobs = dataset / "run" / "faults"
    jobs.mkdir(parents=True)
    (jobs / f"{slot.name}.2.job.json").write_text("{}")
    write_quarantine(dataset, plan, slot, "it crashes", [], can_try_again=True)
    file = dataset / "quarantine" / f"{slot.name}.json"
    record = json.loads(file.read_text())
    server, capture = record["reproduce"]
    assert shlex.split(record["try_again"])[:2] == ["rm", f"{file},"]
    assert str(dataset / "run" / "maps") in shlex.split(server)
    assert str(jobs / f"{slot.name}.2.job.json") in shlex.split(capture)


def test_draws_that_were_rejected_are_not_to_be_tried_again(tmp_path: Path) -> None:
    slot = Slot(scenario="jaywalk_parked_van", k=1)
    write_quarantine(tmp_path, make(tmp_path), slot, "all rejected", [], can_try_again=False)
    record = json.loads((tmp_path / "quarantine" / f"{slot.name}.json").read_text())
    assert "change the scenario or the seed" in record["try_again"]


@pytest.mark.parametrize("name", ["quickstart.yaml", "carla.yaml", "cluster.yaml"])
def test_shipped_config_can_be_planned(name: str) -> None:
    file = PACKAGE_ROOT / "configs" / "generation" / name
    assert make_plan(load_config(file), PACKAGE_ROOT).slots


WEATHERS = [{"preset": "ClearNoon"}, {"preset": "HardRainNight"}]


def test_scenes_that_vary_in_weather_share_map_and_draws(tmp_path: Path) -> None:
    maps = [str(tmp_path / "North.xodr"), str(tmp_path / "South.xodr")]
    entry = {**JAYWALK, "clips": 4, "vary": "weather", "weather": WEATHERS}
    slots = make(tmp_path, scenarios=[{**JAYWALK, "clips": 1}, entry], maps=maps).slots
    assert [task.overrides.get("scene") for task in slots] == [None, 1, 1, 3, 3]
    assert [task.map.name for task in slots] == ["North", "South", "South", "South", "South"]
    assert [task.overrides["weather"] for task in slots[1:]] == 2 * WEATHERS


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"clips": 3, "weather": WEATHERS},
            "expected a multiple of the 2 weathers to vary, found 3",
        ),
        ({"clips": 2}, "vary: weather needs a list of at least 2 weathers, found 0"),
    ],
)
def test_sets_that_cannot_be_whole_are_refused(
    tmp_path: Path, entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path, scenarios=[{**JAYWALK, "vary": "weather", **entry}])
