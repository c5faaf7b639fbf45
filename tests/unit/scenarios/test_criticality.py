"""Criticality-guided choice: every slot its own kind of encounter; cells worked out on paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.compile import compile_draw
from scenarios.criticality import SHAPE, Kinds, following_kinds, nearest, wanted_cell
from scenarios.following import FollowOutcome
from scenarios.loader import load_scenario
from tests.unit.scenarios.factories import LIBRARY, town


def test_as_many_slots_as_cells_want_each_cell_once() -> None:
    wanted = {tuple(wanted_cell(k).tolist()) for k in range(100, 100 + int(np.prod(SHAPE)))}
    assert len(wanted) == 3 * 3 * 2


@pytest.mark.parametrize(
    ("wanted", "passed", "taken", "off"),
    [
        ((0, 0, 0), [1, 1, 1, 1], 0, 0),
        ((2, 1, 1), [1, 1, 1, 1], 3, 0),  # of two in the cell the closer encounter
        ((2, 1, 1), [1, 1, 1, 0], 2, 0),
        ((2, 2, 1), [1, 1, 0, 0], 1, 1),  # the neighbour below
        ((2, 2, 1), [1, 0, 0, 0], 0, 5),
    ],
)
def test_nearest_cell_is_taken_and_in_it_the_closest_encounter(
    wanted: tuple[int, int, int], passed: list[int], taken: int, off: int
) -> None:
    kinds = Kinds(
        np.array([[0, 0, 0], [2, 2, 0], [2, 1, 1], [2, 1, 1]]), np.array([0.1, 0.8, 0.9, 0.75])
    )
    assert nearest(kinds, np.array(passed, bool), np.array(wanted)) == (taken, off)


def test_closeness_is_the_share_of_the_limit_that_is_left() -> None:
    """A hit is a THW below 0.8 s or a TTC below 2 s."""
    never = np.inf
    outcome = FollowOutcome(
        done=np.ones((3, 1), bool),
        contact=np.zeros((3, 1), bool),
        min_thw_s=np.array([[0.2], [0.4], [0.72]]),
        min_ttc_s=np.array([[never], [1.9], [1.2]]),
        min_gap_m=np.ones((3, 1)),
    )
    kinds = following_kinds(outcome)
    assert kinds.closeness == pytest.approx([0.25, 0.5, 0.6])
    assert kinds.cell[:, 0].tolist() == [0, 1, 1]


def test_guided_draws_are_the_same_twice_and_not_the_random_ones(tmp_path: Path) -> None:
    def draws(method: str) -> list[str]:
        file = tmp_path / f"{method}.yaml"
        sampling = f"sampling: {{method: {method}, target: near_miss, budget: 64}}"
        file.write_text(f"extends: {LIBRARY / 'child_dart_out_ball.yaml'}\n{sampling}\n")
        spec = load_scenario(file)
        return [
            compile_draw(spec, index=town(), root_seed=7, k=k, draw=0).canonical_json()
            for k in range(4)
        ]

    assert draws("criticality") == draws("criticality")
    differ = [a != b for a, b in zip(draws("criticality"), draws("random"), strict=True)]
    assert sum(differ) >= 2
