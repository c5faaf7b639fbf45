"""`synthgen bench labels`: speed of the labels, beside two common ways to find boxes in a mask.

Figures are per second of processor time, that is, per core; each is the best of several rounds,
since other work on the machine only ever adds time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import cv2
import numpy as np

from synthgen.datatypes.actors import ObjectInfo
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.road_map import Lane, RoadMap
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.se3 import SE3
from synthgen.labels.bev import BevGrid, bev_frame, bev_map, encode_flow, encode_png
from synthgen.labels.boxes2d import label_camera_frame
from synthgen.labels.scene_boxes import EgoScene, SceneBoxes
from synthgen.labels.settings import LabelSettings

_ROUNDS: Final = 9
_OBJECTS: Final = 60
_CAMERA: Final = PinholeCamera(1600, 900, 1266.0, 1266.0, 800.0, 450.0)  # nuScenes' CAM_FRONT


def bench_labels(*, rounds: int = _ROUNDS) -> dict[str, float]:
    """Flat figures, units in the key names.

    Args:
        rounds: How often each is timed; the best counts.
    """
    boxes, frame = busy_street()
    settings = LabelSettings()
    instance = frame.instance
    assert instance is not None, "busy_street paints one"
    timed: Mapping[str, Callable[[], Any]] = {
        "boxes2d_objects_per_s": lambda: label_camera_frame(frame, _CAMERA, boxes, settings),
        "loop_objects_per_s": lambda: boxes_by_loop(instance),
    }
    figures = {name: _OBJECTS / best_s(work, rounds) for name, work in timed.items()}
    figures |= _regionprops(instance, rounds)
    figures["bev_frames_per_s"] = 1.0 / best_s(_bev_work(boxes), rounds)
    return figures


def best_s(work: Callable[[], Any], rounds: int) -> float:
    """Least processor time of `rounds` runs after one that warms up, seconds."""
    work()
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def boxes_by_loop(instance: np.ndarray) -> list[tuple[int, ...]]:
    """Visible boxes and pixel counts alone, one object after the other, as commonly done."""
    found = []
    for track_id in np.unique(instance[instance > 0]):
        mask = (instance == track_id).astype(np.uint8)
        found.append((*cv2.boundingRect(mask), cv2.countNonZero(mask)))
    return found


def _regionprops(instance: np.ndarray, rounds: int) -> dict[str, float]:
    """Boxes and areas by scikit-image, where that is installed (it is no dependency)."""
    try:
        from skimage.measure import regionprops
    except ImportError:
        return {}

    def work() -> list[tuple[int, ...]]:
        return [(*region.bbox, int(region.area)) for region in regionprops(instance)]

    return {"regionprops_objects_per_s": _OBJECTS / best_s(work, rounds)}


def _bev_work(boxes: SceneBoxes) -> Callable[[], Any]:
    """One capture's rasters, drawn and encoded, on a town of 400 lanes."""
    grid, taxonomy = BevGrid(200, 0.5), default_taxonomy()
    shapes = bev_map(town_of_lanes(), grid)
    before = EgoScene(SE3.from_yaw(0.29, [99.0, 0.0, 0.0]), boxes)
    now = EgoScene(SE3.from_yaw(0.3, [100.0, 0.0, 0.0]), boxes)

    def work() -> tuple[bytes, bytes, bytes]:
        frame = bev_frame(now, before, shapes, grid, taxonomy)
        return encode_png(frame.semantic), encode_png(frame.instance), encode_flow(frame)

    return work


def busy_street(seed: int = 0) -> tuple[SceneBoxes, CameraFrame]:
    """60 cars ahead of a camera at the world's origin, painted far to near as their hulls."""
    rng = np.random.default_rng(seed)
    ahead_m = rng.uniform(8.0, 80.0, _OBJECTS)
    aside_m = rng.uniform(-0.6, 0.6, _OBJECTS) * ahead_m
    yaw = rng.uniform(-np.pi, np.pi, _OBJECTS)
    cos, sin, zero = np.cos(yaw), np.sin(yaw), np.zeros(_OBJECTS)
    # Camera axes are world axes here: box x and y lie in the xz plane, box z is up (-y).
    down = np.tile([0.0, -1.0, 0.0], (_OBJECTS, 1))
    forward, left = np.stack([cos, zero, sin], axis=1), np.stack([-sin, zero, cos], axis=1)
    rotation = np.stack([forward, left, down], axis=2)
    center_m = np.stack([aside_m, np.full(_OBJECTS, 1.0), ahead_m], axis=1)
    world = Cuboids(rotation, center_m, np.tile([4.5, 1.9, 1.6], (_OBJECTS, 1)))
    ids = np.arange(2, _OBJECTS + 2, dtype=np.int32)
    instance = np.zeros((_CAMERA.height_px, _CAMERA.width_px), dtype=np.uint16)
    depth_cm = np.full_like(instance, 65535)
    for index in np.argsort(-ahead_m):
        outline = cv2.convexHull(_CAMERA.project(world.corners_m[index]).astype(np.float32))
        cv2.fillConvexPoly(instance, outline.astype(np.int32), int(ids[index]))
        cv2.fillConvexPoly(depth_cm, outline.astype(np.int32), int(ahead_m[index] * 100))
    infos = tuple(
        ObjectInfo(int(i), "car", "vehicle.bench", 14, np.array([4.5, 1.9, 1.6]), np.zeros(3))
        for i in ids
    )
    frame = CameraFrame(
        "bench",
        0,
        0,
        SE3.identity(),
        depth_cm=depth_cm,
        instance=instance,
        semantic=np.full(instance.shape, 14, dtype=np.uint8),
    )
    return SceneBoxes(ids, world, infos, np.arange(_OBJECTS)), frame


def town_of_lanes() -> RoadMap:
    """A grid of 400 lanes, 100 m long, 60 points each."""
    along = np.linspace(0.0, 100.0, 60)
    lanes = []
    for index in range(400):
        block, lane = divmod(index, 4)
        x, y = divmod(block, 10)
        start_m = np.array([100.0 * x - 400.0, 50.0 * y - 250.0 + 3.5 * lane, 0.0])
        line = (start_m + along[:, None] * np.array([1.0, 0.0, 0.0])).astype(np.float32)
        side = np.array([0.0, 1.75, 0.0], dtype=np.float32)
        name = f"{block}:0:{-lane - 1}"
        lanes.append(
            Lane(name, block, 0, -lane - 1, "driving", line, line + side, line - side, "broken")
        )
    return RoadMap(tuple(lanes))
