"""The encounter of a draw: where the ways cross, how long the other takes, who passes the screen.

`T_walk = v/a + (s - v^2 / 2a) / v` for a start from rest; the other sets off when the ego's route
time to the conflict is `T_walk + offset` (docs/scenarios.md, 4.3).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.geometry2d import DOOR_FORWARD_M, DOOR_M, DOOR_S
from scenarios.scene import Party, Scene, bend_speeds, crossing_step, impact_t
from scenarios.spec import (
    CrossRoad,
    DartOut,
    FollowLane,
    FollowPath,
    FollowProp,
    Hesitate,
    Meet,
    OpenDoor,
    Reverse,
    RunRedLight,
    ScenarioSpec,
    Turn,
    TurnBack,
    WalkAlong,
)
from scenarios.surrogate import (
    Calibration,
    EgoModel,
    EncounterModel,
    OtherModel,
    Outcome,
    simulate,
)
from scenarios.values import Values

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

VEHICLE_ACCEL = 2.5
REVERSE_ACCEL = 1.2
# Where a bend limits the speed at which another vehicle comes to the conflict.
BEND_BEFORE_M, BEND_AFTER_M = 25.0, 15.0
CORNER_LENGTH_M, CORNER_WIDTH_M, CORNER_SETBACK_M = 60.0, 20.0, 1.0
NEAR_MISS_TTC_S = 1.5
NEAR_MISS_PET_S = 1.0
MILD_TTC_S = 3.0
MILD_PET_S = 2.0
VISIBLE_S = 1.2
PASS_SHARE = 0.75
# What a planned near miss keeps free, so that a real one does not touch.
CLEARANCE_WALKER_M, CLEARANCE_VEHICLE_M = 0.25, 0.5
_OVERLOOKED_M = 0.25


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """A straight crossing (n,): start pose, distance to the conflict point, length of it all."""

    start: F64
    distance_m: F64
    whole_m: F64


@dataclass(frozen=True, eq=False, slots=True)
class Encounter:
    """A solved encounter with the ego, arrays (n,); `line` is None for one on a way."""

    name: str
    step: int
    meet: Meet
    model: EncounterModel
    line: Line | None
    crossing_s: F64
    impact: F64
    low_s: F64
    high_s: F64


def crossing_line(scene: Scene, values: Values, name: str) -> Line:
    """The line an actor takes across the road, over all lanes to the far kerb."""
    party = scene.parties[name]
    i = crossing_step(party.spec)
    assert i is not None
    step = party.spec.behaviour[i]
    assert isinstance(step, CrossRoad | DartOut | FollowProp)
    angle = values.number(step.angle, f"actors.{name}.behaviour.{i}.angle")
    pose = party.way.at(party.s, party.t)
    target = impact_t(values, name, party.spec, scene.ego)
    # From the right one walks to the left of the ego's heading; `angle` leans along it.
    side = np.where(party.t < target, 1.0, -1.0)
    heading = pose[:, 3] + side * (np.pi / 2 - angle)
    limit = _far_kerb(scene, side)
    return Line(
        np.column_stack([pose[:, 0], pose[:, 1], heading]),
        np.abs(target - party.t) / np.cos(angle),
        np.abs(limit - party.t) / np.cos(angle),
    )


def _far_kerb(scene: Scene, side: F64) -> F64:
    road = [b for b in scene.site.bands.values() if b.kind in ("driving", "parking", "shoulder")]
    left, right = max(b.left_m for b in road), min(b.right_m for b in road)
    return np.where(side > 0, left + 0.8, right - 0.8)


def solve(
    spec: ScenarioSpec,
    scene: Scene,
    values: Values,
    found: tuple[str, int, Meet],
    duration_s: float,
) -> Encounter:
    """The encounter `found` of the scenario, for all candidates."""
    name, number, meet = found
    path = f"actors.{name}.behaviour.{number}"
    party = scene.parties[name]
    step = party.spec.behaviour[number]
    offset = values.number(meet.offset, f"{path}.meet.offset")
    line: Line | None = None
    # What goes ahead of its middle: who backs up meets with its tail.
    overhang = party.size[:, 0] / 2 if isinstance(step, Reverse) else np.zeros(values.n)
    if isinstance(step, OpenDoor):
        line = door_line(scene, values, party)
        other = _door_model(values, line)
    elif isinstance(step, Reverse):
        line = reverse_line(scene, values, party)
        other = _reverse_model(values, party, path, step, line)
    elif isinstance(step, CrossRoad | DartOut | FollowProp):
        line = crossing_line(scene, values, name)
        other = _line_model(values, party, path, step, line)
    else:
        other = _way_model(scene, values, party, path, step, offset)
    corners = _corners(scene, values.n)
    model = EncounterModel(
        ego=_ego_model(spec, scene, values),
        other=other,
        ego_conflict_m=scene.ego.conflict_m,
        conflict=_conflict_point(scene, line, overhang),
        offset_s=offset,
        occluders=np.concatenate([_occluders(scene, name, party), corners], axis=1),
        resync=meet.resync,
        duration_s=duration_s,
        assumed=corners.shape[1],
    )
    low, high = np.zeros(values.n), np.full(values.n, np.inf)
    if meet.reveal_ttc is not None:
        low = values.number(meet.reveal_ttc[0], f"{path}.meet.reveal_ttc.0")
        high = values.number(meet.reveal_ttc[1], f"{path}.meet.reveal_ttc.1")
    impact = values.number(meet.impact, f"{path}.meet.impact")
    crossing = scene.ego.conflict_m + scene.ego.body.size_lwh_m[0] / 2
    return Encounter(name, number, meet, model, line, crossing, impact, low, high)


def _conflict_point(scene: Scene, line: Line | None, overhang_m: F64) -> F64:
    """(n, 2) where they meet: on the line at the impact, else where the ways cross."""
    if line is None:
        return scene.ego.way.at(scene.ego.conflict_m + scene.ego.body.size_lwh_m[0] / 2)[:, :2]
    yaw = line.start[:, 2]
    along = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    point: F64 = line.start[:, :2] + (line.distance_m + overhang_m)[:, None] * along
    return point


def travel_time(distance_m: F64, speed_mps: F64, accel_mps2: F64) -> F64:
    """(n,) seconds from rest over a distance at a steady acceleration up to a speed."""
    ramp = speed_mps**2 / (2 * accel_mps2)
    cruise = speed_mps / accel_mps2 + (distance_m - ramp) / speed_mps
    return np.where(distance_m > ramp, cruise, np.sqrt(2 * distance_m / accel_mps2))


def _ego_model(spec: ScenarioSpec, scene: Scene, values: Values) -> EgoModel:
    ego, reaction = scene.ego, spec.ego.reaction
    n = values.n
    column = np.clip(ego.station_m - ego.way.stations[0], 0, None).astype(int)
    return EgoModel(
        way=ego.way,
        station_m=ego.station_m,
        speed_mps=ego.speeds_mps[np.arange(n), column],
        speeds_mps=ego.speeds_mps,
        length_m=np.full(n, ego.body.size_lwh_m[0]),
        width_m=np.full(n, ego.body.size_lwh_m[1]),
        reacts=any(getattr(step, "react", "none") == "aeb" for step in spec.ego.behaviour),
        delay_s=values.number(reaction.delay, "ego.reaction.delay"),
        decel_mps2=values.number(reaction.decel, "ego.reaction.decel"),
        react_ttc_s=values.number(reaction.ttc, "ego.reaction.ttc"),
    )


def _line_model(
    values: Values, party: Party, path: str, step: CrossRoad | DartOut | FollowProp, line: Line
) -> OtherModel:
    speed = values.number(step.speed, f"{path}.speed")
    accel = values.number(step.accel, f"{path}.accel")
    pause_at, pause, back_at = _second_thoughts(values, party)
    return OtherModel(
        start=line.start,
        way=None,
        station_m=np.zeros(values.n),
        lateral_m=np.zeros(values.n),
        speed_mps=speed,
        accel_mps2=accel,
        distance_m=line.distance_m,
        travel_s=travel_time(line.distance_m, speed, accel),
        length_m=party.size[:, 0],
        width_m=party.size[:, 1],
        rolls=False,
        pause_at_m=pause_at,
        pause_s=pause,
        back_at_m=back_at,
    )


def door_line(scene: Scene, values: Values, party: Party) -> Line:
    """The way of a front door: out of the side of a parked car that faces the ego's."""
    pose = party.way.at(party.s, party.t)
    side = np.where(party.t < scene.ego.shift_m, 1.0, -1.0)
    start_t = party.t + side * (party.size[:, 1] / 2 - DOOR_M / 2)
    at = party.way.at(party.s + DOOR_FORWARD_M, start_t)
    heading = pose[:, 3] + side * np.pi / 2
    distance = np.full(values.n, DOOR_M)
    return Line(np.column_stack([at[:, 0], at[:, 1], heading]), distance, distance)


