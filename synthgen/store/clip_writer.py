"""Writes one clip folder: image and sweep files as they come, tables at once, manifest last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synthgen.errors import OutputError
from synthgen.store import tables
from synthgen.store.layout import (
    CLIP_SCHEMA,
    LABELS_MANIFEST,
    LABELS_SCHEMA,
    MANIFEST,
    readable_json,
)

_ROWS_PER_GROUP: Final = 16


def write_table(
    path: Path, columns: Mapping[str, Sequence[Any] | NDArray[Any]], schema: pa.Schema
) -> None:
    """Write a table whole.

    Args:
        path: File to create; its folder is made.
        columns: One sequence (list, numpy or Arrow array) per column of `schema`.
        schema: One of `synthgen.store.tables`.

    Raises:
        OutputError: The disk refused.
    """
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd", compression_level=3)
    except OSError as err:
        raise OutputError(f"{path}: cannot write: {err.strerror or err}") from err


def _packing(schema: pa.Schema) -> dict[str, Any]:
    """Images are packed already; of lists of numbers the float bytes compress apart."""
    lists = [field for field in schema if pa.types.is_list(field.type)]
    if not lists:
        return {"compression": "none"}
    floats = [f"{f.name}.list.element" for f in lists if pa.types.is_floating(f.type.value_type)]
    return {"compression": "zstd", "compression_level": 1, "use_byte_stream_split": floats}


class RowFile:
    """A Parquet file of large rows that is written group by group; a context manager."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._path = path
        self._rows: list[dict[str, Any]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                path, schema, use_dictionary=False, write_statistics=False, **_packing(schema)
            )
        except OSError as err:
            raise OutputError(f"{path}: cannot write: {err.strerror or err}") from err

    def append(self, row: dict[str, Any]) -> None:
        """Add one row; a full group goes to disk."""
        self._rows.append(row)
        if len(self._rows) == _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = {name: [row[name] for row in self._rows] for name in self._schema.names}
        self._rows = []
        try:
            self._writer.write_table(pa.table(columns, schema=self._schema))
        except OSError as err:
            raise OutputError(f"{self._path}: cannot write: {err.strerror or err}") from err

    def close(self) -> None:
        """Write what is left and the footer."""
        try:
            self._flush()
            self._writer.close()
        except OSError as err:
            raise OutputError(f"{self._path}: cannot write: {err.strerror or err}") from err

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ClipWriter:
    """One clip folder in the making; `finish` makes it whole.

    Rows go to files named after what they hold: `cameras/<name>/<channel>.parquet`,
    `lidar/<name>.parquet`, `radar/<name>.parquet`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._row_files: dict[str, RowFile] = {}

    def append(self, path: str, row: dict[str, Any], schema: pa.Schema) -> None:
        """Append one row to the image, sweep or scan file at `path` in the clip."""
        if path not in self._row_files:
            self._row_files[path] = RowFile(self.folder / path, schema)
        self._row_files[path].append(row)

    def write_table(
        self, path: str, columns: Mapping[str, Sequence[Any] | NDArray[Any]], schema: pa.Schema
    ) -> None:
        """Write a small table whole."""
        write_table(self.folder / path, columns, schema)

    def write_bytes(self, path: str, content: bytes) -> None:
        """Write a file that is not a table."""
        target = self.folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as err:
            raise OutputError(f"{target}: cannot write: {err.strerror or err}") from err

    def write_json(self, path: str, document: Mapping[str, Any]) -> None:
        """Write canonical, indented JSON."""
        self.write_bytes(path, readable_json(document))

    def close(self) -> None:
        """Close all row files; the clip still lacks its manifest."""
        for file in self._row_files.values():
            file.close()
        self._row_files = {}

    def finish(self, facts: Mapping[str, Any], known: Sequence[dict[str, Any]] = ()) -> None:
        """Close all files and write the manifest with every file's sha256.

        Args:
            facts: What `clip.json` holds besides `schema` and `files`.
            known: Rows of `file_rows` of files that were whole by then.
        """
        self.close()
        manifest = {**facts, "schema": CLIP_SCHEMA, "files": file_list(self.folder, known)}
        self.write_json(MANIFEST, manifest)


def write_labels(
    folder: Path,
    version: str,
    label_tables: Mapping[str, Mapping[str, Sequence[Any] | NDArray[Any]]],
    settings: Mapping[str, Any],
) -> None:
    """Write `labels/<version>/` of a clip folder: one file a table, then their manifest.

    Args:
        folder: The clip folder.
        version: Name of this labels folder, e.g. `v1`.
        label_tables: Columns by table name; names of `tables.LABEL_TABLES`.
        settings: What the labels depend on besides the clip.
    """
    target = folder / "labels" / version
    for name, columns in sorted(label_tables.items()):
        write_table(target / f"{name}.parquet", columns, tables.LABEL_TABLES[name])
    manifest = {
        "schema": LABELS_SCHEMA,
        "version": version,
        "settings": dict(settings),
        "files": file_list(target),
    }
    try:
        (target / LABELS_MANIFEST).write_bytes(readable_json(manifest))
    except OSError as err:
        raise OutputError(f"{target}: cannot write: {err.strerror or err}") from err


def files_of(folder: Path) -> list[Path]:
    """Every file below `folder` but its own manifest, sorted by path."""
    own_manifests = {folder / MANIFEST, folder / LABELS_MANIFEST}
    files = (p for p in folder.rglob("*") if p.is_file() and p not in own_manifests)
    return sorted(files, key=Path.as_posix)


def file_rows(folder: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Path below `folder`, sha256 and size of each of its `files`."""
    rows = []
    for path in files:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        rows.append(
            {
                "path": path.relative_to(folder).as_posix(),
                "sha256": digest,
                "bytes": path.stat().st_size,
            }
        )
    return rows


def file_list(folder: Path, known: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """`file_rows` of every file of `files_of`; rows `known` are of files that stay as they are."""
    rows = {row["path"]: row for row in known}
    files = files_of(folder)
    new = [path for path in files if path.relative_to(folder).as_posix() not in rows]
    rows |= {row["path"]: row for row in file_rows(folder, new)}
    return [rows[path.relative_to(folder).as_posix()] for path in files]
