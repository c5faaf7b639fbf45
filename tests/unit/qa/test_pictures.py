"""Pairs of the report are the nearest ones, and sweeps from above stand as one drives."""

from __future__ import annotations

import numpy as np

from synthgen.qa.report.pictures import from_above, nearest_pairs
from synthgen.qa.sources import Source
from tests.unit.qa.test_sound import ROOT, make_frame


def test_nearest_pairs_use_nothing_twice() -> None:
    apart = np.array([[0.1, 0.2, 9.0], [0.15, 0.9, 9.0]])
    assert nearest_pairs(apart, 6) == [(0, 0), (1, 1)]


def test_point_ahead_and_left_is_drawn_up_and_left() -> None:
    source = Source(ROOT, "kitti-object", (make_frame(),))
    picture = from_above(source, 0, np.array([[45.0, 15.0, 0.0]]))
    # 60 m are 320 px: 45 m ahead is 80 px from the top, 15 m left is 80 px left of the middle.
    assert (picture[80, 80] > 100).all()
