from __future__ import annotations

from typing import Any

import pytest

from sensors.carla_adapter.frame_barrier import FrameBarrier
from synthgen.errors import SensorFault

SENSORS = ("cam_left/rgb", "lidar_top/points")


def deliver(barrier: Any, frame: Any, sensors: Any = SENSORS) -> None:
    for sensor in sensors:
        barrier.deliver(sensor, frame, f"{sensor}@{frame}")


def test_complete_frame_is_returned_by_sensor() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 7)
    assert barrier.collect(7, 0.01) == {s: f"{s}@7" for s in SENSORS}


def test_missing_sensor_is_named_with_the_count() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 7, SENSORS[:1])
    with pytest.raises(SensorFault, match=r"frame 7: no data from lidar_top/points .*1 of 2"):
        barrier.collect(7, 0.01)


def test_double_measurement_is_a_fault() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 7)
    barrier.deliver("cam_left/rgb", 7, "again")
    with pytest.raises(SensorFault, match="cam_left/rgb: frame 7 came twice"):
        barrier.collect(7, 0.01)


def test_late_measurement_is_a_fault_of_the_next_frame() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 7)
    barrier.collect(7, 0.01)
    barrier.deliver("cam_left/rgb", 7, "late")
    deliver(barrier, 9)
    with pytest.raises(SensorFault, match="cam_left/rgb: frame 7 came after frame 7 was complete"):
        barrier.collect(9, 0.01)


def test_unasked_frame_between_two_captures_is_a_fault() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 7)
    barrier.collect(7, 0.01)
    deliver(barrier, 8)
    deliver(barrier, 9)
    with pytest.raises(SensorFault, match=r"data of frames \[8\] that were not asked for"):
        barrier.collect(9, 0.01)


def test_warm_up_frames_before_the_first_capture_are_dropped() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 3)
    deliver(barrier, 5)
    deliver(barrier, 7)
    assert set(barrier.collect(7, 0.01)) == set(SENSORS)


def test_wrong_frame_is_told_from_a_missing_one() -> None:
    barrier = FrameBarrier(SENSORS)
    deliver(barrier, 5)
    barrier.collect(5, 0.01)
    deliver(barrier, 7, SENSORS[:1])
    barrier.deliver(SENSORS[1], 8, "wrong")
    with pytest.raises(SensorFault, match=r"lidar_top/points sent frame 8 instead"):
        barrier.collect(7, 0.01)


def test_frames_between_captures_are_dropped_where_sensors_measure_every_tick() -> None:
    barrier = FrameBarrier(SENSORS, measure_between=True)
    for frame in (7, 8, 9):
        deliver(barrier, frame)
    barrier.collect(7, 0.01)
    assert barrier.collect(9, 0.01) == {s: f"{s}@9" for s in SENSORS}
    barrier.deliver("cam_left/rgb", 8, "overtaken")
    deliver(barrier, 11)
    assert set(barrier.collect(11, 0.01)) == set(SENSORS)


def test_late_capture_is_a_fault_where_sensors_measure_every_tick_too() -> None:
    barrier = FrameBarrier(SENSORS, measure_between=True)
    deliver(barrier, 7)
    barrier.collect(7, 0.01)
    barrier.deliver("cam_left/rgb", 7, "again")
    with pytest.raises(SensorFault, match="cam_left/rgb: frame 7 came after frame 7 was complete"):
        barrier.collect(9, 0.01)
