"""One difference between two datasets, and how much difference is tolerated."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from synthgen.datatypes.clip_job import Record


class Kind(enum.StrEnum):
    """What a change is about; the names a policy uses."""

    CLIP_MISSING = "clip-missing"
    CLIP_ADDED = "clip-added"
    CLIP_UNREADABLE = "clip-unreadable"
    CLIP_REDRAWN = "clip-redrawn"
    ADDED = "object-added"
    REMOVED = "object-removed"
    MOVED = "object-moved"
    CLASS = "class-changed"
    ATTRIBUTE = "attribute-changed"
    IMAGE = "image-changed"
    FILE = "file-changed"
    VERSION = "version-changed"
    CODE = "code-changed"
    CONFIG = "config-changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: What it is about.
        slot: The clip's slot, empty for the dataset as a whole.
        where: Place in the clip, e.g. `cam_front frame 3 object 12`.
        text: What was and what is.
        amount: How much, in `unit`; None where there is no measure.
        unit: `px`, `m`, `rad`, `dB`, ….
        is_tolerated: True within R2; None for a file whose content is not measured.
        frame_index: Frame, for the picture.
        camera: Camera, for the picture.
        track_id: Object, for the picture.
    """

    kind: Kind
    slot: str
    where: str
    text: str
    amount: float | None = None
    unit: str = ""
    is_tolerated: bool | None = False
    frame_index: int | None = None
    camera: str | None = None
    track_id: int | None = None

    def __str__(self) -> str:
        """One line for people."""
        place = " ".join(part for part in (self.slot, self.where) if part)
        return f"{self.kind}: {place}: {self.text}"


class Tolerances(Record):
    """Level R2: what another processor or GPU may change.

    Positions, angles and boxes: docs/scale.md; the shares of pixels and points are one object's
    edge pixels at 400 columns.
    """

    position_m: float = 0.01
    yaw_rad: float = 0.00175
    size_m: float = 0.01
    box_px: float = 1.0
    fraction: float = 0.02
    count_share: float = 0.02
    count: int = 3
    psnr_db: float = 28.0
    label_pixels_share: float = 0.005
    depth_share: float = 0.005
