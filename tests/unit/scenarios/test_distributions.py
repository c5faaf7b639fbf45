"""Distributions and units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.distributions import Distribution, parse_parameter, parse_scalar

KINDS = [
    {"uniform": ["25 km/h", "50 km/h"]},
    {"normal": {"mean": "1.4 m/s", "sd": "0.9 m/s", "min": "1 m/s", "max": "2 m/s"}},
    {"lognormal": {"median": "2 s", "sigma": 1.5, "min": "1 s", "max": "3 s"}},
    {"choice": ["1 m", "2 m", "5 m"], "weights": [1, 0, 3]},
    {"grid": [0.1, 0.5]},
]


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("36 km/h", "speed", 10.0),
        ("10 mph", "speed", 4.4704),
        ("180 deg", "angle", np.pi),
        ("0.5 g", "acceleration", 4.903325),
        ("40 %", "ratio", 0.4),
        ("250 ms", "time", 0.25),
        ("-30 cm", "length", -0.3),
    ],
)
def test_units_become_si(text: str, dimension: str, value: float) -> None:
    assert parse_scalar(text, dimension) == pytest.approx(value)


@pytest.mark.parametrize("kind", KINDS)
@given(u=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20))
def test_values_stay_inside_their_bounds(kind: dict[str, object], u: list[float]) -> None:
    distribution = parse_parameter(kind)
    low, high = distribution.bounds
    values = distribution.quantile(np.array(u)).astype(float)
    assert (values >= low - 1e-12).all()
    assert (values <= high + 1e-12).all()


def test_truncated_normal_has_its_median_in_the_middle_of_symmetric_bounds() -> None:
    distribution = Distribution("normal", "speed", (5.0, 2.0, 3.0, 7.0))
    assert distribution.quantile(np.array([0.5]))[0] == pytest.approx(5.0)


def test_choice_follows_its_weights() -> None:
    distribution = parse_parameter({"choice": ["a", "b"], "weights": [3, 1]})
    values = distribution.quantile((np.arange(1000) + 0.5) / 1000)
    assert (values == "a").sum() == 750
