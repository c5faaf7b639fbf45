from __future__ import annotations

from typing import Any

import carla
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.carla_adapter.poses import (
    location_to_carla,
    pose_from_carla,
    pose_to_carla,
    spin_from_carla,
    spin_to_carla,
    vector_from_carla,
    vector_to_carla,
)

ANGLE = st.floats(-179.0, 179.0)
TILT = st.floats(-85.0, 85.0)
METRES = st.floats(-500.0, 500.0)
FLIP = np.diag([1.0, -1.0, 1.0])


def carla_transform(x: float, y: float, z: float, pitch: float, yaw: float, roll: float) -> Any:
    return carla.Transform(carla.Location(x, y, z), carla.Rotation(pitch=pitch, yaw=yaw, roll=roll))


@settings(deadline=None)
@given(METRES, METRES, METRES, TILT, ANGLE, ANGLE)
def test_pose_equals_the_clients_matrix_between_two_flips(
    x: float, y: float, z: float, pitch: float, yaw: float, roll: float
) -> None:
    transform = carla_transform(x, y, z, pitch, yaw, roll)
    matrix = np.array(transform.get_matrix())
    pose = pose_from_carla(transform)
    np.testing.assert_allclose(pose.rotation, FLIP @ matrix[:3, :3] @ FLIP, atol=2e-6)
    np.testing.assert_allclose(pose.translation_m, FLIP @ matrix[:3, 3], atol=1e-4)


@settings(deadline=None)
@given(METRES, METRES, METRES, TILT, ANGLE, ANGLE)
def test_pose_survives_the_way_to_carla_and_back(
    x: float, y: float, z: float, pitch: float, yaw: float, roll: float
) -> None:
    pose = pose_from_carla(carla_transform(x, y, z, pitch, yaw, roll))
    back = pose_from_carla(pose_to_carla(pose))
    np.testing.assert_allclose(back.rotation, pose.rotation, atol=5e-6)
    np.testing.assert_allclose(back.translation_m, pose.translation_m, atol=1e-3)


def test_a_car_to_the_right_in_carla_is_at_negative_y() -> None:
    pose = pose_from_carla(carla_transform(0, 3, 0, 0, 90, 0))
    np.testing.assert_allclose(pose.translation_m, [0, -3, 0])
    # CARLA's yaw of 90 degrees turns forward to the right, which is -y here.
    np.testing.assert_allclose(pose.rotation @ [1, 0, 0], [0, -1, 0], atol=1e-7)


def test_clockwise_yaw_rate_is_negative_in_radians() -> None:
    spin = spin_from_carla(carla.Vector3D(0, 0, 90))
    assert spin[2] == pytest.approx(-np.pi / 2)


def test_what_is_to_the_left_goes_to_carla_at_negative_y() -> None:
    assert location_to_carla(np.array([1.0, 2.0, 3.0])) == carla.Location(1, -2, 3)
    assert vector_to_carla(np.array([1.0, 2.0, 3.0])) == carla.Vector3D(1, -2, 3)


@settings(deadline=None)
@given(st.tuples(METRES, METRES, METRES), st.tuples(METRES, METRES, METRES))
def test_a_turning_point_moves_alike_on_both_sides(
    spin_degps: tuple[float, float, float], arm_m: tuple[float, float, float]
) -> None:
    # v = w x r holds in either handedness, each with its own rule of the hand.
    speed = vector_from_carla(carla.Vector3D(*np.cross(np.radians(spin_degps), arm_m).tolist()))
    spin_radps = spin_from_carla(carla.Vector3D(*spin_degps))
    np.testing.assert_allclose(np.cross(spin_radps, FLIP @ arm_m), speed, rtol=1e-4, atol=0.1)


def test_spin_survives_the_way_to_carla_and_back() -> None:
    spin_radps = np.array([0.1, -0.2, 0.7])
    np.testing.assert_allclose(spin_from_carla(spin_to_carla(spin_radps)), spin_radps, rtol=1e-6)
