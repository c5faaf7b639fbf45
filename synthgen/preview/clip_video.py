"""`previews/<clip_id>.webm`: the first camera with its boxes, the bird's-eye view beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from synthgen.datatypes.actors import EGO_TRACK_ID
from synthgen.errors import OutputError
from synthgen.geometry.arrays import F64, U8
from synthgen.preview.drawing import bird_eye_panel, caption, draw_boxes
from synthgen.store.clip_reader import ClipReader

_TRAIL_FRAMES: Final = 25
_PANEL_SHARE: Final = 0.62  # width of the bird's-eye panel by its height
_MAX_HEIGHT_PX: Final = 360


def preview_frames(clip: ClipReader) -> Iterator[U8]:
    """Each captured frame as one picture: (H, W, 3) uint8, even sides."""
    cameras = clip.calibration.of_modality("camera")
    camera = next(sensor for sensor in cameras if sensor.camera and "rgb" in sensor.camera.channels)
    boxes = _by_frame(clip, "boxes2d", {"camera": camera.name})
    tracks = _by_frame(clip, "tracks", {})
    trails = _Trails()
    ego = next(item for item in clip.objects if item.track_id == EGO_TRACK_ID)
    points = _points_in_ego(clip)
    what = f"{clip.manifest['slot']['scenario']} #{clip.manifest['slot']['k']}"
    for frame, seen in zip(clip.frames, clip.camera_frames(camera.name), strict=True):
        rows = tracks[frame.frame_index]
        trails.extend(rows)
        assert seen.rgb is not None, "the camera was chosen for its rgb channel"
        image = _fit(draw_boxes(seen.rgb, boxes[frame.frame_index]))
        caption(image, f"{what}   {frame.timestamp_ns / 1e9:4.1f} s")
        panel = bird_eye_panel(
            (image.shape[0], round(image.shape[0] * _PANEL_SHARE) // 2 * 2),
            road_map=clip.road_map,
            world_from_ego=frame.world_from_ego,
            ego_size_lwh_m=ego.size_lwh_m,
            tracks=rows,
            trails_xy_m=trails.xy_m(),
            points_ego_m=next(points),
        )
        yield np.hstack([image, panel])


class _Trails:
    """Past positions by track."""

    def __init__(self) -> None:
        self._past: dict[int, list[tuple[float, float]]] = defaultdict(list)

    def extend(self, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            self._past[row["track_id"]].append((row["x_m"], row["y_m"]))

    def xy_m(self) -> dict[int, F64]:
        return {track: np.array(xy[-_TRAIL_FRAMES:]) for track, xy in self._past.items()}


def _by_frame(
    clip: ClipReader, table: str, where: dict[str, str]
) -> defaultdict[int, list[dict[str, Any]]]:
    rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in clip.label_table(table).to_pylist():
        if all(row[name] == value for name, value in where.items()):
            rows[row["frame_index"]].append(row)
    return rows


def _points_in_ego(clip: ClipReader) -> Iterator[F64 | None]:
    lidars = clip.calibration.of_modality("lidar")
    if not lidars:
        while True:
            yield None
    for sweep in clip.lidar_sweeps(lidars[0].name):
        yield lidars[0].ego_from_sensor.apply(sweep.points_m.astype(np.float64))


def _fit(image: U8) -> U8:
    """The image with even sides, no taller than the video."""
    scale = min(1.0, _MAX_HEIGHT_PX / image.shape[0])
    width, height = (round(side * scale / 2) * 2 for side in (image.shape[1], image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def write_preview(clip: ClipReader, path: Path) -> None:
    """Write the clip's video (WebM, VP8) at its capture rate; beside it its middle frame as PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    period_s = clip.manifest["tick_ns"] * clip.manifest["capture_period_ticks"] / 1e9
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    middle = len(clip.frames) // 2
    writer: cv2.VideoWriter | None = None
    for number, picture in enumerate(preview_frames(clip)):
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        if writer is None:
            size = picture.shape[1], picture.shape[0]
            writer = _video(partial, 1 / period_s, size)
        writer.write(bgr)
        if number == middle:
            cv2.imwrite(str(path.with_suffix(".png")), bgr)
    if writer is not None:
        writer.release()
        partial.replace(path)


def _video(path: Path, rate_hz: float, size: tuple[int, int]) -> cv2.VideoWriter:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), rate_hz, size)
    if not writer.isOpened():
        raise OutputError(f"{path}: this OpenCV build cannot write VP8 video there")
    return writer
