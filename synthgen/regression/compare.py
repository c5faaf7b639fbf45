"""Two sets of facts to the list of what differs, every object by its name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa

from synthgen.regression.change import Change, Kind, Tolerances
from synthgen.regression.facts import (
    BOX2D_ATTRIBUTES,
    BOX2D_VALUES,
    BOX3D_ATTRIBUTES,
    BOX3D_VALUES,
    ClipFacts,
)

Row = dict[str, Any]
Key = tuple[Any, ...]

_COUNTS: Final = frozenset(["visible_px", "lidar_points"])
_MAX_PSNR_DB: Final = 99.0
_KEYS: Final = {
    "boxes2d": ("frame_index", "camera", "track_id"),
    "boxes3d": ("frame_index", "track_id"),
    "images": ("camera", "channel", "frame_index"),
}


def compare(
    before: Mapping[str, ClipFacts], after: Mapping[str, ClipFacts], tolerances: Tolerances
) -> list[Change]:
    """All changes from one dataset to another, by slot."""
    changes: list[Change] = []
    for slot in sorted({*before, *after}):
        if slot not in after:
            changes.append(Change(Kind.CLIP_MISSING, slot, "", "the clip is missing"))
        elif slot not in before:
            changes.append(Change(Kind.CLIP_ADDED, slot, "", "the clip is new"))
        else:
            changes += compare_clips(before[slot], after[slot], tolerances)
    return changes


def compare_clips(before: ClipFacts, after: ClipFacts, tolerances: Tolerances) -> list[Change]:
    """All changes from one clip to another of the same slot."""
    slot = before.slot
    if after.fault or before.fault:
        return [Change(Kind.CLIP_UNREADABLE, slot, "", str(after.fault or before.fault))]
    if before.files == after.files and before.clip_id == after.clip_id:
        return []
    changes: list[Change] = []
    if before.clip_id != after.clip_id:
        text = f"clip {before.clip_id} draw {before.draw} is now {after.clip_id} draw {after.draw}"
        changes.append(Change(Kind.CLIP_REDRAWN, slot, "", text))
    differing = _differing_files(before, after)
    named: set[str] = set()
    if any("/boxes2d." in path for path in differing):
        found = list(_compare_boxes(before, after, "boxes2d", tolerances))
        changes += found
        named |= {path for path in differing if found and "/boxes2d." in path}
    if any("/boxes3d." in path for path in differing):
        found = list(_compare_boxes(before, after, "boxes3d", tolerances))
        changes += found
        named |= {path for path in differing if found and "/boxes3d." in path}
    if any(path.startswith("cameras/") for path in differing):
        found = list(_compare_images(before, after, tolerances))
        changes += found
        changed = {change.where.rpartition(" frame ")[0] for change in found}
        named |= {path for path in differing if _channel_of(path) in changed}
    changes += [
        Change(Kind.FILE, slot, path, text, is_tolerated=None)
        for path, text in differing.items()
        if path not in named and not _is_manifest(path)
    ]
    if not changes:
        changes += [Change(Kind.FILE, slot, p, t, is_tolerated=None) for p, t in differing.items()]
    return changes


def _differing_files(before: ClipFacts, after: ClipFacts) -> dict[str, str]:
    texts = {}
    for path in sorted({*before.files, *after.files}):
        old, new = before.files.get(path), after.files.get(path)
        if old is None:
            texts[path] = "the file is new"
        elif new is None:
            texts[path] = "the file is missing"
        elif old != new:
            texts[path] = f"bytes differ (sha256 {old[:12]} is now {new[:12]})"
    return texts


def _is_manifest(path: str) -> bool:
    """Manifests hold the hashes of the other files, so they follow every change."""
    return PurePosixPath(path).name in ("clip.json", "labels.json")


def _channel_of(path: str) -> str:
    """`cameras/cam_front/rgb.parquet` as images are named: `cam_front rgb`."""
    parts = PurePosixPath(path).with_suffix("").parts
    return " ".join(parts[1:]) if parts[0] == "cameras" else ""


def _compare_boxes(
    before: ClipFacts, after: ClipFacts, table: str, tolerances: Tolerances
) -> Iterator[Change]:
    keys = _KEYS[table]
    old = _rows(before.tables[table], keys)
    new = _rows(after.tables[table], keys)
    for key in sorted({*old, *new}):
        place = _Place(before.slot, table, key)
        if key not in new:
            yield place.change(Kind.REMOVED, f"{old[key]['category']} is gone")
        elif key not in old:
            yield place.change(Kind.ADDED, f"{new[key]['category']} is new")
        else:
            yield from _compare_rows(place, old[key], new[key], tolerances)


def _rows(table: pa.Table, keys: tuple[str, ...]) -> dict[Key, Row]:
    return {tuple(row[name] for name in keys): row for row in table.to_pylist()}


class _Place:
    """Where a label is: slot, table and key."""

    def __init__(self, slot: str, table: str, key: Key) -> None:
        self._slot = slot
        self._frame, self._track = key[0], key[-1]
        self._camera = key[1] if len(key) == 3 else None
        self._where = f"{table} {self._camera or ''} frame {self._frame} object {self._track}"

    def change(self, kind: Kind, text: str, **facts: Any) -> Change:
        """A change at this place."""
        return Change(
            kind, self._slot, self._where.replace("  ", " "), text,
            frame_index=self._frame, camera=self._camera, track_id=self._track, **facts,
        )  # fmt: skip


def _compare_rows(place: _Place, old: Row, new: Row, tolerances: Tolerances) -> Iterator[Change]:
    if old["category"] != new["category"]:
        yield place.change(Kind.CLASS, f"{old['category']} is now {new['category']}")
    name, amount, allowed, unit = _largest_move(old, new, tolerances)
    if amount > 0:
        # Seen in one of the two only: there is no distance.
        how = f"{name} moved by {amount:.4g} {unit}:" if math.isfinite(amount) else name
        text = f"{how} {_shown(old[name])} is now {_shown(new[name])}"
        yield place.change(
            Kind.MOVED, text, amount=amount, unit=unit, is_tolerated=amount <= allowed
        )
    for name in (*BOX2D_ATTRIBUTES, *BOX3D_ATTRIBUTES):
        if name in old and old[name] != new[name]:
            text = f"{name} {_shown(old[name])} is now {_shown(new[name])}"
            tolerated = _is_tolerated(name, old[name], new[name], tolerances)
            yield place.change(Kind.ATTRIBUTE, text, is_tolerated=tolerated)


def _largest_move(old: Row, new: Row, tolerances: Tolerances) -> tuple[str, float, float, str]:
    """Name, amount, tolerance and unit of the value that moved most, in tolerances."""
    worst = ("", 0.0, 1.0, "")
    for name in (*BOX2D_VALUES, *BOX3D_VALUES):
        if name not in old or old[name] == new[name]:
            continue
        allowed, unit = _tolerance_of(name, tolerances)
        if old[name] is None or new[name] is None:
            return name, float("inf"), allowed, unit
        amount = abs(new[name] - old[name])
        if name == "yaw_rad":
            amount = abs((amount + np.pi) % (2 * np.pi) - np.pi)
        if amount / allowed > worst[1] / worst[2]:
            worst = (name, float(amount), allowed, unit)
    return worst


def _tolerance_of(name: str, tolerances: Tolerances) -> tuple[float, str]:
    if name.endswith("_px"):
        return tolerances.box_px, "px"
    if name == "yaw_rad":
        return tolerances.yaw_rad, "rad"
    if name in ("x_m", "y_m", "z_m"):
        return tolerances.position_m, "m"
    return tolerances.size_m, "m"


def _is_tolerated(name: str, old: Any, new: Any, tolerances: Tolerances) -> bool:
    if old is None or new is None:
        return False
    if name in _COUNTS:
        return bool(abs(new - old) <= max(tolerances.count, tolerances.count_share * old))
    return bool(abs(new - old) <= tolerances.fraction)


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:.6g}"


def _compare_images(
    before: ClipFacts, after: ClipFacts, tolerances: Tolerances
) -> Iterator[Change]:
    old = _rows(before.tables["images"], _KEYS["images"])
    new = _rows(after.tables["images"], _KEYS["images"])
    for key in sorted({*old, *new}):
        camera, channel, frame = key
        where = f"{camera} {channel} frame {frame}"
        place = {"frame_index": frame, "camera": camera}
        if key not in new or key not in old:
            text = "the image is missing" if key in old else "the image is new"
            yield Change(Kind.IMAGE, before.slot, where, text, **place)
        elif old[key]["sha256"] != new[key]["sha256"]:
            psnr_db = thumb_psnr_db(old[key]["thumb"], new[key]["thumb"])
            if psnr_db is None:
                text = "the image differs"
                yield Change(Kind.IMAGE, before.slot, where, text, is_tolerated=None, **place)
                continue
            yield Change(
                Kind.IMAGE,
                before.slot,
                where,
                f"the image differs, thumbnails agree to {psnr_db:.1f} dB",
                amount=psnr_db,
                unit="dB",
                is_tolerated=psnr_db >= tolerances.psnr_db,
                **place,
            )


def thumb_psnr_db(old: bytes | None, new: bytes | None) -> float | None:
    """Peak signal-to-noise ratio of two encoded thumbnails, at most 99; None if one lacks."""
    if old is None or new is None:
        return None
    first, second = (
        cv2.imdecode(np.frombuffer(thumb, np.uint8), cv2.IMREAD_COLOR) for thumb in (old, new)
    )
    if first is None or second is None or first.shape != second.shape:
        return 0.0
    return psnr_db(first, second)


def psnr_db(old: np.ndarray, new: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two 8-bit images of one shape, at most 99."""
    error = float(np.mean((old.astype(np.float64) - new.astype(np.float64)) ** 2))
    return _MAX_PSNR_DB if error == 0 else min(_MAX_PSNR_DB, float(10 * np.log10(255**2 / error)))
