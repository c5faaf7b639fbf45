"""The surrogate of encounters in a lane: a leader that brakes, cuts in or swerves before the ego.

Longitudinal motion along the ego's way, lateral shifts by a smooth step; rows are runs, as in
`scenarios.surrogate`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.distributions import Quantity
from scenarios.scene import Scene
from scenarios.spec import (
    Behaviour,
    Brake,
    CutIn,
    CutOut,
    FollowLane,
    ScenarioSpec,
    Swerve,
    Trigger,
    WalkAlong,
)
from scenarios.surrogate import CORRIDOR_MARGIN_M, DT_S, Calibration
from scenarios.values import Values
from synthgen.errors import ConfigError

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
I64 = NDArray[np.int64]

LANE_M = 3.5
HIT_THW_S, HIT_TTC_S = 0.8, 2.0
MARGIN_S = 0.1
MIN_GAP_M = 0.8


@dataclass(frozen=True, eq=False, slots=True)
class LeaderStep:
    """One behaviour of the leader: when it begins and what it changes, arrays (n,)."""

    kind: str
    starts: str
    trigger: F64
    speed_mps: F64
    decel_mps2: F64
    shift_m: F64
    lateral_mps: F64
    hold_s: F64


@dataclass(frozen=True, eq=False, slots=True)
class FollowModel:
    """The ego behind a leader, arrays (n,); stations are of box centres along the ego's way."""

    ego_s: F64
    ego_mps: F64
    ego_size: F64
    reacts: bool
    delay_s: F64
    decel_mps2: F64
    react_ttc_s: F64
    leader_s: F64
    leader_t: F64
    leader_mps: F64
    leader_size: F64
    steps: tuple[LeaderStep, ...]
    duration_s: float


@dataclass(frozen=True, eq=False, slots=True)
class FollowOutcome:
    """What came of each run, arrays (n,)."""

    done: Bool
    contact: Bool
    min_thw_s: F64
    min_ttc_s: F64
    min_gap_m: F64


def leader_of(spec: ScenarioSpec) -> str | None:
    """The critical actor that acts in the ego's lane, if the scenario has one."""
    kinds = (Brake, CutIn, CutOut, Swerve, WalkAlong)
    for name, actor in spec.actors.items():
        if actor.critical and any(isinstance(step, kinds) for step in actor.behaviour):
            return name
    return None


def follow_model(
    spec: ScenarioSpec, scene: Scene, values: Values, name: str, duration_s: float
) -> FollowModel:
    """The model of all candidates."""
    ego, party = scene.ego, scene.parties[name]
    column = np.clip(ego.station_m - ego.way.stations[0], 0, None).astype(int)
    reaction = spec.ego.reaction
    path = f"actors.{name}.behaviour"
    steps = tuple(
        _leader_step(values, f"{path}.{i}", step, party.t)
        for i, step in enumerate(party.spec.behaviour)
    )
    if not isinstance(party.spec.behaviour[0], FollowLane | WalkAlong):
        raise ConfigError(f"{spec.name}: {path}.0: a leader begins with follow_lane or walk_along")
    return FollowModel(
        ego_s=ego.station_m,
        ego_mps=ego.speeds_mps[np.arange(values.n), column],
        ego_size=np.tile(ego.body.size_lwh_m, (values.n, 1)),
        reacts=any(getattr(step, "react", "none") == "aeb" for step in spec.ego.behaviour),
        delay_s=values.number(reaction.delay, "ego.reaction.delay"),
        decel_mps2=values.number(reaction.decel, "ego.reaction.decel"),
        react_ttc_s=values.number(reaction.ttc, "ego.reaction.ttc"),
        leader_s=party.s,
        leader_t=party.t - ego.shift_m,
        leader_mps=steps[0].speed_mps,
        leader_size=party.size,
        steps=steps,
        duration_s=duration_s,
    )


def _leader_step(values: Values, path: str, step: Behaviour, t: F64) -> LeaderStep:
    def number(field: str, default: float = 0.0) -> F64:
        quantity: Quantity | str | None = getattr(step, field, None)
        known = None if isinstance(quantity, str) else quantity
        return values.number(known, f"{path}.{field}", default)

    shift = np.zeros(values.n)
    if isinstance(step, CutIn):
        shift = -t
    elif isinstance(step, CutOut):
        shift = np.full(values.n, LANE_M if step.to == "left" else -LANE_M)
    elif isinstance(step, Swerve):
        shift = number("offset")
    kind, value = _trigger(values, f"{path}.when", step.when)
    if isinstance(step, CutIn) and step.when is None:
        kind, value = "distance", number("gap")
    relative = isinstance(step, CutIn)
    return LeaderStep(
        kind=step.do,
        starts=kind,
        trigger=value,
        speed_mps=number("rel_speed") if relative else number("speed"),
        decel_mps2=number("decel"),
        shift_m=shift,
        lateral_mps=number("lateral_speed", 1.0),
        hold_s=number("hold", 1.0),
    )


