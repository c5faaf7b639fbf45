"""The steps of `scenarios.surrogate`, compiled by numba: one run after the other, to its end.

A run is a record of `RUN`, read and changed in place: what is given, how both parties stand, and
what came of it.
"""

from __future__ import annotations

from math import atan2, cos, inf, nan, sin

import numpy as np

from synthgen.kernels import helper, kernel

EYE_FORWARD_M = 0.8
RESUME_MPS2 = 2.0
WAIT_MPS, WAIT_M, WAIT_S = 1.5, 10.0, 2.5
RESYNC_LIMIT = 0.2
LAUNCH_MPS2 = 3.0
CONTACT_M = 0.05
# What an order takes from the look at the world to its effect: one tick.
LATENCY_S = 0.05
# Of an ego on a bend, fitted to runs: how far behind its middle the way has its body's heading, and
# the course of its middle.
REAR_AXLE_M, COURSE_LAG_M = 1.25, 0.4

_GIVEN = (
    "lag_s", "walk_ratio", "ego_ratio", "decel_ratio",
    "ego_mps", "ego_length_m", "ego_width_m", "reacts", "delay_s", "decel_mps2", "react_ttc_s",
    "start_x", "start_y", "start_yaw", "station_m", "lateral_m", "other_mps", "accel_mps2",
    "distance_m", "travel_s", "other_length_m", "other_width_m", "rolls",
    "pause_at_m", "pause_left_s", "back_at_m", "conflict_m", "conflict_x", "conflict_y", "offset_s",
)  # fmt: skip
_STATE = (
    "ego_m", "ego_wanted_mps", "due_s", "threat_s", "clear_s", "since_passed_s",
    "progress_m", "pace_mps", "started", "turned", "start_s", "ttc_before_s",
    "ego_x", "ego_y", "ego_yaw", "ego_cos", "ego_sin", "heading_x", "heading_y",
    "other_x", "other_y", "reach_m", "other_cos", "other_sin", "other_vx", "other_vy",
    "origin_x", "origin_y", "normal_x", "normal_y", "across_yaw", "area_cos", "area_sin",
)  # fmt: skip
_OUTCOME = (
    "contact", "entered", "min_ttc_s", "reveal_ttc_s", "steps_seen", "min_gap_m",
    "ego_in_s", "ego_out_s", "other_in_s", "other_out_s",
)  # fmt: skip
RUN = np.dtype([(name, np.float64) for name in (*_GIVEN, *_STATE, *_OUTCOME)])


@kernel()
def run_all(runs, speeds, clock, ego_way, other_way, occluders, assumed, resyncs, margin_m, steps):
    """Run every record of `runs`, those of a candidate in a row.

    Args:
        runs: (n * p,) records of `RUN`.
        speeds: (n, S) float64, the speed that the ego wants at each station of its way.
        clock: (n, S) float64, seconds that it takes to each station at those speeds.
        ego_way: (S, 4) float64: x, y, heading, station.
        other_way: (T, 4) float64 likewise; empty for who goes straight from its start.
        occluders: (n, k, 6) float64: x, y, cosine and sine of the heading, half length and width.
        assumed: How many of the last occluders the emergency brake does not count on.
        resyncs: Whether a rolling party keeps its appointment until the conflict.
        margin_m: Half of what the ego's corridor is wider than the ego.
        steps: First step, the one after the last, and seconds a step.
    """
    first, last, dt_s = steps
    each = len(runs) // len(speeds)
    for row in range(len(runs)):
        run, candidate = runs[row], row // each
        _begin(run, ego_way, clock[candidate], first * dt_s)
        for step in range(first, last):
            now_s = step * dt_s
            _put_ego(run, ego_way)
            _put_other(run, other_way)
            arrival_s = _arrival(run, speeds[candidate], clock[candidate], ego_way[0, 3])
            threat = _look(run, arrival_s, occluders[candidate], assumed, margin_m)
            _advance_other(run, now_s, arrival_s, resyncs, dt_s)
            _take_note(run, now_s)
            _advance_ego(run, threat, dt_s)


