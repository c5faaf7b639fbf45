"""The OpenLABEL document of a clip, from its records.

Frames: `world` (scene_cs) <- `ego` (local_cs, our ego frame) <- one sensor_cs for each sensor and
`vehicle-iso8855` (rear axle). `pose_wrt_parent` and `transform_src_to_dst` take coordinates of the
child to its parent; quaternions are x, y, z, w. Camera systems are optical (x right, y down, z
ahead), as `camera_matrix` wants them. Cuboids stand in `ego`: centre, quaternion, full size along
length, width, height. `bbox` is centre and size in pixels; pixel (0, 0) is the corner of the
image. Master frame k is capture k; object keys are our track ids.

Cannot express: masks, bird's-eye rasters, occupancy. Left out: ego control, weather, signals.

Source: ASAM OpenLABEL 1.0.0, JSON schema (draft 7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from synthgen.datatypes.calibration import Calibration, CameraModel, MountedSensor
from synthgen.datatypes.frames import FrameRecord
from synthgen.geometry.camera import FisheyeCamera
from synthgen.geometry.se3 import SE3
from synthgen.store.rows import pose_of_row

Row = Mapping[str, Any]
Json = dict[str, Any]
FrameObjects = dict[int, dict[str, dict[str, list[Json]]]]  # frame, object key, kind of data

WORLD: Final = "world"
EGO: Final = "ego"
CUBOID: Final = "cuboid"
_REAR_AXLE: Final = "vehicle-iso8855"
_STREAM_TYPES: Final = {"camera": "camera", "dvs": "other", "lidar": "lidar", "radar": "radar"}
_NO_DISTORTION: Final = [0.0] * 5
_EDGES: Final = ("x_min", "y_min", "x_max", "y_max")


def coordinate_systems(calibration: Calibration) -> Json:
    """The tree world, ego, sensors; only the pose of the ego in the world changes."""
    ego_from_rear_axle = calibration.rear_axle_from_ego.inverse()
    children = {_REAR_AXLE: _system("local_cs", EGO, ego_from_rear_axle)}
    for sensor in calibration.sensors:
        children[sensor.name] = _system("sensor_cs", EGO, sensor.ego_from_sensor)
    return {
        WORLD: {"type": "scene_cs", "parent": "", "children": [EGO]},
        EGO: {"type": "local_cs", "parent": WORLD, "children": list(children)},
        **children,
    }


def _system(kind: str, parent: str, parent_from_child: SE3) -> Json:
    pose = transform_data(parent_from_child)
    return {"type": kind, "parent": parent, "children": [], "pose_wrt_parent": pose}


def transform_data(dst_from_src: SE3) -> Json:
    """A pose as quaternion (x, y, z, w) and translation."""
    w, x, y, z = dst_from_src.quat_wxyz.tolist()
    return {"quaternion": [x, y, z, w], "translation": dst_from_src.translation_m.tolist()}


def streams(sensors: Iterable[MountedSensor]) -> Json:
    """One stream for each sensor, cameras with their intrinsics."""
    return {sensor.name: _stream(sensor) for sensor in sensors}


def _stream(sensor: MountedSensor) -> Json:
    kind = _STREAM_TYPES.get(sensor.modality, "gps_imu")
    stream: Json = {"type": kind, "description": sensor.role, "uri": sensor.name}
    if sensor.camera is not None:
        stream["stream_properties"] = intrinsics(sensor.camera)
    return stream


def intrinsics(model: CameraModel) -> Json:
    """How a camera sees: `intrinsics_pinhole` or `intrinsics_fisheye`.

    The standard leaves open what the four lens coefficients of a fisheye mean; here they are k1 to
    k4 of OpenCV's fisheye model.
    """
    # Besides the schema's names stand those that VCD, the standard's reference program, looks for.
    if model.fisheye is not None:
        return {"intrinsics_fisheye": _fisheye(model.fisheye)}
    matrix = np.hstack([model.camera.matrix, np.zeros((3, 1))]).ravel().tolist()
    return {
        "intrinsics_pinhole": {
            "width_px": model.camera.width_px,
            "height_px": model.camera.height_px,
            "camera_matrix": matrix,
            "distortion_coeffs": _NO_DISTORTION,
            "camera_matrix_3x4": matrix,
            "distortion_coeffs_1xN": _NO_DISTORTION,
        }
    }


def _fisheye(lens: FisheyeCamera) -> Json:
    coefficients = list(lens.four_coefficients)
    return {
        "width_px": lens.width_px,
        "height_px": lens.height_px,
        "center_x_px": lens.cx_px,
        "center_y_px": lens.cy_px,
        "aspect_ratio": lens.fx_px / lens.fy_px,
        "lens_coeffs": coefficients,
        "model": "kannala",  # r / f = c1 theta + c2 theta^3 + c3 theta^5 + ...
        "center_x": lens.cx_px,
        "center_y": lens.cy_px,
        "focal_length_x": lens.fx_px,
        "focal_length_y": lens.fy_px,
        "lens_coeffs_1xN": [1.0, *coefficients],
    }


def frame_properties(frame: FrameRecord, uris: Mapping[str, str]) -> Json:
    """Time in seconds, pose of the ego and the files of one capture.

    Args:
        frame: The capture.
        uris: File of each stream, relative to the document.
    """
    pose = {
        "src": EGO,
        "dst": WORLD,
        "transform_src_to_dst": transform_data(frame.world_from_ego),
    }
    return {
        "timestamp": frame.timestamp_ns / 1e9,
        "transforms": {f"{EGO}_to_{WORLD}": pose},
        # Every stream counts as the document does, so that none needs sync properties, for which
        # VCD would forget the camera's intrinsics.
        "streams": {name: {"uri": uri} for name, uri in uris.items()},
    }


def cuboid(row: Row) -> Json:
    """The cuboid of a row of boxes3d."""
    pose = pose_of_row("ego_from_box", row)
    w, x, y, z = pose.quat_wxyz.tolist()
    size = [row["length_m"], row["width_m"], row["height_m"]]
    counts = [_named(name, row[name]) for name in ("lidar_points", "radar_points")]
    if row["visible_fraction"] is not None:
        counts.append(_named("visible_fraction", row["visible_fraction"]))
    return {
        "name": CUBOID,
        "val": [*pose.translation_m.tolist(), x, y, z, w, *size],
        "coordinate_system": EGO,
        "attributes": {"num": counts, "text": [_named("activity", row["activity"])]},
    }


def boxes(row: Row) -> list[Json]:
    """The amodal box of a row of boxes2d and, where a pixel is seen, the visible one."""
    shares = [_named(name, row[name]) for name in ("occluded_fraction", "truncated_fraction")]
    found = [_box(row, "amodal", {"num": shares})]
    if row["visible_px"] > 0:
        found.append(_box(row, "visible", {"num": [_named("visible_px", row["visible_px"])]}))
    return found


def _box(row: Row, kind: str, attributes: Json) -> Json:
    left, top, right, low = (row[f"{kind}_{edge}_px"] for edge in _EDGES)
    return {
        "name": f"{row['camera']}_{kind}",
        "val": [(left + right) / 2, (top + low) / 2, right - left, low - top],
        "coordinate_system": row["camera"],
        "attributes": attributes,
    }


def _named(name: str, value: Any) -> Json:
    return {"name": name, "val": value}


def frame_objects(boxes3d: Iterable[Row], boxes2d: Iterable[Row]) -> FrameObjects:
    """Object data by frame index, object key and kind of data."""
    frames: defaultdict[int, dict[str, dict[str, list[Json]]]] = defaultdict(dict)
    for row in boxes3d:
        item = frames[row["frame_index"]].setdefault(str(row["track_id"]), {})
        item.setdefault("cuboid", []).append(cuboid(row))
    for row in boxes2d:
        item = frames[row["frame_index"]].setdefault(str(row["track_id"]), {})
        item.setdefault("bbox", []).extend(boxes(row))
    return dict(frames)


def object_entry(label: str, item: Row, frames: Mapping[int, Mapping[str, Sequence[Json]]]) -> Json:
    """The declaration of one object.

    Args:
        label: Its class.
        item: Its row of the objects table.
        frames: Its data by frame index, as in the frames.
    """
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, kinds in frames.items():
        for kind, entries in kinds.items():
            for entry in entries:
                found[entry["name"], kind].append(index)
    pointers = {
        name: {"type": kind, "frame_intervals": intervals(indices)}
        for (name, kind), indices in sorted(found.items())
    }
    texts = {"blueprint": item["blueprint"], "role": item["role"]}
    return {
        "name": item["name"] or f"{item['category']} {item['track_id']}",
        "type": label,
        "frame_intervals": intervals(frames),
        "object_data": {"text": [_named(*pair) for pair in texts.items()]},
        "object_data_pointers": pointers,
    }


def intervals(indices: Iterable[int]) -> list[Json]:
    """Closed intervals that hold exactly these frames."""
    spans: list[list[int]] = []
    for index in sorted(indices):
        if spans and index == spans[-1][1] + 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return [{"frame_start": first, "frame_end": last} for first, last in spans]


def relation(rider: int, cycle: int, frames: Iterable[int]) -> Json:
    """That one object rides on another, in these frames."""
    return {
        "name": f"{rider} rides {cycle}",
        "type": "rides",
        "rdf_subjects": [{"type": "object", "uid": str(rider)}],
        "rdf_objects": [{"type": "object", "uid": str(cycle)}],
        "frame_intervals": intervals(frames),
    }
