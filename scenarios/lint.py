"""What is odd about a scenario that keeps the schema: names of nobody, units that do not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from scenarios.catalogue import PROFILES, SIZES
from scenarios.distributions import Distribution, Reference, Text
from scenarios.expressions import (
    CHECK_FUNCTIONS,
    CONSTRAINT_FUNCTIONS,
    actors_in,
    names_in,
    parse_expression,
)
from scenarios.spec import (
    Behaviour,
    FollowPath,
    FollowProp,
    Meet,
    ScenarioSpec,
    Trigger,
    quantities,
)
from scenarios.weather import PRESETS
from scenarios.within import bounded_references
from synthgen.datatypes.strict_yaml import Mark, Marks, NodePath

_ON_A_LINE = ("cross_road", "dart_out", "follow_prop")
_PLACES = frozenset({"conflict", "ego", "stop_line", "walker"})


@dataclass(frozen=True, slots=True)
class Lint:
    """Something a scenario's author should look at; `is_error` refuses the file."""

    mark: Mark
    message: str
    is_error: bool

    def __str__(self) -> str:
        return f"{self.mark}: {'' if self.is_error else 'warning: '}{self.message}"


def lints_of(spec: ScenarioSpec, marks: Marks) -> list[Lint]:
    """All that is odd about a scenario, in the order of the file."""
    lints = [
        *_references(spec, marks),
        *_expressions(spec, marks),
        *_actors(spec, marks),
        *_named_things(spec, marks),
        *_not_modelled(marks, ("ego",), spec.ego.behaviour),
    ]
    return sorted(lints, key=lambda x: (x.mark.file, x.mark.line, x.mark.column))


def _references(spec: ScenarioSpec, marks: Marks) -> list[Lint]:
    known = ", ".join(spec.params) or "none"
    lints: list[Lint] = []
    used: set[str] = set()
    for path, value in quantities(spec):
        if not isinstance(value, Reference):
            continue
        used.add(value.name)
        if value.name not in spec.params:
            text = f"${value.name} is not a parameter; known: {known}"
            lints.append(Lint(marks.at(path), text, True))
    for text in spec.constraints:
        used |= names_in(parse_expression(text, CONSTRAINT_FUNCTIONS))
    for check in spec.expect:
        used |= names_in(parse_expression(check.check, CHECK_FUNCTIONS))
    for name in spec.params:
        if name not in used:
            mark = marks.at(("params", name), key=True)
            lints.append(Lint(mark, f"params.{name}: parameter is never used", False))
    return [*lints, *_dimensions(spec, marks), *_out_of_bounds(spec, marks)]


def _out_of_bounds(spec: ScenarioSpec, marks: Marks) -> Iterator[Lint]:
    """A parameter must keep the bounds of the fields it stands in."""
    for path, name, within in bounded_references(spec):
        given = spec.params.get(name)
        if given is None or given.dimension == "text":
            continue
        try:
            within.check(given)
        except ValueError as err:
            yield Lint(marks.at(path), f"{dotted(path)}: ${name}: {err}", True)


def _dimensions(spec: ScenarioSpec, marks: Marks) -> list[Lint]:
    """A parameter must have the dimension of the field it stands in."""
    lints = []
    for path, value in quantities(spec):
        if not isinstance(value, Reference) or value.name not in spec.params:
            continue
        found = spec.params[value.name].dimension
        wanted = _wanted_dimension(spec, path)
        if wanted is not None and wanted != found:
            text = f"{dotted(path)}: expected a {wanted}, ${value.name} is a {found}"
            lints.append(Lint(marks.at(path), text, True))
    return lints


_FIELD_DIMENSION = {
    "speed": "speed", "rel_speed": "speed", "lateral_speed": "speed", "to": "speed",
    "angle": "angle", "heading": "angle", "sun_altitude": "angle", "sun_azimuth": "angle",
    "accel": "acceleration", "decel": "acceleration", "gap": "length", "s": "length", "t": "length",
    "clearance": "length",
    "offset": "time", "duration": "time", "delay": "time", "critical_gap": "time",
    "impact": "ratio",
    "rain": "ratio", "fog": "ratio", "wetness": "ratio", "cloud": "ratio", "wind": "ratio",
    "model": "text", "profile": "text", "preset": "text", "colour": "text", "approach": "length",
    "distance": "length",
}  # fmt: skip


