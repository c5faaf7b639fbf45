"""The labels of one capture: a pure function of its sensor data and of its objects' states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F32, F64, I32, I64, U16
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import Cuboids
from synthgen.geometry.se3 import SE3
from synthgen.labels.boxes2d import Boxes2d, label_camera_frame
from synthgen.labels.columns import Columns, stacked
from synthgen.labels.invariants import check_counts, check_image, check_sizes, check_sweep
from synthgen.labels.keypoints import KEYPOINT_COLUMNS, label_keypoints
from synthgen.labels.occupancy import OccupancyView, VoxelGrid, observed, seen_surfaces
from synthgen.labels.panorama import visible_fractions
from synthgen.labels.scene_boxes import SceneBoxes, scene_boxes
from synthgen.labels.settings import LabelSettings
from synthgen.labels.verdict import Votes

View = tuple[CameraFrame, PinholeCamera]
POINT_COLUMNS: Final = ("frame_index", "lidar", "semantic_tag", "track_id")


@dataclass(frozen=True, eq=False, slots=True)
class SensorFrames:
    """What all sensors of the rig delivered at one capture."""

    cameras: Sequence[CameraFrame] = ()
    lidars: Sequence[LidarSweep] = ()
    radars: Sequence[RadarScan] = ()


@dataclass(frozen=True, eq=False, slots=True)
class FrameLabels:
    """What the sensor data of one capture says about its objects.

    Attributes:
        frame_index: Capture number.
        boxes: All objects but the ego.
        boxes2d: One per camera with depth and instance, in the order of the rig.
        lidar_points: (N,) int32, points on each object, all LiDARs together.
        radar_points: (N,) int32, detections on each object, all radars together.
        visible_px: (N,) int32, pixels of each object, all cameras together.
        visible_fraction: (N,) float32, see `panorama`; None without a labelled camera.
        keypoints: Rows of table keypoints.
        points: Rows of table points.
        votes: What the invariants of images, sweeps and sizes say.
        view: What it adds to the clip's occupancy; None if it gets no grid of its own.
    """

    frame_index: int
    boxes: SceneBoxes
    boxes2d: tuple[Boxes2d, ...]
    lidar_points: I32
    radar_points: I32
    visible_px: I32
    visible_fraction: F32 | None
    keypoints: Columns
    points: Columns
    votes: tuple[Votes, ...]
    view: OccupancyView | None


def label_frame(
    frame: FrameRecord,
    *,
    objects: Sequence[ObjectInfo],
    states: ActorStates,
    sensors: SensorFrames,
    calibration: Calibration,
    taxonomy: Taxonomy,
    settings: LabelSettings,
) -> FrameLabels:
    """The labels of one capture.

    Args:
        frame: The capture.
        objects: The objects table.
        states: All objects at the tick of the capture.
        sensors: What the rig saw; cameras without depth or instance and
            fisheyes get no 2D labels.
        calibration: The rig.
        taxonomy: Categories.
        settings: Limits and margins.

    Raises:
        DatasetError: Sensor data that belongs to different captures, or to no known object.
    """
    _check_frame(frame.frame_index, sensors)
    boxes = scene_boxes(objects, states)
    images = [
        image
        for image in sensors.cameras
        if image.instance is not None
        and image.depth_cm is not None
        and _is_pinhole(calibration, image.name)
    ]
    views = [(image, _intrinsics(calibration, image.name)) for image in images]
    boxes2d = tuple(label_camera_frame(image, camera, boxes, settings) for image, camera in views)
    visible_px = np.zeros(len(boxes), dtype=np.int32)
    for labels in boxes2d:
        visible_px[labels.row] += labels.visible_px
    lidar_points = np.zeros(len(boxes), dtype=np.int32)
    for sweep in sensors.lidars:
        points_m = sweep.points_m.astype(np.float64)
        lidar_points += point_counts(sweep.track_id, points_m, sweep.world_from_lidar, boxes)
    radar_points = np.zeros(len(boxes), dtype=np.int32)
    for scan in sensors.radars:
        radar_points += point_counts(scan.track_id, scan.points_m, scan.world_from_radar, boxes)
    return FrameLabels(
        frame_index=frame.frame_index,
        boxes=boxes,
        boxes2d=boxes2d,
        lidar_points=lidar_points,
        radar_points=radar_points,
        visible_px=visible_px,
        visible_fraction=visible_fractions(views, boxes, settings) if views else None,
        keypoints=stacked(
            [
                label_keypoints(
                    image,
                    camera,
                    boxes,
                    states.bones_m,
                    skeleton=default_skeleton(),
                    settings=settings,
                )
                for image, camera in views
            ],
            KEYPOINT_COLUMNS,
        ),
        points=stacked([label_points(sweep, boxes) for sweep in sensors.lidars], POINT_COLUMNS),
        votes=_votes(views, boxes2d, sensors, states, boxes, lidar_points, taxonomy, settings),
        view=_occupancy_view(frame, views, sensors, boxes, settings),
    )


def _votes(
    views: Sequence[View],
    boxes2d: Sequence[Boxes2d],
    sensors: SensorFrames,
    states: ActorStates,
    boxes: SceneBoxes,
    lidar_points: I32,
    taxonomy: Taxonomy,
    settings: LabelSettings,
) -> tuple[Votes, ...]:
    """What the invariants of images, sweeps and sizes say of the finished labels."""
    range_m = settings.coverage_range_m
    of_images = (
        check_image(image, camera, boxes, part, taxonomy=taxonomy, range_m=range_m)
        for (image, camera), part in zip(views, boxes2d, strict=True)
    )
    of_sweeps = (
        check_sweep(sweep, states, boxes, taxonomy=taxonomy, range_m=range_m)
        for sweep in sensors.lidars
    )
    of_boxes = (
        check_counts(lidar_points, list(sensors.lidars), boxes),
        check_sizes(boxes, taxonomy),
    )
    return (*of_images, *of_sweeps, *of_boxes)


def _occupancy_view(
    frame: FrameRecord,
    views: Sequence[View],
    sensors: SensorFrames,
    boxes: SceneBoxes,
    settings: LabelSettings,
) -> OccupancyView | None:
    """What this capture adds to the clip's occupancy; None if it gets no grid of its own."""
    if settings.occupancy_period == 0 or frame.frame_index % settings.occupancy_period:
        return None
    grid = VoxelGrid()
    points = seen_surfaces(views, sensors.lidars, boxes, grid)
    return OccupancyView(points, observed(frame.world_from_ego, views, sensors.lidars, grid))


