"""Clips in an object store (S3, GCS, …): the manifest's conditional put is the commit.

An object store has no rename. A clip's files are put first, under its own prefix, where doubles of
another attempt would hold the same bytes; then `clip.json` is put on the condition that it is not
there. Readers list manifests only, so they see whole clips or nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import fsspec

from synthgen.errors import ConfigError, OutputError
from synthgen.store.commit import Commit, committed_manifests
from synthgen.store.layout import MANIFEST

_FOLDERS: Final = ("file://", "local://")


def open_store(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ConfigError: There is no such store, or its package is missing.
    """
    # Folders come with their objects, as in a store that has none.
    options = {"auto_mkdir": True} if url.startswith(_FOLDERS) else {}
    try:
        store, root = fsspec.core.url_to_fs(url, **options)
    except (ValueError, ImportError) as err:
        raise ConfigError(f"publish {url}: {err}") from err
    return store, root


def publish_dataset(dataset: Path, url: str) -> int:
    """Put the clips that a store lacks there; returns how many it took.

    Args:
        dataset: Root folder of the dataset.
        url: Where it goes, e.g. `s3://bucket/town10`; fsspec's names.

    Raises:
        ConfigError: There is no such store, or its package is missing.
        OutputError: The store refused, or holds another clip of the same name.
    """
    store, root = open_store(url)
    taken = 0
    for manifest in committed_manifests(dataset):
        end = publish_clip(manifest.parent, store, root)
        if end is Commit.DIFFERS:
            raise OutputError(f"{url}: holds other bytes for clip {manifest.parent.name}")
        taken += end is Commit.COMMITTED
    put_new(store, f"{root}/dataset.json", (dataset / "dataset.json").read_bytes())
    return taken


def publish_clip(clip: Path, store: Any, root: str) -> Commit:
    """Put one clip folder into a store.

    Args:
        clip: A committed clip's folder.
        store: An fsspec file system that can put on condition (`mode="create"`).
        root: The dataset's prefix in it.

    Raises:
        OutputError: The store refused.
    """
    target = f"{root}/clips/{clip.name[:2]}/{clip.name}"
    content = (clip / MANIFEST).read_bytes()
    try:
        if not store.exists(f"{target}/{MANIFEST}"):
            for path in sorted(p for p in clip.rglob("*") if p.is_file() and p.name != MANIFEST):
                name = path.relative_to(clip).as_posix()
                store.put_file(str(path), f"{target}/{name}")
    except OSError as err:
        raise OutputError(f"{target}: cannot write: {err.strerror or err}") from err
    return put_new(store, f"{target}/{MANIFEST}", content)


def put_new(store: Any, path: str, content: bytes) -> Commit:
    """Put an object unless there is one: `COMMITTED`, `EXISTS` (same bytes) or `DIFFERS`.

    Raises:
        OutputError: The store refused.
    """
    try:
        store.pipe_file(path, content, mode="create")
    except FileExistsError:
        return Commit.EXISTS if store.cat_file(path) == content else Commit.DIFFERS
    except OSError as err:
        raise OutputError(f"{path}: cannot write: {err.strerror or err}") from err
    return Commit.COMMITTED
