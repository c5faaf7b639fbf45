"""Quantities with units, and the distributions that may stand wherever a quantity may.

A quantity in YAML is text with a unit (`"40 km/h"`), a `$parameter`, or a distribution of such.
Everything is SI after loading: m/s, m, s, rad, m/s2, 1, 1/km.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

F64 = NDArray[np.float64]

UNITS: dict[str, dict[str, float]] = {
    "speed": {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704},
    "length": {"m": 1.0, "cm": 0.01, "km": 1000.0},
    "time": {"s": 1.0, "ms": 0.001},
    "angle": {"deg": math.pi / 180, "rad": 1.0},
    "acceleration": {"m/s2": 1.0, "g": 9.80665},
    "ratio": {"%": 0.01, "": 1.0},
    "density": {"/km": 1.0},
}
_UNIT_DIMENSION = {unit: dimension for dimension, units in UNITS.items() for unit in units if unit}
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*([a-z/%]*[a-z0-9/%]*)\s*")
_REFERENCE = re.compile(r"\$([a-z_][a-z0-9_]*)")
_KINDS = ("uniform", "normal", "lognormal", "choice", "grid")
_KEYS = {
    "normal": ("mean", "sd", "min", "max"),
    "lognormal": ("median", "sigma", "min", "max"),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """`$name`: the value drawn for a parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """A range of values in SI units, or a choice among texts (dimension `text`).

    `numbers`: uniform (low, high); normal (mean, sd, min, max), truncated; lognormal (median,
    sigma, min, max), truncated. `options` and `weights`: choice and grid.
    """

    kind: str
    dimension: str
    numbers: tuple[float, ...] = ()
    options: tuple[float | str | bool, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def is_categorical(self) -> bool:
        """True for a choice or a grid."""
        return self.kind in ("choice", "grid")

    def quantile(self, u: F64) -> NDArray[np.generic]:
        """Values at probabilities `u` (N,), each in [0, 1): float64 (N,), or object for texts."""
        if self.is_categorical:
            edges = np.cumsum(self.weights) / np.sum(self.weights)
            chosen = np.minimum(np.searchsorted(edges, u, side="right"), len(self.options) - 1)
            dtype = object if self.dimension == "text" else np.float64
            return np.array(self.options, dtype=dtype)[chosen]
        if self.kind == "uniform":
            low, high = self.numbers
            return low + (high - low) * np.asarray(u, dtype=np.float64)
        middle, spread, low, high = self.numbers
        if self.kind == "normal":
            return _truncated_normal(u, middle, spread, low, high)
        log = _truncated_normal(u, math.log(middle), spread, math.log(low), math.log(high))
        return np.clip(np.exp(log), low, high)

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest possible value; only for numbers."""
        if self.is_categorical:
            numbers = [float(o) for o in self.options]
            return min(numbers), max(numbers)
        return self.numbers[-2], self.numbers[-1]


# Pydantic cannot resolve a reference to a definition of ours; `json_schema` puts it in afterwards.
DISTRIBUTION_PLACEHOLDER = {"title": "a distribution"}

# The quantiles 0 and 1 of a normal distribution are infinite.
_TINY = 1e-16
Quantity = float | Reference | Distribution
Text = str | Reference | Distribution
Option = float | str | bool


def _truncated_normal(u: F64, mean: float, sd: float, low: float, high: float) -> F64:
    # The standard library's: importing SciPy takes longer than checking a scenario file.
    normal = NormalDist(mean, sd)
    below, above = normal.cdf(low), normal.cdf(high)
    shares = np.clip(below + u * (above - below), _TINY, 1.0 - _TINY)
    values = np.array([normal.inv_cdf(share) for share in shares.ravel().tolist()])
    clipped: F64 = np.clip(values.reshape(shares.shape), low, high)
    return clipped


def parse_scalar(value: object, dimension: str) -> float:
    """A quantity of one dimension in SI units; raises ValueError saying what was expected."""
    units = UNITS[dimension]
    named = ", ".join(unit for unit in units if unit)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected {_article(dimension)} with a unit ({named})")
    if isinstance(value, int | float):
        if dimension == "ratio":
            return float(value)
        first = next(iter(units))
        raise ValueError(f'{_article(dimension)} needs a unit ({named}), e.g. "{value:g} {first}"')
    match = _QUANTITY.fullmatch(value)
    if match is None or match[2] not in units:
        raise ValueError(
            f"{value!r} is not {_article(dimension)}; write a number and one of: {named}"
        )
    number = float(match[1]) * units[match[2]]
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def parse_quantity(value: object, dimension: str) -> Quantity:
    """A quantity, a `$parameter` or a distribution of one dimension."""
    if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        return Reference(match[1])
    if isinstance(value, dict):
        return parse_distribution(value, dimension)
    return parse_scalar(value, dimension)


def parse_text(value: object) -> Text:
    """A text, a `$parameter` or a choice among texts."""
    if isinstance(value, str):
        match = _REFERENCE.fullmatch(value)
        return Reference(match[1]) if match else value
    if isinstance(value, dict):
        return parse_distribution(value, "text")
    raise ValueError("expected text, a $parameter or {choice: [...]}")


def parse_parameter(value: object) -> Distribution:
    """A `params` entry; its dimension is read off its units. A single value is a grid of one."""
    if not isinstance(value, dict):
        dimension = dimension_of(value)
        return Distribution("grid", dimension, (), (_option(value, dimension),), (1.0,))
    return parse_distribution(value, None)


def dimension_of(value: object) -> str:
    """Dimension of a bare value by its unit: `ratio` without one, `text` if it is no number."""
    if isinstance(value, int | float):
        return "ratio"
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        if match is None:
            return "text"
        if match[2] in _UNIT_DIMENSION:
            return _UNIT_DIMENSION[match[2]]
        return "text" if match[2] else "ratio"
    raise ValueError("expected a number with a unit, or text")


def parse_distribution(value: dict[str, object], dimension: str | None) -> Distribution:
    """A distribution; with `dimension` None it is read off the first value's unit."""
    kinds = [kind for kind in _KINDS if kind in value]
    if len(kinds) != 1:
        raise ValueError(f"a distribution has exactly one of {', '.join(_KINDS)}")
    kind = kinds[0]
    unknown = set(value) - {kind} - ({"weights"} if kind == "choice" else set())
    if unknown:
        raise ValueError(f"{kind} has no field {sorted(unknown)[0]!r}")
    body = value[kind]
    if kind in ("choice", "grid"):
        return _options(kind, body, value.get("weights"), dimension)
    if kind == "uniform":
        if not isinstance(body, list) or len(body) != 2:
            raise ValueError("uniform is a list of two: [low, high]")
        parts = body
    else:
        keys = _KEYS[kind]
        if not isinstance(body, dict) or set(body) != set(keys):
            raise ValueError(f"{kind} is always truncated: give {', '.join(keys)}")
        parts = [body[key] for key in keys]
    return _continuous(kind, parts, dimension)


def _continuous(kind: str, parts: list[object], dimension: str | None) -> Distribution:
    found = dimension or dimension_of(parts[0])
    if found == "text":
        raise ValueError(f"{parts[0]!r} is not a number with a unit")
    numbers = [
        parse_scalar(part, "ratio" if kind == "lognormal" and i == 1 else found)
        for i, part in enumerate(parts)
    ]
    if kind == "uniform":
        ordered = numbers[0] <= numbers[1]
    else:
        ordered = numbers[2] < numbers[3] and numbers[1] > 0
        if kind == "lognormal" and numbers[2] <= 0:
            raise ValueError("lognormal needs min above 0")
    if not ordered:
        raise ValueError(f"{kind}: low must not be above high, and the spread must be above 0")
    return Distribution(kind, found, tuple(numbers))


def _options(kind: str, body: object, weights: object, dimension: str | None) -> Distribution:
    if not isinstance(body, list) or not body:
        raise ValueError(f"{kind} is a list of at least one value")
    found = dimension or dimension_of(body[0])
    options = tuple(_option(item, found) for item in body)
    if weights is None:
        return Distribution(kind, found, (), options, (1.0,) * len(options))
    numbers = [
        float(w)
        for w in (weights if isinstance(weights, list) else [])
        if isinstance(w, int | float) and not isinstance(w, bool) and w >= 0
    ]
    if len(numbers) != len(options) or sum(numbers) <= 0:
        raise ValueError(f"weights: expected {len(options)} numbers of at least 0, one a choice")
    return Distribution(kind, found, (), options, tuple(numbers))


def _option(value: object, dimension: str) -> Option:
    if dimension != "text":
        return parse_scalar(value, dimension)
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {value!r}")
    return value


def _article(dimension: str) -> str:
    return f"{'an' if dimension[0] in 'aeiou' else 'a'} {dimension}"


def _schema(dimension: str) -> dict[str, object]:
    units = "|".join(re.escape(unit) for unit in UNITS[dimension])
    options: list[dict[str, object]] = [
        {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*({units})\s*$"},
        {"type": "string", "pattern": f"^{_REFERENCE.pattern}$"},
        dict(DISTRIBUTION_PLACEHOLDER),
    ]
    if dimension == "ratio":
        options.insert(0, {"type": "number"})
    return {"description": f"{dimension} with a unit, $parameter or distribution", "anyOf": options}


def _to_text(value: object) -> object:
    return repr(value)


def _of(dimension: str) -> Callable[[object], Quantity]:
    def parse(value: object) -> Quantity:
        # Defaults and already parsed values pass through.
        return (
            value
            if isinstance(value, Reference | Distribution)
            else parse_quantity(value, dimension)
        )

    parse.__name__ = dimension
    return parse


def _field(dimension: str) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(_of(dimension)), WithJsonSchema(_schema(dimension))


Speed = Annotated[Quantity, *_field("speed"), PlainSerializer(_to_text)]
Length = Annotated[Quantity, *_field("length"), PlainSerializer(_to_text)]
Time = Annotated[Quantity, *_field("time"), PlainSerializer(_to_text)]
Angle = Annotated[Quantity, *_field("angle"), PlainSerializer(_to_text)]
Acceleration = Annotated[Quantity, *_field("acceleration"), PlainSerializer(_to_text)]
Ratio = Annotated[Quantity, *_field("ratio"), PlainSerializer(_to_text)]
Density = Annotated[Quantity, *_field("density"), PlainSerializer(_to_text)]
Choice = Annotated[
    Text,
    PlainValidator(parse_text),
    PlainSerializer(_to_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, dict(DISTRIBUTION_PLACEHOLDER)]}),
]

DISTRIBUTION_SCHEMA: dict[str, object] = {
    "type": "object",
    "description": "uniform: [low, high] | normal: {mean, sd, min, max} | "
    "lognormal: {median, sigma, min, max} | choice: [...], weights: [...] | grid: [...]",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "uniform": {"type": "array", "minItems": 2, "maxItems": 2},
        "normal": {"type": "object", "required": list(_KEYS["normal"])},
        "lognormal": {"type": "object", "required": list(_KEYS["lognormal"])},
        "choice": {"type": "array", "minItems": 1},
        "weights": {"type": "array", "items": {"type": "number", "minimum": 0}},
        "grid": {"type": "array", "minItems": 1},
    },
}