def _wanted_dimension(spec: ScenarioSpec, path: NodePath) -> str | None:
    last = path[-1]
    if last == "offset" and "meet" not in path:
        return "length"
    return _FIELD_DIMENSION.get(last) if isinstance(last, str) else None


def _expressions(spec: ScenarioSpec, marks: Marks) -> list[Lint]:
    lints = []
    actors = {"ego", *spec.actors}
    for i, text in enumerate(spec.constraints):
        for name in sorted(
            names_in(parse_expression(text, CONSTRAINT_FUNCTIONS)) - set(spec.params)
        ):
            message = f"constraints.{i}: {name} is not a parameter"
            lints.append(Lint(marks.at(("constraints", i)), message, True))
    for i, check in enumerate(spec.expect):
        tree = parse_expression(check.check, CHECK_FUNCTIONS)
        mark = marks.at(("expect", i, "check"))
        for name in sorted(names_in(tree) - actors - set(spec.params)):
            message = f"expect.{i}.check: {name} is neither an actor nor a parameter"
            lints.append(Lint(mark, message, True))
        for name in sorted(actors_in(tree) - actors - (names_in(tree) - set(spec.params))):
            message = f"expect.{i}.check: {name} stands where an actor is expected"
            lints.append(Lint(mark, message, True))
    return lints


def _actors(spec: ScenarioSpec, marks: Marks) -> list[Lint]:
    lints = []
    for name, actor in spec.actors.items():
        path: NodePath = ("actors", name)
        if name == "ego":
            lints.append(Lint(marks.at(path, key=True), "actors: ego has a block of its own", True))
        anchor = actor.at.anchor
        if anchor not in _PLACES | set(spec.actors):
            known = ", ".join(sorted(_PLACES | set(spec.actors)))
            message = f"{dotted(path)}.at.anchor: {anchor!r} is no place or actor; known: {known}"
            lints.append(Lint(marks.at((*path, "at", "anchor")), message, True))
        if actor.critical and not any(_has_encounter(b) for b in actor.behaviour):
            message = f"{dotted(path)}: a critical actor without meet is left to luck"
            lints.append(Lint(marks.at(path, key=True), message, False))
        lints += _meet_partners(spec, marks, path, actor.behaviour)
        lints += _not_modelled(marks, path, actor.behaviour)
        if actor.count > 1 and not any(b.do in _ON_A_LINE for b in actor.behaviour):
            message = f"{dotted(path)}.count: only those who cross the road can be several"
            lints.append(Lint(marks.at((*path, "count")), message, True))
    return lints


def _meet_partners(
    spec: ScenarioSpec, marks: Marks, path: NodePath, behaviours: tuple[Behaviour, ...]
) -> list[Lint]:
    lints: list[Lint] = []
    for i, behaviour in enumerate(behaviours):
        meet = getattr(behaviour, "meet", None)
        if isinstance(meet, Meet):
            lints += _nobody(spec, marks, (*path, "behaviour", i, "meet", "with"), meet.with_)
    return lints


def _not_modelled(marks: Marks, path: NodePath, behaviours: tuple[Behaviour, ...]) -> list[Lint]:
    """What may be written but changes nothing yet, said aloud."""
    lints = []
    for i, behaviour in enumerate(behaviours):
        where = (*path, "behaviour", i)
        if getattr(behaviour, "control", "path") == "tm":
            message = "scripted actors keep to their path; the Traffic Manager drives traffic only"
            lints.append(Lint(marks.at((*where, "control")), message, False))
        if isinstance(behaviour, FollowPath) and behaviour.meet is not None:
            message = (
                "the way of follow_path is not solved for; let it begin at its "
                "`when`, e.g. {tta: {below: 3 s}}, after {do: idle} if it stands before"
            )
            lints.append(Lint(marks.at((*where, "meet"), key=True), message, True))
        if getattr(behaviour, "yield_", "none") != "none":
            message = "yield is not modelled: the actor keeps its plan and brakes only by react"
            lints.append(Lint(marks.at((*where, "yield")), message, False))
        elif "critical_gap" in behaviour.model_fields_set:
            message = "critical_gap is not modelled: nobody waits for a gap"
            lints.append(Lint(marks.at((*where, "critical_gap")), message, False))
    return lints


