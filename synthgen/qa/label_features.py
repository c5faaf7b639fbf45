"""What a classifier may see of the labels.

Occlusion and truncation are left out: they follow from where things stand, and data sets define
their levels differently. They are compared as effects of their own.
"""

from __future__ import annotations

from typing import Final

LABEL_FEATURES: Final = (
    "category", "length_m", "width_m", "height_m", "ahead_m", "left_m", "bottom_m", "yaw_sin",
    "yaw_cos", "box_w_px", "box_h_px", "box_x_px", "box_y_px", "frame_count",
)  # fmt: skip
