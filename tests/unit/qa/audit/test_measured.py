"""The audit's own figures are shown as a table that can be read without colours."""

from __future__ import annotations

import re

from synthgen.qa.audit.measured import Measured, heat_table

FIGURES = Measured(
    clips=16, boxes=900, faults=90, recall=0.97, precision=0.9, vote_recall=0.8,
    false_alarms=0.003, faults_by_kind={"ghost": 50, "lag": 40},
    recall_by_fault={"ghost": 0.98, "lag": 0.75},
    found_by_check={"support": {"ghost": 0.9}, "track_pos": {"lag": 0.7}, "dup": {}},
)  # fmt: skip


def rows(table: str) -> list[list[str]]:
    """Texts of the cells of each row."""
    found = re.findall(r"<tr>(.*?)</tr>", table)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in found]


def test_each_fault_has_its_share_by_each_check_that_finds_any() -> None:
    assert rows(heat_table(FIGURES)) == [
        ["", "any", "support", "track_pos"],
        ["ghost (50)", "98", "90", ""],
        ["lag (40)", "75", "", "70"],
    ]


def test_nothing_is_shown_where_nothing_was_measured() -> None:
    assert heat_table(None) == ""
