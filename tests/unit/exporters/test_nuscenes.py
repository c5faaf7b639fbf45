from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.argoverse2.reader import read_argoverse2
from exporters.export import ExportOptions, export
from exporters.nuscenes.annotations import attribute_of, visibility_token
from exporters.nuscenes.arclines import arcline_paths
from exporters.nuscenes.map_frame import map_frame
from exporters.nuscenes.point_labels import point_classes
from exporters.nuscenes.reader import read_nuscenes
from exporters.nuscenes.sensor_files import lidar_bytes, radar_bytes
from exporters.nuscenes.sensors import channels_of
from exporters.nuscenes.tables import ATTRIBUTES, CATEGORIES
from exporters.nuscenes.tokens import scene_name
from synthgen.datatypes.actors import ObjectInfo
from synthgen.datatypes.calibration import Calibration, MountedSensor
from synthgen.datatypes.labelled_frame import LabelledFrame
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.road_map import Area, RoadMap
from synthgen.datatypes.taxonomy import CARLA_TAGS, default_taxonomy
from synthgen.errors import ConfigError, DatasetError
from synthgen.geometry.se3 import SE3
from synthgen.store.clip_reader import ClipReader, open_dataset
from tests.exports.nuscenes_check import faults
from tests.unit.small_dataset import edit_table, write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("small") / "dataset")


def exported(dataset: Path, out: Path, name: str = "nuscenes", where: str | None = None) -> Path:
    export(dataset, name, out, ExportOptions(where=where, shares={"val": 1.0}, jobs=1))
    return out


