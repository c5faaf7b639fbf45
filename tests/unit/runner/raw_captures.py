"""What a CARLA server would send of an analytic scene, byte for byte, and the clip made of it.

The way from here to the labels is the runner's own: `object_info`, `RigDecoder`, `label_clip`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import carla
import numpy as np

from sensors.carla_adapter.poses import pose_to_carla
from sensors.rig import Rig
from synthgen.datatypes.actors import ActorStates
from synthgen.datatypes.clip import MemoryClip
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.labels.frame import SensorFrames
from synthgen.runner.cast import Cast, CastMember, StillObject, object_info
from synthgen.runner.sensor_frames import RigDecoder
from tests.unit.labels.ray_world import (
    FORWARD_CAMERA,
    Ground,
    Solid,
    Thing,
    info_of,
    make_rig,
    photograph,
    scan,
    states_of,
    turned,
)

TICKS_PER_CAPTURE, TICK_S = 2, 0.05
CAMERA = PinholeCamera(320, 180, 200.0, 200.0, 160.0, 90.0)
EGO = SE3.from_yaw(0.1, [3.0, -2.0, 0.0])
CAMERA_MOUNT, LIDAR_MOUNT = SE3.from_yaw(0.0, [1.5, 0, 1.6]), SE3.from_yaw(0.0, [0.0, 0, 1.9])
RIG = Rig.model_validate(
    {
        "schema": "synthgen/rig@1",
        "name": "raw",
        "sensors": [
            {
                "modality": "camera", "name": "cam", "role": "front", "width_px": 320,
                "height_px": 180, "focal_px": 200.0, "mount": {"x_m": 1.5, "y_m": 0, "z_m": 1.6},
                "channels": ["depth", "semantic", "instance"],
            },
            {
                "modality": "lidar", "name": "lidar", "role": "top", "channels": 24,
                "range_m": 120, "points_per_second": 86400, "upper_fov_deg": 5.73,
                "lower_fov_deg": -22.92, "mount": {"x_m": 0, "y_m": 0, "z_m": 1.9},
            },
        ],
    }
)  # fmt: skip
STILL = np.zeros(3)
CAR_SIZE = np.array([4.2, 1.8, 1.5])
# Kawasaki Motors Europe, Ninja 400, technical data: 1990 x 710 x 1120 mm.
NINJA_SIZE = np.array([1.99, 0.71, 1.12])
MOTORCYCLE, WALKER, PARKED, CAR = 2, 3, 4, 5


def scene(time_s: float) -> list[Solid]:
    """A motorcycle and a walker that cross, a parked car of the map, a car that drives away."""
    places = {
        MOTORCYCLE: ([15.0, -6.0 + 3.0 * time_s, 0.56], NINJA_SIZE, 18, "motorcycle", np.pi / 2),
        WALKER: ([12.0, 3.0 - 1.4 * time_s, 0.9], [0.5, 0.5, 1.8], 12, "pedestrian", -np.pi / 2),
        PARKED: ([17.0, 4.5, 0.75], CAR_SIZE, 14, "car", 0.0),
        CAR: ([22.0 + 4.0 * time_s, 0.8, 0.75], CAR_SIZE, 14, "car", 0.0),
    }
    return [
        Solid(np.array(at), np.array(size), track, tag=tag, rotation=turned(yaw), category=kind)
        for track, (at, size, tag, kind, yaw) in places.items()
    ]


@dataclass(frozen=True, eq=False)
class Scenery:
    """A wall that is no object, the id it is painted in, and until when it stands there."""

    solid: Solid
    paint: int = 0
    until_tick: int = 1_000_000


@dataclass(frozen=True)
class Server:
    """What a server says of the scene.

    Attributes:
        actors: Track -> actor id.
        painted: Track -> 16-bit id in the instance image.
        hits: Track -> object id in the semantic LiDAR.
        lists_parked: Whether `get_environment_objects` knows the parked car.
        parked_id: What it calls the parked car.
        extents: Track -> half sizes as stated, where they are wrong.
        lag_ticks: How old the poses are that it states.
        scenery: Solids that are no objects.
    """

    actors: Mapping[int, int] = field(
        default_factory=lambda: {1: 300, MOTORCYCLE: 301, WALKER: 302, CAR: 305}
    )
    painted: Mapping[int, int] = field(
        default_factory=lambda: {MOTORCYCLE: 301, WALKER: 302, PARKED: 0x9123, CAR: 305}
    )
    hits: Mapping[int, int] = field(
        default_factory=lambda: {MOTORCYCLE: 301, WALKER: 302, CAR: 305}
    )
    lists_parked: bool = True
    parked_id: int = 0x5A00_0000_0001
    extents: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    lag_ticks: int = 0
    scenery: tuple[Scenery, ...] = ()


_BLUEPRINTS = {
    1: ("vehicle.lincoln.mkz_2020", 14),
    MOTORCYCLE: ("vehicle.kawasaki.ninja", 18),
    WALKER: ("walker.pedestrian.0001", 12),
    CAR: ("vehicle.tesla.model3", 14),
}


def cast_of(server: Server) -> Cast:
    """The cast as the runner makes it of what the server states."""
    sizes = {solid.track_id: solid.size_lwh_m for solid in scene(0.0)} | {1: CAR_SIZE}
    members = []
    for track_id, actor_id in server.actors.items():
        blueprint, tag = _BLUEPRINTS[track_id]
        extent = server.extents.get(track_id, tuple(sizes[track_id] / 2))
        actor = SimpleNamespace(
            id=actor_id,
            type_id=blueprint,
            attributes={},
            semantic_tags=[tag],
            bounding_box=carla.BoundingBox(carla.Location(), carla.Vector3D(*map(float, extent))),
        )
        role = "ego" if track_id == 1 else "traffic"
        members.append(CastMember(object_info(actor, track_id, role=role, name=None), actor))
    parked = info_of(scene(0.0)[2], source="environment", role="parked")
    pose = SE3(np.eye(3), scene(0.0)[2].center_m)
    still = [StillObject(parked, pose, server.parked_id % 65536)] if server.lists_parked else []
    return Cast(members, still)


def captured_clip(server: Server, captures: int) -> MemoryClip:
    """The clip that the runner makes of the scene as this server tells it."""
    cast = cast_of(server)
    decoder = RigDecoder(RIG, cast, turn_ns=None)
    known = {info.track_id for info in cast.objects()}
    last_tick = (captures - 1) * TICKS_PER_CAPTURE
    ticks = [_states(tick, server.lag_ticks, known) for tick in range(last_tick + 1)]
    frames, sensors = [], []
    for index in range(captures):
        tick = index * TICKS_PER_CAPTURE
        stamp = {"frame_index": index, "timestamp_ns": tick * 50_000_000}
        frames.append(FrameRecord(index, tick, stamp["timestamp_ns"], EGO, STILL, STILL, STILL))
        sensors.append(decoder.decode(_measured(tick, server), ticks[tick], **stamp))
    return MemoryClip(
        calibration=make_rig(
            CAMERA, ego_from_camera=CAMERA_MOUNT @ FORWARD_CAMERA, ego_from_lidar=LIDAR_MOUNT
        ),
        objects=cast.objects(),
        frames=frames,
        ticks=ticks,
        cameras={"cam": [taken.cameras[0] for taken in sensors]},
        lidars={"lidar": [taken.lidars[0] for taken in sensors]},
    )


def _states(tick: int, lag_ticks: int, known: set[int]) -> ActorStates:
    solids = [s for s in scene((tick - lag_ticks) * TICK_S) if s.track_id in known]
    return states_of(solids, tick=tick, ego=EGO)


def _measured(tick: int, server: Server) -> dict[str, Any]:
    """One capture as the client delivers it, by sensor key."""
    # Scenery gets track ids of its own here, so that it can be painted; they lead to no object.
    standing = [one for one in server.scenery if tick < one.until_tick]
    scenery = [replace(one.solid, track_id=1000 + k) for k, one in enumerate(standing)]
    painted = {1000 + k: one.paint for k, one in enumerate(standing)}
    things: list[Thing] = [*scene(tick * TICK_S), *scenery, Ground()]
    image = photograph(things, CAMERA, EGO @ CAMERA_MOUNT @ FORWARD_CAMERA)
    sweep = scan(things, EGO @ LIDAR_MOUNT, elevations=24, azimuths=360)
    pose = pose_to_carla(EGO @ CAMERA_MOUNT)
    assert image.instance is not None
    ids = _table(painted | dict(server.painted))[image.instance].astype(np.uint16)
    return {
        "cam/depth": _raw_image(_depth_bytes(image), pose),
        "cam/semantic": _raw_image([image.semantic, None, None], pose),
        "cam/instance": _raw_image([image.semantic, ids & 0xFF, ids >> 8], pose),
        **_raw_sweeps(sweep, _table(dict(server.hits)), pose_to_carla(EGO @ LIDAR_MOUNT)),
    }


def _table(names: Mapping[int, int]) -> np.ndarray:
    table = np.zeros(65536, dtype=np.uint32)
    for track_id, name in names.items():
        table[track_id] = name
    return table


def _depth_bytes(image: CameraFrame) -> list[Any]:
    # CARLA, "Sensors reference": metres = 1000 (R + 256 G + 65536 B) / (2^24 - 1).
    assert image.depth_cm is not None
    metres = np.where(image.depth_cm == 65535, 1000.0, image.depth_cm / 100.0)
    count = np.rint(metres / 1000.0 * (2**24 - 1)).astype(np.uint32)
    return [count & 0xFF, count >> 8 & 0xFF, count >> 16]


def _raw_image(red_green_blue: list[Any], pose: carla.Transform) -> Any:
    pixels = np.zeros((CAMERA.height_px, CAMERA.width_px, 4), dtype=np.uint8)
    for channel, values in zip((2, 1, 0), red_green_blue, strict=True):
        if values is not None:
            pixels[..., channel] = values
    return SimpleNamespace(
        raw_data=pixels.tobytes(), height=CAMERA.height_px, width=CAMERA.width_px, transform=pose
    )


def _raw_sweeps(sweep: LidarSweep, hits: np.ndarray, pose: carla.Transform) -> dict[str, Any]:
    """The plain and the semantic sweep, the topmost channel first."""
    assert sweep.track_id is not None
    assert sweep.semantic_tag is not None
    order = np.argsort(-sweep.ring.astype(int), kind="stable")
    counts = np.bincount(sweep.ring, minlength=24)[::-1].tolist()
    flipped = sweep.points_m[order] * np.array([1, -1, 1], dtype=np.float32)
    plain = np.column_stack([flipped, np.ones(len(order), dtype=np.float32)])
    layout = [("xyz", "<f4", 3), ("cos", "<f4"), ("id", "<u4"), ("tag", "<u4")]
    semantic = np.zeros(len(order), dtype=np.dtype(layout))
    semantic["xyz"], semantic["cos"] = flipped, 1.0
    semantic["id"], semantic["tag"] = hits[sweep.track_id[order]], sweep.semantic_tag[order]
    get: Callable[[int], int] = counts.__getitem__
    return {
        f"lidar/{name}": SimpleNamespace(
            raw_data=raw.tobytes(), channels=24, get_point_count=get, transform=pose
        )
        for name, raw in (("points", plain), ("semantic", semantic))
    }


def decoded(server: Server, *, captures: int) -> list[SensorFrames]:
    """The first captures as the runner decodes them."""
    cast = cast_of(server)
    decoder = RigDecoder(RIG, cast, turn_ns=None)
    known = {info.track_id for info in cast.objects()}
    return [
        decoder.decode(
            _measured(tick, server),
            _states(tick, server.lag_ticks, known),
            frame_index=index,
            timestamp_ns=tick * 50_000_000,
        )
        for index, tick in enumerate(range(0, captures * TICKS_PER_CAPTURE, TICKS_PER_CAPTURE))
    ]
