"""One chosen candidate as plain data: actors, paths, steps, triggers, signals, traffic, weather."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scenarios.concrete import (
    Check,
    ConcreteActor,
    Meet,
    Pose,
    Role,
    Scalar,
    Signal,
    Step,
    Traffic,
    Trigger,
    Weather,
)
from scenarios.distributions import Distribution, Quantity, Reference
from scenarios.encounter import Encounter, Line, arrival_reach, crossing_line, is_standing
from scenarios.placement.map_index import MapIndex
from scenarios.scene import Party, Scene, bend_speeds, crossing_step, lane_t
from scenarios.spec import (
    Behaviour,
    CutIn,
    FollowPath,
    Mix,
    Reverse,
    RunRedLight,
    ScenarioSpec,
)
from scenarios.spec import Trigger as TriggerSpec
from scenarios.values import Values
from scenarios.weather import resolve_weather

F64 = NDArray[np.float64]

ROUND = 6
_SUFFIX = {
    "speed": "speed_mps", "rel_speed": "rel_speed_mps", "lateral_speed": "lateral_speed_mps",
    "accel": "accel_mps2", "decel": "decel_mps2", "angle": "angle_rad", "at": "at_m",
    "gap": "gap_m",
    "duration": "duration_s", "hold": "hold_s", "delay": "delay_s", "offset": "offset_m",
    "critical_gap": "critical_gap_s", "distance": "distance_m",
}  # fmt: skip
_FRAME_FIELDS = frozenset({"do", "name", "when", "until", "meet", "points"})


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """Candidate `i` of a scene, with what is needed to write it down."""

    spec: ScenarioSpec
    index: MapIndex
    scene: Scene
    values: Values
    i: int
    encounter: Encounter | None
    duration_s: float
    warmup_s: float

    def number(self, quantity: Quantity | None, path: str, default: float = 0.0) -> float:
        """One quantity of the candidate."""
        return float(self.values.number(quantity, path, default)[self.i])


def rounded(value: float) -> float:
    """The value to a micro-unit, so that texts of it are equal on every machine."""
    return round(float(value), ROUND) + 0.0


def rounded_all(values: F64) -> list[float]:
    """`rounded` of each of (n,) values."""
    scaled = values * 10.0**ROUND
    whole = np.rint(scaled)
    found: list[float] = (whole / 10.0**ROUND + 0.0).tolist()
    # Python rounds what is written, not what is multiplied: that matters near a half only.
    for i in np.flatnonzero(np.abs(np.abs(scaled - whole) - 0.5) < 1e-3).tolist():
        found[i] = rounded(float(values[i]))
    return found


def ego_actor(c: Candidate) -> ConcreteActor:
    """The ego on its way, with the speed it wants at every metre."""
    ego, i = c.scene.ego, c.i
    stations = _stations(ego.spawn_m[i], ego.way.ahead_m)
    points = ego.way.at(stations)
    speeds = np.interp(stations, ego.way.stations, ego.speeds_mps[i])
    reaction = c.spec.ego.reaction
    steps = []
    for number, behaviour in enumerate(c.spec.ego.behaviour):
        step = _step(c, "ego", f"ego.behaviour.{number}", number, behaviour)
        if step.args.get("react") == "aeb":
            extra: dict[str, Scalar] = {
                "reaction_delay_s": rounded(c.number(reaction.delay, "ego.reaction.delay")),
                "reaction_decel_mps2": rounded(c.number(reaction.decel, "ego.reaction.decel")),
                "reaction_ttc_s": rounded(c.number(reaction.ttc, "ego.reaction.ttc")),
            }
            step = step.model_copy(update={"args": {**step.args, **extra}})
        steps.append(step)
    return ConcreteActor(
        name="ego",
        role="ego",
        category="car",
        blueprint=ego.body.blueprint,
        attributes={"role_name": "hero"},
        start=_pose(points[0]),
        speed_mps=rounded(speeds[0]),
        size_lwh_m=ego.body.size_lwh_m,
        path_xyz_m=_xyz(points),
        path_speeds_mps=tuple(rounded_all(speeds)),
        behaviours=tuple(steps),
    )


def party_actors(c: Candidate) -> list[ConcreteActor]:
    """All other actors, in the order of their names; `count` gives name_2, name_3 ..."""
    found: list[ConcreteActor] = []
    for name, party in c.scene.parties.items():
        for copy in range(party.spec.count):
            found.append(_party_actor(c, name, party, copy))
    return sorted(found, key=lambda actor: actor.name)


def _party_actor(c: Candidate, name: str, party: Party, copy: int) -> ConcreteActor:
    body = party.bodies[c.i]
    role: Role = "critical" if party.spec.critical else "actor"
    if body.blueprint.startswith("static."):
        role = "prop"
    start, path, speeds = _motion(c, name, party, copy)
    steps = tuple(
        _step(c, name, f"actors.{name}.behaviour.{k}", k, behaviour)
        for k, behaviour in enumerate(party.spec.behaviour)
    )
    moving = bool(speeds) and crossing_step(party.spec) is None and not _waits(party)
    return ConcreteActor(
        name=name if copy == 0 else f"{name}_{copy + 1}",
        role=role,
        category=body.category,
        blueprint=body.blueprint,
        attributes={**body.attributes, **_colour(c, name, party)},
        start=start,
        speed_mps=speeds[0] if moving else 0.0,
        size_lwh_m=body.size_lwh_m,
        path_xyz_m=path,
        path_speeds_mps=speeds,
        behaviours=steps,
        lights=party.spec.lights,
    )


def _colour(c: Candidate, name: str, party: Party) -> dict[str, str]:
    colour = c.values.text(party.spec.colour, f"actors.{name}.colour")[c.i]
    return {} if colour is None else {"color": colour}


def _motion(
    c: Candidate, name: str, party: Party, copy: int
) -> tuple[Pose, tuple[tuple[float, float, float], ...], tuple[float, ...]]:
    """Start pose, path and wanted speeds of one actor."""
    i = c.i
    if crossing_step(party.spec) is not None:
        line = _line_of(c, name, party)
        along = copy * c.number(party.spec.spacing, f"actors.{name}.spacing")
        z = float(party.pose()[i, 2])
        x, y, yaw = line.start[i]
        # Companions wait in a row behind the first, along the kerb.
        base = float(party.way.at(party.s, party.t)[i, 3])
        x, y = x - along * np.cos(base), y - along * np.sin(base)
        end = line.whole_m[i]
        points = np.array([[x + d * np.cos(yaw), y + d * np.sin(yaw), z, yaw] for d in (0.0, end)])
        return _pose(points[0]), _xyz(points), ()
    s, t = float(party.s[i]), float(party.t[i])
    if c.encounter is not None and name == c.encounter.name and c.encounter.line is None:
        s = float(c.encounter.model.other.station_m[i])
    speed = _first_speed(c, name, party)
    if c.encounter is not None and name == c.encounter.name and speed is not None:
        speed = float(c.encounter.model.other.speed_mps[i])
    corners = _points_path(c, name, party)
    if corners is not None:
        return _pose(corners[0]), _xyz(corners), tuple(rounded(speed or 1.0) for _ in corners)
    backs = any(isinstance(b, Reverse) for b in party.spec.behaviour)
    if is_standing(party) or speed is None or backs:
        point = party.way.at(s, t)
        point[3] += party.yaw[i]
        return _pose(point), (), ()
    # Rolling actors are spawned where they are when the run starts, before the record window.
    spawn = s if _waits(party) else s - speed * c.warmup_s
    stations = _stations(spawn, party.way.ahead_m)
    points = party.way.at(stations, t)
    speeds = np.minimum(np.interp(stations, party.way.stations, bend_speeds(party.way)), speed)
    return _pose(points[0]), _xyz(points), tuple(rounded_all(speeds))


def _waits(party: Party) -> bool:
    """Whether an actor that will move stands first."""
    return any(step.do == "idle" for step in party.spec.behaviour[:1])


def _points_path(c: Candidate, name: str, party: Party) -> F64 | None:
    """The polyline of a `follow_path` at 1 m steps, from where the actor starts, if it has one."""
    for k, behaviour in enumerate(party.spec.behaviour):
        if not isinstance(behaviour, FollowPath):
            continue
        corners = [party.pose()[c.i]]
        for j, at in enumerate(behaviour.points):
            path = f"actors.{name}.behaviour.{k}.points.{j}"
            s = c.number(at.s, f"{path}.s")
            t = lane_t(c.spec, c.scene.site, at.lane, party.size[:, 1])[c.i]
            corners.append(c.scene.site.ego.at(s, t + c.number(at.t, f"{path}.t")))
        steps = [
            a + (b - a) * share
            for a, b in pairwise(corners)
            for share in np.linspace(0, 1, max(int(np.hypot(*(b - a)[:2])), 1), endpoint=False)
        ]
        path_points = np.array([*steps, corners[-1]])
        ahead = np.diff(path_points[:, :2], axis=0)
        path_points[:-1, 3] = np.arctan2(ahead[:, 1], ahead[:, 0])
        return path_points
    return None


def _line_of(c: Candidate, name: str, party: Party) -> Line:
    if c.encounter is not None and c.encounter.name == name and c.encounter.line is not None:
        return c.encounter.line
    return crossing_line(c.scene, c.values, name)


def _first_speed(c: Candidate, name: str, party: Party) -> float | None:
    for k, behaviour in enumerate(party.spec.behaviour):
        speed = getattr(behaviour, "speed", None)
        if speed is not None:
            return c.number(speed, f"actors.{name}.behaviour.{k}.speed")
    return None


def _stations(start: float, end: float) -> F64:
    count = max(2, int(np.floor(end - start)) + 1)
    return np.asarray(start + np.arange(count, dtype=np.float64))


def _pose(point: F64) -> Pose:
    yaw = float((point[3] + np.pi) % (2 * np.pi) - np.pi)
    return Pose(
        x_m=rounded(point[0]), y_m=rounded(point[1]), z_m=rounded(point[2]), yaw_rad=rounded(yaw)
    )


def _xyz(points: F64) -> tuple[tuple[float, float, float], ...]:
    return tuple(zip(*(rounded_all(points[:, axis]) for axis in range(3)), strict=True))


def _step(c: Candidate, name: str, path: str, number: int, behaviour: Behaviour) -> Step:
    args: dict[str, Scalar] = {}
    for field in type(behaviour).model_fields:
        value = getattr(behaviour, field)
        if field in _FRAME_FIELDS or value is None:
            continue
        key = field.rstrip("_")
        if isinstance(value, Reference | Distribution) or (
            isinstance(value, float) and key in {*_SUFFIX, "to"}
        ):
            key = "to_mps" if key == "to" else _SUFFIX.get(key, key)
            args[key] = rounded(c.number(value, f"{path}.{field.rstrip('_')}"))
        elif isinstance(value, bool | int | float | str):
            args[key] = value
    if isinstance(behaviour, CutIn):
        # As far as the middle of the ego's own path, which may keep off parked vehicles.
        args["shift_m"] = rounded(abs(float(c.scene.parties[name].t[c.i]) - c.scene.ego.shift_m))
    when = _trigger(c, name, f"{path}.when", behaviour.when)
    if isinstance(behaviour, CutIn) and when is None:
        gap = rounded(c.number(behaviour.gap, f"{path}.gap"))
        when = Trigger(kind="distance", a="ego", b=name, value=gap)
    meet = None
    if c.encounter is not None and (c.encounter.name, c.encounter.step) == (name, number):
        meet = concrete_meet(c, c.encounter)
    kind = str(behaviour.do)
    return Step(
        do=kind,
        label=behaviour.name or kind,
        when=when,
        until=_trigger(c, name, f"{path}.until", behaviour.until),
        args=args,
        meet=meet,
    )


def concrete_meet(c: Candidate, e: Encounter) -> Meet:
    """The solved encounter of the candidate; stations count along the ego's own path."""
    i, other = c.i, e.model.other
    arrival = float(c.scene.ego.arrival_s[i])
    offset, travel = float(e.model.offset_s[i]), float(other.travel_s[i])
    point = e.model.conflict[i]
    banded = e.meet.reveal_ttc is not None
    return Meet(
        actor=e.name,
        other="ego",
        conflict_x_m=rounded(point[0]),
        conflict_y_m=rounded(point[1]),
        reach_m=rounded(_reach(c, e)),
        other_station_m=rounded(float(c.scene.ego.conflict_m[i] - c.scene.ego.spawn_m[i])),
        distance_m=rounded(float(other.distance_m[i])),
        travel_time_s=rounded(travel),
        impact=rounded(float(e.impact[i])),
        offset_s=rounded(offset),
        reveal_low_s=rounded(float(e.low_s[i])) if banded else None,
        reveal_high_s=rounded(float(e.high_s[i])) if banded else None,
        resync=e.meet.resync,
        planned_start_s=rounded(arrival - offset - travel),
        planned_other_arrival_s=rounded(arrival),
        planned_actor_arrival_s=rounded(arrival - offset),
    )


