"""The copies in other formats that a run writes when its clips are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from exporters.export import ExportOptions, export
from exporters.formats import require_formats
from exporters.selection import Selection
from exporters.splits import parse_shares
from synthgen.campaign.config import Export


def require_exports(exports: Sequence[Export]) -> None:
    """Check what a config asks of its exports, before anything is made.

    Raises:
        ConfigError: A format, a filter or the shares of one are wrong.
    """
    require_formats(wanted.format for wanted in exports)
    for wanted in exports:
        _options(wanted)


def write_exports(
    dataset: Path, root: Path, exports: Sequence[Export], note: Callable[[str], None]
) -> None:
    """Write the copies that are not there yet.

    Args:
        dataset: The clips.
        root: Folder that the config's relative paths start from.
        exports: What to write.
        note: Told what is written and what is left alone.
    """
    for wanted in exports:
        out = (root / wanted.out).resolve()
        if out.exists():
            note(f"{out} is there already; remove it to export anew")
            continue
        note(f"exporting {wanted.format} to {out}")
        export(dataset, wanted.format, out, _options(wanted))


def _options(wanted: Export) -> ExportOptions:
    Selection(wanted.where)
    return ExportOptions(wanted.where, parse_shares(wanted.splits), split=wanted.split)
