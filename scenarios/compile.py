"""From a scenario and a map to one concrete draw: sample, place, solve, pre-screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenarios.advice import refusal
from scenarios.concrete import ConcreteScenario
from scenarios.concretise import (
    Candidate,
    checks_of,
    ego_actor,
    party_actors,
    rounded,
    signals_of,
    site_facts,
    traffic_of,
    weather_of,
)
from scenarios.encounter import Encounter, screen, solve
from scenarios.following import follow_model, leader_of, screen_following
from scenarios.placement.map_index import MapIndex
from scenarios.placement.query import Needs, choose_site, crosswalk_station, find_sites
from scenarios.placement.sites import Site
from scenarios.sampling import spread_uniforms
from scenarios.scene import LEAST_ARRIVAL_S, Scene, meet_of, place, plan_ego
from scenarios.spec import CutIn, ScenarioSpec, Weather
from scenarios.surrogate import Calibration
from scenarios.usual_trigger import with_usual_trigger
from scenarios.values import Values, draw_values, satisfied
from synthgen.datatypes.seeds import rng_for, seed_for
from synthgen.datatypes.strict_yaml import Marks, validate
from synthgen.errors import ConfigError, ScenarioRejected

F64 = NDArray[np.float64]
BATCH = 16


@dataclass(frozen=True, slots=True)
class Slot:
    """Which draw of which slot, and its random streams."""

    scenario: str
    root_seed: int
    k: int
    draw: int

    def rng(self, stream: str) -> np.random.Generator:
        """A fresh generator of a named stream."""
        return rng_for(self.root_seed, self.scenario, self.k, self.draw, stream)

    def seed(self, stream: str) -> int:
        """A uint32 seed of a named stream."""
        return seed_for(self.root_seed, self.scenario, self.k, self.draw, stream)

    def uniforms(self, stream: str, n: int) -> F64:
        """(n,) uniform numbers of a named stream."""
        return self.rng(stream).random(n)


def compile_draw(
    spec: ScenarioSpec,
    *,
    index: MapIndex,
    root_seed: int,
    k: int,
    draw: int,
    tick_s: float = 0.05,
    duration_s: float | None = None,
    overrides: Mapping[str, object] | None = None,
    calibration: Calibration | None = None,
    prescreen: bool = True,
) -> ConcreteScenario:
    """Draw number `draw` of slot (`spec.name`, `k`) on one map, ready to run.

    Args:
        spec: The scenario.
        index: The map.
        root_seed: The campaign's one seed.
        k: Slot number within the scenario.
        draw: Attempt number, from 0.
        tick_s: Simulation tick.
        duration_s: Length of the record window; None takes the scenario's own.
        overrides: `{"weather": {...}}` replaces the weather block, `{"ego_model": id}` the ego's
            model, `{"params": {name: value}}` pins parameters (as written in YAML),
            `{"calibration": {...}}` holds the fields of a `Calibration`; nothing else changes with
            them. `{"scene": n}` draws what slot n draws.
        calibration: How real runs differ from planned ones; None takes the defaults.
        prescreen: False takes the first candidate that keeps the constraints.

    Raises:
        ScenarioRejected: No candidate of this draw passes the pre-screen; take the next draw.
        ConfigError: The map has no site for this scenario at all; names the query and nearest miss.
    """
    spec = with_weather(spec, (overrides or {}).get("weather"))
    spec = with_ego(spec, (overrides or {}).get("ego_model"))
    pinned = (overrides or {}).get("params")
    fitted = (overrides or {}).get("calibration")
    if isinstance(fitted, Mapping):
        calibration = Calibration(**fitted)
    k = int(str((overrides or {}).get("scene", k)))
    slot = Slot(spec.name, root_seed, k, draw)
    duration = duration_s if duration_s is not None else _fixed(spec, "duration")
    warmup = round(_fixed(spec, "warmup") / tick_s) * tick_s
    site = choose_site(sites_for(spec, index), slot.rng("placement"))
    uniforms = spread_uniforms(spec, root_seed, k, slot.uniforms)
    values = draw_values(
        spec, spec.sampling.budget, uniforms, pinned if isinstance(pinned, Mapping) else None
    )
    rows = np.flatnonzero(satisfied(spec, values))
    if not len(rows):
        raise ScenarioRejected(
            f"{spec.name}: constraints: none of {values.n} candidates keeps them"
        )
    crosswalk_s = crosswalk_station(index, site) if _on_crosswalk(spec) else 0.0
    against: Counter[str] = Counter()
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        batch = values.take(some)
        scene, encounter = build(spec, site, batch, slot, duration, warmup, crosswalk_s)
        passed, reasons = _pick(spec, scene, encounter, calibration, prescreen, batch, duration)
        against += reasons
        if passed.any():
            i = _diverse(np.flatnonzero(passed), encounter, k)
            chosen = Candidate(spec, index, scene, batch, i, encounter, duration, warmup)
            return _write(chosen, slot, tick_s, int(some[i]))
    raise ScenarioRejected(
        f"{spec.name}: pre-screen: none of {len(rows)} candidates passes: {refusal(against)}"
    )


def sites_for(spec: ScenarioSpec, index: MapIndex) -> list[Site]:
    """The scenario's sites on a map; found once per scenario and map.

    Raises:
        ConfigError: There is none.
    """
    try:
        return _sites(index, spec.where, _needs(spec))
    except ConfigError as err:
        raise ConfigError(f"{spec.name}: {err}") from err


_sites = lru_cache(maxsize=128)(find_sites)


def _on_crosswalk(spec: ScenarioSpec) -> bool:
    found = meet_of(spec)
    return found is not None and found[2].at == "crosswalk"


def _needs(spec: ScenarioSpec) -> Needs:
    lanes = {a.at.lane for a in spec.actors.values() if a.at.lane and a.at.arm is None}
    for actor in spec.actors.values():
        lanes |= {step.from_ for step in actor.behaviour if isinstance(step, CutIn)}
    approach = spec.ego.approach if isinstance(spec.ego.approach, int | float) else 70.0
    return Needs(frozenset(lanes), float(approach))


def build(
    spec: ScenarioSpec, site: Site, values: Values, slot: Slot, duration_s: float,
    warmup_s: float, crosswalk_s: float = 0.0,
) -> tuple[Scene, Encounter | None]:  # fmt: skip
    """The scene and the solved encounter of all candidates on a site.

    `crosswalk_s` is where the ways cross along the ego's way, 0 unless on a marked crosswalk.
    """
    crossing = np.full(values.n, crosswalk_s)
    ego = plan_ego(
        spec, site, values, duration_s=duration_s, warmup_s=warmup_s, crossing_s=crossing
    )
    scene = place(spec, site, values, slot.rng, ego, crossing)
    found = meet_of(spec)
    if found is None:
        return scene, None
    return scene, solve(spec, scene, values, found, duration_s)


def _diverse(passed: NDArray[np.int64], encounter: Encounter | None, k: int) -> int:
    """The candidate to take: slots are given kinds of encounter in turn, so that none rules.

    Kinds are who is first at the conflict, and how late the other comes into sight; a kind that no
    candidate has falls back to the first that passed.
    """
    if encounter is None:
        return int(passed[0])
    first = encounter.model.offset_s[passed] > 0
    pace = encounter.model.other.speed_mps[passed]
    quick = pace > np.median(encounter.model.other.speed_mps)
    kind = 2 * first.astype(int) + quick.astype(int)
    wanted = np.flatnonzero(kind == k % 4)
    return int(passed[wanted[0]] if len(wanted) else passed[0])


def _pick(
    spec: ScenarioSpec,
    scene: Scene,
    encounter: Encounter | None,
    calibration: Calibration | None,
    prescreen: bool,
    values: Values,
    duration_s: float,
) -> tuple[NDArray[np.bool_], Counter[str]]:
    fits = scene.ego.fits.copy()
    reasons: Counter[str] = Counter()
    share = values.number(spec.record.conflict_at, "record.conflict_at")
    early = share * duration_s < LEAST_ARRIVAL_S
    if early.any():
        reasons["window_too_short"] = int(early.sum())
    if (~fits & ~early).any():
        reasons["approach_too_short"] = int((~fits & ~early).sum())
    target = spec.sampling.target
    usual = spec.sampling.method == "usual_trigger"
    if not fits.any() or not prescreen or usual or target in ("any", "natural"):
        return fits, reasons
    if encounter is None:
        leader = leader_of(spec)
        if leader is None or target != "near_miss":
            return fits, reasons
        model = follow_model(spec, scene, values, leader, duration_s)
        passed, missed = screen_following(model, calibration or Calibration(), fits)
        return passed, reasons + Counter(missed)
    late = scene.ego.arrival_s - encounter.model.offset_s - encounter.model.other.travel_s < 0.2
    if not encounter.model.other.rolls and (fits & late).any():
        reasons["starts_before_record"] = int((fits & late).sum())
        fits &= ~late
    if not fits.any():
        return fits, reasons
    passed, why, _ = screen(encounter, target, calibration or Calibration(), fits)
    return passed, reasons + why


def _write(c: Candidate, slot: Slot, tick_s: float, number: int) -> ConcreteScenario:
    spec = c.spec
    written = ConcreteScenario(
        name=spec.name,
        k=slot.k,
        draw=slot.draw,
        root_seed=slot.root_seed,
        candidate=number,
        family="following" if c.encounter is None else "crossing",
        description=spec.description,
        tags=spec.tags,
        map_name=c.index.name,
        map_sha256=c.index.sha256,
        site=site_facts(c),
        parameters=c.values.plain(c.i),
        tick_s=tick_s,
        warmup_ticks=round(c.warmup_s / tick_s),
        duration_ticks=round(c.duration_s / tick_s),
        rig=spec.ego.rig,
        weather=weather_of(c),
        street_lights=spec.weather.street_lights,
        actors=(ego_actor(c), *party_actors(c)),
        traffic=traffic_of(c, (slot.seed("traffic"), slot.seed("walkers"), slot.seed("tm"))),
        signals=signals_of(c),
        expect=checks_of(spec),
        forecast={"arrival_s": rounded(float(c.scene.ego.arrival_s[c.i]))},
    )
    return with_usual_trigger(written) if spec.sampling.method == "usual_trigger" else written


def with_weather(spec: ScenarioSpec, weather: object) -> ScenarioSpec:
    """The scenario with another weather block, as written in a generation config."""
    if weather is None:
        return spec
    if isinstance(weather, str):
        weather = {"preset": weather}
    if not isinstance(weather, dict):
        raise ConfigError(f"{spec.name}: weather: expected a preset's name or a weather block")
    block = validate(weather, Marks(f"{spec.name}: weather", {}, {}), Weather)
    return spec.model_copy(update={"weather": block})


def with_ego(spec: ScenarioSpec, model: object) -> ScenarioSpec:
    """The scenario with another model of the ego, a blueprint's id."""
    if model is None:
        return spec
    return spec.model_copy(update={"ego": spec.ego.model_copy(update={"model": str(model)})})


def _fixed(spec: ScenarioSpec, name: str) -> float:
    value = getattr(spec, name)
    if not isinstance(value, int | float):
        raise ConfigError(f"{spec.name}: {name} must be one value, not a distribution")
    return float(value)
