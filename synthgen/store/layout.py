"""Where things live in a dataset folder, and the few constants every reader shares."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

CLIP_SCHEMA: Final = "synthgen/clip@1"
LABELS_SCHEMA: Final = "synthgen/labels@1"
CARD: Final = "README.md"
MANIFEST: Final = "clip.json"
LABELS_MANIFEST: Final = "labels.json"

CAMERA_CHANNELS: Final = ("rgb", "depth", "semantic", "instance", "normals", "flow")


def clip_folder(dataset: Path, clip_id: str) -> Path:
    """Folder of one committed clip."""
    return dataset / "clips" / clip_id[:2] / clip_id


def canonical_json(document: Any) -> bytes:
    """UTF-8 JSON with sorted keys and shortest-repr numbers: equal documents, equal bytes."""
    text = json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def readable_json(document: Any) -> bytes:
    """Like `canonical_json`, indented for people; still equal bytes for equal documents."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode() + b"\n"


def clip_id_of(job: dict[str, Any]) -> str:
    """First 16 hex digits of the sha256 over a job's canonical JSON."""
    return hashlib.sha256(canonical_json(job)).hexdigest()[:16]


def root_hash(dataset: Path) -> str:
    """Sha256 over the lines `path NUL sha256 LF` of all files below `clips/`, sorted by path."""
    clips = dataset / "clips"
    digest = hashlib.sha256()
    files = sorted(p.relative_to(clips).as_posix() for p in clips.rglob("*") if p.is_file())
    for path in files:
        with (clips / path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path}\0{content}\n".encode())
    return digest.hexdigest()
