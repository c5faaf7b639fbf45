"""What is compared of a dataset: hashes of files, label rows, one hash and thumbnail per image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.datatypes.clip_job import Slot
from synthgen.errors import DatasetError
from synthgen.store import image_codec
from synthgen.store.clip_reader import ClipReader
from synthgen.store.commit import committed_manifests
from synthgen.store.tables import pose_names

_THUMB_PERIOD: Final = 10  # frames; similarity needs a sample, not a film
_THUMB_WIDTH_PX: Final = 96

_EDGES: Final = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
BOX2D_VALUES: Final = tuple(f"{kind}_{edge}" for kind in ("visible", "amodal") for edge in _EDGES)
BOX2D_ATTRIBUTES: Final = ("visible_px", "occluded_fraction", "truncated_fraction")
BOX3D_VALUES: Final = ("x_m", "y_m", "z_m", "yaw_rad", "length_m", "width_m", "height_m")
BOX3D_ATTRIBUTES: Final = ("lidar_points", "visible_fraction")

BOXES2D: Final = pa.schema(
    [
        pa.field("slot", pa.string()),
        pa.field("frame_index", pa.int32()),
        pa.field("camera", pa.string()),
        pa.field("track_id", pa.int32()),
        pa.field("category", pa.string()),
        *(pa.field(name, pa.float32()) for name in (*BOX2D_VALUES, *BOX2D_ATTRIBUTES)),
    ]
)
BOXES3D: Final = pa.schema(
    [
        pa.field("slot", pa.string()),
        pa.field("frame_index", pa.int32()),
        pa.field("track_id", pa.int32()),
        pa.field("category", pa.string()),
        *(pa.field(name, pa.float32()) for name in (*BOX3D_VALUES, *BOX3D_ATTRIBUTES)),
    ]
)
IMAGES: Final = pa.schema(
    [
        pa.field("slot", pa.string()),
        pa.field("camera", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("frame_index", pa.int32()),
        pa.field("sha256", pa.binary(32)),
        pa.field("thumb", pa.binary()),
    ]
)
SCHEMAS: Final = {"boxes2d": BOXES2D, "boxes3d": BOXES3D, "images": IMAGES}


@dataclass(frozen=True, eq=False, slots=True)
class ClipFacts:
    """One clip.

    Attributes:
        slot: Its place in the dataset, e.g. `jaywalk_parked_van-00002`.
        clip_id: Name of its folder.
        draw: Which draw of the slot was accepted.
        files: Sha256 of every file, by path.
        tables: `boxes2d`, `boxes3d` and `images` of the schemas above.
        fault: Why the clip cannot be read, or None.
    """

    slot: str
    clip_id: str
    draw: int
    files: dict[str, str]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    fault: str | None = None


def clip_folders(dataset: Path) -> dict[str, Path]:
    """Folder of each slot's clip.

    Raises:
        DatasetError: There is no dataset, or a manifest is damaged.
    """
    if not (dataset / "clips").is_dir():
        raise DatasetError(f"{dataset}: expected a dataset (a folder with clips/), found none")
    folders = {}
    for manifest in committed_manifests(dataset):
        try:
            document = json.loads(manifest.read_bytes())
            folders[Slot(**document["slot"]).name] = manifest.parent
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise DatasetError(f"{manifest}: cannot read: {err}") from err
    return folders


def dataset_facts(dataset: Path, slots: Collection[str] | None = None) -> dict[str, ClipFacts]:
    """Facts of every clip, by slot.

    Args:
        dataset: Dataset folder.
        slots: Only these; None means all.

    Raises:
        DatasetError: There is no dataset there; a clip that cannot be read has a `fault` instead.
    """
    folders = clip_folders(dataset)
    return {
        slot: clip_facts(slot, folders[slot])
        for slot in sorted(folders)
        if slots is None or slot in slots
    }


def clip_facts(slot: str, folder: Path) -> ClipFacts:
    """Facts of one clip, from its bytes and not from what its manifest says of them."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    clip_id, draw = folder.name, 0
    try:
        clip = ClipReader(folder)
        clip_id, draw = clip.clip_id, int(clip.manifest["draw"])
        tables = {
            "boxes2d": _boxes2d(slot, clip.label_table("boxes2d")),
            "boxes3d": _boxes3d(slot, clip.label_table("boxes3d")),
            "images": pa.Table.from_pylist(list(_images(slot, clip)), schema=IMAGES),
        }
    except DatasetError as err:
        return ClipFacts(slot, clip_id, draw, files, fault=str(err))
    return ClipFacts(slot, clip_id, draw, files, tables)


