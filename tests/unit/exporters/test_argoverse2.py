from __future__ import annotations

import uuid
from dataclasses import replace

import numpy as np
import pytest
from shapely import Polygon

from exporters.argoverse2.maps import Ground, map_document, nearby, without_holes
from exporters.argoverse2.tables import (
    annotations_table,
    extrinsics_table,
    intrinsics_table,
    log_id,
    sensor_names,
    stored_points,
    sweep_table,
    track_uuid,
)
from synthgen.datatypes.calibration import Calibration, CameraModel, MountedSensor
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.road_map import Area, Lane, RoadMap
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3

# av2 0.3.6, av2/datasets/sensor/constants.py, AnnotationCategories.
AV2_CATEGORIES = {
    *("ANIMAL", "ARTICULATED_BUS", "BICYCLE", "BICYCLIST", "BOLLARD", "BOX_TRUCK", "BUS"),
    *("CONSTRUCTION_BARREL", "CONSTRUCTION_CONE", "DOG", "LARGE_VEHICLE", "MESSAGE_BOARD_TRAILER"),
    *("MOBILE_PEDESTRIAN_CROSSING_SIGN", "MOTORCYCLE", "MOTORCYCLIST", "OFFICIAL_SIGNALER"),
    *("PEDESTRIAN", "RAILED_VEHICLE", "REGULAR_VEHICLE", "SCHOOL_BUS", "SIGN", "STOP_SIGN"),
    *("STROLLER", "TRAFFIC_LIGHT_TRAILER", "TRUCK", "TRUCK_CAB", "VEHICULAR_TRAILER"),
    *("WHEELCHAIR", "WHEELED_DEVICE", "WHEELED_RIDER"),
}

AXLE_FROM_EGO = SE3(np.eye(3), np.array([1.4, 0.0, 0.0]))


def lane(number: int) -> Lane:
    y = 3.5 * number
    center, left, right = (np.array([[0, y + d, 0.5], [30, y + d, 0.5]]) for d in (1.75, 3.5, 0.0))
    return Lane(f"1:0:{-number}", 1, 0, -number, "driving", center, left, right)


def make_sweep(points: list[list[float]]) -> LidarSweep:
    count = len(points)
    return LidarSweep(
        "top",
        0,
        0,
        SE3.identity(),
        np.array(points, np.float32).reshape(-1, 3),
        np.full(count, 0.5, np.float32),
        np.arange(count, dtype=np.uint16),
        np.full(count, -5, np.int32),
    )


def test_words_are_those_of_argoverse() -> None:
    names = default_taxonomy().formats["argoverse2"]
    assert set(names.classes) | set(names.reads) <= AV2_CATEGORIES
    assert all(names.category_of(name) or name in names.reads for name in AV2_CATEGORIES)


def test_ids_are_uuids_and_differ() -> None:
    ids = {log_id("a"), log_id("b"), track_uuid("a", 1), track_uuid("a", 2), track_uuid("b", 1)}
    assert len({uuid.UUID(name) for name in ids}) == 5


def test_sensors_are_named_by_role_and_a_lone_lidar_stands_for_both() -> None:
    here = SE3.identity()
    sensors = (
        MountedSensor("f", "front", "camera", here),
        MountedSensor("l", "left", "camera", here),
        MountedSensor("back", "rear", "camera", here),
        MountedSensor("top", "top", "lidar", here),
    )
    names = sensor_names(sensors)
    assert list(names.values()) == ["ring_front_center", "ring_side_left", "back", "up_lidar"]
    table = extrinsics_table(Calibration("r", "v", AXLE_FROM_EGO, sensors), names)
    assert table["sensor_name"].to_pylist()[-2:] == ["up_lidar", "down_lidar"]
    assert set(table["tx_m"].to_pylist()) == {1.4}


def test_middle_of_the_image_counts_from_the_middle_of_the_first_pixel() -> None:
    # 800 columns of pixels 0 to 799: their middle is 399.5, with pixels at whole numbers.
    model = CameraModel(PinholeCamera(800, 450, 410.0, 420.0, 400.0, 225.0), ("rgb",))
    camera = MountedSensor("cam", "front", "camera", SE3.identity(), camera=model)
    [row] = intrinsics_table([camera], {"cam": "ring_front_center"}).to_pylist()
    assert (row["cx_px"], row["cy_px"]) == (399.5, 224.5)
    assert (row["fx_px"], row["fy_px"]) == (410.0, 420.0)
    assert (row["width_px"], row["height_px"]) == (800, 450)


