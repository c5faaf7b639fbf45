from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Polygon

from exporters.road_areas import between, drivable_polygons, joined, lane_surfaces, thin_line
from synthgen.datatypes.road_map import Area, Lane, RoadMap


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=30))
def test_thin_line_stays_within_two_centimetres(points: list[tuple[float, float]]) -> None:
    line = np.array([(x, y, 0.0) for x, y in points])
    thin = thin_line(line)
    if len(thin) > 1:
        assert LineString(points).hausdorff_distance(LineString(thin)) < 0.0201


def test_edges_that_cross_still_give_valid_polygons() -> None:
    left = np.array([[0, 1, 0], [10, -1, 0]])
    right = np.array([[0, -1, 0], [10, 1, 0]])
    polygons = between(left, right)
    assert all(polygon.is_valid for polygon in polygons)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(10)


def test_polygons_that_touch_are_joined_and_stay_valid_when_moved() -> None:
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    rings = [np.column_stack([r * np.cos(angles), r * np.sin(angles)]) for r in (10.0, 7.0)]
    slices = [
        Polygon([*rings[0][k : k + 11], *rings[1][k : k + 11][::-1]]) for k in range(0, 50, 10)
    ]
    (whole,) = joined(slices)
    assert whole.area == pytest.approx(sum(part.area for part in slices), rel=0.01)
    moved = Polygon(np.array(whole.exterior.coords) + np.array([812.0, 437.0]))
    assert moved.is_valid


def test_pavement_in_a_junction_is_not_drivable() -> None:
    square = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    center, left, right = (np.array([[0, y, 0], [10, y, 0]]) for y in (1.0, 2.0, 0.0))
    pavement = Lane("1:0:-1", 1, 0, -1, "sidewalk", center, left, right)
    road_map = RoadMap((pavement,), (Area("j", "junction", square),))
    (area,) = drivable_polygons(road_map, lane_surfaces(road_map.lanes))
    assert area.area == pytest.approx(80, rel=0.01)
    assert area.bounds[1] == pytest.approx(2, abs=0.02)
