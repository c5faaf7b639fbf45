"""The tone curve on light that a deepened colour has taken below zero."""

from typing import Any

import numpy as np
import pytest

from synthgen.simserver.render import develop
from synthgen.simserver.render.develop import tone_curve

TONE: Any = develop.tone


@pytest.mark.parametrize("light", [-1.0, -1e-3, -1e-6, -1e-20, -0.0, 0.0])
def test_no_light_and_less_is_black(light: float) -> None:
    row = np.full(8, light, np.float32)
    TONE.py_func(tone_curve(2.2), row)
    assert row.tolist() == [0.0] * 8


def test_tones_rise_with_light() -> None:
    row = np.geomspace(1e-5, 20.0, 64, dtype=np.float32)
    TONE.py_func(tone_curve(2.2), row)
    assert (np.diff(row) >= 0).all()
    assert row[0] < 0.05
    assert row[-1] > 0.99
