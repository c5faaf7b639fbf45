"""Charts draw what they are given where it belongs."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from synthgen.qa.report.charts import WIDTH, rose, violins


def corners(svg: str, kind: str) -> np.ndarray:
    """(N, 2) corners of the first area of a side."""
    found = re.search(rf'<polygon class="{kind} area" points="([^"]*)"', svg)
    assert found is not None
    return np.array([[float(v) for v in pair.split(",")] for pair in found[1].split()])


@pytest.mark.parametrize(
    ("yaw_rad", "where"), [(0.0, (0, -1)), (np.pi / 2, (-1, 0)), (np.pi, (0, 1)), (-np.pi, (0, 1))]
)
def test_rose_points_ahead_at_the_top_and_left_to_the_left(
    yaw_rad: float, where: tuple[int, int]
) -> None:
    points = corners(rose(np.full(50, yaw_rad), np.zeros(5), "headings"), "real")
    tip = points[np.linalg.norm(points - [WIDTH / 2, 145], axis=1).argmax()] - [WIDTH / 2, 145]
    assert tip / np.linalg.norm(tip) == pytest.approx(where, abs=0.15)


def test_rose_shows_shares_by_area() -> None:
    # Of 100 headings 80 lie ahead and 20 behind: a quarter of the share, half of the radius.
    yaw = np.array([0.0] * 80 + [np.pi] * 20)
    points = corners(rose(yaw, yaw, "headings"), "real") - [WIDTH / 2, 145]
    ahead, behind = -points[:, 1].min(), points[:, 1].max()
    assert behind / ahead == pytest.approx(0.5, abs=0.02)


def test_violin_has_real_above_and_synthetic_below_its_line() -> None:
    values = np.array([4.0, 4.1, 4.2, 4.5])
    svg = violins(["car"], [values], [values], "lengths")
    assert corners(svg, "real")[:, 1].max() <= corners(svg, "syn")[:, 1].min()


def test_class_that_one_side_lacks_is_drawn_alone() -> None:
    svg = violins(["bus"], [np.array([10.0, 11.0])], [np.zeros(0)], "lengths")
    assert "syn area" not in svg
    ElementTree.fromstring(svg)
