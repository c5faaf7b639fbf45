"""`python -m synthgen.labels.warmup`: compile the labels' kernels before many processes would.

A made-up capture is labelled, so that every kernel meets arrays of the very types it meets later.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration, CameraModel, LidarModel, MountedSensor
from synthgen.datatypes.clip import MemoryClip
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.datatypes.road_map import Lane, RoadMap
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.clip import label_clip


def made_up_clip() -> MemoryClip:
    """One capture of a car ahead, half hidden, by one camera and one LiDAR."""
    camera = PinholeCamera(32, 16, 16.0, 16.0, 16.0, 8.0)
    forward = SE3(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.array([0.0, 0.0, 1.0]))
    size = np.array([4.0, 2.0, 1.5])
    still = np.zeros(3)
    infos = [ObjectInfo(track_id, "car", "vehicle.warm.up", 14, size, still) for track_id in (1, 2)]
    instance = np.zeros((16, 32), dtype=np.uint16)
    instance[6:10, 12:16] = 2
    depth_cm = np.where(instance == 2, 800, 400).astype(np.uint16)
    rows = np.zeros((2, 3))
    states = ActorStates(
        tick=0,
        timestamp_ns=0,
        track_id=np.array([1, 2], dtype=np.int32),
        position_m=np.array([[0.0, 0, 0], [10, 0, 0.75]]),
        quat_wxyz=np.array([[1.0, 0, 0, 0], [1, 0, 0, 0]]),
        velocity_mps=rows,
        acceleration_mps2=rows,
        angular_velocity_radps=rows,
        light_state=np.zeros(2, dtype=np.uint32),
    )
    image = CameraFrame(
        "camera",
        0,
        0,
        forward,
        depth_cm=depth_cm,
        semantic=np.where(instance == 2, 14, 3).astype(np.uint8),
        instance=instance,
    )
    sweep = LidarSweep(
        "lidar",
        0,
        0,
        SE3.identity(),
        points_m=np.array([[8.0, 0, 0.5], [5, 4, 0]], dtype=np.float32),
        intensity=np.ones(2, dtype=np.float32),
        ring=np.zeros(2, dtype=np.uint16),
        time_offset_ns=np.zeros(2, dtype=np.int32),
        semantic_tag=np.array([14, 1], dtype=np.uint8),
        track_id=np.array([2, 0], dtype=np.uint16),
    )
    line = np.array([[-20, 0, 0], [20, 0, 0]], dtype=np.float32)
    edge = np.array([0, 2, 0], dtype=np.float32)
    lane = Lane("1:0:-1", 1, 0, -1, "driving", line, line + edge, line - edge, "solid")
    sensors = (
        MountedSensor(
            "camera",
            "front",
            "camera",
            forward,
            camera=CameraModel(camera, ("depth", "semantic", "instance")),
        ),
        MountedSensor(
            "lidar",
            "top",
            "lidar",
            SE3.identity(),
            lidar=LidarModel(1, 50.0, 10.0, 0.0, 0.0, 20),
        ),
    )
    return MemoryClip(
        calibration=Calibration("warm-up", "vehicle.warm.up", SE3.identity(), sensors),
        objects=infos,
        frames=[FrameRecord(0, 0, 0, SE3.identity(), still, still, still)],
        ticks=[states],
        road_map=RoadMap((lane,)),
        cameras={"camera": [image]},
        lidars={"lidar": [sweep]},
    )


if __name__ == "__main__":
    start_s = time.monotonic()
    sys.stdout.write("label kernels: compiled where they are new, up to two minutes once\n")
    sys.stdout.flush()
    label_clip(made_up_clip())
    sys.stdout.write(f"label kernels are compiled ({time.monotonic() - start_s:.1f} s)\n")