def _reach(c: Candidate, e: Encounter) -> float:
    """From the actor's middle to the conflict when it arrives."""
    party = c.scene.parties[e.name]
    if isinstance(party.spec.behaviour[e.step], Reverse):
        return float(party.size[c.i, 0]) / 2
    return 0.0 if e.line is not None else float(arrival_reach(c.scene, party)[c.i])


def _trigger(c: Candidate, name: str, path: str, spec: TriggerSpec | None) -> Trigger | None:
    if spec is None:
        return None
    kind = next(iter(spec.model_fields_set))
    if kind in ("all", "any"):
        parts = getattr(spec, kind)
        found = [_trigger(c, name, f"{path}.{kind}.{j}", part) for j, part in enumerate(parts)]
        return Trigger(kind=kind, parts=tuple(t for t in found if t is not None))  # type: ignore[arg-type]  # one of the two
    if spec.time is not None:
        return Trigger(kind="time", value=rounded(c.number(spec.time, f"{path}.time")))
    if spec.after is not None:
        return Trigger(kind="after", a=name, label=spec.after)
    if spec.distance is not None:
        value = c.number(spec.distance.below, f"{path}.distance.below")
        a, b = spec.distance.between
        return Trigger(kind="distance", a=a, b=b, value=rounded(value))
    if spec.ttc is not None:
        value = c.number(spec.ttc.below, f"{path}.ttc.below")
        a, b = spec.ttc.between
        return Trigger(kind="ttc", a=a, b=b, value=rounded(value))
    return _place_trigger(c, name, path, spec)


