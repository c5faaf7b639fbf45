"""Did the edge case really happen? A finished run against the scenario's expectations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scenarios.concrete import ConcreteScenario
from scenarios.expressions import CHECK_FUNCTIONS, Value, evaluate, names_in, parse_expression
from scenarios.metrics import ActorTrack, Collision, Metrics, RunRecord

__all__ = ["ActorTrack", "Collision", "RunRecord", "Verdict", "is_hit", "verify"]

OFF_PATH_M = 2.0
HIT_TTC_S, HIT_PET_S, HIT_FRAMES = 1.5, 1.0, 10
FOLLOW_THW_S, FOLLOW_TTC_S = 0.8, 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Verdict:
    """Whether a clip counts, why not (`reasons`), what to know about it (`flags`), its numbers."""

    accepted: bool
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    metrics: Mapping[str, float]


def verify(concrete: ConcreteScenario, run: RunRecord) -> Verdict:
    """Judge a finished run.

    Reasons: `never_started: <actor>`, `ego_off_path`, `ambient_interference`, or `expect: <check>`.
    Flags: failed checks that only flag, `kinematic: <actor>` for a walker that hung at a kerb, and
    `miss: <why>` for a run that is no hit by the one rule of `is_hit`.
    """
    metrics = Metrics(concrete, run)
    reasons = _broken(concrete, metrics)
    flags = [f"kinematic: {e.actor}" for e in run.events if e.kind == "kinematic"]
    if not any(reason.startswith("never_started") for reason in reasons):
        for check in concrete.expect:
            if not holds(check.check, concrete, metrics):
                (reasons if check.on_fail == "reject" else flags).append(f"expect: {check.check}")
    hit, miss = is_hit(concrete, metrics)
    if not hit:
        flags.append(f"miss: {miss}")
    found = numbers_of(concrete, metrics) | {"hit": float(hit)}
    numbers = {k: v for k, v in sorted(found.items()) if math.isfinite(v)}
    return Verdict(not reasons, tuple(reasons), tuple(flags), numbers)


def _broken(concrete: ConcreteScenario, metrics: Metrics) -> list[str]:
    """What went wrong with the run itself, whatever the scenario expects."""
    reasons = []
    for actor in concrete.actors:
        if actor.role == "critical" and not metrics.started(actor.name):
            reasons.append(f"never_started: {actor.name}")
    if metrics.ego_deviation_m() > OFF_PATH_M:
        reasons.append("ego_off_path")
    scripted = {actor.name for actor in concrete.actors}
    if any(c.actor == "ego" and c.other not in scripted for c in metrics.run.collisions):
        reasons.append("ambient_interference")
    return reasons


def holds(check: str, concrete: ConcreteScenario, metrics: Metrics) -> bool:
    """Whether one expectation is true of a run."""
    tree = parse_expression(check, CHECK_FUNCTIONS)
    names: dict[str, Value] = {name: name for name in names_in(tree)}
    names |= {k: v for k, v in concrete.parameters.items() if k in names}
    functions: dict[str, Callable[..., Value]] = {
        name: getattr(metrics, name) for name in CHECK_FUNCTIONS
    }
    return bool(evaluate(tree, names, functions))


def numbers_of(concrete: ConcreteScenario, metrics: Metrics) -> dict[str, float]:
    """The run's numbers: `<actor>.<measure>` for every critical actor, units in the names."""
    found: dict[str, float] = {"ego.deviation_m": metrics.ego_deviation_m()}
    for actor in concrete.actors:
        if actor.role != "critical":
            continue
        name = actor.name
        found |= {
            f"{name}.min_ttc_s": metrics.min_ttc("ego", name),
            f"{name}.min_thw_s": metrics.min_thw("ego", name),
            f"{name}.pet_s": metrics.pet("ego", name),
            f"{name}.drac_mps2": metrics.drac("ego", name),
            f"{name}.min_gap_m": metrics.min_gap("ego", name),
            f"{name}.visible_frames": float(metrics.visible_frames(name)),
            f"{name}.first_visible_ttc_s": metrics.first_visible_ttc(name),
            f"{name}.in_ego_lane": float(metrics.in_ego_lane(name)),
            f"{name}.started": float(metrics.started(name)),
        }
    meet = concrete.meet
    if meet is not None:
        found["offset_error_s"] = metrics.offset_error_s()
        start = metrics.start_tick(meet.actor)
        if start is not None:
            found[f"{meet.actor}.start_s"] = start * metrics.run.tick_s
            found |= metrics.residuals(start)
    return found


def is_hit(concrete: ConcreteScenario, metrics: Metrics) -> tuple[bool, str]:
    """The one rule by which all scenarios are compared, whatever each expects; and why not.

    Crossing: the actor entered the ego's lane, min TTC < 1.5 s or PET < 1.0 s, at least 10 visible
    frames, reveal inside its band, no contact. Following: min THW < 0.8 s or min TTC < 2.0 s with
    the manoeuvre done, no contact.
    """
    name = next((a.name for a in concrete.actors if a.role == "critical"), None)
    if name is None or not metrics.started(name):
        return False, "never_started"
    if concrete.family == "following":
        close = metrics.min_thw("ego", name) < FOLLOW_THW_S
        close = close or metrics.min_ttc("ego", name) < FOLLOW_TTC_S
        checks = {"too_mild": close}
    else:
        close = metrics.min_ttc("ego", name) < HIT_TTC_S or metrics.pet("ego", name) < HIT_PET_S
        checks = {
            "never_entered": metrics.in_ego_lane(name),
            "too_mild": close,
            "reveal_outside_band": _reveal_in_band(concrete, metrics, name),
        }
    checks["not_visible"] = metrics.visible_frames(name) >= HIT_FRAMES
    checks["contact"] = not metrics.collided("ego")
    missed = [reason for reason, held in checks.items() if not held]
    return not missed, missed[0] if missed else ""


def _reveal_in_band(concrete: ConcreteScenario, metrics: Metrics, name: str) -> bool:
    meet = concrete.meet
    if meet is None or meet.reveal_low_s is None or meet.reveal_high_s is None:
        return True
    return meet.reveal_low_s <= metrics.first_visible_ttc(name) <= meet.reveal_high_s