def _door_model(values: Values, line: Line) -> OtherModel:
    n = values.n
    return OtherModel(
        start=line.start,
        way=None,
        station_m=np.zeros(n),
        lateral_m=np.zeros(n),
        speed_mps=np.full(n, DOOR_M / DOOR_S),
        accel_mps2=np.full(n, 100.0),
        distance_m=line.distance_m,
        travel_s=np.full(n, DOOR_S),
        length_m=np.full(n, DOOR_M),
        width_m=np.full(n, DOOR_M),
        rolls=False,
        # A door stops when it is open.
        pause_at_m=line.distance_m,
        pause_s=np.full(n, 1e3),
        back_at_m=np.full(n, np.inf),
    )


def reverse_line(scene: Scene, values: Values, party: Party) -> Line:
    """The line on which a car backs into the road, tail first."""
    pose = party.pose()
    target = impact_t(values, party.name, party.spec, scene.ego)
    distance = np.maximum(np.abs(target - party.t) - party.size[:, 0] / 2, 0.1)
    start = np.column_stack([pose[:, 0], pose[:, 1], pose[:, 3] + np.pi])
    return Line(start, distance, distance)


def _reverse_model(
    values: Values, party: Party, path: str, step: Reverse, line: Line
) -> OtherModel:
    n = values.n
    speed = values.number(step.speed, f"{path}.speed")
    accel = np.full(n, REVERSE_ACCEL)
    return OtherModel(
        start=line.start,
        way=None,
        station_m=np.zeros(n),
        lateral_m=np.zeros(n),
        speed_mps=speed,
        accel_mps2=accel,
        distance_m=line.distance_m,
        travel_s=travel_time(line.distance_m, speed, accel),
        length_m=party.size[:, 0],
        width_m=party.size[:, 1],
        rolls=False,
        pause_at_m=values.number(step.distance, f"{path}.distance"),
        pause_s=np.full(n, 1e3),
        back_at_m=np.full(n, np.inf),
    )


