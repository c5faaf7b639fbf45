"""A quick kinematic stand-in for the simulator: many candidates at once, planar boxes, no physics.

It answers one question before a simulator is started: would this candidate, and small disturbances
of it, give the outcome asked for? Every candidate is run several times, disturbed; the steps of
the runs are compiled, in `scenarios.surrogate_kernel`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.placement.sites import Way

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

DT_S = 0.1
CORRIDOR_MARGIN_M = 0.4
LEAD_IN_S, LEAD_OUT_S = 4.0, 3.5


@dataclass(frozen=True, eq=False, slots=True)
class EgoModel:
    """The ego on its way; arrays (n,). `speeds_mps` (n, S): wanted at each station."""

    way: Way
    station_m: F64
    speed_mps: F64
    speeds_mps: F64
    length_m: F64
    width_m: F64
    reacts: bool
    delay_s: F64
    decel_mps2: F64
    react_ttc_s: F64


@dataclass(frozen=True, eq=False, slots=True)
class OtherModel:
    """The one it meets: on a straight line from `start` (n, 3: x, y, heading) or on a way.

    `distance_m`: from its start to the conflict point. `rolls`: it moves from the first tick.
    """

    start: F64
    way: Way | None
    station_m: F64
    lateral_m: F64
    speed_mps: F64
    accel_mps2: F64
    distance_m: F64
    travel_s: F64
    length_m: F64
    width_m: F64
    rolls: bool
    pause_at_m: F64
    pause_s: F64
    back_at_m: F64


@dataclass(frozen=True, eq=False, slots=True)
class EncounterModel:
    """Both parties and the plan: arrays (n,); `occluders` (n, k, 5) boxes that hide the other.

    The last `assumed` of them are buildings that may stand there: they may hide the other from the
    camera, but the ego's emergency brake does not count on them.
    """

    ego: EgoModel
    other: OtherModel
    ego_conflict_m: F64
    conflict: F64
    offset_s: F64
    occluders: F64
    resync: str
    duration_s: float
    assumed: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What came of each run, arrays (n, p) of candidates and disturbances.

    Times in seconds, NaN where it never happened, infinite for a TTC that was never finite.
    """

    contact: Bool
    entered: Bool
    min_ttc_s: F64
    pet_s: F64
    reveal_ttc_s: F64
    visible_s: F64
    start_s: F64
    min_gap_m: F64


@dataclass(frozen=True, slots=True)
class Calibration:
    """How real runs differ from planned ones: means and spreads, fitted from earlier runs."""

    start_delay_s: float = 0.05
    start_delay_sd_s: float = 0.05
    walk_speed_ratio: float = 1.0
    walk_speed_sd: float = 0.04
    ego_speed_ratio: float = 1.0
    ego_speed_sd: float = 0.02
    reaction_delay_s: float = 0.0
    decel_ratio: float = 1.0
    decel_sd: float = 0.08

    def disturbances(self) -> F64:
        """(p, 4): start delay s, walking ratio, ego speed ratio, deceleration ratio; first nominal.

        A fixed two-level design at 1.2 standard deviations, so that no random stream is used.
        """
        signs = np.array([[0, 0, 0, 0], [1, -1, 1, -1], [-1, 1, 1, 1], [1, 1, -1, 1]])
        middle = [
            self.start_delay_s, self.walk_speed_ratio, self.ego_speed_ratio, self.decel_ratio
        ]  # fmt: skip
        spread = [self.start_delay_sd_s, self.walk_speed_sd, self.ego_speed_sd, self.decel_sd]
        design: F64 = np.array(middle) + 1.2 * signs * np.array(spread)
        return design


def simulate(model: EncounterModel, disturbances: F64) -> Outcome:
    """Run every candidate under each disturbance (p, 4), as of `Calibration.disturbances`."""
    # numba takes longer to import than all else here, and a look at a file needs no run.
    from scenarios.surrogate_kernel import run_all

    runs = _runs(model, disturbances)
    ego, way = model.ego, model.other.way
    pace = 2 / (ego.speeds_mps[:, 1:] + ego.speeds_mps[:, :-1])
    clock: F64 = np.zeros(ego.speeds_mps.shape)
    np.cumsum(pace, axis=1, out=clock[:, 1:])
    run_all(
        runs.ravel(),
        np.array(ego.speeds_mps, order="C"),
        clock,
        _line_of(ego.way),
        np.empty((0, 4)) if way is None else _line_of(way),
        _half_boxes(model.occluders),
        model.assumed,
        model.resync == "until_conflict",
        CORRIDOR_MARGIN_M,
        (*run_window(model), DT_S),
    )
    return _outcome(runs)


