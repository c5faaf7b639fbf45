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
    trigger: str
    trigger_value: F64
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
        trigger=kind,
        trigger_value=value,
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


class _Chase:
    """State of all runs while they are stepped."""

    def __init__(self, m: FollowModel, disturbance: F64) -> None:
        self.m = m
        self.n = len(m.ego_s)
        self.lag, _, ratio, self.decel_ratio = disturbance.T
        self.s, self.v = m.ego_s.copy(), m.ego_mps * ratio
        self.wanted = self.v.copy()
        self.lead_s, self.lead_v = m.leader_s.copy(), m.leader_mps.copy()
        self.t = m.leader_t.copy()
        self.target = m.leader_mps.copy()
        self.step = np.zeros(self.n, dtype=np.int64)
        self.since = np.zeros(self.n)
        self.ended = np.ones(self.n, dtype=bool)
        self.from_t = self.t.copy()
        self.threat_s, self.calm_s = np.zeros(self.n), np.full(self.n, 10.0)

    def free(self) -> F64:
        return np.asarray(
            self.lead_s - self.s - (self.m.ego_size[:, 0] + self.m.leader_size[:, 0]) / 2
        )

    def lead(self, now_s: float) -> None:
        """The leader's tick: maybe its next step, then its motion."""
        m = self.m
        closing = np.maximum(self.v - self.lead_v, 1e-3)
        for k, step in enumerate(m.steps[1:], start=1):
            fires = {
                "time": now_s >= step.trigger_value + self.lag,
                "distance": self.free() <= step.trigger_value,
                "ttc": self.free() / closing <= step.trigger_value,
                "next": self.ended,
            }[step.trigger]
            begins = (self.step == k - 1) & fires
            self.step = np.where(begins, k, self.step)
            self.since = np.where(begins, 0.0, self.since)
            self.ended &= ~begins
            self.from_t = np.where(begins, self.t, self.from_t)
            on = self.step == k
            if step.kind == "brake":
                speed = np.maximum(self.lead_v - step.decel_mps2 * DT_S, 0.0)
                self.lead_v = np.where(on, speed, self.lead_v)
                self.ended |= on & (self.lead_v <= 0.0)
            elif step.kind == "follow_lane":
                self.target = np.where(on, step.speed_mps, self.target)
            else:
                self._shift(step, on, begins)
        self.since = self.since + DT_S
        change = np.clip(self.target - self.lead_v, -2.0 * DT_S, 1.5 * DT_S)
        braking = np.isin(self.step, [k for k, step in enumerate(m.steps) if step.kind == "brake"])
        self.lead_v = np.where(braking, self.lead_v, self.lead_v + change)
        self.lead_s = self.lead_s + self.lead_v * DT_S

    def _shift(self, step: LeaderStep, on: Bool, begins: Bool) -> None:
        if step.kind == "cut_in":
            wanted = np.maximum(self.v + step.speed_mps, 1.0)
            self.target = np.where(begins, wanted, self.target)
        duration = np.maximum(np.abs(step.shift_m) / np.maximum(step.lateral_mps, 0.1), 0.5)
        x = np.clip(self.since / duration, 0.0, 1.0)
        if step.kind == "swerve":
            back = np.clip((self.since - duration - step.hold_s) / duration, 0.0, 1.0)
            share = _smooth(x) - _smooth(back)
            over = back >= 1.0
        else:
            share, over = _smooth(x), x >= 1.0
        self.t = np.where(on, self.from_t + share * step.shift_m, self.t)
        self.ended |= on & over

    def follow(self) -> None:
        """The ego's tick: brakes for a leader in its corridor."""
        m = self.m
        closing = self.v - self.lead_v
        arrival = np.maximum(self.free(), 0.0) / np.maximum(closing, 0.5)
        half = (m.ego_size[:, 1] + m.leader_size[:, 1]) / 2 + CORRIDOR_MARGIN_M
        ahead = (self.free() > -2.0) & (np.abs(self.t) < half)
        threat = ahead & (closing > 0.2) & (arrival < m.react_ttc_s)
        self.calm_s = np.where(threat, 0.0, self.calm_s + DT_S)
        keeps = threat | ((self.threat_s > 0) & (self.calm_s < 0.5))
        self.threat_s = np.where(keeps, self.threat_s + DT_S, 0.0)
        brakes = m.reacts & (self.threat_s > m.delay_s)
        hard = np.maximum(self.v - m.decel_mps2 * self.decel_ratio * DT_S, 0.0)
        self.v = np.where(brakes, hard, np.minimum(self.v + 2.0 * DT_S, self.wanted))
        self.s = self.s + self.v * DT_S


