"""The pre-screen's runs by numpy, a step of all of them at a time, to check the kernels against.

Slow, and with nothing of the kernels in it; boxes, ways and lines of sight are those of
`scenarios.geometry2d` and `Way`, which have tests of their own.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scenarios.following import FollowModel, FollowOutcome, LeaderStep
from scenarios.geometry2d import gap, sight_is_blocked, time_to_collision
from scenarios.surrogate import (
    CORRIDOR_MARGIN_M,
    DT_S,
    EgoModel,
    EncounterModel,
    OtherModel,
    Outcome,
    run_window,
)

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
I64 = NDArray[np.int64]

EYE_FORWARD_M = 0.8
RESUME_MPS2 = 2.0
WAIT_MPS, WAIT_M, WAIT_S = 1.5, 10.0, 2.5
RESYNC_LIMIT = 0.2
LAUNCH_MPS2 = 3.0
LATENCY_S = 0.05
LAGS_M = np.array([[1.25], [0.4]])

Part = TypeVar("Part", EgoModel, OtherModel, EncounterModel, LeaderStep, FollowModel)


def repeated(part: Part, times: int) -> Part:
    """A model with each candidate so often in a row."""
    arrays: dict[str, Any] = {
        field.name: np.repeat(value, times, axis=0)
        for field in fields(part)
        if isinstance(value := getattr(part, field.name), np.ndarray)
    }
    return replace(part, **arrays)


class _Run:
    """State of all runs while they are stepped."""

    def __init__(self, model: EncounterModel, disturbance: F64, first_s: float) -> None:
        self.model = model
        self.n = len(model.offset_s)
        self.delay, self.walk_ratio, self.ego_ratio, self.decel_ratio = disturbance.T
        ego, other = model.ego, model.other
        self.speed = ego.speed_mps * self.ego_ratio
        self.station = ego.station_m + self.speed * first_s
        self.progress = np.where(other.rolls, other.speed_mps * self.walk_ratio * first_s, 0.0)
        self.pace = np.where(other.rolls, other.speed_mps, 0.0)
        self.started = np.full(self.n, other.rolls)
        self.start_s = np.full(self.n, 0.0 if other.rolls else np.nan)
        self.since_passed_s = np.zeros(self.n)
        self.threat_s = np.zeros(self.n)
        self.clear_s = np.zeros(self.n)
        self.pause_left = other.pause_s.copy()
        self.turned = np.zeros(self.n, dtype=bool)
        # Frame of the ego's way where its front is at the conflict: left normal and origin.
        at = ego.way.at(model.ego_conflict_m + ego.length_m / 2)
        self.normal = np.stack([-np.sin(at[:, 3]), np.cos(at[:, 3])], axis=1)
        self.origin = at[:, :2]
        self.line = np.cos(other.start[:, 2]), np.sin(other.start[:, 2])
        self.begin = ego.way.stations[0]
        self.rows = np.arange(self.n)
        pace = 2 / (ego.speeds_mps[:, 1:] + ego.speeds_mps[:, :-1])
        self.clock: F64 = np.zeros(ego.speeds_mps.shape)
        np.cumsum(pace, axis=1, out=self.clock[:, 1:])
        self.wanted = ego.speed_mps
        self.due = self._between(self.clock, *self._column(model.ego_conflict_m))

    def put_ego(self, box: F64, velocity: F64) -> F64:
        """Write the ego's place into a box (n, 5) and its velocity (n, 2); returns its heading."""
        way = self.model.ego.way
        at = way.at(self.station)
        box[:, 0], box[:, 1] = at[:, 0], at[:, 1]
        # In a bend a car's body points where its rear axle goes, outward of its middle's way.
        body, course = way.yaw_at(self.station - LAGS_M)
        box[:, 2] = body
        heading = np.empty((self.n, 2))
        heading[:, 0], heading[:, 1] = np.cos(course), np.sin(course)
        np.multiply(heading, self.speed[:, None], out=velocity)
        return heading

    def put_other(self, box: F64, velocity: F64) -> None:
        """Write the other's place into a box (n, 5) and its velocity (n, 2)."""
        other = self.model.other
        pace = np.where(self.turned, -self.pace, self.pace)
        if other.way is None:
            c, s = self.line
            box[:, 0] = other.start[:, 0] + self.progress * c
            box[:, 1] = other.start[:, 1] + self.progress * s
            box[:, 2] = other.start[:, 2]
        else:
            at = other.way.at(other.station_m + self.progress, other.lateral_m)
            box[:, 0], box[:, 1], box[:, 2] = at[:, 0], at[:, 1], at[:, 3]
            c, s = np.cos(at[:, 3]), np.sin(at[:, 3])
        velocity[:, 0], velocity[:, 1] = c * pace, s * pace

    def ego_arrival_s(self) -> F64:
        """Route time of the ego to the conflict at its present speed, one tick of latency off.

        The same rule as `behaviours.stage.Track.arrival_s`.
        """
        before, share = self._column(self.station)
        ahead = np.maximum(self.due - self._between(self.clock, before, share), 0.0)
        self.wanted = self._between(self.model.ego.speeds_mps, before, share)
        arrival = ahead * self.wanted / np.maximum(self.speed, 0.5)
        return np.asarray(np.maximum(arrival - LATENCY_S, 0.0))

    def _column(self, station: F64) -> tuple[I64, F64]:
        """(n,) columns of a table (n, S) over the ego's way, and shares of the next ones."""
        last = self.clock.shape[1] - 1.001
        place = np.minimum(np.maximum(station - self.begin, 0.0), last)
        before = place.astype(np.int64)
        return before, place - before

    def _between(self, table: F64, before: I64, share: F64) -> F64:
        """(n,) values of a table (n, S) over the ego's way."""
        low, high = table[self.rows, before], table[self.rows, before + 1]
        return np.asarray(low + share * (high - low))

    def advance_other(self, now_s: float, arrival: F64) -> None:
        other, model = self.model.other, self.model
        if other.rolls:
            wanted = other.speed_mps * self.walk_ratio
            if model.resync == "until_conflict":
                left = np.maximum(other.distance_m - self.progress, 0.0)
                self.since_passed_s += np.where(arrival <= 0.0, DT_S, 0.0)
                left_s = arrival - self.since_passed_s - model.offset_s
                ratio = left / np.maximum(left_s, 0.2) / wanted
                ratio = np.where((left > 1.0) & (left_s > 0.2), ratio, 1.0)
                wanted = wanted * np.clip(ratio, 1 - RESYNC_LIMIT, 1 + RESYNC_LIMIT)
        else:
            due = arrival <= other.travel_s + model.offset_s
            self.start_s = np.where(~self.started & due, now_s, self.start_s)
            self.started |= due
            moving = self.started & (now_s >= self.start_s + self.delay)
            wanted = np.where(moving, other.speed_mps * self.walk_ratio, 0.0)
        pausing = (self.progress >= other.pause_at_m) & (self.pause_left > 0)
        self.pause_left = self.pause_left - np.where(pausing, DT_S, 0.0)
        self.turned |= self.progress >= other.back_at_m
        wanted = np.where(pausing, 0.0, wanted)
        step = other.accel_mps2 * DT_S
        self.pace = np.minimum(np.maximum(wanted, self.pace - 2 * step), self.pace + step)
        self.progress = np.maximum(
            self.progress + np.where(self.turned, -1.0, 1.0) * self.pace * DT_S, 0.0
        )

    def advance_ego(self, threat: Bool) -> None:
        ego = self.model.ego
        self.clear_s = np.where(threat, 0.0, self.clear_s + DT_S)
        self.threat_s = np.where(
            threat | ((self.threat_s > 0) & (self.clear_s < 0.5)), self.threat_s + DT_S, 0.0
        )
        braking = ego.reacts & (self.threat_s > ego.delay_s)
        wanted = self.wanted * self.ego_ratio
        up = np.minimum(self.speed + RESUME_MPS2 * DT_S, wanted)
        down = np.maximum(self.speed - LAUNCH_MPS2 * DT_S, wanted)
        free = np.where(self.speed < wanted, up, down)
        hard = np.maximum(self.speed - ego.decel_mps2 * self.decel_ratio * DT_S, 0.0)
        self.speed = np.where(braking, hard, free)
        self.station = self.station + self.speed * DT_S

    def reach(self, box: F64) -> F64:
        """Half of what boxes (..., 5) show across the ego's way at the conflict."""
        along = box[..., 2] - np.arctan2(-self.normal[:, 0], self.normal[:, 1])
        return np.asarray(
            np.abs(np.sin(along)) * box[..., 3] / 2 + np.abs(np.cos(along)) * box[..., 4] / 2
        )

    def threat(self, other_box: F64, other_velocity: F64, visible: Bool, arrival: F64) -> Bool:
        """Whether the other is, or will be when the ego gets there, in the ego's corridor."""
        ego = self.model.ego
        t = ((other_box[:, :2] - self.origin) * self.normal).sum(axis=1)
        rate = (other_velocity * self.normal).sum(axis=1)
        half = ego.width_m / 2 + CORRIDOR_MARGIN_M + self.reach(other_box)
        left = self.model.ego_conflict_m - self.station
        later = rate * arrival
        least = np.minimum(np.abs(t), np.minimum(np.abs(t + 0.5 * later), np.abs(t + later)))
        inside = least < half
        near = (arrival < ego.react_ttc_s) & (left > -2.0)
        # Having stopped, it lets pass what is still coming.
        waiting = (self.speed < WAIT_MPS) & (left < WAIT_M) & (left > -2.0)
        coming = (t * rate < 0) & (np.abs(t) - half < np.abs(rate) * WAIT_S)
        stays = waiting & ((np.abs(t) < half) | coming)
        return np.asarray(visible & self.started & np.where(waiting, stays, inside & near))


