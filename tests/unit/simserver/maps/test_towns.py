"""The towns we ship, judged by the client's own OpenDRIVE reader (`carla.Map`)."""

from __future__ import annotations

import carla
import numpy as np
import pytest

from synthgen.simserver.maps import TOWNS_DIR, load_map
from synthgen.simserver.maps.draw_towns import TOWNS
from synthgen.simserver.maps.townmap import TownMap

NAMES = sorted(TOWNS)
LEFT = carla.LaneChange.Left
LIT = ["SynthDowntown", "SynthSuburb"]


def text_of(name: str) -> str:
    return (TOWNS_DIR / f"{name}.xodr").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def carla_maps() -> dict[str, carla.Map]:
    return {name: carla.Map(name, text_of(name)) for name in NAMES}


@pytest.fixture(scope="module")
def towns() -> dict[str, TownMap]:
    return {name: load_map(name, text_of(name)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_shipped_file_is_what_the_program_draws(name: str) -> None:
    assert TOWNS[name]() == text_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_no_lane_is_a_dead_end(name: str, carla_maps: dict[str, carla.Map]) -> None:
    waypoints = carla_maps[name].generate_waypoints(4.0)
    assert len(waypoints) > 500
    assert all(w.next(4.0) for w in waypoints)


@pytest.mark.parametrize("name", NAMES)
def test_no_marking_allows_a_change_into_oncoming_traffic(
    name: str, carla_maps: dict[str, carla.Map]
) -> None:
    # Route planners (`GlobalRoutePlanner`) change to any lane of the road that a marking allows;
    # the centre lines of CARLA's Town01 and Town02, broken as well, have laneChange="none".
    crossed = [
        other
        for w in carla_maps[name].generate_waypoints(5.0)
        if w.left_lane_marking is not None and w.left_lane_marking.lane_change & LEFT
        if (other := w.get_left_lane()) is not None and other.lane_type == carla.LaneType.Driving
        if other.lane_id * w.lane_id < 0
    ]
    assert not crossed


@pytest.mark.parametrize("name", NAMES)
def test_lanes_join_smoothly(name: str, carla_maps: dict[str, carla.Map]) -> None:
    # Half a metre on a curve of 5 m radius turns by 5.7 degrees.
    turns = [
        abs((n.transform.rotation.yaw - w.transform.rotation.yaw + 180.0) % 360.0 - 180.0)
        for w in carla_maps[name].generate_waypoints(3.0)
        for n in w.next(0.5)
    ]
    assert max(turns) < 5.7


@pytest.mark.parametrize("name", NAMES)
def test_lanes_join_without_a_step(name: str, carla_maps: dict[str, carla.Map]) -> None:
    gaps = [
        w.transform.location.distance(n.transform.location)
        for w in carla_maps[name].generate_waypoints(3.0)
        for n in w.next(0.5)
    ]
    assert max(gaps) < 0.65


@pytest.mark.parametrize("name", NAMES)
def test_ground_is_at_the_height_of_the_clients_waypoints(
    name: str, carla_maps: dict[str, carla.Map], towns: dict[str, TownMap]
) -> None:
    places = [w.transform.location for w in carla_maps[name].generate_waypoints(5.0)]
    xyz = np.array([[p.x, p.y, p.z] for p in places])
    z, _, _ = towns[name].ground(xyz[:, :2])
    assert np.abs(z - xyz[:, 2]).max() < 0.015


@pytest.mark.parametrize("name", NAMES)
def test_spawn_points_lie_on_the_clients_lanes(
    name: str, carla_maps: dict[str, carla.Map], towns: dict[str, TownMap]
) -> None:
    misses = []
    for pose in towns[name].spawn_points:
        place = carla.Location(*pose.location_m)
        nearest = carla_maps[name].get_waypoint(place).transform.location
        misses.append(np.hypot(nearest.x - place.x, nearest.y - place.y))
    assert len(misses) >= 200
    assert max(misses) < 0.35


@pytest.mark.parametrize("name", LIT)
def test_crosswalks_are_the_clients(
    name: str, carla_maps: dict[str, carla.Map], towns: dict[str, TownMap]
) -> None:
    theirs = np.array([[p.x, p.y] for p in carla_maps[name].get_crosswalks()])
    ours = np.concatenate([polygon[:, :2] for polygon in towns[name].crosswalks])
    miss = np.linalg.norm(theirs[:, None] - ours[None], axis=2)
    assert miss.min(axis=0).max() < 0.01


@pytest.mark.parametrize("name", NAMES)
def test_every_landmark_has_its_signal(
    name: str, carla_maps: dict[str, carla.Map], towns: dict[str, TownMap]
) -> None:
    landmarks = {landmark.id for landmark in carla_maps[name].get_all_landmarks()}
    assert landmarks == {signal.signal_id for signal in towns[name].signals}


@pytest.mark.parametrize("name", LIT)
def test_approaches_lie_on_the_lanes_they_name(
    name: str, carla_maps: dict[str, carla.Map], towns: dict[str, TownMap]
) -> None:
    lights = [s for s in towns[name].signals if s.type_id == "traffic.traffic_light"]
    for approach in (a for light in lights for a in light.approaches):
        found = carla_maps[name].get_waypoint(carla.Location(*approach.pose.location_m))
        assert (str(found.road_id), found.lane_id) == (approach.road_id, approach.lane_id)


@pytest.mark.parametrize("name", NAMES)
def test_origin_lies_in_bavaria(name: str, carla_maps: dict[str, carla.Map]) -> None:
    place = carla_maps[name].transform_to_geolocation(carla.Location(0.0, 0.0, 0.0))
    assert (round(place.latitude), round(place.longitude)) == (
        48,
        12 if name != "SynthMotorway" else 11,
    )
