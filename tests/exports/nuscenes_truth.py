"""What a nuScenes export of a clip must say, from the clip's own tables, in the devkit's words.

Nothing of the writer is used: boxes come from the table tracks (world frame, heading), velocities
from differences of its positions at the samples before and after, as the devkit takes them.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.store.clip_reader import ClipReader

DETECTION = {
    "car": "car",
    "van": "car",
    "truck": "truck",
    "bus": "bus",
    "motorcycle": "motorcycle",
    "bicycle": "bicycle",
    "pedestrian": "pedestrian",
    "traffic_cone": "traffic_cone",
    "barrier": "barrier",
}
TRACKED = ("car", "truck", "bus", "motorcycle", "bicycle", "pedestrian")
_KEY_PERIOD_FRAMES = 5  # 2 Hz of 10 Hz
_BRIDGED_S = 1.5


@dataclass(frozen=True)
class TruthBox:
    """A box at a sample.

    Attributes:
        clip_id: Of its clip.
        frame_index: Of its sample.
        track_id: Of its object.
        name: Class of the detection challenge.
        center_world_m: x, y, z.
        size_lwh_m: Length, width, height.
        yaw_rad: Heading.
        velocity_mps: x, y by differences, or None without neighbours in time.
        true_velocity_mps: x, y as the simulator says.
        attribute: As the challenge calls it.
    """

    clip_id: str
    frame_index: int
    track_id: int
    name: str
    center_world_m: tuple[float, float, float]
    size_lwh_m: tuple[float, float, float]
    yaw_rad: float
    velocity_mps: tuple[float, float] | None
    true_velocity_mps: tuple[float, float]
    attribute: str


def truth_of_clip(clip: ClipReader) -> list[TruthBox]:
    """All boxes of the clip's samples."""
    rows = {
        (row["frame_index"], row["track_id"]): row
        for row in clip.label_table("tracks").to_pylist()
        if row["category"] in DETECTION and row["frame_index"] % _KEY_PERIOD_FRAMES == 0
    }
    activity = {
        (row["frame_index"], row["track_id"]): row["activity"]
        for row in clip.label_table("boxes3d").to_pylist()
    }
    rows = {key: row for key, row in rows.items() if key in activity}
    return [_truth(clip.clip_id, row, rows, activity[key]) for key, row in rows.items()]


def _truth(clip_id: str, row: dict[str, Any], rows: dict[Any, Any], activity: str) -> TruthBox:
    track = row["track_id"]
    chain = sorted((r for r in rows.values() if r["track_id"] == track), key=_time)
    place = chain.index(row)
    before, after = chain[max(place - 1, 0)], chain[min(place + 1, len(chain) - 1)]
    span_s = (_time(after) - _time(before)) / 1e9
    # The devkit's box_velocity bridges 1.5 s, or 3 s where it has both neighbours.
    limit_s = _BRIDGED_S * (2 if 0 < place < len(chain) - 1 else 1)
    velocity = None
    if 0 < span_s <= limit_s:
        velocity = (
            (after["x_m"] - before["x_m"]) / span_s,
            (after["y_m"] - before["y_m"]) / span_s,
        )
    return TruthBox(
        clip_id=clip_id,
        frame_index=row["frame_index"],
        track_id=track,
        name=DETECTION[row["category"]],
        center_world_m=(row["x_m"], row["y_m"], row["z_m"]),
        size_lwh_m=(row["length_m"], row["width_m"], row["height_m"]),
        yaw_rad=row["yaw_rad"],
        velocity_mps=velocity,
        true_velocity_mps=(row["velocity_x_mps"], row["velocity_y_mps"]),
        attribute=_attribute(row["category"], activity),
    )


def _time(row: dict[str, Any]) -> int:
    return int(row["timestamp_ns"])


def _attribute(category: str, activity: str) -> str:
    if category == "pedestrian":
        still = activity in ("standing", "waiting")
        return "pedestrian.standing" if still else "pedestrian.moving"
    if category in ("bicycle", "motorcycle"):
        return "cycle.without_rider" if activity == "parked" else "cycle.with_rider"
    if category in ("traffic_cone", "barrier"):
        return ""
    # nuScenes: stationary, but with a driver and the intent to move.
    return "vehicle.stopped" if activity == "waiting" else f"vehicle.{activity}"


@dataclass(frozen=True)
class Sample:
    """A sample of the export: whose it is, and the boxes that stand in it."""

    token: str
    clip_id: str
    frame_index: int
    annotations: list[dict[str, Any]]


