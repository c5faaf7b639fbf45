"""Collisions as the collision sensor and the spawn calls show them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import carla
import pytest

from tests.client.acting import place, spawn_car, spawn_prop, spawn_walker, speed, ticks

pytestmark = pytest.mark.server


@contextmanager
def collision_sensor(world: Any, parent: Any) -> Iterator[list[Any]]:
    """The events of a collision sensor on an actor."""
    blueprint = world.get_blueprint_library().find("sensor.other.collision")
    sensor = world.spawn_actor(blueprint, carla.Transform(), attach_to=parent)
    events: list[Any] = []
    sensor.listen(events.append)
    world.tick()
    yield events
    sensor.stop()
    sensor.destroy()


def run_into(world: Any, car: Any, mps: float = 10.0, count: int = 40) -> None:
    car.set_target_velocity(carla.Vector3D(mps, 0.0, 0.0))
    ticks(world, count)


def test_collision_with_a_prop_names_it_and_carries_the_impulse(straight_world: Any) -> None:
    car = spawn_car(straight_world, x=100.0)
    prop = spawn_prop(straight_world, x=108.0, y=1.75)
    mass = car.get_physics_control().mass
    with collision_sensor(straight_world, car) as events:
        run_into(straight_world, car)
    assert events
    first = events[0]
    assert first.actor.id == car.id
    assert first.other_actor.id == prop.id
    # Stopped from about 10 m/s, with a little rebound; towards the car's back.
    assert -1.3 * 10.0 * mass < first.normal_impulse.x < -0.8 * 10.0 * mass
    assert place(prop)[0] == pytest.approx(108.0)


def test_two_cars_get_opposite_impulses(straight_world: Any) -> None:
    behind = spawn_car(straight_world, x=100.0)
    ahead = spawn_car(straight_world, x=108.0)
    with (
        collision_sensor(straight_world, behind) as one,
        collision_sensor(straight_world, ahead) as two,
    ):
        run_into(straight_world, behind)
    assert one[0].other_actor.id == ahead.id
    assert two[0].other_actor.id == behind.id
    assert one[0].frame == two[0].frame
    assert one[0].normal_impulse.x == pytest.approx(-two[0].normal_impulse.x)
    assert one[0].normal_impulse.x < 0.0
    assert place(ahead)[0] > 108.1


def test_one_event_per_contact_and_tick(straight_world: Any) -> None:
    car = spawn_car(straight_world, x=100.0)
    spawn_prop(straight_world, x=104.0, y=1.75)
    with collision_sensor(straight_world, car) as events:
        car.apply_control(carla.VehicleControl(throttle=1.0))
        ticks(straight_world, 60)
    frames = [event.frame for event in events]
    assert len(frames) > 10
    assert len(frames) == len(set(frames))


def test_walker_hit_by_a_car_is_thrown_forward(straight_world: Any) -> None:
    car = spawn_car(straight_world, x=100.0)
    walker = spawn_walker(straight_world, x=108.0, y=1.75)
    with collision_sensor(straight_world, car) as events:
        run_into(straight_world, car, mps=8.0, count=25)
    assert events[0].other_actor.id == walker.id
    assert place(walker)[0] > 109.0
    assert speed(car) > 6.0


def test_scenery_is_an_actor_record_without_an_id(straight_world: Any) -> None:
    boxes = straight_world.get_environment_objects(carla.CityObjectLabel.Buildings)
    house = min(boxes, key=lambda item: abs(item.transform.location.x - 300.0))
    center, half = house.bounding_box.location, house.bounding_box.extent
    beside = 1.0 if center.y > 0.0 else -1.0
    reach = max(half.x, half.y)
    car = spawn_car(
        straight_world, x=center.x, y=center.y - beside * (reach + 6.0), yaw=90.0 * beside
    )
    with collision_sensor(straight_world, car) as events:
        car.set_target_velocity(carla.Vector3D(0.0, 12.0 * beside, 0.0))
        ticks(straight_world, 60)
    scenery = [event.other_actor for event in events if event.other_actor.id == 0]
    assert scenery
    # CARLA's names: the tag in lower case without its last s. Programs look for these words.
    named = {(other.type_id, tuple(other.semantic_tags)) for other in scenery}
    assert named <= {("static.pole", (6,)), ("static.building", (3,)), ("static.sidewalk", (2,))}


def test_collisions_switched_off_let_a_car_through(straight_world: Any) -> None:
    car = spawn_car(straight_world, x=100.0)
    spawn_prop(straight_world, x=108.0, y=1.75)
    car.set_collisions(False)
    run_into(straight_world, car, mps=15.0)
    assert place(car)[0] > 112.0


def test_spawn_into_a_vehicle_is_refused_with_carlas_message(straight_world: Any) -> None:
    spawn_car(straight_world, x=100.0)
    blueprint = straight_world.get_blueprint_library().find("vehicle.audi.tt")
    pose = carla.Transform(carla.Location(101.0, 1.75, 0.3))
    assert straight_world.try_spawn_actor(blueprint, pose) is None
    with pytest.raises(RuntimeError, match="Spawn failed because of collision at spawn position"):
        straight_world.spawn_actor(blueprint, pose)


def test_spawn_beside_a_vehicle_is_allowed(straight_world: Any) -> None:
    spawn_car(straight_world, x=100.0)
    blueprint = straight_world.get_blueprint_library().find("vehicle.audi.tt")
    pose = carla.Transform(carla.Location(100.0, 5.25, 0.3))
    assert straight_world.try_spawn_actor(blueprint, pose) is not None


def test_equal_crashes_give_equal_events(straight_world: Any) -> None:
    runs = []
    for _ in range(2):
        first = spawn_car(straight_world, x=100.0, y=1.2)
        second = spawn_car(straight_world, x=107.0, yaw=20.0)
        with collision_sensor(straight_world, first) as events:
            run_into(straight_world, first, mps=12.0)
        impulses = [(e.normal_impulse.x, e.normal_impulse.y) for e in events]
        runs.append((impulses, place(first), place(second)))
        first.destroy()
        second.destroy()
        straight_world.tick()
    assert runs[0] == runs[1]