def simulate(model: EncounterModel, disturbances: F64) -> Outcome:
    """What `scenarios.surrogate.simulate` gives."""
    n, p = len(model.offset_s), len(disturbances)
    first, last = run_window(model)
    model = replace(repeated(model, p), ego=repeated(model.ego, p), other=repeated(model.other, p))
    run = _Run(model, np.tile(disturbances, (n, 1)), first * DT_S)
    boxes_ego, boxes_other = np.empty((2, last - first, run.n, 5))
    speeds_ego, speeds_other = np.empty((2, last - first, run.n, 2))
    for boxes, party in ((boxes_ego, model.ego), (boxes_other, model.other)):
        boxes[..., 3], boxes[..., 4] = party.length_m, party.width_m
    seen = np.zeros((last - first, run.n), dtype=bool)
    reveal = np.full(run.n, np.nan)
    for row in range(last - first):
        ego, other = boxes_ego[row], boxes_other[row]
        heading = run.put_ego(ego, speeds_ego[row])
        run.put_other(other, speeds_other[row])
        arrival = run.ego_arrival_s()
        visible, sensed = _sight(model, ego, other, heading)
        seen[row] = visible
        reveal = np.where(visible & run.started & np.isnan(reveal), arrival, reveal)
        threat = run.threat(other, speeds_other[row], sensed, arrival)
        run.advance_other((first + row) * DT_S, arrival)
        run.advance_ego(threat)
    found = _outcome(run, boxes_ego, boxes_other, speeds_ego, speeds_other, seen, reveal, first)
    return Outcome(*(getattr(found, field.name).reshape(n, p) for field in fields(found)))


