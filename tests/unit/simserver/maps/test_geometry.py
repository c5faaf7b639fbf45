from __future__ import annotations

import carla
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synthgen.simserver.maps.geometry import plan_at, road_points, sample_sections
from synthgen.simserver.maps.opendrive import parse_opendrive
from synthgen.simserver.maps.road_records import Road
from tests.unit.simserver.maps.tiny_roads import lane, opendrive, road, sections


def parsed(text: str) -> Road:
    return parse_opendrive("tiny", opendrive(text)).roads["1"]


def end_of(text: str) -> tuple[float, float, float]:
    one = parsed(text)
    x, y, heading = plan_at(one, np.array([one.length]))
    return float(x[0]), float(y[0]), float(heading[0])


def test_line_runs_along_its_heading() -> None:
    assert end_of(road(10.0, x=1.0, y=2.0, heading=np.pi / 2)) == pytest.approx(
        (1.0, 12.0, np.pi / 2)
    )


def test_arc_of_a_quarter_turn_left() -> None:
    length = 20.0 * np.pi / 2
    assert end_of(road(length, shape='<arc curvature="0.05"/>')) == pytest.approx(
        (20.0, 20.0, np.pi / 2)
    )


def test_spiral_from_straight_meets_the_fresnel_table() -> None:
    # Abramowitz and Stegun, table 7.7: C(1) = 0.7798934, S(1) = 0.4382591. With heading
    # pi/2 * s^2 the curvature at length 1 is pi.
    x, y, heading = end_of(road(1.0, shape=f'<spiral curvStart="0" curvEnd="{np.pi}"/>'))
    assert (x, y, heading) == pytest.approx((0.7798934, 0.4382591, np.pi / 2), abs=1e-6)


def test_spiral_to_straight_is_the_mirrored_way_back() -> None:
    x, y, heading = end_of(road(1.0, shape=f'<spiral curvStart="{np.pi}" curvEnd="0"/>'))
    # The same curve run backwards: rotate (0.7798934, 0.4382591) into the frame of its end.
    assert (x, y, heading) == pytest.approx((0.4382591, 0.7798934, np.pi / 2), abs=1e-6)


def test_param_poly3_of_a_straight_line_is_straight() -> None:
    shape = (
        '<paramPoly3 aU="0" bU="30" cU="0" dU="0" aV="0" bV="0" cV="0" dV="0" pRange="normalized"/>'
    )
    assert end_of(road(30.0, shape=shape)) == pytest.approx((30.0, 0.0, 0.0))


def test_poly3_follows_its_cubic() -> None:
    x, y, _ = end_of(road(10.0, shape='<poly3 a="0" b="0" c="0.01" d="0"/>'))
    # Arc length of y = 0.01 x^2 up to x: asinh(0.02 x) / 0.04 + x sqrt(1 + 0.0004 x^2) / 2.
    length = np.arcsinh(0.02 * x) / 0.04 + x * np.sqrt(1 + 0.0004 * x * x) / 2
    assert (length, y) == pytest.approx((10.0, 0.01 * x * x), abs=1e-4)


@given(k0=st.floats(-0.1, 0.1), k1=st.floats(-0.1, 0.1), length=st.floats(5.0, 80.0))
def test_arc_length_is_s_on_any_spiral(k0: float, k1: float, length: float) -> None:
    assume(k0 != k1)
    one = parsed(road(length, shape=f'<spiral curvStart="{k0}" curvEnd="{k1}"/>'))
    x, y, _ = plan_at(one, np.linspace(0.0, length, 2001))
    assert np.hypot(np.diff(x), np.diff(y)).sum() == pytest.approx(length, rel=1e-5)


@given(k0=st.floats(-0.1, 0.1), k1=st.floats(-0.1, 0.1))
def test_heading_is_the_tangent_of_any_spiral(k0: float, k1: float) -> None:
    assume(k0 != k1)
    one = parsed(road(40.0, shape=f'<spiral curvStart="{k0}" curvEnd="{k1}"/>'))
    x, y, heading = plan_at(one, np.array([19.999, 20.0, 20.001]))
    tangent = np.arctan2(y[2] - y[0], x[2] - x[0])
    assert np.cos(tangent - heading[1]) == pytest.approx(1.0, abs=1e-6)


def test_left_of_the_road_is_negative_y_in_carla() -> None:
    point = road_points(parsed(road()), np.array([10.0]), np.array([3.0]))[0]
    assert point.tolist() == [10.0, -3.0, 0.0]


def test_a_banked_road_is_level_as_the_client_reads_it() -> None:
    banked = road(
        superelevation='<superelevation s="0" a="0.1" b="0" c="0" d="0"/>',
        lanes=sections(left=lane(1), right=lane(-1)),
    )
    point = road_points(parsed(banked), np.array([10.0]), np.array([1.75]))[0]
    there = carla.Map("tiny", opendrive(banked)).get_waypoint_xodr(1, 1, 10.0).transform.location
    assert point == pytest.approx([there.x, there.y, there.z], abs=1e-5)


def test_lane_offset_shifts_every_boundary() -> None:
    lanes = '<laneOffset s="0" a="1.5" b="0" c="0" d="0"/>' + sections(left=lane(1), right=lane(-1))
    grid = sample_sections(parsed(road(lanes=lanes)))[0]
    assert grid.t[0].tolist() == [5.0, 1.5, -2.0]


def test_width_polynomial_widens_the_lane() -> None:
    wide = '<lane id="-1" type="driving"><width sOffset="0" a="2" b="0.01" c="0" d="0"/></lane>'
    grid = sample_sections(parsed(road(lanes=sections(right=wide))))[0]
    assert grid.t[[0, -1], 1] == pytest.approx([-2.0, -3.0])


def test_lane_border_gives_the_outer_edge() -> None:
    rim = '<lane id="-1" type="driving"><border sOffset="0" a="-4" b="0" c="0" d="0"/></lane>'
    grid = sample_sections(parsed(road(lanes=sections(right=rim))))[0]
    assert grid.t[0].tolist() == [0.0, -4.0]


def test_chords_of_a_tight_arc_stay_within_a_centimetre() -> None:
    one = parsed(road(30.0, shape='<arc curvature="0.1"/>'))
    s = sample_sections(one)[0].s
    sagitta = 10.0 * (1.0 - np.cos(np.diff(s) * 0.1 / 2))
    assert sagitta.max() < 0.01
