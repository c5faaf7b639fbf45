"""Rebuild the labels of a dataset from its stored sensor data, without a simulator."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import ConfigError, DatasetError
from synthgen.labels import LabelSettings, label_clip
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.clip_writer import write_labels
from synthgen.store.commit import STAGING, collect_staging, commit_labels, staged_clip

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_CHANNELS = ("depth", "semantic", "instance")  # the labels look at nothing else


@dataclass(frozen=True, slots=True)
class Relabelled:
    """What became of one clip.

    Attributes:
        clip: Its folder.
        version: Name of the labels folder.
        differing: Files of that folder whose bytes differ from those that were there; empty if
            they are the same, None if there were none.
    """

    clip: Path
    version: str
    differing: tuple[str, ...] | None


def relabel(dataset: Path, version: str | None = None) -> Iterator[Relabelled]:
    """Label every clip again, in the order of their paths.

    A labels folder that exists is compared and left alone; one that does not is added.

    Args:
        dataset: Dataset folder.
        version: Labels folder; None stands for the one each clip was made with.

    Raises:
        ConfigError: The version cannot name a folder.
        DatasetError: The folder holds no clips, or one cannot be read.
        OutputError: The disk refused; each labels folder is there whole or not at all.
    """
    if version is not None and not _NAME.fullmatch(version):
        raise ConfigError(
            f"labels folder {version!r}: expected a plain name of letters, digits and ._-, e.g. v2"
        )
    clips = open_dataset(dataset)
    if not clips:
        raise DatasetError(f"{dataset}: holds no clip yet")
    collect_staging(dataset / STAGING)
    for found in clips:
        clip = ClipReader(found.folder, _CHANNELS)
        yield _relabel_clip(dataset, clip, version or clip.labels_version)


def _relabel_clip(dataset: Path, clip: ClipReader, version: str) -> Relabelled:
    target = clip.folder / "labels" / version
    if target.exists():  # The dataset may be read-only.
        with tempfile.TemporaryDirectory(prefix="synthgen-relabel-") as name:
            differing = _differing(_write(clip, version, Path(name)), target)
            return Relabelled(clip.folder, version, differing)
    with staged_clip(dataset / STAGING, clip.clip_id) as folder:
        commit_labels(_write(clip, version, folder), target)
    return Relabelled(clip.folder, version, None)


def _write(clip: ClipReader, version: str, folder: Path) -> Path:
    """Label a clip anew into a folder of another clip's shape; where its labels are."""
    settings = LabelSettings()
    write_labels(folder, version, label_clip(clip, settings), settings.document())
    return folder / "labels" / version


def _differing(fresh: Path, target: Path) -> tuple[str, ...]:
    """Names of files that are not the same in both folders."""
    found = {path.name for folder in (fresh, target) for path in folder.iterdir()}
    return tuple(
        name
        for name in sorted(found)
        if not (fresh / name).is_file()
        or not (target / name).is_file()
        or (fresh / name).read_bytes() != (target / name).read_bytes()
    )