def _place_trigger(c: Candidate, name: str, path: str, spec: TriggerSpec) -> Trigger:
    if spec.tta is not None:
        value = c.number(spec.tta.below, f"{path}.tta.below")
        station = _own_station(c, spec.tta.actor, spec.tta.to)
        return Trigger(
            kind="tta", a=spec.tta.actor, value=rounded(value), station_m=rounded(station)
        )
    if spec.signal is not None:
        site = c.scene.site
        light = site.ego_signal if spec.signal.of == "ego" else site.other_signal
        return Trigger(kind="signal", a=spec.signal.of, signal_id=light, state=spec.signal.state)
    if spec.position is not None:
        at = spec.position
        station = _own_station(c, at.actor, at.anchor) + c.number(at.s, f"{path}.position.s")
        return Trigger(kind="position", a=at.actor, station_m=rounded(station))
    assert spec.sync is not None
    value = c.number(spec.sync.below, f"{path}.sync.below")
    return Trigger(kind="sync", a=name, b=spec.sync.with_, value=rounded(value))


def _own_station(c: Candidate, actor: str, anchor: str) -> float:
    """Station of an anchor on the path of the ego or of a party."""
    if anchor == "start":
        return 0.0
    i = c.i
    if actor == "ego":
        at = c.scene.site.stop_line_s if anchor == "stop_line" else float(c.scene.ego.conflict_m[i])
        return at - float(c.scene.ego.spawn_m[i])
    party = c.scene.parties[actor]
    s = float(party.s[i])
    if c.encounter is not None and actor == c.encounter.name:
        s = float(c.encounter.model.other.station_m[i])
    speed = _first_speed(c, actor, party) or 0.0
    at = c.scene.site.other_stop_line_s if anchor == "stop_line" else 0.0
    return at - (s - speed * c.warmup_s)


