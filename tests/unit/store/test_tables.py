from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthgen.store import tables

PAGE = (Path(__file__).parents[3] / "docs/clip_format.md").read_text()
TABLES = {
    name: schema
    for name, schema in vars(tables).items()
    if name.isupper() and hasattr(schema, "names")
}
# Written on the page in a short form: pose(p) and xyz(p, u) stand for the columns of a group.
SHORT_FORMS = ("_x_m", "_y_m", "_z_m", "_qw", "_qx", "_qy", "_qz", "_mps", "_mps2", "_radps")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_stands_on_the_format_page(name: Any) -> None:
    plain = [c for c in TABLES[name].names if not c.endswith(SHORT_FORMS)]
    missing = [c for c in plain if c not in PAGE and not c.endswith("_px")]
    assert missing == []
