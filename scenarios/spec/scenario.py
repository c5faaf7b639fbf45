"""A scenario file as a whole, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from scenarios.distributions import (
    DISTRIBUTION_PLACEHOLDER,
    DISTRIBUTION_SCHEMA,
    Distribution,
    Quantity,
    Reference,
    Time,
)
from scenarios.expressions import CheckExpression, Constraint
from scenarios.spec.actors import Actor, Ego
from scenarios.spec.bounds import Name, Parameter, Share, Soon, Strict
from scenarios.spec.roads import RoadQuery
from scenarios.spec.surroundings import Traffic, Weather
from scenarios.within import Within


class Expectation(Strict):
    """What must be true of a finished clip, and what happens otherwise."""

    name: Name | None = None
    check: CheckExpression
    else_: Literal["reject", "flag"] = Field("reject", alias="else")


class Window(Strict):
    """The record window: the planned conflict falls at this share of it."""

    conflict_at: Share = 0.6


class Sampling(Strict):
    """How values are spread over the slots of a data set.

    `usual_trigger` is the yardstick: no pre-screen, and `meet` replaced by the fixed speed and time
    to arrival that others use (2.0 m/s and 2.1 s, ScenarioRunner DynamicObjectCrossing).
    """

    method: Literal["random", "sobol", "grid", "pairwise", "criticality", "usual_trigger"] = (
        "random"
    )
    target: Literal["near_miss", "mild", "natural", "contact", "any"] = "near_miss"
    budget: Annotated[int, Field(ge=1, le=4096)] = 64


def _unique(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) != len(tags):
        raise ValueError("a tag stands twice")
    return tags


class ScenarioSpec(Strict):
    """A scenario as written."""

    schema_: Literal["synthgen/scenario@1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: tuple[str, ...] = ()
    tags: Annotated[tuple[Name, ...], AfterValidator(_unique)] = ()
    extends: str | None = None
    include: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    duration: Annotated[Time, Within(0.5, 3600.0, "s")] = 8.0
    warmup: Soon = 1.0
    record: Window = Window()
    params: dict[Name, Parameter] = Field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    where: RoadQuery
    ego: Ego
    actors: dict[Name, Actor] = Field(default_factory=dict, max_length=40)
    weather: Weather = Weather()
    traffic: Traffic = Traffic()
    expect: tuple[Expectation, ...] = ()
    sampling: Sampling = Sampling()


def json_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a scenario file, for editors and other programs."""
    schema = ScenarioSpec.model_json_schema(by_alias=True)
    schema["$defs"]["Distribution"] = DISTRIBUTION_SCHEMA
    resolved = _resolved(schema)
    assert isinstance(resolved, dict)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **resolved}


def _resolved(node: object) -> object:
    """The schema with references in place of the placeholders."""
    if node == DISTRIBUTION_PLACEHOLDER:
        return {"$ref": "#/$defs/Distribution"}
    if isinstance(node, dict):
        return {key: _resolved(value) for key, value in node.items()}
    return [_resolved(value) for value in node] if isinstance(node, list) else node


_BRANCHES = (Reference, Distribution, Strict, dict, tuple)


def quantities(
    part: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Quantity | str]]:
    """Every reference and distribution below `part`, with its path in the file's names."""
    if isinstance(part, Reference | Distribution):
        yield path, part
        return
    for key, item in _items(part):
        if isinstance(item, _BRANCHES):
            yield from quantities(item, (*path, key))


def _items(part: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(part, Strict):
        return [(key, getattr(part, name)) for name, key in _fields(type(part))]
    if isinstance(part, dict):
        return part.items()
    return enumerate(part) if isinstance(part, tuple) else ()


@cache
def _fields(part: type[Strict]) -> list[tuple[str, str]]:
    """The fields of a part of the schema: here and in the file."""
    return [(name, field.alias or name) for name, field in part.model_fields.items()]
