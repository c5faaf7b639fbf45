"""`docs/labels.md` names every table and every check."""

from __future__ import annotations

from pathlib import Path

from synthgen.labels.verdict import CHECKS
from synthgen.store.tables import LABEL_TABLES

PAGE = Path(__file__).parents[3] / "docs" / "labels.md"


def test_every_check_is_explained_as_the_code_does() -> None:
    text = PAGE.read_text()
    assert [name for name, says in CHECKS.items() if f"| `{name}` | {says} |" not in text] == []


def test_every_table_has_a_picture() -> None:
    text = PAGE.read_text()
    assert [name for name in LABEL_TABLES if f"](labels/{name}.jpg)" not in text] == []
    assert all((PAGE.parent / "labels" / f"{name}.jpg").is_file() for name in LABEL_TABLES)
