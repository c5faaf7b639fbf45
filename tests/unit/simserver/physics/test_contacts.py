"""Collisions between vehicles, props and static boxes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from synthgen.simserver.physics import Contact, Dynamics, HeightField, StaticBoxes
from synthgen.simserver.physics.catalogue import entries
from tests.unit.simserver.physics.bodies import (
    CAR,
    add_car,
    contacts_of_a_step,
    make_box,
    make_dynamics,
    make_slope,
    press,
    run,
    speed,
)

MASS_KG = entries()[CAR].mass_kg


def float_free(dynamics: Dynamics, *actor_ids: int) -> None:
    """Take cars out of reach of ground, drag and tyres: only contacts act."""
    for actor_id in actor_ids:
        dynamics.vehicles.set_gravity(actor_id, False)
        control = dynamics.vehicles.physics_control(actor_id)
        control[12] = 0.0
        dynamics.vehicles.set_physics_control(actor_id, control)


def momentum(dynamics: Dynamics) -> tuple[float, float]:
    records = dynamics.vehicles.records
    return (
        float((records["mass"] * records["vx"]).sum()),
        float((records["mass"] * records["vy"]).sum()),
    )


def energy(dynamics: Dynamics) -> float:
    records = dynamics.vehicles.records
    moving = 0.5 * records["mass"] * (records["vx"] ** 2 + records["vy"] ** 2)
    return float((moving + 0.5 * records["inertia"] * records["wz"] ** 2).sum())


def angular_momentum(dynamics: Dynamics) -> float:
    records = dynamics.vehicles.records
    yaw = np.radians(records["yaw"])
    x = records["x"] + records["com_x"] * np.cos(yaw)
    y = records["y"] + records["com_x"] * np.sin(yaw)
    orbital = records["mass"] * (x * records["vy"] - y * records["vx"])
    return float((orbital + records["inertia"] * records["wz"]).sum())


def test_rear_end_collision_shares_the_momentum() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1, x=0.0)
    add_car(dynamics, 2, x=6.0)
    float_free(dynamics, 1, 2)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 10)
    first, second = dynamics.vehicles.velocity(1)[0], dynamics.vehicles.velocity(2)[0]
    assert first + second == pytest.approx(10.0, rel=1e-9)
    # Equal masses and a restitution of 0.15: v (1 - e) / 2 and v (1 + e) / 2.
    assert first == pytest.approx(10.0 * 0.425, rel=1e-6)
    assert second == pytest.approx(10.0 * 0.575, rel=1e-6)


@pytest.mark.parametrize(
    ("y", "yaw", "velocity"),
    [(0.8, 0.0, (12.0, 0.0)), (0.3, 35.0, (9.0, -1.0)), (-1.1, 90.0, (15.0, 2.0))],
)
def test_oblique_collision_conserves_momentum_and_loses_energy(
    y: float, yaw: float, velocity: tuple[float, float]
) -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1, x=0.0, y=y)
    add_car(dynamics, 2, x=7.0, yaw=yaw)
    float_free(dynamics, 1, 2)
    dynamics.vehicles.set_target_velocity(1, (*velocity, 0.0))
    dynamics.vehicles.set_target_velocity(2, (-3.0, 0.0, 0.0))
    before = (*momentum(dynamics), angular_momentum(dynamics), energy(dynamics))
    energies = []
    for _ in range(40):
        run(dynamics, 1)
        energies.append(energy(dynamics))
    after = (*momentum(dynamics), angular_momentum(dynamics))
    assert after[:2] == pytest.approx(before[:2], rel=1e-9, abs=1e-6)
    assert energies[-1] < 0.95 * before[3]
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(energies))
    assert speed(dynamics, 2) > 0.1


def test_angular_momentum_is_kept_while_two_cars_push_each_other() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1, x=0.0, y=0.9)
    add_car(dynamics, 2, x=6.0)
    float_free(dynamics, 1, 2)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    before = angular_momentum(dynamics)
    run(dynamics, 10)
    # Moving boxes apart shifts them by millimetres, hence not exact.
    assert angular_momentum(dynamics) == pytest.approx(before, rel=0.01)
    assert abs(dynamics.vehicles.records["wz"]).max() > 0.1


def test_pile_of_overlapping_cars_comes_apart_without_gaining_energy() -> None:
    dynamics = make_dynamics()
    for index in range(6):
        add_car(dynamics, index + 1, x=1.3 * index, y=0.2 * index, yaw=17.0 * index)
    for _ in range(100):
        run(dynamics, 1)
        assert energy(dynamics) < 1.0
    records = dynamics.vehicles.records
    assert np.ptp(records["x"]) + np.ptp(records["y"]) > 8.0


def test_head_on_into_a_wall_stops_the_car_in_front_of_it() -> None:
    dynamics = make_dynamics(statics=make_box(20.0, 0.0, (0.2, 10.0, 1.5)))
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (15.0, 0.0, 0.0))
    contacts: list[Contact] = []
    furthest = 0.0
    for _ in range(60):
        contacts += contacts_of_a_step(dynamics)
        furthest = max(furthest, dynamics.vehicles.pose(1)[0])
    assert furthest == pytest.approx(20.0 - 0.2 - 2.4, abs=0.2)
    hit = contacts[0]
    assert (hit.actor_id, hit.other_id, hit.static_index) == (1, 0, 0)
    # Momentum before, plus the rebound's.
    assert hit.normal_impulse[0] == pytest.approx(-MASS_KG * 15.0 * 1.15, rel=0.03)
    assert hit.point_m[0] == pytest.approx(19.8, abs=0.2)


def test_one_contact_per_pair_and_tick() -> None:
    dynamics = make_dynamics(statics=make_box(10.0, 0.0, (0.2, 10.0, 1.5)))
    add_car(dynamics)
    press(dynamics, throttle=1.0)
    for _ in range(100):
        contacts = contacts_of_a_step(dynamics)
        keys = [(c.actor_id, c.other_id, c.static_index) for c in contacts]
        assert len(keys) == len(set(keys))
    assert keys == [(1, 0, 0)]


def test_large_box_across_many_grid_cells_is_hit_once() -> None:
    dynamics = make_dynamics(statics=make_box(40.0, 0.0, (20.0, 200.0, 1.5), yaw=0.3))
    add_car(dynamics, x=-5.0, y=3.9)
    dynamics.vehicles.set_target_velocity(1, (20.0, 0.0, 0.0))
    contacts: list[Contact] = []
    for _ in range(60):
        contacts += contacts_of_a_step(dynamics)
    total = sum(c.normal_impulse[0] for c in contacts)
    assert -2.0 * MASS_KG * 20.0 < total < -0.8 * MASS_KG * 20.0


def test_contacts_come_sorted() -> None:
    dynamics = make_dynamics()
    for index, actor_id in enumerate((9, 4, 7, 2)):
        add_car(dynamics, actor_id, x=4.0 * index)
    press(dynamics, 9, throttle=1.0)
    run(dynamics, 1)
    contacts = contacts_of_a_step(dynamics)
    keys = [(c.actor_id, c.other_id) for c in contacts]
    assert keys == sorted(keys)
    assert all(a < b for a, b in keys)


def test_impulse_of_a_contact_is_on_the_lower_id() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 8, x=0.0)
    add_car(dynamics, 3, x=6.0)
    dynamics.vehicles.set_target_velocity(8, (10.0, 0.0, 0.0))
    contacts: list[Contact] = []
    for _ in range(20):
        contacts += contacts_of_a_step(dynamics)
    assert (contacts[0].actor_id, contacts[0].other_id) == (3, 8)
    assert contacts[0].normal_impulse[0] > 0.0


def test_fast_car_does_not_pass_a_thin_pole() -> None:
    dynamics = make_dynamics(statics=make_box(30.0, 0.0, (0.1, 0.1, 3.0)))
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (50.0, 0.0, 0.0))
    run(dynamics, 60)
    assert dynamics.vehicles.pose(1)[0] < 30.0


def test_kerb_high_box_is_driven_over() -> None:
    dynamics = make_dynamics(statics=make_box(10.0, 0.0, (0.2, 5.0, 0.08)))
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    contacts: list[Contact] = []
    for _ in range(40):
        contacts += contacts_of_a_step(dynamics)
    assert contacts == []
    assert dynamics.vehicles.pose(1)[0] > 15.0


def test_kerb_is_a_collision_with_the_ground() -> None:
    z = np.zeros((3, 400), np.float32)
    z[:, 200:] = 0.15
    dynamics = make_dynamics(HeightField(np.array([0.0, -50.0]), 0.25, z))
    add_car(dynamics, x=40.0, y=-49.9)
    dynamics.vehicles.set_target_velocity(1, (8.0, 0.0, 0.0))
    contacts: list[Contact] = []
    for _ in range(60):
        contacts += contacts_of_a_step(dynamics)
    assert {(c.actor_id, c.other_id, c.static_index) for c in contacts} == {(1, 0, None)}
    assert all(c.normal_impulse[0] < 0.0 for c in contacts)
    assert contacts[0].point_m[0] == pytest.approx(49.9, abs=0.3)


def test_steep_ramp_is_no_collision() -> None:
    dynamics = make_dynamics(make_slope(0.2))
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    assert [contact for _ in range(40) for contact in contacts_of_a_step(dynamics)] == []


def test_box_overhead_is_passed_under() -> None:
    overhead = StaticBoxes(np.array([[10.0, 0.0, 5.0]]), np.array([[0.2, 5.0, 0.5]]), np.zeros(1))
    dynamics = make_dynamics(statics=overhead)
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 40)
    assert dynamics.vehicles.pose(1)[0] > 15.0


def test_disabled_static_box_stops_nothing() -> None:
    statics = make_box(10.0, 0.0, (0.2, 5.0, 1.0))
    dynamics = make_dynamics(statics=statics)
    statics.set_enabled([0], False)
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 40)
    assert dynamics.vehicles.pose(1)[0] > 15.0


def test_car_without_collisions_drives_through_others() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1)
    add_car(dynamics, 2, x=10.0)
    dynamics.vehicles.set_collisions(1, False)
    dynamics.vehicles.set_target_velocity(1, (15.0, 0.0, 0.0))
    run(dynamics, 30)
    assert dynamics.vehicles.pose(1)[0] > 15.0
    assert dynamics.vehicles.pose(2)[0] == 10.0


def test_car_without_physics_is_a_wall_to_others() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1)
    add_car(dynamics, 2, x=10.0)
    dynamics.vehicles.set_simulate_physics(2, False)
    dynamics.vehicles.set_target_velocity(1, (15.0, 0.0, 0.0))
    run(dynamics, 40)
    assert dynamics.vehicles.pose(1)[0] < 10.0 - 4.6
    assert dynamics.vehicles.pose(2)[0] == 10.0


def test_car_put_into_another_without_physics_is_a_contact() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1)
    add_car(dynamics, 2, x=10.0)
    run(dynamics, 40)
    dynamics.vehicles.set_simulate_physics(2, False)
    dynamics.vehicles.set_transform(2, (4.5, 0.0, 0.0), (0.0, 0.0, 0.0))
    contacts = contacts_of_a_step(dynamics)
    assert [(c.actor_id, c.other_id) for c in contacts] == [(1, 2)]


def test_cars_that_rest_against_each_other_are_no_contact() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1)
    add_car(dynamics, 2, x=4.8)
    run(dynamics, 20)
    assert contacts_of_a_step(dynamics) == ()


def test_settled_car_wakes_when_it_is_hit() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1, x=10.0)
    run(dynamics, 60)
    add_car(dynamics, 2)
    dynamics.vehicles.set_target_velocity(2, (10.0, 0.0, 0.0))
    run(dynamics, 40)
    assert dynamics.vehicles.pose(1)[0] > 10.1


def test_prop_stands_like_a_rock_until_its_physics_is_on() -> None:
    dynamics = make_dynamics()
    half = (0.2, 0.2, 0.4)
    dynamics.props.add(
        50, location=(10.0, 0.0, 0.0), rotation=(0, 0, 0), box_center_m=(0, 0, 0.4),
        box_extent_m=half,
    )  # fmt: skip
    add_car(dynamics)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 40)
    assert dynamics.props.pose(50)[0] == 10.0
    dynamics.props.set_simulate_physics(50, True)
    dynamics.vehicles.set_target_velocity(1, (10.0, 0.0, 0.0))
    run(dynamics, 40)
    assert dynamics.props.pose(50)[0] > 11.0


def test_loose_prop_falls_and_rests_on_the_ground() -> None:
    dynamics = make_dynamics()
    dynamics.props.add(
        50, location=(0.0, 0.0, 5.0), rotation=(0, 0, 0), box_center_m=(0, 0, 0.4),
        box_extent_m=(0.2, 0.2, 0.4),
    )  # fmt: skip
    dynamics.props.set_simulate_physics(50, True)
    run(dynamics, 60)
    before = dynamics.props.kinematics.tobytes()
    run(dynamics, 50)
    assert dynamics.props.pose(50)[2] == pytest.approx(0.0, abs=1e-9)
    assert dynamics.props.kinematics.tobytes() == before


def test_overlap_of_two_turned_boxes() -> None:
    dynamics = make_dynamics()
    add_car(dynamics, 1, yaw=45.0)
    # The turned car's corner reaches (2.4 + 1.0) / sqrt(2) = 2.404 m along x.
    reach = (2.4 + 1.0) / math.sqrt(2.0)
    low = (0.0, 0.0, 0.75)
    small = (0.5, 0.5, 0.5)
    along = (2.4 - 1.0) / math.sqrt(2.0)
    assert dynamics.overlaps((reach + 0.49, along, 0.0), 0.0, low, small)
    assert not dynamics.overlaps((reach + 0.51, along, 0.0), 0.0, low, small)
    assert not dynamics.overlaps((1.8, -1.8, 0.0), 0.0, low, small)


def test_overlap_looks_at_heights() -> None:
    dynamics = make_dynamics(statics=make_box(10.0, 0.0, (1.0, 1.0, 1.0)))
    half = (0.5, 0.5, 0.5)
    assert dynamics.overlaps((10.0, 0.0, 1.0), 0.0, (0.0, 0.0, 0.5), half)
    assert not dynamics.overlaps((10.0, 0.0, 2.1), 0.0, (0.0, 0.0, 0.5), half)
