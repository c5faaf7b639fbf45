"""`python -m scenarios.warmup`: compile the pre-screen's kernels before many processes would.

Made-up candidates are run, so that each kernel meets arrays of the very types it meets later.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from scenarios.following import FollowModel, LeaderStep, chase
from scenarios.placement.sites import Way
from scenarios.surrogate import Calibration, EgoModel, EncounterModel, OtherModel, simulate


def made_up_encounter() -> EncounterModel:
    """One walker who crosses a straight road of 60 m before the ego."""
    stations = np.arange(-40.0, 21.0)
    one, nothing, far = np.ones(1), np.zeros(1), np.full(1, np.inf)
    way = Way(np.column_stack([stations, *np.zeros((3, len(stations)))]), stations)
    return EncounterModel(
        ego=EgoModel(
            way=way, station_m=-30 * one, speed_mps=10 * one,
            speeds_mps=np.full((1, len(stations)), 10.0), length_m=4 * one, width_m=2 * one,
            reacts=True, delay_s=one, decel_mps2=6 * one, react_ttc_s=one,
        ),
        other=OtherModel(
            start=np.array([[0.0, -4.0, np.pi / 2]]), way=None, station_m=nothing,
            lateral_m=nothing, speed_mps=one, accel_mps2=one, distance_m=4 * one,
            travel_s=4.5 * one, length_m=one, width_m=one, rolls=False, pause_at_m=far,
            pause_s=nothing, back_at_m=far,
        ),
        ego_conflict_m=-2 * one, conflict=np.zeros((1, 2)), offset_s=nothing,
        occluders=np.array([[[-5.0, -3.0, 0.0, 4.0, 2.0]]]), resync="none", duration_s=6.0,
    )  # fmt: skip


def made_up_chase() -> FollowModel:
    """One leader who brakes before the ego."""
    one, nothing = np.ones(1), np.zeros(1)
    drives = LeaderStep("follow_lane", "next", nothing, 10 * one, nothing, nothing, one, one)
    brakes = LeaderStep("brake", "time", one, nothing, 6 * one, nothing, one, one)
    size = np.array([[4.0, 2.0, 1.5]])
    return FollowModel(
        ego_s=nothing, ego_mps=10 * one, ego_size=size, reacts=True, delay_s=one,
        decel_mps2=6 * one, react_ttc_s=one, leader_s=15 * one, leader_t=nothing,
        leader_mps=10 * one, leader_size=size, steps=(drives, brakes), duration_s=4.0,
    )  # fmt: skip


def load_kernels() -> None:
    """Read the compiled kernels from their cache, or compile them."""
    simulate(made_up_encounter(), Calibration().disturbances())
    chase(made_up_chase(), Calibration().disturbances())


if __name__ == "__main__":
    start_s = time.monotonic()
    sys.stdout.write("pre-screen's kernels: compiled where they are new, some seconds once\n")
    sys.stdout.flush()
    load_kernels()
    sys.stdout.write(f"pre-screen's kernels are compiled ({time.monotonic() - start_s:.1f} s)\n")
