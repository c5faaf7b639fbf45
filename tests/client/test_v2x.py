"""V2X sensors: what is sent is received, by the right ones, with its power and content."""

import time
from typing import Any

import carla
import numpy as np
import pytest

from tests.client.acting import spawn_car, ticks

pytestmark = pytest.mark.server


def _antenna(world: Any, carrier: Any, kind: str = "v2x_custom", **attributes: object) -> Any:
    blueprint = world.get_blueprint_library().find(f"sensor.other.{kind}")
    for name, value in attributes.items():
        blueprint.set_attribute(name, str(value))
    return world.spawn_actor(blueprint, carla.Transform(), attach_to=carrier)


def _listening(world: Any, carrier: Any, kind: str = "v2x_custom", **attributes: object) -> Any:
    """A sensor that listens, and what it hears; a dropped handle would stop it."""
    receiver = _antenna(world, carrier, kind, **attributes)
    found: list[Any] = []
    receiver.listen(found.append)
    return receiver, found


def _arrived(found: list[Any], count: int) -> list[Any]:
    deadline = time.monotonic() + 20.0
    while len(found) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def test_custom_message_reaches_another_car_in_the_next_frame(straight_world: Any) -> None:
    world = straight_world
    first, second = spawn_car(world, x=100.0), spawn_car(world, x=120.0)
    sender = _antenna(world, first)
    _receiver, found = _listening(world, second)
    world.tick()
    sender.send("hello v2x")
    frame = world.tick()
    [packet] = _arrived(found, 1)
    assert (packet.frame, packet.get_message_count()) == (frame, 1)
    content = packet[0].get()["Message"]
    assert content["Message"] == "hello v2x"
    assert content["Header"]["Station ID"] == first.id
    ticks(world, 3)
    assert len(found) == 1


def test_power_falls_by_free_space_loss(straight_world: Any) -> None:
    world = straight_world
    first, second = spawn_car(world, x=100.0), spawn_car(world, x=200.0)
    channel = {"use_etsi_fading": "false", "path_loss_model": "winner", "scenario": "highway"}
    sender = _antenna(world, first, **channel)
    _receiver, found = _listening(world, second, **channel)
    world.tick()
    sender.send("x")
    world.tick()
    [packet] = _arrived(found, 1)
    # 21.5 dBm + 10 dB of antennas - (32.4 + 20 log10(100 m) + 20 log10(5.9 GHz)) dB.
    assert packet[0].power == pytest.approx(-56.32, abs=0.02)


@pytest.mark.parametrize("attributes", [{"filter_distance": 50}, {"receiver_sensitivity": -20}])
def test_far_or_faint_messages_are_not_heard(
    straight_world: Any, attributes: dict[str, Any]
) -> None:
    world = straight_world
    first, second = spawn_car(world, x=100.0), spawn_car(world, x=180.0)
    sender = _antenna(world, first)
    _receiver, found = _listening(world, second, **attributes)
    _near_or_keen, reference = _listening(world, second)
    world.tick()
    sender.send("x")
    world.tick()
    assert len(_arrived(reference, 1)) == 1
    assert found == []


def test_sensor_beside_the_road_sends_and_hears(straight_world: Any) -> None:
    world = straight_world
    car = spawn_car(world, x=100.0)
    mast, at_mast = _listening(world, None)
    mast.set_transform(carla.Transform(carla.Location(110.0, 8.0, 4.0)))
    on_board, in_car = _listening(world, car)
    world.tick()
    mast.send("to the car")
    on_board.send("to the mast")
    world.tick()
    assert _arrived(in_car, 1)[0][0].get()["Message"]["Message"] == "to the car"
    assert _arrived(at_mast, 1)[0][0].get()["Message"]["Message"] == "to the mast"


def test_awareness_message_tells_of_its_vehicle(straight_world: Any) -> None:
    world = straight_world
    first = spawn_car(world, "vehicle.ford.ambulance", x=100.0)
    second = spawn_car(world, x=140.0)
    first.enable_constant_velocity(carla.Vector3D(10.0, 0.0, 0.0))
    first.set_light_state(carla.VehicleLightState(carla.VehicleLightState.LowBeam))
    ticks(world, 5)
    _sender = _antenna(world, first, "v2x")
    _receiver, found = _listening(world, second, "v2x")
    world.tick()
    [packet] = _arrived(found, 1)
    message = packet[0].get()["Message"]
    assert message["Header"]["Station ID"] == first.id
    parameters = message["Message"]["CAM Parameters"]
    assert parameters["Basic Container"]["Station Type"] == "Special Vehicle"
    place = world.get_map().transform_to_geolocation(first.get_location())
    told = parameters["Basic Container"]["Reference Position"]
    assert told["Latitude"] * 1e-7 == pytest.approx(place.latitude, abs=1e-6)
    assert told["Longitude"] * 1e-7 == pytest.approx(place.longitude, abs=1e-6)
    motion = parameters["High Frequency Container"]["Basic Vehicle Container High Frequency"]
    assert motion["Speed"]["Value"] == pytest.approx(1000, abs=2)  # cm/s
    assert motion["Heading"]["Value"] == 900  # tenths of a degree from north: east
    length_m = 2.0 * first.bounding_box.extent.x
    assert motion["Vehicle Length"]["Value"] == pytest.approx(10.0 * length_m, abs=0.5)
    seldom = parameters["Low Frequency Container"]["Basic Vehicle Low Frequency"]
    assert (seldom["Vehicle Role"], seldom["Exterior Light"]) == ("Emergency", 0x80)


def test_a_standing_vehicle_tells_of_itself_once_a_second(straight_world: Any) -> None:
    world = straight_world
    first, second = spawn_car(world, x=100.0), spawn_car(world, x=120.0)
    _sender = _antenna(world, first, "v2x")
    _receiver, found = _listening(world, second, "v2x")
    ticks(world, 61)  # three seconds
    times = [packet.timestamp for packet in _arrived(found, 4)]
    assert np.diff(times) == pytest.approx([1.0] * 3)


def test_a_moving_vehicle_tells_of_itself_every_four_metres(straight_world: Any) -> None:
    world = straight_world
    first, second = spawn_car(world, x=100.0), spawn_car(world, x=160.0)
    first.enable_constant_velocity(carla.Vector3D(17.0, 0.0, 0.0))
    ticks(world, 5)
    _sender = _antenna(world, first, "v2x")
    _receiver, found = _listening(world, second, "v2x")
    ticks(world, 21)
    times = [packet.timestamp for packet in _arrived(found, 5)]
    # 0.85 m a tick: beyond 4 m after five of them.
    assert np.diff(times) == pytest.approx([0.25] * 4)


def test_message_that_is_too_long_is_refused_and_nothing_breaks(straight_world: Any) -> None:
    world = straight_world
    first, second = spawn_car(world, x=100.0), spawn_car(world, x=120.0)
    sender = _antenna(world, first)
    _receiver, found = _listening(world, second)
    world.tick()
    sender.send("x" * 100)
    sender.send("y" * 99)
    world.tick()
    [packet] = _arrived(found, 1)
    assert packet[0].get()["Message"]["Message"] == "y" * 99