def _second_thoughts(values: Values, party: Party) -> tuple[F64, F64, F64]:
    """Where the crossing pauses, for how long, and where it turns back; inf and 0 if not."""
    pause_at, pause = np.full(values.n, np.inf), np.zeros(values.n)
    back_at = np.full(values.n, np.inf)
    for i, step in enumerate(party.spec.behaviour):
        path = f"actors.{party.name}.behaviour.{i}"
        if isinstance(step, Hesitate):
            pause_at = values.number(step.at, f"{path}.at")
            pause = values.number(step.duration, f"{path}.duration")
        elif isinstance(step, TurnBack):
            back_at = values.number(step.at, f"{path}.at")
    return pause_at, pause, back_at


def _way_model(
    scene: Scene, values: Values, party: Party, path: str, step: object, offset: F64
) -> OtherModel:
    """An actor that rolls on a way: it is put where it arrives in time at its speed."""
    assert isinstance(step, FollowLane | Turn | RunRedLight | FollowPath | WalkAlong)
    speed = values.number(getattr(step, "speed", 1.0), f"{path}.speed")
    length = party.size[:, 0]
    near = (party.way.stations > -BEND_BEFORE_M) & (party.way.stations < BEND_AFTER_M)
    speed = np.minimum(speed, bend_speeds(party.way)[near].min())
    arrival = scene.ego.arrival_s - offset
    distance = np.maximum(speed * arrival, 0.0)
    station = -distance - arrival_reach(scene, party)
    return OtherModel(
        start=np.zeros((values.n, 3)),
        way=party.way,
        station_m=station,
        lateral_m=party.t,
        speed_mps=speed,
        accel_mps2=np.full(values.n, VEHICLE_ACCEL),
        distance_m=distance,
        travel_s=arrival,
        length_m=length,
        width_m=party.size[:, 1],
        rolls=True,
        pause_at_m=np.full(values.n, np.inf),
        pause_s=np.zeros(values.n),
        back_at_m=np.full(values.n, np.inf),
    )


