"""The shade of bodies on the ground against a count of hidden directions."""

import numpy as np
import pytest

from synthgen.simserver.render import shading
from synthgen.simserver.render.shading import beside_wall, under_floor

DIRECTIONS = 200_000


def sky_share(low: tuple[float, float, float], high: tuple[float, float, float]) -> float:
    """Share of the sky's light that reaches level ground at the origin past a box."""
    rng = np.random.default_rng(5)
    r, turn = np.sqrt(rng.random(DIRECTIONS)), 2 * np.pi * rng.random(DIRECTIONS)
    # Malley's method: directions with density cos / pi.
    ways = np.stack([r * np.cos(turn), r * np.sin(turn), np.sqrt(1 - r * r)], axis=1)
    with np.errstate(divide="ignore"):
        ends = np.stack([np.array(low) / ways, np.array(high) / ways])
    enter, leave = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
    return float(1.0 - ((enter < leave) & (leave > 0)).mean())


@pytest.mark.parametrize(
    ("far", "half", "high"),
    [(0.3, 2.2, 1.4), (1.0, 2.2, 1.4), (2.0, 2.2, 1.4), (0.3, 0.2, 1.75), (1.0, 0.2, 1.75)],
)
def test_wall_hides_as_much_sky_as_its_directions(
    monkeypatch: pytest.MonkeyPatch, far: float, half: float, high: float
) -> None:
    monkeypatch.setattr(shading, "arc", shading.arc.py_func)
    expected = sky_share((far, -half, 0.0), (far + 0.01, half, high))
    assert beside_wall.py_func(far, half, high) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize(("deep", "clear"), [(0.0, 0.22), (0.1, 0.22), (0.4, 0.22)])
def test_floor_leaves_as_much_sky_as_its_directions(deep: float, clear: float) -> None:
    expected = sky_share((-200.0, -200.0, clear), (deep, 200.0, clear + 0.01))
    assert under_floor.py_func(deep, clear) == pytest.approx(expected, abs=0.02)
