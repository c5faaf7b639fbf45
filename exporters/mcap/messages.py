"""Foxglove messages of our records.

Frames: `world` <- `ego` <- one frame for each sensor, by name; camera frames are optical (x right,
y down, z ahead), as Foxglove wants them. Quaternions are x, y, z, w, sizes are full, colours 0 to
1. Objects are cubes in `ego`: centre, x along the length. 2D boxes are closed lines in pixels, the
visible one; pixel (0, 0) is the corner of the image. A fisheye's lens is `kannala_brandt`. Times
are clip-relative nanoseconds.

Cannot express: masks, occupancy and bird's-eye rasters, the tracks' kinematics. Depth, semantic
and instance images are PNG as the clip holds them, on topics of their own.

Source: https://docs.foxglove.dev/docs/visualization/message-schemas/introduction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from foxglove.messages import (
    CameraCalibration,
    Color,
    CompressedImage,
    CubePrimitive,
    Duration,
    FrameTransform,
    FrameTransforms,
    ImageAnnotations,
    KeyValuePair,
    LinePrimitive,
    LinePrimitiveLineType,
    LocationFix,
    PackedElementField,
    PackedElementFieldNumericType,
    Point2,
    Point3,
    PointCloud,
    PointsAnnotation,
    PointsAnnotationType,
    Pose,
    Quaternion,
    SceneEntity,
    SceneEntityDeletion,
    SceneEntityDeletionType,
    SceneUpdate,
    TextAnnotation,
    TextPrimitive,
    Timestamp,
    Vector3,
)

from synthgen.datatypes.calibration import CameraModel, MountedSensor
from synthgen.datatypes.road_map import Lane
from synthgen.geometry.se3 import SE3
from synthgen.preview.palette import colour_of
from synthgen.store.rows import pose_of_row

Row = Mapping[str, Any]

WORLD: Final = "world"
EGO: Final = "ego"
_LANE_COLOUR: Final = Color(r=0.45, g=0.5, b=0.55, a=0.9)
_CAPTION_GAP_M: Final = 0.4
_PANEL: Final = Color(r=0.08, g=0.1, b=0.12, a=0.7)
_NUMBERS: Final = {
    "u1": PackedElementFieldNumericType.Uint8,
    "u2": PackedElementFieldNumericType.Uint16,
    "i4": PackedElementFieldNumericType.Int32,
    "f4": PackedElementFieldNumericType.Float32,
}


def timestamp(time_ns: int) -> Timestamp:
    """A time in nanoseconds."""
    return Timestamp(sec=time_ns // 1_000_000_000, nsec=time_ns % 1_000_000_000)


def pose(frame_from_item: SE3) -> Pose:
    """A pose."""
    return Pose(
        position=_vector(frame_from_item.translation_m), orientation=_quaternion(frame_from_item)
    )


def _vector(values: np.ndarray) -> Vector3:
    x, y, z = values.tolist()
    return Vector3(x=x, y=y, z=z)


def _quaternion(frame_from_item: SE3) -> Quaternion:
    w, x, y, z = frame_from_item.quat_wxyz.tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def transforms(
    time_ns: int, world_from_ego: SE3, sensors: Iterable[MountedSensor]
) -> FrameTransforms:
    """The whole tree at one capture, so that a viewer may start anywhere."""
    tree = [(WORLD, EGO, world_from_ego)]
    tree += [(EGO, sensor.name, sensor.ego_from_sensor) for sensor in sensors]
    return FrameTransforms(
        transforms=[
            FrameTransform(
                timestamp=timestamp(time_ns),
                parent_frame_id=parent,
                child_frame_id=child,
                translation=_vector(parent_from_child.translation_m),
                rotation=_quaternion(parent_from_child),
            )
            for parent, child, parent_from_child in tree
        ]
    )


def calibration(time_ns: int, frame_id: str, model: CameraModel) -> CameraCalibration:
    """Intrinsics of a camera; a pinhole does not distort."""
    camera = model.camera
    matrix = camera.matrix
    lens, coefficients = distortion(model)
    return CameraCalibration(
        timestamp=timestamp(time_ns),
        frame_id=frame_id,
        width=camera.width_px,
        height=camera.height_px,
        distortion_model=lens,
        D=coefficients,
        K=matrix.ravel().tolist(),
        R=np.eye(3).ravel().tolist(),
        P=np.hstack([matrix, np.zeros((3, 1))]).ravel().tolist(),
    )


def distortion(model: CameraModel) -> tuple[str, list[float]]:
    """Name and coefficients of a lens; `kannala_brandt` is OpenCV's fisheye model."""
    if model.fisheye is None:
        return "plumb_bob", [0.0] * 5
    return "kannala_brandt", list(model.fisheye.four_coefficients)


def image(time_ns: int, frame_id: str, codec: str, content: bytes) -> CompressedImage:
    """An image as the clip holds it."""
    return CompressedImage(
        timestamp=timestamp(time_ns), frame_id=frame_id, data=content, format=codec
    )


