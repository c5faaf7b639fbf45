from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from exporters.pcd import packed_points, pcd_bytes
from exporters.sensor_points import scan_points, sweep_points
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.geometry.se3 import SE3


def make_sweep(points_m: list[list[float]]) -> LidarSweep:
    count = len(points_m)
    return LidarSweep(
        name="lidar",
        frame_index=0,
        timestamp_ns=0,
        world_from_lidar=SE3.identity(),
        points_m=np.array(points_m, dtype=np.float32).reshape(-1, 3),
        intensity=np.full(count, 0.5, dtype=np.float32),
        ring=np.arange(count, dtype=np.uint16),
        time_offset_ns=np.zeros(count, dtype=np.int32),
    )


def test_sweep_has_only_what_was_measured() -> None:
    points = sweep_points(make_sweep([[1, 2, 3]]))
    assert points.dtype.names == ("x", "y", "z", "intensity", "ring", "time_offset_ns")
    assert points[0].tolist() == (1, 2, 3, 0.5, 0, 0)


def test_points_are_packed_without_padding() -> None:
    points = sweep_points(make_sweep([[1, 2, 3]]))
    assert points.dtype.itemsize == 4 * 4 + 2 + 4


# Open3D says at import that it finds no GPU.
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_open3d_reads_the_pcd(tmp_path: Path, open3d: ModuleType) -> None:
    sweep = make_sweep([[1, 2, 3], [-4.5, 5, 0.25]])
    (tmp_path / "a.pcd").write_bytes(pcd_bytes(sweep_points(sweep)))
    cloud = open3d.t.io.read_point_cloud(str(tmp_path / "a.pcd"))
    np.testing.assert_array_equal(cloud.point.positions.numpy(), sweep.points_m)
    np.testing.assert_array_equal(cloud.point.ring.numpy()[:, 0], [0, 1])


def test_an_empty_sweep_is_a_pcd_of_no_points() -> None:
    content = pcd_bytes(sweep_points(make_sweep([])))
    assert b"POINTS 0\nDATA binary\n" in content


def test_radar_detection_to_the_left_and_above() -> None:
    # By hand: 2 m at 90 degrees left, then 30 degrees up: y = 2 cos 30, z = 2 sin 30.
    scan = RadarScan(
        name="radar",
        frame_index=0,
        timestamp_ns=0,
        world_from_radar=SE3.identity(),
        range_m=np.array([2], dtype=np.float32),
        azimuth_rad=np.array([np.pi / 2], dtype=np.float32),
        altitude_rad=np.array([np.pi / 6], dtype=np.float32),
        radial_velocity_mps=np.array([-3], dtype=np.float32),
    )
    x, y, z, velocity = scan_points(scan)[0].tolist()
    assert (x, y, z) == pytest.approx((0, 3**0.5, 1), abs=1e-6)
    assert velocity == -3


def test_columns_of_big_endian_numbers_are_written_little_endian() -> None:
    points = packed_points({"x": np.array([1.0], dtype=">f4")})
    assert points.tobytes() == np.array([1.0], dtype="<f4").tobytes()