def _runs(model: EncounterModel, disturbances: F64) -> NDArray[np.void]:
    """(n, p) records of the kernel."""
    from scenarios.surrogate_kernel import RUN

    ego, other = model.ego, model.other
    runs = np.zeros((len(model.offset_s), len(disturbances)), dtype=RUN)
    runs["lag_s"], runs["walk_ratio"], runs["ego_ratio"], runs["decel_ratio"] = disturbances.T
    given = {
        "ego_m": ego.station_m, "ego_mps": ego.speed_mps, "ego_length_m": ego.length_m,
        "ego_width_m": ego.width_m, "delay_s": ego.delay_s, "decel_mps2": ego.decel_mps2,
        "react_ttc_s": ego.react_ttc_s, "start_x": other.start[:, 0], "start_y": other.start[:, 1],
        "start_yaw": other.start[:, 2], "station_m": other.station_m,
        "lateral_m": other.lateral_m, "other_mps": other.speed_mps, "accel_mps2": other.accel_mps2,
        "distance_m": other.distance_m, "travel_s": other.travel_s,
        "other_length_m": other.length_m, "other_width_m": other.width_m,
        "pause_at_m": other.pause_at_m, "pause_left_s": other.pause_s,
        "back_at_m": other.back_at_m, "conflict_m": model.ego_conflict_m,
        "conflict_x": model.conflict[:, 0], "conflict_y": model.conflict[:, 1],
        "offset_s": model.offset_s,
    }  # fmt: skip
    for name, values in given.items():
        runs[name] = values[:, None]
    runs["reacts"], runs["rolls"] = ego.reacts, other.rolls
    return runs


def _line_of(way: Way) -> F64:
    """(S, 4): x, y, heading and station of a way."""
    return np.ascontiguousarray(np.column_stack([way.points[:, [0, 1, 3]], way.stations]))


def _half_boxes(boxes: F64) -> F64:
    """(n, k, 6): x, y, cosine and sine of the heading, half length, half width of (n, k, 5)."""
    found: F64 = np.empty((*boxes.shape[:2], 6))
    found[..., :2], found[..., 4:] = boxes[..., :2], boxes[..., 3:] / 2
    found[..., 2], found[..., 3] = np.cos(boxes[..., 2]), np.sin(boxes[..., 2])
    return found


def _outcome(runs: NDArray[np.void]) -> Outcome:
    apart = np.maximum(runs["ego_in_s"], runs["other_in_s"]) - np.minimum(
        runs["ego_out_s"], runs["other_out_s"]
    )
    return Outcome(
        contact=runs["contact"] > 0,
        entered=runs["entered"] > 0,
        min_ttc_s=runs["min_ttc_s"],
        # From the first that leaves the conflict area to the second that enters it.
        pet_s=np.maximum(apart, 0.0),
        reveal_ttc_s=runs["reveal_ttc_s"],
        visible_s=runs["steps_seen"] * DT_S,
        start_s=runs["start_s"],
        min_gap_m=runs["min_gap_m"],
    )


def _is_steady(model: EncounterModel) -> bool:
    """Whether the ego wants one speed all the way to the conflict, as on any straight road."""
    stations = model.ego.way.stations
    used = (stations >= model.ego.station_m.min()) & (stations <= model.ego_conflict_m.max() + 5.0)
    speeds = model.ego.speeds_mps[:, used]
    return bool((speeds == speeds[:, :1]).all())


def run_window(model: EncounterModel) -> tuple[int, int]:
    """First and last step worth running: nothing happens before anyone starts or long after."""
    other = model.other
    arrival = other.travel_s + model.offset_s
    nominal = model.ego_conflict_m - model.ego.station_m
    end = round(model.duration_s / DT_S)
    if not _is_steady(model):
        return 0, end
    due = nominal / np.maximum(model.ego.speed_mps, 0.5)
    begin = due - LEAD_IN_S if other.rolls else due - arrival - 0.4
    first = max(0, int(np.floor(begin.min() / DT_S)))
    last = int(np.ceil((due.max() + LEAD_OUT_S) / DT_S))
    return min(first, end - 1), min(last, end)
