from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sensors.carla_adapter import images
from synthgen.geometry.se3 import SE3


def image(pixels_bgra: Any) -> Any:
    pixels = np.array(pixels_bgra, dtype=np.uint8)[None]
    return SimpleNamespace(raw_data=pixels.tobytes(), height=1, width=pixels.shape[1])


@pytest.mark.parametrize(
    ("bgra", "centimetres"),
    [
        # metres = 1000 * (R + 256 G + 65536 B) / (2^24 - 1), CARLA "Sensors reference", by hand:
        ((0, 0, 0, 255), 0),
        ((1, 0, 0, 255), 391),  # 65536 / 16777215 * 1000 = 3.9063 m
        ((0, 1, 0, 255), 2),  # 256 / 16777215 * 1000 = 0.01526 m
        ((2, 143, 91, 255), 1000),  # 167771.3 counts are 10 m
        ((255, 255, 255, 255), 65535),
    ],
)
def test_depth_follows_carlas_formula(bgra: Any, centimetres: Any) -> None:
    assert images.decode_depth(image([bgra]))[0, 0] == centimetres


def test_instance_id_is_green_low_and_blue_high() -> None:
    assert images.decode_instance(image([(2, 5, 14, 255)]))[0, 0] == 2 * 256 + 5


def test_semantic_tag_is_red() -> None:
    assert images.decode_semantic(image([(2, 5, 14, 255)]))[0, 0] == 14


def test_rgb_is_in_the_order_red_green_blue() -> None:
    assert images.decode_rgb(image([(1, 2, 3, 255)]))[0, 0].tolist() == [3, 2, 1]


def test_flow_leads_back_from_each_pixel_by_halves_of_the_image() -> None:
    # Right by half of half the width and up by half of half the height since the last picture.
    flow = np.array([[[0.5, 0.5]]], dtype=np.float32)
    measured = SimpleNamespace(raw_data=flow.tobytes(), height=1, width=1)
    assert images.decode_flow(measured)[0, 0].tolist() == [-0.25, 0.25]


def looking(yaw_rad: float) -> SE3:
    """Pose of a level camera: x right, y down, z ahead in the world."""
    optical = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    return SE3.from_yaw(yaw_rad, np.zeros(3)) @ SE3(optical, np.zeros(3))


@pytest.mark.parametrize(
    ("yaw_rad", "bgra", "normal"),
    [
        # n = value / 255 * 2 - 1; CARLA's world has its y to the right, the camera its y down.
        (0.0, (255, 128, 128, 255), (0.0, -1.0, 0.0)),  # a road
        (0.0, (128, 255, 128, 255), (1.0, 0.0, 0.0)),  # a wall on the left of who looks along x
        (np.pi / 2, (128, 255, 128, 255), (0.0, 0.0, -1.0)),  # the same, seen from its front
        (np.pi, (128, 128, 0, 255), (0.0, 0.0, 1.0)),  # its x is behind who has turned round
        (0.3, (128, 128, 128, 255), (0.0, 0.0, 0.0)),  # the sky
    ],
)
def test_normals_are_turned_from_carlas_world_into_the_camera(
    yaw_rad: Any, bgra: Any, normal: Any
) -> None:
    found = images.decode_normals(image([bgra]), looking(yaw_rad))[0, 0]
    np.testing.assert_allclose(found, normal, atol=0.006)


def test_ids_of_marked_pixels_are_those_of_the_wanted_tags() -> None:
    raw = image([(2, 5, 14, 255), (1, 1, 1, 255), (0, 7, 14, 255)])
    marked = images.marked_by_tag(raw, np.arange(256) == 14)
    assert marked.tolist() == [[1, 0, 1]]
    assert images.ids_at(raw, marked).tolist() == [2 * 256 + 5, 7]
