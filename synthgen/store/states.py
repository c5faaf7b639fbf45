"""The actors table back to states per tick, with the still objects filled in."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from synthgen.datatypes.actors import ActorStates
from synthgen.store.tables import pose_names, vector_names


def states_of_table(table: pa.Table, still: Collection[int]) -> tuple[ActorStates, ...]:
    """States of every tick, ascending track ids.

    Args:
        table: The actors table; rows ordered by tick, then track id.
        still: Track ids of environment objects: they have a row at the first tick only and are
            repeated in every tick.
    """
    column = {name: _numpy(table[name]) for name in table.column_names if name != "bones"}
    bones = table["bones"].to_pylist()
    is_still = np.isin(column["track_id"], np.fromiter(still, dtype=np.int32))
    still_rows = np.flatnonzero(is_still)
    states = []
    for tick in np.unique(column["tick"]):
        moving = np.flatnonzero((column["tick"] == tick) & ~is_still)
        picked = np.concatenate([moving, still_rows])
        picked = picked[np.argsort(column["track_id"][picked], kind="stable")]
        states.append(_states(column, bones, picked, int(tick), moving))
    return tuple(states)


def _states(
    column: dict[str, np.ndarray],
    bones: list[list[float] | None],
    picked: np.ndarray,
    tick: int,
    moving: np.ndarray,
) -> ActorStates:
    pose = np.stack([column[name][picked] for name in pose_names("world_from_actor")], axis=1)
    rows_with_bones = ((row, bones[row]) for row in moving.tolist())
    return ActorStates(
        tick=tick,
        timestamp_ns=int(column["timestamp_ns"][moving[0]]) if len(moving) else 0,
        track_id=column["track_id"][picked],
        position_m=pose[:, :3],
        quat_wxyz=pose[:, 3:],
        velocity_mps=_vectors(column, picked, "velocity", "mps"),
        acceleration_mps2=_vectors(column, picked, "acceleration", "mps2"),
        angular_velocity_radps=_vectors(column, picked, "angular_velocity", "radps"),
        light_state=column["light_state"][picked],
        door_state=np.nan_to_num(column["door_state"][picked]).astype(np.uint8),
        steer_rad=np.nan_to_num(column["steer_rad"][picked]).astype(np.float32),
        bones_m={
            int(column["track_id"][row]): np.array(flat, dtype=np.float32).reshape(-1, 3)
            for row, flat in rows_with_bones
            if flat is not None
        },
    )


def _vectors(column: dict[str, np.ndarray], picked: np.ndarray, name: str, unit: str) -> np.ndarray:
    return np.stack([column[axis][picked] for axis in vector_names(name, unit)], axis=1)


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    array: np.ndarray = column.combine_chunks().to_numpy(zero_copy_only=False)
    return array
