from __future__ import annotations

from typing import Any

import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.geometry.se3 import SE3
from synthgen.store import rows, tables
from synthgen.store.clip_reader import ClipTables
from synthgen.store.clip_writer import ClipWriter
from synthgen.store.rows import image_rows, sweep_row


def make_sweep(points: Any = 4, frame_index: Any = 0) -> Any:
    rng = np.random.default_rng(points)
    return LidarSweep(
        name="top",
        frame_index=frame_index,
        timestamp_ns=50_000_000 * frame_index,
        world_from_lidar=SE3.from_yaw(0.3, [1.0, 2.0, 3.0]),
        points_m=rng.normal(size=(points, 3)).astype(np.float32),
        intensity=rng.random(points, dtype=np.float32),
        ring=np.arange(points, dtype=np.uint16),
        time_offset_ns=np.zeros(points, dtype=np.int32),
        semantic_tag=np.full(points, 14, dtype=np.uint8),
        track_id=np.arange(points, dtype=np.uint16),
        cos_incidence=None,
    )


def test_sweeps_come_back_as_written_though_one_is_empty(tmp_path: Any) -> None:
    writer = ClipWriter(tmp_path)
    written = [make_sweep(4, 0), make_sweep(0, 1), make_sweep(7, 2)]
    for sweep in written:
        writer.append("lidar/top.parquet", sweep_row(sweep), tables.LIDAR)
    writer.close()
    read = list(ClipTables(tmp_path).lidar_sweeps("top"))
    assert [len(sweep) for sweep in read] == [4, 0, 7]
    np.testing.assert_array_equal(read[2].points_m, written[2].points_m)
    np.testing.assert_array_equal(read[2].track_id, written[2].track_id)
    assert read[2].cos_incidence is None
    np.testing.assert_allclose(
        read[0].world_from_lidar.rotation, written[0].world_from_lidar.rotation, atol=1e-12
    )


def make_frame() -> Any:
    rng = np.random.default_rng(1)
    shape = (6, 8)
    return CameraFrame(
        name="front",
        frame_index=3,
        timestamp_ns=150_000_000,
        world_from_camera=SE3.identity(),
        rgb=rng.integers(0, 255, (*shape, 3), dtype=np.uint8),
        depth_cm=rng.integers(0, 65535, shape, dtype=np.uint16),
        semantic=rng.integers(0, 28, shape, dtype=np.uint8),
        instance=rng.integers(0, 65535, shape, dtype=np.uint16),
    )


def test_image_channels_come_back_exactly() -> None:
    from synthgen.store import image_codec

    frame = make_frame()
    encoded = image_rows(frame, "png")
    assert set(encoded) == {"rgb", "depth", "semantic", "instance"}
    np.testing.assert_array_equal(image_codec.decode_rgb(encoded["rgb"]["image"], "x"), frame.rgb)
    for channel, image in (
        ("depth", frame.depth_cm),
        ("semantic", frame.semantic),
        ("instance", frame.instance),
    ):
        np.testing.assert_array_equal(
            image_codec.decode_counts(encoded[channel]["image"], "x"), image
        )


def test_flow_comes_back_within_a_64th_of_a_pixel_and_keeps_its_axes() -> None:
    from synthgen.store import image_codec

    flow = np.zeros((2, 2, 2), dtype=np.float32)
    flow[0, 1] = (3.25, -7.5)
    valid = np.array([[True, True], [False, True]])
    read, read_valid = image_codec.decode_flow(image_codec.encode_flow(flow, valid), "x")
    np.testing.assert_array_equal(read_valid, valid)
    np.testing.assert_allclose(read[0, 1], (3.25, -7.5), atol=1 / 128)


def test_flow_that_does_not_fit_is_invalid_rather_than_cut() -> None:
    from synthgen.store import image_codec

    flow = np.array([[[-511.5, 2.0], [700.0, 2.0]]], dtype=np.float32)
    encoded = image_codec.encode_flow(flow, np.array([[True, True]]))
    read, read_valid = image_codec.decode_flow(encoded, "x")
    assert read_valid.tolist() == [[True, False]]
    assert read[0, 0].tolist() == [-511.5, 2.0]


def test_pixel_events_come_back_as_they_were() -> None:
    from synthgen.datatypes.pixel_events import PixelEvents

    events = PixelEvents(
        name="dvs",
        frame_index=3,
        timestamp_ns=300,
        world_from_camera=SE3.from_yaw(0.5, [1.0, 2.0, 3.0]),
        x_px=np.array([1, 2], np.uint16),
        y_px=np.array([3, 4], np.uint16),
        time_offset_ns=np.array([-9, 0]),
        polarity=np.array([1, -1], np.int8),
    )
    read = rows.pixel_events_of_row("dvs", rows.pixel_events_row(events))
    for name in ("x_px", "y_px", "time_offset_ns", "polarity"):
        np.testing.assert_array_equal(getattr(read, name), getattr(events, name))
    np.testing.assert_allclose(read.world_from_camera.rotation, events.world_from_camera.rotation)
