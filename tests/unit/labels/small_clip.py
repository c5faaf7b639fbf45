"""A small clip in memory: a circling car, a walker, a parked car and one that comes and goes."""

from __future__ import annotations

import numpy as np

from synthgen.datatypes.clip import MemoryClip
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.road_map import Lane, RoadMap
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    Thing,
    ego_info,
    info_of,
    make_rig,
    photograph,
    scan,
    states_of,
    turned,
)

CAMERA = PinholeCamera(160, 90, 100.0, 100.0, 80.0, 45.0)
EGO_FROM_CAMERA = SE3.from_yaw(0.0, [1.5, 0.0, 1.6]) @ FORWARD_CAMERA
EGO_FROM_LIDAR = SE3.from_yaw(0.0, [0.0, 0.0, 1.9])
TICKS = 41
RADIUS_M, TURN_RADPS = 8.0, 0.6  # a car on a circle: speed 4.8 m/s, acceleration 2.88 m/s2
SIZE = np.array([4.2, 1.8, 1.5])
STILL = np.zeros(3)


def circling(time_s: float) -> Solid:
    angle = TURN_RADPS * time_s
    center = np.array([18.0 + RADIUS_M * np.sin(angle), -RADIUS_M * np.cos(angle), 0.75])
    return Solid(center, SIZE, 2, rotation=turned(angle))


def walking(time_s: float) -> Solid:
    center = np.array([12.0, -3.0 + 1.4 * time_s, 0.9])
    size = np.array([0.5, 0.5, 1.8])
    rotation = turned(np.pi / 2)
    return Solid(center, size, 3, tag=12, rotation=rotation, category="pedestrian")


PARKED = Solid(np.array([9.0, 3.5, 0.75]), SIZE, 4)
FAR = Solid(np.array([15.5, 0.0, 0.75]), SIZE, 5)


def ego_pose(time_s: float) -> SE3:
    return SE3.from_yaw(0.1, [2.0 * time_s, 0.0, 0.0])


def scene(tick: int) -> list[Solid]:
    time_s = tick * 0.05
    late = [FAR] if 10 <= tick < 30 else []
    return [circling(time_s), walking(time_s), PARKED, *late]


def make_clip() -> MemoryClip:
    frames, images, sweeps = [], [], []
    for index in range(0, TICKS, 4):
        ego = ego_pose(index * 0.05)
        things: list[Thing] = [*scene(index), Ground()]
        number = index // 4
        frames.append(FrameRecord(number, index, index * 50_000_000, ego, STILL, STILL, STILL))
        images.append(photograph(things, CAMERA, ego @ EGO_FROM_CAMERA, frame_index=number))
        sweeps.append(scan(things, ego @ EGO_FROM_LIDAR, frame_index=number))
    lane = Lane(
        "1:0:-1",
        1,
        0,
        -1,
        "driving",
        np.array([[-50, 0, 0], [50, 0, 0]]),
        np.array([[-50, 2, 0], [50, 2, 0]]),
        np.array([[-50, -2, 0], [50, -2, 0]]),
    )
    parked = info_of(PARKED, source="environment", role="parked")
    return MemoryClip(
        calibration=make_rig(
            CAMERA, ego_from_camera=EGO_FROM_CAMERA, ego_from_lidar=EGO_FROM_LIDAR
        ),
        objects=[ego_info(), info_of(circling(0)), info_of(walking(0)), parked, info_of(FAR)],
        frames=frames,
        ticks=[states_of(scene(t), tick=t, ego=ego_pose(t * 0.05)) for t in range(TICKS)],
        road_map=RoadMap(lanes=(lane,)),
        cameras={"cam": images},
        lidars={"lidar": sweeps},
    )
