"""The formats by name, and what each of them must be able to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from exporters.export_clip import ExportClip
from synthgen.datatypes.taxonomy import FormatNames, default_taxonomy
from synthgen.errors import ConfigError

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What `finish` knows of the whole export.

    Attributes:
        dataset_name: Folder name of the dataset.
        dataset: Its `dataset.json`, or an empty document where it has none.
        clip_count: Number of parts.
        names: The format's words.
    """

    dataset_name: str
    dataset: Mapping[str, Any]
    clip_count: int
    names: FormatNames


class Format(Protocol):
    """A dataset format: a map step for each clip, then one reduce step.

    An object of this kind is named `FORMAT` in the format's writer module.
    """

    @property
    def name(self) -> str:
        """As on the command line."""

    def export_clip(self, clip: ExportClip, folder: Path) -> Part:
        """Write the files of one clip and return what `finish` needs, as JSON.

        Runs in any process and in any order, so ids derive from `clip.index` or `clip.clip_id`.

        Args:
            clip: The clip.
            folder: Root of the export; no other clip may write the same files.

        Returns:
            Anything JSON can hold; numbers under `counts` are summed and shown to the user.
        """

    def finish(self, parts: Iterable[Part], folder: Path, context: ExportContext) -> None:
        """Write the files that span clips, once, after all clips.

        Args:
            parts: What `export_clip` returned, by ascending `index`; read from disk one at a time,
                and may be iterated again.
            folder: Root of the export.
            context: Facts about the whole.
        """


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str
    names: str
    extra: str | None = None
    fisheyes: bool = False


FORMATS: Final[dict[str, _Entry]] = {
    # Format name: module with its FORMAT, section of `formats` in configs/taxonomy.yaml, the
    # optional dependency of pyproject.toml that the module imports, and whether it has words for
    # the lens of a fisheye, or says nothing of lenses (elsewhere such cameras are left out).
    "argoverse2": _Entry("exporters.argoverse2.writer", "argoverse2"),
    "coco": _Entry("exporters.coco.writer", "coco", fisheyes=True),
    "kitti-object": _Entry("exporters.kitti_object.writer", "kitti"),
    "kitti-raw": _Entry("exporters.kitti_raw.writer", "kitti"),
    "kitti-tracking": _Entry("exporters.kitti_tracking.writer", "kitti"),
    "mcap": _Entry("exporters.mcap.writer", "coco", extra="mcap", fisheyes=True),
    "mot": _Entry("exporters.mot.writer", "mot", fisheyes=True),
    "nuscenes": _Entry("exporters.nuscenes.writer", "nuscenes"),
    "occ3d": _Entry("exporters.occ3d.writer", "occ3d"),
    "openlabel": _Entry("exporters.openlabel.writer", "coco", fisheyes=True),
    "rerun": _Entry("exporters.rerun.writer", "coco", extra="rerun", fisheyes=True),
    "semantickitti": _Entry("exporters.semantickitti.writer", "semantickitti"),
    "webdataset": _Entry("exporters.webdataset.writer", "coco", fisheyes=True),
    "yolo": _Entry("exporters.yolo.writer", "coco", fisheyes=True),
}


def load_format(name: str) -> Format:
    """The format of a name; its module is imported now.

    Raises:
        ConfigError: There is none, or it needs a package that is not installed.
    """
    require_formats([name])
    entry = FORMATS[name]
    try:
        found: Format = import_module(entry.module).FORMAT
    except ModuleNotFoundError as err:
        if entry.extra is None:
            raise
        raise ConfigError(
            f"format {name}: needs the package {err.name}; "
            f"install it: pip install 'synthgen[{entry.extra}]'"
        ) from err
    return found


def format_names(name: str) -> FormatNames:
    """Our words in a format's words.

    Raises:
        ConfigError: There is no such format.
    """
    require_formats([name])
    return default_taxonomy().formats[FORMATS[name].names]


def takes_fisheyes(name: str) -> bool:
    """True where a format can say how a fisheye sees, or need not.

    Raises:
        ConfigError: There is no such format.
    """
    require_formats([name])
    return FORMATS[name].fisheyes


def require_formats(names: Iterable[str]) -> None:
    """Check that each format is known, before hours are spent on a dataset.

    Raises:
        ConfigError: One is not.
    """
    for name in names:
        if name not in FORMATS:
            raise ConfigError(f"format {name}: expected one of {', '.join(sorted(FORMATS))}")
