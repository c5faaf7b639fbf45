"""Cameras: hand-made answers, OpenCV's lens models and round trips."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.errors import InternalError
from synthgen.geometry.camera import FisheyeCamera, PinholeCamera

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


def test_intrinsic_matrix_is_opencvs() -> None:
    points_m = np.array([[1.0, 2.0, 10.0], [-3.0, 0.5, 4.0]])
    xy_px, _ = cv2.projectPoints(points_m, np.zeros(3), np.zeros(3), CAMERA.matrix, None)
    np.testing.assert_allclose(CAMERA.project(points_m), xy_px[:, 0])


COEFFICIENTS = (-0.02, 0.003, 0.001, -0.0005)
FISHEYE = FisheyeCamera(640, 480, 150.0, 145.0, 317.0, 243.0, COEFFICIENTS)
FISHEYE_MATRIX = np.array([[150.0, 0.0, 317.0], [0.0, 145.0, 243.0], [0.0, 0.0, 1.0]])


def test_fisheye_projects_as_opencvs_does() -> None:
    points_m = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 1.0], [0.2, -3.0, 2.0]])
    xy_px, _ = cv2.fisheye.projectPoints(
        points_m[:, None], np.zeros(3), np.zeros(3), FISHEYE_MATRIX, np.array(COEFFICIENTS)
    )
    np.testing.assert_allclose(FISHEYE.project(points_m), xy_px[:, 0], atol=1e-9)


def test_fisheye_rays_are_opencvs() -> None:
    xy_px = np.array([[400.0, 250.0], [317.0, 100.0], [200.0, 380.0]])
    flat, rays = (
        cv2.fisheye.undistortPoints(xy_px[:, None], FISHEYE_MATRIX, np.array(COEFFICIENTS)),
        FISHEYE.rays(xy_px),
    )
    np.testing.assert_allclose(rays[:, :2] / rays[:, 2:], flat[:, 0], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1.0)


@given(st.floats(100.0, 540.0), st.floats(100.0, 380.0), st.floats(0.1, 500.0))
def test_fisheye_projection_undoes_ray(x_px: float, y_px: float, distance_m: float) -> None:
    point_m = FISHEYE.rays(np.array([x_px, y_px])) * distance_m
    np.testing.assert_allclose(FISHEYE.project(point_m), [x_px, y_px], atol=1e-6)


def test_fisheye_sees_a_little_beyond_its_farthest_corner() -> None:
    # Equidistant: angle = radius / focal length. The corner (200, 0) is 120 and 60 px away.
    camera = FisheyeCamera(200, 100, 100.0, 100.0, 80.0, 60.0, ())
    widest_rad = np.hypot(1.2, 0.6) + 0.3
    assert camera.widest_rad == pytest.approx(widest_rad)
    inside, outside = widest_rad - 0.01, widest_rad + 0.01
    points_m = 2.0 * np.array(
        [[0.0, np.sin(a), np.cos(a)] for a in (inside, outside)] + [[0.0, 0.0, 0.4]]
    )
    # The last lies on the axis, 0.8 m away.
    assert camera.sees(points_m, near_m=1.0).tolist() == [True, False, False]
    assert camera.depths(points_m).tolist() == pytest.approx([2.0, 2.0, 0.8])
