"""Which clips, frames and objects an export takes, by the fields of `--where`.

A clip goes when the condition is false whatever its frames hold, a frame when it is false whatever
its objects are, an object (in one frame) unless it is true. So `category = 'car'` leaves out
objects, `precipitation > 30` clips, and `category = 'car' or precipitation > 30` leaves out what is
no car in dry clips alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exporters.where import Columns, Condition, Kind, evaluate, fields_of, parse_where, terms_of
from synthgen.datatypes.frames import Weather
from synthgen.datatypes.taxonomy import default_taxonomy
from synthgen.errors import ConfigError
from synthgen.geometry.arrays import I64
from synthgen.store.clip_reader import ClipReader

# Weather is that of the clip's first frame.
CLIP_FIELDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("scenario", "map", "clip_id", "simulator", "flags"), "text"),
    **dict.fromkeys(("slot", "draw", "seed", "frame_count", "metrics."), "number"),
    "accepted": "truth",
    **dict.fromkeys((field.name for field in fields(Weather)), "number"),
}
FRAME_FIELDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("frame_index", "timestamp_ns", "ego_speed_mps"), "number"),
    **dict.fromkeys(("ego_lane_id", "status"), "text"),
}
# What boxes3d, objects and boxes2d say. The fields of boxes2d are those of the row's own camera;
# for labels without a camera, those of the camera that sees the object best.
_BOX3D: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("distance_m", "lidar_points", "radar_points", "visible_fraction"), "number"),
    "activity": "text",
    "is_static": "truth",
}
_OBJECT: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("category", "blueprint", "role", "name", "special_type"), "text"),
    **dict.fromkeys(("length_m", "width_m", "height_m"), "number"),
}
_BOX2D: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("visible_px", "occluded_fraction", "truncated_fraction"), "number"),
    "ignore": "truth",
}
OBJECT_FIELDS: Final[Mapping[str, Kind]] = {"track_id": "number", **_OBJECT, **_BOX3D, **_BOX2D}
FIELDS: Final[Mapping[str, Kind]] = {**CLIP_FIELDS, **FRAME_FIELDS, **OBJECT_FIELDS}

_BEST: Final = {"visible_px": "sum", "ignore": "min"}  # of the cameras; others: the least
_TRACKS: Final = 1 << 20


class Selection:
    """What is taken of a dataset."""

    def __init__(self, where: str | None = None) -> None:
        """Parse a filter.

        Args:
            where: In the language of `exporters.where`, or None for everything.

        Raises:
            ConfigError: It is no condition over `FIELDS`.
        """
        self._condition = None if where is None else parse_where(where, FIELDS)
        if self._condition is not None:
            _require_categories(self._condition)

    def has_clip(self, clip: ClipReader) -> bool:
        """True where a frame of the clip is taken, be there objects in it or not."""
        if self._condition is None:
            return True
        names = fields_of(self._condition)
        found = evaluate(self._condition, _clip_columns(clip, names)).as_py()
        if found is False or (found is None and _are_known(names, CLIP_FIELDS)):
            return False
        return names.isdisjoint(FRAME_FIELDS) or self.of_clip(clip).has_frames

    def of_clip(self, clip: ClipReader) -> SelectedClip:
        """What is taken of one clip."""
        return SelectedClip(clip, self._condition)


class SelectedClip:
    """What is taken of one clip."""

    def __init__(self, clip: ClipReader, condition: Condition | None) -> None:
        self._clip = clip
        self._condition = condition

    @property
    def has_frames(self) -> bool:
        """True where any frame is taken."""
        return self._condition is None or bool(self._taken_frames)

    def has_frame(self, frame_index: int) -> bool:
        """True where the frame is taken."""
        return self._condition is None or frame_index in self._taken_frames

    def filtered(self, table: pa.Table) -> pa.Table:
        """The rows of a label table that are taken."""
        if self._condition is None:
            return table
        taken = pa.array(sorted(self._taken_frames), table["frame_index"].type)
        table = table.filter(pc.is_in(table["frame_index"], value_set=taken))
        tracks = "track_id" in table.column_names
        if not tracks or pa.types.is_list(table["track_id"].type) or not table.num_rows:
            return table
        found = evaluate(self._condition, self._object_columns(table))
        if isinstance(found, pa.Scalar):
            return table if found.as_py() else table.slice(0, 0)
        return table.filter(found, null_selection_behavior="drop")

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset() if self._condition is None else fields_of(self._condition)

    @cached_property
    def _taken_frames(self) -> frozenset[int]:
        assert self._condition is not None, "asked only with a condition"
        columns = {**_clip_columns(self._clip, self._names), **self._frame_columns}
        found = evaluate(self._condition, columns)
        values = (
            [found.as_py()] * len(self._frames)
            if isinstance(found, pa.Scalar)
            else found.to_pylist()
        )
        open_fields = not _are_known(self._names, {**CLIP_FIELDS, **FRAME_FIELDS})
        return frozenset(
            index
            for index, value in zip(self._frames, values, strict=True)
            if value is True or (value is None and open_fields)
        )

    @cached_property
    def _frames(self) -> list[int]:
        frames: list[int] = self._clip.table("frames")["frame_index"].to_pylist()
        return frames

    @cached_property
    def _frame_columns(self) -> dict[str, Any]:
        table = self._clip.table("frames").combine_chunks()
        speed = np.linalg.norm([table[f"velocity_{axis}_mps"].to_numpy() for axis in "xyz"], axis=0)
        columns = {
            "frame_index": table["frame_index"],
            "timestamp_ns": table["timestamp_ns"],
            "ego_speed_mps": pa.chunked_array([pa.array(speed)]),
            "ego_lane_id": table["lane_id"],
        }
        if self._clip.has_labels("status"):
            status = self._clip.label_table("status")
            rows = _positions(status["frame_index"].to_numpy(), table["frame_index"].to_numpy())
            columns["status"] = status["status"].take(rows)
        return columns

    def _object_columns(self, table: pa.Table) -> Columns:
        """The fields of every row of a table that has `frame_index` and `track_id`."""
        columns = _clip_columns(self._clip, self._names)
        frame_index, track_id = table["frame_index"].to_numpy(), table["track_id"].to_numpy()
        frame_rows = _positions(np.array(self._frames, dtype=np.int64), frame_index)
        columns |= {name: c.take(frame_rows) for name, c in self._frame_columns.items()}
        objects = self._clip.table("objects")
        object_rows = _positions(objects["track_id"].to_numpy(), track_id)
        columns |= {name: objects[name].take(object_rows) for name in _OBJECT}
        keys = frame_index.astype(np.int64) * _TRACKS + track_id
        for source, names in ((self._boxes3d, _BOX3D), (self._best_boxes2d, _BOX2D)):
            rows = _positions(source["key"].to_numpy(), keys)
            columns |= {n: source[n].take(rows) for n in names if n in source.column_names}
        columns["track_id"] = table["track_id"]
        if "occluded_fraction" in table.column_names:
            columns |= {name: table[name] for name in _BOX2D}
        return columns

    @cached_property
    def _boxes3d(self) -> pa.Table:
        return _with_key(self._clip.label_table("boxes3d"))

    @cached_property
    def _best_boxes2d(self) -> pa.Table:
        table = _with_key(self._clip.label_table("boxes2d"))
        grouped = table.group_by("key").aggregate([(n, _BEST.get(n, "min")) for n in _BOX2D])
        return grouped.rename_columns(
            [name.removesuffix("_min").removesuffix("_sum") for name in grouped.column_names]
        )


def _are_known(names: frozenset[str], known: Mapping[str, Kind]) -> bool:
    """True where a condition over `names` can be decided by the `known` fields alone."""
    return all(name in known or name.startswith("metrics.") for name in names)


def _clip_columns(clip: ClipReader, names: frozenset[str]) -> dict[str, Any]:
    """The clip's own fields as scalars."""
    manifest = clip.manifest
    outcome = manifest["outcome"]
    values: dict[str, Any] = {
        "scenario": manifest["slot"]["scenario"],
        "slot": manifest["slot"]["k"],
        "map": manifest["map"]["name"],
        "clip_id": clip.clip_id,
        "simulator": manifest["simulator"]["kind"],
        "flags": ",".join(outcome["flags"]),
        "draw": manifest["draw"],
        "seed": manifest["seed"],
        "frame_count": manifest["frame_count"],
        "accepted": outcome["accepted"],
    }
    for name in names:
        if name.startswith("metrics."):
            metric = outcome["metrics"].get(name.removeprefix("metrics."))
            values[name] = None if metric is None else float(metric)
    columns = {
        name: pa.scalar(value, pa.float64()) if value is None else pa.scalar(value)
        for name, value in values.items()
    }
    weather = [field.name for field in fields(Weather) if field.name in names]
    if weather:
        frames = clip.table("frames")
        columns |= {name: frames[name][0] for name in weather if frames.num_rows}
    return columns


def _with_key(table: pa.Table) -> pa.Table:
    key = table["frame_index"].to_numpy().astype(np.int64) * _TRACKS + table["track_id"].to_numpy()
    return table.append_column("key", pa.array(key))


def _positions(keys: Any, wanted: Any) -> pa.Array:
    """Row in `keys` of each of `wanted`, null where there is none."""
    order: I64 = np.argsort(keys, kind="stable")
    found = np.searchsorted(keys, wanted, sorter=order)
    inside = found < len(keys)
    rows = order[np.minimum(found, len(keys) - 1)] if len(keys) else np.zeros(len(wanted), int)
    missing = ~inside if not len(keys) else ~inside | (keys[rows] != wanted)
    return pa.array(rows, mask=missing)


def _require_categories(condition: Condition) -> None:
    """Refuse a category that no object can have: a typing error, not an empty export."""
    known = default_taxonomy().categories
    for term in terms_of(condition):
        if term.field == "category" and term.test in ("=", "!=", "<>", "in"):
            unknown = [str(value) for value in term.values if value not in known]
            if unknown:
                raise ConfigError(
                    f"where: no category {', '.join(unknown)} (known: {', '.join(known)})"
                )