def point_cloud(time_ns: int, frame_id: str, points: np.ndarray) -> PointCloud:
    """Points of a structured array (N,) whose first fields are x, y, z."""
    assert points.dtype.fields is not None, "points are a structured array"
    fields = [
        PackedElementField(name=name, offset=offset, type=_NUMBERS[kind.str[1:]])
        for name, (kind, offset, *_) in points.dtype.fields.items()
    ]
    return PointCloud(
        timestamp=timestamp(time_ns),
        frame_id=frame_id,
        pose=pose(SE3.identity()),
        point_stride=points.dtype.itemsize,
        fields=fields,
        data=points.tobytes(),
    )


def _pairs(values: Mapping[str, object]) -> list[KeyValuePair]:
    return [KeyValuePair(key=key, value=str(value)) for key, value in values.items()]


def _colour(category: str, opacity: float) -> Color:
    r, g, b = (part / 255 for part in colour_of(category))
    return Color(r=r, g=g, b=b, a=opacity)


def scene(time_ns: int, labelled: Iterable[tuple[str, Row]]) -> SceneUpdate:
    """All objects of one capture; what the capture before showed is deleted.

    Args:
        time_ns: Time of the capture.
        labelled: Class and row of boxes3d of each.
    """
    entities = [_entity(time_ns, label, row) for label, row in labelled]
    deletion = SceneEntityDeletion(
        timestamp=timestamp(time_ns), type=SceneEntityDeletionType.All, id=""
    )
    return SceneUpdate(deletions=[deletion], entities=entities)


def _entity(time_ns: int, label: str, row: Row) -> SceneEntity:
    ego_from_box = pose_of_row("ego_from_box", row)
    size = Vector3(x=row["length_m"], y=row["width_m"], z=row["height_m"])
    above_m = np.array([0.0, 0.0, row["height_m"] / 2 + _CAPTION_GAP_M])
    top = SE3(np.eye(3), ego_from_box.translation_m + above_m)
    known = ("lidar_points", "radar_points", "visible_fraction", "activity", "distance_m")
    return SceneEntity(
        timestamp=timestamp(time_ns),
        frame_id=EGO,
        id=str(row["track_id"]),
        lifetime=Duration(sec=0, nsec=0),
        frame_locked=True,
        metadata=_pairs({"class": label, **{name: row[name] for name in known}}),
        cubes=[
            CubePrimitive(pose=pose(ego_from_box), size=size, color=_colour(row["category"], 0.45))
        ],
        texts=[
            TextPrimitive(
                pose=pose(top),
                billboard=True,
                font_size=12.0,
                scale_invariant=True,
                color=_colour(row["category"], 1.0),
                text=f"{label} {row['track_id']}",
            )
        ],
    )


def lanes(time_ns: int, road: Iterable[Lane]) -> SceneUpdate:
    """The borders of all lanes, in the world."""
    entities = [
        SceneEntity(
            timestamp=timestamp(time_ns),
            frame_id=WORLD,
            id=lane.lane_id,
            metadata=_pairs({"kind": lane.kind}),
            lines=[_line(lane.left_m), _line(lane.right_m)],
        )
        for lane in road
    ]
    return SceneUpdate(deletions=[], entities=entities)


def _line(points_m: np.ndarray) -> LinePrimitive:
    return LinePrimitive(
        type=LinePrimitiveLineType.LineStrip,
        pose=pose(SE3.identity()),
        thickness=2.0,
        scale_invariant=True,
        points=[Point3(x=x, y=y, z=z) for x, y, z in points_m.tolist()],
        color=_LANE_COLOUR,
    )


def image_boxes(time_ns: int, labelled: Iterable[tuple[str, Row]]) -> ImageAnnotations:
    """The visible boxes of one image.

    Args:
        time_ns: Time of the capture.
        labelled: Class and row of boxes2d of each.
    """
    seen = [(label, row) for label, row in labelled if row["visible_px"] > 0]
    return ImageAnnotations(
        timestamp=timestamp(time_ns),
        points=[_outline(time_ns, label, row) for label, row in seen],
        texts=[_caption(time_ns, label, row) for label, row in seen],
    )


def _outline(time_ns: int, label: str, row: Row) -> PointsAnnotation:
    left, right = row["visible_x_min_px"], row["visible_x_max_px"]
    top, low = row["visible_y_min_px"], row["visible_y_max_px"]
    known = ("track_id", "visible_px", "occluded_fraction", "truncated_fraction", "ignore")
    corners = [(left, top), (right, top), (right, low), (left, low)]
    return PointsAnnotation(
        timestamp=timestamp(time_ns),
        type=PointsAnnotationType.LineLoop,
        points=[Point2(x=x, y=y) for x, y in corners],
        outline_color=_colour(row["category"], 1.0),
        thickness=2.0,
        metadata=_pairs({"class": label, **{name: row[name] for name in known}}),
    )


def _caption(time_ns: int, label: str, row: Row) -> TextAnnotation:
    return TextAnnotation(
        timestamp=timestamp(time_ns),
        position=Point2(x=row["visible_x_min_px"], y=row["visible_y_min_px"]),
        text=f"{label} {row['track_id']}",
        font_size=12.0,
        text_color=_colour(row["category"], 1.0),
        background_color=_PANEL,
    )


def location(time_ns: int, row: Row) -> LocationFix:
    """Where a GNSS receiver takes itself to be."""
    return LocationFix(
        timestamp=timestamp(time_ns),
        frame_id=row["sensor"],
        latitude=row["latitude_deg"],
        longitude=row["longitude_deg"],
        altitude=row["altitude_m"],
    )
