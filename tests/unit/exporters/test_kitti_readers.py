from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exporters.kitti.label_files import read_calibration
from exporters.kitti_object.reader import read_kitti_object
from exporters.kitti_tracking.reader import read_kitti_tracking
from synthgen.datatypes.labelled_frame import LabelledFrame
from synthgen.errors import DatasetError
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.rotations import rotation_about_z

DATA = Path(__file__).parents[4] / "shared/data"
needs_kitti = pytest.mark.skipif(
    not (DATA / "kitti_object").is_dir(), reason="real KITTI labels are not here"
)

CALIBRATION = (
    "P2: 700 0 600 70 0 700 180 0 0 0 1 0\n"
    "R0_rect: 1 0 0 0 1 0 0 0 1\n"
    "Tr_velo_to_cam: 0 -1 0 0 0 0 -1 -0.1 1 0 0 -0.3\n"
)
# A car 20 m ahead and 2 m right, facing right (rotation_y 0), its bottom 1.6 m below the camera.
CAR = "Car 0.25 1 -0.1 300 150 399 199 1.5 1.8 4.2 2.0 1.6 20.0 0.0"
REGION = "DontCare -1 -1 -10 10 20 29 39 -1 -1 -1 -1000 -1000 -1000 -10"


def kitti_object(folder: Path, labels: str) -> LabelledFrame:
    for name, text in {"label_2": labels, "calib": CALIBRATION}.items():
        (folder / "training" / name).mkdir(parents=True)
        (folder / f"training/{name}/000007.txt").write_text(text)
    return next(read_kitti_object(folder))


def test_calibration_with_tabs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "000007.txt"
    path.write_text(CALIBRATION.replace(" ", "\t"))
    assert read_calibration(path).camera_matrix[0].tolist() == [700.0, 0.0, 600.0]


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("P2: 700 0 600 70 0 700 180 0 0 0 1 0", "P2:" + " 0" * 12, "P2"),
        ("R0_rect: 1 0 0 0 1 0 0 0 1", "R0_rect:" + " 1" * 9, "R0_rect"),
        ("0 -0.3", "0 nan", "Tr_velo_to_cam"),
    ],
)
def test_matrix_that_maps_nothing_is_named(tmp_path: Path, old: str, new: str, name: str) -> None:
    path = tmp_path / "000007.txt"
    path.write_text(CALIBRATION.replace(old, new))
    with pytest.raises(DatasetError, match=rf"000007\.txt: {name}: expected an invertible"):
        read_calibration(path)


def test_location_and_rotation_become_centre_and_heading(tmp_path: Path) -> None:
    boxes = kitti_object(tmp_path, CAR + "\n").boxes
    np.testing.assert_allclose(boxes.centre_m, [[20.0, -2.0, -(1.6 - 0.75)]])
    np.testing.assert_allclose(boxes.size_lwh_m, [[4.2, 1.8, 1.5]])
    np.testing.assert_allclose(boxes.yaw_rad, [-np.pi / 2])


def test_last_pixel_belongs_to_the_image_box(tmp_path: Path) -> None:
    boxes = kitti_object(tmp_path, CAR + "\n").boxes
    assert boxes.xyxy_px is not None
    np.testing.assert_allclose(boxes.xyxy_px, [[300, 150, 400, 200]])


def test_box_stands_where_the_lidar_sees_it(tmp_path: Path) -> None:
    # camera x = -lidar y, camera y = -lidar z - 0.1, camera z = lidar x - 0.3.
    frame = kitti_object(tmp_path, CAR + "\n")
    assert frame.lidar_from_boxes is not None
    found = frame.lidar_from_boxes.apply(frame.boxes.centre_m)
    np.testing.assert_allclose(found, [[20.3, -2.0, -0.95]])


def test_camera_two_stands_beside_camera_zero(tmp_path: Path) -> None:
    frame = kitti_object(tmp_path, CAR + "\n")
    assert frame.camera_from_boxes is not None
    # P2's fourth column is the focal length times the offset: 70 / 700 m.
    np.testing.assert_allclose(frame.camera_from_boxes.apply(np.zeros(3)), [0.1, 0, 0])


def test_region_to_ignore_has_an_image_box_alone(tmp_path: Path) -> None:
    boxes = kitti_object(tmp_path, f"{CAR}\n{REGION}\n").boxes
    assert boxes.category.tolist() == ["car", "ignore"]
    assert np.isnan(boxes.centre_m[1]).all()
    assert boxes.truncated is not None
    assert np.isnan(boxes.truncated[1])