def arrival_reach(scene: Scene, party: Party) -> F64:
    """(n,) from a vehicle's middle to the conflict when its front is at the ego's corridor."""
    return np.asarray(party.size[:, 0] / 2 + scene.ego.body.size_lwh_m[1] / 2)


def _occluders(scene: Scene, name: str, party: Party) -> F64:
    """(n, k, 5) boxes of standing actors tall enough to hide the other."""
    height = party.size[:, 2]
    boxes = []
    for other in scene.parties.values():
        if other.name == name or not is_standing(other):
            continue
        box = other.box()
        # One who looks over a bonnet or a low wall is seen: the box counts only if it is tall.
        low = other.size[:, 2] < height - _OVERLOOKED_M
        box[low, 3:] = 1e-3
        boxes.append(box)
    return np.stack(boxes, axis=1) if boxes else np.zeros((len(height), 0, 5))


def _corners(scene: Scene, n: int) -> F64:
    """(n, k, 5) buildings that may stand at the corners of a junction; no map tells."""
    site = scene.site
    if site.other is None or abs(np.sin(site.other.at(0.0)[3] - site.ego.at(0.0)[3])) < 0.5:
        return np.zeros((n, 0, 5))
    left = max(b.left_m for b in site.bands.values()) + CORNER_SETBACK_M
    right = min(b.right_m for b in site.bands.values()) - CORNER_SETBACK_M
    s = site.stop_line_s - CORNER_LENGTH_M / 2
    found = []
    for t in (left + CORNER_WIDTH_M / 2, right - CORNER_WIDTH_M / 2):
        x, y, _, yaw = site.ego.at(s, t)
        found.append([x, y, yaw, CORNER_LENGTH_M, CORNER_WIDTH_M])
    return np.tile(np.array(found), (n, 1, 1))


def is_standing(party: Party) -> bool:
    """Whether an actor never moves."""
    return all(step.do in ("idle", "open_door") for step in party.spec.behaviour)


def screen(
    encounter: Encounter, target: str, calibration: Calibration, mask: Bool
) -> tuple[Bool, Counter[str], Outcome]:
    """Which candidates give the outcome asked for in the nominal and most of the disturbed runs.

    Returns:
        (n,) bool; how often each reason spoke against a candidate; outcomes of the (n * p) runs.
    """
    outcome = simulate(encounter.model, calibration.disturbances())
    low, high = encounter.low_s[:, None], encounter.high_s[:, None]
    clearance = CLEARANCE_VEHICLE_M if encounter.model.other.rolls else CLEARANCE_WALKER_M
    reasons = judge(outcome, target, low, high, clearance)
    good = reasons == "ok"
    passed = mask & good[:, 0] & (good.mean(axis=1) >= PASS_SHARE)
    worst = [next(str(r) for r in reasons[i] if r != "ok") for i in np.flatnonzero(mask & ~passed)]
    return passed, Counter(worst), outcome


def judge(
    outcome: Outcome, target: str, low: F64, high: F64, clearance_m: float
) -> NDArray[np.str_]:
    """`ok` or the reason against it for every run; near misses keep the clearance."""
    close = (outcome.min_ttc_s < NEAR_MISS_TTC_S - 0.2) | (outcome.pet_s < NEAR_MISS_PET_S - 0.2)
    mild = (outcome.min_ttc_s < MILD_TTC_S) | (outcome.pet_s < MILD_PET_S)
    reveal = outcome.reveal_ttc_s
    # A margin inside the band: the server's first visible pixel is not the surrogate's first ray.
    margin = np.minimum(0.1, np.where(np.isfinite(high), (high - low) / 6, 0.0))
    checks = [
        ("never_entered", outcome.entered),
        ("not_visible", outcome.visible_s >= VISIBLE_S),
        ("reveal_outside_band", (reveal >= low + margin) & (reveal <= high - margin)),
    ]
    if target == "near_miss":
        checks += [("contact", outcome.min_gap_m > clearance_m), ("too_mild", close)]
    elif target == "mild":
        checks += [("contact", ~outcome.contact), ("too_close", ~close), ("too_mild", mild)]
    elif target == "contact":
        checks += [("no_contact", outcome.contact)]
    else:
        checks = []
    reasons = np.full(close.shape, "ok", dtype="U24")
    for name, holds in checks[::-1]:
        reasons[~holds] = name
    return reasons