def samples_of(root: Path) -> list[Sample]:
    """The samples of an export, read as plain JSON."""

    def table(name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads((root / f"v1.0-trainval/{name}.json").read_text())
        return rows

    logs = {row["token"]: row["logfile"].removeprefix("n-") for row in table("log")}
    scenes = {row["token"]: row for row in table("scene")}
    samples = {row["token"]: row for row in table("sample")}
    annotations = defaultdict(list)
    for row in table("sample_annotation"):
        annotations[row["sample_token"]].append(row)
    found = []
    for row in samples.values():
        scene = scenes[row["scene_token"]]
        first_us = samples[scene["first_sample_token"]]["timestamp"]
        frame = round((row["timestamp"] - first_us) / 1e5)
        found.append(
            Sample(row["token"], logs[scene["log_token"]], frame, annotations[row["token"]])
        )
    return found


def shift_of(samples: list[Sample], truth: list[TruthBox]) -> tuple[float, float]:
    """Global minus world: the whole metres that move most boxes of the first sample onto one."""
    first = next(s for s in samples if s.annotations)
    own = [b for b in truth if (b.clip_id, b.frame_index) == (first.clip_id, first.frame_index)]
    moves = [
        (
            round(a["translation"][0] - b.center_world_m[0]),
            round(a["translation"][1] - b.center_world_m[1]),
        )
        for a in first.annotations
        for b in own
    ]
    return max(set(moves), key=moves.count)


def matched(
    samples: list[Sample], truth: list[TruthBox]
) -> list[tuple[TruthBox, dict[str, Any], Sample, float]]:
    """Truth, nearest annotation of the same sample, sample, and distance in metres."""
    shift = np.array([*shift_of(samples, truth), 0.0])
    of_frame = {(s.clip_id, s.frame_index): s for s in samples}
    pairs = []
    for box in truth:
        sample = of_frame[box.clip_id, box.frame_index]
        center = np.array(box.center_world_m) + shift
        away = [
            float(np.linalg.norm(np.array(a["translation"]) - center)) for a in sample.annotations
        ]
        best = int(np.argmin(away))
        pairs.append((box, sample.annotations[best], sample, away[best]))
    return pairs


Fault = Callable[[dict[str, Any]], dict[str, Any]]


def _turned(box: dict[str, Any]) -> dict[str, Any]:
    w, _, _, z = box["rotation"]
    yaw = 2 * math.atan2(z, w) + math.pi / 2
    return {"rotation": [math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]}


def _from_rear(box: dict[str, Any]) -> dict[str, Any]:
    """The box's origin at its rear face instead of its centre."""
    w, _, _, z = box["rotation"]
    yaw, half = 2 * math.atan2(z, w), box["size"][1] / 2
    x, y, height = box["translation"]
    return {"translation": [x - half * math.cos(yaw), y - half * math.sin(yaw), height]}


FAULTS: dict[str, Fault] = {
    "perfect": lambda _: {},
    "quaternion_order": lambda box: {"rotation": [*box["rotation"][1:], box["rotation"][0]]},
    "size_order": lambda box: {"size": [box["size"][1], box["size"][0], box["size"][2]]},
    "yaw": _turned,
    "velocity": lambda _: {"velocity": [0.0, 0.0]},
    "origin": _from_rear,
}


def write_predictions(samples: list[Sample], truth: list[TruthBox], folder: Path) -> None:
    """One detection file for each fault, and tracking files: perfect, and with changing ids."""
    folder.mkdir(parents=True)
    pairs = matched(samples, truth)
    shift = shift_of(samples, truth)
    # The evaluation drops labels without points; a perfect detector must not see them either.
    seen = [
        (box, sample)
        for box, annotation, sample, _ in pairs
        if annotation["num_lidar_pts"] + annotation["num_radar_pts"] > 0
    ]
    for name, fault in FAULTS.items():
        boxes = [_detection(box, sample, shift) for box, sample in seen]
        _write(folder / f"{name}.detection.json", samples, [b | fault(b) for b in boxes])
    for name, switch in (("perfect", 10**6), ("switched_ids", 20)):
        boxes = [
            _tracking(
                replace(box, track_id=box.track_id + 1000 * (box.frame_index // switch)), s, shift
            )
            for box, s in seen
            if box.name in TRACKED
        ]
        _write(folder / f"{name}.tracking.json", samples, boxes)


def _detection(box: TruthBox, sample: Sample, shift: tuple[float, float]) -> dict[str, Any]:
    x, y, z = box.center_world_m
    length, width, height = box.size_lwh_m
    return {
        "sample_token": sample.token,
        "translation": [x + shift[0], y + shift[1], z],
        "size": [width, length, height],
        "rotation": [math.cos(box.yaw_rad / 2), 0.0, 0.0, math.sin(box.yaw_rad / 2)],
        "velocity": list(box.velocity_mps or (0.0, 0.0)),
        "detection_name": box.name,
        "detection_score": 1.0,
        "attribute_name": box.attribute,
    }


def _tracking(box: TruthBox, sample: Sample, shift: tuple[float, float]) -> dict[str, Any]:
    row = _detection(box, sample, shift)
    kept = {k: row[k] for k in ("sample_token", "translation", "size", "rotation", "velocity")}
    return kept | {
        "tracking_id": f"{box.clip_id}-{box.track_id}",
        "tracking_name": box.name,
        "tracking_score": 1.0,
    }


def _write(path: Path, samples: list[Sample], boxes: list[dict[str, Any]]) -> None:
    results: dict[str, list[dict[str, Any]]] = {sample.token: [] for sample in samples}
    for box in boxes:
        results[box["sample_token"]].append(box)
    uses = ("use_camera", "use_lidar", "use_radar", "use_map", "use_external")
    meta = dict.fromkeys(uses, False)
    path.write_text(json.dumps({"meta": meta, "results": results}))
