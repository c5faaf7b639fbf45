from __future__ import annotations

import numpy as np
import pytest

from synthgen.simserver.maps.build import build_town
from synthgen.simserver.maps.townmap import MapError, SurfaceKind
from synthgen.simserver.scene import Material, Tag
from tests.unit.simserver.maps.measures import bare_town, corners, crosses, top_area_m2
from tests.unit.simserver.maps.tiny_roads import (
    TWO_WAY_WITH_WALKS,
    lane,
    opendrive,
    road,
    sections,
)


def test_area_of_a_straight_road_is_length_times_width() -> None:
    mesh, _ = bare_town(opendrive(road(100.0, lanes=TWO_WAY_WITH_WALKS)))
    assert top_area_m2(mesh, Tag.ROADS) == pytest.approx(700.0, rel=1e-6)
    assert top_area_m2(mesh, Tag.SIDEWALKS) == pytest.approx(400.0, rel=1e-6)


def test_area_of_a_ring_road_is_that_of_an_annulus() -> None:
    lanes = sections(left=lane(1), right=lane(-1))
    mesh, _ = bare_town(
        opendrive(road(2 * np.pi * 50.0, shape='<arc curvature="0.02"/>', lanes=lanes))
    )
    assert top_area_m2(mesh, Tag.ROADS) == pytest.approx(np.pi * (53.5**2 - 46.5**2), rel=1e-3)


def test_area_of_a_tapering_lane_is_a_trapezium() -> None:
    taper = '<lane id="-1" type="driving"><width sOffset="0" a="4" b="-0.02" c="0" d="0"/></lane>'
    mesh, _ = bare_town(opendrive(road(100.0, lanes=sections(right=taper))))
    assert top_area_m2(mesh, Tag.ROADS) == pytest.approx(300.0, rel=1e-6)


def test_sidewalk_lies_15_cm_above_the_road() -> None:
    _, ground = bare_town(opendrive(road(lanes=TWO_WAY_WITH_WALKS)))
    z, normal, kind = ground(np.array([[50.0, 0.0], [50.0, 4.5], [50.0, -4.5]]))
    assert z == pytest.approx([0.0, 0.15, 0.15])
    assert kind.tolist() == [SurfaceKind.ROAD, SurfaceKind.SIDEWALK, SurfaceKind.SIDEWALK]
    assert normal == pytest.approx(np.tile([0.0, 0.0, 1.0], (3, 1)))


def test_kerbs_face_the_road() -> None:
    mesh, _ = bare_town(opendrive(road(lanes=TWO_WAY_WITH_WALKS)))
    walks = corners(mesh, Tag.SIDEWALKS)
    inner = walks[np.ptp(np.abs(walks[:, :, 1]), axis=1) < 1e-6]
    kerbs = inner[np.abs(inner[:, 0, 1]) < 3.6]
    facing = crosses(kerbs)[:, 1] * np.sign(kerbs[:, 0, 1])
    assert len(kerbs) > 0
    assert (facing < 0).all()


def test_narrow_median_is_concrete_and_raised() -> None:
    lanes = sections(left=lane(2) + lane(1, "median", 1.0), right=lane(-1))
    mesh, ground = bare_town(opendrive(road(lanes=lanes)))
    assert ground(np.array([[50.0, -0.5]]))[0][0] == pytest.approx(0.15)
    median = (mesh.material == Material.CONCRETE) & (mesh.tag == Tag.GROUND)
    assert median.any()


def test_unpaved_lane_leaves_the_land_open() -> None:
    lanes = sections(right=lane(-1) + lane(-2, "none", 3.0))
    _, ground = bare_town(opendrive(road(lanes=lanes)))
    assert ground(np.array([[50.0, 5.0]]))[2][0] == SurfaceKind.TERRAIN


def test_ground_follows_a_ten_percent_grade() -> None:
    grade = '<elevation s="0" a="2" b="0.1" c="0" d="0"/>'
    _, ground = bare_town(opendrive(road(elevation=grade)))
    z, normal, _ = ground(np.array([[50.0, 1.75]]))
    assert z[0] == pytest.approx(7.0, abs=1e-3)
    assert normal[0] == pytest.approx(np.array([-0.1, 0.0, 1.0]) / np.sqrt(1.01), abs=1e-4)


def test_land_stays_below_the_road_and_reaches_the_horizon() -> None:
    grade = '<elevation s="0" a="2" b="0.1" c="0" d="0"/>'
    mesh, _ = bare_town(opendrive(road(elevation=grade)))
    land = corners(mesh, Tag.TERRAIN).reshape(-1, 3)
    below = (np.abs(land[:, 1] - 1.75) < 1.7) & (land[:, 0] > 1.0) & (land[:, 0] < 99.0)
    assert (land[below, 2] < 2.0 + 0.1 * land[below, 0]).all()
    assert np.abs(land[:, :2]).max() > 800.0


