"""Scenario files to validated specs; every complaint names file, line and column."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from scenarios.distributions import Distribution, Reference
from scenarios.expressions import (
    CHECK_FUNCTIONS,
    CONSTRAINT_FUNCTIONS,
    names_in,
    parse_expression,
)
from scenarios.spec import Behaviour, Meet, ScenarioSpec, quantities
from synthgen.datatypes.strict_yaml import Mark, Marks, Node, NodePath, load_yaml_strict, validate
from synthgen.errors import ConfigError

logger = logging.getLogger(__name__)

MAX_EXTENDS = 3
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


def load_scenario(path: str | Path) -> ScenarioSpec:
    """The scenario in a file, its `extends` and `include` merged.

    Raises:
        ConfigError: `file:line:column: field: message`, one line per fault.
    """
    spec, lints = check_scenario(path)
    errors = [str(lint) for lint in lints if lint.is_error]
    if errors:
        raise ConfigError("\n".join(errors))
    for lint in lints:
        logger.warning("%s", lint)
    return spec


def check_scenario(path: str | Path) -> tuple[ScenarioSpec, list[Lint]]:
    """The scenario in a file and all that is odd about it; a file that breaks the schema raises."""
    document, marks = _merged(Path(path), ())
    spec = validate(document, marks, ScenarioSpec)
    lints = [*_references(spec, marks), *_expressions(spec, marks), *_actors(spec, marks)]
    lints += _not_modelled(marks, ("ego",), spec.ego.behaviour)
    return spec, sorted(lints, key=lambda x: (x.mark.file, x.mark.line, x.mark.column))


def _merged(path: Path, chain: tuple[Path, ...]) -> tuple[dict[str, Node], Marks]:
    document, marks = load_yaml_strict(path)
    parents: list[tuple[NodePath, Node]] = [(("extends",), document.get("extends"))]
    included = document.get("include")
    if isinstance(included, list):
        parents += [(("include", i), item) for i, item in enumerate(included)]
    chain = (*chain, path.resolve())
    merged: dict[str, Node] = {}
    keys: dict[NodePath, Mark] = {}
    values: dict[NodePath, Mark] = {}
    for where, parent in parents:
        if not isinstance(parent, str):
            continue
        target = path.parent / parent
        _check_chain(target, chain, marks.at(where))
        below, below_marks = _merged(target, chain)
        _merge(merged, below, ())
        keys.update(below_marks.keys)
        values.update(below_marks.values)
    _merge(merged, document, ())
    keys.update(marks.keys)
    values.update(marks.values)
    return _without_plus(merged), Marks(marks.file, _plain(keys), _plain(values))


def _check_chain(target: Path, chain: tuple[Path, ...], mark: Mark) -> None:
    names = " -> ".join(p.name for p in (*chain, target))
    if target.resolve() in chain:
        raise ConfigError(f"{mark}: extends: a loop: {names}")
    if len(chain) > MAX_EXTENDS:
        raise ConfigError(f"{mark}: extends: deeper than {MAX_EXTENDS}: {names}")
    if not target.is_file():
        raise ConfigError(f"{mark}: extends: no such file: {target}")


def _merge(base: dict[str, Node], over: dict[str, Node], path: NodePath) -> None:
    """Maps are merged, lists replaced, `+key` lists appended, the child's `schema` must agree."""
    for key, value in over.items():
        plain = key.removeprefix("+")
        old = base.get(plain)
        if key != plain and isinstance(old, list) and isinstance(value, list):
            base[plain] = [*old, *value]
        elif isinstance(old, dict) and isinstance(value, dict) and not _is_distribution(value):
            merged = dict(old)
            _merge(merged, value, (*path, plain))
            base[plain] = merged
        else:
            base[plain] = value


def _is_distribution(value: dict[str, Node]) -> bool:
    return bool({"uniform", "normal", "lognormal", "choice", "grid"} & set(value))


def _without_plus(document: dict[str, Node]) -> dict[str, Node]:
    return {key.removeprefix("+"): value for key, value in document.items()}


