"""The dry run against geometry worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.bench.fit import KITTI_VIEW
from synthgen.errors import ConfigError
from synthgen.qa.box_table import RawBoxes, heading_of
from synthgen.qa.dry_run import dry_run, hidden_share, project, quantile_draw
from synthgen.qa.policy import Policy
from synthgen.qa.profile import View, hand_default, load_profile

VIEW = View(width_px=1000, height_px=500, focal_px=500, centre_x_px=500, centre_y_px=250)


def make_boxes(centres: list[list[float]], xyxy: list[list[float]] | None = None) -> RawBoxes:
    n = len(centres)
    return RawBoxes(
        np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, -1), np.array(centres),
        np.tile([4.0, 2.0, 2.0], (n, 1)), np.zeros(n),
        np.array(xyxy) if xyxy else np.zeros((n, 4)), np.zeros(n), np.zeros(n),
    )  # fmt: skip


def test_cuboid_ahead_projects_to_its_near_face() -> None:
    boxes = make_boxes([[12.0, 1.0, 0.0]])
    _, clipped = project(boxes.centre_m, boxes.size_lwh_m, boxes.yaw_rad, VIEW)
    # The near face is 10 m ahead, from 0 to 2 m left and 1 m up and down: 500 px / 10 m a metre.
    np.testing.assert_allclose(clipped[0], [400.0, 200.0, 500.0, 300.0])


def test_box_behind_a_nearer_one_is_hidden_by_the_overlap() -> None:
    boxes = make_boxes(
        [[10.0, 0, 0], [20.0, 0, 0]], [[0.0, 0.0, 100.0, 100.0], [50.0, 0.0, 150.0, 100.0]]
    )
    # Two of the five columns of points lie left of x = 100, and the third at it: 3 of 5.
    np.testing.assert_allclose(hidden_share(boxes, np.ones(2, bool)), [0.0, 0.6])


def test_quantiles_of_two_are_a_uniform_distribution() -> None:
    np.testing.assert_allclose(quantile_draw((2.0, 6.0), np.array([0.0, 0.25, 1.0])), [2, 3, 6])


def test_headings_are_the_nearest_quarter() -> None:
    yaw = np.array([0.1, np.pi - 0.1, -np.pi + 0.1, np.pi / 2, -1.2])
    assert heading_of(yaw).tolist() == [0, 1, 1, 2, 2]


def test_dry_run_draws_as_many_objects_as_the_profile_says() -> None:
    run = dry_run(
        hand_default(), KITTI_VIEW, Policy(), np.random.default_rng(3), sequences=800, frames=5
    )
    # The standard error of the mean rate is 6 / sqrt(2) / sqrt(800) = 0.15.
    assert len(run.drawn) / 4000 == pytest.approx(6.0, abs=0.6)


def test_policy_leaves_no_small_box() -> None:
    run = dry_run(hand_default(), KITTI_VIEW, Policy(), np.random.default_rng(4))
    assert run.boxes["box_h_px"].min() >= 25


def test_profile_with_an_unknown_class_is_refused_by_name(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's fixture
    path = tmp_path / "p.yaml"
    path.write_text(
        "schema: synthgen/profile@1\nname: x\ndensity: {mean: 1, dispersion: 1}\n"
        "mix: {tank: 1}\nclasses: {}\nground: {height_m: -1.6}\n"
    )
    with pytest.raises(ConfigError, match="tank"):
        load_profile(path)