def table(root: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((root / f"v1.0-trainval/{name}.json").read_text())
    return rows


def rig(*sensors: MountedSensor) -> Calibration:
    axle = SE3(np.eye(3), np.array([1.5, 0.0, 0.0]))
    return Calibration("test", "vehicle.test", axle, sensors)


def lidar_at_yaw(yaw_deg: float) -> MountedSensor:
    pose = SE3.from_yaw(math.radians(yaw_deg), [0.2, 0.0, 1.9])
    return MountedSensor("top", "top", "lidar", pose)


@pytest.mark.parametrize("yaw_deg", [0, 5, -90, 90, 180, -93])
def test_lidar_looks_along_y_as_nuscenes_does(yaw_deg: float) -> None:
    (channel,) = channels_of(rig(lidar_at_yaw(yaw_deg)))
    # nuScenes: x right, y ahead; yaw -90 degrees, here but for the mount's own few degrees.
    ahead = channel.ego_from_channel.rotate(np.array([0.0, 1.0, 0.0]))
    assert ahead[0] > 0.99
    # A point keeps its place in the car whatever the axes are called.
    point = np.array([[3.0, 4.0, -1.0]], dtype=np.float32)
    mounted = rig().rear_axle_from_ego @ channel.sensor.ego_from_sensor
    expected = mounted.apply(point.astype(np.float64))
    found = channel.ego_from_channel.apply(channel.points_m(point).astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_channels_come_from_roles_and_are_unique() -> None:
    here = SE3.identity()
    radars = [MountedSensor(n, "rear_left", "radar", here) for n in ("a", "b")]
    imu = MountedSensor("imu", "inertial", "imu", here)
    names = [channel.name for channel in channels_of(rig(*radars, lidar_at_yaw(0), imu))]
    assert names == ["RADAR_BACK_LEFT", "RADAR_BACK_LEFT_2", "LIDAR_TOP"]


def test_scene_names_are_of_the_form_the_can_bus_reader_takes() -> None:
    assert [scene_name(index) for index in (0, 7999)] == ["scene-2000", "scene-9999"]


@pytest.mark.parametrize(
    ("share", "token"),
    [
        (None, "1"),
        (0.0, "1"),
        (0.39, "1"),
        (0.4, "2"),
        (0.6, "3"),
        (0.79, "3"),
        (0.8, "4"),
        (1, "4"),
    ],
)
def test_visibility_has_four_bins(share: float | None, token: str) -> None:
    assert visibility_token(share) == token


@pytest.mark.parametrize(
    ("category", "activity", "attribute"),
    [
        ("vehicle.car", "parked", "vehicle.parked"),
        ("vehicle.truck", "moving", "vehicle.moving"),
        ("vehicle.bicycle", "moving", "cycle.with_rider"),
        ("vehicle.motorcycle", "parked", "cycle.without_rider"),
        ("human.pedestrian.adult", "crossing", "pedestrian.moving"),
        ("vehicle.car", "waiting", "vehicle.stopped"),
        ("human.pedestrian.adult", "standing", "pedestrian.standing"),
        ("human.pedestrian.adult", "waiting", "pedestrian.standing"),
        ("movable_object.trafficcone", "standing", None),
    ],
)
def test_attribute_belongs_to_its_class(
    category: str, activity: str, attribute: str | None
) -> None:
    assert attribute_of(category, activity) == attribute
    assert attribute is None or attribute in ATTRIBUTES


def test_every_word_of_the_taxonomy_is_a_lidarseg_category() -> None:
    names = default_taxonomy().formats["nuscenes"]
    words = [*names.categories.values(), *names.tags.values()]
    assert {word for word in words if word} <= set(CATEGORIES)


def make_sweep(count: int) -> LidarSweep:
    zeros = np.zeros(count)
    return LidarSweep(
        "top",
        0,
        0,
        SE3.identity(),
        np.zeros((count, 3), np.float32),
        np.full(count, 0.5, np.float32),
        np.arange(count, dtype=np.uint16),
        zeros.astype(np.int32),
    )


def test_lidar_record_is_five_floats_with_intensity_to_255() -> None:
    content = lidar_bytes(np.array([[1, 2, 3], [4, 5, 6]], np.float32), make_sweep(2))
    assert struct.unpack("<10f", content) == (1, 2, 3, 127.5, 0, 4, 5, 6, 127.5, 1)


def make_scan(speed_mps: float, count: int = 1) -> RadarScan:
    far, zero, speed = (np.full(count, v, np.float32) for v in (10.0, 0.0, speed_mps))
    return RadarScan("front", 0, 0, SE3.identity(), far, zero, zero, speed)


def test_radar_point_has_43_bytes_and_one_follows_the_last() -> None:
    content = radar_bytes(make_scan(-5.0, 3), np.zeros(3))
    header, data = content.split(b"DATA binary\n")
    assert b"WIDTH 3\n" in header
    assert len(data) == 3 * 43 + 1


def test_radar_compensation_takes_the_own_speed_out() -> None:
    # A wall straight ahead of a radar that drives at 5 m/s comes nearer at 5 m/s and stands still.
    data = radar_bytes(make_scan(-5.0), np.array([5.0, 0, 0])).split(b"DATA binary\n")[1]
    x, y, z, motion, _, _, vx, vy, vx_comp, vy_comp = struct.unpack("<3fbh5f", data[:35])
    assert (x, y, z, motion) == (10, 0, 0, 1)
    assert (vx, vy, vx_comp, vy_comp) == (-5, 0, 0, 0)


def test_empty_radar_scan_is_one_point_of_nan() -> None:
    data = radar_bytes(make_scan(0.0, 0), np.zeros(3)).split(b"DATA binary\n")[1]
    assert len(data) == 44
    assert math.isnan(struct.unpack("<f", data[:4])[0])


def test_point_labels_take_the_object_before_the_tag() -> None:
    infos = [
        ObjectInfo(track, category, "x", 14, np.ones(3), np.zeros(3))
        for track, category in ((1, "car"), (2, "bus"), (5, "bus"), (6, "prop"))
    ]
    names = default_taxonomy().formats["nuscenes"]
    classes = point_classes(infos, names.categories, names.tags)
    car, road = CARLA_TAGS.index("car"), CARLA_TAGS.index("road")
    tags = np.array([road, car, car, car, car], np.uint8)
    tracks = np.array([0, 1, 5, 6, 900], np.uint16)
    bus, driveable, ego = (
        CATEGORIES.index(n) for n in ("vehicle.bus.rigid", "flat.driveable_surface", "vehicle.ego")
    )
    vehicle = CATEGORIES.index("vehicle.car")
    assert classes.lidarseg(tags, tracks).tolist() == [driveable, ego, bus, vehicle, vehicle]
    assert classes.panoptic(tags, tracks).tolist()[2] == bus * 1000 + 2


def pose_along(piece: dict[str, Any], part: float) -> tuple[float, float]:
    """Where a piece of one arc or one straight line is, by the definition of its shape."""
    x, y, heading = piece["start_pose"]
    length = sum(piece["segment_length"]) * part
    sign = {"LSL": 1, "RSR": -1, "LSR": 0}[piece["shape"]]
    if not sign:
        return x + length * math.cos(heading), y + length * math.sin(heading)
    radius, turn = piece["radius"], sign * length / piece["radius"]
    return (
        x + sign * radius * (math.sin(heading + turn) - math.sin(heading)),
        y - sign * radius * (math.cos(heading + turn) - math.cos(heading)),
    )


@pytest.mark.parametrize("side", [1, -1])
def test_arcs_lie_on_the_circle_they_stand_for(side: int) -> None:
    angles = np.linspace(0, 1.2, 13)
    line = 20 * np.column_stack([np.sin(angles), side * (1 - np.cos(angles))])
    pieces = arcline_paths(line)
    for piece in pieces:
        for part in (0.0, 0.5, 1.0):
            x, y = pose_along(piece, part)
            assert math.hypot(x, y - side * 20) == pytest.approx(20, abs=0.03)
    assert pose_along(pieces[-1], 1.0) == pytest.approx(line[-1])
    assert sum(sum(piece["segment_length"]) for piece in pieces) == pytest.approx(24, abs=0.05)


def test_map_has_positive_coordinates_in_whole_metres() -> None:
    corner = np.array([[-812.3, -40.9, 1.0], [17.2, 300.4, 1.0]])
    frame = map_frame(RoadMap(areas=(Area("a", "stop_line", corner),)))
    moved = frame.global_from_world.apply(corner.astype(np.float64))
    assert (moved[:, :2] > 0).all()
    assert (moved[:, :2] < frame.size_xy_m).all()
    assert all(float(value).is_integer() for value in frame.origin_xy_m)
    assert moved[0, 2] == 1.0


def test_small_export_holds_together(dataset: Path, tmp_path: Path) -> None:
    root = exported(dataset, tmp_path / "out")
    assert faults(root) == []
    assert len(table(root, "scene")) == 2


def test_clip_of_one_frame_is_a_scene_of_one_sample(dataset: Path, tmp_path: Path) -> None:
    root = exported(dataset, tmp_path / "out", where="frame_index = 0")
    assert faults(root) == []
    assert [row["nbr_samples"] for row in table(root, "scene")] == [1, 1]


def test_scene_without_objects_has_empty_tables(dataset: Path, tmp_path: Path) -> None:
    root = exported(dataset, tmp_path / "out", where="category = 'bus'")
    assert faults(root) == []
    assert table(root, "sample_annotation") == []
    assert next(len(frame.boxes) for frame in read_nuscenes(root)) == 0


def test_town_may_have_any_name(dataset: Path, tmp_path: Path) -> None:
    copy = write_dataset(tmp_path / "dataset", clips=1)
    path = next(copy.glob("clips/*/*/clip.json"))
    manifest = json.loads(path.read_text())
    manifest["map"]["name"] = "Größe 城"
    path.write_text(json.dumps(manifest))
    root = exported(copy, tmp_path / "out")
    assert faults(root) == []
    assert (root / "maps/expansion/Größe 城.json").is_file()


def test_class_that_nuscenes_lacks_is_dropped_and_counted(tmp_path: Path) -> None:
    copy = write_dataset(tmp_path / "dataset", clips=1)

    def rename(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["category"] = "train" if row["category"] == "car" else row["category"]

    edit_table(next(copy.glob("clips/*/*/labels/v1/boxes3d.parquet")), rename)
    options = ExportOptions(shares={"val": 1.0}, jobs=1, trust=True)
    report = export(copy, "nuscenes", tmp_path / "out", options)
    assert report["dropped"]["train"] > 0
    root = tmp_path / "out"
    assert faults(root) == []
    kinds = {frame.boxes.native_category[0] for frame in read_nuscenes(root)}
    assert kinds == {"human.pedestrian.adult"}


def test_two_towns_of_one_name_are_refused(tmp_path: Path) -> None:
    copy = write_dataset(tmp_path / "dataset")
    path = next(copy.glob("clips/*/*/clip.json"))
    manifest = json.loads(path.read_text())
    manifest["map"]["sha256"] = "1" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(ConfigError, match="two maps of this name differ"):
        exported(copy, tmp_path / "out")


def truth_of(clip: ClipReader) -> dict[tuple[int, int], dict[str, Any]]:
    rows = clip.label_table("boxes3d").to_pylist()
    return {(row["frame_index"], row["track_id"]): row for row in rows}


def assert_same_boxes(
    frames: Sequence[LabelledFrame], clip: ClipReader, frame_of: dict[int, int]
) -> None:
    """Boxes, sizes, headings and ids of the frames are those of the clip."""
    truth = truth_of(clip)
    axle_m = clip.calibration.rear_axle_from_ego.translation_m
    tracks: dict[int, int] = {}
    for frame in frames:
        index = frame_of[frame.frame_index]
        own = [row for (number, _), row in truth.items() if number == index]
        assert len(own) == len(frame.boxes)
        assert frame.boxes.track_id is not None
        for row in own:
            center = np.array([row[f"ego_from_box_{axis}_m"] for axis in "xyz"]) + axle_m
            away = np.linalg.norm(frame.boxes.centre_m - center, axis=1)
            place = int(np.argmin(away))
            assert away[place] < 1e-3
            size = [row["length_m"], row["width_m"], row["height_m"]]
            np.testing.assert_allclose(frame.boxes.size_lwh_m[place], size, atol=1e-3)
            assert frame.boxes.category[place] == row["category"]
            number = int(frame.boxes.track_id[place])
            assert tracks.setdefault(row["track_id"], number) == number
    assert len(set(tracks.values())) == len(tracks)


def test_nuscenes_reads_back_as_the_clip(dataset: Path, tmp_path: Path) -> None:
    root = exported(dataset, tmp_path / "out")
    frames = list(read_nuscenes(root))
    clip = open_dataset(dataset)[0]
    first = [frame for frame in frames if frame.sequence == frames[0].sequence]
    # Captures are 0.2 s apart, so every third is a sample.
    assert_same_boxes(first, clip, {k: 3 * k for k in range(len(first))})
    camera = clip.calibration.of_modality("camera")[0]
    assert camera.camera is not None
    assert first[0].camera_matrix is not None
    np.testing.assert_allclose(first[0].camera_matrix, camera.camera.camera.matrix, atol=1e-9)
    assert first[0].camera_from_boxes is not None
    axle_from_camera = clip.calibration.rear_axle_from_ego @ camera.ego_from_sensor
    found = first[1].camera_from_boxes.inverse()  # type: ignore[union-attr]  # has an image
    np.testing.assert_allclose(found.translation_m, axle_from_camera.translation_m, atol=1e-6)
    np.testing.assert_allclose(found.rotation, axle_from_camera.rotation, atol=1e-6)


def test_argoverse2_reads_back_as_the_clip(dataset: Path, tmp_path: Path) -> None:
    root = exported(dataset, tmp_path / "out", "argoverse2")
    frames = list(read_argoverse2(root))
    clip = open_dataset(dataset)[0]
    first = [frame for frame in frames if frame.sequence == frames[0].sequence]
    assert len(first) == len(clip.frames)
    assert_same_boxes(first, clip, {k: k for k in range(len(first))})
    camera = clip.calibration.of_modality("camera")[0]
    assert camera.camera is not None
    assert first[0].camera_matrix is not None
    np.testing.assert_allclose(first[0].camera_matrix, camera.camera.camera.matrix, atol=1e-9)


@pytest.mark.parametrize("name", ["argoverse2", "occ3d"])
@pytest.mark.parametrize("where", ["frame_index = 0", "category = 'bus'"])
def test_other_exports_take_one_frame_and_no_objects(
    dataset: Path, tmp_path: Path, name: str, where: str
) -> None:
    root = exported(dataset, tmp_path / "out", name, where)
    assert any(path.suffix in (".npz", ".feather") for path in root.rglob("*"))


def test_reader_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a table of nuScenes"):
        list(read_nuscenes(tmp_path))
    with pytest.raises(DatasetError, match="expected logs"):
        list(read_argoverse2(tmp_path))