def _plain(marks: dict[NodePath, Mark]) -> dict[NodePath, Mark]:
    return {
        tuple(p.removeprefix("+") if isinstance(p, str) else p for p in path): mark
        for path, mark in marks.items()
    }


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
    return lints + _dimensions(spec, marks)


def _dimensions(spec: ScenarioSpec, marks: Marks) -> list[Lint]:
    """A parameter must have the dimension of the field it stands in."""
    lints = []
    for path, value in quantities(spec):
        if not isinstance(value, Reference) or value.name not in spec.params:
            continue
        found = spec.params[value.name].dimension
        wanted = _wanted_dimension(spec, path)
        if wanted is not None and wanted != found:
            text = f"{_dotted(path)}: expected a {wanted}, ${value.name} is a {found}"
            lints.append(Lint(marks.at(path), text, True))
    return lints


_FIELD_DIMENSION = {
    "speed": "speed", "rel_speed": "speed", "lateral_speed": "speed", "to": "speed",
    "angle": "angle", "heading": "angle", "sun_altitude": "angle", "sun_azimuth": "angle",
    "accel": "acceleration", "decel": "acceleration", "gap": "length", "s": "length", "t": "length",
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
        found = names_in(parse_expression(check.check, CHECK_FUNCTIONS))
        for name in sorted(found - actors - set(spec.params)):
            message = f"expect.{i}.check: {name} is neither an actor nor a parameter"
            lints.append(Lint(marks.at(("expect", i, "check")), message, True))
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
            message = f"{_dotted(path)}.at.anchor: {anchor!r} is no place or actor; known: {known}"
            lints.append(Lint(marks.at((*path, "at", "anchor")), message, True))
        if actor.critical and not any(_has_encounter(b) for b in actor.behaviour):
            message = f"{_dotted(path)}: a critical actor without meet is left to luck"
            lints.append(Lint(marks.at(path, key=True), message, False))
        lints += _meet_partners(spec, marks, path, actor.behaviour)
        lints += _not_modelled(marks, path, actor.behaviour)
        if actor.count > 1 and not any(b.do in _ON_A_LINE for b in actor.behaviour):
            message = f"{_dotted(path)}.count: only those who cross the road can be several"
            lints.append(Lint(marks.at((*path, "count")), message, True))
    return lints


def _meet_partners(
    spec: ScenarioSpec, marks: Marks, path: NodePath, behaviours: tuple[Behaviour, ...]
) -> list[Lint]:
    lints = []
    for i, behaviour in enumerate(behaviours):
        meet = getattr(behaviour, "meet", None)
        where = (*path, "behaviour", i, "meet", "with")
        if isinstance(meet, Meet) and meet.with_ not in {"ego", *spec.actors}:
            message = f"{_dotted(where)}: no actor {meet.with_!r}"
            lints.append(Lint(marks.at(where), message, True))
    return lints


def _not_modelled(marks: Marks, path: NodePath, behaviours: tuple[Behaviour, ...]) -> list[Lint]:
    """What may be written but changes nothing yet, said aloud."""
    lints = []
    for i, behaviour in enumerate(behaviours):
        where = (*path, "behaviour", i)
        if getattr(behaviour, "control", "path") == "tm":
            message = "scripted actors keep to their path; the Traffic Manager drives traffic only"
            lints.append(Lint(marks.at((*where, "control")), message, False))
        if getattr(behaviour, "yield_", "none") != "none":
            message = "yield is not modelled: the actor keeps its plan and brakes only by react"
            lints.append(Lint(marks.at((*where, "yield")), message, False))
    return lints


def _has_encounter(behaviour: Behaviour) -> bool:
    following = {"cut_in", "brake", "cut_out", "swerve", "walk_along"}
    return getattr(behaviour, "meet", None) is not None or getattr(behaviour, "do", "") in following


def _dotted(path: NodePath) -> str:
    return ".".join(str(p) for p in path)


def distributions_of(spec: ScenarioSpec) -> dict[str, Distribution]:
    """Every random value of a scenario by its stream name: parameters, then inline ones by path."""
    named = dict(spec.params)
    for path, value in quantities(spec):
        if isinstance(value, Distribution) and path[0] != "params":
            named[_dotted(path)] = value
    return named