def signals_of(c: Candidate) -> tuple[Signal, ...]:
    """Lights frozen so that the encounter can happen: the ego has green."""
    site = c.scene.site
    found: dict[str, Signal] = {}
    runs_red = any(isinstance(b, RunRedLight) for a in c.spec.actors.values() for b in a.behaviour)
    if site.ego_signal:
        found[site.ego_signal] = Signal(signal_id=site.ego_signal, state="green")
    if site.other_signal and site.other_signal != site.ego_signal:
        straight = c.spec.where.junction is not None and (
            c.spec.where.junction.conflict == "oncoming_straight"
        )
        found[site.other_signal] = Signal(
            signal_id=site.other_signal, state="green" if straight and not runs_red else "red"
        )
    return tuple(found[key] for key in sorted(found))


def weather_of(c: Candidate) -> Weather:
    """The weather of the candidate."""
    spec = c.spec.weather
    values: dict[str, float | str] = {}
    for field in type(spec).model_fields:
        value = getattr(spec, field)
        if value is None or field == "street_lights":
            continue
        if field == "preset":
            values[field] = c.values.text(value, "weather.preset")[c.i] or "ClearNoon"
        else:
            values[field] = rounded(c.number(value, f"weather.{field}"))
    yaw = float(c.scene.site.ego.at(0.0)[3])
    return resolve_weather(values, yaw)