def _has_encounter(behaviour: Behaviour) -> bool:
    following = {"cut_in", "brake", "cut_out", "swerve", "walk_along"}
    return getattr(behaviour, "meet", None) is not None or getattr(behaviour, "do", "") in following


def _named_things(spec: ScenarioSpec, marks: Marks) -> Iterator[Lint]:
    """Presets, models, profiles, props, and whom triggers wait for: each must exist."""
    yield from _known(marks, ("weather", "preset"), spec.weather.preset, PRESETS, spec)
    yield from _known(marks, ("ego", "model"), spec.ego.model, SIZES, spec)
    parties: dict[NodePath, tuple[Behaviour, ...]] = {("ego",): spec.ego.behaviour}
    for name, actor in spec.actors.items():
        path: NodePath = ("actors", name)
        parties[path] = actor.behaviour
        yield from _known(marks, (*path, "profile"), actor.profile, PROFILES, spec)
        if actor.kind != "pedestrian":
            yield from _known(marks, (*path, "model"), actor.model, SIZES, spec)
        elif actor.model is not None:
            text = f"{dotted(path)}.model: a pedestrian is chosen by its profile"
            yield Lint(marks.at((*path, "model"), key=True), text, True)
    for path, behaviours in parties.items():
        labels = {behaviour.name or behaviour.do for behaviour in behaviours}
        for i, behaviour in enumerate(behaviours):
            where = (*path, "behaviour", i)
            for key, trigger in (("when", behaviour.when), ("until", behaviour.until)):
                yield from _trigger(spec, marks, (*where, key), trigger, labels)
            if isinstance(behaviour, FollowProp):
                yield from _nobody(spec, marks, (*where, "prop"), behaviour.prop)


def _known(
    marks: Marks, path: NodePath, value: Text | None, names: Collection[str], spec: ScenarioSpec
) -> Iterator[Lint]:
    """A complaint about each text a field can be that is none of the names."""
    if isinstance(value, Reference):
        value = spec.params.get(value.name)
    options = value.options if isinstance(value, Distribution) else (value,)
    for option in options:
        if isinstance(option, str) and option not in names:
            text = f"{dotted(path)}: {option!r} is unknown; known: {', '.join(names)}"
            yield Lint(marks.at(path), text, True)


def _trigger(
    spec: ScenarioSpec, marks: Marks, path: NodePath, trigger: Trigger | None, labels: set[str]
) -> Iterator[Lint]:
    """Complaints about whom or what a trigger names."""
    if trigger is None:
        return
    for key in ("all", "any"):
        for i, part in enumerate(getattr(trigger, key) or ()):
            yield from _trigger(spec, marks, (*path, key, i), part, labels)
    for where, name in _named_by(trigger):
        yield from _nobody(spec, marks, (*path, *where), name)
    if trigger.after is not None and trigger.after not in labels:
        known = ", ".join(sorted(labels))
        text = f"{dotted(path)}.after: {trigger.after!r} is no step of this actor; known: {known}"
        yield Lint(marks.at((*path, "after")), text, True)


def _named_by(trigger: Trigger) -> Iterator[tuple[NodePath, str]]:
    """The actors of a trigger by their place in it."""
    for key in ("distance", "ttc"):
        pair = getattr(trigger, key)
        for i, name in enumerate(pair.between if pair else ()):
            yield (key, "between", i), name
    if trigger.tta is not None:
        yield ("tta", "actor"), trigger.tta.actor
    if trigger.position is not None:
        yield ("position", "actor"), trigger.position.actor
    if trigger.signal is not None:
        yield ("signal", "of"), trigger.signal.of
    if trigger.sync is not None:
        yield ("sync", "with"), trigger.sync.with_


def _nobody(spec: ScenarioSpec, marks: Marks, path: NodePath, name: str) -> Iterator[Lint]:
    if name not in {"ego", *spec.actors}:
        yield Lint(marks.at(path), f"{dotted(path)}: no actor {name!r}", True)


def dotted(path: NodePath) -> str:
    """A path as messages write it."""
    return ".".join(str(p) for p in path)
