"""KITTI's `oxts` lines, by the words of dataformat.txt and the formulas of convertOxtsToPose.m."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exporters.kitti.oxts import oxts_lines
from synthgen.datatypes.frames import FrameRecord
from synthgen.geometry.arrays import F64
from synthgen.geometry.se3 import SE3

NAMES = (
    *("lat", "lon", "alt", "roll", "pitch", "yaw", "vn", "ve", "vf", "vl", "vu"),
    *("ax", "ay", "az", "af", "al", "au", "wx", "wy", "wz", "wf", "wl", "wu"),
    *("pos_accuracy", "vel_accuracy", "navstat", "numsats", "posmode", "velmode", "orimode"),
)
STILL = np.zeros(3)
NORTH = SE3.from_yaw(math.pi / 2, [0.0, 0.0, 0.0])


def pose_of(axis: F64, angle_rad: float) -> SE3:
    """A turn about an axis of the car."""
    half = angle_rad / 2
    return SE3.from_quat([math.cos(half), *(math.sin(half) * axis)], [0.0, 0.0, 0.0])


def told(
    pose: SE3, velocity: F64 = STILL, acceleration: F64 = STILL, spin: F64 = STILL
) -> dict[str, float]:
    """What the line of one frame says, by KITTI's names."""
    [line] = oxts_lines([FrameRecord(0, 0, 0, pose, velocity, acceleration, spin)])
    return dict(zip(NAMES, map(float, line.split()), strict=True))


def test_velocity_is_told_to_the_north_and_east_and_forward_and_left() -> None:
    # The car faces north, and slips to the west: that is to its left.
    row = told(NORTH, velocity=np.array([-1.0, 10.0, 0.5]))
    names = ("vn", "ve", "vf", "vl", "vu")
    assert [row[name] for name in names] == pytest.approx([10, -1, 10, 1, 0.5])


@pytest.mark.parametrize(
    ("axis", "angle"),
    [
        # In the words of dataformat.txt: left side up, front down, counter clockwise.
        ((1.0, 0.0, 0.0), "roll"),
        ((0.0, 1.0, 0.0), "pitch"),
        ((0.0, 0.0, 1.0), "yaw"),
    ],
)
def test_angles_are_signed_as_kittis(axis: tuple[float, ...], angle: str) -> None:
    row = told(pose_of(np.array(axis), 0.1))
    assert [row[name] for name in ("roll", "pitch", "yaw")] == pytest.approx(
        [0.1 * (name == angle) for name in ("roll", "pitch", "yaw")], abs=1e-8
    )


def test_gravity_is_felt_in_the_car_and_in_the_level_frame() -> None:
    # Front down by 0.1 rad: the car's forward axis points (cos, 0, -sin), its up (sin, 0, cos).
    row = told(pose_of(np.array([0.0, 1.0, 0.0]), 0.1))
    felt = [-9.81 * math.sin(0.1), 0.0, 9.81 * math.cos(0.1)]
    assert [row[name] for name in ("ax", "ay", "az")] == pytest.approx(felt, abs=1e-6)
    assert [row[name] for name in ("af", "al", "au")] == pytest.approx([0, 0, 9.81], abs=1e-6)


def test_acceleration_follows_the_heading() -> None:
    # North is forward, west is left.
    row = told(NORTH, acceleration=np.array([-2.0, 3.0, 0.0]))
    assert [row[name] for name in ("af", "al", "au")] == pytest.approx([3, 2, 9.81])
    assert [row[name] for name in ("ax", "ay", "az")] == pytest.approx([3, 2, 9.81])


def test_spin_about_the_cars_axes_is_turned_into_the_level_frame() -> None:
    # Left side up by a quarter turn: what turns about the car's left axis turns about up.
    row = told(pose_of(np.array([1.0, 0.0, 0.0]), math.pi / 2), spin=np.array([0.1, 0.5, 0.0]))
    assert [row[name] for name in ("wx", "wy", "wz")] == pytest.approx([0.1, 0.5, 0], abs=1e-8)
    assert [row[name] for name in ("wf", "wl", "wu")] == pytest.approx([0.1, 0, 0.5], abs=1e-8)


def test_places_come_back_by_kittis_mercator_projection() -> None:
    path_m = [(5.0, 7.0, 1.0), (305.0, -193.0, 3.0)]
    frames = [
        FrameRecord(k, k, k, SE3.from_yaw(0.0, place), STILL, STILL, STILL)
        for k, place in enumerate(path_m)
    ]
    rows = [dict(zip(NAMES, map(float, line.split()), strict=True)) for line in oxts_lines(frames)]
    scale = math.cos(rows[0]["lat"] * math.pi / 180)
    earth_m = 6378137.0
    places = np.array(
        [
            (
                scale * row["lon"] * math.pi * earth_m / 180,
                scale * earth_m * math.log(math.tan((90 + row["lat"]) * math.pi / 360)),
                row["alt"],
            )
            for row in rows
        ]
    )
    np.testing.assert_allclose(places[1] - places[0], [300.0, -200.0, 2.0], atol=1e-3)
