"""A known point meets the analytic pixel, for each preset and through each calibration."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.argoverse2 import tables as argoverse2
from exporters.kitti_object import writer as kitti_object
from exporters.kitti_tracking import writer as kitti_tracking
from exporters.nuscenes.sensors import calibrated_sensor_row, channels_of
from exporters.openlabel.document import coordinate_systems, streams
from sensors.rig_file import load_rig
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.clip_job import CaptureSettings
from synthgen.geometry.camera import FisheyeCamera
from synthgen.geometry.se3 import SE3
from synthgen.runner.calibration import calibration_of

RIGS = Path(__file__).parents[3] / "sensors/rigs"
PRESETS = sorted(path.stem for path in RIGS.glob("*.yaml"))
PINHOLES = [name for name in PRESETS if name != "fisheye_surround"]
NEAR_PX = 0.01
# Right, up and ahead of a camera, metres: well off the axis, inside every preset's view.
RIGHT_M, UP_M, AHEAD_M = 2.0, 1.0, 12.0


def calibration(name: str) -> Calibration:
    rig = load_rig(RIGS / f"{name}.yaml")
    return calibration_of(rig, "vehicle.lincoln.mkz_2020", -1.425, CaptureSettings())


def point_of(mount: Any) -> Any:
    """The point in the ego frame, by spherical trigonometry of the mount alone."""
    yaw, pitch, roll = (math.radians(a) for a in (mount.yaw_deg, mount.pitch_deg, mount.roll_deg))
    assert roll == 0
    ahead, left = AHEAD_M, -RIGHT_M
    level = ahead * math.cos(pitch) + UP_M * math.sin(pitch)
    up = UP_M * math.cos(pitch) - ahead * math.sin(pitch)
    x = level * math.cos(yaw) - left * math.sin(yaw)
    y = level * math.sin(yaw) + left * math.cos(yaw)
    return np.array([mount.x_m + x, mount.y_m + y, mount.z_m + up])


def pixel_of(camera: Any) -> Any:
    """The analytic pixel of the point."""
    middle = np.array([camera.width_px / 2, camera.height_px / 2])
    if camera.lens.model == "pinhole":
        f = camera.width_px / 2 / math.tan(camera.horizontal_fov_rad / 2)
        return middle + f * np.array([RIGHT_M, -UP_M]) / AHEAD_M
    across = math.hypot(RIGHT_M, UP_M)
    # Equidistant: pixels per radian.
    ring = camera.width_px / camera.horizontal_fov_rad * math.atan2(across, AHEAD_M)
    return middle + ring * np.array([RIGHT_M, -UP_M]) / across


@pytest.mark.parametrize("name", PRESETS)
def test_known_point_meets_its_pixel_through_calibration_json(name: Any) -> None:
    rig = load_rig(RIGS / f"{name}.yaml")
    stored = Calibration.from_json(calibration(name).to_json())
    for camera in rig.cameras:
        sensor = stored.sensor(camera.name)
        assert sensor.camera is not None
        seen = sensor.camera.lens.project(
            sensor.ego_from_sensor.inverse().apply(point_of(camera.mount))
        )
        np.testing.assert_allclose(seen, pixel_of(camera), atol=NEAR_PX, err_msg=camera.name)


@pytest.mark.parametrize("name", PRESETS)
def test_ray_of_a_pixel_leads_back_to_the_point(name: Any) -> None:
    rig = load_rig(RIGS / f"{name}.yaml")
    stored = calibration(name)
    for camera in rig.cameras:
        sensor = stored.sensor(camera.name)
        assert sensor.camera is not None
        ray = sensor.ego_from_sensor.rotate(sensor.camera.lens.rays(pixel_of(camera)))
        to_point = point_of(camera.mount) - sensor.ego_from_sensor.translation_m
        cosine = ray @ to_point / np.linalg.norm(ray) / np.linalg.norm(to_point)
        assert cosine == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", PINHOLES)
def test_known_point_meets_its_pixel_through_nuscenes_records(name: Any) -> None:
    rig = load_rig(RIGS / f"{name}.yaml")
    stored = calibration(name)
    rows = {
        channel.sensor.name: calibrated_sensor_row("clip", channel)
        for channel in channels_of(stored)
    }
    for camera in rig.cameras:
        row = rows[camera.name]
        # nuScenes' ego frame is at the rear axle; integer pixel coordinates name pixel centres.
        point_m = stored.rear_axle_from_ego.apply(point_of(camera.mount))
        pose = SE3.from_quat(row["rotation"], row["translation"])
        u, v, w = np.array(row["camera_intrinsic"]) @ pose.inverse().apply(point_m)
        seen = np.array([u / w, v / w]) + 0.5
        np.testing.assert_allclose(seen, pixel_of(camera), atol=NEAR_PX, err_msg=camera.name)


@pytest.mark.parametrize("name", PINHOLES)
@pytest.mark.parametrize(
    ("writer", "velo", "rectification", "projection"),
    [
        (kitti_object, "Tr_velo_to_cam:", "R0_rect:", "P2:"),
        (kitti_tracking, "Tr_velo_cam", "R_rect", "P2:"),
    ],
    ids=["object", "tracking"],
)
def test_known_point_meets_its_pixel_through_a_kitti_file(
    name: Any, writer: Any, velo: Any, rectification: Any, projection: Any
) -> None:
    rig = load_rig(RIGS / f"{name}.yaml")
    stored = calibration(name)
    lidar = stored.sensor(rig.lidars[0].name)
    for camera in rig.cameras:
        text = writer.calibration_text(stored.sensor(camera.name), lidar)
        lines = dict(line.split(" ", 1) for line in text.splitlines())
        numbers = {k: np.array(v.split(), dtype=float) for k, v in lines.items()}
        in_lidar = np.append(lidar.ego_from_sensor.inverse().apply(point_of(camera.mount)), 1.0)
        in_camera = numbers[velo].reshape(3, 4) @ in_lidar
        rectified = np.append(numbers[rectification].reshape(3, 3) @ in_camera, 1.0)
        u, v, w = numbers[projection].reshape(3, 4) @ rectified
        np.testing.assert_allclose([u / w, v / w], pixel_of(camera), atol=NEAR_PX)


@pytest.mark.parametrize("name", PINHOLES)
def test_known_point_meets_its_pixel_through_argoverse_tables(name: Any) -> None:
    rig = load_rig(RIGS / f"{name}.yaml")
    stored = calibration(name)
    names = argoverse2.sensor_names(stored.sensors)
    extrinsics = argoverse2.extrinsics_table(stored, names).to_pylist()
    poses = {row["sensor_name"]: row for row in extrinsics}
    sensors = stored.of_modality("camera")
    lenses = {
        row["sensor_name"]: row for row in argoverse2.intrinsics_table(sensors, names).to_pylist()
    }
    for camera in rig.cameras:
        row, lens = poses[names[camera.name]], lenses[names[camera.name]]
        pose = SE3.from_quat(
            [row[k] for k in ("qw", "qx", "qy", "qz")], [row[k] for k in ("tx_m", "ty_m", "tz_m")]
        )
        # Argoverse's ego frame is at the rear axle; integer coordinates name pixel centres.
        point_m = stored.rear_axle_from_ego.apply(point_of(camera.mount))
        x, y, z = pose.inverse().apply(point_m)
        u, v = lens["fx_px"] * x / z + lens["cx_px"], lens["fy_px"] * y / z + lens["cy_px"]
        np.testing.assert_allclose([u + 0.5, v + 0.5], pixel_of(camera), atol=NEAR_PX)


@pytest.mark.parametrize("name", PINHOLES)
def test_known_point_meets_its_pixel_through_openlabel(name: Any) -> None:
    rig = load_rig(RIGS / f"{name}.yaml")
    stored = calibration(name)
    systems, listed = coordinate_systems(stored), streams(stored.sensors)
    for camera in rig.cameras:
        pose = systems[camera.name]["pose_wrt_parent"]
        x, y, z, w = pose["quaternion"]
        ego_from_camera = SE3.from_quat([w, x, y, z], pose["translation"])
        lens = listed[camera.name]["stream_properties"]["intrinsics_pinhole"]
        matrix = np.array(lens["camera_matrix"]).reshape(3, 4)
        in_camera = np.append(ego_from_camera.inverse().apply(point_of(camera.mount)), 1.0)
        u, v, depth = matrix @ in_camera
        np.testing.assert_allclose([u / depth, v / depth], pixel_of(camera), atol=NEAR_PX)


def test_fisheye_follows_opencvs_formula_and_back() -> None:
    camera = FisheyeCamera(640, 480, 400.0, 400.0, 320.0, 240.0, (0.1, -0.02, 0.003, 0.0))
    theta = math.atan(math.hypot(0.5, 0.25))
    bent = theta * (1 + 0.1 * theta**2 - 0.02 * theta**4 + 0.003 * theta**6)
    scale = bent / math.hypot(0.5, 0.25)
    seen = camera.project(np.array([1.0, -0.5, 2.0]))
    np.testing.assert_allclose(seen, [320 + 400 * scale * 0.5, 240 - 400 * scale * 0.25])
    np.testing.assert_allclose(
        camera.rays(seen), np.array([1.0, -0.5, 2.0]) / np.sqrt(5.25), atol=1e-9
    )


def test_fisheye_sees_behind_itself() -> None:
    camera = FisheyeCamera(1280, 966, 386.0, 386.0, 640.0, 483.0)
    behind = camera.project(np.array([1.0, 0.0, -0.05]))
    assert behind[0] == pytest.approx(640 + 386 * (math.pi / 2 + math.atan(0.05)))
