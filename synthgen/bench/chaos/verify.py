"""An independent look at a dataset: bytes, manifests and plan, none of the code that wrote them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a dataset; all zero where nothing is."""

    lost: int
    duplicated: int
    corrupt: int
    staging_left: int
    quarantined: frozenset[int]
    root_hash: str


def verify_dataset(dataset: Path) -> Findings:
    """Compare what a dataset holds with its plan, and every file with its hash."""
    plan = json.loads((dataset / "dataset.json").read_text())["plan"]
    planned = {_slot(task["slot"]) for task in plan["slots"]}
    clips = sorted(path for path in dataset.glob("clips/*/*") if path.is_dir())
    manifests = [(clip, _manifest(clip)) for clip in clips]
    seen = Counter(_slot(m["slot"]) for _, m in manifests if m is not None)
    records = [json.loads(p.read_text())["slot"] for p in dataset.glob("quarantine/*.json")]
    quarantined = {_slot(record) for record in records}
    strays = set(seen) - planned
    return Findings(
        lost=len(planned - set(seen) - quarantined),
        duplicated=sum(seen.values()) - len(seen) + len(strays) + len(set(seen) & quarantined),
        corrupt=sum(m is None or not _is_whole(clip, m) for clip, m in manifests),
        staging_left=len(list(dataset.glob(".staging/*"))),
        quarantined=frozenset(k for _, k in quarantined),
        root_hash=_root_hash(dataset / "clips"),
    )


def _slot(record: dict[str, Any]) -> tuple[str, int]:
    return str(record["scenario"]), int(record["k"])


def _manifest(clip: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((clip / "clip.json").read_text()))
    except (OSError, ValueError):
        return None


def _is_whole(clip: Path, manifest: dict[str, Any]) -> bool:
    """Every listed file has its hash and size, and there is no other file."""
    listed = {row["path"]: (row["sha256"], row["bytes"]) for row in manifest["files"]}
    found = {
        path.relative_to(clip).as_posix(): (_sha256(path), path.stat().st_size)
        for path in clip.rglob("*")
        if path.is_file() and path != clip / "clip.json"
    }
    return listed == found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _root_hash(clips: Path) -> str:
    """Sha256 over the lines `path NUL sha256 LF`, sorted by path (docs/clip_format.md)."""
    files = {p.relative_to(clips).as_posix(): p for p in clips.rglob("*") if p.is_file()}
    lines = "".join(f"{name}\0{_sha256(files[name])}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()