@helper()
def _begin(run, ego_way, clock, first_s):
    """Put both where they are at the first step, and all else to what it is before it."""
    run.ego_mps = run.ego_mps * run.ego_ratio
    run.ego_m = run.ego_m + run.ego_mps * first_s
    run.progress_m = run.pace_mps = 0.0
    run.started, run.start_s = run.rolls, nan
    if run.rolls:
        run.progress_m = run.other_mps * run.walk_ratio * first_s
        run.pace_mps = run.other_mps
        run.start_s = 0.0
    run.threat_s = run.clear_s = run.since_passed_s = run.turned = 0.0
    # The ego's way where its front is at the conflict: origin and left normal.
    front_m = run.conflict_m + run.ego_length_m / 2
    run.origin_x, run.origin_y, yaw, c, s = _place(ego_way, front_m, 0.0)
    run.normal_x, run.normal_y = -s, c
    run.across_yaw = atan2(s, c)
    yaw = _heading(ego_way, front_m)
    run.area_cos, run.area_sin = cos(yaw), sin(yaw)
    run.due_s = _between(clock, run.conflict_m - ego_way[0, 3])
    # Of who goes straight these stay; on a way they are anew at each step.
    run.other_cos, run.other_sin = cos(run.start_yaw), sin(run.start_yaw)
    run.reach_m = _reach(run, run.start_yaw)
    run.contact = run.entered = run.steps_seen = 0.0
    run.ttc_before_s = run.min_ttc_s = run.min_gap_m = inf
    run.reveal_ttc_s = run.ego_in_s = run.ego_out_s = run.other_in_s = run.other_out_s = nan


@helper()
def _along(way, s):
    """Point and heading of a way at a station, and how far beyond its ends that is."""
    last = len(way) - 1
    inside = min(max(s, way[0, 3]), way[last, 3])
    place = inside - way[0, 3]
    before = min(int(place), last - 1)
    share = place - before
    a, b = way[before], way[before + 1]
    return (
        a[0] * (1.0 - share) + b[0] * share,
        a[1] * (1.0 - share) + b[1] * share,
        a[2] * (1.0 - share) + b[2] * share,
        s - inside,
    )


@helper()
def _place(way, s, t):
    """Point `t` left of a way, its heading with cosine and sine, as `Way.at` has them."""
    x, y, yaw, over = _along(way, s)
    c, sn = cos(yaw), sin(yaw)
    return x + (over * c - t * sn), y + (over * sn + t * c), yaw, c, sn


@helper()
def _heading(way, s):
    """Heading of a way at a station, that of its nearest end beyond it: `Way.yaw_at`."""
    last = len(way) - 1
    if s <= way[0, 3]:
        return way[0, 2]
    if s >= way[last, 3]:
        return way[last, 2]
    before = min(int(s - way[0, 3]), last - 1)
    if way[before, 3] > s:
        before -= 1
    a, b = way[before], way[before + 1]
    return (b[2] - a[2]) / (b[3] - a[3]) * (s - a[3]) + a[2]


@helper()
def _between(table, place):
    """Value of a table over the ego's way, `place` stations from its begin."""
    place = min(max(place, 0.0), len(table) - 1.001)
    before = int(place)
    return table[before] + (place - before) * (table[before + 1] - table[before])


@helper()
def _put_ego(run, way):
    x, y, yaw, over = _along(way, run.ego_m)
    if over != 0.0:
        x, y = x + over * cos(yaw), y + over * sin(yaw)
    run.ego_x, run.ego_y = x, y
    # In a bend a car's body points where its rear axle goes, outward of its middle's way.
    run.ego_yaw = _heading(way, run.ego_m - REAR_AXLE_M)
    run.ego_cos, run.ego_sin = cos(run.ego_yaw), sin(run.ego_yaw)
    course = _heading(way, run.ego_m - COURSE_LAG_M)
    run.heading_x, run.heading_y = cos(course), sin(course)


@helper()
def _put_other(run, way):
    if len(way):
        s, t = run.station_m + run.progress_m, run.lateral_m
        run.other_x, run.other_y, yaw, run.other_cos, run.other_sin = _place(way, s, t)
        run.reach_m = _reach(run, yaw)
    else:
        run.other_x = run.start_x + run.progress_m * run.other_cos
        run.other_y = run.start_y + run.progress_m * run.other_sin
    pace = -run.pace_mps if run.turned else run.pace_mps
    run.other_vx, run.other_vy = run.other_cos * pace, run.other_sin * pace


@helper()
def _reach(run, yaw):
    """Half of what the other's box shows across the ego's way at the conflict."""
    along = yaw - run.across_yaw
    length, width = run.other_length_m, run.other_width_m
    return abs(sin(along)) * length / 2 + abs(cos(along)) * width / 2


@helper()
def _arrival(run, speeds, clock, begin_m):
    """Route time of the ego to the conflict at its present speed, one tick of latency off.

    The same rule as `behaviours.stage.Track.arrival_s`.
    """
    place = run.ego_m - begin_m
    ahead_s = max(run.due_s - _between(clock, place), 0.0)
    run.ego_wanted_mps = _between(speeds, place)
    arrival_s = ahead_s * run.ego_wanted_mps / max(run.ego_mps, 0.5)
    return max(arrival_s - LATENCY_S, 0.0)


