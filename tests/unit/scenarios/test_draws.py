"""Draws: the same on every run, each value on its own stream, encounters as asked for."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.compile import Slot, build, compile_draw, sites_for
from scenarios.concretise import rounded_all
from scenarios.encounter import solve, travel_time
from scenarios.loader import load_scenario
from scenarios.metrics import Metrics
from scenarios.scene import looked_up, meet_of
from scenarios.spec import ScenarioSpec
from scenarios.stand_in import play
from scenarios.surrogate import Calibration, simulate
from scenarios.values import draw_values, satisfied
from scenarios.verify import is_hit, verify
from synthgen.datatypes.seeds import seed_sequence
from synthgen.errors import ConfigError, ScenarioRejected
from tests.unit.scenarios.factories import LIBRARY, town

ROOT = Path(__file__).parents[3]
JAYWALK = LIBRARY / "jaywalk_parked_van.yaml"


def edited(tmp_path: Path, text: str) -> ScenarioSpec:
    """The jaywalk scenario with some fields replaced."""
    file = tmp_path / "edited.yaml"
    file.write_text(f"extends: {JAYWALK}\n{text}")
    return load_scenario(file)


def first_draw(spec: ScenarioSpec, k: int = 0, seed: int = 7):  # type: ignore[no-untyped-def]  # a ConcreteScenario
    return compile_draw(spec, index=town(), root_seed=seed, k=k, draw=0)


def test_draw_is_the_same_twice() -> None:
    spec = load_scenario(JAYWALK)
    assert first_draw(spec).canonical_json() == first_draw(spec).canonical_json()


def test_draws_differ_between_slots_draws_and_seeds() -> None:
    spec = load_scenario(JAYWALK)
    one = first_draw(spec).digest()
    assert one != first_draw(spec, k=1).digest()
    assert one != first_draw(spec, seed=8).digest()


def test_compiling_never_imports_carla() -> None:
    town()  # builds the map's index, if need be, in a process that may
    code = (
        "import sys\n"
        "from tests.unit.scenarios.test_draws import JAYWALK, first_draw, load_scenario\n"
        "first_draw(load_scenario(JAYWALK))\n"
        "print('carla' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


def test_new_parameter_changes_no_other_value(tmp_path: Path) -> None:
    before = first_draw(load_scenario(JAYWALK)).parameters
    after = first_draw(edited(tmp_path, 'params: {extra: {uniform: ["1 m", "2 m"]}}\n')).parameters
    assert {k: v for k, v in after.items() if k != "extra"} == before


def test_mix_of_traffic_is_written_as_shares_and_only_if_asked_for(tmp_path: Path) -> None:
    text = "traffic: {mix: {car: 6, truck: 2}, pedestrian_mix: {adult: 4, child: 1}}\n"
    mixed = first_draw(edited(tmp_path, text))
    plain = first_draw(load_scenario(JAYWALK))
    assert mixed.traffic.mix == {"car": 0.75, "truck": 0.25}
    assert mixed.traffic.walker_mix == {"adult": 0.8, "child": 0.2}
    assert mixed.model_copy(update={"traffic": plain.traffic}) == plain
    assert "mix" not in plain.canonical_json()


def test_other_weather_changes_nothing_but_the_weather() -> None:
    spec = load_scenario(JAYWALK)
    plain = first_draw(spec)
    night = compile_draw(
        spec, index=town(), root_seed=7, k=0, draw=0,
        overrides={"weather": {"preset": "HardRainNight"}},
    )  # fmt: skip
    assert night.weather != plain.weather
    assert night.actors == plain.actors
    assert night.traffic == plain.traffic


def test_ego_may_be_another_vehicle_than_the_usual_one() -> None:
    spec = load_scenario(JAYWALK)
    van = compile_draw(
        spec, index=town(), root_seed=7, k=0, draw=0,
        overrides={"ego_model": "vehicle.mercedes.sprinter"},
    )  # fmt: skip
    assert van.ego.blueprint == "vehicle.mercedes.sprinter"
    assert van.ego.size_lwh_m[0] - first_draw(spec).ego.size_lwh_m[0] == pytest.approx(1.023)


def test_scene_of_another_slot_is_drawn_alike() -> None:
    spec = load_scenario(JAYWALK)
    twin = compile_draw(
        spec, index=town(), root_seed=7, k=5, draw=0,
        overrides={"scene": 0, "weather": {"preset": "HardRainNight"}},
    )  # fmt: skip
    plain = first_draw(spec)
    own = {"weather": plain.weather, "parameters": twin.parameters}
    assert twin.model_copy(update={"weather": plain.weather}) == plain.model_copy(update=own)
    drawn = {k: v for k, v in plain.parameters.items() if not k.startswith("weather.")}
    assert twin.parameters == drawn


def test_pinned_parameter_is_taken_and_others_stay() -> None:
    spec = load_scenario(JAYWALK)
    pinned = compile_draw(
        spec, index=town(), root_seed=7, k=0, draw=0, prescreen=False,
        overrides={"params": {"ego_speed": "36 km/h"}},
    )  # fmt: skip
    free = compile_draw(spec, index=town(), root_seed=7, k=0, draw=0, prescreen=False)
    assert pinned.parameters["ego_speed"] == pytest.approx(10.0)
    assert pinned.parameters["walk_speed"] == free.parameters["walk_speed"]


def test_constraints_hold_in_every_draw() -> None:
    spec = load_scenario(JAYWALK)
    drawn = [first_draw(spec, k=k).parameters for k in range(12)]
    assert not any(p["who"] == "elderly" and float(p["walk_speed"]) > 1.6 for p in drawn)


def test_van_stands_its_gap_before_the_walking_line() -> None:
    concrete = first_draw(load_scenario(JAYWALK))
    van, walker = concrete.actor("van"), concrete.actor("walker")
    along = np.array([np.cos(van.start.yaw_rad), np.sin(van.start.yaw_rad)])
    to_walker = np.array([walker.start.x_m - van.start.x_m, walker.start.y_m - van.start.y_m])
    free = float(to_walker @ along) - van.size_lwh_m[0] / 2
    assert free == pytest.approx(concrete.parameters["van_gap"], abs=0.05)


def test_parked_car_keeps_its_clearance_to_the_passing_ego() -> None:
    concrete = first_draw(load_scenario(LIBRARY / "door_opens_in_path.yaml"))
    parked = concrete.actor("parked")
    x, y, yaw = parked.start.x_m, parked.start.y_m, parked.start.yaw_rad
    way = np.asarray(concrete.ego.path_xyz_m)[:, :2] - (x, y)
    ego_t = float((way @ (-np.sin(yaw), np.cos(yaw)))[np.argmin(np.hypot(*way.T))])
    gap = ego_t - parked.size_lwh_m[1] / 2 - concrete.ego.size_lwh_m[1] / 2
    assert gap == pytest.approx(concrete.parameters["clearance"], abs=0.02)


def test_walking_time_from_rest_is_that_of_paper() -> None:
    # 2 m/s at 1 m/s2: 2 s and 2 m to get up to speed, then 4 m in 2 s.
    assert travel_time(np.array([6.0]), np.array([2.0]), np.array([1.0]))[0] == pytest.approx(4.0)
    # Never up to speed: s = a t^2 / 2.
    assert travel_time(np.array([0.5]), np.array([2.0]), np.array([1.0]))[0] == pytest.approx(1.0)


def test_blind_ego_and_no_offset_always_touch(tmp_path: Path) -> None:
    spec = edited(
        tmp_path,
        'ego: {behaviour: [{do: follow_lane, speed: $ego_speed}]}\nparams: {arrival: "0 s"}\n',
    )
    slot = Slot(spec.name, 1, 0, 0)
    values = draw_values(spec, 64, slot.uniforms)
    values = values.take(np.flatnonzero(satisfied(spec, values)))
    site = sites_for(spec, town())[0]
    scene, encounter = build(spec, site, values, slot, 8.0, 1.0)
    assert encounter is not None
    outcome = simulate(encounter.model, np.array([[0.0, 1.0, 1.0, 1.0]]))
    runs = scene.ego.fits & (outcome.start_s[:, 0] > 0.1)
    assert runs.sum() > 20
    assert outcome.contact[runs].all()


def test_offset_moves_the_meeting_by_as_much(tmp_path: Path) -> None:
    spec = edited(
        tmp_path,
        'ego: {behaviour: [{do: follow_lane, speed: "36 km/h"}]}\n'
        'params: {arrival: {grid: ["-0.6 s", "0.6 s"]}, walk_speed: "1.5 m/s", who: adult}\n',
    )
    slot = Slot(spec.name, 1, 0, 0)
    values = draw_values(
        spec, 2, lambda name, n: np.array([0.25, 0.75]) if name == "arrival" else np.full(n, 0.5)
    )
    scene, _ = build(spec, sites_for(spec, town())[0], values, slot, 8.0, 1.0)
    found = meet_of(spec)
    assert found is not None
    encounter = solve(spec, scene, values, found, 8.0)
    outcome = simulate(encounter.model, np.array([[0.0, 1.0, 1.0, 1.0]]))
    assert outcome.start_s[0, 0] - outcome.start_s[1, 0] == pytest.approx(1.2, abs=0.15)


def test_planned_encounter_comes_true_in_a_kinematic_world() -> None:
    spec = load_scenario(JAYWALK)
    errors, hits = [], 0
    for k in range(6):
        concrete = first_draw(spec, k=k)
        metrics = Metrics(concrete, play(concrete))
        errors.append(abs(metrics.offset_error_s()))
        hits += (
            is_hit(concrete, metrics)[0] or is_hit(concrete, metrics)[1] == "reveal_outside_band"
        )
    assert np.median(errors) < 0.15
    assert hits >= 4


def test_ego_brakes_for_the_animal_it_is_to_meet(tmp_path: Path) -> None:
    file = tmp_path / "animal.yaml"
    file.write_text(
        "schema: synthgen/scenario@1\nname: animal\nwhere: {kind: straight}\n"
        "ego: {behaviour: [{do: follow_lane, speed: 12 m/s, react: aeb}]}\n"
        "actors:\n  deer:\n    kind: prop\n    model: static.prop.trashbag\n"
        "    at: {lane: kerb_right}\n"
        "    behaviour: [{do: dart_out, speed: 2 m/s, meet: {offset: 0 s}}]\n"
    )
    run = play(first_draw(load_scenario(file)))
    assert [event.actor for event in run.events if event.kind == "reacts"][:1] == ["ego"]


def test_who_heads_the_other_way_rides_against_the_traffic(tmp_path: Path) -> None:
    file = tmp_path / "wrong_way.yaml"
    file.write_text(
        "schema: synthgen/scenario@1\nname: wrong_way\nwhere: {kind: straight}\n"
        "ego: {behaviour: [{do: follow_lane, speed: 10 m/s, react: aeb}]}\n"
        "actors:\n  rider:\n    kind: bicycle\n    critical: true\n"
        "    at: {lane: ego, t: -1.2 m, heading: 180 deg}\n"
        "    behaviour: [{do: follow_lane, speed: 5 m/s, meet: {offset: 0.2 s}}]\n"
        "sampling: {target: any}\n"
    )
    concrete = first_draw(load_scenario(file))
    rider, ego = concrete.actor("rider"), concrete.ego
    turn = abs((rider.start.yaw_rad - ego.start.yaw_rad + np.pi) % (2 * np.pi) - np.pi)
    assert turn > np.radians(160)
    apart = [np.hypot(rider.start.x_m - x, rider.start.y_m - y) for x, y, _ in ego.path_xyz_m]
    assert min(apart) == pytest.approx(1.2, abs=0.05)


def test_car_that_backs_out_meets_the_ego_with_its_tail_on_the_ego_s_way() -> None:
    concrete = first_draw(load_scenario(LIBRARY / "reverse_out_of_driveway.yaml"))
    meet = concrete.meet
    assert meet is not None
    way = np.asarray(concrete.ego.path_xyz_m)[:, :2]
    apart = np.hypot(*(way - (meet.conflict_x_m, meet.conflict_y_m)).T).min()
    # `impact` of 0.1 to 0.5 of the ego's width is at most 0.4 of it from its middle.
    assert apart <= 0.4 * concrete.ego.size_lwh_m[1] + 0.1


def test_run_in_which_nobody_moves_is_refused() -> None:
    concrete = first_draw(load_scenario(JAYWALK))
    frozen = concrete.model_copy(
        update={
            "actors": tuple(
                a.model_copy(update={"behaviours": ()}) if a.role == "critical" else a
                for a in concrete.actors
            )
        }
    )
    verdict = verify(frozen, play(frozen))
    assert not verdict.accepted
    assert verdict.reasons == ("never_started: walker",)


def test_map_without_a_site_names_query_and_nearest_miss(tmp_path: Path) -> None:
    spec = edited(tmp_path, 'where: {length_min: 900 m, lanes_same_direction: ">= 4"}\n')
    with pytest.raises(ConfigError) as caught:
        first_draw(spec)
    text = str(caught.value)
    assert text.startswith("jaywalk_parked_van: where: SynthDowntown has no site for {")
    assert "lanes_same_direction" in text
    assert "nearest miss: lane " in text


def test_nearest_miss_says_how_much_is_missing_and_quotes_the_query(tmp_path: Path) -> None:
    query = "where: {length_min: 60 m, speed_limit: '<= 18 km/h', maps: [SynthDowntown]}\n"
    with pytest.raises(ConfigError) as caught:
        first_draw(edited(tmp_path, query))
    text = str(caught.value)
    assert "edge_right: [parking, sidewalk]" in text
    assert "length_min: 60, speed_limit: <= 5}" in text
    assert text.endswith("fails speed_limit (found 50 km/h)")


def test_place_at_the_very_end_of_a_way_is_a_miss_not_a_crash() -> None:
    spec = load_scenario(LIBRARY / "jaywalk_open_road.yaml")
    where = spec.where.model_copy(update={"length_min": 900.0, "fallback": ()})
    with pytest.raises(ConfigError, match=r"nearest miss: lane .* fails .*found \d+ m"):
        first_draw(spec.model_copy(update={"where": where}))


def test_disturbances_begin_with_the_nominal_run() -> None:
    assert Calibration().disturbances()[0] == pytest.approx([0.05, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("file", sorted(LIBRARY.glob("*.yaml")), ids=lambda p: p.stem)
def test_library_file_is_sound_and_says_what_it_is(file: Path) -> None:
    spec = load_scenario(file)
    assert spec.name == file.stem
    assert spec.description
    assert spec.source
    assert spec.tags
    assert spec.expect
    assert any(actor.critical for actor in spec.actors.values())


def test_crosswalk_pedestrian_walks_on_the_crosswalk() -> None:
    spec = load_scenario(LIBRARY / "crosswalk_pedestrian_no_signal.yaml")
    concrete = compile_draw(spec, index=town(), root_seed=7, k=0, draw=0, prescreen=False)
    start, end = np.array(concrete.actor("walker").path_xyz_m)[:, :2]
    stripes = [outline[:, :2] for outline in town().crosswalks]
    middle = (start + end) / 2
    nearest = min(stripes, key=lambda o: float(np.hypot(*(o.mean(axis=0) - middle))))
    along = (end - start) / np.hypot(*(end - start))
    normal = np.array([-along[1], along[0]])
    across = (nearest - start) @ normal
    assert across.min() < 0 < across.max()


@given(st.integers(0, 2**70), st.integers(0, 2**32 - 1))
def test_seeds_are_those_that_numpy_spawns(root_seed: int, k: int) -> None:
    key = (zlib.crc32(b"a"), k, 3, zlib.crc32(b"b"))
    spawned = np.random.SeedSequence(root_seed, spawn_key=key)
    found = seed_sequence(root_seed, "a", k, 3, "b")
    assert found.generate_state(4).tolist() == spawned.generate_state(4).tolist()


@given(st.floats(-5.0, 15.0))
def test_values_are_looked_up_as_numpy_does(x: float) -> None:
    xp, fp = np.array([0.0, 1.0, 4.0, 9.0]), np.array([[0.0, 3.0, 3.5, 2.0], [1.0, 0.0, 7.0, 8.0]])
    expected = [np.interp(x, xp, row) for row in fp]
    assert looked_up(np.array([x, x]), xp, fp).tolist() == expected


@given(st.lists(st.floats(-1e4, 1e4), min_size=1))
def test_many_values_are_rounded_as_each_alone(values: list[float]) -> None:
    assert rounded_all(np.array(values)) == [round(value, 6) for value in values]


def test_half_a_millionth_is_rounded_as_it_is_written() -> None:
    values = [0.5e-6, 1.5e-6, 2.5e-6, -0.5e-6, 12.0000005, 1234.5678905]
    assert rounded_all(np.array(values)) == [round(value, 6) for value in values]


@pytest.mark.parametrize("name", ["SynthDowntown", "SynthSuburb"])
def test_example_of_the_documentation_finds_its_encounter(tmp_path: Path, name: str) -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text()
    file = tmp_path / "example.yaml"
    file.write_text(page.split("```yaml\n")[1].split("```")[0])
    spec = load_scenario(file)
    assert spec.name == "my_crossing"
    assert compile_draw(spec, index=town(name), root_seed=7, k=0, draw=0).actors


def test_window_that_is_too_short_is_not_blamed_on_the_approach() -> None:
    # By default the conflict comes at 0.6 of the window, here 1.8 s: less than the 2 s it needs.
    with pytest.raises(ScenarioRejected, match=r"window_too_short \d+; .* make the clip longer"):
        compile_draw(load_scenario(JAYWALK), index=town(), root_seed=7, k=0, draw=0, duration_s=3.0)
