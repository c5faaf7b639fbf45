"""Commands for many actors at once do what one command each does."""

import numpy as np

from synthgen.simserver.physics import Dynamics, StaticBoxes, flat_ground
from tests.unit.simserver.physics.bodies import add_car, add_walker, make_dynamics


def fleet() -> Dynamics:
    dynamics = make_dynamics()
    for number in range(3):
        add_car(dynamics, number + 1, x=20.0 * number)
    return dynamics


CONTROLS = np.array([[0.5, -2.0, 0.25, 1.0, 0.0, 1.0, 3.0], [2.0, 0.125, -1.0, 0.0, 1.0, 0.0, 0.0]])


def test_controls_of_many_vehicles_are_those_of_each() -> None:
    together, single = fleet(), fleet()
    rows = together.vehicles.rows_of(np.array([3, 1]))
    assert rows is not None
    together.vehicles.set_controls(rows, CONTROLS)
    for actor_id, (*pedals, hand_brake, reverse, manual, gear) in zip(
        (3, 1), CONTROLS.tolist(), strict=True
    ):
        flags = (bool(hand_brake), bool(reverse), bool(manual))
        single.vehicles.set_control(actor_id, (*pedals, *flags, int(gear)))
    np.testing.assert_array_equal(together.vehicles.records, single.vehicles.records)


def test_states_of_many_walkers_are_those_of_each() -> None:
    states = np.array([[1.0, 2.0, 0.25, 0.0, 90.0, 0.0, 1.5], [-3.0, 4.0, 0.0, 5.0, 0.0, 6.0, 0.0]])
    together, single = make_dynamics(), make_dynamics()
    for dynamics in (together, single):
        add_walker(dynamics, 100)
        add_walker(dynamics, 101, x=5.0, y=5.0)
    rows = together.walkers.rows_of(np.array([101, 100]))
    assert rows is not None
    together.walkers.set_states(rows, states)
    for actor_id, row in zip((101, 100), states.tolist(), strict=True):
        single.walkers.set_state(actor_id, row[:3], row[3:6], row[6])
    for name in single.walkers.records.dtype.names or ():
        # NumPy's cosine may differ from the C library's in the last bit.
        np.testing.assert_allclose(
            together.walkers.records[name], single.walkers.records[name], atol=1e-12
        )
    np.testing.assert_array_equal(together.walkers.kinematics, single.walkers.kinematics)


def test_rows_of_an_unknown_or_doubled_actor_are_none() -> None:
    vehicles = fleet().vehicles
    assert vehicles.rows_of(np.array([1, 9])) is None
    assert vehicles.rows_of(np.array([1, 1])) is None


def test_rows_are_found_anew_when_a_vehicle_goes() -> None:
    vehicles = fleet().vehicles
    assert vehicles.rows_of(np.array([2, 3])) is not None
    vehicles.remove(1)
    rows = vehicles.rows_of(np.array([2, 3]))
    assert rows is not None
    assert rows.tolist() == [0, 1]
    vehicles.remove(2)
    assert vehicles.rows_of(np.array([2, 3])) is None


def test_nothing_touches_before_the_first_step() -> None:
    assert Dynamics(flat_ground(), StaticBoxes.none()).contacts == ()
