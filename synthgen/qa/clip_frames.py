"""Our own clips as labelled frames: the first camera's boxes, in the ego frame."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthgen.datatypes.labelled_frame import LabelledBoxes, LabelledFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, I64
from synthgen.store.clip_reader import ClipReader

_EDGES = ("x_min", "y_min", "x_max", "y_max")


def clip_frames(clip: ClipReader) -> list[LabelledFrame]:
    """The frames of a clip, with the boxes of which its first pinhole camera sees a pixel.

    Raises:
        DatasetError: A table is missing or damaged, or the rig has no pinhole camera.
    """
    cameras = clip.calibration.of_modality("camera")
    sensor = next((s for s in cameras if s.camera and s.camera.fisheye is None), None)
    if sensor is None or sensor.camera is None:
        raise DatasetError(
            f"{clip.folder}: the rig has no pinhole camera, so nothing can be compared"
        )
    model = sensor.camera.camera
    matrix = getattr(model, "matrix", None)
    lidar = next(iter(clip.calibration.of_modality("lidar")), None)
    seen, rows = _joined(clip, sensor.name)
    frame_of = seen["frame_index"]
    frames: list[LabelledFrame] = []
    for record in clip.frames:
        mine = np.flatnonzero(frame_of == record.frame_index)
        frames.append(
            LabelledFrame(
                sequence=clip.clip_id,
                frame_index=record.frame_index,
                timestamp_ns=record.timestamp_ns,
                image=None,
                image_size_wh=(model.width_px, model.height_px),
                camera_matrix=matrix,
                camera_from_boxes=sensor.ego_from_sensor.inverse(),
                lidar=None,
                lidar_from_boxes=None if lidar is None else lidar.ego_from_sensor.inverse(),
                box_frame="ego",
                boxes=_boxes(seen, rows, mine),
            )
        )
    return frames


def _joined(clip: ClipReader, camera: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Columns of the seen 2D boxes, and those of the 3D box of each."""
    flat = _columns(clip.label_table("boxes2d"))
    solid = _columns(clip.label_table("boxes3d"))
    keep = (flat["camera"] == camera) & (flat["visible_px"].astype(np.float64) > 0)
    flat = {name: column[keep] for name, column in flat.items()}
    place = {key: i for i, key in enumerate(_keys(solid))}
    found = np.array([place.get(key, -1) for key in _keys(flat)], dtype=np.int64)
    flat = {name: column[found >= 0] for name, column in flat.items()}
    return flat, {name: column[found[found >= 0]] for name, column in solid.items()}


def _columns(table: pa.Table) -> dict[str, np.ndarray]:
    wanted = [
        n for n in table.column_names if not n.startswith(("mask_", "visible_x", "visible_y"))
    ]
    return {n: table[n].to_numpy(zero_copy_only=False) for n in wanted}


def _keys(columns: dict[str, np.ndarray]) -> list[tuple[int, int]]:
    pairs = zip(columns["frame_index"].tolist(), columns["track_id"].tolist(), strict=True)
    return [(int(frame), int(track)) for frame, track in pairs]


def _boxes(flat: dict[str, np.ndarray], solid: dict[str, np.ndarray], rows: I64) -> LabelledBoxes:
    def numbers(columns: dict[str, np.ndarray], *names: str) -> F64:
        return np.stack([columns[n][rows].astype(np.float64) for n in names], axis=-1)

    w, x, y, z = numbers(solid, *(f"ego_from_box_q{axis}" for axis in "wxyz")).T
    category = flat["category"][rows].astype(np.str_)
    return LabelledBoxes(
        category=category,
        native_category=category,
        track_id=flat["track_id"][rows].astype(np.int64),
        xyxy_px=numbers(flat, *(f"amodal_clipped_{edge}_px" for edge in _EDGES)),
        truncated=numbers(flat, "truncated_fraction")[:, 0],
        occluded=numbers(flat, "occluded_fraction")[:, 0],
        centre_m=numbers(solid, *(f"ego_from_box_{axis}_m" for axis in "xyz")),
        size_lwh_m=numbers(solid, "length_m", "width_m", "height_m"),
        yaw_rad=np.arctan2(2 * (w * z + x * y), 1 - 2 * (y**2 + z**2)),
        occluded_kind="fraction",
        lidar_points=solid["lidar_points"][rows].astype(np.int64),
    )
