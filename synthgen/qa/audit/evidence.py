"""What the sensors say, grouped into blobs: pixels or points that belong together.

A blob is one object's pixels in one image (instance and depth images) or one object's returns in
one sweep (semantic LiDAR). Its number says only which blobs are the same object in other frames;
what label belongs to it is found by geometry, or else a fault in the ids would hide itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from synthgen.datatypes.images import NO_DEPTH_CM, CameraFrame
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.geometry.arrays import F64, I64, Bool
from synthgen.geometry.camera import Lens
from synthgen.geometry.se3 import SE3
from synthgen.store.clip_reader import ClipReader

# More points of one blob tell nothing new, and time is bounded by them.
MAX_POINTS: Final = 160
_MIN_PIXELS: Final = 6
_PLATFORM_MARGIN_M: Final = 0.15
_CHANNELS: Final = ("depth", "semantic", "instance")


@dataclass(frozen=True, eq=False, slots=True)
class Blobs:
    """B blobs of a recording, sorted by frame.

    Attributes:
        frame: (B,) position among the recording's frames.
        camera: (B,) number of the camera, -1 for a sweep.
        identity: (B,) number of the object in the evidence; 0 where nothing says.
        tag: (B,) semantic tag of most pixels, 0 for sweeps without tags.
        count: (B,) pixels or points.
        xyxy_px: (B, 4) bounds of the pixels, corner coordinates; NaN for sweeps.
        at_border: (B,) the pixels touch the image's edge.
        start: (B + 1,) blob i has the points `start[i]` to `start[i + 1]`.
        points_m: (P, 3) a sample of at most `MAX_POINTS` per blob, platform frame.
        origin_m: (C + 1, 3) where each camera, and last the LiDAR, sits on the platform.
        frames: Number of frames of the recording.
    """

    frame: I64
    camera: I64
    identity: I64
    tag: I64
    count: I64
    xyxy_px: F64
    at_border: Bool
    start: I64
    points_m: F64
    origin_m: F64
    frames: int

    def __len__(self) -> int:
        """Number of blobs."""
        return len(self.frame)


@dataclass(frozen=True, eq=False, slots=True)
class _Blob:
    frame: int
    camera: int
    identity: int
    tag: int
    count: int
    xyxy_px: tuple[float, float, float, float]
    at_border: bool
    points_m: F64


def clip_blobs(clip: ClipReader) -> Blobs:
    """The blobs of a clip.

    Raises:
        DatasetError: An image or a sweep cannot be read.
    """
    reader = ClipReader(clip.folder, _CHANNELS)
    blobs: list[_Blob] = []
    origins = []
    for number, sensor in enumerate(reader.calibration.of_modality("camera")):
        assert sensor.camera is not None
        origins.append(sensor.ego_from_sensor.translation_m)
        if not set(_CHANNELS) <= set(sensor.camera.channels):
            continue
        for position, image in enumerate(reader.camera_frames(sensor.name)):
            blobs += _image_blobs(
                image, sensor.camera.lens, sensor.ego_from_sensor, position, number
            )
    lidar_origin = np.zeros(3)
    for sensor in reader.calibration.of_modality("lidar"):
        lidar_origin = sensor.ego_from_sensor.translation_m
        for position, sweep in enumerate(reader.lidar_sweeps(sensor.name)):
            if sweep.track_id is not None:
                points_m = sensor.ego_from_sensor.apply(sweep.points_m.astype(np.float64))
                tags = np.zeros(len(points_m), dtype=np.int64)
                if sweep.semantic_tag is not None:
                    tags = sweep.semantic_tag.astype(np.int64)
                identity = sweep.track_id.astype(np.int64)
                blobs += _sweep_blobs(points_m, identity, tags, position)
    blobs = [blob for blob in blobs if not _on_platform(reader, blob.points_m)]
    return _packed(blobs, np.array([*origins, lidar_origin]), len(reader.frames))


def no_blobs(frames: int) -> Blobs:
    """The evidence of a recording that has none."""
    return _packed([], np.zeros((1, 3)), frames)


def _on_platform(clip: ClipReader, points_m: F64) -> bool:
    """True for a blob of the ego car itself, which has no label."""
    ego = next((item for item in clip.objects if item.role == "ego"), None)
    if ego is None or not len(points_m):
        return False
    away_m = np.abs(points_m - ego.box_center_m)
    within = (away_m <= ego.size_lwh_m / 2 + _PLATFORM_MARGIN_M).all(axis=1)
    return bool(within.mean() > 0.5)


def _image_blobs(
    image: CameraFrame, camera: Lens, ego_from_camera: SE3, frame: int, number: int
) -> Iterator[_Blob]:
    assert image.instance is not None
    assert image.semantic is not None
    assert image.depth_cm is not None
    instance = _with_strays(image)
    flat = np.flatnonzero(instance.ravel())
    if not len(flat):
        return
    identity = instance.ravel()[flat]
    order = np.argsort(identity, kind="stable")
    flat, identity = flat[order], identity[order]
    cuts = np.flatnonzero(np.diff(identity)) + 1
    width = instance.shape[1]
    for pixels in np.split(flat, cuts):
        if len(pixels) < _MIN_PIXELS:
            continue
        rows, columns = pixels // width, pixels % width
        bounds = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        sample = pixels[:: -(-len(pixels) // MAX_POINTS)]
        depth_m = image.depth_cm.ravel()[sample]
        known = depth_m != NO_DEPTH_CM
        centre_px = np.stack([sample % width, sample // width], axis=1)[known] + 0.5
        points_m = camera.rays(centre_px) * (depth_m[known, None] * 0.01)
        yield _Blob(
            frame=frame,
            camera=number,
            identity=int(max(instance.ravel()[pixels[0]], 0)),
            tag=int(np.bincount(image.semantic.ravel()[pixels]).argmax()),
            count=len(pixels),
            xyxy_px=tuple(float(edge) for edge in bounds),  # type: ignore[arg-type]  # four of them
            at_border=bool(
                bounds[0] == 0
                or bounds[1] == 0
                or bounds[2] == width
                or bounds[3] == instance.shape[0]
            ),
            points_m=ego_from_camera.apply(points_m),
        )


def _with_strays(image: CameraFrame) -> I64:
    """Instance image in which road users that are no object of the clip have negative numbers."""
    assert image.instance is not None
    assert image.semantic is not None
    instance = image.instance.astype(np.int64)
    tags = np.fromiter(default_taxonomy().labelled_tags(), dtype=np.uint8)
    stray = (instance == 0) & np.isin(image.semantic, tags)
    if stray.any():
        import cv2

        _count, regions = cv2.connectedComponents(stray.astype(np.uint8), connectivity=8)
        instance[stray] = -regions[stray]
    return instance


def _sweep_blobs(points_m: F64, identity: I64, tags: I64, frame: int) -> Iterator[_Blob]:
    rows = np.flatnonzero(identity)
    rows = rows[np.argsort(identity[rows], kind="stable")]
    for own in np.split(rows, np.flatnonzero(np.diff(identity[rows].astype(np.int64))) + 1):
        if len(own):
            yield _Blob(
                frame=frame,
                camera=-1,
                identity=int(identity[own[0]]),
                tag=int(np.bincount(np.asarray(tags[own], dtype=np.int64)).argmax()),
                count=len(own),
                xyxy_px=(np.nan, np.nan, np.nan, np.nan),
                at_border=False,
                points_m=points_m[own[:: -(-len(own) // MAX_POINTS)]],
            )


def _packed(blobs: list[_Blob], origin_m: F64, frames: int) -> Blobs:
    blobs = sorted(blobs, key=lambda blob: (blob.frame, blob.camera, blob.identity))
    sizes = [len(blob.points_m) for blob in blobs]
    points = [blob.points_m for blob in blobs]
    return Blobs(
        frame=np.array([blob.frame for blob in blobs], dtype=np.int64),
        camera=np.array([blob.camera for blob in blobs], dtype=np.int64),
        identity=np.array([blob.identity for blob in blobs], dtype=np.int64),
        tag=np.array([blob.tag for blob in blobs], dtype=np.int64),
        count=np.array([blob.count for blob in blobs], dtype=np.int64),
        xyxy_px=np.array([blob.xyxy_px for blob in blobs]).reshape(-1, 4),
        at_border=np.array([blob.at_border for blob in blobs], dtype=np.bool_),
        start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        points_m=np.concatenate(points) if points else np.zeros((0, 3)),
        origin_m=origin_m,
        frames=frames,
    )