def test_every_road_triangle_faces_up_or_stands_upright() -> None:
    mesh, _ = bare_town(
        opendrive(road(60.0, shape='<arc curvature="-0.03"/>', lanes=TWO_WAY_WITH_WALKS))
    )
    assert (crosses(corners(mesh, Tag.ROADS))[:, 2] > -1e-4).all()


def test_bridge_is_the_upper_layer() -> None:
    high = '<elevation s="0" a="6" b="0" c="0" d="0"/>'
    _, ground = bare_town(
        opendrive(
            road(100.0, x=-50.0),
            road(100.0, road_id=2, y=-50.0, heading=np.pi / 2, elevation=high),
        )
    )
    row, col = np.rint((np.array([1.75, 1.75]) - ground.origin_m) / ground.cell_m)[::-1].astype(int)
    assert ground.decks_m is not None
    assert (ground.z_m[row, col], *ground.decks_m[:, row, col]) == pytest.approx((0.0, 6.0))


def test_each_road_above_another_is_a_level() -> None:
    # Given from the top, from below and mixed: the order in the file decides nothing.
    heights = (12.0, 0.0, 18.0, 6.0)
    stack = [
        road(
            100.0,
            road_id=k + 1,
            x=-50.0 * np.cos(k),
            y=-50.0 * np.sin(k),
            heading=float(k),
            elevation=f'<elevation s="0" a="{z}" b="0" c="0" d="0"/>',
            lanes=sections(left=lane(1), right=lane(-1)),
        )
        for k, z in enumerate(heights)
    ]
    _, ground = bare_town(opendrive(*stack))
    row, col = np.rint((np.zeros(2) - ground.origin_m) / ground.cell_m)[::-1].astype(int)
    assert ground.decks_m is not None
    levels = (ground.z_m[row, col], *ground.decks_m[:, row, col])
    assert levels == pytest.approx((0.0, 6.0, 12.0, 18.0))


def test_sidewalks_go_on_over_and_under_a_bridge() -> None:
    high = '<elevation s="0" a="6" b="0" c="0" d="0"/>'
    mesh, _ = bare_town(
        opendrive(
            road(100.0, x=-50.0, lanes=TWO_WAY_WITH_WALKS),
            road(
                100.0,
                road_id=2,
                y=-50.0,
                heading=np.pi / 2,
                elevation=high,
                lanes=TWO_WAY_WITH_WALKS,
            ),
        )
    )
    # Two sidewalks of 2 m along each of two roads of 100 m.
    assert top_area_m2(mesh, Tag.SIDEWALKS) == pytest.approx(800.0, rel=1e-6)


def test_too_many_levels_are_refused() -> None:
    stack = [
        road(road_id=k + 1, elevation=f'<elevation s="0" a="{4 * k}" b="0" c="0" d="0"/>')
        for k in range(9)
    ]
    with pytest.raises(MapError, match="tiny: expected at most 8 roads one above the other"):
        build_town("tiny", opendrive(*stack), 0)


def test_gap_between_connecting_roads_is_paved() -> None:
    # Four arcs of a cross leave a diamond in the middle of their junction.
    arcs = [
        road(
            15.0 * np.pi / 2,
            road_id=k + 1,
            junction=9,
            x=x,
            y=y,
            heading=h,
            shape=f'<arc curvature="{1 / 15.0}"/>',
            lanes=sections(right=lane(-1)),
        )
        for k, (x, y, h) in enumerate(
            [
                (-16.0, -1.0, 0.0),
                (1.0, -16.0, np.pi / 2),
                (16.0, 1.0, np.pi),
                (-1.0, 16.0, -np.pi / 2),
            ]
        )
    ]
    _, ground = bare_town(opendrive(*arcs))
    assert ground(np.array([[0.0, 0.0]]))[2][0] == SurfaceKind.ROAD


def test_sidewalk_yields_to_another_roads_traffic() -> None:
    crossing = road(
        40.0,
        road_id=2,
        x=50.0,
        y=-20.0,
        heading=np.pi / 2,
        lanes=sections(left=lane(1), right=lane(-1)),
    )
    _, ground = bare_town(opendrive(road(lanes=TWO_WAY_WITH_WALKS), crossing))
    assert ground(np.array([[50.0, 4.5]]))[0][0] == pytest.approx(0.0, abs=1e-6)
