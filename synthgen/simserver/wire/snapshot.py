"""The world observer's record: one snapshot of every live actor, little-endian and packed."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from synthgen.simserver.wire.streams import MEASUREMENT, WORLD_OBSERVER

STATE_BYTES = 54
ACTOR_ROW = np.dtype(
    [
        ("id", "<u4"),
        ("actor_state", "u1"),
        # x, y, z; pitch, yaw, roll in degrees; velocity m/s; angular velocity deg/s;
        # acceleration m/s2: all in the world frame
        ("motion", "<f4", 15),
        ("state", "u1", STATE_BYTES),
    ]
)
EPISODE = struct.Struct("<QdfiiiI")
ACTIVE = 1
MAP_CHANGE = 1
PENDING_LIGHT_UPDATE = 2

# The class-specific part of a row, by class; the rest of its 54 bytes is zero.
VEHICLE_STATE = np.dtype(
    {
        "names": [
            "throttle",
            "steer",
            "brake",
            "hand_brake",
            "reverse",
            "manual_gear_shift",
            "gear",
            "speed_limit_kmh",
            "light_state",
            "at_traffic_light",
            "light_id",
            "failure_state",
        ],
        "formats": [
            *("<f4", "<f4", "<f4", "u1", "u1", "u1", "<i4"),
            *("<f4", "u1", "u1", "<u4", "u1"),
        ],
        "offsets": [0, 4, 8, 12, 13, 14, 15, 19, 23, 24, 25, 29],
        "itemsize": STATE_BYTES,
    }
)
WALKER_STATE = struct.Struct("<4f?")
TRAFFIC_LIGHT_STATE = np.dtype(
    [
        ("sign_id", "S32"),
        *((name, "<f4") for name in ("green_s", "yellow_s", "red_s", "elapsed_s")),
        ("pole_index", "<u4"),
        ("is_frozen", "u1"),
        ("state", "u1"),
    ]
)
TRAFFIC_SIGN_STATE = struct.Struct("<32s")


def _vehicle_row() -> np.dtype[np.void]:
    fields, row = VEHICLE_STATE.fields, ACTOR_ROW.fields
    assert fields is not None
    assert row is not None
    begin = row["state"][1]
    names = list(VEHICLE_STATE.names or ())
    return np.dtype(
        {
            "names": names,
            "formats": [fields[name][0] for name in names],
            "offsets": [begin + fields[name][1] for name in names],
            "itemsize": ACTOR_ROW.itemsize,
        }
    )


# A whole row of a vehicle, of which only the class-specific part has names.
VEHICLE_ROW = _vehicle_row()


def encode_snapshot(
    rows: NDArray[np.void],
    *,
    frame: int,
    time_s: float,
    delta_s: float,
    episode: int,
    platform_time_s: float,
    simulation_state: int,
) -> bytes:
    """One message of the world stream; `rows` has dtype ACTOR_ROW."""
    header = MEASUREMENT.pack(WORLD_OBSERVER, frame, time_s, 0, 0, 0, 0, 0, 0)
    episode_part = EPISODE.pack(episode, platform_time_s, delta_s, 0, 0, 0, simulation_state)
    return header + episode_part + rows.tobytes()
