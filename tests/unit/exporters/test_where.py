from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from exporters.selection import FIELDS, Selection
from exporters.where import evaluate, parse_where
from synthgen.errors import ConfigError

ROWS = pa.table(
    {
        "category": ["car", "pedestrian", "van", None],
        "distance_m": [10.0, 20.0, None, 30.0],
        "is_static": [True, False, False, None],
    }
)


def rows_where(text: str) -> list[Any]:
    columns = {name: ROWS[name] for name in ROWS.column_names}
    found: list[Any] = evaluate(parse_where(text, FIELDS), columns).to_pylist()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("category = 'car'", [True, False, False, None]),
        ("category != 'car'", [False, True, True, None]),
        ("category in ('car', 'van')", [True, False, True, None]),
        ("category not in ('car', 'van')", [False, True, False, None]),
        ("category like '%a%'", [True, True, True, None]),
        ("distance_m <= 20", [True, True, None, False]),
        ("distance_m between 15 and 3e1", [False, True, None, True]),
        ("distance_m is null", [False, False, True, False]),
        ("distance_m is not null", [True, True, False, True]),
        ("is_static", [True, False, False, None]),
        ("NOT is_static", [False, True, True, None]),
        # `and` binds closer; false and unknown is false, true or unknown is true.
        ("category = 'car' or category = 'van' and distance_m > 5", [True, False, None, None]),
        ("(category = 'car' or category = 'van') and distance_m > 5", [True, False, None, None]),
        ("category = 'van' and distance_m > 50", [False, False, None, False]),
        ("name = 'it''s' or distance_m < 15", [True, None, None, None]),
    ],
)
def test_conditions_mean_what_they_mean_in_sql(text: str, expected: list[Any]) -> None:
    assert rows_where(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("categry = 'car'", "column 1: no field categry; did you mean category"),
        ("distance_m < 5 and nonsense > 1", "column 20: no field nonsense"),
        ("distance_m < 'far'", "column 14: expected a number for distance_m, found 'far'"),
        ("category = 5", "column 12: expected a 'text' for category, found 5"),
        ("is_static = 1", "column 13: expected true or false"),
        ("category", "column 9: expected a comparison, found the end"),
        ("(distance_m < 5", r"column 16: expected \), found the end"),
        ("distance_m < 5 distance_m", "column 16: expected and, or, or the end"),
        ("distance_m < 5; drop", "column 15: expected a field, value or sign, found ; drop"),
        ("", "column 1: expected a field, found the end"),
        ("not " * 60 + "is_static", "expected at most 50 levels"),
        ("__import__('os')", "column 1: no field __import__"),
    ],
)
def test_fault_is_named_with_its_column(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_where(text, FIELDS)


def test_category_that_no_object_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="no category pedestrain"):
        Selection("category in ('car', 'pedestrain')")