def _smooth(x: F64) -> F64:
    return np.asarray(x**3 * (10 - 15 * x + 6 * x**2))


def chase(model: FollowModel, disturbance: F64) -> FollowOutcome:
    """Run every row once; `disturbance` (n, 4) as of `Calibration.disturbances`."""
    run = _Chase(model, disturbance)
    thw, ttc = np.full(run.n, np.inf), np.full(run.n, np.inf)
    least = np.full(run.n, np.inf)
    last = len(model.steps) - 1
    done = np.zeros(run.n, dtype=bool)
    width = (model.ego_size[:, 1] + model.leader_size[:, 1]) / 2
    for i in range(round(model.duration_s / DT_S)):
        run.lead(i * DT_S)
        run.follow()
        free, beside = run.free(), np.abs(run.t) < width
        overlap = beside & (free > -1.0)
        moving = overlap & (run.v > 1.0)
        thw = np.where(moving, np.minimum(thw, np.maximum(free, 0) / np.maximum(run.v, 1)), thw)
        closing = run.v - run.lead_v
        time = np.maximum(free, 0) / np.maximum(closing, 1e-3)
        ttc = np.where(overlap & (closing > 0.1), np.minimum(ttc, time), ttc)
        alongside = beside & (free > -(model.ego_size[:, 0] + model.leader_size[:, 0]))
        least = np.where(alongside, np.minimum(least, free), least)
        done |= run.step == last
    return FollowOutcome(done, least < 0.05, thw, ttc, least)


def screen_following(
    model: FollowModel, calibration: Calibration, mask: Bool
) -> tuple[Bool, dict[str, int]]:
    """Which candidates come close without contact in the nominal and most disturbed runs."""
    disturbances = calibration.disturbances()
    p, n = len(disturbances), len(mask)
    rows = np.repeat(np.arange(n), p)
    outcome = chase(_rows(model, rows), np.tile(disturbances, (n, 1)))
    close = outcome.min_thw_s < HIT_THW_S - MARGIN_S
    close |= outcome.min_ttc_s < HIT_TTC_S - 2 * MARGIN_S
    safe = ~outcome.contact & (outcome.min_gap_m > MIN_GAP_M)
    good = (outcome.done & safe & close).reshape(n, p)
    passed = mask & good[:, 0] & (good.mean(axis=1) >= 0.75)
    failed = np.repeat(mask & ~passed, p)
    reasons = {
        "manoeuvre_not_done": int((failed & ~outcome.done)[::p].sum()),
        "contact": int((failed & ~safe)[::p].sum()),
        "too_mild": int((failed & ~close)[::p].sum()),
    }
    return passed, {reason: count for reason, count in reasons.items() if count}


def _rows(m: FollowModel, rows: I64) -> FollowModel:
    steps = tuple(
        LeaderStep(
            step.kind, step.trigger, step.trigger_value[rows], step.speed_mps[rows],
            step.decel_mps2[rows], step.shift_m[rows], step.lateral_mps[rows], step.hold_s[rows],
        )
        for step in m.steps
    )  # fmt: skip
    return FollowModel(
        m.ego_s[rows], m.ego_mps[rows], m.ego_size[rows], m.reacts, m.delay_s[rows],
        m.decel_mps2[rows], m.react_ttc_s[rows], m.leader_s[rows], m.leader_t[rows],
        m.leader_mps[rows], m.leader_size[rows], steps, m.duration_s,
    )  # fmt: skip
