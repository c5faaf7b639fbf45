"""Rendered pictures and sweeps beside real KITTI frames, number by number."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.bench.stage import Stage, open_stage
from synthgen.simserver.bench.statistics import image_statistics, sweep_statistics
from synthgen.simserver.render.beam_tables import beam_table
from synthgen.simserver.render.renderer import Renderer
from synthgen.simserver.render.specs import CameraSpec, LidarSpec, Weather

DEFAULT_DATA = Path("../shared/data/kitti_object")
# Of the real frames one shows a dense street, the other an open one; ours do by halves.
PLACES = {"SynthDowntown": (7, 3), "SynthSuburb": (60, 160)}
WIDTH, HEIGHT, FOCAL_PX = 1242, 375, 721.5
CAMERA_M, LIDAR_M = 1.65, 1.73
# Karlsruhe in autumn: KITTI was recorded in fair weather, near noon.
WEATHER = Weather(cloudiness=35.0, sun_altitude_angle=42.0, sun_azimuth_angle=150.0)
LIDAR_TOLERANCE = 0.25
# KITTI's LiDAR stood on a Passat Variant (4.77 x 1.82 m, 1.5 m high), of which the roof cuts off
# its low beams ahead and behind; this is the library's nearest. The IMU, 0.81 m behind the LiDAR
# (Tr_imu_to_velo), is taken to stand on the rear axle, half a wheelbase of 2.71 m behind the
# middle.
RECORDING_CAR, CAR_AHEAD_M = "vehicle.lincoln.mkz_2020", 0.55
# No point of the real sweeps is nearer than 1.46 m.
OWN_CAR_M = 1.45


def kitti_camera() -> CameraSpec:
    """KITTI's colour camera, as far as we model it."""
    fov = 2.0 * np.rad2deg(np.arctan(WIDTH / 2.0 / FOCAL_PX))
    return CameraSpec(
        width=WIDTH,
        height=HEIGHT,
        fov_deg=float(fov),
        quality="high",
        exposure_compensation=0.0,
        noise_stddev=0.0045,
    )


def kitti_lidar() -> LidarSpec:
    """A Velodyne HDL-64E at 10 Hz."""
    elevations, azimuths = beam_table("hdl64e")
    return LidarSpec(
        channels=64,
        range_m=120.0,
        points_per_second=64 * 2083 * 10,
        rotation_frequency_hz=10.0,
        beam_elevations_deg=elevations,
        beam_azimuths_deg=azimuths,
        intensity_model="physical",
        dropoff_general_rate=0.06,
        dropoff_intensity_limit=0.15,
        dropoff_zero_intensity=0.6,
        dropoff_correlation_m=0.1,
        range_noise_m=0.018,
    )


def realism_bench(threads: int, data: Path = DEFAULT_DATA) -> dict[str, float | str]:
    """Figures of `bench realism`; only a reason where the real frames are absent.

    The spread of an image statistic is its standard deviation over the halves of the real
    frames, since two frames alone have none to speak of.
    """
    folder = data / "training"
    if not (folder / "image_2").is_dir():
        return {"skipped": f"no real frames at {folder}"}
    pictures = [_rgb(path) for path in sorted((folder / "image_2").glob("*.png"))]
    real = [image_statistics(half) for p in pictures for half in np.array_split(p, 2, axis=1)]
    sweeps = [_velodyne(path) for path in sorted((folder / "velodyne").glob("*.bin"))]
    real_sweeps = [sweep_statistics(points[:, :3], points[:, 3]) for points in sweeps]
    ours, our_sweeps = [], []
    with Renderer(threads) as renderer:
        for town, egos in PLACES.items():
            stage = open_stage(renderer, town)
            stage.fill(1, egos)
            stage.begin()
            ours += [image_statistics(_photograph(stage, ego)) for ego in egos]
            our_sweeps += [_scan(stage, ego) for ego in egos]
    return _image_figures(real, ours) | _sweep_figures(real_sweeps, our_sweeps)


def _rgb(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert image is not None
    return np.ascontiguousarray(image[..., ::-1]).astype(np.uint8)


def _velodyne(path: Path) -> NDArray[np.float64]:
    return np.fromfile(path, np.float32).reshape(-1, 4).astype(np.float64)


def _photograph(stage: Stage, ego: int) -> NDArray[np.uint8]:
    bgra = stage.renderer.camera(
        kitti_camera(),
        stage.ego_pose(ego, CAMERA_M),
        None,
        weather=WEATHER,
        frame=ego,
        outputs=frozenset({"rgb"}),
    )["rgb"]
    return np.ascontiguousarray(bgra[..., 2::-1]).astype(np.uint8)


def _scan(stage: Stage, ego: int) -> dict[str, float]:
    pose = stage.ego_pose(ego, LIDAR_M)
    x, y, z = (pose[:, 3] + CAR_AHEAD_M * pose[:, 0]).tolist()
    stage.put(RECORDING_CAR, (x, y, z - LIDAR_M), stage.town.spawn_points[ego].yaw_deg)
    stage.begin()
    sweep = stage.renderer.lidar(
        kitti_lidar(),
        pose,
        None,
        weather=WEATHER,
        frame=ego,
        delta_s=0.1,
        start_angle_rad=0.0,
    )
    stage.take_last()
    others = np.linalg.norm(sweep.xyz_m, axis=1) > OWN_CAR_M
    seen = sweep.points[others].astype(np.float64)
    return sweep_statistics(seen[:, :3], seen[:, 3])


def _image_figures(
    real: list[dict[str, float]], ours: list[dict[str, float]]
) -> dict[str, float | str]:
    figures: dict[str, float | str] = {}
    inside = 0
    for name in real[0]:
        values = np.array([row[name] for row in real])
        spread = float(values.std(ddof=1))
        mean = float(np.mean([row[name] for row in ours]))
        z = (mean - float(values.mean())) / max(spread, 1e-9)
        inside += abs(z) <= 2.0
        figures[f"image_{name}"] = round(mean, 5)
        figures[f"image_{name}_real"] = round(float(values.mean()), 5)
        figures[f"image_{name}_z"] = round(z, 2)
    figures["image_statistics_within_2sd"] = inside
    return figures


def _sweep_figures(
    real: list[dict[str, float]], ours: list[dict[str, float]]
) -> dict[str, float | str]:
    figures: dict[str, float | str] = {}
    inside = 0
    for name in real[0]:
        theirs = float(np.mean([row[name] for row in real]))
        mean = float(np.mean([row[name] for row in ours]))
        off = mean / theirs - 1.0
        inside += abs(off) <= LIDAR_TOLERANCE
        figures[f"lidar_{name}"] = round(mean, 4)
        figures[f"lidar_{name}_real"] = round(theirs, 4)
        figures[f"lidar_{name}_off"] = round(off, 3)
    figures["lidar_statistics_within_25pct"] = inside
    figures["lidar_statistics"] = len(real[0])
    return figures