def _sight(model: EncounterModel, ego: F64, other: F64, heading: F64) -> tuple[Bool, Bool]:
    """(n,) whether the camera sees the other, and whether the emergency brake counts on it."""
    eye = ego[:, :2] + EYE_FORWARD_M * heading
    ahead = _is_ahead(eye, heading, other)
    if not model.occluders.shape[1]:
        return ahead, ahead
    hidden = sight_is_blocked(eye[:, None], other[:, None, :2], model.occluders)
    real = model.occluders.shape[1] - model.assumed
    return ahead & ~hidden.any(axis=1), ahead & ~hidden[:, :real].any(axis=1)


def _is_ahead(eye: F64, heading: F64, other: F64) -> Bool:
    """Whether the middle of `other` is within 45 degrees of where the eye looks."""
    to = other[:, :2] - eye
    ahead = (to * heading).sum(axis=1)
    side = np.abs(-to[:, 0] * heading[:, 1] + to[:, 1] * heading[:, 0])
    return np.asarray((ahead > 0.5) & (side < ahead))


def _outcome(
    run: _Run, ego: F64, other: F64, ego_velocity: F64, other_velocity: F64, seen: Bool,
    reveal: F64, first: int,
) -> Outcome:  # fmt: skip
    started = ~np.isnan(run.start_s)
    times: F64 = np.arange(first, first + len(ego), dtype=np.float64)[:, None] * DT_S
    moving = started & (times >= np.nan_to_num(run.start_s, nan=np.inf))
    clearance = gap(ego, other)
    ttc = time_to_collision(ego, other, ego_velocity, other_velocity)
    ttc = np.where(moving, ttc, np.inf)
    corridor = np.abs(((other[..., :2] - run.origin) * run.normal).sum(axis=2))
    inside = corridor < run.model.ego.width_m / 2 + run.reach(other)
    return Outcome(
        contact=np.asarray((clearance < 0.05).any(axis=0)),
        entered=(inside & moving).any(axis=0),
        # Held for two steps: one step alone may be a graze that a real run does not have.
        min_ttc_s=np.maximum(ttc[1:], ttc[:-1]).min(axis=0, initial=np.inf),
        pet_s=_pet(run, ego, other, times),
        reveal_ttc_s=reveal,
        visible_s=(seen & moving).sum(axis=0) * DT_S,
        start_s=run.start_s,
        min_gap_m=clearance.min(axis=0),
    )


