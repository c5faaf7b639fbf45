"""What CARLA's own smoke tests ask of a server, in our words."""

import re
from typing import Any

import carla
import numpy as np
import pytest

from tests.client.acting import ticks

pytestmark = pytest.mark.server


def test_client_and_server_speak_the_same_version(client: carla.Client) -> None:
    assert client.get_client_version() == client.get_server_version()


def test_every_blueprint_id_has_three_parts(library: carla.BlueprintLibrary) -> None:
    assert [b.id for b in library if not re.match(r"\S+\.\S+\.\S+", b.id)] == []


def _pose(transform: carla.Transform) -> list[float]:
    place, turn = transform.location, transform.rotation
    # The height is left out: the cars are falling.
    return [place.x, place.y, turn.pitch, np.cos(np.radians(turn.yaw)), turn.roll]


def test_a_van_fits_on_every_spawn_point_and_stays_there(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    points = world.get_map().get_spawn_points()
    blueprint = library.find("vehicle.mercedes.sprinter")
    batch = [carla.command.SpawnActor(blueprint, point) for point in points]
    answers = client.apply_batch_sync(batch, True)
    assert [answer.error for answer in answers if answer.error] == []
    frame = world.tick()
    snapshot = world.get_snapshot()
    assert frame == snapshot.timestamp.frame
    assert all(snapshot.has_actor(actor.id) for actor in world.get_actors())
    found = [_pose(snapshot.find(answer.actor_id).get_transform()) for answer in answers]
    np.testing.assert_allclose(found, [_pose(point) for point in points], atol=0.005)


def test_car_without_friction_keeps_its_speed(straight_world: Any) -> None:
    blueprint = straight_world.get_blueprint_library().find("vehicle.audi.tt")
    car = straight_world.spawn_actor(
        blueprint, carla.Transform(carla.Location(200.0, 1.75, 0.2), carla.Rotation())
    )
    ticks(straight_world, 10)
    physics = car.get_physics_control()
    wheels = physics.wheels
    for wheel in wheels:
        wheel.tire_friction = 0.0
    physics.wheels, physics.drag_coefficient = wheels, 0.0
    car.apply_physics_control(physics)
    straight_world.tick()
    car.set_target_velocity(carla.Vector3D(100.0 / 3.6, 0.0, 0.0))
    straight_world.tick()
    assert car.get_velocity().x == pytest.approx(100.0 / 3.6, abs=1e-3)
    ticks(straight_world, 100)
    assert car.get_velocity().x == pytest.approx(100.0 / 3.6, abs=0.1)


def test_every_prop_can_be_spawned(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    place = world.get_map().get_spawn_points()[0].location
    batch = [
        carla.command.SpawnActor(
            prop, carla.Transform(carla.Location(place.x, place.y, place.z + 100.0 * number))
        )
        for number, prop in enumerate(library.filter("static.prop.*"))
    ]
    answers = client.apply_batch_sync(batch, True)
    assert [answer.error for answer in answers if answer.error] == []
