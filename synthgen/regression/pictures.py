"""Pictures of what moved: the old box dashed, the new one solid, on the new image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from synthgen.errors import DatasetError
from synthgen.geometry.arrays import U8
from synthgen.regression.change import Change, Kind
from synthgen.regression.facts import ClipFacts
from synthgen.store import image_codec
from synthgen.store.clip_reader import ClipReader

MAX_PICTURES: Final = 12

_OLD: Final = (255, 176, 0)
_NEW: Final = (60, 160, 255)
_MIN_WIDTH_PX: Final = 800
_EDGES: Final = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
_WITH_BOXES: Final = (Kind.MOVED, Kind.CLASS, Kind.ADDED, Kind.REMOVED)


def draw_changes(
    changes: Sequence[Change],
    before: Mapping[str, ClipFacts],
    after: Mapping[str, ClipFacts],
    folders: Mapping[str, Path],
    out: Path,
) -> list[Path]:
    """Draw the worst changes that have a camera and a frame, at most `MAX_PICTURES` of them.

    Args:
        changes: What differs.
        before: Facts of the old clips, by slot.
        after: Facts of the new clips.
        folders: Folders of the new clips.
        out: Folder for the PNG files.

    Returns:
        The files, worst change first.
    """
    shown = [c for c in changes if c.camera and c.frame_index is not None and c.slot in folders]
    shown.sort(key=lambda c: (c.is_tolerated is True, c.kind not in _WITH_BOXES, -(c.amount or 0)))
    files: list[Path] = []
    drawn: set[tuple[str, str, int | None]] = set()
    for change in shown:
        assert change.camera is not None
        place = (change.slot, change.camera, change.frame_index)
        if place in drawn or len(files) == MAX_PICTURES:
            continue
        picture = _picture(change, changes, (before, after), folders[change.slot])
        if picture is None:
            continue
        drawn.add(place)
        name = f"{len(files):02d}-{change.slot}-{change.camera}-{change.frame_index:04d}.png"
        out.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(image_codec.encode_rgb(picture, "png"))
        files.append(out / name)
    return files


def _picture(
    change: Change,
    changes: Sequence[Change],
    sides: tuple[Mapping[str, ClipFacts], Mapping[str, ClipFacts]],
    folder: Path,
) -> U8 | None:
    image = _image(folder, str(change.camera), change.frame_index or 0)
    if image is None:
        return None
    scale = max(1, -(-_MIN_WIDTH_PX // image.shape[1]))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    for side, colour, is_dashed in ((sides[0], _OLD, True), (sides[1], _NEW, False)):
        rows = _rows(side.get(change.slot), change)
        for other in changes:
            if other.kind in _WITH_BOXES and _same_place(other, change):
                _draw_box(image, rows.get(other.track_id), colour, scale, is_dashed=is_dashed)
    return np.concatenate([_caption(change, image.shape[1]), image])


def _same_place(one: Change, other: Change) -> bool:
    return (one.slot, one.camera, one.frame_index) == (other.slot, other.camera, other.frame_index)


def _image(folder: Path, camera: str, frame: int) -> U8 | None:
    try:
        for frame_index, _codec, content in ClipReader(folder).encoded_images(camera, "rgb"):
            if frame_index == frame:
                return image_codec.decode_rgb(content, f"{folder} {camera} {frame}")
    except DatasetError:
        return None  # It is named among the changes already.
    return None


def _rows(clip: ClipFacts | None, change: Change) -> dict[int | None, dict[str, Any]]:
    if clip is None or "boxes2d" not in clip.tables:
        return {}
    return {
        row["track_id"]: row
        for row in clip.tables["boxes2d"].to_pylist()
        if row["frame_index"] == change.frame_index and row["camera"] == change.camera
    }


def _draw_box(
    image: U8, row: dict[str, Any] | None, colour: tuple[int, int, int], scale: int, *,
    is_dashed: bool,
) -> None:  # fmt: skip
    if row is None:
        return
    kind = "visible" if row["visible_x_min_px"] is not None else "amodal"
    high = max(image.shape)
    x0, y0, x1, y1 = (
        int(np.clip(round(row[f"{kind}_{edge}"] * scale), -high, 2 * high)) for edge in _EDGES
    )
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        if is_dashed:
            _dashes(image, start, end, colour)
        else:
            cv2.line(image, start, end, colour, 1, cv2.LINE_AA)
    cv2.putText(
        image, row["category"], (x0, y0 - 4 if is_dashed else y1 + 12),
        cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA,
    )  # fmt: skip


def _dashes(
    image: U8, start: tuple[int, int], end: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    steps = max(1, int(np.hypot(end[0] - start[0], end[1] - start[1]) // 5))
    points = np.linspace(start, end, steps + 1).round().astype(int)
    for i in range(0, steps, 2):
        cv2.line(image, points[i].tolist(), points[i + 1].tolist(), colour, 2)


def _caption(change: Change, width: int) -> U8:
    strip = np.full((44, width, 3), 24, dtype=np.uint8)
    lines = (f"{change.slot}  {change.where}", f"{change.kind}: {change.text}")
    for i, line in enumerate(lines):
        cv2.putText(
            strip, line, (6, 17 + 18 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 238, 242), 1,
            cv2.LINE_AA,
        )  # fmt: skip
    cv2.putText(strip, "old dashed", (width - 190, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _OLD, 1)
    cv2.putText(strip, "new solid", (width - 90, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _NEW, 1)
    return strip