@helper()
def _look(run, arrival_s, occluders, assumed, margin_m):
    """Count what the camera sees; whether the emergency brake has something to brake for."""
    sets_off = arrival_s <= run.travel_s + run.offset_s
    if not run.started and not sets_off:
        # Until it has set off there is nothing to see that counts.
        return False
    visible, sensed = _sight(run, occluders, assumed)
    if visible:
        run.steps_seen += 1.0
    if not run.started:
        return False
    if visible and np.isnan(run.reveal_ttc_s):
        run.reveal_ttc_s = arrival_s
    return sensed and _threatens(run, arrival_s, margin_m)


@helper()
def _sight(run, occluders, assumed):
    """Whether the camera sees the other, and whether the emergency brake counts on it."""
    eye_x = run.ego_x + EYE_FORWARD_M * run.heading_x
    eye_y = run.ego_y + EYE_FORWARD_M * run.heading_y
    to_x, to_y = run.other_x - eye_x, run.other_y - eye_y
    ahead = to_x * run.heading_x + to_y * run.heading_y
    # Within 45 degrees of where the eye looks.
    if not (ahead > 0.5 and abs(-to_x * run.heading_y + to_y * run.heading_x) < ahead):
        return False, False
    real = len(occluders) - assumed
    for k in range(len(occluders)):
        if _blocks(occluders[k], eye_x, eye_y, run.other_x, run.other_y):
            return False, k >= real
    return True, True


@helper()
def _blocks(box, eye_x, eye_y, x, y):
    """Whether the line from the eye to a point passes through an occluder."""
    dx, dy, c, s = eye_x - box[0], eye_y - box[1], box[2], box[3]
    x0, y0 = dx * c + dy * s, -dx * s + dy * c
    dx, dy = x - box[0], y - box[1]
    x1, y1 = dx * c + dy * s, -dx * s + dy * c
    enter, leave = 0.0, 1.0
    for start, end, half in ((x0, x1, box[4]), (y0, y1, box[5])):
        step = end - start
        if abs(step) < 1e-9:
            step = 1e-9
        first, second = (-half - start) / step, (half - start) / step
        enter = max(enter, min(first, second))
        leave = min(leave, max(first, second))
    return enter < leave


@helper()
def _threatens(run, arrival_s, margin_m):
    """Whether the other is, or will be when the ego gets there, in the ego's corridor."""
    dx, dy = run.other_x - run.origin_x, run.other_y - run.origin_y
    t = dx * run.normal_x + dy * run.normal_y
    rate = run.other_vx * run.normal_x + run.other_vy * run.normal_y
    half = run.ego_width_m / 2 + margin_m + run.reach_m
    left = run.conflict_m - run.ego_m
    if run.ego_mps < WAIT_MPS and -2.0 < left < WAIT_M:
        # Having stopped, it lets pass what is still coming.
        coming = t * rate < 0 and abs(t) - half < abs(rate) * WAIT_S
        return abs(t) < half or coming
    later = rate * arrival_s
    least = min(abs(t), abs(t + 0.5 * later), abs(t + later))
    return least < half and arrival_s < run.react_ttc_s and left > -2.0


@helper()
def _advance_other(run, now_s, arrival_s, resyncs, dt_s):
    wanted = run.other_mps * run.walk_ratio
    if run.rolls:
        if resyncs:
            wanted = wanted * _resync(run, wanted, arrival_s, dt_s)
    else:
        if not run.started and arrival_s <= run.travel_s + run.offset_s:
            run.started, run.start_s = 1.0, now_s
        if not (run.started and now_s >= run.start_s + run.lag_s):
            wanted = 0.0
    if run.progress_m >= run.pause_at_m and run.pause_left_s > 0:
        run.pause_left_s -= dt_s
        wanted = 0.0
    if run.progress_m >= run.back_at_m:
        run.turned = 1.0
    step = run.accel_mps2 * dt_s
    run.pace_mps = min(max(wanted, run.pace_mps - 2 * step), run.pace_mps + step)
    pace = -run.pace_mps if run.turned else run.pace_mps
    run.progress_m = max(run.progress_m + pace * dt_s, 0.0)


@helper()
def _resync(run, wanted, arrival_s, dt_s):
    """By how much a rolling party changes its speed to keep its appointment."""
    left = max(run.distance_m - run.progress_m, 0.0)
    if arrival_s <= 0.0:
        run.since_passed_s += dt_s
    left_s = arrival_s - run.since_passed_s - run.offset_s
    if left <= 1.0 or left_s <= 0.2:
        return 1.0
    return min(max(left / left_s / wanted, 1 - RESYNC_LIMIT), 1 + RESYNC_LIMIT)


