"""A LiDAR that is carried 2 m ahead, or turned, while its head turns once in 0.1 s."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.carla_adapter.point_sensors import LidarPoints
from sensors.carla_adapter.spinning import Turn
from sensors.rig import Lidar
from synthgen.geometry.se3 import SE3

TURN_NS = 100_000_000


def lidar(**fields: object) -> Lidar:
    given = {
        "modality": "lidar",
        "name": "top",
        "role": "top",
        "mount": {"x_m": 0, "y_m": 0, "z_m": 2},
        "channels": 2,
        "range_m": 100,
        "points_per_second": 8000,
        "upper_fov_deg": 0,
        "lower_fov_deg": -10,
    }
    return Lidar.model_validate({**given, **fields})


def points(*xyz_m: tuple[float, float, float], ring: int = 1) -> LidarPoints:
    count = len(xyz_m)
    return LidarPoints(
        np.array(xyz_m, dtype=np.float32),
        np.ones(count, dtype=np.float32),
        np.full(count, ring, dtype=np.uint16),
    )


def turn(*, ahead_m: float = 0.0, yaw_rad: float = 0.0) -> Turn:
    return Turn(TURN_NS, SE3.identity(), SE3.from_yaw(yaw_rad, [ahead_m, 0.0, 0.0]))


def test_a_turn_begins_behind_and_passes_the_left_first() -> None:
    # CARLA's azimuth grows to the right from -180 degrees: left is at -90.
    seen = points((0, 5, 0), (5, 0, 0), (0, -5, 0))
    shares = turn().sent_shares(seen, lidar())
    assert shares == pytest.approx([0.25 + 1 / 400, 0.5 + 1 / 400, 0.75 + 1 / 400])
    assert turn().offsets_ns(shares).tolist() == [-74_750_000, -49_750_000, -24_750_000]


def test_a_beam_that_looks_aside_is_sent_with_its_column() -> None:
    table = lidar(attributes={"beam_azimuths": "0 9"})
    aside = np.radians(9.0)
    lower = points((np.cos(aside), -np.sin(aside), 0), ring=0)
    assert turn().sent_shares(lower, table) == pytest.approx([0.5 + 1 / 400])


def test_a_wall_ahead_is_where_the_sensor_sees_it_at_the_end() -> None:
    # Half-way through the sensor has driven 1 of 2 m, so a wall 20 m ahead is 19 m away.
    carried = turn(ahead_m=2.0)
    seen = points((19.0, 0, 0))
    assert carried.compensated(seen, np.array([0.5])).xyz_m == pytest.approx(
        np.array([[18.0, 0, 0]]), abs=1e-6
    )


def test_what_is_straight_ahead_at_half_a_turn_is_to_the_right_of_a_car_that_turns_left() -> None:
    carried = turn(yaw_rad=0.2)
    found = carried.compensated(points((10.0, 0, 0)), np.array([0.5])).xyz_m
    assert found == pytest.approx(10 * np.array([[np.cos(0.1), -np.sin(0.1), 0]]), abs=1e-5)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"beam_elevations": "1 2 3"}, "an angle for each of the 2 channels, got 3"),
        ({"beam_azimuths": "left right"}, "lists degrees, got 'left right'"),
    ],
)
def test_a_table_that_fits_no_beams_is_refused(attributes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lidar(attributes=attributes)
