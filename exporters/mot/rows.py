"""MOTChallenge rows from our records.

Frame numbers, ids and pixels count from 1: the first pixel is (1, 1), so a box's left is our
x_min + 1. The box is the amodal one, not cut at the image's edge, as MOT17's are; `visibility` is
the share that is neither outside the image nor behind something. A row without a visible pixel
keeps the track alive and has 0 as its flag: evaluations leave it out, as they do rows marked to
be ignored.

Evaluations of MOTChallenge know one class, the pedestrian (1). Each name of the taxonomy is
therefore a benchmark of its own (`pedestrian`, `vehicle`, `cyclist`), in which that class is 1, on
the same images.

Cannot express: classes beside one another, masks, 3D, which sensor beyond the sequence's name.

Source: https://motchallenge.net/instructions/ and arXiv:1603.00831, table 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Row = Mapping[str, Any]

PEDESTRIAN: Final = 1


def truth_line(row: Row, frame: int) -> str:
    """One line of `gt.txt`: frame, id, left, top, width, height, flag, class, visibility.

    Args:
        row: Row of boxes2d.
        frame: Number of its image in the sequence, from 1.
    """
    left, top = row["amodal_x_min_px"], row["amodal_y_min_px"]
    right, low = row["amodal_x_max_px"], row["amodal_y_max_px"]
    edges = (left + 1, top + 1, right - left, low - top)
    visibility = (1 - row["occluded_fraction"]) * (1 - row["truncated_fraction"])
    counts = row["visible_px"] > 0 and not row["ignore"]
    return ",".join(
        [
            str(frame),
            str(row["track_id"]),
            *(f"{edge:.4f}" for edge in edges),
            str(int(counts)),
            str(PEDESTRIAN),
            f"{visibility:.4f}",
        ]
    )


def sequence_text(
    name: str, *, rate_hz: float, length: int, size_wh: tuple[int, int], suffix: str
) -> str:
    """The text of `seqinfo.ini`."""
    fields = {
        "name": name,
        "imDir": "img1",
        "frameRate": f"{rate_hz:g}",
        "seqLength": str(length),
        "imWidth": str(size_wh[0]),
        "imHeight": str(size_wh[1]),
        "imExt": suffix,
    }
    return "[Sequence]\n" + "".join(f"{key}={value}\n" for key, value in fields.items())