def test_sweep_is_in_the_ego_frame_and_counts_lasers_on() -> None:
    moved = SE3(np.eye(3), np.array([0.0, 0.0, 2.0]))
    table = sweep_table(
        [(make_sweep([[1, 0, 0], [2, 0, 0]]), moved), (make_sweep([[3, 0, 0]]), moved)]
    )
    np.testing.assert_allclose(stored_points(table), [[1, 0, 2], [2, 0, 2], [3, 0, 2]])
    assert table["laser_number"].to_pylist() == [0, 1, 2]
    assert table["intensity"].to_pylist() == [128, 128, 128]
    assert [str(table.schema.field(axis).type) for axis in "xyz"] == ["halffloat"] * 3


def test_box_is_moved_to_the_rear_axle_and_counts_its_points() -> None:
    row: dict[str, float] = {}
    row |= {f"ego_from_box_{a}_m": value for a, value in zip("xyz", (10, 2, 1), strict=True)}
    row |= {
        f"ego_from_box_q{part}": value for part, value in zip("wxyz", (1, 0, 0, 0), strict=True)
    }
    row |= {"length_m": 4.0, "width_m": 2.0, "height_m": 1.5, "track_id": 7}
    points = np.array([[11.4, 2.0, 1.0], [13.3, 2.9, 1.7], [13.5, 2.0, 1.0]])
    table = annotations_table("clip", AXLE_FROM_EGO, [(5, [("BUS", row)], points)])
    (found,) = table.to_pylist()
    assert (found["tx_m"], found["ty_m"], found["tz_m"]) == (11.4, 2, 1)
    assert (found["length_m"], found["width_m"], found["height_m"]) == (4, 2, 1.5)
    assert found["num_interior_pts"] == 2
    assert list(found)[:3] == ["timestamp_ns", "track_uuid", "category"]


def test_lanes_keep_neighbours_and_drop_links_that_lead_out_of_the_map() -> None:
    lanes = (
        replace(
            lane(1),
            successors=("9:0:-1", "1:0:-2"),
            right_lane_id="1:0:-2",
            left_marking="solid",
        ),
        replace(lane(2), left_lane_id="1:0:-1", left_marking="broken"),
    )
    first, second = map_document(RoadMap(lanes))["lane_segments"].values()
    assert first["successors"] == [second["id"]]
    assert first["right_neighbor_id"] == second["id"]
    assert second["left_neighbor_id"] == first["id"]
    assert (first["left_lane_mark_type"], second["left_lane_mark_type"]) == (
        "SOLID_WHITE",
        "DASHED_WHITE",
    )
    assert first["left_lane_boundary"][0] == {"x": 0.0, "y": 7.0, "z": 0.5}


@pytest.mark.parametrize("start", range(4))
def test_crosswalk_edges_run_along_the_way_people_walk(start: int) -> None:
    corners = np.roll(np.array([[0, 0, 0], [3, 0, 0], [3, 8, 0], [0, 8, 0]]), start, axis=0)
    document = map_document(RoadMap((lane(1),), (Area("c", "crosswalk", corners),)))
    (row,) = document["pedestrian_crossings"].values()
    edges = [[[p["x"], p["y"]] for p in row[name]] for name in ("edge1", "edge2")]
    ways = [np.subtract(b, a) for a, b in edges]
    np.testing.assert_allclose(ways[0], ways[1])
    np.testing.assert_allclose(np.abs(ways[0]), [0, 8])


def test_polygon_is_cut_until_it_has_no_holes() -> None:
    ring = Polygon(
        [(0, 0), (9, 0), (9, 9), (0, 9)], [[(2, 2), (4, 2), (4, 4)], [(6, 6), (8, 6), (8, 8)]]
    )
    parts = without_holes(ring)
    assert all(not part.interiors for part in parts)
    assert sum(part.area for part in parts) == pytest.approx(ring.area)


def test_far_lanes_are_left_out() -> None:
    way = np.array([[500.0, 0.0, 0.0]])
    assert nearby(RoadMap((lane(1),)), way).lanes == ()
    assert len(nearby(RoadMap((lane(1),)), way - [300.0, 0, 0]).lanes) == 1


def test_ground_height_raster_is_that_of_the_lane_below() -> None:
    heights, move = Ground(RoadMap((lane(1),))).raster()
    x, y = 12.0, 5.0
    column, row = (int((value + t) * move["s"]) for value, t in zip((x, y), move["t"], strict=True))
    assert heights[row, column] == 0.5
