"""The steps of `scenarios.following`, compiled by numba: one run after the other, to its end.

A run is a record of `RUN`, read and changed in place: what is given, how both stand, and what came
of it.
"""

from __future__ import annotations

from math import inf

import numpy as np

from synthgen.kernels import helper, kernel

RESUME_MPS2 = 2.0
LEADER_SLOWS_MPS2, LEADER_SPEEDS_UP_MPS2 = 2.0, 1.5
CONTACT_M = 0.05
CALM_S = 10.0

# What a step of the leader does, and what it begins with.
BRAKE, FOLLOW_LANE, CUT_IN, SWERVE, SHIFT = range(5)
AT_TIME, AT_DISTANCE, AT_TTC, AT_END = range(4)

_GIVEN = (
    "lag_s", "walk_ratio", "ego_ratio", "decel_ratio",
    "reacts", "delay_s", "decel_mps2", "react_ttc_s", "lengths_m", "widths_m",
)  # fmt: skip
_STATE = (
    "ego_m", "ego_mps", "wanted_mps", "threat_s", "calm_s", "lead_m", "lead_mps", "lead_t",
    "target_mps", "step", "since_s", "ended", "from_t",
)  # fmt: skip
_OUTCOME = ("done", "min_thw_s", "min_ttc_s", "min_gap_m")
RUN = np.dtype([(name, np.float64) for name in (*_GIVEN, *_STATE, *_OUTCOME)])
STEP = np.dtype(
    [
        (name, np.float64)
        for name in ("trigger", "speed_mps", "decel_mps2", "shift_m", "lateral_mps", "hold_s")
    ]
)


@kernel()
def chase_all(runs, steps, kinds, triggers, margin_m, count, dt_s):
    """Run every record of `runs`, those of a candidate in a row.

    Args:
        runs: (n * p,) records of `RUN`.
        steps: (n, K) records of `STEP`, the leader's behaviours.
        kinds: (K,) int64, `BRAKE` to `SHIFT`.
        triggers: (K,) int64, `AT_TIME` to `AT_END`.
        margin_m: Half of what the ego's corridor is wider than the ego.
        count: Steps of the run.
        dt_s: Seconds a step.
    """
    each = len(runs) // len(steps)
    for row in range(len(runs)):
        run = runs[row]
        _begin(run)
        for i in range(count):
            _lead(run, steps[row // each], kinds, triggers, i * dt_s, dt_s)
            _follow(run, margin_m, dt_s)
            _take_note(run)
            if run.step == len(kinds) - 1:
                run.done = 1.0


@helper()
def _begin(run):
    run.ego_mps = run.wanted_mps = run.ego_mps * run.ego_ratio
    run.target_mps, run.from_t = run.lead_mps, run.lead_t
    run.step = run.since_s = run.threat_s = run.done = 0.0
    run.ended, run.calm_s = 1.0, CALM_S
    run.min_thw_s = run.min_ttc_s = run.min_gap_m = inf


@helper()
def _free(run):
    """Clear way between both, along the lane."""
    return run.lead_m - run.ego_m - run.lengths_m / 2


@helper()
def _lead(run, steps, kinds, triggers, now_s, dt_s):
    """The leader's tick: maybe its next step, then its motion."""
    closing = max(run.ego_mps - run.lead_mps, 1e-3)
    for k in range(1, len(kinds)):
        step = steps[k]
        begins = run.step == k - 1 and _fires(run, triggers[k], step.trigger, closing, now_s)
        if begins:
            run.step, run.since_s, run.ended, run.from_t = k, 0.0, 0.0, run.lead_t
        if run.step != k:
            continue
        if kinds[k] == BRAKE:
            run.lead_mps = max(run.lead_mps - step.decel_mps2 * dt_s, 0.0)
            if run.lead_mps <= 0.0:
                run.ended = 1.0
        elif kinds[k] == FOLLOW_LANE:
            run.target_mps = step.speed_mps
        else:
            if begins and kinds[k] == CUT_IN:
                run.target_mps = max(run.ego_mps + step.speed_mps, 1.0)
            _shift(run, step, kinds[k] == SWERVE)
    run.since_s = run.since_s + dt_s
    if kinds[int(run.step)] != BRAKE:
        change = run.target_mps - run.lead_mps
        change = min(max(change, -LEADER_SLOWS_MPS2 * dt_s), LEADER_SPEEDS_UP_MPS2 * dt_s)
        run.lead_mps = run.lead_mps + change
    run.lead_m = run.lead_m + run.lead_mps * dt_s


@helper()
def _fires(run, trigger, value, closing, now_s):
    """Whether the next step begins now."""
    if trigger == AT_TIME:
        return now_s >= value + run.lag_s
    if trigger == AT_DISTANCE:
        return _free(run) <= value
    if trigger == AT_TTC:
        return _free(run) / closing <= value
    return run.ended > 0.0


@helper()
def _shift(run, step, returns):
    """Sideways by a smooth step, and back if it is a swerve."""
    duration = max(abs(step.shift_m) / max(step.lateral_mps, 0.1), 0.5)
    out = min(max(run.since_s / duration, 0.0), 1.0)
    share = _smooth(out)
    if returns:
        back = min(max((run.since_s - duration - step.hold_s) / duration, 0.0), 1.0)
        share -= _smooth(back)
        out = back
    run.lead_t = run.from_t + share * step.shift_m
    if out >= 1.0:
        run.ended = 1.0


@helper()
def _smooth(x):
    return x**3.0 * (10.0 - 15.0 * x + 6.0 * (x * x))


@helper()
def _follow(run, margin_m, dt_s):
    """The ego's tick: brakes for a leader in its corridor."""
    free, closing = _free(run), run.ego_mps - run.lead_mps
    arrival_s = max(free, 0.0) / max(closing, 0.5)
    ahead = free > -2.0 and abs(run.lead_t) < run.widths_m / 2 + margin_m
    threat = ahead and closing > 0.2 and arrival_s < run.react_ttc_s
    run.calm_s = 0.0 if threat else run.calm_s + dt_s
    keeps = threat or (run.threat_s > 0 and run.calm_s < 0.5)
    run.threat_s = run.threat_s + dt_s if keeps else 0.0
    if run.reacts and run.threat_s > run.delay_s:
        run.ego_mps = max(run.ego_mps - run.decel_mps2 * run.decel_ratio * dt_s, 0.0)
    else:
        run.ego_mps = min(run.ego_mps + RESUME_MPS2 * dt_s, run.wanted_mps)
    run.ego_m = run.ego_m + run.ego_mps * dt_s


@helper()
def _take_note(run):
    """What this step adds to the outcome."""
    free, closing = _free(run), run.ego_mps - run.lead_mps
    if abs(run.lead_t) >= run.widths_m / 2:
        return
    if free > -1.0:
        if run.ego_mps > 1.0:
            run.min_thw_s = min(run.min_thw_s, max(free, 0.0) / run.ego_mps)
        if closing > 0.1:
            run.min_ttc_s = min(run.min_ttc_s, max(free, 0.0) / closing)
    if free > -run.lengths_m:
        run.min_gap_m = min(run.min_gap_m, free)
