"""Fits: estimators, what is written, and that real data is matched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.loader import load_scenario
from synthgen.bench.fit import KITTI_VIEW, bench_fit
from synthgen.errors import DatasetError
from synthgen.qa.dry_run import dry_run
from synthgen.qa.fit import RealLabels, covering, fit
from synthgen.qa.policy import Policy
from synthgen.qa.profile import Profile, hand_default, load_profile
from synthgen.qa.run_fit import run_fit
from tests.unit.qa.kitti_files import write_tracking_set

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "kitti_tracking"
SCENARIO = Path(__file__).resolve().parents[3] / "scenarios/library/jaywalk_parked_van.yaml"


@pytest.fixture(scope="module")
def fitted() -> Profile:
    rng = np.random.default_rng(1)
    run = dry_run(hand_default(), KITTI_VIEW, Policy(), rng, sequences=40, frames=20)
    return fit(RealLabels(run.boxes, run.frames, KITTI_VIEW, Policy()), hand_default(), rng)


def test_density_counts_what_the_policy_hid(fitted: Profile) -> None:
    # 40 sequences whose rates have a standard deviation of 6 / sqrt(2): standard error 0.67.
    assert fitted.density.mean == pytest.approx(6.0, abs=2.0)


def test_interval_of_the_car_length_holds_the_true_one(fitted: Profile) -> None:
    low, high = fitted.evidence["classes.car.size.length_m"].interval
    assert low <= 4.4 <= high


def test_covering_profile_has_more_of_the_rare_classes(fitted: Profile) -> None:
    wide = covering(fitted)
    assert wide.mix["cyclist"] > fitted.mix["cyclist"]
    assert wide.mix["car"] < fitted.mix["car"]


def test_fit_writes_a_profile_and_a_fragment_that_scenarios_include(tmp_path: Path) -> None:
    real = write_tracking_set(tmp_path / "real", hand_default(), sequences=4, frames=20)
    run_fit(real, tmp_path / "fitted.yaml")
    assert load_profile(tmp_path / "fitted.yaml").provenance is not None
    text = SCENARIO.read_text().replace("traffic: {vehicles: \"6 /km\", pedestrians: \"10 /km\", "
                                        "keep_clear: 30 m}\n", "")  # fmt: skip
    scenario = tmp_path / "mine.yaml"
    scenario.write_text(text + "include: [fitted.scenario.yaml]\n")
    traffic = load_scenario(scenario).traffic
    assert isinstance(traffic.vehicles, float)
    assert traffic.mix is not None
    assert traffic.mix.car > traffic.mix.bicycle > 0.0
    assert traffic.pedestrian_mix is not None
    assert traffic.pedestrian_mix.adult > traffic.pedestrian_mix.child > 0.0


def test_fit_to_a_handful_of_boxes_is_refused(tmp_path: Path) -> None:
    real = write_tracking_set(tmp_path / "real", hand_default(), sequences=1, frames=2)
    with pytest.raises(DatasetError, match="expected 100 boxes"):
        run_fit(real, tmp_path / "fitted.yaml")


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no real sequences at hand")
def test_fit_to_three_real_sequences_beats_the_hand_written_profile() -> None:
    report = bench_fit(REAL, splits=5, seeds=1)
    assert report["auc_drop_mean"] >= 0.07
    assert report["splits_lower"] >= 4
