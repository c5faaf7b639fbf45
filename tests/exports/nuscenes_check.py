"""Every rule of a nuScenes export that can be checked from its files alone.

Shares no code with the writer: it knows the schema (nuscenes-devkit 1.2.0, docs/schema_nuscenes.md)
and what the devkit silently accepts although it is wrong (broken chains, missing tokens).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TABLES = (
    *("category", "attribute", "visibility", "instance", "sensor", "calibrated_sensor"),
    *("ego_pose", "log", "scene", "sample", "sample_data", "sample_annotation", "map"),
)
FOREIGN = {
    "instance": {
        "category_token": "category",
        "first_annotation_token": "sample_annotation",
        "last_annotation_token": "sample_annotation",
    },
    "calibrated_sensor": {"sensor_token": "sensor"},
    "scene": {
        "log_token": "log",
        "first_sample_token": "sample",
        "last_sample_token": "sample",
    },
    "sample": {"scene_token": "scene"},
    "sample_data": {
        "sample_token": "sample",
        "ego_pose_token": "ego_pose",
        "calibrated_sensor_token": "calibrated_sensor",
    },
    "sample_annotation": {
        "sample_token": "sample",
        "instance_token": "instance",
        "visibility_token": "visibility",
    },
    "lidarseg": {"sample_data_token": "sample_data"},
    "panoptic": {"sample_data_token": "sample_data"},
}


def faults(root: Path, version: str = "v1.0-trainval") -> list[str]:
    """Everything that is wrong with an export, one sentence each."""
    tables, missing = _read(root / version)
    if missing:
        return missing
    by_token = {name: {row["token"]: row for row in rows} for name, rows in tables.items()}
    found = list(_tokens(tables, by_token))
    if found:
        return found
    return [
        *_sample_chains(tables, by_token),
        *_data_chains(tables, by_token),
        *_annotation_chains(tables, by_token),
        *_key_frames(tables, by_token),
        *_poses(tables, by_token),
        *_maps(tables, root),
        *_files(tables, by_token, root),
    ]


def _read(folder: Path) -> tuple[Tables, list[str]]:
    missing = [
        f"table {name} is missing" for name in TABLES if not (folder / f"{name}.json").is_file()
    ]
    optional = [n for n in ("lidarseg", "panoptic") if (folder / f"{n}.json").is_file()]
    names = [name for name in (*TABLES, *optional) if (folder / f"{name}.json").is_file()]
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names}, missing


def _tokens(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    for name, rows in tables.items():
        counts = Counter(row["token"] for row in rows)
        yield from (f"{name}: token {t} is there {n} times" for t, n in counts.items() if n > 1)
        for key, target in FOREIGN.get(name, {}).items():
            for row in rows:
                if row[key] not in by_token[target]:
                    yield f"{name} {row['token']}: {key} {row[key]!r} is in no {target}"
    yield from _lists(tables, by_token)


def _lists(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    """Tokens that stand in lists."""
    for row in tables["sample_annotation"]:
        for token in row["attribute_tokens"]:
            if token not in by_token["attribute"]:
                yield f"sample_annotation {row['token']}: attribute {token!r} does not exist"
    for row in tables["map"]:
        for token in row["log_tokens"]:
            if token not in by_token["log"]:
                yield f"map {row['token']}: log {token!r} does not exist"


def _chain(
    name: str, rows: list[Row], time: Any, first: str | None, last: str | None
) -> Iterator[str]:
    """A list of rows must be one chain, in time order, from `first` to `last`."""
    known = {row["token"]: row for row in rows}
    starts = [row for row in rows if row["prev"] == ""]
    if len(starts) != 1:
        yield f"{name}: {len(starts)} rows without prev, expected 1"
        return
    if first is not None and starts[0]["token"] != first:
        yield f"{name}: starts at {starts[0]['token']}, expected {first}"
    here, seen = starts[0], 1
    while here["next"]:
        after = known.get(here["next"])
        if after is None:
            yield f"{name}: {here['token']} goes on to {here['next']}, which is not of its chain"
            return
        if after["prev"] != here["token"]:
            yield f"{name}: {after['token']} does not point back to {here['token']}"
        if time(after) <= time(here):
            yield f"{name}: {after['token']} is not later than {here['token']}"
        here, seen = after, seen + 1
        if seen > len(rows):
            yield f"{name}: the chain is a circle"
            return
    if seen != len(rows):
        yield f"{name}: the chain has {seen} of {len(rows)} rows"
    if last is not None and here["token"] != last:
        yield f"{name}: ends at {here['token']}, expected {last}"


def _sample_chains(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    of_scene = defaultdict(list)
    for row in tables["sample"]:
        of_scene[row["scene_token"]].append(row)
    names = Counter(scene["name"] for scene in tables["scene"])
    yield from (f"scene name {name} is there {n} times" for name, n in names.items() if n > 1)
    for scene in tables["scene"]:
        rows = of_scene[scene["token"]]
        if scene["nbr_samples"] != len(rows):
            yield f"scene {scene['name']}: nbr_samples {scene['nbr_samples']}, has {len(rows)}"
        ends = scene["first_sample_token"], scene["last_sample_token"]
        yield from _chain(f"samples of {scene['name']}", rows, _timestamp, *ends)


def _timestamp(row: Row) -> int:
    return int(row["timestamp"])


def _data_chains(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    chains = defaultdict(list)
    for row in tables["sample_data"]:
        sensor = by_token["calibrated_sensor"][row["calibrated_sensor_token"]]
        scene = by_token["sample"][row["sample_token"]]["scene_token"]
        chains[scene, sensor["sensor_token"]].append(row)
    for (scene, sensor), rows in chains.items():
        channel = by_token["sensor"][sensor]["channel"]
        name = f"{channel} of {by_token['scene'][scene]['name']}"
        yield from _chain(name, rows, _timestamp, None, None)


def _annotation_chains(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    chains = defaultdict(list)
    for row in tables["sample_annotation"]:
        chains[row["instance_token"]].append(row)
    for instance in tables["instance"]:
        rows = chains[instance["token"]]
        if instance["nbr_annotations"] != len(rows):
            yield f"instance {instance['token']}: {len(rows)} annotations, says otherwise"
        ends = instance["first_annotation_token"], instance["last_annotation_token"]
        yield from _chain(
            f"instance {instance['token']}",
            rows,
            lambda row: by_token["sample"][row["sample_token"]]["timestamp"],
            *ends,
        )
        scenes = {by_token["sample"][row["sample_token"]]["scene_token"] for row in rows}
        if len(scenes) > 1:
            yield f"instance {instance['token']}: in {len(scenes)} scenes"


def _key_frames(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    keys: Counter[tuple[str, str]] = Counter()
    channels = defaultdict(set)
    for row in tables["sample_data"]:
        sensor = by_token["calibrated_sensor"][row["calibrated_sensor_token"]]["sensor_token"]
        sample = by_token["sample"][row["sample_token"]]
        channels[sample["scene_token"]].add(sensor)
        if row["is_key_frame"]:
            keys[row["sample_token"], sensor] += 1
            if abs(row["timestamp"] - sample["timestamp"]) > 100_000:
                yield f"sample_data {row['token']}: key frame far from its sample in time"
        elif row["timestamp"] > sample["timestamp"] and sample["next"]:
            yield f"sample_data {row['token']}: belongs to an earlier sample"
        folder = "samples" if row["is_key_frame"] else "sweeps"
        if not row["filename"].startswith(f"{folder}/{by_token['sensor'][sensor]['channel']}/"):
            yield f"sample_data {row['token']}: {row['filename']} is in the wrong folder"
    for sample in tables["sample"]:
        for sensor in channels[sample["scene_token"]]:
            if keys[sample["token"], sensor] != 1:
                count = keys[sample["token"], sensor]
                yield f"sample {sample['token']}: {count} key frames of one channel, expected 1"


def _poses(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    if len(tables["ego_pose"]) != len(tables["sample_data"]):
        yield "not one ego_pose for each sample_data"
    for row in tables["sample_data"]:
        if by_token["ego_pose"][row["ego_pose_token"]]["timestamp"] != row["timestamp"]:
            yield f"sample_data {row['token']}: its ego_pose is of another time"
    rotated = (*tables["ego_pose"], *tables["calibrated_sensor"], *tables["sample_annotation"])
    for row in rotated:
        if abs(sum(value**2 for value in row["rotation"]) - 1) > 1e-6:
            yield f"{row['token']}: rotation is no unit quaternion"
    yield from _values(tables, by_token)


def _values(tables: Tables, by_token: dict[str, dict[str, Row]]) -> Iterator[str]:
    """Values that the devkit never looks at."""
    for row in tables["calibrated_sensor"]:
        is_camera = by_token["sensor"][row["sensor_token"]]["modality"] == "camera"
        if is_camera != (len(row["camera_intrinsic"]) == 3):
            yield f"calibrated_sensor {row['token']}: intrinsics of a camera, and of no other"
    for row in tables["sample_annotation"]:
        if min(row["size"]) <= 0:
            yield f"sample_annotation {row['token']}: size {row['size']}"
        if len(row["attribute_tokens"]) > 1:
            yield f"sample_annotation {row['token']}: more than one attribute"


def _maps(tables: Tables, root: Path) -> Iterator[str]:
    covered = [token for row in tables["map"] for token in row["log_tokens"]]
    for row in tables["log"]:
        if covered.count(row["token"]) != 1:
            yield f"log {row['token']}: on {covered.count(row['token'])} maps, expected 1"
        if not (root / f"maps/expansion/{row['location']}.json").is_file():
            yield f"log {row['token']}: no map expansion of {row['location']}"
    for row in tables["map"]:
        if not (root / row["filename"]).is_file():
            yield f"map {row['token']}: {row['filename']} is missing"


def _files(tables: Tables, by_token: dict[str, dict[str, Row]], root: Path) -> Iterator[str]:
    listed = Counter(row["filename"] for row in tables["sample_data"])
    yield from (f"{name} belongs to {n} sample_data" for name, n in listed.items() if n > 1)
    for name in listed:
        path = root / name
        if not path.is_file() or path.stat().st_size == 0:
            yield f"{name} is missing or empty"
        elif name.endswith(".pcd.bin") and path.stat().st_size % 20:
            yield f"{name}: not a whole number of points"
    stored = {
        str(p.relative_to(root)) for d in ("samples", "sweeps") for p in (root / d).rglob("*.*")
    }
    yield from (f"{name} belongs to no sample_data" for name in sorted(stored - set(listed)))
    for row in tables.get("lidarseg", []):
        points = (
            root / by_token["sample_data"][row["sample_data_token"]]["filename"]
        ).stat().st_size // 20
        path = root / row["filename"]
        if not path.is_file() or path.stat().st_size != points:
            yield f"{row['filename']}: expected {points} labels"
    keys = sum(
        row["is_key_frame"] and row["filename"].startswith("samples/LIDAR_TOP")
        for row in tables["sample_data"]
    )
    for name in ("lidarseg", "panoptic"):
        if name in tables and len(tables[name]) != keys:
            yield f"{name}: {len(tables[name])} files for {keys} key frames"
