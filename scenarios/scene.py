"""All actors of a draw on their site, a row a candidate: bodies, poses, ways, the ego's timing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenarios.catalogue import PROFILES, Body, pedestrian, vehicle
from scenarios.placement.query import carriageway_edge, parking_band
from scenarios.placement.sites import Site, Way
from scenarios.spec import Actor, At, CrossRoad, DartOut, FollowProp, Meet, ScenarioSpec, Turn
from scenarios.values import Values
from synthgen.errors import ConfigError

F64 = NDArray[np.float64]
Rng = Callable[[str], np.random.Generator]

APPROACH_DECEL = 2.0
LEAVE_ACCEL = 1.2
LATERAL_MPS2 = 3.0
TURN_ENTRY_M = 2.0
CLEARANCE_M = 0.6
KERB_INSET_M = 0.4
# The ego drives at least so long in the record window before it is at the conflict.
LEAST_ARRIVAL_S = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Party:
    """One actor, arrays (n,). On `way` at station `s` and `t` to its left, turned by `yaw`."""

    name: str
    spec: Actor
    bodies: tuple[Body, ...]
    way: Way
    way_name: str
    s: F64
    t: F64
    yaw: F64

    @property
    def size(self) -> F64:
        """(n, 3) full sizes."""
        return np.array([body.size_lwh_m for body in self.bodies])

    def pose(self) -> F64:
        """(n, 4): x, y, z, yaw in the world."""
        at = self.way.at(self.s, self.t)
        at[:, 3] += self.yaw
        return at

    def box(self) -> F64:
        """(n, 5): x, y, yaw, length, width."""
        pose, size = self.pose(), self.size
        return np.column_stack([pose[:, 0], pose[:, 1], pose[:, 3], size[:, 0], size[:, 1]])


@dataclass(frozen=True, eq=False, slots=True)
class EgoPlan:
    """The ego's way, wanted speeds (n, S) and where it is when the record window opens."""

    body: Body
    way: Way
    shift_m: float
    speeds_mps: F64
    station_m: F64
    spawn_m: F64
    conflict_m: F64
    arrival_s: F64
    fits: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """A draw on its site: the ego and the other parties by name, in order of placement."""

    site: Site
    ego: EgoPlan
    parties: dict[str, Party]


@lru_cache(maxsize=512)
def shifted(way: Way, t: float) -> Way:
    """The way moved sideways, left positive; stations stay those of the original."""
    if t == 0.0:
        return way
    return Way(way.at(way.stations, t), way.stations)


def reversed_way(way: Way) -> Way:
    """The same way driven the other way round, station 0 at the same point."""
    points = way.points[::-1].copy()
    points[:, 3] += np.pi
    return Way(points, -way.stations[::-1])


def ego_shift(spec: ScenarioSpec, site: Site, width_m: float) -> float:
    """How far left of the lane's middle the ego keeps, so that it clears vehicles at the kerb."""
    shift = 0.0
    for actor in spec.actors.values():
        if actor.at.lane not in ("parking_right", "kerb_right") or actor.kind in (
            "pedestrian",
            "prop",
        ):
            continue
        band = parking_band(site, spec.where, "right")
        if band is not None and band.kind == "kerb":
            shift = max(shift, band.left_m + CLEARANCE_M + width_m / 2)
    room = site.lane_width_m / 2 + 0.3 - width_m / 2
    return min(shift, max(room, 0.0)) if shift else 0.0


def plan_ego(
    spec: ScenarioSpec,
    site: Site,
    values: Values,
    *,
    duration_s: float,
    warmup_s: float,
    crossing_s: F64,
) -> EgoPlan:
    """The ego's timing: it would be at the conflict at `record.conflict_at` of the window.

    Args:
        spec: The scenario.
        site: Where.
        values: Candidates.
        duration_s: Record window.
        warmup_s: Driven before the record window.
        crossing_s: (n,) station of the other's line across the ego's way.
    """
    model = values.text(spec.ego.model, "ego.model")[0] or "vehicle.lincoln.mkz_2020"
    body = vehicle("car", model, np.random.default_rng(0))
    shift = ego_shift(spec, site, body.size_lwh_m[1])
    way = shifted(site.ego, shift)
    speeds = ego_speeds(spec, site, values, way)
    conflict = crossing_s - body.size_lwh_m[0] / 2
    share = values.number(spec.record.conflict_at, "record.conflict_at")
    clock = np.cumsum(1.0 / speeds, axis=1)
    at_conflict = looked_up(conflict, way.stations, clock)
    arrival = np.minimum(share * duration_s, (at_conflict - clock[:, 0]) - warmup_s)
    first = looked_up(at_conflict - arrival, clock, way.stations)
    spawn = looked_up(looked_up(first, way.stations, clock) - warmup_s, clock, way.stations)
    return EgoPlan(
        body, way, shift, speeds, first, spawn, conflict, arrival, arrival >= LEAST_ARRIVAL_S
    )


