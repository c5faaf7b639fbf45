from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial.transform import Rotation

from sensors.rig import Camera, Mount


def camera(**changes: Any) -> Any:
    fields = {
        "modality": "camera",
        "name": "cam",
        "role": "front",
        "mount": {"x_m": 1.5, "y_m": 0.5, "z_m": 1.6},
        "width_px": 800,
        "height_px": 450,
        "fov_deg": 90,
    }
    return Camera.model_validate({**fields, **changes})


def test_positive_yaw_looks_to_the_left() -> None:
    mount = Mount(x_m=0, y_m=0, z_m=0, yaw_deg=90)
    np.testing.assert_allclose(
        mount.ego_from_mount.apply(np.array([1.0, 0, 0])), [0, 1, 0], atol=1e-9
    )


def test_positive_pitch_looks_down() -> None:
    mount = Mount(x_m=0, y_m=0, z_m=0, pitch_deg=30)
    ahead = mount.ego_from_mount.apply(np.array([1.0, 0, 0]))
    np.testing.assert_allclose(ahead, [np.sqrt(3) / 2, 0, -0.5], atol=1e-9)


def test_optical_axis_of_a_forward_camera_is_ego_forward() -> None:
    ego_from_camera = camera().ego_from_camera
    np.testing.assert_allclose(ego_from_camera.rotation @ [0, 0, 1], [1, 0, 0], atol=1e-9)
    # Image right is ego right, which is -y; image down is ego down.
    np.testing.assert_allclose(ego_from_camera.rotation @ [1, 0, 0], [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(ego_from_camera.translation_m, [1.5, 0.5, 1.6])


def test_focal_length_of_90_degrees_is_half_the_width() -> None:
    assert camera().focal_length_px == pytest.approx(400)


def test_focal_length_stands_in_for_the_field_of_view() -> None:
    narrow = camera(fov_deg=None, focal_px=400)
    assert np.degrees(narrow.horizontal_fov_rad) == pytest.approx(90)


def test_equidistant_focal_length_is_pixels_per_radian() -> None:
    # r = f theta: 400 px at 90 degrees off the axis.
    fisheye = camera(fov_deg=180, lens={"model": "equidistant"})
    assert fisheye.focal_length_px == pytest.approx(400 / (np.pi / 2))


def test_kannala_brandt_edge_ray_meets_the_edge() -> None:
    # theta (1 + 0.1 theta^2) at 1 rad is 1.1.
    lens = {"model": "kannala_brandt", "coefficients": [0.1]}
    fisheye = camera(fov_deg=np.degrees(2.0), lens=lens)
    assert fisheye.focal_length_px == pytest.approx(400 / 1.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"focal_px": 400},
        {"fov_deg": None},
        {"fov_deg": 179.5},
        {"fov_deg": None, "focal_px": 300, "lens": {"model": "equidistant"}},
        {"lens": {"model": "kannala_brandt"}},
        {"lens": {"coefficients": [0.1]}},
    ],
)
def test_contradicting_intrinsics_are_refused(changes: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        camera(**changes)


def test_scaled_camera_sees_the_same() -> None:
    small = camera(fov_deg=None, focal_px=400).scaled(0.25)
    assert (small.width_px, small.height_px, small.focal_px) == (200, 112, 100)


def test_quaternion_mount_is_the_mount_of_its_angles() -> None:
    # Half the angle in each: a quarter turn to the left is (cos 45, 0, 0, sin 45).
    half = math.sqrt(0.5)
    place = {"x_m": 1.0, "y_m": 0.0, "z_m": 1.5}
    turned = Mount.model_validate({**place, "quat_wxyz": [half, 0, 0, half]})
    tipped = Mount.model_validate({**place, "quat_wxyz": [half, 0, half, 0]})
    assert (turned.yaw_deg, turned.pitch_deg, turned.roll_deg) == pytest.approx((90, 0, 0))
    assert turned.ego_from_mount.rotation @ [1, 0, 0] == pytest.approx([0, 1, 0])
    assert tipped.ego_from_mount.rotation @ [1, 0, 0] == pytest.approx([0, 0, -1])
    assert Mount.model_validate(turned.model_dump()).yaw_deg == turned.yaw_deg


def test_any_quaternion_turns_a_mount_as_scipy_turns() -> None:
    for turn in Rotation.random(50, np.random.default_rng(3)):
        x, y, z, w = turn.as_quat()
        mount = Mount(x_m=0, y_m=0, z_m=1, quat_wxyz=(w, x, y, z))
        assert mount.ego_from_mount.rotation == pytest.approx(turn.as_matrix(), abs=1e-9)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"quat_wxyz": [1, 0, 0, 0], "yaw_deg": 3}, "either quat_wxyz or angles, got yaw_deg"),
        ({"quat_wxyz": [1, 1, 0, 0]}, "expected a length of 1, got 1.414"),
        ({"quat_wxyz": [1, 0, 0]}, "quat_wxyz"),
        ({"quat_wxyz": "forward"}, "quat_wxyz"),
    ],
)
def test_mount_that_is_turned_two_ways_or_none_is_refused(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Mount.model_validate({"x_m": 0, "y_m": 0, "z_m": 1, **fields})
