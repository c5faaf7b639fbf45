"""What the snapshot says of a vehicle, byte for byte, and at which line it is."""

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.physics.records import VEHICLE
from synthgen.simserver.wire.snapshot import ACTOR_ROW, VEHICLE_ROW
from synthgen.simserver.world import road_kernel

RED, YELLOW, GREEN = 0, 1, 2
# A lane that runs along x and stops at x = 20, 2 m to either side of y = 5.
LANE = (np.array([[20.0, 5.0, 0.0, 1.0, 0.0, 2.0]]), np.array([0], np.int64))
NO_LANE = (np.zeros((0, 6)), np.zeros(0, np.int64))
# A sign of 60 km/h: two metres around x = 10, y = 5.
SIGN = np.array([[1.0, 0.0, -10.0, 0.0, 1.0, -5.0, 2.0, 2.0, 60.0]])


def written(
    x: float, *, yaw_deg: float = 0.0, speed_mps: float = 0.0
) -> tuple[NDArray[np.void], float, int]:
    """Row of a car in slot 2, its limit in km/h and its sign; it reaches 2 m ahead of x, y = 5."""
    rows = np.zeros(3, ACTOR_ROW)
    vehicles = np.zeros(1, VEHICLE)
    vehicles[0]["throttle"], vehicles[0]["steer"], vehicles[0]["hand_brake"] = 0.5, -0.25, 1
    vehicles[0]["gear"] = 1
    motion = np.zeros((3, 15), np.float32)
    motion[2, [0, 1, 4, 6]] = x, 5.0, yaw_deg, speed_mps
    limits, sign_of = np.array([30.0]), np.zeros(1, np.int64)
    road_kernel.write_vehicles(
        *(rows.view(VEHICLE_ROW), np.array([2]), vehicles, motion, np.array([2.0])),
        *(LANE, np.array([YELLOW, GREEN], np.uint8), np.array([77, 0])),
        *(NO_LANE, SIGN, limits, sign_of),
    )
    return rows, float(limits[0]), int(sign_of[0])


def test_bytes_of_a_vehicles_part_are_packed() -> None:
    rows, _, _ = written(0.0)
    # Three float32, three bytes, int32 (docs/carla_protocol.md section 9); then the limit of
    # 30 km/h, a green light, at no light.
    expected = "0000003f 000080be 00000000 01 00 00 01000000 0000f041 02 00 00000000"
    assert rows[2]["state"].tobytes() == bytes.fromhex(expected) + bytes(25)
    assert not rows[:2]["state"].any()


def test_car_before_the_line_is_told_of_its_light() -> None:
    row = written(14.0)[0].view(VEHICLE_ROW)[2]
    assert (row["at_traffic_light"], row["light_state"], row["light_id"]) == (1, YELLOW, 77)


def test_faster_car_is_told_sooner() -> None:
    # 12 m before the line; at 10 m/s a driver brakes over 15.5 m.
    assert written(6.0)[0].view(VEHICLE_ROW)[2]["at_traffic_light"] == 0
    assert written(6.0, speed_mps=10.0)[0].view(VEHICLE_ROW)[2]["at_traffic_light"] == 1


def test_car_that_comes_the_other_way_is_at_no_light() -> None:
    assert written(20.0, yaw_deg=180.0)[0].view(VEHICLE_ROW)[2]["at_traffic_light"] == 0


def test_speed_limit_is_that_of_the_sign_passed() -> None:
    rows, limit_kmh, _ = written(9.0)
    assert limit_kmh == 60.0
    assert rows.view(VEHICLE_ROW)[2]["speed_limit_kmh"] == 60.0
    assert written(0.0)[1] == 30.0


def test_where_no_sign_is_none_is_found() -> None:
    assert written(0.0)[2] == -1
