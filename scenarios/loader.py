"""Scenario files to validated specs; every complaint names file, line and column."""

from __future__ import annotations

import logging
from pathlib import Path

from scenarios.distributions import Distribution
from scenarios.lint import Lint, dotted, lints_of
from scenarios.spec import ScenarioSpec, quantities
from synthgen.datatypes.strict_yaml import Mark, Marks, Node, NodePath, load_yaml_strict, validate
from synthgen.errors import ConfigError

logger = logging.getLogger(__name__)

MAX_EXTENDS = 3


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
    return spec, lints_of(spec, marks)


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


def distributions_of(spec: ScenarioSpec) -> dict[str, Distribution]:
    """Every random value of a scenario by its stream name: parameters, then inline ones by path."""
    named = dict(spec.params)
    for path, value in quantities(spec):
        if isinstance(value, Distribution) and path[0] != "params":
            named[dotted(path)] = value
    return named
