"""Rebuild the labels of a dataset from its stored sensor data, without a simulator."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synthgen.errors import DatasetError
from synthgen.labels import LabelSettings, label_clip
from synthgen.store.clip_reader import ClipReader, open_dataset
from synthgen.store.clip_writer import write_labels

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
        DatasetError: The folder holds no clips, or one cannot be read.
    """
    clips = open_dataset(dataset)
    if not clips:
        raise DatasetError(f"{dataset}: holds no clip yet")
    for found in clips:
        clip = ClipReader(found.folder, _CHANNELS)
        yield relabel_clip(clip, version or clip.labels_version)


def relabel_clip(clip: ClipReader, version: str) -> Relabelled:
    """Label one clip again; see `relabel`."""
    target = clip.folder / "labels" / version
    settings = LabelSettings()
    with tempfile.TemporaryDirectory(dir=clip.folder.parent, prefix=".relabel-") as name:
        write_labels(Path(name), version, label_clip(clip, settings), settings.document())
        fresh = Path(name) / "labels" / version
        if target.exists():
            return Relabelled(clip.folder, version, _differing(fresh, target))
        target.parent.mkdir(exist_ok=True)
        fresh.rename(target)
        return Relabelled(clip.folder, version, None)


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