def looked_up(x: F64, xp: F64, fp: F64) -> F64:
    """(n,) what `np.interp(x[i], xp[i], fp[i])` gives for each i.

    Args:
        x: (n,) float64.
        xp: (n, S) ascending, or (S,) for all alike.
        fp: (n, S), or (S,) for all alike.
    """
    shape, rows = (len(x), xp.shape[-1]), np.arange(len(x))
    xp, fp = np.broadcast_to(xp, shape), np.broadcast_to(fp, shape)
    before = np.clip((xp <= x[:, None]).sum(axis=1) - 1, 0, shape[1] - 2)
    x0, f0 = xp[rows, before], fp[rows, before]
    slope = (fp[rows, before + 1] - f0) / (xp[rows, before + 1] - x0)
    inside = np.where(x >= xp[:, -1], fp[:, -1], slope * (x - x0) + f0)
    return np.where(x < xp[:, 0], fp[:, 0], inside)


@lru_cache(maxsize=512)
def bend_speeds(way: Way) -> F64:
    """(S,) fastest speed at each station that keeps lateral acceleration low in every bend.

    Room to brake before a bend and to pick up speed after it is allowed for.
    """
    corner = LATERAL_MPS2 / np.maximum(_curvature(way), 1e-6)
    # min over j >= i of corner[j] + 2 a (s[j] - s[i]), for all i in one sweep; and backwards.
    brake, leave = 2 * APPROACH_DECEL * way.stations, 2 * LEAVE_ACCEL * way.stations
    before = np.minimum.accumulate((corner + brake)[::-1])[::-1] - brake
    after = np.minimum.accumulate(corner - leave) + leave
    limit: F64 = np.sqrt(np.minimum(before, after))
    return limit


def _curvature(way: Way) -> F64:
    yaw = np.convolve(np.pad(way.points[:, 3], 2, mode="edge"), np.ones(5) / 5, mode="valid")
    bend: F64 = np.abs(np.gradient(yaw))
    return bend


def ego_speeds(spec: ScenarioSpec, site: Site, values: Values, way: Way) -> F64:
    """(n, S) the speed the ego wants at each station of its way."""
    speeds = np.full((values.n, len(way.stations)), np.inf)
    for i, step in enumerate(spec.ego.behaviour):
        speed = getattr(step, "speed", None)
        if speed is None:
            continue
        wanted = values.number(speed, f"ego.behaviour.{i}.speed")[:, None]
        if isinstance(step, Turn):
            entry, leave = site.stop_line_s - TURN_ENTRY_M, site.exit_s
            before = np.maximum(entry - way.stations, 0.0)[None]
            after = np.maximum(way.stations - leave, 0.0)[None]
            speeds = np.minimum(
                speeds,
                np.sqrt(wanted**2 + 2 * APPROACH_DECEL * before + 2 * LEAVE_ACCEL * after),
            )
        else:
            speeds = np.minimum(speeds, wanted)
    if not np.isfinite(speeds).all():
        raise ConfigError(f"{spec.name}: ego.behaviour: no behaviour gives the ego a speed")
    return np.asarray(np.maximum(np.minimum(speeds, bend_speeds(way)), 0.5))


def meet_of(spec: ScenarioSpec) -> tuple[str, int, Meet] | None:
    """The encounter with the ego: actor name, behaviour number, meet; the first one counts."""
    for name, actor in spec.actors.items():
        for i, step in enumerate(actor.behaviour):
            meet = getattr(step, "meet", None)
            if isinstance(meet, Meet) and meet.with_ == "ego":
                return name, i, meet
    return None