@helper()
def _advance_ego(run, threat, dt_s):
    run.clear_s = 0.0 if threat else run.clear_s + dt_s
    holds = threat or (run.threat_s > 0 and run.clear_s < 0.5)
    run.threat_s = run.threat_s + dt_s if holds else 0.0
    wanted = run.ego_wanted_mps * run.ego_ratio
    if run.reacts and run.threat_s > run.delay_s:
        run.ego_mps = max(run.ego_mps - run.decel_mps2 * run.decel_ratio * dt_s, 0.0)
    elif run.ego_mps < wanted:
        run.ego_mps = min(run.ego_mps + RESUME_MPS2 * dt_s, wanted)
    else:
        run.ego_mps = max(run.ego_mps - LAUNCH_MPS2 * dt_s, wanted)
    run.ego_m = run.ego_m + run.ego_mps * dt_s


@helper()
def _take_note(run, now_s):
    """What this step adds to the outcome; the boxes are where they were at its begin."""
    ego = (
        run.ego_x, run.ego_y, run.ego_cos, run.ego_sin, run.ego_length_m / 2, run.ego_width_m / 2
    )  # fmt: skip
    other = (
        run.other_x, run.other_y, run.other_cos, run.other_sin,
        run.other_length_m / 2, run.other_width_m / 2,
    )  # fmt: skip
    # As wide as the ego and as long as the other is wide, the same as `Metrics.pet` has.
    area = (
        run.conflict_x, run.conflict_y, run.area_cos, run.area_sin,
        run.other_width_m / 2, run.ego_width_m / 2,
    )  # fmt: skip
    axes = _axes(ego, other)
    free = _gap(ego, other, axes)
    run.min_gap_m = min(run.min_gap_m, free)
    if free < CONTACT_M:
        run.contact = 1.0
    ttc_s = inf
    if run.started and now_s >= run.start_s:
        ttc_s = _time_to_collision(run, axes)
        dx, dy = run.other_x - run.origin_x, run.other_y - run.origin_y
        if abs(dx * run.normal_x + dy * run.normal_y) < run.ego_width_m / 2 + run.reach_m:
            run.entered = 1.0
    # Held for two steps: one step alone may be a graze that a real run does not have.
    run.min_ttc_s = min(run.min_ttc_s, max(ttc_s, run.ttc_before_s))
    run.ttc_before_s = ttc_s
    if _touches(ego, area):
        run.ego_in_s = now_s if np.isnan(run.ego_in_s) else run.ego_in_s
        run.ego_out_s = now_s
    if _touches(other, area):
        run.other_in_s = now_s if np.isnan(run.other_in_s) else run.other_in_s
        run.other_out_s = now_s


@helper()
def _axes(a, b):
    """Separating axes of two boxes (x, y, cosine, sine, half length, half width): x, y, reach.

    The reach is what the halves of both boxes cover of an axis, as in `geometry2d`.
    """
    _, _, ca, sa, la, wa = a
    _, _, cb, sb, lb, wb = b
    along, across = abs(ca * cb + sa * sb), abs(sa * cb - ca * sb)
    return (
        (ca, sa, la + along * lb + across * wb),
        (-sa, ca, wa + across * lb + along * wb),
        (cb, sb, lb + along * la + across * wa),
        (-sb, cb, wb + across * la + along * wa),
    )


@helper()
def _gap(a, b, axes):
    """Clearance of two boxes along their best separating axis."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    best = -inf
    for x, y, reach in axes:
        best = max(best, abs(dx * x + dy * y) - reach)
    return best


@helper()
def _touches(a, b):
    """Whether two boxes overlap."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    # Farther apart than four half sides reach: no axis needs a look.
    if abs(dx) + abs(dy) > 1.5 * (a[4] + a[5] + b[4] + b[5]):
        return False
    return _gap(a, b, _axes(a, b)) <= 0.0


@helper()
def _time_to_collision(run, axes):
    """Seconds until both boxes touch if they go on as they do; inf if never."""
    dx, dy = run.other_x - run.ego_x, run.other_y - run.ego_y
    vx = run.other_vx - run.heading_x * run.ego_mps
    vy = run.other_vy - run.heading_y * run.ego_mps
    enter, leave = 0.0, inf
    for x, y, reach in axes:
        distance, speed = dx * x + dy * y, vx * x + vy * y
        if abs(speed) < 1e-9:
            if abs(distance) > reach:
                return inf
            continue
        first, second = (-reach - distance) / speed, (reach - distance) / speed
        enter = max(enter, min(first, second))
        leave = min(leave, max(first, second))
    return enter if enter <= leave else inf
