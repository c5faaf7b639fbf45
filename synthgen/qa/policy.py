"""Which boxes count: one rule for both sides of a comparison, and for the dry run."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from synthgen.geometry.arrays import Bool
from synthgen.qa.box_table import RawBoxes


class Policy(BaseModel):
    """The label policy. The default height is that of KITTI's hardest boxes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_height_px: float = Field(default=25.0, ge=0)
    max_range_m: float = Field(default=80.0, gt=0)
    max_occluded: float = Field(default=2.0, description="Level: 0 free, 1 partly, 2 largely")
    max_truncated: float = Field(default=1.0, description="Level: 0 none, 1 partly, 2 largely")

    def keeps(self, boxes: RawBoxes) -> Bool:
        """(N,) which boxes count; what a box does not tell cannot exclude it."""
        height = boxes.xyxy_px[:, 3] - boxes.xyxy_px[:, 1]
        far = np.hypot(boxes.centre_m[:, 0], boxes.centre_m[:, 1])
        excluded = (
            (height < self.min_height_px)
            | (far > self.max_range_m)
            | (boxes.occluded > self.max_occluded)
            | (boxes.truncated > self.max_truncated)
        )
        return ~np.asarray(excluded, dtype=bool)


def truncation_level(fraction: np.ndarray) -> np.ndarray:
    """Level 0, 1 (over 15 %) or 2 (over 50 %) of a truncated share, NaN stays.

    Source: KITTI object benchmark: 0.15 is the most for easy boxes, 0.5 for hard ones.
    """
    level = (fraction > 0.15).astype(np.float64) + (fraction > 0.5)
    return np.where(np.isnan(fraction), np.nan, level)


def occlusion_level(fraction: np.ndarray) -> np.ndarray:
    """Level 0, 1 (from 10 %) or 2 (from 50 %) of an occluded share, NaN stays.

    The thresholds are those of our KITTI exporter (exporters/kitti/labels.py).
    """
    level = (fraction >= 0.1).astype(np.float64) + (fraction >= 0.5)
    return np.where(np.isnan(fraction), np.nan, level)