def bodies_of(name: str, actor: Actor, values: Values, rng: Rng) -> tuple[Body, ...]:
    """A body for every candidate; equal choices give the same body within a draw."""
    path = f"actors.{name}"
    chosen: dict[str | None, Body] = {}
    if actor.kind == "pedestrian":
        wanted = [profile or "adult" for profile in values.text(actor.profile, f"{path}.profile")]
        for profile in dict.fromkeys(wanted):
            if profile not in PROFILES:
                raise ConfigError(
                    f"{path}.profile: {profile!r} is unknown; known: {', '.join(PROFILES)}"
                )
            chosen[profile] = pedestrian(profile, rng(f"{path}.body.{profile}"))
        return tuple(chosen[profile] for profile in wanted)
    models = values.text(actor.model, f"{path}.model")
    for model in dict.fromkeys(models):
        chosen[model] = vehicle(actor.kind, model, rng(f"{path}.body"))
    return tuple(chosen[model] for model in models)


def lane_t(spec: ScenarioSpec, site: Site, lane: str | None, width: F64) -> F64:
    """(n,) t of an actor of that width in a named lane of the site."""
    if lane is None or lane == "ego":
        return np.zeros(len(width))
    word = "right" if lane.endswith("_right") else "left"
    side = -1.0 if word == "right" else 1.0
    if lane.startswith("parking_"):
        band = parking_band(site, spec.where, word)
        if band is None:
            raise ConfigError(f"{spec.name}: no place to park on the {word} of lane {site.lane}")
        return np.full(len(width), band.t_m)
    if lane.startswith("kerb_") or lane == "crosswalk":
        return np.full(len(width), _kerb(spec, site, "right" if lane == "crosswalk" else word))
    band = site.bands.get(lane) or site.bands.get(lane.replace("sidewalk", "shoulder"))
    if band is None:
        raise ConfigError(f"{spec.name}: lane {site.lane} has no {lane}")
    if lane.startswith("sidewalk_"):
        # Near the road, where pavements are walked on the way across.
        return np.full(len(width), side * (abs(band.t_m) - band.width_m / 2 + 0.6))
    return np.full(len(width), band.t_m)


def _kerb(spec: ScenarioSpec, site: Site, word: str) -> float:
    """T of someone about to step off: just inside the outer edge of the parked row or the road."""
    side = -1.0 if word == "right" else 1.0
    band = parking_band(site, spec.where, word)
    edge = carriageway_edge(site.bands.values(), side)
    return side * ((abs(band.t_m) + band.width_m / 2 if band else edge) - KERB_INSET_M)


def place(
    spec: ScenarioSpec, site: Site, values: Values, rng: Rng, ego: EgoPlan, crossing_s: F64
) -> Scene:
    """Every actor of the scenario on the site.

    Raises:
        ConfigError: Anchors go in a circle, or the site lacks a named lane.
    """
    parties: dict[str, Party] = {}
    waiting = dict(spec.actors)
    while waiting:
        ready = [n for n, a in waiting.items() if a.at.anchor not in waiting or a.at.anchor == n]
        ready = [n for n in ready if spec.actors[n].at.anchor != n]
        if not ready:
            raise ConfigError(f"{spec.name}: at.anchor goes in a circle: {', '.join(waiting)}")
        name = ready[0]
        actor = waiting.pop(name)
        bodies = bodies_of(name, actor, values, rng)
        parties[name] = _placed(spec, site, values, ego, crossing_s, parties, name, actor, bodies)
    return Scene(site, ego, parties)


def _placed(
    spec: ScenarioSpec, site: Site, values: Values, ego: EgoPlan, crossing_s: F64,
    parties: dict[str, Party], name: str, actor: Actor, bodies: tuple[Body, ...],
) -> Party:  # fmt: skip
    at, path = actor.at, f"actors.{name}.at"
    size = np.array([body.size_lwh_m for body in bodies])
    heading = values.number(at.heading, f"{path}.heading")
    if at.arm is not None:
        return _on_arm(spec, site, values, path, name, actor, bodies)
    t = lane_t(spec, site, at.lane, size[:, 1])
    if at.t is not None:
        t = t + values.number(at.t, f"{path}.t")
    if at.clearance is not None:
        t = _beside(ego, values.number(at.clearance, f"{path}.clearance"), size[:, 1])
    s = _station(site, values, at, path, ego, crossing_s, parties, size[:, 0])
    s = s - _lean(values, name, actor, t, impact_t(values, name, actor, ego))
    turned = bool((np.abs(np.abs(heading) - np.pi) < 1e-6).all())
    heading = heading - np.pi if turned else heading
    if (at.lane == "opposite") != turned:
        return Party(name, actor, bodies, reversed_way(site.ego), "reverse", -s, -t, heading)
    return Party(name, actor, bodies, site.ego, "ego", s, t, heading)


