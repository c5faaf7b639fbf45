"""The labels of one capture: a pure function of its sensor data and of its objects' states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.datatypes.actors import ActorStates, ObjectInfo
from synthgen.datatypes.calibration import Calibration
from synthgen.datatypes.frames import FrameRecord
from synthgen.datatypes.images import CameraFrame
from synthgen.datatypes.point_clouds import LidarSweep, RadarScan
from synthgen.datatypes.skeleton import default_skeleton
from synthgen.datatypes.taxonomy import Taxonomy
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F32, I32
from synthgen.geometry.camera import Lens
from synthgen.labels.box_invariants import check_counts, check_sizes
from synthgen.labels.boxes2d import Boxes2d, label_camera_frame
from synthgen.labels.columns import Columns, stacked
from synthgen.labels.invariants import check_image, check_sweep
from synthgen.labels.keypoints import KEYPOINT_COLUMNS, label_keypoints
from synthgen.labels.occupancy import OccupancyView, VoxelGrid, observed, seen_surfaces
from synthgen.labels.panorama import visible_fractions
from synthgen.labels.points import (
    POINT_COLUMNS,
    TARGET_COLUMNS,
    label_points,
    label_targets,
    point_counts,
    target_counts,
)
from synthgen.labels.scene_boxes import SceneBoxes, scene_boxes
from synthgen.labels.settings import LabelSettings
from synthgen.labels.verdict import Votes

View = tuple[CameraFrame, Lens]


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
        radar_points: (N,) int32, targets on each object, all radars together.
        visible_px: (N,) int32, pixels of each object, all cameras together.
        visible_fraction: (N,) float32, see `panorama`; None without a labelled camera.
        keypoints: Rows of table keypoints.
        points: Rows of table points.
        targets: Rows of table targets.
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
    targets: Columns
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
        sensors: What the rig saw; cameras without depth or instance get no 2D labels.
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
        if image.instance is not None and image.depth_cm is not None
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
    targets = stacked([label_targets(scan, boxes) for scan in sensors.radars], TARGET_COLUMNS)
    return FrameLabels(
        frame_index=frame.frame_index,
        boxes=boxes,
        boxes2d=boxes2d,
        lidar_points=lidar_points,
        radar_points=target_counts(targets, boxes),
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
        targets=targets,
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


def _check_frame(frame_index: int, sensors: SensorFrames) -> None:
    """Refuse sensor data of another capture."""
    items: list[CameraFrame | LidarSweep | RadarScan]
    items = [*sensors.cameras, *sensors.lidars, *sensors.radars]
    for item in items:
        if item.frame_index != frame_index:
            raise DatasetError(f"frame {frame_index}: {item.name} is of frame {item.frame_index}")


def _intrinsics(calibration: Calibration, name: str) -> Lens:
    model = calibration.sensor(name).camera
    if model is None:
        raise DatasetError(f"sensor {name}: expected a camera, got images of something else")
    return model.lens
