"""Walkers under direct control through the real client."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np
import pytest

from scenarios.behaviours.commands import Teleport
from scenarios.concrete import Pose
from synthgen.datatypes.actors import ObjectInfo
from synthgen.runner.cast import CastMember
from synthgen.runner.orders import Orders
from tests.client.acting import TICK_S, place, spawn_prop, spawn_walker, speed, ticks

pytestmark = pytest.mark.server


def test_walker_walks_in_its_direction_at_its_speed(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.5, False))
    straight_world.tick()
    assert walker.get_velocity().y == pytest.approx(1.5)
    ticks(straight_world, 39)
    assert place(walker)[1] == pytest.approx(1.5 * 40 * TICK_S, rel=1e-3)
    assert place(walker)[4] == pytest.approx(90.0)


def test_walker_stands_with_its_feet_on_the_ground(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    box = walker.bounding_box
    assert place(walker)[2] + box.location.z - box.extent.z == pytest.approx(0.0, abs=1e-3)


def test_walker_steps_onto_the_sidewalk(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=5.0)
    low = place(walker)[2]
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 1.5, False))
    ticks(straight_world, 50)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 0.0, False))
    ticks(straight_world, 5)
    assert place(walker)[1] == pytest.approx(5.0 + 1.5 * 50 * TICK_S, abs=0.02)
    assert 0.05 < place(walker)[2] - low < 0.25


def test_jump_leaves_the_ground_and_lands(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    low = place(walker)[2]
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, True))
    heights = []
    for _ in range(5):
        straight_world.tick()
        heights.append(place(walker)[2])
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, False))
    ticks(straight_world, 30)
    assert max(heights) > low + 0.4
    assert place(walker)[2] == pytest.approx(low, abs=1e-3)


def test_prop_stops_a_walker(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=1.75)
    spawn_prop(straight_world, x=103.0, y=1.75)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 2.0, False))
    ticks(straight_world, 80)
    assert place(walker)[0] < 103.0


def test_stopped_walker_stays_still(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.0, False))
    ticks(straight_world, 10)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, False))
    ticks(straight_world, 2)
    seen = set()
    for _ in range(50):
        straight_world.tick()
        seen.add(place(walker))
    assert len(seen) == 1
    assert speed(walker) == 0.0


def test_walker_state_places_the_walker_by_its_feet(
    straight_client: Any, straight_world: Any
) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    feet = carla.Transform(carla.Location(105.0, 1.0, 0.0), carla.Rotation(yaw=45.0))
    command = carla.command.ApplyWalkerState(walker, feet, 1.2)
    straight_client.apply_batch_sync([command], True)
    x, y, _, _, yaw, _ = place(walker)
    assert (x, y, yaw) == pytest.approx((105.0, 1.0, 45.0))
    assert speed(walker) == pytest.approx(1.2)
    box = walker.bounding_box
    assert place(walker)[2] + box.location.z - box.extent.z == pytest.approx(0.0, abs=0.02)


def test_walker_that_the_runner_carries_keeps_its_feet_on_the_ground(
    straight_client: Any, straight_world: Any
) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    size_lwh_m = np.array([0.5, 0.5, 1.8])
    info = ObjectInfo(1, "pedestrian", walker.type_id, 12, size_lwh_m, np.zeros(3))
    orders = Orders(straight_client, {"walker": CastMember(info, walker)}, {})
    orders.apply([Teleport("walker", Pose(x_m=105.0, y_m=-1.0, z_m=0.0, yaw_rad=0.0), 1.2)])
    straight_world.tick()
    box = walker.bounding_box
    assert place(walker)[:2] == pytest.approx((105.0, 1.0))
    assert place(walker)[2] + box.location.z - box.extent.z == pytest.approx(0.0, abs=1e-3)


def test_walker_without_physics_can_be_parked_below_the_road(straight_world: Any) -> None:
    walker = spawn_walker(straight_world, x=100.0, y=0.0)
    walker.set_simulate_physics(False)
    walker.set_location(carla.Location(100.0, 0.0, -50.0))
    ticks(straight_world, 20)
    assert place(walker)[:3] == (100.0, 0.0, -50.0)
