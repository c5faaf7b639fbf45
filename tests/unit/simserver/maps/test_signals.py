from __future__ import annotations

import carla
import numpy as np
import pytest

from synthgen.simserver.maps.build import build_town
from synthgen.simserver.maps.townmap import Signal, TownMap
from tests.unit.simserver.maps.tiny_roads import TWO_WAY_WITH_WALKS, lane, opendrive, road, sections

JUNCTION_END = '<successor elementType="junction" elementId="9"/>'
LINKED = '<link><predecessor id="-1"/></link>'
FROM_1 = '<predecessor elementType="road" elementId="1" contactPoint="end"/>'


def light(signal_id: int, t: float = -6.0, lanes: str = "", s: float = 98.0) -> str:
    return (
        f'<signal id="{signal_id}" s="{s}" t="{t}" type="1000001" dynamic="yes" orientation="+" '
        f'hOffset="0" name="light">{lanes}</signal>'
    )


def sign(kind: str, value: float = -1.0) -> str:
    return (
        f'<signal id="5" s="97" t="-6" type="{kind}" dynamic="no" orientation="+" '
        f'value="{value}" name="sign"/>'
    )


def town_with(signals: str, *more: str, rest: str = "", junction: bool = True) -> TownMap:
    first = road(
        lanes=TWO_WAY_WITH_WALKS,
        link=JUNCTION_END if junction else "",
        inside=f"<signals>{signals}</signals>",
    )
    return build_town("tiny", opendrive(first, *more, rest=rest), 0)


def only(town: TownMap) -> Signal:
    (signal,) = town.signals
    return signal


def test_light_on_the_right_holds_the_lane_of_its_side() -> None:
    (approach,) = only(town_with(light(5))).approaches
    assert (approach.road_id, approach.lane_id) == ("1", -1)
    # A metre before the end of the lane, heading along the road.
    assert approach.pose.location_m == pytest.approx((99.0, 1.75, 0.0))
    assert approach.pose.yaw_deg == pytest.approx(0.0)


def test_light_beside_a_bridge_stands_at_the_height_of_its_deck() -> None:
    high = '<elevation s="0" a="6" b="0" c="0" d="0"/>'
    crossing = road(20.0, road_id=2, x=98.0, y=-10.0, heading=np.pi / 2)
    bridge = road(elevation=high, inside=f"<signals>{light(5)}</signals>")
    pose = only(build_town("tiny", opendrive(bridge, crossing), 0)).pose
    assert pose.location_m[2] == pytest.approx(6.0)


def test_light_faces_the_traffic_along_its_y_axis() -> None:
    pose = only(town_with(light(5))).pose
    # Traffic heads along +x, so the drivers are towards -x: yaw 90 turns +y there.
    assert pose.yaw_deg == pytest.approx(90.0)
    assert pose.location_m == pytest.approx((98.0, 6.0, 0.12), abs=0.05)


def test_trigger_volume_lies_on_the_lane_before_the_stop_line() -> None:
    signal = only(town_with(light(5)))
    # In the actor's frame x is across the road to the right, y towards the drivers.
    assert signal.trigger_center_m[:2] == pytest.approx([1.75 - 6.0, 98.0 - 99.0 + 2.0], abs=1e-6)
    assert signal.trigger_extent_m[:2] == pytest.approx([0.9 * 1.75, 2.0])


def test_reference_on_a_connecting_road_holds_the_lane_before_it() -> None:
    way = road(
        20.0,
        road_id=2,
        x=100.0,
        junction=9,
        link=FROM_1,
        lanes=sections(right=lane(-1, extra=LINKED)),
        inside='<signals><signalReference id="5" s="1" t="0" orientation="+">'
        '<validity fromLane="-1" toLane="-1"/></signalReference></signals>',
    )
    nowhere = '<validity fromLane="0" toLane="0"/>'
    (approach,) = only(town_with(light(5, lanes=nowhere), way)).approaches
    assert (approach.road_id, approach.lane_id) == ("1", -1)


def test_landmarks_of_one_id_are_one_signal() -> None:
    again = (
        '<signalReference id="5" s="90" t="0" orientation="+">'
        '<validity fromLane="-1" toLane="-1"/></signalReference>'
    )
    assert len(town_with(light(5) + again).signals) == 1


