"""Pinhole camera: hand-made answers and the round trip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.errors import InternalError
from synthgen.geometry.camera import PinholeCamera

CAMERA = PinholeCamera(800, 450, 400.0, 410.0, 401.0, 224.0)


def test_point_right_and_below_lands_right_and_below() -> None:
    # u = 400 * 1 / 10 + 401, v = 410 * 2 / 10 + 224
    np.testing.assert_allclose(CAMERA.project(np.array([1.0, 2.0, 10.0])), [441.0, 306.0])


def test_ninety_degrees_reach_the_image_edge_at_45() -> None:
    camera = PinholeCamera.from_fov(800, 450, np.pi / 2)
    np.testing.assert_allclose(camera.project(np.array([-1.0, 0.0, 1.0])), [0.0, 225.0], atol=1e-12)


@given(st.floats(0.0, 800.0), st.floats(0.0, 450.0), st.floats(0.1, 500.0))
def test_projection_undoes_ray(x_px: float, y_px: float, depth_m: float) -> None:
    point_m = CAMERA.rays(np.array([x_px, y_px])) * depth_m
    np.testing.assert_allclose(CAMERA.project(point_m), [x_px, y_px], atol=1e-9)


def test_negative_focal_length_is_refused() -> None:
    with pytest.raises(InternalError, match="focal length"):
        PinholeCamera(10, 10, -1.0, 1.0, 5.0, 5.0)
