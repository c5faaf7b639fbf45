"""Rerun archetypes of our records.

Entities: `/world` (right-handed, z up) holds `map` and `ego`; `/world/ego` (x forward, y left,
z up) moves and holds `objects`, `body` and one entity for each sensor; camera entities are
optical (x right, y down, z ahead). Cuboids are centre, full size along length, width, height, and
quaternion x, y, z, w. 2D boxes are the visible ones, in pixels from the image's corner. Rerun
keeps numbers in single precision: a position 1 km from the map's origin is exact to 0.06 mm.
Rerun has no lens but the pinhole: a fisheye's images stand in a view of their own, unprojected.

Cannot express or left out: masks, semantic and instance images, occupancy and bird's-eye rasters.

Source: https://rerun.io/docs/reference/types
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import rerun as rr
import rerun.blueprint as rrb

from exporters.labels import Labelled
from synthgen.datatypes.calibration import MountedSensor
from synthgen.datatypes.road_map import Lane
from synthgen.geometry.arrays import U16
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.se3 import SE3
from synthgen.preview.palette import EGO, OTHER, colour_of
from synthgen.store.rows import pose_of_row

WORLD_PATH: Final = "/world"
EGO_PATH: Final = "/world/ego"
_BACKGROUND: Final = (24, 27, 32)
_LANE_COLOUR: Final = (110, 120, 130)
_DEPTH_COUNTS_PER_M: Final = 100.0
_DEPTH_SHOWN_M: Final = (0.0, 100.0)
_EYE_M: Final = (-20.0, 0.0, 13.0)
_LOOK_AT_M: Final = (12.0, 0.0, 0.0)


def sensor_path(name: str) -> str:
    """Entity of a sensor."""
    return f"{EGO_PATH}/{name}"


def transform(parent_from_child: SE3) -> rr.Transform3D:
    """A pose."""
    return rr.Transform3D(
        translation=parent_from_child.translation_m, quaternion=_xyzw(parent_from_child)
    )


def _xyzw(frame_from_item: SE3) -> list[float]:
    w, x, y, z = frame_from_item.quat_wxyz.tolist()
    return [x, y, z, w]


def pinhole(camera: PinholeCamera) -> rr.Pinhole:
    """Intrinsics of a camera."""
    return rr.Pinhole(
        image_from_camera=camera.matrix,
        resolution=[camera.width_px, camera.height_px],
        camera_xyz=rr.ViewCoordinates.RDF,
        image_plane_distance=2.0,
    )


def classes(categories: Sequence[str]) -> rr.AnnotationContext:
    """Names and colours of the class ids: 0 for what is no object, then our categories."""
    infos = [rr.AnnotationInfo(id=0, label="background", color=OTHER)]
    infos += [
        rr.AnnotationInfo(id=k, label=name, color=colour_of(name))
        for k, name in enumerate(categories, start=1)
    ]
    return rr.AnnotationContext(infos)


def boxes3d(labelled: Sequence[Labelled], class_ids: Mapping[str, int]) -> list[Any]:
    """The objects of one capture, in the ego frame; the track ids go beside the boxes."""
    rows = [row for _, row in labelled]
    poses = [pose_of_row("ego_from_box", row) for row in rows]
    sizes = [[row["length_m"], row["width_m"], row["height_m"]] for row in rows]
    boxes = rr.Boxes3D(
        centers=_array([pose.translation_m for pose in poses], 3),
        sizes=_array(sizes, 3),
        quaternions=_array([_xyzw(pose) for pose in poses], 4),
        labels=_captions(labelled),
        class_ids=_class_ids(rows, class_ids),
    )
    points = np.array([row["lidar_points"] for row in rows], dtype=np.int32)
    return [boxes, rr.AnyValues(track_id=_track_ids(rows), lidar_points=points)]


def boxes2d(labelled: Sequence[Labelled], class_ids: Mapping[str, int]) -> list[Any]:
    """The visible boxes of one image; the track ids go beside them."""
    seen = [(label, row) for label, row in labelled if row["visible_px"] > 0]
    rows = [row for _, row in seen]
    edges = ("x_min", "y_min", "x_max", "y_max")
    boxes = rr.Boxes2D(
        array=_array([[row[f"visible_{edge}_px"] for edge in edges] for row in rows], 4),
        array_format=rr.Box2DFormat.XYXY,
        labels=_captions(seen),
        class_ids=_class_ids(rows, class_ids),
    )
    return [boxes, rr.AnyValues(track_id=_track_ids(rows))]


def _array(values: Sequence[Any], width: int) -> np.ndarray:
    return np.array(values, dtype=np.float32).reshape(-1, width)


def _captions(labelled: Iterable[Labelled]) -> list[str]:
    return [f"{label} {row['track_id']}" for label, row in labelled]


def _class_ids(rows: Iterable[Mapping[str, Any]], class_ids: Mapping[str, int]) -> U16:
    return np.array([class_ids[row["category"]] for row in rows], dtype=np.uint16)


def _track_ids(rows: Iterable[Mapping[str, Any]]) -> np.ndarray:
    return np.array([row["track_id"] for row in rows], dtype=np.int32)


def points3d(points: np.ndarray, class_of_track: U16) -> rr.Points3D:
    """Points of a structured array (N,) with x, y, z, in the sensor's frame.

    Args:
        points: As of `exporters.sensor_points`; coloured by object where it has `track_id`.
        class_of_track: Class id by track id; [0] is 0.
    """
    assert points.dtype.names is not None
    positions = np.column_stack([points[axis] for axis in "xyz"]).astype(np.float32)
    if "track_id" not in points.dtype.names:
        return rr.Points3D(positions, colors=OTHER)
    return rr.Points3D(positions, class_ids=class_of_track[points["track_id"]])


def body(ego_from_body: SE3, size_lwh_m: np.ndarray) -> rr.Boxes3D:
    """The ego car."""
    return rr.Boxes3D(
        centers=[ego_from_body.translation_m], sizes=[size_lwh_m], colors=EGO, labels=["ego"]
    )


def lane_borders(road: Iterable[Lane]) -> rr.LineStrips3D:
    """Both edges of every lane, in the world."""
    strips = [side for lane in road for side in (lane.left_m, lane.right_m)]
    return rr.LineStrips3D(strips, colors=_LANE_COLOUR, radii=0.05)


def image(codec: str, content: bytes) -> rr.EncodedImage:
    """A colour image as the clip holds it."""
    return rr.EncodedImage(contents=content, media_type=f"image/{codec}")


def depth(content: bytes) -> rr.EncodedDepthImage:
    """A depth image as the clip holds it: 16-bit PNG, centimetres."""
    return rr.EncodedDepthImage(
        content,
        media_type="image/png",
        meter=_DEPTH_COUNTS_PER_M,
        depth_range=_DEPTH_SHOWN_M,
    )


def blueprint(cameras: Sequence[MountedSensor]) -> rrb.Blueprint:
    """The scene from behind the ego car, every camera with its boxes beside it."""
    paths = [sensor_path(camera.name) for camera in cameras]
    # Depth would be thrown into the scene as points.
    hidden = [f"- {path}/depth" for path in paths]
    scene = rrb.Spatial3DView(
        origin=EGO_PATH,
        contents=[f"+ {WORLD_PATH}/**", *hidden],
        name="scene",
        background=_BACKGROUND,
        line_grid=False,
        eye_controls=rrb.EyeControls3D(
            position=_EYE_M, look_target=_LOOK_AT_M, eye_up=(0.0, 0.0, 1.0)
        ),
    )
    views = [
        rrb.Spatial2DView(
            origin=path, contents=[f"+ {path}/rgb", f"+ {path}/boxes"], name=camera.name
        )
        for camera, path in zip(cameras, paths, strict=True)
    ]
    parts = [scene, rrb.Grid(*views)] if views else [scene]
    return rrb.Blueprint(
        rrb.Horizontal(*parts, column_shares=[3, 2][: len(parts)]),
        rrb.TimePanel(timeline="time"),
        collapse_panels=True,
    )