def point_counts(
    point_track_id: U16 | None, points_m: F64, world_from_sensor: SE3, boxes: SceneBoxes
) -> I32:
    """Points on each object (N,): by the points' own ids, or inside its box without ids.

    Args:
        point_track_id: (P,) track of each point, or None.
        points_m: (P, 3), sensor frame.
        world_from_sensor: Pose the points are seen from.
        boxes: The N objects.
    """
    if point_track_id is None:
        return points_in_boxes(points_m, boxes.world.moved(world_from_sensor.inverse()))
    highest = int(boxes.track_id[-1]) if len(boxes) else 0
    hits = np.bincount(point_track_id, minlength=highest + 1)
    return hits[boxes.track_id].astype(np.int32)


def label_points(sweep: LidarSweep, boxes: SceneBoxes) -> Columns:
    """The row of table points of one sweep.

    Class and track come from the sweep where the simulator gave them; else a point takes those
    of the smallest box it lies in, and 0 where it lies in none.
    """
    track_id, tag = sweep.track_id, sweep.semantic_tag
    if track_id is None:
        points_m = sweep.points_m.astype(np.float64)
        row = _smallest_box(points_m, boxes.world.moved(sweep.world_from_lidar.inverse()))
        is_object = row >= 0
        track_id = np.where(is_object, boxes.track_id[row], 0).astype(np.uint16)
        tags = np.array([info.semantic_tag for info in boxes.infos], dtype=np.uint8)
        if tag is None:
            tag = np.where(is_object, tags[row], 0).astype(np.uint8)
    return {
        "frame_index": np.array([sweep.frame_index], dtype=np.int32),
        "lidar": [sweep.name],
        "semantic_tag": [tag if tag is not None else np.zeros(len(sweep), dtype=np.uint8)],
        "track_id": [track_id],
    }


def _smallest_box(points_m: F64, boxes: Cuboids) -> I64:
    """Row (P,) of the smallest box each point lies in, -1 for none."""
    found = np.full(len(points_m), -1, dtype=np.int64)
    for row in np.argsort(-np.prod(boxes.size_lwh_m, axis=1), kind="stable"):
        found[boxes[row].contains(points_m)] = row
    return found


def points_in_boxes(points_m: F64, boxes: Cuboids) -> I32:
    """Number of points (P, 3) within each of N boxes of the same frame: (N,)."""
    reach_m = np.linalg.norm(boxes.size_lwh_m, axis=1) / 2
    gap_x = np.abs(boxes.center_m[:, None, 0] - points_m[:, 0])
    gap_y = np.abs(boxes.center_m[:, None, 1] - points_m[:, 1])
    box, point = np.nonzero((gap_x <= reach_m[:, None]) & (gap_y <= reach_m[:, None]))
    offset_m = points_m[point] - boxes.center_m[box]
    local_m = np.einsum("pji,pj->pi", boxes.rotation[box], offset_m)
    is_inside = (np.abs(local_m) <= boxes.size_lwh_m[box] / 2).all(axis=1)
    return np.bincount(box[is_inside], minlength=len(boxes)).astype(np.int32)


def _check_frame(frame_index: int, sensors: SensorFrames) -> None:
    """Refuse sensor data of another capture."""
    items: list[CameraFrame | LidarSweep | RadarScan]
    items = [*sensors.cameras, *sensors.lidars, *sensors.radars]
    for item in items:
        if item.frame_index != frame_index:
            raise DatasetError(f"frame {frame_index}: {item.name} is of frame {item.frame_index}")


def _is_pinhole(calibration: Calibration, name: str) -> bool:
    model = calibration.sensor(name).camera
    return model is None or model.fisheye is None


def _intrinsics(calibration: Calibration, name: str) -> PinholeCamera:
    model = calibration.sensor(name).camera
    if model is None:
        raise DatasetError(f"sensor {name}: expected a camera, got images of something else")
    return model.camera