def test_lights_of_one_controller_share_a_phase_of_their_junction() -> None:
    controllers = (
        '<controller id="70"><control signalId="5"/><control signalId="6"/></controller>'
        '<controller id="71"><control signalId="7"/></controller>'
    )
    town = town_with(light(5) + light(6) + light(7), rest=controllers)
    assert [(s.signal_id, s.group, s.phase) for s in town.signals] == [
        ("5", "9", 0),
        ("6", "9", 0),
        ("7", "9", 1),
    ]


def test_post_in_the_carriageway_moves_off_it() -> None:
    assert only(town_with(light(5, t=-1.0))).pose.location_m[1] > 3.5


@pytest.mark.parametrize(
    ("xml", "type_id"),
    [
        (sign("206"), "traffic.stop"),
        (sign("205"), "traffic.yield"),
        (sign("274", 50.0), "traffic.speed_limit.50"),
        (sign("274", 48.0), "traffic.speed_limit.50"),
    ],
)
def test_signs_become_carlas_blueprints(xml: str, type_id: str) -> None:
    assert only(town_with(xml)).type_id == type_id


def test_stop_line_waits_before_the_crosswalk() -> None:
    zebra = (
        '<objects><object id="8" type="crosswalk" name="z" s="95" t="0" hdg="0" length="3" '
        'width="7"/></objects>'
    )
    first = road(
        lanes=TWO_WAY_WITH_WALKS,
        link=JUNCTION_END,
        inside=f"{zebra}<signals>{light(5)}</signals>",
    )
    (approach,) = only(build_town("tiny", opendrive(first), 0)).approaches
    # The crosswalk begins at 93.5; 1.2 m before it, found in steps of 0.25 m.
    assert approach.pose.location_m[0] == pytest.approx(92.3, abs=0.26)


def test_spawn_points_lie_on_lane_centres_and_follow_the_traffic() -> None:
    points = town_with("").spawn_points
    places = np.array([p.location_m for p in points])
    right = places[:, 1] > 0
    assert places[right, 1] == pytest.approx(1.75)
    assert places[~right, 1] == pytest.approx(-1.75)
    assert [round(p.yaw_deg) % 360 for p in points] == [0 if r else 180 for r in right]
    assert places[:, 2] == pytest.approx(0.5)


def left_hand_town(signals: str = "") -> TownMap:
    first = road(
        lanes=TWO_WAY_WITH_WALKS, link=JUNCTION_END, inside=f"<signals>{signals}</signals>"
    )
    left = first.replace('junction="-1"', 'junction="-1" rule="LHT"')
    return build_town("tiny", opendrive(left), 0)


def test_traffic_of_a_left_hand_road_keeps_left() -> None:
    points = left_hand_town().spawn_points
    assert points
    # CARLA's y grows to the right: whoever drives along the road is at negative y.
    assert [round(p.yaw_deg) % 360 for p in points] == [
        0 if p.location_m[1] < 0 else 180 for p in points
    ]


def test_light_of_a_left_hand_road_holds_the_left_lane_at_its_end() -> None:
    signal = only(left_hand_town(light(5, t=6.0)))
    (approach,) = signal.approaches
    assert approach.lane_id == 1
    assert approach.pose.location_m == pytest.approx((99.0, -1.75, 0.0))
    assert approach.pose.yaw_deg == pytest.approx(0.0)


@pytest.mark.parametrize("kind", ["driving", "tram", "bus", "entry", "bidirectional", "stop"])
def test_vehicles_spawn_where_the_client_finds_a_driving_lane(kind: str) -> None:
    text = opendrive(road(lanes=sections(right=lane(-1, kind))))
    is_driven = bool(carla.Map("tiny", text).generate_waypoints(5.0))
    assert bool(build_town("tiny", text, 0).spawn_points) == is_driven


def test_no_spawn_point_in_a_junction() -> None:
    way = road(40.0, road_id=2, x=100.0, junction=9, lanes=sections(right=lane(-1)))
    assert max(p.location_m[0] for p in town_with("", way).spawn_points) < 100.0
