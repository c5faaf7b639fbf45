"""Walking, jumping, kerbs, being hit."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.simserver.physics import Contact, Dynamics, HeightField
from tests.unit.simserver.physics.bodies import (
    TICK_S,
    add_car,
    add_walker,
    contacts_of_a_step,
    make_box,
    make_dynamics,
    make_slope,
    run,
    speed,
)

HALF_HEIGHT_M = 0.93


def kerb(rise_m: float) -> HeightField:
    """Ground that is higher by a step at x = 5."""
    z = np.zeros((2, 1000), np.float32)
    z[:, 500:] = rise_m
    return HeightField(np.array([0.0, -50.0]), 0.01, z)


def test_walker_walks_at_its_speed_at_once() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (0.0, 1.0, 0.0), 1.5, False)
    run(dynamics, 1)
    assert dynamics.walkers.velocity(100) == pytest.approx((0.0, 1.5, 0.0))
    run(dynamics, 99)
    assert dynamics.walkers.pose(100)[:3] == pytest.approx((0.0, 7.5, HALF_HEIGHT_M))


def test_walker_turns_to_where_it_goes() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (-1.0, -1.0, 0.0), 1.0, False)
    run(dynamics, 10)
    assert dynamics.walkers.pose(100)[4] == pytest.approx(-135.0)


def test_length_of_the_direction_does_not_matter() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (4.0, 0.0, 0.0), 1.0, False)
    run(dynamics, 20)
    assert dynamics.walkers.pose(100)[0] == pytest.approx(1.0)


def test_standing_walker_stays_bit_still() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics, x=1.0, z=2.0)
    run(dynamics, 40)
    before = dynamics.walkers.kinematics.tobytes()
    run(dynamics, 200)
    assert dynamics.walkers.kinematics.tobytes() == before
    assert dynamics.walkers.pose(100)[2] == pytest.approx(HALF_HEIGHT_M)


def test_distance_walked_adds_up() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 2.0, False)
    run(dynamics, 50)
    dynamics.walkers.set_control(100, (0.0, 0.0, 0.0), 0.0, False)
    run(dynamics, 50)
    assert dynamics.walkers.distances_m[0] == pytest.approx(2.0 * 50 * TICK_S)


def test_jump_rises_and_lands_as_a_throw_does() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    run(dynamics, 5)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 0.0, True)
    heights = []
    for _ in range(14):
        run(dynamics, 1)
        heights.append(dynamics.walkers.pose(100)[2])
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 0.0, False)
    # Unreal's jump: 4.2 m/s, so v^2 / 2 g high.
    assert max(heights) - HALF_HEIGHT_M == pytest.approx(4.2**2 / (2 * 9.81), abs=0.05)
    run(dynamics, 20)
    assert dynamics.walkers.pose(100)[2] == pytest.approx(HALF_HEIGHT_M)


@pytest.mark.parametrize("rise_m", [0.15, 0.24, -0.2])
def test_walker_steps_over_a_kerb(rise_m: float) -> None:
    dynamics = make_dynamics(kerb(rise_m))
    add_walker(dynamics, x=4.0, y=-50.0)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 1.4, False)
    run(dynamics, 40)
    assert dynamics.walkers.pose(100)[0] == pytest.approx(4.0 + 1.4 * 2.0)
    assert dynamics.walkers.pose(100)[2] == pytest.approx(HALF_HEIGHT_M + rise_m)


def test_walker_does_not_climb_a_wall_in_the_ground() -> None:
    dynamics = make_dynamics(kerb(0.8))
    add_walker(dynamics, x=4.0, y=-50.0)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 1.4, False)
    run(dynamics, 40)
    assert dynamics.walkers.pose(100)[0] < 5.0
    assert dynamics.walkers.pose(100)[2] < HALF_HEIGHT_M + 0.3


def test_walker_never_sinks_into_a_slope() -> None:
    dynamics = make_dynamics(make_slope(0.2))
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (1.0, 0.3, 0.0), 3.0, False)
    for _ in range(60):
        run(dynamics, 1)
        x, _, z, *_ = dynamics.walkers.pose(100)
        assert z - HALF_HEIGHT_M == pytest.approx(0.2 * x, abs=1e-4)


def test_wall_stops_a_walker() -> None:
    dynamics = make_dynamics(statics=make_box(5.0, 0.0, (0.2, 10.0, 1.5)))
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 1.4, False)
    contacts: list[Contact] = []
    for _ in range(100):
        contacts += contacts_of_a_step(dynamics)
    assert dynamics.walkers.pose(100)[0] == pytest.approx(5.0 - 0.2 - 0.19, abs=0.03)
    assert contacts[0].static_index == 0
    assert contacts[0].normal_impulse[0] < 0.0


def test_walker_slides_along_a_wall() -> None:
    dynamics = make_dynamics(statics=make_box(5.0, 0.0, (0.2, 50.0, 1.5)))
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (1.0, 1.0, 0.0), 2.0, False)
    run(dynamics, 200)
    assert dynamics.walkers.pose(100)[1] > 10.0


def test_walker_passes_a_pole_that_it_meets_a_little_aside() -> None:
    # A lamp post 0.1 m beside the walker's way, as behind a kerb of SynthDowntown.
    dynamics = make_dynamics(statics=make_box(3.0, 0.1, (0.12, 0.12, 4.0)))
    add_walker(dynamics)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 1.4, False)
    nearest_m = min(np.hypot(*_after_a_step(dynamics, (3.0, 0.1))) for _ in range(100))
    assert dynamics.walkers.pose(100)[0] > 5.0
    assert nearest_m == pytest.approx(0.12 + 0.19, abs=0.03)


def _after_a_step(dynamics: Dynamics, place: tuple[float, float]) -> tuple[float, float]:
    """From the place to the walker."""
    run(dynamics, 1)
    x, y = dynamics.walkers.pose(100)[:2]
    return x - place[0], y - place[1]


def test_walker_does_not_push_a_parked_car() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, x=5.0)
    add_walker(dynamics)
    run(dynamics, 60)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 2.0, False)
    run(dynamics, 100)
    assert dynamics.vehicles.pose(1)[0] == 5.0
    assert dynamics.walkers.pose(100)[0] < 2.5


def test_car_that_hits_a_walker_throws_it_and_slows_down_a_little() -> None:
    dynamics = make_dynamics()
    add_car(dynamics)
    add_walker(dynamics, x=4.0)
    dynamics.vehicles.set_target_velocity(1, (12.0, 0.0, 0.0))
    contacts: list[Contact] = []
    before = after = 12.0
    for _ in range(12):
        before = after
        contacts = list(contacts_of_a_step(dynamics))
        after = speed(dynamics, 1)
        if contacts:
            break
    assert speed(dynamics, 100) > 10.0
    mass_kg = float(dynamics.vehicles.records["mass"][0])
    # One body of 75 kg, restitution 0.15: m1 m2 / (m1 + m2) (1 + e) v.
    expected = mass_kg * 75.0 / (mass_kg + 75.0) * 1.15 * before
    assert contacts[0].actor_id == 1
    assert contacts[0].normal_impulse[0] == pytest.approx(-expected, rel=0.03)
    assert before - after == pytest.approx(expected / mass_kg, rel=0.3)


def test_thrown_walker_comes_to_rest() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    run(dynamics, 5)
    dynamics.walkers.add_impulse(100, (750.0, 0.0, 0.0))
    run(dynamics, 100)
    assert speed(dynamics, 100) == 0.0
    # Sliding at 6 m/s2 from 10 m/s.
    assert dynamics.walkers.pose(100)[0] == pytest.approx(10.0**2 / 12.0, rel=0.05)


def test_two_walkers_block_each_other() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics, 100)
    add_walker(dynamics, 101, x=3.0)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 1.0, False)
    dynamics.walkers.set_control(101, (-1.0, 0.0, 0.0), 1.0, False)
    run(dynamics, 100)
    assert dynamics.walkers.pose(101)[0] - dynamics.walkers.pose(100)[0] > 0.35


def test_state_from_the_clients_crowd_places_the_walker_on_its_feet() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_state(100, (3.0, 4.0, 0.05), (0.0, 90.0, 0.0), 1.3)
    run(dynamics, 1)
    assert dynamics.walkers.pose(100) == pytest.approx((3.0, 4.0, HALF_HEIGHT_M, 0.0, 90.0, 0.0))
    assert dynamics.walkers.velocity(100) == pytest.approx((0.0, 1.3, 0.0))


def test_walker_left_by_the_clients_crowd_stands() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics)
    dynamics.walkers.set_state(100, (3.0, 4.0, 0.0), (0.0, 90.0, 0.0), 1.3)
    run(dynamics, 20)
    assert dynamics.walkers.pose(100)[:2] == (3.0, 4.0)
    assert speed(dynamics, 100) == 0.0


def test_walker_without_physics_stays_where_it_is_put() -> None:
    dynamics = make_dynamics()
    add_walker(dynamics, z=30.0)
    dynamics.walkers.set_simulate_physics(100, False)
    dynamics.walkers.set_control(100, (1.0, 0.0, 0.0), 1.4, False)
    run(dynamics, 20)
    assert dynamics.walkers.pose(100)[:3] == (0.0, 0.0, 30.0)
