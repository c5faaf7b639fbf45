"""What is broken in a dataset, told file by file: a copy that was cut short, a disk that forgot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from synthgen.errors import DatasetError
from synthgen.store.clip_reader import ClipReader, read_labels_manifest
from synthgen.store.layout import LABELS_MANIFEST, MANIFEST

# What the sensors gave is most of a clip's bytes; a quick look takes its size for its content.
_SENSOR_FOLDERS: Final = ("cameras", "lidar", "radar", "dvs")
_MOST_NAMED: Final = 20
_RECORDS: Final = ("dataset.json", "rejected/*.json", "quarantine/*.json")


def damages(dataset: Path, *, every_byte: bool = False) -> list[str]:
    """One line for each file of a dataset that is missing, too many or not what was written.

    Args:
        dataset: The dataset's folder.
        every_byte: Hash the sensors' files too; else their sizes are enough.
    """
    return [
        *(message for record in _records(dataset) if (message := _not_json(record))),
        *(
            message
            for clip in sorted(path for path in dataset.glob("clips/*/*") if path.is_dir())
            for message in _of_clip(clip, every_byte)
        ),
    ]


def require_undamaged(dataset: Path, *, every_byte: bool = False) -> None:
    """Check that a dataset's files are those that were written.

    Raises:
        DatasetError: Some are not; names them.
    """
    if not (found := damages(dataset, every_byte=every_byte)):
        return
    unnamed = len(found) - _MOST_NAMED
    raise DatasetError(
        "\n".join(
            (
                *found[:_MOST_NAMED],
                *([f"and {unnamed} more"] if unnamed > 0 else []),
                f"{dataset}: {len(found)} of its files cannot be used; copy it anew, or remove "
                "the folders of damaged clips and let `synthgen generate --resume` make them again",
            )
        )
    )


def _records(dataset: Path) -> Iterator[Path]:
    for pattern in _RECORDS:
        yield from sorted(dataset.glob(pattern))


def _not_json(path: Path) -> str | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        return f"{path}: expected JSON: {err}"
    return None if isinstance(document, dict) else f"{path}: expected a JSON object"


def _of_clip(clip: Path, every_byte: bool) -> Iterator[str]:
    try:
        listed = _listed(clip)
    except DatasetError as err:
        yield str(err)
        return
    found = {path for path in clip.rglob("*") if path.is_file()}
    for path, item in sorted(listed.items()):
        if path not in found:
            yield f"{path}: is missing"
        elif path.stat().st_size != item["bytes"]:
            yield f"{path}: expected {item['bytes']} bytes, found {path.stat().st_size}"
        elif (every_byte or not _is_sensors(path.relative_to(clip))) and _differs(path, item):
            yield f"{path}: its bytes are not those that were written"
    for path in sorted(found - set(listed) - _manifests(clip)):
        yield f"{path}: is in no manifest"


def _listed(clip: Path) -> dict[Path, dict[str, Any]]:
    """What the manifests of a clip and of labels that were added to it list.

    Raises:
        DatasetError: A manifest cannot be read.
    """
    rows = [(clip, ClipReader(clip).manifest)]
    for manifest in sorted(clip.glob(f"labels/*/{LABELS_MANIFEST}")):
        rows.append((manifest.parent, read_labels_manifest(clip, manifest.parent.name)))
    try:
        return {
            folder / item["path"]: {"bytes": item["bytes"], "sha256": item["sha256"]}
            for folder, document in reversed(rows)
            for item in document["files"]
        }
    except (KeyError, TypeError) as err:
        raise DatasetError(f"{clip}: its manifests list no files: {err!r}") from err


def _manifests(clip: Path) -> set[Path]:
    return {clip / MANIFEST, *clip.glob(f"labels/*/{LABELS_MANIFEST}")}


def _is_sensors(path: Path) -> bool:
    return path.parts[0] in _SENSOR_FOLDERS


def _differs(path: Path, item: dict[str, Any]) -> bool:
    try:
        with path.open("rb") as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() != item["sha256"])
    except OSError:
        return True