def traffic_of(c: Candidate, seeds: tuple[int, int, int], radius_m: float = 120.0) -> Traffic:
    """Ambient traffic by density over the lanes around the conflict."""
    x, y = c.scene.site.ego.at(0.0)[:2]
    spec = c.spec.traffic
    lane_km, walk_km = (
        # Points are a metre apart.
        np.count_nonzero(np.hypot(points[:, 0] - x, points[:, 1] - y) < radius_m) / 1000
        for points in (c.index.points_of("driving"), c.index.points_of("sidewalk"))
    )
    return Traffic(
        vehicles=round(lane_km * c.number(spec.vehicles, "traffic.vehicles")),
        walkers=round(walk_km * c.number(spec.pedestrians, "traffic.pedestrians")),
        vehicle_seed=seeds[0],
        walker_seed=seeds[1],
        tm_seed=seeds[2],
        radius_m=radius_m,
        keep_clear_x_m=rounded(float(x)),
        keep_clear_y_m=rounded(float(y)),
        keep_clear_radius_m=rounded(c.number(spec.keep_clear, "traffic.keep_clear")),
        mix=_shares(spec.mix),
        walker_mix=_shares(spec.pedestrian_mix),
    )


def _shares(mix: Mix | None) -> dict[str, float] | None:
    """The weights that are not 0, to the sum of 1."""
    if mix is None:
        return None
    weights = {kind: weight for kind, weight in mix.model_dump().items() if weight > 0}
    return {kind: rounded(weight / sum(weights.values())) for kind, weight in weights.items()}


def checks_of(spec: ScenarioSpec) -> tuple[Check, ...]:
    """The scenario's expectations; parameters are looked up when they are judged."""
    return tuple(Check(check=e.check, on_fail=e.else_) for e in spec.expect)


def site_facts(c: Candidate) -> dict[str, Scalar | None]:
    """Where it takes place, for people."""
    site = c.scene.site
    return {
        "lane_id": c.index.text("lane_id", site.lane),
        "road": site.road,
        "station_m": rounded(site.station_m),
        "lane_width_m": rounded(site.lane_width_m),
        "speed_limit_mps": rounded(site.speed_limit_mps) or None,
        "ego_signal": site.ego_signal or None,
        "other_signal": site.other_signal or None,
    }
