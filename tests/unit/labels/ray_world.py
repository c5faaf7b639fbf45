"""Scenes known analytically, seen by a tiny ray caster that shares no code with the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration, CameraModel, LidarModel, MountedSensor
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3

F64 = NDArray[np.float64]
FORWARD_CAMERA = SE3(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.zeros(3))
"""`body_from_camera` of a camera that looks along x."""


@dataclass(frozen=True, eq=False)
class Solid:
    """A box or a sphere; `track_id` 0 is scenery."""

    center_m: F64
    size_lwh_m: F64
    track_id: int
    tag: int = 14
    rotation: F64 = field(default_factory=lambda: np.eye(3))
    is_sphere: bool = False
    category: str = "car"

    def hit(self, origin_m: F64, directions: F64) -> F64:
        """Ray parameter (...) of the first hit, infinity where there is none."""
        start = (origin_m - self.center_m) @ self.rotation
        ray = directions @ self.rotation
        if self.is_sphere:
            radius = self.size_lwh_m[0] / 2
            a = (ray**2).sum(-1)
            b = (ray * start).sum(-1)
            root = b**2 - a * (start @ start - radius**2)
            with np.errstate(invalid="ignore"):
                t = (-b - np.sqrt(root)) / a
            return np.where((root >= 0) & (t > 0), t, np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (-self.size_lwh_m / 2 - start) / ray
            two = (self.size_lwh_m / 2 - start) / ray
        enter = np.minimum(one, two).max(-1)
        leave = np.maximum(one, two).min(-1)
        return np.asarray(np.where((enter <= leave) & (enter > 0), enter, np.inf))


@dataclass(frozen=True, eq=False)
class Ground:
    """The plane z = 0."""

    track_id: int = 0
    tag: int = 1

    def hit(self, origin_m: F64, directions: F64) -> F64:
        """Ray parameter (...) of the hit."""
        with np.errstate(divide="ignore"):
            t = -origin_m[2] / directions[..., 2]
        return np.asarray(np.where(t > 0, t, np.inf))


Thing = Solid | Ground


def turned(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> F64:
    """Rotation matrix of yaw about z, after pitch about y, after roll about x."""
    cy, sy, cp, sp, cr, sr = (f(v) for v in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(about_z @ about_y @ about_x)


def cast(things: Sequence[Thing], origin_m: F64, directions: F64) -> tuple[F64, NDArray[np.int64]]:
    """First hit of every ray: its parameter, infinity for none, and the thing's index, -1."""
    hits = np.stack([thing.hit(origin_m, directions) for thing in things])
    nearest = hits.argmin(0)
    t = np.take_along_axis(hits, nearest[None], 0)[0]
    return t, np.where(np.isfinite(t), nearest, -1)


def directions_of(camera: PinholeCamera, world_from_camera: SE3) -> F64:
    """Rays (H, W, 3) through the pixel centres, world, depth 1."""
    u, v = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    x, y = (u - camera.cx_px) / camera.fx_px, (v - camera.cy_px) / camera.fy_px
    return np.stack([x, y, np.ones_like(x)], -1) @ world_from_camera.rotation.T


def photograph(
    things: Sequence[Thing],
    camera: PinholeCamera,
    world_from_camera: SE3,
    *,
    name: str = "cam",
    frame_index: int = 0,
) -> CameraFrame:
    """Depth, instance and semantic image of the scene."""
    rays = directions_of(camera, world_from_camera)
    t, index = cast(things, world_from_camera.translation_m, rays)
    ids = np.array([thing.track_id for thing in things] + [0], dtype=np.uint16)
    tags = np.array([thing.tag for thing in things] + [11], dtype=np.uint8)
    depth_cm = np.where(t < 655.0, np.rint(np.where(t < 655.0, t, 0) * 100), 65535)
    return CameraFrame(
        name=name,
        frame_index=frame_index,
        timestamp_ns=frame_index * 100_000_000,
        world_from_camera=world_from_camera,
        depth_cm=depth_cm.astype(np.uint16),
        instance=ids[index],
        semantic=tags[index],
    )