def write_tables(facts: dict[str, ClipFacts], folder: Path) -> None:
    """Write the tables of all clips as one Parquet file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        parts = [facts[slot].tables[name] for slot in sorted(facts)]
        table = pa.concat_tables(parts) if parts else schema.empty_table()
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=19)


def read_tables(folder: Path) -> dict[str, dict[str, pa.Table]]:
    """Tables of each slot as `write_tables` wrote them.

    Raises:
        DatasetError: A file is missing or damaged.
    """
    by_slot: dict[str, dict[str, pa.Table]] = {}
    for name in SCHEMAS:
        path = folder / f"{name}.parquet"
        try:
            table = pq.read_table(path)
            slots = table["slot"].unique().to_pylist()
        except (OSError, KeyError, pa.ArrowException) as err:
            raise DatasetError(f"{path}: cannot read: {err}; lock again") from err
        for slot in slots:
            chosen = table.filter(pa.compute.equal(table["slot"], slot))
            by_slot.setdefault(slot, {})[name] = chosen
    return by_slot


def _boxes2d(slot: str, table: pa.Table) -> pa.Table:
    columns: dict[str, Any] = {"slot": [slot] * table.num_rows}
    for name in BOXES2D.names[1:]:
        columns[name] = _cast(table[name], BOXES2D.field(name).type)
    return pa.table(columns, schema=BOXES2D)


def _boxes3d(slot: str, table: pa.Table) -> pa.Table:
    pose = {name: table[name].to_numpy() for name in pose_names("ego_from_box")}
    w, x, y, z = (pose[f"ego_from_box_{part}"] for part in ("qw", "qx", "qy", "qz"))
    columns: dict[str, Any] = {
        "slot": [slot] * table.num_rows,
        "x_m": pose["ego_from_box_x_m"].astype(np.float32),
        "y_m": pose["ego_from_box_y_m"].astype(np.float32),
        "z_m": pose["ego_from_box_z_m"].astype(np.float32),
        "yaw_rad": np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)).astype(np.float32),
    }
    for name in BOXES3D.names:
        if name not in columns:
            columns[name] = _cast(table[name], BOXES3D.field(name).type)
    return pa.table({name: columns[name] for name in BOXES3D.names}, schema=BOXES3D)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column.cast(kind, safe=False)


def _images(slot: str, clip: ClipReader) -> Iterator[dict[str, Any]]:
    for sensor in clip.calibration.of_modality("camera"):
        assert sensor.camera is not None
        for channel in sensor.camera.channels:
            for frame_index, _codec, content in clip.encoded_images(sensor.name, channel):
                is_sampled = channel == "rgb" and frame_index % _THUMB_PERIOD == 0
                origin = f"{clip.folder} {sensor.name} {channel} {frame_index}"
                yield {
                    "slot": slot,
                    "camera": sensor.name,
                    "channel": channel,
                    "frame_index": frame_index,
                    "sha256": hashlib.sha256(content).digest(),
                    "thumb": _thumb(content, origin) if is_sampled else None,
                }


def _thumb(content: bytes, origin: str) -> bytes:
    rgb = image_codec.decode_rgb(content, origin)
    height = max(1, round(rgb.shape[0] * _THUMB_WIDTH_PX / rgb.shape[1]))
    small = cv2.resize(rgb, (_THUMB_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return image_codec.encode_rgb(np.asarray(small, dtype=np.uint8), "jpeg")
