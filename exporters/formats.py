"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from exporters.coco.writer import export_coco
from exporters.kitti.writer import export_kitti_object
from synthgen.errors import ConfigError

Export = Callable[[Path, Path], dict[str, Any]]

FORMATS: Final[dict[str, Export]] = {
    "coco": export_coco,
    "kitti-object": export_kitti_object,
}


def export(dataset: Path, name: str, out: Path) -> dict[str, Any]:
    """Write a dataset in another format; returns counts for the user.

    Raises:
        ConfigError: There is no such format.
        DatasetError: The dataset cannot be read.
        OutputError: The folder cannot be written.
    """
    require_formats([name])
    return FORMATS[name](dataset, out)


def require_formats(names: Iterable[str]) -> None:
    """Check that each format is known, before hours are spent on a dataset.

    Raises:
        ConfigError: One is not.
    """
    for name in names:
        if name not in FORMATS:
            raise ConfigError(f"format {name}: expected one of {', '.join(sorted(FORMATS))}")
