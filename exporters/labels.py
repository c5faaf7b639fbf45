"""Labels in the order in which formats that go frame by frame need them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from exporters.export_clip import ExportClip

Labelled = tuple[str, dict[str, Any]]  # the format's word, the row


def labels_by_frame(labelled: Iterable[Labelled]) -> defaultdict[int, list[Labelled]]:
    """Named rows by frame index."""
    frames: defaultdict[int, list[Labelled]] = defaultdict(list)
    for label, row in labelled:
        frames[row["frame_index"]].append((label, row))
    return frames


def other_named_rows(clip: ExportClip, name: str) -> list[Labelled]:
    """As `named_rows`, of a second table: what it drops is in the user's counts already."""
    named = ((clip.names[row["category"]], row) for row in clip.rows(name))
    return [(label, row) for label, row in named if label is not None]