def _pet(run: _Run, ego: F64, other: F64, times: F64) -> F64:
    """Time between the first party leaving the conflict area and the second entering it.

    The same area as `Metrics.pet` has: as wide as the ego and as long as the other is wide.
    """
    model = run.model
    yaw = model.ego.way.yaw_at(model.ego_conflict_m + model.ego.length_m / 2)
    area = np.column_stack([model.conflict, yaw, model.other.width_m, model.ego.width_m])
    ego_in, other_in = gap(ego, area[None]) <= 0.0, gap(other, area[None]) <= 0.0
    spans = (_first(ego_in, times), _first(other_in, times))
    ends = (_last(ego_in, times), _last(other_in, times))
    return np.asarray(np.maximum(np.maximum(*spans) - np.minimum(*ends), 0.0))


def _first(mask: Bool, times: F64) -> F64:
    return np.where(mask.any(axis=0), times[np.argmax(mask, axis=0), 0], np.nan)


def _last(mask: Bool, times: F64) -> F64:
    last = len(mask) - 1 - np.argmax(mask[::-1], axis=0)
    return np.where(mask.any(axis=0), times[last, 0], np.nan)


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
                "time": now_s >= step.trigger + self.lag,
                "distance": self.free() <= step.trigger,
                "ttc": self.free() / closing <= step.trigger,
                "next": self.ended,
            }[step.starts]
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


def chase(model: FollowModel, disturbances: F64) -> FollowOutcome:
    """What `scenarios.following.chase` gives."""
    n, p = len(model.ego_s), len(disturbances)
    model = replace(repeated(model, p), steps=tuple(repeated(step, p) for step in model.steps))
    run = _Chase(model, np.tile(disturbances, (n, 1)))
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
    return FollowOutcome(
        done=done.reshape(n, p),
        contact=(least < 0.05).reshape(n, p),
        min_thw_s=thw.reshape(n, p),
        min_ttc_s=ttc.reshape(n, p),
        min_gap_m=least.reshape(n, p),
    )
