"""Lens models against OpenCV."""

import cv2
import numpy as np
import pytest
from numba import njit

from synthgen.simserver.render import frames
from synthgen.simserver.render.lenses import optics


@njit
def _project(lens, x, y, z):  # type: ignore[no-untyped-def] # numba
    return frames.project(lens, x, y, z)


WIDTH, HEIGHT = 640, 400


def optical_points(directions: np.ndarray) -> np.ndarray:
    """Unit vectors in OpenCV's camera frame: x right, y down, z forward."""
    rays = directions[::40, ::40].reshape(-1, 3).astype(np.float64)
    return np.stack([rays[:, 1], -rays[:, 2], rays[:, 0]], axis=-1)


def pixel_centres() -> np.ndarray:
    """Where the rays of `optical_points` should land."""
    x, y = np.meshgrid(np.arange(0, WIDTH, 40) + 0.5, np.arange(0, HEIGHT, 40) + 0.5)
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def test_brown_rays_project_to_their_pixels() -> None:
    k = (-0.2, 0.05, 0.001, -0.002, 0.01)
    directions, lens = optics(WIDTH, HEIGHT, 80.0, "brown", k)
    f = lens[frames.FOCAL]
    matrix = np.array([[f, 0, WIDTH / 2], [0, f, HEIGHT / 2], [0, 0, 1]])
    pixels, _ = cv2.projectPoints(
        optical_points(directions), np.zeros(3), np.zeros(3), matrix, np.array(k)
    )
    assert pixels[:, 0] == pytest.approx(pixel_centres(), abs=0.01)


@pytest.mark.parametrize(
    ("lens_model", "k"),
    [("kannala_brandt", (0.05, -0.01, 0.002, -0.0005)), ("equidistant", (0.0, 0.0, 0.0, 0.0))],
)
def test_fisheye_rays_project_to_their_pixels(
    lens_model: str, k: tuple[float, float, float, float]
) -> None:
    directions, lens = optics(WIDTH, HEIGHT, 150.0, lens_model, k)
    f = lens[frames.FOCAL]
    matrix = np.array([[f, 0, WIDTH / 2], [0, f, HEIGHT / 2], [0, 0, 1]])
    pixels, _ = cv2.fisheye.projectPoints(
        optical_points(directions)[:, None], np.zeros(3), np.zeros(3), matrix, np.array(k)
    )
    assert pixels[:, 0] == pytest.approx(pixel_centres(), abs=0.01)


@pytest.mark.parametrize(
    ("model", "k"),
    [
        ("pinhole", ()),
        ("brown", (-0.1, 0.02, 0.001, 0.001)),
        ("equidistant", ()),
        ("kannala_brandt", (0.02, 0.001)),
    ],
)
def test_projection_inverts_the_ray_table(model: str, k: tuple[float, ...]) -> None:
    directions, lens = optics(WIDTH, HEIGHT, 100.0, model, k)
    x, y, z = (7.0 * directions[123, 456]).tolist()
    assert _project(lens, x, y, z) == pytest.approx((456.5, 123.5), abs=2e-3)


def test_fov_reaches_the_edge_of_the_image() -> None:
    directions, _ = optics(WIDTH, HEIGHT, 160.0, "equidistant", ())
    middle = 0.5 * (directions[HEIGHT // 2 - 1] + directions[HEIGHT // 2])
    angle = np.rad2deg(np.arctan2(np.abs(middle[:, 1]), middle[:, 0]))
    assert angle[0] == pytest.approx(80.0, abs=0.2)


def test_unknown_lens_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of pinhole, brown"):
        optics(WIDTH, HEIGHT, 90.0, "fresnel", ())
