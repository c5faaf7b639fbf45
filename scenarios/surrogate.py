"""A quick kinematic stand-in for the simulator: many candidates at once, planar boxes, no physics.

It answers one question before a simulator is started: would this candidate, and small disturbances
of it, give the outcome asked for? Rows are runs: every candidate several times, disturbed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.geometry2d import gap, sight_is_blocked, time_to_collision
from scenarios.placement.sites import Way

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
I64 = NDArray[np.int64]

DT_S = 0.1
EYE_FORWARD_M = 0.8
CORRIDOR_MARGIN_M = 0.4
RESUME_MPS2 = 2.0
WAIT_MPS, WAIT_M, WAIT_S = 1.5, 10.0, 2.5
RESYNC_LIMIT = 0.2
LEAD_IN_S, LEAD_OUT_S = 4.0, 3.5
LAUNCH_MPS2 = 3.0
# What an order takes from the look at the world to its effect: one tick.
LATENCY_S = 0.05
# Of an ego on a bend, fitted to runs: how far behind its middle the way has its body's heading, and
# the course of its middle.
REAR_AXLE_M, COURSE_LAG_M = 1.25, 0.4
_LAGS_M = np.array([[REAR_AXLE_M], [COURSE_LAG_M]])


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
    """What came of each run: arrays (n,); times in seconds, NaN where it never happened."""

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
        self.start_s = np.where(other.rolls, 0.0, np.nan)
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
        body, course = way.yaw_at(self.station - _LAGS_M)
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


def simulate(model: EncounterModel, disturbance: F64) -> Outcome:
    """Run every row once; `disturbance` (n, 4) as of `Calibration.disturbances`."""
    first, last = _window(model)
    run = _Run(model, disturbance, first * DT_S)
    boxes_ego, boxes_other = np.empty((2, last - first, run.n, 5))
    speeds_ego, speeds_other = np.empty((2, last - first, run.n, 2))
    for boxes, party in ((boxes_ego, model.ego), (boxes_other, model.other)):
        boxes[..., 3], boxes[..., 4] = party.length_m, party.width_m
    seen = np.zeros((last - first, run.n), dtype=bool)
    reveal = np.full(run.n, np.nan)
    nothing = np.zeros(run.n, dtype=bool)
    for row in range(last - first):
        ego, other = boxes_ego[row], boxes_other[row]
        heading = run.put_ego(ego, speeds_ego[row])
        run.put_other(other, speeds_other[row])
        arrival = run.ego_arrival_s()
        threat = nothing
        # Until someone has set off there is nothing to see that counts.
        if run.started.any():
            visible, sensed = _sight(model, ego, other, heading)
            seen[row] = visible
            reveal = np.where(visible & run.started & np.isnan(reveal), arrival, reveal)
            threat = run.threat(other, speeds_other[row], sensed, arrival)
        run.advance_other((first + row) * DT_S, arrival)
        run.advance_ego(threat)
    return _outcome(run, boxes_ego, boxes_other, speeds_ego, speeds_other, seen, reveal, first)


def _sight(model: EncounterModel, ego: F64, other: F64, heading: F64) -> tuple[Bool, Bool]:
    """(n,) whether the camera sees the other, and whether the emergency brake counts on it."""
    eye = ego[:, :2] + EYE_FORWARD_M * heading
    ahead = is_ahead(eye, heading, other)
    if not model.occluders.shape[1]:
        return ahead, ahead
    hidden = sight_is_blocked(eye[:, None], other[:, None, :2], model.occluders)
    real = model.occluders.shape[1] - model.assumed
    return ahead & ~hidden.any(axis=1), ahead & ~hidden[:, :real].any(axis=1)


def _is_steady(model: EncounterModel) -> bool:
    """Whether the ego wants one speed all the way to the conflict, as on any straight road."""
    stations = model.ego.way.stations
    used = (stations >= model.ego.station_m.min()) & (stations <= model.ego_conflict_m.max() + 5.0)
    speeds = model.ego.speeds_mps[:, used]
    return bool((speeds == speeds[:, :1]).all())


def _window(model: EncounterModel) -> tuple[int, int]:
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


def is_ahead(eye: F64, heading: F64, other: F64) -> Bool:
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