def scan(
    things: Sequence[Thing],
    world_from_lidar: SE3,
    *,
    frame_index: int = 0,
    elevations: int = 24,
    azimuths: int = 360,
) -> LidarSweep:
    """A sweep of all rays at once; points without return are left out."""
    up = np.linspace(-0.4, 0.1, elevations)[:, None]
    around = np.linspace(-np.pi, np.pi, azimuths, endpoint=False)[None, :]
    flat = np.cos(up)
    body = np.stack(
        [flat * np.cos(around), flat * np.sin(around), np.sin(up) + 0 * around], -1
    ).reshape(-1, 3)
    t, index = cast(things, world_from_lidar.translation_m, body @ world_from_lidar.rotation.T)
    keep = t < 120.0
    ids = np.array([thing.track_id for thing in things] + [0], dtype=np.uint16)
    tags = np.array([thing.tag for thing in things] + [11], dtype=np.uint8)
    count = int(keep.sum())
    return LidarSweep(
        name="lidar",
        frame_index=frame_index,
        timestamp_ns=frame_index * 100_000_000,
        world_from_lidar=world_from_lidar,
        points_m=(body * np.where(keep, t, 0)[:, None])[keep].astype(np.float32),
        intensity=np.ones(count, dtype=np.float32),
        ring=np.repeat(np.arange(elevations), azimuths)[keep].astype(np.uint16),
        time_offset_ns=np.zeros(count, dtype=np.int32),
        semantic_tag=tags[index][keep],
        track_id=ids[index][keep],
    )


def widened(camera: PinholeCamera, factor: int) -> PinholeCamera:
    """The same camera with `factor` images' worth of margin on every side."""
    return PinholeCamera(
        camera.width_px * (2 * factor + 1),
        camera.height_px * (2 * factor + 1),
        camera.fx_px,
        camera.fy_px,
        camera.cx_px + factor * camera.width_px,
        camera.cy_px + factor * camera.height_px,
    )


def info_of(solid: Solid, **changes: object) -> ObjectInfo:
    """Objects-table row of a solid whose actor origin is its centre."""
    info = ObjectInfo(
        track_id=solid.track_id,
        category=solid.category,
        blueprint="vehicle.test.box",
        semantic_tag=solid.tag,
        size_lwh_m=solid.size_lwh_m,
        box_center_m=np.zeros(3),
    )
    return replace(info, **changes)  # type: ignore[arg-type]  # names and types are the test's


def ego_info() -> ObjectInfo:
    """Objects-table row of the ego."""
    return ObjectInfo(
        1, "car", "vehicle.test.ego", 14, np.array([4.5, 2, 1.5]), np.zeros(3), role="ego"
    )


def states_of(
    solids: Sequence[Solid], *, tick: int = 0, ego: SE3 | None = None, tick_ns: int = 50_000_000
) -> ActorStates:
    """Actor states of the ego and of all solids that are objects."""
    ego = ego or SE3.identity()
    objects = sorted((s for s in solids if s.track_id > 1), key=lambda s: s.track_id)
    poses = [ego, *(SE3(s.rotation, s.center_m) for s in objects)]
    count = len(poses)
    return ActorStates(
        tick=tick,
        timestamp_ns=tick * tick_ns,
        track_id=np.array([1, *(s.track_id for s in objects)], dtype=np.int32),
        position_m=np.stack([pose.translation_m for pose in poses]),
        quat_wxyz=np.stack([pose.quat_wxyz for pose in poses]),
        velocity_mps=np.zeros((count, 3)),
        acceleration_mps2=np.zeros((count, 3)),
        angular_velocity_radps=np.zeros((count, 3)),
        light_state=np.zeros(count, dtype=np.uint32),
    )


def make_rig(camera: PinholeCamera, *, ego_from_camera: SE3, ego_from_lidar: SE3) -> Calibration:
    """One camera `cam` and one LiDAR `lidar`."""
    channels = ("rgb", "depth", "semantic", "instance")
    return Calibration(
        rig="test",
        ego_blueprint="vehicle.test.ego",
        rear_axle_from_ego=SE3.identity(),
        sensors=(
            MountedSensor(
                "cam", "front", "camera", ego_from_camera, camera=CameraModel(camera, channels)
            ),
            MountedSensor(
                "lidar",
                "top",
                "lidar",
                ego_from_lidar,
                lidar=LidarModel(24, 120.0, 10.0, 0.1, -0.4, 86400),
            ),
        ),
    )
