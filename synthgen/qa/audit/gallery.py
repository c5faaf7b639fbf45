"""Pictures of what the audit doubts: the label's box red, the object's own pixels blue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthgen.datatypes.images import CameraFrame
from synthgen.errors import DatasetError
from synthgen.geometry.arrays import F64, U8
from synthgen.geometry.camera import PinholeCamera
from synthgen.geometry.cuboid import EDGES, Cuboid
from synthgen.geometry.se3 import SE3
from synthgen.qa.audit.audit import AuditedRecording
from synthgen.qa.audit.suspects import Suspect
from synthgen.store.clip_reader import ClipReader

TILE_WH_PX: Final = (320, 240)
_LABEL: Final = (255, 60, 60)
_SEEN: Final = (70, 170, 255)
_TEXT: Final = (235, 238, 242)
_GROUND: Final = (24, 27, 32)
_STRIP_PX: Final = 34
_COLUMNS: Final = 6
_BEV_M: Final = 12.0
_NEAR_M: Final = 0.2


def draw_suspects(suspects: Sequence[Suspect], recordings: dict[str, AuditedRecording]) -> list[U8]:
    """One tile (240, 320, 3) per suspect, in their order."""
    tiles: dict[int, U8] = {}
    of_frame: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, suspect in enumerate(suspects):
        of_frame[suspect.recording, suspect.frame].append(number)
    by_clip: dict[str, set[int]] = defaultdict(set)
    for name, frame in of_frame:
        by_clip[name].add(frame)
    for name, frames in by_clip.items():
        part = recordings[name]
        images = _images(part.folder, frames) if part.folder is not None else {}
        for frame in frames:
            for number in of_frame[name, frame]:
                tiles[number] = _tile(suspects[number], part, images.get(frame, []))
    return [tiles[number] for number in range(len(suspects))]


def contact_sheet(tiles: Sequence[U8]) -> U8:
    """All tiles in rows of six."""
    width, height = TILE_WH_PX
    rows = max(1, -(-len(tiles) // _COLUMNS))
    sheet = np.full((rows * height, _COLUMNS * width, 3), 12, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, _COLUMNS)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return sheet


_View = tuple[CameraFrame, PinholeCamera, SE3]


def _images(folder: Path, frames: set[int]) -> dict[int, list[_View]]:
    """The images of some frames, of every camera."""
    clip = ClipReader(folder, ("rgb", "instance"))
    found: dict[int, list[_View]] = defaultdict(list)
    try:
        for sensor in clip.calibration.of_modality("camera"):
            assert sensor.camera is not None
            for position, image in enumerate(clip.camera_frames(sensor.name)):
                if position in frames:
                    view = (image, sensor.camera.camera, sensor.ego_from_sensor.inverse())
                    found[position].append(view)
    except DatasetError:
        return found  # The clip is named as unreadable; its other tiles are drawn from above.
    return found


def _tile(suspect: Suspect, part: AuditedRecording, views: list[_View]) -> U8:
    if suspect.place_m is None:
        return _captioned(_empty_tile(), suspect)
    box = None
    if suspect.row is not None:
        labels = part.labels
        pose = SE3(labels.rotation[suspect.row], labels.center_m[suspect.row])
        box = Cuboid(pose, labels.size_lwh_m[suspect.row])
    place_m = np.array(suspect.place_m)
    for image, camera, camera_from_ego in views:
        picture = _crop(image, camera, camera_from_ego, place_m, box)
        if picture is not None:
            return _captioned(picture, suspect)
    return _captioned(_from_above(suspect, part, box, place_m), suspect)


def _crop(
    image: CameraFrame,
    camera: PinholeCamera,
    camera_from_ego: SE3,
    place_m: F64,
    box: Cuboid | None,
) -> U8 | None:
    """The part of an image around a place, or None if the camera does not see it."""
    at_m = camera_from_ego.apply(place_m)
    if image.rgb is None or at_m[2] < 1.0:
        return None
    x, y = camera.project(at_m)
    if not (0 <= x < camera.width_px and 0 <= y < camera.height_px):
        return None
    size_m = 3.0 if box is None else float(np.linalg.norm(box.size_lwh_m))
    width, height = TILE_WH_PX[0], TILE_WH_PX[1] - _STRIP_PX
    half = max(24.0, 0.75 * size_m * camera.fx_px / at_m[2])
    scale = height / (2 * half)
    shift = np.array([[scale, 0, width / 2 - scale * x], [0, scale, height / 2 - scale * y]])
    tile = cv2.warpAffine(image.rgb, shift, (width, height), borderValue=_GROUND)
    if image.instance is not None:
        column, row = int(x), int(y)
        near = image.instance[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
        ids = near[near > 0]
        if len(ids):
            mask = (image.instance == np.bincount(ids).argmax()).astype(np.uint8)
            large = cv2.warpAffine(mask, shift, (width, height), flags=cv2.INTER_NEAREST)
            outlines, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(tile, outlines, -1, _SEEN, 1)
    if box is not None:
        corners_m = camera_from_ego.apply(box.corners_m)
        for first, second in EDGES:
            ends = corners_m[[first, second]]
            if (ends[:, 2] > _NEAR_M).all():
                a, b = camera.project(ends) @ shift[:, :2].T + shift[:, 2]
                _line(tile, a, b, _LABEL)
    return np.asarray(tile, dtype=np.uint8)


def _line(tile: np.ndarray, a: F64, b: F64, colour: tuple[int, int, int]) -> None:
    ends = np.clip(np.stack([a, b]), -4000, 4000).round().astype(int).tolist()
    cv2.line(tile, ends[0], ends[1], colour, 1, cv2.LINE_AA)


def _from_above(suspect: Suspect, part: AuditedRecording, box: Cuboid | None, place_m: F64) -> U8:
    """Points and box in plan, ahead is up."""
    tile = _empty_tile()
    height, width = tile.shape[:2]
    scale = height / _BEV_M

    def pixels(points_m: F64) -> F64:
        away = points_m[..., :2] - place_m[:2]
        return np.stack([width / 2 - scale * away[..., 1], height / 2 - scale * away[..., 0]], -1)

    blobs = part.blobs
    first, last = np.searchsorted(blobs.frame, [suspect.frame, suspect.frame + 1])
    points = pixels(blobs.points_m[blobs.start[first] : blobs.start[last]])
    for column, row in points[np.abs(points).max(axis=1) < 4000].round().astype(int).tolist():
        cv2.circle(tile, (column, row), 1, _SEEN, -1)
    if box is not None:
        ring = pixels(box.corners_m[:4])
        for k in range(4):
            _line(tile, ring[k], ring[(k + 1) % 4], _LABEL)
        _line(tile, pixels(box.frame_from_box.translation_m), (ring[1] + ring[2]) / 2, _LABEL)
    return tile


def _empty_tile() -> U8:
    return np.full((TILE_WH_PX[1] - _STRIP_PX, TILE_WH_PX[0], 3), _GROUND, dtype=np.uint8)


def _captioned(picture: U8, suspect: Suspect) -> U8:
    strip = np.full((_STRIP_PX, picture.shape[1], 3), 12, dtype=np.uint8)
    who = suspect.category if suspect.track is None else f"{suspect.category} {suspect.track}"
    lines = (
        f"{suspect.p_fault:.2f}  {suspect.reason}  {who}",
        f"{suspect.recording} frame {suspect.frame}",
    )
    for number, line in enumerate(lines):
        at = (5, 14 + 15 * number)
        cv2.putText(strip, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.38, _TEXT, 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])
