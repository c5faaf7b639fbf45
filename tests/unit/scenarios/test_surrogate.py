"""The pre-screen's kernels: the same as numpy gives, a step of all runs at a time, and as paper."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from scenarios import surrogate_kernel
from scenarios.compile import BATCH, Slot, build, sites_for
from scenarios.encounter import Encounter
from scenarios.following import FollowOutcome, chase, follow_model, leader_of
from scenarios.loader import load_scenario
from scenarios.placement.query import crosswalk_station
from scenarios.scene import Scene
from scenarios.spec import ScenarioSpec
from scenarios.surrogate import Calibration, EgoModel, EncounterModel, Outcome, simulate
from scenarios.values import Values, draw_values, satisfied
from scenarios.warmup import made_up_chase, made_up_encounter
from tests.unit.scenarios import numpy_runs
from tests.unit.scenarios.factories import LIBRARY, town

CALM = np.array([[0.0, 1.0, 1.0, 1.0]])


FOLLOWING = (
    "cut_in_wet_night_highway", "dooring_cyclist_swerves_into_ego", "double_cut_in",
    "lead_hard_brake", "walker_along_road",
)  # fmt: skip
CROSSING = tuple(file.stem for file in LIBRARY.glob("*.yaml") if file.stem not in FOLLOWING)


def candidates(name: str) -> tuple[ScenarioSpec, Scene, Encounter | None, Values]:
    """A batch of a scenario's candidates, on the first site of a town."""
    file = LIBRARY / f"{name}.yaml"
    spec = load_scenario(file)
    index = town()
    site = sites_for(spec, index)[0]
    slot = Slot(spec.name, 3, 0, 0)
    values = draw_values(spec, spec.sampling.budget, slot.uniforms)
    values = values.take(np.flatnonzero(satisfied(spec, values))[:BATCH])
    on_crosswalk = "at: crosswalk" in file.read_text()
    crossing_s = crosswalk_station(index, site) if on_crosswalk else 0.0
    return spec, *build(spec, site, values, slot, 8.0, 1.0, crossing_s), values


def table(outcome: Outcome | FollowOutcome) -> np.ndarray:
    """(F, n, p) all that came of the runs."""
    return np.array([getattr(outcome, field.name) for field in fields(outcome)], dtype=np.float64)


@pytest.mark.parametrize("name", sorted(CROSSING))
def test_encounters_come_out_as_numpy_has_them(name: str) -> None:
    *_, encounter, _ = candidates(name)
    assert encounter is not None
    disturbances = Calibration().disturbances()
    found = table(simulate(encounter.model, disturbances))
    expected = table(numpy_runs.simulate(encounter.model, disturbances))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", FOLLOWING)
def test_chases_come_out_as_numpy_has_them(name: str) -> None:
    spec, scene, _, values = candidates(name)
    model = follow_model(spec, scene, values, leader_of(spec) or "", 8.0)
    disturbances = Calibration().disturbances()
    found = table(chase(model, disturbances))
    expected = table(numpy_runs.chase(model, disturbances))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["jaywalk_parked_van", "left_turn_cyclist"])
def test_no_encounter_makes_the_kernel_compile_anew(name: str) -> None:
    *_, encounter, _ = candidates(name)
    assert encounter is not None
    simulate(made_up_encounter(), CALM)
    simulate(encounter.model, CALM)
    assert len(surrogate_kernel.run_all.signatures) == 1


def test_walker_starts_and_meets_when_paper_says() -> None:
    # An ego of 4 x 2 m, 10 m/s from station -30, has its front at the conflict after 2.8 s; the
    # order takes 0.05 s, so a way of 1 s is begun at 1.75 s, at the step of 1.8 s. The walker
    # (1 x 1 m, 1 m/s) is 2.55 m before the conflict area, in it at the step of 1.8 + 2.6 s. The ego
    # is last in it, 0.5 m around the conflict, at the step of 3.2 s: 2 m past it, its tail on it.
    made_up = made_up_encounter()
    other = replace(
        made_up.other, start=np.array([[0.0, -4.05, np.pi / 2]]), travel_s=np.ones(1),
        accel_mps2=np.full(1, 100.0),
    )  # fmt: skip
    outcome = simulate(replace(made_up, other=other, ego=blind(made_up)), CALM)
    assert outcome.start_s[0, 0] == pytest.approx(1.8)
    assert outcome.pet_s[0, 0] == pytest.approx(4.4 - 3.2)
    assert not outcome.contact[0, 0]


def blind(model: EncounterModel) -> EgoModel:
    """The ego of a model, which brakes for nobody."""
    return replace(model.ego, reacts=False)


def test_ego_closes_up_as_paper_says() -> None:
    # 15 m/s behind 10 m/s, 24 m between the middles of cars of 4 m: 20 m are free, 5 m after 3 s.
    made_up = made_up_chase()
    model = replace(
        made_up, ego_mps=np.full(1, 15.0), leader_s=np.full(1, 24.0), reacts=False,
        steps=made_up.steps[:1], duration_s=3.0,
    )  # fmt: skip
    outcome = chase(model, CALM)
    assert outcome.min_gap_m[0, 0] == pytest.approx(5.0)
    assert outcome.min_thw_s[0, 0] == pytest.approx(5.0 / 15.0)
    assert outcome.min_ttc_s[0, 0] == pytest.approx(5.0 / 5.0)
