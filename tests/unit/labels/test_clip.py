"""A whole clip in memory: tables, motion, points, births and deaths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthgen.datatypes.clip import MemoryClip
from synthgen.labels.clip import LabelTables, label_clip
from synthgen.labels.settings import LabelSettings
from synthgen.store.clip_writer import file_list, write_labels
from synthgen.store.tables import LABEL_TABLES
from tests.unit.labels.small_clip import RADIUS_M, TURN_RADPS, make_clip


@pytest.fixture(scope="module")
def clip() -> MemoryClip:
    return make_clip()


@pytest.fixture(scope="module")
def tables(clip: MemoryClip) -> LabelTables:
    return label_clip(clip)


def rows_of(tables: LabelTables, name: str, track_id: int) -> dict[str, np.ndarray]:
    own = np.asarray(tables[name]["track_id"]) == track_id
    return {key: np.asarray(column, dtype=None)[own] for key, column in tables[name].items()}


def test_tables_have_the_columns_of_the_clip_format(tables: LabelTables) -> None:
    assert set(tables) <= set(LABEL_TABLES)
    assert {name: list(columns) for name, columns in tables.items()} == {
        name: LABEL_TABLES[name].names for name in tables
    }


def test_columns_have_the_types_of_the_clip_format(tables: LabelTables) -> None:
    for name, columns in tables.items():
        table = pa.table({key: columns[key] for key in columns}, schema=LABEL_TABLES[name])
        table.validate(full=True)
        for field in table.schema:
            assert field.nullable or table[field.name].null_count == 0, (name, field.name)


def test_velocity_and_acceleration_on_a_circle(tables: LabelTables) -> None:
    rows = rows_of(tables, "tracks", 2)
    angle = TURN_RADPS * rows["timestamp_ns"] * 1e-9
    speed = RADIUS_M * TURN_RADPS
    np.testing.assert_allclose(rows["velocity_x_mps"], speed * np.cos(angle), atol=0.05)
    np.testing.assert_allclose(rows["velocity_y_mps"], speed * np.sin(angle), atol=0.05)
    np.testing.assert_allclose(rows["yaw_rate_radps"], TURN_RADPS, atol=1e-6)
    inner = slice(1, -1)  # the ends have no tick on both sides
    expected = -speed * TURN_RADPS * np.sin(angle)
    np.testing.assert_allclose(rows["acceleration_x_mps2"][inner], expected[inner], atol=0.01)


def test_walker_speed_comes_from_its_poses(tables: LabelTables) -> None:
    # The states say 0, as CARLA does for walkers.
    np.testing.assert_allclose(rows_of(tables, "tracks", 3)["velocity_y_mps"], 1.4, atol=1e-9)


def test_ego_view_is_relative_and_turned(tables: LabelTables) -> None:
    rows = rows_of(tables, "tracks", 4)
    time_s = rows["timestamp_ns"] * 1e-9
    cos, sin = np.cos(0.1), np.sin(0.1)
    east, north = 9.0 - 2.0 * time_s, 3.5
    np.testing.assert_allclose(rows["ego_x_m"], cos * east + sin * north)
    np.testing.assert_allclose(rows["ego_y_m"], -sin * east + cos * north)
    np.testing.assert_allclose(rows["ego_yaw_rad"], -0.1)
    np.testing.assert_allclose(rows["ego_velocity_x_mps"], -2.0 * cos, atol=1e-9)
    np.testing.assert_allclose(rows["ego_velocity_y_mps"], 2.0 * sin, atol=1e-9)


def test_box_is_turned_and_placed_in_the_ego_frame(tables: LabelTables) -> None:
    # The ego heads 0.1 rad to the left at 2 m/s along x; the car heads along its circle.
    rows = rows_of(tables, "boxes3d", 2)
    time_s = rows["frame_index"] * 0.2
    angle = TURN_RADPS * time_s
    half = (angle - 0.1) / 2
    quat = np.stack([rows[f"ego_from_box_q{part}"] for part in "wxyz"], axis=1)
    still = np.zeros_like(half)
    expected = np.stack([np.cos(half), still, still, np.sin(half)], axis=1)
    np.testing.assert_allclose(quat, expected, atol=1e-9)
    east = 18.0 + RADIUS_M * np.sin(angle) - 2.0 * time_s
    north = -RADIUS_M * np.cos(angle)
    cos, sin = np.cos(0.1), np.sin(0.1)
    np.testing.assert_allclose(rows["ego_from_box_x_m"], cos * east + sin * north, atol=1e-9)
    np.testing.assert_allclose(rows["ego_from_box_y_m"], cos * north - sin * east, atol=1e-9)


def test_lidar_points_are_those_that_hit_the_object(clip: MemoryClip, tables: LabelTables) -> None:
    expected = [np.count_nonzero(sweep.track_id == 2) for sweep in clip.lidars["lidar"]]
    assert rows_of(tables, "boxes3d", 2)["lidar_points"].tolist() == expected
    assert sum(expected) > 100


def test_points_without_ids_are_counted_in_the_box(clip: MemoryClip, tables: LabelTables) -> None:
    blind = [replace(sweep, track_id=None) for sweep in clip.lidars["lidar"]]
    again = label_clip(replace(clip, lidars={"lidar": blind}))
    by_id = rows_of(tables, "boxes3d", 3)["lidar_points"]
    in_box = rows_of(again, "boxes3d", 3)["lidar_points"]
    # Float32 points on the faces may fall on either side of them; ids know no faces.
    assert (in_box <= by_id).all()
    assert in_box.sum() > 0.3 * by_id.sum()


def test_object_that_appears_and_vanishes_says_why(tables: LabelTables) -> None:
    rows = rows_of(tables, "tracks", 5)
    assert rows["frame_index"].tolist() == [3, 4, 5, 6, 7]
    assert rows["birth_reason"].tolist() == ["spawned", None, None, None, None]
    assert rows["death_reason"].tolist() == [None, None, None, None, "destroyed"]


def test_objects_that_leave_and_enter_the_range_say_why(clip: MemoryClip) -> None:
    tables = label_clip(clip, LabelSettings(range_m=9.0))
    rows = rows_of(tables, "tracks", 4)
    assert rows["birth_reason"][0] == "entered_range"
    assert rows["death_reason"][-1] == "end"


def test_activities(tables: LabelTables) -> None:
    assert set(rows_of(tables, "boxes3d", 2)["activity"]) == {"moving"}
    assert set(rows_of(tables, "boxes3d", 4)["activity"]) == {"parked"}
    on_road = rows_of(tables, "boxes3d", 3)["activity"]
    assert on_road.tolist()[:3] == ["moving", "moving", "moving"]
    assert on_road[-1] == "crossing" or "crossing" in on_road


def test_lane_and_offset(tables: LabelTables) -> None:
    rows = rows_of(tables, "tracks", 3)
    inside = np.abs(rows["y_m"]) <= 2.0
    assert [name == "1:0:-1" for name in rows["lane_id"]] == inside.tolist()
    np.testing.assert_allclose(rows["lane_offset_m"][inside].astype(float), rows["y_m"][inside])
    # The lane runs along x and begins at -50.
    np.testing.assert_allclose(rows["lane_along_m"][inside].astype(float), rows["x_m"][inside] + 50)


def test_ego_is_not_labelled(tables: LabelTables) -> None:
    for name in ("boxes2d", "boxes3d", "tracks", "keypoints"):
        assert 1 not in tables[name]["track_id"]


def test_relabelling_gives_the_same_bytes(
    clip: MemoryClip, tables: LabelTables, tmp_path: Path
) -> None:
    write_labels(tmp_path / "a", "v1", tables, {})
    write_labels(tmp_path / "b", "v1", label_clip(clip), {})
    assert file_list(tmp_path / "a" / "labels") == file_list(tmp_path / "b" / "labels")
    assert len(file_list(tmp_path / "a" / "labels")) == len(tables) + 1


def test_clip_without_cameras_has_tables_without_rows(clip: MemoryClip) -> None:
    rig = clip.calibration
    blind = replace(clip, calibration=replace(rig, sensors=rig.sensors[1:]))
    tables = label_clip(blind)
    assert list(tables["boxes2d"]) == LABEL_TABLES["boxes2d"].names
    assert len(tables["boxes2d"]["track_id"]) == 0
    assert set(tables["boxes3d"]["visible_fraction"]) == {None}


def test_free_standing_car_in_view_is_wholly_visible(tables: LabelTables) -> None:
    rows = rows_of(tables, "boxes3d", 2)
    in_view = rows_of(tables, "boxes2d", 2)
    whole = (in_view["truncated_fraction"] == 0) & (in_view["occluded_fraction"] == 0)
    frames = in_view["frame_index"][whole]
    assert len(frames) > 0
    picked = np.isin(rows["frame_index"], frames)
    assert (rows["visible_fraction"][picked].astype(float) > 0.97).all()