def _beside(ego: EgoPlan, clearance_m: F64, width_m: F64) -> F64:
    """(n,) t of an actor whose left side is that far from the right side of the passing ego."""
    return np.asarray(ego.shift_m - ego.body.size_lwh_m[1] / 2 - clearance_m - width_m / 2)


def crossing_step(actor: Actor) -> int | None:
    """Number of the step in which the actor walks or rolls across the road on a line."""
    for i, step in enumerate(actor.behaviour):
        if isinstance(step, CrossRoad | DartOut | FollowProp):
            return i
    return None


def impact_t(values: Values, name: str, actor: Actor, ego: EgoPlan) -> F64:
    """(n,) t on the site's way at which the actor would meet the ego: `impact` of its width."""
    width = ego.body.size_lwh_m[1]
    for i, step in enumerate(actor.behaviour):
        meet = getattr(step, "meet", None)
        if isinstance(meet, Meet):
            impact = values.number(meet.impact, f"actors.{name}.behaviour.{i}.meet.impact")
            return np.asarray(ego.shift_m + (impact - 0.5) * width)
    return np.full(values.n, ego.shift_m)


def _lean(values: Values, name: str, actor: Actor, t: F64, target_t: F64) -> F64:
    """(n,) how much before the crossing line's foot a slanting line begins."""
    i = crossing_step(actor)
    if i is None:
        return np.zeros(values.n)
    step = actor.behaviour[i]
    assert isinstance(step, CrossRoad | DartOut | FollowProp)
    angle = values.number(step.angle, f"actors.{name}.behaviour.{i}.angle")
    return np.asarray(np.abs(target_t - t) * np.tan(angle))


def _station(
    site: Site, values: Values, at: At, path: str, ego: EgoPlan, crossing_s: F64,
    parties: dict[str, Party], length: F64,
) -> F64:  # fmt: skip
    if at.anchor in parties:
        party = parties[at.anchor]
        anchor = party.s if party.way_name != "reverse" else -party.s
        half = np.where(
            [b.category == "pedestrian" for b in party.bodies], 0.0, party.size[:, 0] / 2
        )
    else:
        anchors = {"conflict": crossing_s, "walker": crossing_s, "ego": ego.station_m}
        stop = np.full(values.n, site.stop_line_s)
        anchor = anchors.get(at.anchor, stop)
        half = np.full(values.n, ego.body.size_lwh_m[0] / 2 if at.anchor == "ego" else 0.0)
    if at.gap is not None:
        distance = values.number(at.gap, f"{path}.gap") + half + length / 2
        return np.asarray(anchor + (distance if at.side == "after" else -distance))
    return np.asarray(anchor + values.number(at.s, f"{path}.s"))


def _on_arm(
    spec: ScenarioSpec, site: Site, values: Values, path: str, name: str, actor: Actor,
    bodies: tuple[Body, ...],
) -> Party:  # fmt: skip
    """On another arm of the junction: `s` counts back from the anchor, against the way driven."""
    if site.other is None:
        raise ConfigError(f"{spec.name}: {path}.arm: the site has no crossing way")
    at = actor.at
    back = values.number(at.s, f"{path}.s")
    anchor = (
        site.other_stop_line_s - 0.5 * bodies[0].size_lwh_m[0] if at.anchor == "stop_line" else 0.0
    )
    side = {"left": 3.5, "right": -3.5}.get(at.lane or "", 0.0)
    t = np.full(values.n, side) + values.number(at.t, f"{path}.t")
    heading = values.number(at.heading, f"{path}.heading")
    return Party(name, actor, bodies, site.other, "other", anchor - back, t, heading)