def _trigger(values: Values, path: str, trigger: Trigger | None) -> tuple[str, F64]:
    if trigger is None:
        return "next", np.zeros(values.n)
    if trigger.time is not None:
        return "time", values.number(trigger.time, f"{path}.time")
    if trigger.distance is not None:
        return "distance", values.number(trigger.distance.below, f"{path}.distance.below")
    if trigger.ttc is not None:
        return "ttc", values.number(trigger.ttc.below, f"{path}.ttc.below")
    if trigger.after is not None:
        return "next", np.zeros(values.n)
    raise ConfigError(f"{path}: a leader's behaviour starts by time, distance, ttc or after")


def chase(model: FollowModel, disturbances: F64) -> FollowOutcome:
    """Run every candidate under each disturbance (p, 4), as of `Calibration.disturbances`."""
    # numba takes longer to import than all else here, and a look at a file needs no run.
    from scenarios import following_kernel as kernel

    kinds = {
        "brake": kernel.BRAKE, "follow_lane": kernel.FOLLOW_LANE, "cut_in": kernel.CUT_IN,
        "swerve": kernel.SWERVE,
    }  # fmt: skip
    triggers = {
        "time": kernel.AT_TIME, "distance": kernel.AT_DISTANCE, "ttc": kernel.AT_TTC,
        "next": kernel.AT_END,
    }  # fmt: skip
    runs = _runs(model, disturbances)
    steps = np.empty((len(model.ego_s), len(model.steps)), dtype=kernel.STEP)
    for k, step in enumerate(model.steps):
        for name in kernel.STEP.names or ():
            steps[name][:, k] = getattr(step, name)
    kernel.chase_all(
        runs.ravel(),
        steps,
        np.array([kinds.get(step.kind, kernel.SHIFT) for step in model.steps]),
        np.array([triggers[step.starts] for step in model.steps]),
        CORRIDOR_MARGIN_M,
        round(model.duration_s / DT_S),
        DT_S,
    )
    return FollowOutcome(
        done=runs["done"] > 0,
        contact=runs["min_gap_m"] < kernel.CONTACT_M,
        min_thw_s=runs["min_thw_s"],
        min_ttc_s=runs["min_ttc_s"],
        min_gap_m=runs["min_gap_m"],
    )


def _runs(m: FollowModel, disturbances: F64) -> NDArray[np.void]:
    """(n, p) records of the kernel."""
    from scenarios.following_kernel import RUN

    runs = np.zeros((len(m.ego_s), len(disturbances)), dtype=RUN)
    runs["lag_s"], _, runs["ego_ratio"], runs["decel_ratio"] = disturbances.T
    given = {
        "ego_m": m.ego_s, "ego_mps": m.ego_mps, "delay_s": m.delay_s, "decel_mps2": m.decel_mps2,
        "react_ttc_s": m.react_ttc_s, "lead_m": m.leader_s, "lead_mps": m.leader_mps,
        "lead_t": m.leader_t, "lengths_m": m.ego_size[:, 0] + m.leader_size[:, 0],
        "widths_m": m.ego_size[:, 1] + m.leader_size[:, 1],
    }  # fmt: skip
    for name, values in given.items():
        runs[name] = values[:, None]
    runs["reacts"] = m.reacts
    return runs


def screen_following(
    model: FollowModel, calibration: Calibration, mask: Bool
) -> tuple[Bool, dict[str, int]]:
    """Which candidates come close without contact in the nominal and most disturbed runs."""
    outcome = chase(model, calibration.disturbances())
    close = outcome.min_thw_s < HIT_THW_S - MARGIN_S
    close |= outcome.min_ttc_s < HIT_TTC_S - 2 * MARGIN_S
    safe = ~outcome.contact & (outcome.min_gap_m > MIN_GAP_M)
    good = outcome.done & safe & close
    passed = mask & good[:, 0] & (good.mean(axis=1) >= 0.75)
    failed = mask & ~passed
    reasons = {
        "manoeuvre_not_done": int((failed & ~outcome.done[:, 0]).sum()),
        "contact": int((failed & ~safe[:, 0]).sum()),
        "too_mild": int((failed & ~close[:, 0]).sum()),
    }
    return passed, {reason: count for reason, count in reasons.items() if count}
