"""The arithmetic that shades eight hits at once, against numpy's and against plain loops."""

import numpy as np
import pytest
from numba import njit

from synthgen.simserver.render import fields, frames, lanes, noise
from synthgen.simserver.scene import F32


@njit
def _mapped(kernel, values, out):  # type: ignore[no-untyped-def] # numba
    for i in range(len(values)):
        out[i] = kernel(values[i])


def mapped(kernel: object, values: F32) -> F32:
    """The kernel's value for each of them."""
    out = np.empty_like(values)
    _mapped(kernel, values, out)
    return out


@njit
def _sample(textures, kind, h, first, last, one, none):  # type: ignore[no-untyped-def] # numba
    fields.sample(textures, kind, h, first, last, one, one, one, none, none)


@njit
def _mark_edges(keys, facing, light, edges, y):  # type: ignore[no-untyped-def] # numba
    frames.mark_edges(keys, facing, light, edges, y)


def test_exponential_is_that_of_numpy() -> None:
    """Its polynomial leaves 7e-6 of the value."""
    values = np.linspace(-80.0, 80.0, 20_001, dtype=np.float32)
    expected = np.exp(values.astype(np.float64))
    np.testing.assert_allclose(mapped(lanes.exponential, values), expected, rtol=1e-5)


def test_logarithm_is_that_of_numpy() -> None:
    """Near 1 as well, where highlights raise it to a high power."""
    values = np.concatenate([np.geomspace(1e-6, 1e6, 20_001), np.linspace(0.9, 1.1, 2_001)])
    given = values.astype(np.float32)
    expected = np.log(given.astype(np.float64))
    np.testing.assert_allclose(mapped(lanes.logarithm, given), expected, rtol=2e-7, atol=3e-7)


@pytest.mark.parametrize(("width", "level"), [(0.5, 0), (1.5, 1), (6.0, 3)])
def test_noise_is_bilinear_on_the_level_of_its_width(width: float, level: int) -> None:
    """Half a texel of the picture lies between its texels' centres; it tiles."""
    rng = np.random.default_rng(5)
    across, up = rng.uniform(-300.0, 600.0, (2, 64)).astype(np.float32)
    h = np.zeros(lanes.LANE_NUMBERS, np.float32)
    for row, values in ((lanes.AX, across), (lanes.AY, up), (lanes.WIDTH, width)):
        h[int(row) : int(row) + 64] = values
    one, none = np.float32(1.0), np.float32(0.0)
    first, last = np.uint64(0), np.uint64(64)
    _sample(noise.textures(), fields.WHITE, h, first, last, one, none)
    picture = noise.white()
    for _ in range(level):
        side = len(picture) // 2
        picture = picture.reshape(side, 2, side, 2).mean(axis=(1, 3))
    x, y = across / 2.0**level - 0.5, up / 2.0**level - 0.5
    ix, iy = np.floor(x).astype(int), np.floor(y).astype(int)
    n = len(picture)

    def texel(dx: int, dy: int) -> F32:
        return np.asarray(picture[(iy + dy) % n, (ix + dx) % n], np.float32)

    low = texel(0, 0) + (texel(1, 0) - texel(0, 0)) * (x - ix)
    high = texel(0, 1) + (texel(1, 1) - texel(0, 1)) * (x - ix)
    expected = low + (high - low) * (y - iy) - 0.5
    found = h[int(lanes.NOISE) : int(lanes.NOISE) + 64]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_edges_are_where_things_normals_or_light_change() -> None:
    """Each of the three alone marks both sides; light in the sky marks nothing."""
    keys = np.full((7, 40), 5, np.uint32)
    facing = np.zeros((3, 7, 40), np.float32)
    facing[2] = 1.0
    light = np.full((7, 40, 3), 0.5, np.float32)
    keys[3, 10] = 6
    facing[:, 3, 20] = (0.8, 0.0, 0.6)
    light[3, 30, 1] = 0.9
    keys[:, 35:] = frames.SKY
    light[3, 38, 1] = 9.0
    edges = np.empty((7, 40), np.uint32)
    for y in range(7):
        _mark_edges(keys, facing, light, edges, y)
    cross = {(3, 0), (2, 0), (4, 0), (3, -1), (3, 1)}
    expected = {(y, x + dx) for x in (10, 20, 30) for y, dx in cross}
    expected |= {(y, x) for y in range(7) for x in (34, 35)}
    assert set(zip(*np.nonzero(edges), strict=True)) == expected
