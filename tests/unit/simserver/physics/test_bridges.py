"""Roads above roads: each body stays on the level it is on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synthgen.simserver.physics import Dynamics, HeightField
from tests.unit.simserver.physics.bodies import add_car, add_walker, make_dynamics, run

HALF_HEIGHT_M = 0.93
CELL_M = 0.25


def crossing(*deck_heights_m: float) -> HeightField:
    """A road along x on the highest of some levels; the others cross it from x = 10 to 20.

    Beside the roads that cross there is nothing below the highest level.
    """
    *decks, top = deck_heights_m
    x = np.arange(0.0, 40.0, CELL_M)
    crosses = (x >= 10.0) & (x <= 20.0)
    z = np.where(crosses, 0.0, top)
    above = [np.where(crosses, level, np.nan) for level in (*decks, top)]
    rows = [np.tile(row, (80, 1)).astype(np.float32) for row in (z, *above)]
    return HeightField(np.array([0.0, -10.0]), CELL_M, rows[0], np.stack(rows[1:]))


def path_of(dynamics: Dynamics, actor_id: int, *, ticks: int) -> NDArray[np.float64]:
    """(ticks, 3) places of an actor, one a tick."""
    bodies = dynamics.set_of(actor_id)
    assert bodies is not None
    places = []
    for _ in range(ticks):
        run(dynamics, 1)
        places.append(bodies.pose(actor_id)[:3])
    return np.array(places)


@pytest.mark.parametrize("levels", [(8.0,), (8.0, 16.0)])
def test_walker_crosses_a_bridge_on_its_deck(levels: tuple[float, ...]) -> None:
    dynamics = make_dynamics(crossing(*levels))
    add_walker(dynamics, x=5.0, z=levels[-1] + HALF_HEIGHT_M)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 2.0, False)
    path = path_of(dynamics, 100, ticks=200)
    assert path[-1, 0] == pytest.approx(25.0, abs=0.1)
    assert path[:, 2] == pytest.approx(levels[-1] + HALF_HEIGHT_M, abs=1e-3)


def test_car_drives_level_over_a_bridge() -> None:
    dynamics = make_dynamics(crossing(8.0))
    add_car(dynamics, x=3.0, z=8.0)
    dynamics.vehicles.set_target_velocity(1, (8.0, 0.0, 0.0))
    path = path_of(dynamics, 1, ticks=80)
    assert path[-1, 0] > 23.0
    assert path[:, 2] == pytest.approx(8.0, abs=0.02)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_walker_stays_on_its_level_of_three(level: int) -> None:
    floor = (0.0, 8.0, 16.0)[level]
    dynamics = make_dynamics(crossing(8.0, 16.0))
    add_walker(dynamics, x=15.0, z=floor + HALF_HEIGHT_M)
    dynamics.walkers.set_control(100, (0.0, 1.0, 0.0), 1.0, False)
    run(dynamics, 100)
    assert dynamics.walkers.pose(100)[1:3] == pytest.approx((5.0, floor + HALF_HEIGHT_M), abs=1e-3)
