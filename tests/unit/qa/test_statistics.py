"""Two-sample statistics against scipy, scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from synthgen.geometry.arrays import F64
from synthgen.qa.estimators import ratio, weighted_quantiles
from synthgen.qa.image_table import prepared, statistics
from synthgen.qa.stats.c2st import auc, c2st, sample
from synthgen.qa.stats.clouds import frechet, mmd, prdc, sliced_wasserstein
from synthgen.qa.stats.effects import (
    counted,
    distance,
    drawn_sequences,
    effect,
    holm,
    permuted_p,
    wasserstein,
)
from synthgen.qa.tables import Table


def make_table(values: F64, sequences: int = 10, **columns: F64) -> Table:
    sequence = np.arange(len(values)) % sequences
    names = tuple(f"s{i}" for i in range(sequences))
    return Table(sequence, names, {"value": values, **columns})


def value_of(a: Table, b: Table, name: str = "value", *, by_class: bool = False) -> float:
    column = counted(a, b, name, by_class=by_class)
    return float(distance(column, column.real.sum(0), column.synthetic.sum(0)))


def test_ks_distance_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 240), rng.normal(0.4, 1.3, 200)
    expected = stats.ks_2samp(a, b).statistic
    assert value_of(make_table(a), make_table(b)) == pytest.approx(expected, abs=1e-12)


def test_binned_ks_distance_is_near_scipys_for_many_values() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 9000), rng.normal(0.3, 1, 7000)
    expected = stats.ks_2samp(a, b).statistic
    assert value_of(make_table(a), make_table(b)) == pytest.approx(expected, abs=0.01)


def test_first_wasserstein_distance_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.exponential(2, 150), rng.exponential(3, 170)
    column = counted(make_table(a), make_table(b), "value")
    found = wasserstein(column, column.real.sum(0), column.synthetic.sum(0))
    assert found == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-9)


def test_total_variation_is_half_the_sum_of_differences() -> None:
    a = make_table(np.zeros(10), category=np.array([0.0] * 8 + [1.0] * 2))
    b = make_table(np.zeros(10), category=np.array([0.0] * 5 + [4.0] * 5))
    # |.8 - .5| + |.2 - 0| + |0 - .5| = 1.0, halved.
    assert value_of(a, b, "category") == pytest.approx(0.5)


def test_distance_within_classes_ignores_the_class_mix() -> None:
    cars, walkers = np.linspace(0, 1, 100), np.linspace(5, 6, 100)
    a = make_table(np.concatenate([cars, walkers]), category=np.repeat([0.0, 4.0], 100))
    b = make_table(np.concatenate([cars, walkers[:10]]), category=np.repeat([0.0, 4.0], (100, 10)))
    assert value_of(a, b) > 0.3
    # Ten of the hundred values in a row: a step of at most .91 within that class, weight one half.
    same = make_table(
        np.concatenate([cars, walkers[::9]]), category=np.repeat([0.0, 4.0], (100, 12))
    )
    assert value_of(a, same, by_class=True) < 0.06


def test_an_effect_of_equal_sources_has_an_interval_that_reaches_zero() -> None:
    rng = np.random.default_rng(4)
    a, b = (make_table(rng.normal(size=600), 12) for _ in range(2))
    draws = (drawn_sequences(12, 300, rng), drawn_sequences(12, 300, rng))
    assert effect(counted(a, b, "value"), draws, 0.05).interval[0] < 0.03


def test_permuted_p_of_disjoint_sequences_is_the_least_possible() -> None:
    rng = np.random.default_rng(5)
    a, b = make_table(np.zeros(50)), make_table(np.ones(50))
    labels = np.array([rng.permutation(20) for _ in range(199)])
    assert permuted_p(counted(a, b, "value"), labels) == pytest.approx(1 / 200)


def test_holm_agrees_with_the_textbook() -> None:
    # Wright, Biometrics 48 (1992): p .01 .04 .03 .005 become .03 .06 .06 .02.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_auc_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(6)
    scores, labels = np.round(rng.normal(size=300), 1), rng.random(300) < 0.3
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_classifier_cannot_tell_equal_sources_apart() -> None:
    rng = np.random.default_rng(7)
    a, b = (make_table(rng.normal(size=800), 40) for _ in range(2))
    assert c2st(sample(a, b, ["value"], 800, rng), rng, trees=30).auc == pytest.approx(
        0.5, abs=0.06
    )


def test_classifier_reaches_the_best_possible_auc() -> None:
    rng = np.random.default_rng(8)
    a, b = make_table(rng.normal(size=1500), 30), make_table(rng.normal(1.5, 1, 1500), 30)
    best = stats.norm.cdf(1.5 / np.sqrt(2))
    assert c2st(sample(a, b, ["value"], 2000, rng), rng).auc == pytest.approx(best, abs=0.03)


def test_rows_of_a_sequence_do_not_betray_each_other() -> None:
    rng = np.random.default_rng(9)
    # Every sequence has a value of its own: only folds across sequences could exploit it.
    a, b = (make_table(np.tile(rng.normal(size=12), 40), 12) for _ in range(2))
    assert c2st(sample(a, b, ["value"], 2000, rng), rng, trees=30).auc < 0.8


def test_mmd_of_two_points_has_its_closed_form() -> None:
    a, b = np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]])
    groups = (np.arange(2), np.arange(2))
    found, _ = mmd(a, b, groups, 0, np.random.default_rng(0))
    # The median squared distance is 1: k(0,0) + k(1,1) - 2 k(0,1) = 2 - 2/e.
    assert found == pytest.approx(2 - 2 * np.exp(-1))


def test_frechet_distance_of_shifted_gaussians_is_the_squared_shift() -> None:
    rng = np.random.default_rng(10)
    a = rng.normal(size=(4000, 3))
    assert frechet(a, a + np.array([1.0, 2.0, 0.0])) == pytest.approx(5.0, abs=1e-6)


def test_a_cloud_covers_itself() -> None:
    points = np.random.default_rng(11).normal(size=(200, 4))
    assert prdc(points, points).coverage == 1.0


def test_a_far_cloud_covers_nothing() -> None:
    points = np.random.default_rng(12).normal(size=(200, 4))
    found = prdc(points, points + 50)
    assert (found.coverage, found.precision, found.density) == (0.0, 0.0, 0.0)


def test_sliced_distance_in_one_dimension_is_the_shift() -> None:
    values = np.random.default_rng(13).normal(size=(500, 1))
    found = sliced_wasserstein(values, values + 0.7, np.random.default_rng(0))
    assert found == pytest.approx(0.7, abs=1e-9)


def test_interval_of_one_row_a_sequence_is_students() -> None:
    values = np.random.default_rng(14).normal(3, 1, 25)
    found = ratio(values, np.ones(25), np.arange(25), 25, level=0.95)
    low, high = stats.t.interval(0.95, 24, values.mean(), stats.sem(values))
    np.testing.assert_allclose([found.low, found.high], [low, high], rtol=1e-9)


def test_weighted_median_counts_weights() -> None:
    values, weights = np.array([1.0, 2.0, 10.0]), np.array([1.0, 1.0, 8.0])
    assert weighted_quantiles(values, weights, np.array([0.6]))[0] == pytest.approx(10.0)


def test_image_of_one_grey_has_no_contrast_and_its_luminance() -> None:
    grey = np.full((60, 100, 3), 128, np.uint8)
    found = statistics(prepared(grey))
    np.testing.assert_allclose(found[:2], [128 / 255, 0.0], atol=0.005)
