"""Rigid transforms: hand-made answers, inverse, quaternions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyquaternion import Quaternion

from synthgen.errors import InternalError
from synthgen.geometry.rotations import quat_from_rotation, rotation_from_quat, wrap_angle
from synthgen.geometry.se3 import SE3

component = st.floats(-1.0, 1.0)
quats = st.tuples(component, component, component, component).filter(
    lambda q: float(np.linalg.norm(q)) > 0.1
)
offsets = st.tuples(*[st.floats(-1000.0, 1000.0)] * 3)


def test_positive_yaw_turns_forward_to_left() -> None:
    turned = SE3.from_yaw(np.pi / 2, [0.0, 0.0, 0.0]).apply(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(turned, [0.0, 1.0, 0.0], atol=1e-15)


def test_chain_applies_right_transform_first() -> None:
    world_from_ego = SE3.from_yaw(np.pi / 2, [10.0, 0.0, 0.0])
    ego_from_lidar = SE3.from_yaw(0.0, [2.0, 0.0, 1.5])
    point_world_m = (world_from_ego @ ego_from_lidar).apply(np.array([3.0, 1.0, 0.0]))
    np.testing.assert_allclose(point_world_m, [9.0, 5.0, 1.5])


@given(quats, offsets)
def test_inverse_undoes_apply(quat: tuple[float, ...], offset: tuple[float, float, float]) -> None:
    dst_from_src = SE3.from_quat(quat, offset)
    points_m = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 9.0]])
    there_and_back = dst_from_src.inverse().apply(dst_from_src.apply(points_m))
    np.testing.assert_allclose(there_and_back, points_m, atol=1e-9)


@given(quats)
def test_rotation_agrees_with_pyquaternion(quat: tuple[float, ...]) -> None:
    ours = rotation_from_quat(np.array(quat))
    np.testing.assert_allclose(ours, Quaternion(*quat).rotation_matrix, atol=1e-12)


@given(quats)
def test_quaternion_survives_the_matrix(quat: tuple[float, ...]) -> None:
    unit = np.array(quat) / np.linalg.norm(quat)
    back = quat_from_rotation(rotation_from_quat(unit))
    assert abs(abs(float(unit @ back)) - 1.0) < 1e-12


def test_half_turn_about_each_axis_survives_the_matrix() -> None:
    half_turns = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(quat_from_rotation(rotation_from_quat(half_turns)), half_turns)


def test_quaternion_has_no_negative_scalar_part() -> None:
    # 240 degrees about z: (cos 120, sin 120), with both signs turned; then 90 degrees about x.
    turns = np.array([[-0.5, 0.0, 0.0, np.sqrt(0.75)], [np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0]])
    expected = [[0.5, 0.0, 0.0, -np.sqrt(0.75)], [np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0]]
    np.testing.assert_allclose(quat_from_rotation(rotation_from_quat(turns)), expected, atol=1e-12)


def test_wrapped_angle_keeps_its_direction() -> None:
    np.testing.assert_allclose(wrap_angle(np.array([3.5 * np.pi, -3.0])), [-0.5 * np.pi, -3.0])


def test_wrong_shape_names_the_field() -> None:
    with pytest.raises(InternalError, match=r"translation_m: expected \(3,\) float64, got \(1, 3"):
        SE3(np.eye(3), np.zeros((1, 3)))


def test_arrays_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SE3.identity().translation_m[0] = 1.0
