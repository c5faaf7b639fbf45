"""Which frames and objects of a clip an export takes."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from synthgen.store.clip_reader import ClipReader


@dataclass(frozen=True, slots=True)
class SelectedClip:
    """What is taken of one clip."""

    def has_frame(self, frame_index: int) -> bool:
        """True where the frame is taken."""
        return True

    def filtered(self, table: pa.Table) -> pa.Table:
        """The rows of a label table that are taken."""
        return table


@dataclass(frozen=True, slots=True)
class Selection:
    """What is taken of a dataset."""

    def has_clip(self, clip: ClipReader) -> bool:
        """True where something of the clip may be taken."""
        return True

    def of_clip(self, clip: ClipReader) -> SelectedClip:
        """What is taken of one clip."""
        return SelectedClip()
