"""What the catalogue shows of each clip, as plain data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from synthgen.errors import DatasetError
from synthgen.store.clip_reader import ClipReader

_EDGES: Final = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
_LANE_REACH_M: Final = 70.0
_SURFACES: Final = frozenset(["driving", "parking", "shoulder", "biking", "sidewalk"])
# Bands of the least time to collision of any critical actor, seconds (docs/scenarios.md).
_BANDS: Final = ((1.0, "under 1 s"), (2.0, "1 to 2 s"), (4.0, "2 to 4 s"))


@dataclass(frozen=True, slots=True)
class ClipAudit:
    """What an audit said of one clip: a word, and who was doubted at which frame."""

    status: str
    suspects: dict[int, list[list[Any]]]


def clip_card(clip: ClipReader, audit: ClipAudit) -> dict[str, Any]:
    """The facts to search a clip by.

    Raises:
        DatasetError: A file of the clip is damaged.
    """
    manifest, scenario = clip.manifest, clip.scenario
    boxes = clip.label_table("boxes3d")
    names, counts = np.unique(boxes["category"].to_pylist(), return_counts=True)
    ttc_s = _least_ttc_s(manifest["outcome"]["metrics"])
    return {
        "id": clip.clip_id,
        "scenario": manifest["slot"]["scenario"],
        "k": manifest["slot"]["k"],
        "map": manifest["map"]["name"],
        "description": scenario.get("description", ""),
        "tags": scenario.get("tags", []),
        "weather": weather_words(clip),
        "classes": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "ttc_s": ttc_s,
        "criticality": _band(ttc_s),
        "audit": audit.status,
        "flags": manifest["outcome"]["flags"],
        "frames": manifest["frame_count"],
        "seconds": round(manifest["tick_count"] * manifest["tick_ns"] * 1e-9, 1),
        "simulator": manifest["simulator"]["version"],
    }


def weather_words(clip: ClipReader) -> list[str]:
    """Words for the first frame's weather: time of day, rain, wet road, fog, clouds."""
    row = clip.table("frames").slice(0, 1).to_pylist()[0]
    altitude_deg = np.degrees(row["sun_altitude_rad"])
    words = ["night" if altitude_deg < 0 else "low sun" if altitude_deg < 20 else "day"]
    if row["precipitation"] >= 60:
        words.append("heavy rain")
    elif row["precipitation"] >= 10:
        words.append("rain")
    if row["wetness"] >= 20 or row["precipitation_deposits"] >= 30:
        words.append("wet road")
    if row["fog_density"] >= 20:
        words.append("fog")
    if row["cloudiness"] >= 60:
        words.append("cloudy")
    return words


def clip_scene(clip: ClipReader, audit: ClipAudit) -> dict[str, Any]:
    """Boxes on every image, tracks from above, and the roads around, frame by frame.

    Raises:
        DatasetError: A file of the clip is damaged.
    """
    frames = [_frame(item) for item in clip.table("frames").to_pylist()]
    by_number = {frame["frame"]: frame for frame in frames}
    names = [f"visible_{edge}" for edge in _EDGES]
    for row in clip.label_table("boxes2d").to_pylist():
        frame = by_number.get(row["frame_index"])
        if frame is not None and row["visible_x_min_px"] is not None and not row["ignore"]:
            box = [round(row[name], 1) for name in names]
            more = round(row["occluded_fraction"], 2), round(row["distance_m"], 1)
            entry = [row["track_id"], row["category"], *box, *more]
            frame["boxes"].setdefault(row["camera"], []).append(entry)
    for row in clip.label_table("tracks").to_pylist():
        frame = by_number.get(row["frame_index"])
        if frame is not None:
            place = [round(row[name], 2) for name in ("ego_x_m", "ego_y_m", "ego_yaw_rad")]
            size = [round(row[name], 2) for name in ("length_m", "width_m")]
            frame["tracks"].append(
                [row["track_id"], row["category"], *place, *size, int(row["visible_px"] > 0)]
            )
    for number, suspects in audit.suspects.items():
        if 0 <= number < len(frames):
            frames[number]["suspects"] = suspects
    cameras = [
        {"name": s.name, "width": s.camera.camera.width_px, "height": s.camera.camera.height_px}
        for s in clip.calibration.of_modality("camera")
        if s.camera is not None and "rgb" in s.camera.channels
    ]
    return {"cameras": cameras, "frames": frames, "lanes": _lanes(clip, frames)}


def read_audit(dataset: Path) -> dict[str, ClipAudit]:
    """What `synthgen audit` left in the dataset, by clip; empty without one.

    Raises:
        DatasetError: The file is there and damaged.
    """
    path = dataset / "audit" / "audit.json"
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_bytes())
        found = {n: ClipAudit(c["status"], {}) for n, c in document["clips"].items()}
        for item in document["unreadable"]:
            found[item["name"]] = ClipAudit("unreadable", {})
        for suspect in document["queue"]:
            entry = [suspect["track"], suspect["p_fault"], suspect["reason"], suspect["place_m"]]
            found[suspect["recording"]].suspects.setdefault(suspect["frame"], []).append(entry)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise DatasetError(f"{path}: cannot read: {err!r}; run synthgen audit again") from err
    return found


def _frame(row: dict[str, Any]) -> dict[str, Any]:
    w, x, y, z = (row[f"world_from_ego_q{axis}"] for axis in "wxyz")
    yaw_rad = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    place = (row["world_from_ego_x_m"], row["world_from_ego_y_m"], float(yaw_rad))
    return {
        "frame": row["frame_index"],
        "ego": [round(value, 3) for value in place],
        "speed": round(float(np.hypot(row["velocity_x_mps"], row["velocity_y_mps"])), 1),
        "boxes": {},
        "tracks": [],
    }


def _lanes(clip: ClipReader, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outlines of the lanes that the ego came near to, world x and y."""
    path = np.array([frame["ego"][:2] for frame in frames[::5]])
    lanes = []
    for lane in clip.road_map.lanes:
        if lane.kind not in _SURFACES or len(lane.left_m) < 2:
            continue
        away = np.linalg.norm(lane.center_m[:, None, :2] - path[None], axis=2).min(axis=1)
        near = np.flatnonzero(away < _LANE_REACH_M)
        if len(near):
            part = slice(max(0, near[0] - 1), near[-1] + 2)
            lanes.append(
                {
                    "kind": lane.kind,
                    "left": lane.left_m[part, :2].round(2).tolist(),
                    "right": lane.right_m[part, :2].round(2).tolist(),
                }
            )
    return lanes


def _least_ttc_s(metrics: dict[str, float]) -> float | None:
    values = [v for name, v in metrics.items() if name.endswith("min_ttc_s") and np.isfinite(v)]
    return round(min(values), 2) if values else None


def _band(ttc_s: float | None) -> str:
    if ttc_s is None:
        return "none"
    return next((name for limit, name in _BANDS if ttc_s < limit), "over 4 s")