@pytest.mark.parametrize(
    "numbers", ["-1 -1 -1 -1000 -1000 -1000 -10", "0 0 0 0 0 0 0"], ids=["unknown", "noughts"]
)
def test_object_of_images_alone_has_no_cuboid(tmp_path: Path, numbers: str) -> None:
    boxes = kitti_object(tmp_path, f"Car 0.25 1 -10 300 150 399 199 {numbers}\n").boxes
    assert np.isnan(np.column_stack([boxes.centre_m, boxes.size_lwh_m, boxes.yaw_rad])).all()
    assert boxes.truncated is not None
    assert boxes.truncated.tolist() == [0.25]


def test_scores_of_a_detector_are_read(tmp_path: Path) -> None:
    boxes = kitti_object(tmp_path, CAR + " 0.75\n").boxes
    assert boxes.score is not None
    assert boxes.score.tolist() == [0.75]


def test_empty_file_is_a_frame_without_objects(tmp_path: Path) -> None:
    assert len(kitti_object(tmp_path, "").boxes) == 0


def test_row_with_a_column_too_few_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"000007.txt: expected 15 columns.*found 14"):
        kitti_object(tmp_path, CAR.rsplit(" ", 1)[0] + "\n")


def test_folder_that_is_no_kitti_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a folder label_2"):
        next(read_kitti_object(tmp_path))


def test_empty_frames_of_a_sequence_are_frames(tmp_path: Path) -> None:
    for name, text in {"label_02": f"2 5 {CAR}\n", "calib": CALIBRATION}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "0003.txt").write_text(text)
    frames = list(read_kitti_tracking(tmp_path))
    assert [len(frame.boxes) for frame in frames] == [0, 0, 1]
    assert [frame.timestamp_ns for frame in frames] == [0, 100_000_000, 200_000_000]
    assert frames[2].boxes.track_id is not None
    assert frames[2].boxes.track_id.tolist() == [5]


@needs_kitti
def test_every_row_of_the_real_sequences_is_read() -> None:
    rows = [
        line
        for path in sorted((DATA / "kitti_tracking/label_02").glob("*.txt"))
        for line in path.read_text().splitlines()
    ]
    frames = list(read_kitti_tracking(DATA / "kitti_tracking"))
    kinds = [kind for frame in frames for kind in frame.boxes.native_category.tolist()]
    assert sorted(kinds) == sorted(row.split()[2] for row in rows)


@needs_kitti
def test_real_cuboids_meet_their_image_boxes() -> None:
    # docs of the real files: projected cuboids match the drawn boxes within about 2 px, 9 px at one
    # pedestrian's edge.
    for frame in read_kitti_object(DATA / "kitti_object"):
        known = np.flatnonzero(frame.boxes.category != "ignore")
        np.testing.assert_allclose(image_boxes(frame, known), drawn(frame)[known], atol=10)


def drawn(frame: LabelledFrame) -> np.ndarray:
    assert frame.boxes.xyxy_px is not None
    return frame.boxes.xyxy_px - [0, 0, 1, 1]


def image_boxes(frame: LabelledFrame, rows: np.ndarray) -> np.ndarray:
    """(N, 4) boxes around the projected corners."""
    assert frame.camera_from_boxes is not None
    boxes = frame.boxes
    rotation = np.array([rotation_about_z(yaw) for yaw in boxes.yaw_rad[rows]])
    corners = Cuboids(rotation, boxes.centre_m[rows], boxes.size_lwh_m[rows]).corners_m
    pixels = frame.camera_from_boxes.apply(corners) @ np.asarray(frame.camera_matrix).T
    pixels = pixels[..., :2] / pixels[..., 2:]
    return np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)


@needs_kitti
def test_real_boxes_hold_real_points() -> None:
    frame = next(read_kitti_object(DATA / "kitti_object"))
    assert frame.lidar is not None
    assert frame.lidar_from_boxes is not None
    points = np.fromfile(frame.lidar, dtype="<f4").reshape(-1, 4)[:, :3].astype(np.float64)
    local = frame.lidar_from_boxes.inverse().apply(points)
    rotation = rotation_about_z(float(frame.boxes.yaw_rad[0]))
    box = Cuboids(rotation[None], frame.boxes.centre_m[:1], frame.boxes.size_lwh_m[:1])[0]
    # The pedestrian of frame 000000: mmdetection3d's documented info file counts 377 points in it
    # in single precision; one of them lies on a face.
    assert int(box.contains(local).sum()) in (376, 377)
