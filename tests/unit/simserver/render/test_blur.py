from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from synthgen.simserver.render.blur import boxed


@pytest.mark.parametrize(("shape", "radius"), [((9, 14, 3), 1), ((5, 6, 3), 12)])
def test_box_filter_is_the_mean_of_neighbours_with_edges_repeated(
    shape: tuple[int, int, int], radius: int
) -> None:
    picture = np.random.default_rng(3).random(shape, dtype=np.float32)
    expected = picture
    for axis in (0, 1):
        expected = uniform_filter1d(expected, 2 * radius + 1, axis=axis, mode="nearest")
    assert np.allclose(boxed(picture, radius), expected, atol=1e-6)
